"""What made a figure or a table: hashes, relative paths, and errors that can be mended."""

import hashlib

import pytest

from lclstudy import __version__, paths
from lclstudy.errors import StudyError
from lclstudy.show import provenance
from tests.material import refused


def test_inputs_are_hashed_under_relative_paths():
    found = provenance.describe("01_corpora", ["pyproject.toml", paths.ROOT / "data" / "published" / "numbers.csv"])
    assert list(found["inputs"]) == ["data/published/numbers.csv", "pyproject.toml"]
    assert found["inputs"]["pyproject.toml"] == hashlib.sha256((paths.ROOT / "pyproject.toml").read_bytes()).hexdigest()
    assert found["notebook"] == "01_corpora" and found["versions"]["lclstudy"] == __version__
    assert set(found["versions"]) == {"lclstudy", "python", "numpy", "pandas", "matplotlib", "seaborn"}


def test_a_folder_stands_for_its_files_but_not_for_half_written_ones(tmp_path):
    folder = tmp_path / "results" / "quick"
    folder.mkdir(parents=True)
    found = []
    for name in ("one.npz", ".two.npz.01234567.part", "two.npz"):
        (folder / name).write_text("a")
        found.append(provenance.describe("n", [folder])["inputs"])
    assert list(found[0]) == ["results/quick"]
    assert found[0] == found[1] != found[2]
    (tmp_path / "empty").mkdir()
    for missing in ("gone.csv", "empty"):
        with refused("No input", missing):
            provenance.describe("n", [tmp_path / missing])


def test_a_disk_that_refuses_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="Could not write"):
        provenance.write(tmp_path / "file", {"a.md": b""}, {}, "a.json")
