"""The embedded corpus: made again byte for byte, and as confusable as it says."""

import csv
import hashlib
import importlib.util

import numpy as np
import pytest

from lclstudy import paths
from lclstudy.corpora.load import load_corpus
from lclstudy.plan import catalog


@pytest.fixture(scope="module")
def generator():
    path = paths.ROOT / "scripts" / "make_embedded_corpus.py"
    spec = importlib.util.spec_from_file_location("make_embedded_corpus", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def embedded():
    return load_corpus("embedded")


@pytest.fixture(scope="module")
def groups():
    with open(paths.embedded() / "groups.csv", encoding="utf-8", newline="") as file:
        return {row["class"]: row["group"] for row in csv.DictReader(file)}


def test_generator_gives_the_tracked_bytes(generator):
    made = generator.files()
    assert set(made) == {path.name for path in paths.embedded().iterdir()}
    for name, content in made.items():
        assert (paths.embedded() / name).read_bytes() == content, name


def test_catalogue_pins_the_tracked_bytes(generator):
    pinned = {file.path.removeprefix("embedded/"): file.sha256 for file in catalog.corpora()["embedded"].files}
    assert pinned == {name: hashlib.sha256(content).hexdigest() for name, content in generator.files().items()}


def test_another_seed_gives_another_corpus(generator):
    assert generator.make_corpus(1) != generator.make_corpus(2)


def test_shape(embedded, groups):
    assert {split: len(rows) for split, rows in embedded.items()} == {"train": 720, "validation": 240, "test": 240}
    for split, number in (("train", 60), ("validation", 20), ("test", 20)):
        assert np.bincount(embedded[split]["label"], minlength=12).tolist() == [number] * 12
    assert sorted(groups) == list(catalog.corpora()["embedded"].labels)
    assert sorted(list(groups.values()).count(group) for group in set(groups.values())) == [4, 4, 4]


def test_texts_are_short_and_each_is_there_once(embedded):
    texts = [text for split in embedded.values() for text in split["text"]]
    assert len(set(texts)) == len(texts)
    assert all(8 <= len(text.split()) <= 25 for text in texts)
    assert all(text[0].isupper() and text.endswith(".") for text in texts)


def test_no_text_names_its_class(embedded):
    names = set(catalog.corpora()["embedded"].labels)
    for split in embedded.values():
        for text in split["text"]:
            assert not names & set(text.lower().rstrip(".").split())


def test_classes_of_a_group_share_most_words(embedded, groups):
    labels = catalog.corpora()["embedded"].labels
    words = {name: set() for name in labels}
    for row in embedded["train"]:
        words[labels[row["label"]]] |= set(row["text"].lower().replace(".", " ").replace(",", " ").split())
    shared = {
        (a, b): len(words[a] & words[b]) / len(words[a] | words[b]) for a in labels for b in labels if a < b
    }  # Jaccard similarity
    inside = [share for (a, b), share in shared.items() if groups[a] == groups[b]]
    outside = [share for (a, b), share in shared.items() if groups[a] != groups[b]]
    assert min(inside) > max(outside)
    assert np.mean(inside) > 0.5


def test_a_plain_classifier_errs_inside_the_groups(embedded, groups):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    classifier = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))
    classifier.fit(list(embedded["train"]["text"]), list(embedded["train"]["label"]))
    true = np.array(embedded["test"]["label"])
    predicted = classifier.predict(list(embedded["test"]["text"]))
    group = np.array([groups[name] for name in catalog.corpora()["embedded"].labels])
    wrong = predicted != true
    assert 0.6 < 1 - wrong.mean() < 0.92
    assert (group[predicted[wrong]] == group[true[wrong]]).mean() > 0.85
