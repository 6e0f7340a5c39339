"""`import lclstudy`: every public name, each imported when it is asked for, and with no more than it needs."""

import subprocess
import sys

import pytest

import lclstudy

LIGHT = [name for name in lclstudy._PUBLIC if lclstudy._PUBLIC[name].partition(".")[0] not in ("models", "training")]


def test_every_public_name_is_there_and_another_is_an_error_that_says_what_there_is():
    assert {*lclstudy._PUBLIC} <= {*lclstudy.__all__} & {*dir(lclstudy)}
    for name in lclstudy._PUBLIC:
        assert callable(getattr(lclstudy, name)) and getattr(lclstudy, name).__doc__
    with pytest.raises(AttributeError, match=r"no attribute 'wlech'; it has .*welch"):
        lclstudy.wlech  # noqa: B018


def test_names_that_need_no_torch_load_none():
    code = f"import sys, lclstudy; before = len(sys.modules); [getattr(lclstudy, name) for name in {LIGHT}]; "
    code += "print(before < 150, *({'torch', 'transformers', 'datasets', 'ray', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(LIGHT) > 9
    assert done.stdout.split() == ["True"]
