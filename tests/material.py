"""What several tests are made of: runs and published numbers in small, and an eye for figures."""

import itertools
from unittest import mock

import numpy as np
import pandas as pd
from matplotlib.text import Text

from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec
from lclstudy.results import frozen
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore

PAPER = "empathetic_dialogues"  # the corpus of the paper's case study


def make_runs(scores, corpus="emoint", encoder="minilm", classes="", **settings):
    """A row per run: `scores` has per objective a list of test accuracies in percent, or of `failed` and `not run`."""
    rows = []
    for objective, values in scores.items():
        for seed, value in enumerate(values):
            done = not isinstance(value, str)
            row = dict(
                corpus=corpus, classes=classes, objective=objective, encoder=encoder, seed=seed, alpha=0.5, temperature=0.3
            )
            row |= dict(status="done" if done else value, test_accuracy=value / 100 if done else np.nan)
            rows.append({**row, **settings})
    return pd.DataFrame(rows)


def printed(*rows):
    """Published numbers: (corpus, objective, encoder, value, spread, n) each."""
    table = pd.DataFrame(rows, columns=["corpus", "objective", "encoder", "value", "spread", "n"])
    return table.assign(classes="all", split="test", metric="accuracy", n=table["n"].astype("Int64"))


EMOINT = printed(
    ("emoint", "ce", "electra-base", 85.5, 0.9, 5),
    ("emoint", "lcl", "electra-base", 86.6, 0.3, 5),
    ("emoint", "ce", "bert-base", 85.0, 0.6, 5),
)


def record(spec, wrong, each=10):
    """A finished run with `each` validation and test texts a class; of class a, `wrong[a, b]` are taken for b."""
    classes = catalog.corpora()[spec.corpus].labels
    labels = np.repeat(np.arange(len(classes)), each)
    predicted = labels.copy()
    for a in range(len(classes)):
        taken = [classes.index(b) for (one, b), times in wrong.items() if classes.index(one) == a for _ in range(times)]
        predicted[np.flatnonzero(labels == a)[: len(taken)]] = taken
    sure = np.eye(len(classes), dtype=np.float32)[predicted]
    return Record(spec, classes, validation_probabilities=sure, validation_labels=labels, test_probabilities=sure,
                  test_labels=labels, epochs=[{"epoch": 1, "loss": 1.0, "validation_accuracy": 0.5}], best_epoch=1)  # fmt: skip


def froze(tmp_path, *runs, objective="ce"):
    """Frozen results of runs on all classes, (corpus, seed, wrong) or (corpus, seed, wrong, each) of `record`."""
    store = RunStore(tmp_path / "runs")
    for corpus, seed, *told in runs:
        store.save(record(make_spec(corpus, objective, encoder="tiny", seed=seed), *told))
    store.freeze(tmp_path / "results")
    return frozen.read_frozen(tmp_path / "results")


def within(members, times):
    """Each class of a set is taken `times` times for each other one."""
    return {(a, b): times for a in members for b in members if a != b}


def row_of(table, **wanted):
    """The one row of a table with these values."""
    found = table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]
    assert len(found) == 1, f"{len(found)} rows for {wanted}"
    return found.iloc[0]


def check_readable(figure):
    """Every text that is drawn has 7 points or more, lies inside the figure, and overlaps no other text."""
    drawn, draw = {}, Text.draw

    def record(text, renderer):
        if text.get_visible() and text.get_text().strip():
            drawn[text] = Text.get_window_extent(text, renderer)
        draw(text, renderer)

    with mock.patch.object(Text, "draw", record):
        figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    assert drawn
    for text, box in drawn.items():
        assert text.get_fontsize() >= 7, text.get_text()
        assert box.x0 > -2 and box.y0 > -2 and box.x1 < width + 2 and box.y1 < height + 2, f"{text.get_text()!r} is cut off"
    for (one, its), (other, others) in itertools.combinations(drawn.items(), 2):
        overlap = min(its.x1, others.x1) - max(its.x0, others.x0), min(its.y1, others.y1) - max(its.y0, others.y0)
        assert min(overlap) < 2, f"{one.get_text()!r} overlaps {other.get_text()!r}"
