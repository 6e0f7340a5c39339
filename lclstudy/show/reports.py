"""What the notebooks say of runs, in small tables of text and in words. It reads records and frozen results; no torch."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from lclstudy.plan import catalog, names
from lclstudy.plan.spec import OBJECTIVES, UNREAD, RunSpec
from lclstudy.results import published
from lclstudy.results.frozen import Frozen
from lclstudy.results.records import SPLITS, Record
from lclstudy.statistics import metrics

from . import tables

LEVEL = 0.05
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
    unread = UNREAD.get(spec.objective, ())
    values = {name: "all" if value is None else value for name, value in asdict(spec).items()}
    values["corpus"] = names.corpus(spec.corpus) if spec.corpus in catalog.corpora() else spec.label().split()[0]
    values |= {"objective": names.objective(spec.objective), "encoder": names.encoder(spec.encoder)}
    values["classes"] = ", ".join(spec.classes) if spec.classes else "all"
    rows = [(name, f"not used by {values['objective']}" if name in unread else str(values[name])) for name in values]
    return pd.DataFrame([(name, value, MEANINGS[name]) for name, value in rows], columns=["setting", "value", "what it is"])


def scores(record: Record) -> pd.DataFrame:
    """Accuracy, weighted F1, and how far confidence can be trusted, on validation and test at the best epoch."""
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
    confusion = np.asarray(confusion)
    rows = [
        {
            "class A": classes[a],
            "class B": classes[b],
            "A taken for B": int(confusion[a, b]),
            "B taken for A": int(confusion[b, a]),
            "share of their texts (%)": round(100 * both / confusion[[a, b]].sum(), 1),
        }
        for a, b, both in metrics.confused_pairs(confusion)[:count]
    ]
    columns = ["class A", "class B", "A taken for B", "B taken for A", "share of their texts (%)"]
    return pd.DataFrame(rows, columns=columns)


def confident_errors(record: Record, texts: Sequence[str], count: int = 5, width: int = 160) -> pd.DataFrame:
    """The test texts that the model got wrong with most confidence; `texts` are those of the test split, in its order."""
    rows = []
    for number in metrics.confident_errors(record.test_probabilities, record.test_labels, count):
        scores = record.test_probabilities[number]
        text = textwrap.shorten(texts[number], width, placeholder=" …")
        true, predicted = record.classes[record.test_labels[number]], record.classes[int(scores.argmax())]
        rows.append((text, true, predicted, round(100 * float(scores.max()), 1)))
    return pd.DataFrame(rows, columns=["text", "true class", "predicted class", "confidence (%)"])


def cost(record: Record) -> pd.DataFrame:
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


def run_findings(record: Record) -> list[str]:
    """What one run shows, in words: its accuracy beside that of the largest class, and the classes nearest to each other."""
    labels, predictions = record.test_labels, record.test_probabilities.argmax(axis=1)
    right = metrics.accuracy(labels, predictions)
    largest = np.bincount(labels).max() / len(labels)
    said = [
        f"{record.spec.label()}: {right:.1%} of {len(labels):,} test texts right, best at epoch {record.best_epoch}.",
        f"Always naming the largest class of the test texts would get {largest:.1%}.",
    ]
    pairs = metrics.confused_pairs(metrics.confusion_matrix(labels, predictions, record.classes))
    if pairs:
        a, b, both = pairs[0]
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
        "classes": [named.get("|".join(sorted(text.split("|"))), text) or tables.ALL_CLASSES for text in frame["classes"]],
        "objective": frame["objective"].map(names.objective),
        "encoder": frame["encoder"].map(names.encoder),
        "seed": frame["seed"],
        "status": frame["status"],
        # Stages number their epochs on, and the best is one of the last stage.
        "best epoch": [f"{best} of {-(-best // epochs) * epochs}" if ran else "–"
                       for best, epochs, ran in zip(frame["best_epoch"], frame["epochs"], done, strict=True)],
    }  # fmt: skip
    for title, (column, scale) in _RUN_NUMBERS.items():
        values = frame[column] if column in frame else pd.Series(np.nan, frame.index)
        shown[title] = (values.astype(float) * scale).round(1).where(done)
    table = pd.DataFrame(shown)
    return table.drop(columns="classes") if (frame["classes"] == "").all() else table


def retrained(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of `RunStore.retrained` to show: a run each, frozen beside trained again, and how far apart they are."""
    return pd.DataFrame(
        {
            "corpus": frame["corpus"].map(names.corpus),
            "classes": frame["classes"].replace("", tables.ALL_CLASSES),
            "objective": frame["objective"].map(names.objective),
            "seed": frame["seed"],
            "frozen (%)": (100 * frame["frozen_accuracy"].astype(float)).round(1),
            "trained again (%)": (100 * frame["own_accuracy"].astype(float)).round(1),
            "difference (points)": frame["difference"].astype(float).round(1),
            "same predictions (%)": (100 * frame["same_predictions"].astype(float)).round(1),
            "greatest difference of a probability": frame["greatest_difference"].astype(float).round(3),
        }
    )


_RUN_NUMBERS = {
    "validation accuracy (%)": ("validation_accuracy", 100),
    "test accuracy (%)": ("test_accuracy", 100),
    "test weighted F1 (%)": ("test_weighted_f1", 100),
    "seconds": ("seconds", 1),
}


def failures(frame: pd.DataFrame) -> list[str]:
    """A line per failed run of `RunStore.frame`, with its reason."""
    failed = frame[frame["status"] == "failed"]
    whose = failed["corpus"].map(names.corpus) + ", " + failed["objective"].map(names.objective)
    whose += ", " + failed["encoder"].map(names.encoder) + ", seed " + failed["seed"].astype(str)
    return [f"{run}: {reason}" for run, reason in zip(whose, failed["failure"], strict=True)]


def grid_findings(frame: pd.DataFrame) -> list[str]:
    """What the runs of a grid gave, in words: how many finished, and the mean test accuracy of each objective, best first.

    `frame` is of `RunStore.frame`. Class subsets are counted, but not averaged.
    """
    counts = frame["status"].value_counts()
    said = [f"{counts.get('done', 0)} of {len(frame)} runs finished, {counts.get('failed', 0)} failed."]
    results = tables.main_results(published.table().iloc[:0], frame[frame["classes"] == ""])
    done = results[results["n"] > 0]
    return said + [_scores_said(*place, group) for place, group in done.groupby(["corpus", "encoder"], sort=False)]


def holdings(
    results: Frozen, published_encoder: str = "electra-base", class_sets: Mapping[str, Sequence[str]] | None = None
) -> list[str]:
    """What frozen results hold and what they lack, in lines; and that their encoder is not the paper's where it is not.

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


def published_tests(tests: pd.DataFrame, corpus: str, a: str, b: str, metric: str = "accuracy") -> str:
    """What the paper reports of the test of `a` against `b` on a whole corpus: `LCL > CE: t = 6.42, p < .001`."""
    whole = tests[(tests["corpus"] == corpus) & (tests["classes"] == "all") & (tests["metric"] == metric)]
    pair = whole[whole["better"].isin([a, b]) & whole["worse"].isin([a, b])]
    return "; ".join(_test_said(row) for row in pair.to_dict("records")) or tables.NOT_REPORTED


def _test_said(row: dict) -> str:
    t = "" if pd.isna(row["t"]) else f"t = {row['t']:.2f}, "
    p = f"{row['p']:.3f}".rstrip("0").lstrip("0")
    return f"{names.objective(row['better'])} > {names.objective(row['worse'])}: {t}p {row['p_relation']} {p}"


def differences(ours: pd.DataFrame, printed: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """`tables.readable_comparisons` of ours, with the published difference and the test that the paper reports beside it.

    `printed` is of `tables.published_comparisons`, `tests` of `published.significance_tests`.
    """
    key = ["corpus", "classes", "a", "b"]
    theirs = printed.set_index(key)["difference"].to_dict()
    found = [theirs.get(tuple(row)) for row in ours[key].itertuples(index=False)]
    shown = tables.readable_comparisons(ours)
    if any(value is not None for value in found):
        shown["Published difference"] = ["–" if value is None else f"{value:+.2f}" for value in found]
        shown["Published test"] = [published_tests(tests, row.corpus, row.a, row.b) for row in ours.itertuples()]
    return shown


def findings(results: pd.DataFrame, ours: pd.DataFrame, printed: pd.DataFrame) -> list[str]:
    """The main results in words, from `tables.main_results`, `comparisons` and `published_comparisons`."""
    said = [f"A difference is said to be one where p, adjusted by Holm's method, is below {LEVEL}."]
    done = results[results["n"] > 0]
    for (corpus, encoder), group in done.groupby(["corpus", "encoder"], sort=False):
        said.append(_scores_said(corpus, encoder, group))
        here = ours[(ours["corpus"] == corpus) & (ours["encoder"] == encoder) & (ours["a"] == "lcl") & (ours["note"] == "")]
        said += [f"  {_difference_said(row, printed)}" for row in here.to_dict("records")]
    planned = dict.fromkeys(results["corpus"][results["planned"] > 0])
    absent = [names.corpus(name) for name in planned if name not in set(done["corpus"])]
    if absent:
        said.append(f"Planned, but not run: {', '.join(absent)}.")
    return said


def _scores_said(corpus: str, encoder: str, group: pd.DataFrame) -> str:
    ranked = group.sort_values("mean", ascending=False, kind="stable")
    each = ", ".join(_score_said(row) for row in ranked.to_dict("records"))
    return f"{names.corpus(corpus)}, {names.encoder(encoder)}: test accuracy (%) {each}; {_n_said(group)}."


def _score_said(row: dict) -> str:
    return f"{names.objective(row['objective'])} {tables.mean_and_deviation(row['mean'], row['sd'])}"


def _n_said(group: pd.DataFrame) -> str:
    low, high = group["n"].min(), group["n"].max()
    return f"n = {low}" if low == high else f"n from {low} to {high}"


def _difference_said(row: dict, printed: pd.DataFrame) -> str:
    shown = f"{row['difference']:+.2f} points [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    verdict = "a difference" if row["p_holm"] < LEVEL else "no difference shown"
    said = f"LCL − {names.objective(row['b'])}: {shown}, p (Holm) {_p(row['p_holm'])}, {verdict}"
    same = printed[(printed["corpus"] == row["corpus"]) & (printed["a"] == row["a"]) & (printed["b"] == row["b"])]
    theirs = [f"{one.difference:+.2f} ({names.encoder(one.encoder)})" for one in same.itertuples()]
    return f"{said}; published {', '.join(theirs)}." if theirs else f"{said}."


def _p(p: float) -> str:
    return tables.p_value(p) if p < 0.001 else f"= {tables.p_value(p)}"
