"""The examples run and learn."""

import pytest

from lclstudy import paths
from tests.material import module_of


@pytest.mark.parametrize("name", ["plain_loop", "trainer"])
def test_an_example_learns(name):
    losses = [float(loss) for loss in module_of(paths.ROOT / "examples" / f"{name}.py").main(25, count=10)]
    assert len(losses) == 25 and sum(losses[-5:]) < 0.9 * sum(losses[:5])
