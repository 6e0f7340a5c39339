"""What notebooks say of runs, in small tables and sentences: of one record, of a frame of runs, of frozen results."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from lclstudy.plan import catalog, names
from lclstudy.plan.spec import OBJECTIVES, UNREAD, RunSpec
from lclstudy.statistics import metrics

from . import text

SPLITS = ("validation", "test")
MEANINGS = {
    "corpus": "the texts and their classes",
    "classes": "the classes kept",
    "objective": "what is minimised",
    "encoder": "the network that turns a text into a vector",
    "seed": "of the order of texts, of dropout and of new layers",
    "alpha": "share of cross-entropy in the loss; the rest is contrastive",
    "temperature": "divides the similarities of the contrastive loss",
    "learning_rate": "of AdamW at the first step; it falls to zero in a line",
    "batch_size": "texts per step, second views not counted",
    "epochs": "how often all training texts are seen",
    "max_length": "tokens of a text that are read",
    "augment": "how the second view of a text is made",
    "augment_rate": "share of the words that are replaced",
    "augment_seed": "of the second views",
    "pooling": "which vector stands for the text",
    "protocol": "as the paper's code was released, or as the paper prints it",
    "precision": "of the numbers while training",
    "train_limit": "training texts kept",
}


def settings(spec: RunSpec) -> pd.DataFrame:
    """The settings of a run, their values, and what each means. A setting that the objective never reads says so."""
    values = {name: "all" if value is None else value for name, value in asdict(spec).items()}
    values["corpus"] = names.corpus(spec.corpus) if spec.corpus in catalog.corpora() else spec.label().split()[0]
    values |= {"objective": names.objective(spec.objective), "encoder": names.encoder(spec.encoder)}
    values["classes"] = ", ".join(spec.classes) if spec.classes else "all"
    unused = dict.fromkeys(UNREAD.get(spec.objective, ()), f"not used by {values['objective']}")
    rows = [(name, unused.get(name, str(value)), MEANINGS[name]) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["setting", "value", "what it is"])


def scores(record) -> pd.DataFrame:
    """Of a `Record`: accuracy, weighted F1, and how far confidence can be trusted, per split at the best epoch."""
    columns = {"measure": ["accuracy (%)", "weighted F1 (%)", "mean confidence (%)", "calibration error (points)", "texts"]}
    for split in SPLITS:
        probabilities, labels = getattr(record, f"{split}_probabilities"), getattr(record, f"{split}_labels")
        predictions = probabilities.argmax(axis=1)
        shares = [
            metrics.accuracy(labels, predictions),
            metrics.weighted_f1(labels, predictions, record.classes),
            float(probabilities.max(axis=1).mean()),
            metrics.expected_calibration_error(probabilities, labels),
        ]
        columns[split] = [*(f"{100 * share:.1f}" for share in shares), f"{len(labels):,}"]
    return pd.DataFrame(columns)


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
        said.append(f"Nearest classes: {record.classes[a]} and {record.classes[b]}, with {both} of {wrong:,} errors.")
    return said


def runs(frame: pd.DataFrame, class_sets: Mapping[str, Sequence[str] | None] | None = None) -> pd.DataFrame:
    """Rows of `RunStore.frame` to show: a run each, its status, and NaN where it has no result.

    Class subsets are shown by their name in `class_sets`, else as the names of their classes.
    """
    named = {"|".join(sorted(members)): name for name, members in (class_sets or {}).items() if members}
    done = frame["status"] == "done"
    shown = {
        "corpus": frame["corpus"].map(names.corpus),
        "classes": [named.get("|".join(sorted(each.split("|"))), each) or "all" for each in frame["classes"]],
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
    """Rows of `RunStore.retrained` to show: a run each, frozen beside trained again, and how far apart they are."""
    share = 100 * frame[["frozen_accuracy", "own_accuracy", "same_predictions"]].astype(float)
    return pd.DataFrame(
        {
            "corpus": frame["corpus"].map(names.corpus),
            "classes": frame["classes"].replace("", "all"),
            "objective": frame["objective"].map(names.objective),
            "seed": frame["seed"],
            "frozen (%)": share["frozen_accuracy"].round(1),
            "trained again (%)": share["own_accuracy"].round(1),
            "difference (points)": frame["difference"].astype(float).round(1),
            "same predictions (%)": share["same_predictions"].round(1),
            "greatest difference of a probability": frame["greatest_difference"].astype(float).round(3),
        }
    )


def failures(frame: pd.DataFrame) -> list[str]:
    """A line per failed run of `RunStore.frame`, with its reason."""
    return [f"{names.corpus(run.corpus)}, {names.objective(run.objective)}, {names.encoder(run.encoder)}, seed {run.seed}: "
            f"{run.failure}" for run in frame[frame["status"] == "failed"].itertuples()]  # fmt: skip


def grid_findings(frame: pd.DataFrame) -> list[str]:
    """What the runs of a grid gave, in words: how many finished, and the mean test accuracy of each objective, best first.

    `frame` is of `RunStore.frame`. Class subsets are counted, but not averaged; of several settings, the best is named.
    """
    counts = frame["status"].value_counts()
    said = [f"{counts.get('done', 0)} of {len(frame)} runs finished, {counts.get('failed', 0)} failed."]
    done = frame[(frame["status"] == "done") & (frame["classes"] == "")]
    for (corpus, encoder), here in done.groupby(["corpus", "encoder"], sort=False):
        best = {name: _best_setting(runs) for name, runs in here.groupby("objective", sort=False)}
        each = [f"{names.objective(name)} {text.mean(runs.mean(), runs.std())}, n = {len(runs)}{note}"
                for name, (runs, note) in sorted(best.items(), key=lambda item: -item[1][0].mean())]  # fmt: skip
        said.append(f"{names.corpus(corpus)}, {names.encoder(encoder)}: test accuracy (%) {'; '.join(each)}.")
    return said


def _best_setting(runs: pd.DataFrame) -> tuple[pd.Series, str]:
    read = [name for name in MEANINGS if name in runs and name not in ("seed", *UNREAD.get(runs["objective"].iloc[0], ()))]
    settings = [group["test_accuracy"].astype(float) * 100 for _, group in runs.groupby(read, dropna=False, sort=False)]
    best = max(settings, key=pd.Series.mean)
    return best, f", best of {len(settings)} settings" if len(settings) > 1 else ""


def holdings(
    results, published_encoder: str = "electra-base", class_sets: Mapping[str, Sequence[str]] | None = None
) -> list[str]:
    """What `Frozen` results hold and what they lack, in lines; and that their encoder is not the paper's where it is not.

    Of runs on all classes of a corpus, or, if `class_sets` are given by name, of those on these sets.
    """
    subset = results.runs["classes"] != ""
    frame = results.runs[subset] if class_sets is not None else results.runs[~subset]
    done = frame[frame["status"] == "done"]
    what = "on class sets" if class_sets is not None else "on all classes"
    said = [f"Results shown: {results.name}, {len(done)} of {len(frame)} planned runs {what} finished."]
    set_names = {"|".join(members): f", {name}" for name, members in (class_sets or {}).items()}
    for (corpus, classes, encoder), group in done.groupby(["corpus", "classes", "encoder"], sort=False):
        counts = group["objective"].value_counts(sort=False)
        objectives = ", ".join(f"{names.objective(name)} ({counts[name]})" for name in OBJECTIVES if name in counts)
        where = f"{names.corpus(corpus)}{set_names.get(classes, '')} with {names.encoder(encoder)}"
        said.append(f"{where}, runs per objective: {objectives}.")
    absent = [names.corpus(corpus) for corpus in dict.fromkeys(frame["corpus"]) if corpus not in set(done["corpus"])]
    if absent:
        said.append(f"Planned, but not run: {', '.join(absent)}.")
    in_paper = [name for name, entry in catalog.corpora().items() if entry.published]
    foreign = done[done["corpus"].isin(in_paper) & (done["encoder"] != published_encoder)]
    for encoder in foreign["encoder"].unique():
        said.append(f"The paper's main results are of {names.encoder(published_encoder)}, not of {names.encoder(encoder)}:")
        said.append("  compare the differences between objectives rather than the accuracies.")
    return said
