"""The papers, for tests of what is quoted from them."""

import os

import pytest

from lclstudy import paths
from lclstudy.analyses.published_numbers import findings


@pytest.fixture(scope="session")
def papers():
    """The texts of the two papers by name, on one line; skips where there are none."""
    folder = paths.ROOT / (os.environ.get("LCLSTUDY_PAPERS", "").strip() or "none")
    texts = [" ".join(path.read_text("utf-8").split()) for path in sorted(folder.glob("*.txt"))]
    titles = {name: title.partition(":")[0] for name, title in findings.read()["titles"].items()}
    found = {name: text for name, title in titles.items() for text in texts if title in text[:250]}
    if set(found) != set(titles):
        pytest.skip("needs the texts of both papers: set LCLSTUDY_PAPERS to their folder")
    return found
