"""Shared fixtures. Tests that need the real files skip with a reason where they are not."""

import os

import pytest

from lclstudy import paths


@pytest.fixture
def raw_data():
    """The folder of the raw corpora; skips where there is none."""
    folder = paths.raw_data()
    if not (folder / "emoint").is_dir():
        pytest.skip("needs the raw corpora: set LCLSTUDY_DATA to their folder")
    return folder


@pytest.fixture
def minilm_folder():
    """The folder of the real MiniLM encoder; skips where there is none."""
    for name in ("minilm", "all-MiniLM-L6-v2"):
        if (paths.models() / name / "model.safetensors").is_file():
            return paths.models() / name
    pytest.skip("needs the MiniLM encoder: set LCLSTUDY_MODELS to the folder that holds all-MiniLM-L6-v2")


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory):
    """Runs and figures made by tests, and by notebooks under nbval, go to a folder of their own, never into the tracked tree."""
    folder = tmp_path_factory.mktemp("study")
    saved = {name: os.environ.get(name) for name in ("LCLSTUDY_RUNS", "LCLSTUDY_FIGURES")}
    os.environ["LCLSTUDY_RUNS"] = str(folder / "runs")
    os.environ["LCLSTUDY_FIGURES"] = str(folder / "figures")
    yield
    for name, value in saved.items():
        os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
