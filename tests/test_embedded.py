"""The embedded corpus: made again byte for byte, and as confusable as it says."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from lclstudy import paths
from lclstudy.corpora.load import load_corpus
from lclstudy.plan import catalog
from tests.material import script

LABELS = catalog.corpora()["embedded"].labels


@pytest.fixture(scope="module")
def embedded():
    return load_corpus("embedded")


@pytest.fixture(scope="module")
def groups():
    """The group of each class, in the order of the label ids."""
    return pd.read_csv(paths.embedded() / "groups.csv").set_index("class")["group"][[*LABELS]]


def test_generator_gives_the_tracked_and_pinned_bytes():
    generator = script("make_embedded_corpus")
    pinned = {file.path.removeprefix("embedded/"): file.sha256 for file in catalog.corpora()["embedded"].files}
    assert {path.name for path in paths.embedded().iterdir()} == set(generator.files()) == set(pinned)
    for name, content in generator.files().items():
        assert (paths.embedded() / name).read_bytes() == content, name
        assert hashlib.sha256(content).hexdigest() == pinned[name]
    assert generator.make_corpus(1) != generator.make_corpus(2)


def test_every_text_is_there_once_and_names_no_class_and_classes_are_balanced(embedded, groups):
    for split, number in (("train", 60), ("validation", 20), ("test", 20)):
        assert np.bincount(embedded[split]["label"], minlength=12).tolist() == [number] * 12
    assert groups.value_counts().tolist() == [4, 4, 4]
    texts = [text for split in embedded.values() for text in split["text"]]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert 8 <= len(text.split()) <= 25 and text[0].isupper() and text.endswith(".")
        assert not {*LABELS} & {*text.lower().rstrip(".").split()}


def test_a_plain_classifier_errs_inside_the_groups(embedded, groups):
    classifier = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))
    classifier.fit(list(embedded["train"]["text"]), list(embedded["train"]["label"]))
    true = np.array(embedded["test"]["label"])
    predicted = classifier.predict(list(embedded["test"]["text"]))
    wrong = predicted != true
    assert 0.6 < 1 - wrong.mean() < 0.92
    group = groups.to_numpy()
    assert (group[predicted[wrong]] == group[true[wrong]]).mean() > 0.85
