"""Fixtures of the tests of runs: a store and a profile of the test's own."""

import pytest

from lclstudy import paths
from lclstudy.runs.store import RunStore
from tests.runs.grids import PROFILE


@pytest.fixture
def runs(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """The path of a small profile, with runs and frozen results in the test's own folder."""
    monkeypatch.setenv("LCLSTUDY_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(paths, "results", lambda name: tmp_path / "results" / name)
    monkeypatch.setattr(paths, "build", lambda name: tmp_path / "build" / name)
    path = tmp_path / "small.toml"
    path.write_text(PROFILE)
    return str(path)
