"""The bag of words: it learns, chooses by validation alone, and is a run like any other."""

import numpy as np

from lclstudy.plan.spec import make_spec
from lclstudy.runs import grid, store
from lclstudy.training import bag_of_words
from tests.material import refused

TEXTS = {
    "train": ["good fine film", "fine good day", "bad poor film", "poor bad day", "bad film", "good day"],
    "validation": ["good", "bad"],
    "test": ["fine film", "poor film", "unknown words"],
}
LABELS = {"train": np.array([0, 0, 2, 2, 2, 0]), "validation": np.array([0, 2]), "test": np.array([0, 2, 0])}


def fit(texts=TEXTS):
    return bag_of_words.fit(texts, LABELS, 3, progress=False)


def test_the_first_strength_with_the_best_validation_gives_probabilities_and_none_to_a_class_without_texts(monkeypatch):
    fits, best, facts = fit()
    assert [one["C"] for one in fits] == list(bag_of_words.STRENGTHS) and facts["texts"] == 6 * len(fits)
    assert np.allclose(best["test"].sum(axis=1), 1, atol=1e-6) and (best["test"][:, 1] == 0).all()
    assert best["test"][:2].argmax(axis=1).tolist() == [0, 2]
    first = int(np.argmax([one["validation_accuracy"] for one in fits]))
    monkeypatch.setattr(bag_of_words, "STRENGTHS", bag_of_words.STRENGTHS[first : first + 1])
    assert np.array_equal(best["test"], fit()[1]["test"])
    assert np.array_equal(best["validation"], fit({**TEXTS, "test": ["good", "zebra zebra", "bad"]})[1]["validation"])


def test_training_texts_without_a_word_or_of_one_class_are_refused():
    with refused("no training text holds a letter or a digit"):
        fit({**TEXTS, "train": ["?!"] * 6})
    with refused("mine: all training texts are of one class"):
        bag_of_words.fit(TEXTS, {**LABELS, "train": np.zeros(6, int)}, 3, progress=False, label="mine")


def test_it_learns_the_embedded_corpus_and_is_frozen_like_any_run(tmp_path):
    spec, runs = make_spec("embedded", "ce", encoder="tfidf"), store.RunStore(tmp_path)
    record = grid.obtain(spec, runs, executor="serial")
    assert (record.test_probabilities.argmax(axis=1) == record.test_labels).mean() > 0.5
    found = [one["validation_accuracy"] for one in record.epochs]
    assert record.best_epoch == 1 + found.index(max(found))
    assert runs.has(spec) and set(runs.epochs_frame()["C"]) == set(bag_of_words.STRENGTHS)
