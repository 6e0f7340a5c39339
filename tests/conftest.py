"""Shared fixtures. Tests that need the real files skip with a reason where they are not."""

import os

import matplotlib.pyplot as plt
import pytest

from lclstudy import paths
from lclstudy.runs.store import RunStore


@pytest.fixture(autouse=True)
def _closed():
    """No figure outlives its test."""
    yield
    plt.close("all")


@pytest.fixture
def own_folders(tmp_path, monkeypatch):
    """Runs, frozen results and what is built, in folders of the test's own, here and in processes that it starts."""
    for name in ("RUNS", "RESULTS", "BUILD"):
        monkeypatch.setenv(f"LCLSTUDY_{name}", str(tmp_path / name.lower()))


@pytest.fixture
def runs(tmp_path):
    """A store of the test's own, where `own_folders` has it."""
    return RunStore(tmp_path / "runs")


@pytest.fixture(scope="session")
def raw_data():
    """The folder of the raw corpora; skips where there is none."""
    folder = paths.raw_data()
    if not (folder / "emoint").is_dir():
        pytest.skip("needs the raw corpora: set LCLSTUDY_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def papers():
    """The texts of the two papers by name; skips where there are none."""
    folder = paths.ROOT / (os.environ.get("LCLSTUDY_PAPERS", "").strip() or "none")
    texts = [path.read_text("utf-8") for path in sorted(folder.glob("*.txt"))]
    titles = {"suresh2021": "Not All Negatives are Equal", "modarres": "Happy is Farther From Sad Than Joyful"}
    found = {name: text for name, title in titles.items() for text in texts if title in text.lstrip()[:200]}
    if set(found) != set(titles):
        pytest.skip("needs the texts of both papers: set LCLSTUDY_PAPERS to their folder")
    return found


@pytest.fixture
def minilm_folder():
    """The folder of the real MiniLM encoder; skips where there is none."""
    for name in ("minilm", "all-MiniLM-L6-v2"):
        if (paths.models() / name / "model.safetensors").is_file():
            return paths.models() / name
    pytest.skip("needs the MiniLM encoder: set LCLSTUDY_MODELS to the folder that holds all-MiniLM-L6-v2")
