"""The follow-up of 4-hard-d, on runs made so that the answer is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lclstudy.analyses.published_numbers import set_d
from lclstudy.plan import catalog
from lclstudy.statistics import metrics

CLASSES = catalog.corpora()[set_d.CORPUS].labels
ALIKE = ("anticipating", "excited", "hopeful", "joyful")


def made(likeness, texts=40, seed=0):
    """One CE run on all classes that confuses the classes of ALIKE with each other as often as `likeness` says, no others."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(CLASSES)), texts)
    scores = rng.uniform(0, 0.1, (len(labels), len(CLASSES)))
    scores[np.arange(len(labels)), labels] += 1
    ids = [CLASSES.index(name) for name in ALIKE]
    wrong = np.flatnonzero(np.isin(labels, ids) & (rng.uniform(size=len(labels)) < likeness))
    scores[wrong, [rng.choice([one for one in ids if one != labels[text]]) for text in wrong]] += 2
    scores /= scores.sum(axis=1, keepdims=True)
    run = {"identity": "one", "corpus": set_d.CORPUS, "classes": "", "objective": "ce", "encoder": "tiny", "status": "done"}
    runs = pd.DataFrame([{**run, "test_accuracy": 0.5}])
    confusion = metrics.confusion_matrix(labels, scores.argmax(axis=1), CLASSES)
    return SimpleNamespace(runs=runs, done=runs, classes=lambda _: CLASSES, labels=lambda *_: labels,
                           probabilities=lambda *_: scores, confusion=lambda *_: (confusion, CLASSES))  # fmt: skip


def test_the_class_that_is_alike_is_found_and_restricted_accuracy_is_that_of_the_classes_of_a_set():
    followed_up = set_d.follow_up(made(0.6))
    found, sets = followed_up.fourth.set_index("class"), followed_up.sets.set_index("set")
    assert found["rank_left"].idxmin() == "joyful" and found["rank_left"].min() == 1
    assert found["restricted"].idxmin() == "joyful" and found["added"]["guilty"] == 0
    assert len(found) == len(CLASSES) - 3 and found["confusion"]["guilty"] == found["confusion"].min()
    assert sets["restricted"][["4-easy", "4-hard-a"]].tolist() == [100, 100]  # joyful is wrong only for others of ALIKE
    assert sets["restricted"]["4-hard-d"] < 75
    assert (sets["gap"] == sets["printed"] - sets["restricted"]).all() and sets["alone"].isna().all()
    gaps = sets["gap"].drop("4-hard-d")
    row = found.loc["guilty"]
    assert row["expected"] == pytest.approx(row["restricted"] + gaps.mean())
    assert row["high"] - row["expected"] == pytest.approx(2.5706 * gaps.std() * (7 / 6) ** 0.5, rel=1e-4)  # t of 5 df
