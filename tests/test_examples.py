"""The examples run and learn."""

import importlib.util

import pytest

from lclstudy import paths


@pytest.mark.parametrize("name", ["plain_loop", "trainer"])
def test_an_example_learns(name):
    file = paths.ROOT / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    losses = [float(loss) for loss in example.main(60, count=40)]
    assert len(losses) == 60 and sum(losses[-10:]) / 10 < 0.9 * sum(losses[:10]) / 10
