"""Figures that several notebooks draw: differences between objectives as a forest, learning curves on axes of `style.subplots`,
and a confusion matrix as a heat map."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from lclstudy.plan import names
from lclstudy.plan.spec import OBJECTIVES

from . import marks, text
from .style import DOUBLE, SINGLE, SMALLEST, colour, drawable, label_lines, marker, subplots

CURVES = {  # column of an epoch: what it is called, unit, factor
    "validation_accuracy": ("validation accuracy", "%", 100),
    "loss": ("training loss, all terms", "nats", 1),
    "loss_ce": ("training cross-entropy", "nats", 1),
}
_ANNOTATED = 12  # up to so many classes the counts are written into the heat map


def forests(rows: pd.DataFrame, pairs: Iterable[tuple[str, str]]) -> Figure | None:
    """Differences with 95 % intervals, a panel for each of `pairs` (a, b) that `rows` have: published (open) above ours
    (filled), at the right n, and what became of the claim. None for no rows.

    `rows`: those of `comparisons.beside_published`, with a `label`.
    """
    found = rows.groupby(["a", "b"])
    panels = [(pair, found.get_group(pair)) for pair in pairs if pair in found.groups]
    if not panels:
        return None
    figure, axes = subplots(len(panels), 1, DOUBLE, 0.7 + sum(0.65 + 0.3 * len(here) for _, here in panels))
    for ax, ((a, b), here) in zip(axes, panels, strict=True):
        for place, row in enumerate(here.to_dict("records")):
            ours, theirs = (row["difference"], row["ci_low"], row["ci_high"]), (row["published_low"], row["published_high"])
            marks.interval(ax, place - 0.17, row["expected"], *theirs, colour(a), marker(a), marks.OPEN)
            marks.interval(ax, place + 0.17, *ours, colour(a), marker(a))
            if pd.notna(row["published_n"]):
                marks.beside(ax, place - 0.19, f"n = {row['published_n']:.0f}, published")
            marks.beside(ax, place + 0.19, f"n = {text.several(row['n_a'], row['n_b'])}, {text.noted(row)}")
        marks.rows(ax, here["label"], zero=True)
        ax.set_title(f"{text.pair(a, b)} (right of 0: {names.objective(a)} is better)")
    ax.set_xlabel("difference of test accuracy (points)")  # below the last
    marks.symmetric(axes, rows[["difference", "ci_low", "ci_high", "expected", "published_low", "published_high"]])
    entries = [(f"ours ({', '.join(map(names.encoder, rows['encoder'].unique()))})", {})]
    if rows["expected"].notna().any():
        entries.insert(0, (f"published ({names.encoder('electra-base')})", {"markerfacecolor": marks.OPEN}))
    told = "in quotes: what the paper claims, as we read it, then what became of it; line: 95 % interval over seeds"
    marks.key(axes[0], entries, title=told)
    return figure


def learning_curves(epochs: pd.DataFrame, axes: Axes | Sequence[Axes]) -> None:
    """Validation accuracy by epoch on the first of `axes`, cross-entropy in training on the second (if there is one).

    `epochs` holds rows of `RunStore.epochs_frame()`, of one corpus, class set and encoder. Lines are means over the runs of an
    objective, bands go from the lowest to the highest run.
    """
    import seaborn  # takes half a second, and most commands draw nothing

    corpus, classes, encoder = epochs.iloc[0][["corpus", "classes", "encoder"]]
    subset = f", {len(classes.split('|'))} classes" if classes else ""
    counts = epochs.groupby("objective")["seed"].nunique()
    for ax, column in zip(np.atleast_1d(axes), ("validation_accuracy", "loss_ce"), strict=False):
        column = column if column in epochs else "loss"  # a bag of words has no other
        said, unit, scale = CURVES[column]
        drawn = epochs.assign(value=epochs[column] * scale).dropna(subset="value")  # not every objective has every loss
        order = [name for name in OBJECTIVES if name in set(drawn["objective"])]
        seaborn.lineplot(drawn, x="epoch", y="value", hue="objective", style="objective", hue_order=order, style_order=order,
                         palette={name: colour(name) for name in order}, dashes=False, markeredgewidth=0,
                         markers={name: marker(name) for name in order}, errorbar=("pi", 100),
                         err_kws={"alpha": 0.15, "linewidth": 0}, legend=False, ax=ax)  # fmt: skip
        last = drawn[drawn["epoch"] == drawn.groupby("objective")["epoch"].transform("max")]
        ends = last.groupby("objective")[["epoch", "value"]].mean()
        told = {name: f" ({counts[name]})" if counts.nunique() > 1 else "" for name in order}
        label_lines(ax, {name: tuple(ends.loc[name]) for name in order},
                    {name: names.objective(name) + told[name] for name in order})  # fmt: skip
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="epoch", ylabel=f"{said} ({unit})")
        ax.set_title(f"{names.corpus(corpus)}{subset}, {names.encoder(encoder)}\n{_lines_said(counts)}")


def _lines_said(counts: pd.Series) -> str:
    if counts.max() == 1:
        return "one run" if len(counts) == 1 else "one run each"
    runs = f"{counts.iloc[0]} runs" if counts.nunique() == 1 else "(n) runs"
    return f"line: mean of {runs}, band: lowest to highest"


def likeness(confusion: np.ndarray) -> np.ndarray:
    """How often two classes are taken for each other, [C,C] symmetric, 0 to 1, the diagonal 0.

    The mean of the two row shares: of a's texts taken for b, and of b's taken for a. A class without examples is like none.
    """
    shares = np.nan_to_num(_shares(confusion))
    alike = (shares + shares.T) / 2
    np.fill_diagonal(alike, 0)
    return alike


def class_tree(confusion: np.ndarray) -> np.ndarray:
    """The classes as a tree, a linkage matrix [C - 1, 4] of scipy: average linkage of the distance 1 - likeness / the largest.

    Leaves are ordered so that neighbours are alike (Bar-Joseph et al. 2001).
    """
    alike = likeness(confusion)
    distance = 1 - alike / max(alike.max(), np.finfo(float).tiny)
    np.fill_diagonal(distance, 0)
    return hierarchy.linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)


def class_order(confusion: np.ndarray) -> np.ndarray:
    """An order of the classes [C] that puts those next to each other that are often taken for one another: of `class_tree`."""
    if len(confusion) < 3:
        return np.arange(len(confusion))
    return hierarchy.leaves_list(class_tree(confusion))


def confusion_heatmap(confusion: np.ndarray, classes: Sequence[str], what: str) -> Figure:
    """Row shares in percent of a confusion matrix [C, C] of counts (row = true class), classes in the order of `class_order`.

    Counts are written into the cells of up to 12 classes. `what` begins the title: `EmoInt, LCL`. A true class without
    examples has a grey row.
    """
    import seaborn

    width = max(SINGLE, min(DOUBLE, 1.6 + 0.28 * len(classes)))  # for the counts and labels
    figure, (ax,) = subplots(width=width, height=0.88 * width)
    figure.set_layout_engine("compressed")  # else a square matrix with long labels runs over the edge
    order = class_order(confusion)
    counts, shown = confusion[np.ix_(order, order)], [drawable(classes[index], index, width=40) for index in order]
    annotated = len(shown) <= _ANNOTATED
    # A square-root scale, because the confusions that the figure is about are far rarer than the right answers.
    seaborn.heatmap(100 * _shares(counts), cmap="Blues", norm=PowerNorm(0.5, 0, 100), square=True, ax=ax,
                    annot=counts if annotated else None, fmt="g", annot_kws={"size": SMALLEST},
                    xticklabels=shown, yticklabels=shown,
                    cbar_kws={"label": "share of the true class (%)", "ticks": [0, 1, 5, 10, 25, 50, 100], "shrink": 0.8,
                              "pad": 0.02, "aspect": 30})  # fmt: skip
    ax.set_facecolor("#DDDDDD")
    ax.tick_params(length=0)
    ax.tick_params(axis="x", rotation=90 if len(shown) > 4 else 0)
    ax.tick_params(axis="y", rotation=0)
    ax.set(xlabel="predicted class", ylabel="true class")
    # The axes say what is drawn; a longer title would not fit the column.
    ax.set_title(f"{what}\nN = {int(confusion.sum()):,} predictions{'; numbers are counts' if annotated else ''}",
                 parse_math=False)  # fmt: skip
    return figure


def _shares(confusion: np.ndarray) -> np.ndarray:
    """Rows to sum 1; NaN where a row has no examples."""
    confusion = np.asarray(confusion, dtype=float)
    with np.errstate(invalid="ignore"):
        return confusion / confusion.sum(axis=1, keepdims=True)
