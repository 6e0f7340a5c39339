"""Corpora of the catalogue: counts of the real ones, class subsets, validation splits, and what is refused."""

import hashlib
import logging
import re
import tomllib

import pytest
from sklearn.model_selection import train_test_split

from lclstudy import paths
from lclstudy.corpora import load
from lclstudy.corpora.load import SPLITS, load_corpus
from lclstudy.plan import catalog, names
from lclstudy.plan.spec import make_spec
from tests.material import refused


@pytest.mark.parametrize("name", [name for name, entry in catalog.corpora().items() if entry.published])
def test_real_counts_texts_and_labels(raw_data, name):
    corpus, entry = load_corpus(name), catalog.corpora()[name]
    assert {split: len(rows) for split, rows in corpus.items()} == entry.counts
    for rows in corpus.values():
        assert rows.features["label"].names == list(entry.labels)
        assert set(rows["label"]) == set(range(len(entry.labels))), "every class is in every split"
        texts = list(rows["text"])
        assert all(texts) and all(text == " ".join(text.split()) for text in texts)
        assert entry.title in rows.info.description


def test_isear_is_clean_and_split_as_the_released_code_did(raw_data):
    corpus = load_corpus("isear")
    assert not any(sign in text for rows in corpus.values() for text in rows["text"] for sign in "á|\\")
    entry = catalog.corpora()["isear"]
    rows = load.rows_of(entry, *entry.files)
    train, rest = train_test_split(rows, test_size=0.4, random_state=0)
    for split, expected in zip(SPLITS, (train, *train_test_split(rest, test_size=0.5, random_state=0)), strict=True):
        assert list(zip(corpus[split]["text"], corpus[split]["label"], strict=True)) == expected


DAYS = [f"day {number},{'fine' if number % 2 else 'wet'}\n" for number in range(20)]


@pytest.fixture
def weather(monkeypatch, tmp_path):
    """`weather((split, rows), ...)` adds the corpus of README's example to the catalogue, with a table of rows for each."""
    monkeypatch.setenv("LCLSTUDY_DATA", str(tmp_path))
    written = re.search(r"```toml\n(.*?)```", (paths.ROOT / "README.md").read_text("utf-8"), re.DOTALL)[1]
    (name, facts), *_ = tomllib.loads(written).items()

    def add(*tables):
        facts["files"] = []
        for number, (split, rows) in enumerate(tables):
            content = "text,label\n" + "".join(rows)
            (tmp_path / f"{number}.csv").write_text(content)
            pin = hashlib.sha256(content.encode()).hexdigest()
            facts["files"].append({"split": split, "path": f"{number}.csv", "sha256": pin})
        known = {**catalog.corpora(), name: catalog.corpus_entry(name, **facts)}
        monkeypatch.setattr(catalog, "corpora", lambda: known)

    return add


def test_a_corpus_is_added_in_one_place(weather):
    """A table with the columns text and label needs no reader."""
    weather(("all", DAYS))
    corpus = load_corpus("weather")
    assert [len(corpus[split]) for split in SPLITS] == [12, 4, 4]
    assert all(int(row["text"].split()[1]) % 2 != row["label"] for row in corpus["train"])
    assert make_spec("weather", "ce", encoder="tiny").label() == "weather ce tiny seed 0"
    assert names.corpus("weather") == "Weather"
    (paths.raw_data() / "0.csv").write_text("text,label\n")
    with refused("Raw file 0.csv is altered"):
        load_corpus("weather")
    weather(("all", [*DAYS, "day 20,dry\n"]))
    with refused("0.csv, line 22: unknown label 'dry'; expected one of fine, wet"):
        load_corpus("weather")


def test_a_validation_split_is_drawn_from_training_rows_where_each_class_has_enough(weather, tmp_path, caplog):
    weather(("train", DAYS[:8]), ("train", DAYS[8:]), ("test", DAYS[:4]))
    load._warn.cache_clear()
    with caplog.at_level(logging.WARNING, logger="lclstudy"):
        corpus = load_corpus("weather")
    assert [len(corpus[split]) for split in SPLITS] == [16, 4, 4]
    assert sorted(corpus["validation"]["label"]) == [0, 0, 1, 1]
    assert "weather: no validation split, so 4 of 20 training rows serve as one" in caplog.text
    assert "no validation split" in corpus["validation"].info.description
    assert corpus["test"][0] == {"text": "day 0", "label": 1}
    weather(("train", DAYS[:2]), ("test", DAYS[:4]))
    with refused("weather has too few rows of some class"):
        load_corpus("weather")
    (tmp_path / "mine.csv").write_text("text,label,split\na,x,train\nb,y,train\nc,z,train\nd,z,test\ne,z,dev\n")
    with refused("mine.csv has no test rows of the classes x, y; choose others"):
        load_corpus(str(tmp_path / "mine.csv"), classes=["x", "y"])
