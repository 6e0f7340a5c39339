"""A fixture of the tests of runs."""

import pytest

from tests.runs.grids import TINY

PROFILE = '[[grid]]\ncorpus = "embedded"\nobjective = ["ce", "lcl"]\nseed = [0, 1]\n'
PROFILE += "".join(f"{name} = {value!r}\n" for name, value in TINY.items())


@pytest.fixture
def profile(own_folders, tmp_path):
    """The path of a small profile, with runs and frozen results in the test's own folder."""
    path = tmp_path / "small.toml"
    path.write_text(PROFILE)
    return str(path)
