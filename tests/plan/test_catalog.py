"""The catalogue: facts that hold together, and with the raw files' own list where it is there."""

import csv
import dataclasses
from pathlib import Path

import pytest

from lclstudy.corpora.formats import READERS
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec

CLASSES = {
    "empathetic_dialogues": 32, "goemotions": 27, "isear": 7, "emoint": 4, "sst5": 5, "sst2": 2, "ag_news": 4,
    "twitter_sentiment": 2, "parsinlu": 7, "embedded": 12,
}  # fmt: skip


def test_names_are_those_of_the_design_and_each_has_a_reader():
    assert {name: len(entry.labels) for name, entry in catalog.corpora().items()} == CLASSES
    assert {*READERS, "embedded"} == set(CLASSES), "which is a table of text and label, as of one's own"


@pytest.mark.parametrize("name", CLASSES)
def test_entry_is_complete(name):
    entry = catalog.corpora()[name]
    assert entry.title and entry.task and entry.note
    assert len(set(entry.labels)) == len(entry.labels)
    assert set(entry.counts) <= {"train", "validation", "test"}
    sources = {file.split for file in entry.files}
    assert "all" in sources or {"train", "test"} <= sources
    for file in entry.files:
        assert file.split in ("train", "validation", "test", "all", "")
        assert (file.sha256 and len(file.sha256) == 64 and file.bytes) or (file.git_blob and len(file.git_blob) == 40)
        assert file.url.startswith("https://") or name == "embedded"


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


@pytest.mark.parametrize("path", ["../outside.csv", "emoint/../../outside.csv", "/etc/outside.csv"])
def test_a_raw_file_stays_in_its_folder(path):
    with pytest.raises(StudyError, match="must stay in the folder of the raw files; given"):
        catalog.RawFile(path=path)


def test_checksum_tells_corpora_apart_and_follows_the_pins(monkeypatch):
    checksums = {name: catalog.corpus_checksum(name) for name in CLASSES}
    assert len({checksums[name] for name in CLASSES if name != "sst2"}) == len(CLASSES) - 1
    entry = catalog.corpora()["isear"]
    changed = dataclasses.replace(entry, files=(dataclasses.replace(entry.files[0], sha256="0" * 64),))
    monkeypatch.setattr(catalog, "corpora", lambda: {"isear": changed})
    assert catalog.corpus_checksum("isear") != checksums["isear"]


# Files of one's own


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\nx,y\n")
    return path


def test_checksum_of_an_own_file_is_of_its_content_and_columns(mine):
    before = catalog.corpus_checksum(str(mine))
    copy = mine.rename(mine.with_name("other.csv"))
    assert catalog.corpus_checksum(str(copy)) == before
    assert catalog.corpus_checksum(catalog.own_name(copy, "text", "label")) == before
    assert catalog.corpus_checksum(catalog.own_name(copy, "review")) != before
    copy.write_text("text,label\nx,z\n")
    assert catalog.corpus_checksum(str(copy)) != before


@pytest.mark.parametrize("columns", [("review", "mood"), ("text", "a.b/c & d=é?"), ("Text ", "label"), ("text", "label")])
def test_a_file_with_columns_of_its_own_has_a_name(mine, columns):
    name = catalog.own_name(mine, *columns)
    assert catalog.own_file(name) == (mine, *columns)
    assert Path(name).stem == "mine"
    assert make_spec(name, "ce", encoder="tiny").label() == "mine ce tiny seed 0"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("emotint", r"Unknown corpus 'emotint'.*Did you mean 'emoint'\?"),
        ("mine.json", r"or a path ending in \.csv, \.jsonl, \.parquet, \.tsv, \.xlsx"),
        ("gone.csv", "No corpus file 'gone.csv'"),
        ("gone.csv?text_column=a", "No corpus file 'gone.csv'"),
        ("gone.csv?txt_column=a", r"Unknown parameter of gone\.csv 'txt_column'.*Did you mean 'text_column'"),
    ],
)
def test_what_is_no_corpus_is_one_line(name, message):
    with pytest.raises(StudyError, match=message) as raised:
        catalog.own_file(name)
    assert "\n" not in str(raised.value)


# Encoders


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


def test_a_file_that_computes_nothing_or_another_place_is_the_same_encoder(folder):
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


def test_unknown_encoder():
    with pytest.raises(StudyError, match=r"Unknown encoder 'minilmm'.*Did you mean 'minilm'"):
        catalog.encoder("minilmm")
