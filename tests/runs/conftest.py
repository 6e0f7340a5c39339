"""Fixtures of the tests of runs: a store and a profile of the test's own."""

import pytest

from lclstudy.runs.store import RunStore
from tests.runs.grids import PROFILE


@pytest.fixture
def runs(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def profile(own_folders, tmp_path):
    """The path of a small profile, with runs and frozen results in the test's own folder."""
    path = tmp_path / "small.toml"
    path.write_text(PROFILE)
    return str(path)
