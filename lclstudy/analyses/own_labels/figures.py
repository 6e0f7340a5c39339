"""The card of a corpus of one's own: accuracy, confusions, cost and power of CE and LCL in one figure that explains itself."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lclstudy.plan import names
from lclstudy.show import marks
from lclstudy.show.plots import class_order
from lclstudy.show.style import DOUBLE, SMALLEST, colour, drawable, marker, use
from lclstudy.show.text import number
from lclstudy.statistics import metrics

MATRIX = 15  # up to so many classes the whole confusion is drawn, of more the pairs most often confused
PAIRS = 10


def card(title: str, answer: str, scores: dict, intervals: dict, confusion: dict, classes: Sequence[str]) -> Figure:
    """One figure, 6.9 inches wide, that answers: does LCL help on these labels?

    `title` names corpus, texts, classes, encoder and n; `answer` is the finding, in a line. By objective: `scores` test
    accuracies (%) a run each, `intervals` (low, high) of their means, NaN for one run; `confusion` [C, C], counts summed over
    its runs.
    """
    use()
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(DOUBLE, 4.8), height_ratios=(1, 4))
    figure.suptitle("\n".join(textwrap.wrap(title, 105) + textwrap.wrap(answer, 105)), x=0.01, ha="left", fontsize=SMALLEST + 2,
                    parse_math=False)  # fmt: skip
    accuracy_dots(scores, intervals, top)
    if len(classes) <= MATRIX:
        confusion_change(confusion, classes, bottom)
        what = "What LCL changes: share of a label's texts (points, LCL − CE);\nbetter: blue on the diagonal, red elsewhere"
    else:
        confusion_pairs(confusion, classes, bottom)
        what = f"The pairs most often confused, of {len(classes):,} classes: errors of CE and of LCL"
    bottom.set_title(what)
    return figure


def accuracy_dots(scores: dict, intervals: dict, ax: Axes) -> None:
    """A row per objective: small marks are runs, the large one their mean, the line its 95 % interval."""
    for row, (name, values) in enumerate(scores.items()):
        look = {"color": colour(name), "marker": marker(name)}
        ax.plot(values, np.full(len(values), row + 0.3), markersize=3, alpha=0.6, linestyle="none", **look)
        if len(values):
            marks.interval(ax, row, np.mean(values), *intervals[name], size=6, **look)
    told = {name: f"{np.mean(values):.1f} %" if len(values) else "not run" for name, values in scores.items()}
    marks.rows(ax, [f"{names.objective(name)}  {said}" for name, said in told.items()])
    ax.set_title("Test accuracy: small mark one seed, large mark mean, line its 95 % interval")
    ax.set_xlabel("accuracy (%)")
    ax.xaxis.set_major_locator(MaxNLocator(5, min_n_ticks=3))
    ax.margins(x=0.08)


def confusion_change(confusion: dict[str, np.ndarray], classes: Sequence[str], ax: Axes) -> None:
    """Row shares of LCL's confusions less those of CE's, in points; rows without texts grey; like classes are neighbours."""
    with np.errstate(invalid="ignore"):
        shares = {name: 100 * counts / counts.sum(axis=1, keepdims=True) for name, counts in confusion.items()}
    order = class_order(sum(confusion.values()))
    change = (shares["lcl"] - shares["ce"])[np.ix_(order, order)]
    labels = [drawable(classes[index], index) for index in order]
    reach = max(1.0, np.nanmax(np.abs(change), initial=0.0))
    look = {"cmap": "RdBu", "vmin": -reach, "vmax": reach, "cbar": False, "xticklabels": False, "yticklabels": False}
    said = np.vectorize(lambda value: number(value, 1, sign=True) if value else "")(change)
    sns.heatmap(change, ax=ax, annot=said, fmt="", annot_kws={"size": SMALLEST}, **look)
    ax.set_facecolor("#DDDDDD")
    places = np.arange(len(labels)) + 0.5
    ax.set_xticks(places, labels, rotation=90)
    ax.set_yticks(places, labels)
    ax.tick_params(length=0)
    ax.set(xlabel="answer of the model", ylabel="label of the text")


def confusion_pairs(confusion: dict[str, np.ndarray], classes: Sequence[str], ax: Axes) -> None:
    """The pairs of classes most often taken for each other: of each loss, the errors in % of the texts of both."""
    nearest = metrics.confused_pairs(sum(confusion.values()))[:PAIRS]
    for shift, (name, counts) in zip((-0.17, 0.17), confusion.items(), strict=True):
        shares = [100 * (counts[a, b] + counts[b, a]) / max(1, counts[[a, b]].sum()) for a, b, _ in nearest]
        ax.plot(shares, np.arange(len(shares)) + shift, marker(name), color=colour(name), label=names.objective(name))
    marks.rows(ax, [f"{drawable(classes[a], a)}\n{drawable(classes[b], b)}" for a, b, _ in nearest])
    ax.set_xlabel("taken for the other, % of the texts of both")
    ax.legend(loc="lower right")
