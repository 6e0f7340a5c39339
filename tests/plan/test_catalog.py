"""The catalogue: facts that hold together, and with the raw files' own list where it is there."""

import csv
import dataclasses

import pytest

from lclstudy.corpora.formats import READERS
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec

NAMES = [
    "empathetic_dialogues", "goemotions", "isear", "emoint", "sst5", "sst2", "ag_news", "twitter_sentiment", "parsinlu",
    "embedded",
]  # fmt: skip


def test_names_are_those_of_the_design_and_each_has_a_reader():
    assert list(catalog.corpora()) == NAMES
    assert set(READERS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_entry_is_complete(name):
    entry = catalog.corpora()[name]
    assert entry.title and entry.task and entry.note
    assert len(entry.labels) >= 2 and len(set(entry.labels)) == len(entry.labels)
    assert set(entry.counts) <= {"train", "validation", "test"}
    sources = {file.split for file in entry.files}
    assert "all" in sources or {"train", "test"} <= sources
    for file in entry.files:
        assert file.split in ("train", "validation", "test", "all", "")
        assert (file.sha256 and len(file.sha256) == 64 and file.bytes) or (file.git_blob and len(file.git_blob) == 40)
        assert file.url.startswith("https://") or name == "embedded"


def test_number_of_classes():
    classes = {name: len(entry.labels) for name, entry in catalog.corpora().items()}
    assert classes == dict(zip(NAMES, (32, 27, 7, 4, 5, 2, 4, 2, 7, 12), strict=True))


def test_every_raw_file_is_pinned_as_the_manifest_says(raw_data):
    if not (raw_data / "MANIFEST.tsv").is_file():
        pytest.skip("needs MANIFEST.tsv beside the raw corpora")
    with open(raw_data / "MANIFEST.tsv", encoding="utf-8", newline="") as file:
        manifest = {row["file"]: row for row in csv.DictReader(file, delimiter="\t")}
    pinned = {file.path: file for entry in catalog.corpora().values() for file in entry.files if entry.name != "embedded"}
    assert set(pinned) == set(manifest)
    for path, row in manifest.items():
        file = pinned[path]
        assert file.url == row["url"]
        if row["bytes"] == "absent":
            assert f"git blob {file.git_blob}" == row["origin_or_git_blob"]
        else:
            assert (str(file.bytes), file.sha256) == (row["bytes"], row["sha256"])


def test_goemotions_labels_are_those_of_its_own_list(raw_data):
    listed = (raw_data / "goemotions" / "labels.txt").read_text("utf-8").split()
    assert listed == [*catalog.corpora()["goemotions"].labels, "neutral"]


def test_checksum_tells_corpora_apart_and_follows_the_pins(monkeypatch):
    checksums = {name: catalog.corpus_checksum(name) for name in NAMES}
    assert len({checksums[name] for name in NAMES if name != "sst2"}) == len(NAMES) - 1
    entry = catalog.corpora()["isear"]
    changed = dataclasses.replace(entry, files=(dataclasses.replace(entry.files[0], sha256="0" * 64),))
    monkeypatch.setattr(catalog, "corpora", lambda: {"isear": changed})
    assert catalog.corpus_checksum("isear") != checksums["isear"]


def test_checksum_of_an_own_file_is_of_its_content(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("text,label\n")
    second.write_text("text,label\n")
    assert catalog.corpus_checksum(str(first)) == catalog.corpus_checksum(str(second))
    second.write_text("text,label\nx,y\n")
    assert catalog.corpus_checksum(str(first)) != catalog.corpus_checksum(str(second))


def test_unknown_corpus_names_the_nearest():
    with pytest.raises(StudyError, match=r"Unknown corpus 'emotint'.*Did you mean 'emoint'\?"):
        catalog.own_file("emotint")


def test_unknown_suffix_and_absent_file_are_told_apart(tmp_path):
    with pytest.raises(StudyError, match=r"or a path ending in \.csv, \.jsonl, \.parquet, \.tsv"):
        catalog.own_file(str(tmp_path / "mine.xlsx"))
    with pytest.raises(StudyError, match="No corpus file"):
        catalog.own_file(str(tmp_path / "mine.csv"))


def test_unknown_encoder():
    with pytest.raises(StudyError, match=r"Unknown encoder 'minilmm'.*Did you mean 'minilm'"):
        catalog.encoder("minilmm")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A local folder of electra-base, whose weights the catalogue does not pin."""
    monkeypatch.setenv("LCLSTUDY_MODELS", str(tmp_path))
    folder = tmp_path / "electra-base"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "vocab.txt", "README.md"):
        (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"])
def test_another_file_of_a_local_encoder_is_another_encoder(folder, file):
    before, identity = catalog.encoder_checksum("electra-base"), make_spec("emoint", "ce").identity()
    (folder / file).write_text("another")
    assert catalog.encoder_checksum("electra-base") != before
    assert make_spec("emoint", "ce").identity() != identity


def test_a_file_that_computes_nothing_or_another_place_is_the_same_encoder(folder, monkeypatch):
    before = catalog.encoder_checksum("electra-base")
    (folder / "README.md").write_text("another")
    folder.rename(folder.with_name("electra-base-discriminator"))  # the last part of its name on the hub
    assert catalog.encoder_checksum("electra-base") == before
    hashed = catalog._file_checksum.cache_info().misses
    assert catalog.encoder_checksum("electra-base") == before
    assert catalog._file_checksum.cache_info().misses == hashed, "files that stay are hashed once"


def test_without_a_folder_or_with_pinned_weights_an_encoder_is_its_revision(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_MODELS", str(tmp_path))
    for name in ("tiny", "minilm"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    for name, entry in catalog.encoders().items():
        assert catalog.encoder_checksum(name) == entry.revision
