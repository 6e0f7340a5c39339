"""The examples run and learn."""

import pytest

from tests.material import script


@pytest.mark.parametrize("name", ["plain_loop", "trainer"])
def test_an_example_learns(name):
    losses = [float(loss) for loss in script(name, "examples").main(25, count=10)]
    assert len(losses) == 25 and sum(losses[-5:]) < 0.9 * sum(losses[:5])
