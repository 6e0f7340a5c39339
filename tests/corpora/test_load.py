"""Corpora of the catalogue: counts of the real ones, class subsets, validation splits, and what is refused."""

import dataclasses
import hashlib
import json
import logging
import re
import tomllib

import pytest
from sklearn.model_selection import train_test_split

from lclstudy import paths
from lclstudy.corpora import formats, load
from lclstudy.corpora.load import SPLITS, files, load_corpus
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
    rows = list(formats.read("isear", *files("isear"), catalog.corpora()["isear"].labels))
    train, rest = train_test_split(rows, test_size=0.4, random_state=0)
    for split, expected in zip(SPLITS, (train, *train_test_split(rest, test_size=0.5, random_state=0)), strict=True):
        assert list(zip(corpus[split]["text"], corpus[split]["label"], strict=True)) == expected


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Puts small files in the place of a corpus's raw files: `small(name, {path: content})`. Their pins are lifted."""
    every = catalog.corpora()
    monkeypatch.setenv("LCLSTUDY_DATA", str(tmp_path))

    def place(name: str, contents: dict[str, str]) -> None:
        entry = every[name]
        loose = tuple(dataclasses.replace(file, bytes=None, sha256=None, git_blob=None) for file in entry.files)
        monkeypatch.setattr(catalog, "corpora", lambda: {name: dataclasses.replace(entry, files=loose)})
        for path, content in contents.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(content, encoding="utf-8")

    return place


def test_a_validation_split_is_drawn_from_training_rows_where_each_class_has_enough(small, caplog):
    """AG News has none."""

    def loaded(train, test, classes=None):
        small("ag_news", {"ag_news/train.csv": "".join(train), "ag_news/test.csv": "".join(test)})
        return load_corpus("ag_news", classes)

    rows = [f'"{number % 4 + 1}","Title {number}","Body, {number}"\n' for number in range(80)]
    load._warn.cache_clear()
    with caplog.at_level(logging.WARNING, logger="lclstudy"):
        corpus = loaded(rows, rows[:8])
    assert [len(corpus[split]) for split in SPLITS] == [64, 16, 8]
    assert sorted(corpus["validation"]["label"]) == [label for label in range(4) for _ in range(4)]
    assert "ag_news: no validation split, so 16 of 80 training rows serve as one" in caplog.text
    assert "no validation split" in corpus["validation"].info.description
    assert corpus["test"][0] == {"text": "Title 0 Body, 0", "label": 0}
    with refused("ag_news has no test rows of the classes Sports, Business; choose others"):
        loaded(rows, rows[:1], ["Sports", "Business"])
    with refused("ag_news has too few rows of some class"):
        loaded(rows[:2], rows[:1])


def test_parsinlu_trains_on_both_domains_and_tests_on_films(small):
    row = json.dumps({"review": "{} نقد", "question": "نظر شما؟", "label": "-3"}) + "\n"
    small("parsinlu", {file.path: row.replace("{}", file.path) for file in catalog.corpora()["parsinlu"].files})
    found = {split: [text.split()[-2][9:] for text in rows["text"]] for split, rows in load_corpus("parsinlu").items()}
    assert found == {
        "train": ["movie_train.jsonl", "food_train.jsonl"],
        "validation": ["movie_dev.jsonl", "food_dev.jsonl"],
        "test": ["movie_test.jsonl"],
    }


def test_a_corpus_is_added_in_one_place(monkeypatch, tmp_path):
    """As the README's example: an entry of the catalogue; a table with the columns text and label needs no reader."""
    content = "text,label\n" + "".join(f"day {n},{'fine' if n % 2 else 'wet'}\n" for n in range(20))
    written = re.search(r"```toml\n(.*?)```", (paths.ROOT / "README.md").read_text("utf-8"), re.DOTALL)[1]
    entry = tomllib.loads(written.replace("...", hashlib.sha256(content.encode()).hexdigest(), 1))["weather"]
    added = {**catalog.corpora(), "weather": catalog.corpus_entry("weather", **entry)}
    monkeypatch.setattr(catalog, "corpora", lambda: added)
    monkeypatch.setenv("LCLSTUDY_DATA", str(tmp_path))
    path = tmp_path / "weather" / "weather.csv"
    path.parent.mkdir()
    path.write_text(content)
    corpus = load_corpus("weather")
    assert [len(corpus[split]) for split in SPLITS] == [12, 4, 4]
    assert all(int(row["text"].split()[1]) % 2 != row["label"] for row in corpus["train"])
    assert make_spec("weather", "ce", encoder="tiny").label() == "weather ce tiny seed 0"
    assert names.corpus("weather") == "Weather"
    added["weather"] = dataclasses.replace(added["weather"], labels=("wet", "dry"))
    with refused("weather.csv, line 3: unknown label 'fine'; expected one of wet, dry"):
        load_corpus("weather")
    path.write_text(content + "x,wet\n")
    with refused("Raw file weather/weather.csv is altered"):
        load_corpus("weather")
