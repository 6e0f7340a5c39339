"""The embedded corpus: made again byte for byte, and as confusable as it says."""

import hashlib

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from lclstudy import paths
from lclstudy.corpora.load import load_corpus
from lclstudy.plan import catalog
from tests.material import script

LABELS = catalog.corpora()["embedded"].labels


def test_generator_gives_the_tracked_and_pinned_bytes():
    generator = script("make_embedded_corpus")
    pinned = {file.path.removeprefix("embedded/"): file.sha256 for file in catalog.corpora()["embedded"].files}
    assert {path.name for path in paths.embedded().iterdir()} == set(generator.files()) == set(pinned)
    for name, content in generator.files().items():
        assert (paths.embedded() / name).read_bytes() == content, name
        assert hashlib.sha256(content).hexdigest() == pinned[name]
    assert generator.make_corpus(1) != generator.make_corpus(2)


def test_texts_differ_and_name_no_class_and_a_plain_classifier_errs_inside_the_groups():
    splits = load_corpus("embedded")
    texts = [text for split in splits.values() for text in split["text"]]
    assert len(set(texts)) == len(texts) == 12 * (60 + 20 + 20)
    assert not any({*LABELS} & {*text.lower().rstrip(".").split()} for text in texts)
    classifier = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))
    classifier.fit(list(splits["train"]["text"]), list(splits["train"]["label"]))
    true, predicted = np.array(splits["test"]["label"]), classifier.predict(list(splits["test"]["text"]))
    wrong = predicted != true
    assert 0.6 < 1 - wrong.mean() < 0.92
    group = pd.read_csv(paths.embedded() / "groups.csv").set_index("class")["group"][[*LABELS]].to_numpy()
    assert (group[predicted[wrong]] == group[true[wrong]]).mean() > 0.85
