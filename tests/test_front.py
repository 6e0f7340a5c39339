"""`import lclstudy`: every public name, each imported when it is asked for, and with no more than it needs."""

import subprocess
import sys

import pytest

import lclstudy

LIGHT = [name for name in lclstudy._PUBLIC if lclstudy._PUBLIC[name].partition(".")[0] not in ("models", "training")]


@pytest.mark.parametrize("name", lclstudy._PUBLIC)
def test_every_public_name_is_there(name):
    assert callable(getattr(lclstudy, name)) and getattr(lclstudy, name).__doc__
    assert name in dir(lclstudy) and name in lclstudy.__all__


def test_names_that_need_no_torch_load_none():
    code = f"import sys, lclstudy; before = len(sys.modules); [getattr(lclstudy, name) for name in {LIGHT}]; "
    code += "print(before < 150, *({'torch', 'transformers', 'datasets', 'ray', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(LIGHT) > 9
    assert done.stdout.split() == ["True"]


def test_names_of_losses_and_a_short_session():
    import torch

    features = torch.nn.functional.normalize(torch.eye(4)[[0, 1, 0, 1]] + 0.1, dim=1)
    assert lclstudy.supervised_contrastive(features, torch.tensor([0, 1, 0, 1]), 0.3) > 0
    assert lclstudy.load_profile("quick").specs()[0] == lclstudy.make_spec(
        "embedded", "ce", encoder="tiny", learning_rate=1e-3, max_length=64
    )


def test_another_name_is_an_error_that_says_what_there_is():
    with pytest.raises(AttributeError, match=r"no attribute 'wlech'; it has .*welch"):
        lclstudy.wlech  # noqa: B018
