"""The catalogue: facts that hold together, and with the raw files' own list where it is there; and names as shown of them."""

import hashlib
import os
from dataclasses import fields

import pandas as pd
import pytest

from lclstudy.corpora.formats import FORMATS
from lclstudy.plan import catalog, names
from lclstudy.plan.spec import Protocol, RunSpec, make_spec
from tests.material import refused


def test_entries_are_complete_and_their_checksums_differ():
    assert {*catalog.corpora()} == {*FORMATS, "embedded"}, "which is a table, as of one's own"
    for name, entry in catalog.corpora().items():
        assert entry.title and entry.task and entry.note
        assert len(set(entry.labels)) == len(entry.labels)
        sources = {file.split for file in entry.files}
        assert "all" in sources or {"train", "test"} <= sources
        assert {*entry.counts, *sources} <= {"train", "validation", "test", "all", ""}
        for file in entry.files:
            assert (file.sha256 and len(file.sha256) == 64 and file.bytes) or (file.git_blob and len(file.git_blob) == 40)
            assert file.url.startswith("https://") or name == "embedded"
    splits = [(file.split, file.path.removeprefix("parsinlu/")[:5]) for file in catalog.corpora()["parsinlu"].files]
    assert splits[-2:] == [("test", "movie"), ("", "food_")], "trained on both domains, tested on films"
    assert splits[:4] == [(split, domain) for split in ("train", "validation") for domain in ("movie", "food_")]
    checksums = [catalog.corpus_checksum(name) for name in catalog.corpora()]
    assert len({*checksums}) == len(checksums) - 1, "SST-2 and SST-5 are of one file"


def test_labels_are_numbered_and_raw_files_pinned_as_their_own_lists_say(raw_data):
    listed = (raw_data / "goemotions" / "labels.txt").read_text("utf-8").split()
    assert listed == [*catalog.corpora()["goemotions"].labels, "neutral"]
    if not (raw_data / "MANIFEST.tsv").is_file():
        pytest.skip("needs MANIFEST.tsv beside the raw corpora")
    manifest = pd.read_csv(raw_data / "MANIFEST.tsv", sep="\t", dtype=str).set_index("file").to_dict("index")
    pinned = {file.path: file for entry in catalog.corpora().values() for file in entry.files if entry.name != "embedded"}
    assert {path: file.url for path, file in pinned.items()} == {path: row["url"] for path, row in manifest.items()}
    for path, row in manifest.items():
        if row["bytes"] == "absent":
            assert f"git blob {pinned[path].git_blob}" == row["origin_or_git_blob"]
        else:
            assert (str(pinned[path].bytes), pinned[path].sha256) == (row["bytes"], row["sha256"])


@pytest.mark.parametrize("path", ["../other.csv", "mine/../../other.csv", "/etc/other.csv", "..\\other.csv", "C:/other.csv"])
def test_a_file_outside_the_raw_data_is_refused(path):
    with refused("Corpus 'mine' has a file outside data/raw, ", "other.csv"):
        catalog.corpus_entry("mine", ["a", "b"], [{"path": "mine/first.csv"}, {"path": path}])


@pytest.mark.parametrize("columns", [("text", "a.b/c & d=é?"), ("Text ", "label"), ("text", "label")])
def test_a_file_of_ones_own_is_named_with_its_columns_and_hashed_again_when_size_or_time_has_changed(tmp_path, columns):
    mine = tmp_path / "mine.csv"
    mine.write_text("text,label\nx,y\n")
    name, time = catalog.own_name(mine, *columns), mine.stat().st_mtime_ns
    assert catalog.own_file(name) == (mine, *columns)
    assert make_spec(name, "ce", encoder="tiny").label() == "mine ce tiny seed 0"
    added = "" if columns == ("text", "label") else "\n".join(["", *columns])
    before = hashlib.sha256(f"text,label\nx,y\n{added}".encode()).hexdigest()
    assert catalog.corpus_checksum(name) == before
    mine.write_text("text,label\ny,x\n")
    os.utime(mine, ns=(time, time))
    assert catalog.corpus_checksum(name) == before, "it was not read"
    os.utime(mine, ns=(time, time + 1))
    assert catalog.corpus_checksum(name) != before


@pytest.mark.parametrize(("name", "message"), [
    ("emotint", "Unknown corpus 'emotint'... Did you mean 'emoint'?"),
    ("mine.json", "or a path ending in .csv, .jsonl, .parquet, .tsv, .xlsx"),
    (".csv", "Unknown corpus '.csv'"),
    ("", "Unknown corpus ''"),
    ("gone.csv", "No corpus file 'gone.csv'"),
    ("folder.csv", "No corpus file 'folder.csv'"),
    ("gone.csv?txt_column=a", "Unknown parameter of gone.csv 'txt_column'... Did you mean 'text_column'"),
    ("gone.csv?text_column=", "text_column of gone.csv is empty"),
    ("a_column=b.csv", "No corpus file 'a_column=b.csv'"),
])  # fmt: skip
def test_what_is_no_corpus_is_one_line(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "mine.json").write_text("[]")
    with refused(*message.split("...")):
        catalog.own_file(name)


def test_a_short_name_stays_as_it_is():
    given = ("emoint", "a/news.2023.csv?label_column=b", "news.2023", "a_column=b.csv", "a.csv.xlsx")
    assert [catalog.short_name(name) for name in given] == ["emoint", "news.2023", "news.2023", "a_column=b", "a"]


def test_an_encoder_is_its_revision_and_without_pinned_weights_the_files_of_a_local_folder_too(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_MODELS", str(tmp_path))
    for folder in (tmp_path / "minilm", tmp_path / "other"):  # the weights of the first are pinned
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    for name, entry in catalog.encoders().items():
        assert catalog.encoder_checksum(name) == entry.revision
    folder = folder.rename(tmp_path / "electra-base")
    deciding = ("config.json", "model.safetensors", "tokenizer.json", "vocab.txt")
    for name in deciding:
        (folder / name).write_text(name)
    before, identity = catalog.encoder_checksum("electra-base"), make_spec("emoint", "ce").identity()
    (folder / "README.md").write_text("computes nothing")
    folder = folder.rename(folder.with_name("electra-base-discriminator"))  # the last part of its name on the hub
    assert catalog.encoder_checksum("electra-base") == before
    for name in deciding:
        (folder / name).write_text("another")
        assert catalog.encoder_checksum("electra-base") != before
        assert make_spec("emoint", "ce").identity() != identity
        (folder / name).write_text(name)
    with refused("Unknown encoder 'minilmm'", "Did you mean 'minilm'"):
        catalog.encoder("minilmm")


def test_what_is_shown_has_a_name_of_its_own_and_every_setting_is_explained():
    objectives = [about["title"] for about in catalog.read("objectives.toml").values()]
    for titles in (objectives, *([entry.title for entry in kind.values()] for kind in (catalog.encoders(), catalog.corpora()))):
        assert all(titles) and len(set(titles)) == len(titles)
    settings = [field.name for kind in (RunSpec, Protocol) for field in fields(kind)]
    assert sorted(catalog.read("settings.toml")) == sorted(settings)
    assert all(names.meaning(name) for name in settings)
    assert {show("mine") for show in (names.corpus, names.encoder, names.objective)} == {"mine"}
    assert names.objective("ce_aug") == "CE + aug."


def test_settings_and_protocols_as_shown():
    assert [names.setting(change) for change in ("batch_size=32", "weights={}")] == ["batch size 32", "weights={}"]
    protocols = {
        "released, views=each_epoch,reduction=sum": "new synonyms each epoch, summed over the batch",
        "released": "released",
        "printed,reduction=mean": "printed, mean over the batch",
    }
    assert {protocol: names.protocol(protocol) for protocol in protocols} == protocols
