"""What notebooks say of runs, in small tables and sentences: of one record, of a frame of runs."""

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from lclstudy.plan import catalog, names
from lclstudy.plan.spec import UNREAD, RunSpec
from lclstudy.statistics import metrics

from . import text
from .markdown import plain

_SETTINGS = [field.name for field in fields(RunSpec) if field.name != "seed"]


def settings(spec: RunSpec) -> pd.DataFrame:
    """The settings of a run, their values, and what each means. A setting that the objective never reads says so."""
    values = {name: "all" if value is None else value for name, value in asdict(spec).items()}
    values["corpus"] = names.corpus(catalog.short_name(spec.corpus))
    values |= {"objective": names.objective(spec.objective), "encoder": names.encoder(spec.encoder)}
    values["classes"] = ", ".join(spec.classes) if spec.classes else "all"
    unused = dict.fromkeys(UNREAD.get(spec.objective, ()), f"not used by {values['objective']}")
    rows = [(name, unused.get(name, str(value)), names.meaning(name)) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["setting", "value", "what it is"])


def scores(record) -> pd.DataFrame:
    """Of a `Record`: accuracy, weighted F1, and how far confidence can be trusted, per split at the best epoch."""
    columns = {}
    for split in ("validation", "test"):
        probabilities, labels = getattr(record, f"{split}_probabilities"), getattr(record, f"{split}_labels")
        predictions = probabilities.argmax(axis=1)
        shares = {
            "accuracy (%)": metrics.accuracy(labels, predictions),
            "weighted F1 (%)": metrics.weighted_f1(labels, predictions),
            "mean confidence (%)": float(probabilities.max(axis=1).mean()),
            "calibration error (points)": metrics.expected_calibration_error(probabilities, labels),
        }
        columns[split] = {name: f"{100 * share:.1f}" for name, share in shares.items()} | {"texts": f"{len(labels):,}"}
    return pd.DataFrame(columns).rename_axis("measure").reset_index()


def confused(confusion: np.ndarray, classes: Sequence[str], count: int = 5) -> pd.DataFrame:
    """The `count` pairs of classes that are most often taken for each other, from a confusion matrix [C,C] of counts."""
    columns = ["class A", "class B", "A taken for B", "B taken for A", "share of their texts (%)"]
    rows = [(classes[a], classes[b], int(confusion[a, b]), int(confusion[b, a]),
             round(100 * both / confusion[[a, b]].sum(), 1))
            for a, b, both in metrics.confused_pairs(confusion)[:count]]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def confident_errors(record, texts: Sequence[str], count: int = 5, width: int = 160) -> pd.DataFrame:
    """The test texts that the model got wrong with most confidence; `texts` are those of the test split, in its order."""
    rows = []
    for number in metrics.confident_errors(record.test_probabilities, record.test_labels, count):
        given = record.test_probabilities[number]
        true, predicted = record.classes[record.test_labels[number]], record.classes[int(given.argmax())]
        said = textwrap.shorten(texts[number], width, placeholder=" …")
        rows.append((said, true, predicted, round(100 * float(given.max()), 1)))
    return pd.DataFrame(rows, columns=["text", "true class", "predicted class", "confidence (%)"])


def cost(record) -> pd.DataFrame:
    """What a run took: time, speed, memory, size."""
    took = record.measures
    rows = {
        "device": record.device,
        "seconds in all": f"{took['seconds']:.1f}",
        "seconds of training": f"{took['train_seconds']:.1f}",
        "texts per second of training": f"{took['texts_per_second']:,.0f}",
        "peak memory (MB)": f"{took['peak_memory_bytes'] / 1e6:,.0f}",
        "optimiser steps": f"{took['steps']:,}",
        "parameters (millions)": f"{took['parameters'] / 1e6:.2f}",
    }
    return pd.DataFrame(rows.items(), columns=["", "value"])


def run_findings(record) -> list[str]:
    """What one run shows, in words: its accuracy beside that of the largest class, and the classes nearest to each other."""
    labels, predictions = record.test_labels, record.test_probabilities.argmax(axis=1)
    largest = np.bincount(labels).max() / len(labels)
    right = metrics.accuracy(labels, predictions)
    said = [
        f"{record.spec.label()}: {right:.1%} of {len(labels):,} test texts right, best at epoch {record.best_epoch}.",
        f"Always naming the largest class of the test texts would get {largest:.1%}.",
    ]
    for a, b, both in metrics.confused_pairs(metrics.confusion_matrix(labels, predictions, record.classes))[:1]:
        wrong = int((labels != predictions).sum())
        said.append(
            f"Nearest classes: {plain(record.classes[a])} and {plain(record.classes[b])}, with {both} of {wrong:,} errors."
        )
    return said


def runs(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of `RunStore.frame` to show: a run each, its status, and NaN where it has no result."""
    done = frame["status"] == "done"
    shown = {
        "corpus": frame["corpus"].map(names.corpus),
        "classes": frame["classes"].replace("", "all"),
        "objective": frame["objective"].map(names.objective),
        "encoder": frame["encoder"].map(names.encoder),
        "seed": frame["seed"],
        "status": frame["status"],
        # Stages number their epochs on, and the best is one of the last stage.
        "best epoch": [f"{best} of {-(-best // epochs) * epochs}" if ran else text.NONE
                       for best, epochs, ran in zip(frame["best_epoch"], frame["epochs"], done, strict=True)],
    }  # fmt: skip
    numbers = {"validation accuracy (%)": ("validation_accuracy", 100), "test accuracy (%)": ("test_accuracy", 100),
               "test weighted F1 (%)": ("test_weighted_f1", 100), "seconds": ("seconds", 1)}  # fmt: skip
    for title, (column, scale) in numbers.items():
        values = frame[column] if column in frame else pd.Series(np.nan, frame.index)
        shown[title] = (values.astype(float) * scale).round(1).where(done)
    table = pd.DataFrame(shown)
    return table.drop(columns="classes") if (frame["classes"] == "").all() else table


def retrained(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of `RunStore.retrained` to show: a run each, its test accuracy frozen beside trained again."""
    was, now = 100 * frame["test_accuracy"], 100 * frame["test_accuracy_own"]
    return pd.DataFrame({
        "corpus": frame["corpus"].map(names.corpus),
        "classes": frame["classes"].replace("", "all"),
        "objective": frame["objective"].map(names.objective),
        "seed": frame["seed"],
        "frozen (%)": was.round(1),
        "trained again (%)": now.round(1),
        "difference (points)": (now - was).round(1),
    })  # fmt: skip


def failures(frame: pd.DataFrame) -> list[str]:
    """A line per failed run of `RunStore.frame`, with its reason."""
    return [f"{names.corpus(run.corpus)}, {names.objective(run.objective)}, {names.encoder(run.encoder)}, seed {run.seed}: "
            f"{run.failure}" for run in frame[frame["status"] == "failed"].itertuples()]  # fmt: skip


def grid_findings(frame: pd.DataFrame) -> list[str]:
    """What the runs of a grid gave, in words: how many finished, and the mean test accuracy of each objective.

    `frame` is of `RunStore.frame`. Of several settings the first speaks: the best by test accuracy would be picked on the test.
    """
    counts = frame["status"].value_counts()
    said = [f"{counts.get('done', 0)} of {len(frame)} runs finished, {counts.get('failed', 0)} failed."]
    for (corpus, classes, encoder), here in frame.groupby(["corpus", "classes", "encoder"], sort=False):
        each = []
        for objective, runs in here.groupby("objective", sort=False):
            read = [name for name in _SETTINGS if name in runs and name not in UNREAD.get(objective, ())]
            settings = [rows for _, rows in runs.groupby(read, dropna=False, sort=False)]
            scores = 100 * settings[0].loc[settings[0]["status"] == "done", "test_accuracy"].astype(float)
            if len(scores):
                which = f", first of {len(settings)} settings" if len(settings) > 1 else ""
                each.append(f"{names.objective(objective)} {text.mean(scores.mean(), scores.std())}, n = {len(scores)}{which}")
        if each:
            place = names.corpus(corpus) + (f" ({plain(classes.replace('|', ', '))})" if classes else "")
            said.append(f"{place}, {names.encoder(encoder)}: test accuracy (%) {'; '.join(each)}.")
    return said
