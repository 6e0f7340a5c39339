"""The card of a corpus of one's own: accuracy, confusions, cost and power of CE and LCL in one figure that explains itself."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lclstudy.plan import names
from lclstudy.show import marks
from lclstudy.show.plots import class_order
from lclstudy.show.style import DOUBLE, NEUTRAL, SMALLEST, colour, drawable, marker, use
from lclstudy.show.text import number
from lclstudy.statistics import metrics

MATRIX = 15  # up to so many classes the whole confusion is drawn, of more the pairs most often confused
ANNOTATED = 10  # up to so many classes the numbers are written into it
PAIRS = 10
_DETECTED = 0.8


def card(
    title: str,
    answer: str,
    scores: dict[str, Sequence[float]],
    intervals: dict[str, tuple[float, float]],
    confusion: dict[str, np.ndarray],
    classes: Sequence[str],
    seconds: dict[str, Sequence[float]],
    curve: pd.DataFrame,
    gain: float,
) -> Figure:
    """One figure, 6.9 inches wide, that answers: does LCL help on these labels?

    `title` names corpus, texts, classes, encoder and n; `answer` is the finding, in a line. By objective: `scores` test
    accuracies (%) a run each, `intervals` (low, high) of their means, NaN for one run, and `seconds` of training. `confusion`
    [C, C] are counts summed over its runs; `curve` is of `tables.power_curve` for a `gain` in points.
    """
    use()
    figure = plt.figure(figsize=(DOUBLE, 4.8), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.2))  # so that long class names on the right move nothing here
    top, middle, bottom = left.subplots(3, 1, height_ratios=(1, 0.8, 1.25))
    figure.suptitle("\n".join(textwrap.wrap(title, 105) + textwrap.wrap(answer, 105)), x=0.01, ha="left", fontsize=SMALLEST + 2,
                    parse_math=False)  # fmt: skip
    accuracy_dots(scores, intervals, top)
    seconds_bars(seconds, middle)
    power_line(curve, gain, max(map(len, scores.values())), bottom)
    few = len(classes) <= MATRIX
    (confusion_change if few else confusion_pairs)(confusion, classes, right.subplots())
    share = "What LCL changes: share of a label's texts (points, LCL − CE)"
    what = f"{share};\nbetter: blue on the diagonal, red elsewhere" if few else (
        f"The pairs most often confused, of {len(classes):,} classes:\nerrors of CE and of LCL")  # fmt: skip
    right.suptitle(what, x=0.03, ha="left", fontsize=SMALLEST + 1)  # above its axes a title would run over the edge
    return figure


def accuracy_dots(scores: dict, intervals: dict, ax: Axes) -> None:
    """A row per objective: small marks are runs, the large one their mean, the line its 95 % interval."""
    for row, (name, values) in enumerate(scores.items()):
        look = {"color": colour(name), "marker": marker(name)}
        ax.plot(values, np.full(len(values), row + 0.22), markersize=3, alpha=0.6, linestyle="none", **look)
        if len(values):
            marks.interval(ax, row, np.mean(values), *intervals[name], size=6, **look)
    _objective_rows(ax, {name: f"{np.mean(values):.1f} %" if len(values) else "not run" for name, values in scores.items()})
    ax.set_title("Test accuracy: small mark one seed,\nlarge mark mean, line its 95 % interval")
    ax.set_xlabel("accuracy (%)")
    ax.xaxis.set_major_locator(MaxNLocator(5, min_n_ticks=3))
    ax.margins(x=0.08)
    ax.grid(axis="x")


def seconds_bars(seconds: dict, ax: Axes) -> None:
    """Training time of the median run of each objective, a mark per run; the title gives the ratio of LCL to CE."""
    middle = {name: float(np.median(values)) if len(values) else np.nan for name, values in seconds.items()}
    for row, (name, values) in enumerate(seconds.items()):
        ax.barh(row, np.nan_to_num(middle[name]), height=0.5, color=colour(name), alpha=0.35)
        ax.plot(values, np.full(len(values), row), color=colour(name), marker=marker(name), markersize=3, linestyle="none")
    _objective_rows(ax, {name: f"{mean:,.0f} s" if mean >= 10 else f"{mean:.1f} s" if mean > 0 else "not run"
                         for name, mean in middle.items()})  # fmt: skip
    ratio = middle["lcl"] / middle["ce"]
    ax.set_title("Cost: LCL and CE not both run" if np.isnan(ratio) else f"Cost: LCL trains {ratio:.1f} times as long as CE")
    ax.set_xlabel("seconds of training per run (bar: median)")
    ax.set_xlim(left=0)


def _objective_rows(ax: Axes, told: dict[str, str]) -> None:
    ax.set_yticks(range(len(told)), [f"{names.objective(name)}  {text}" for name, text in told.items()])
    ax.set_ylim(len(told) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_axisbelow(True)


def power_line(curve: pd.DataFrame, gain: float, now: int, ax: Axes) -> None:
    """Chance that a test sees a gain, against the number of seeds; band: the 80 % interval of the spread between seeds."""
    told = f"Chance to see a true gain of {gain:g} {'point' if gain == 1 else 'points'}"
    if curve.empty:
        ax.set_title(told)
        ax.text(0.5, 0.5, "no spread between seeds to go by:\ngive 3 seeds or more", ha="center", va="center",
                transform=ax.transAxes, color=NEUTRAL)  # fmt: skip
        ax.set_axis_off()
        return
    ax.fill_between(curve["n"], 100 * curve["low"], 100 * curve["high"], color=colour("lcl"), alpha=0.15, linewidth=0)
    ax.plot(curve["n"], 100 * curve["power"], color=colour("lcl"))
    ax.axhline(100 * _DETECTED, color=NEUTRAL, linewidth=0.8, linestyle=":")
    ax.axvline(now, color=NEUTRAL, linewidth=0.8)
    ax.set(xscale="log", ylim=(0, 103), xlabel=f"seeds per loss (upright line: now, {now})", ylabel="chance (%)")
    ticks = [n for n in (2, 3, 5, 10, 20, 50, 100, 300, 1000, 3000, 10000, 20000) if curve["n"].min() <= n <= curve["n"].max()]
    ax.set_xticks(ticks, [f"{n:,}" for n in ticks])
    ax.minorticks_off()
    reached = curve[curve["power"] >= _DETECTED]
    where = "80 % is out of reach"
    if len(reached):
        ax.plot(reached["n"].iloc[0], 100 * reached["power"].iloc[0], color=colour("lcl"), marker="o", markersize=4)
        where = f"dot: {reached['n'].iloc[0]:,} seeds for 80 %"
    ax.set_title(f"{told};\n{where}; band: uncertainty")


def confusion_change(confusion: dict[str, np.ndarray], classes: Sequence[str], ax: Axes) -> None:
    """Row shares of LCL's confusions less those of CE's, in points; rows without texts grey; like classes are neighbours."""
    with np.errstate(invalid="ignore"):
        shares = {name: 100 * counts / counts.sum(axis=1, keepdims=True) for name, counts in confusion.items()}
    order = class_order(sum(confusion.values()))
    change = (shares["lcl"] - shares["ce"])[np.ix_(order, order)]
    labels = [drawable(classes[index], index) for index in order]
    reach = max(1.0, np.nanmax(np.abs(change), initial=0.0))
    look = {"cmap": "RdBu", "vmin": -reach, "vmax": reach, "cbar": False, "xticklabels": False, "yticklabels": False}
    said = np.vectorize(lambda value: number(value, 1, sign=True))(change) if len(classes) <= ANNOTATED else None
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
