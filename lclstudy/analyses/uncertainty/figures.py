"""The figures of how sure the models are: entropy against k, and reliability."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lclstudy.plan import names
from lclstudy.plan.spec import OBJECTIVES
from lclstudy.results.comparisons import ALL_CLASSES, PLACE
from lclstudy.show import marks
from lclstudy.show.style import NEUTRAL, SMALLEST, colour, label_lines, marker, panels

ONE_POINT = {"marker": "o", "err_style": "bars", "err_kws": {"linewidth": 0.8, "capsize": 2}}  # of two classes, k is 2 alone


def entropy_curves(curves: pd.DataFrame) -> Figure:
    """Mean entropy of the top-k scores against k, from 2, by objective: a panel per place with all classes of `tables.curves`.

    Bands go from the lowest to the highest run; the dotted line is log2 k, the entropy of k equal scores,
    as far as the curves reach up: they are what is compared.
    """
    import seaborn  # takes half a second, and most commands draw nothing

    figure, places = _panels(curves[(curves["outcome"] == "all") & (curves["k"] >= 2)], 2.5)
    for ax, title, drawn, order in places:
        k = np.arange(2, drawn["k"].max() + 1)
        seaborn.lineplot(drawn, x="k", y="entropy", hue="objective", hue_order=order, errorbar=("pi", 100), legend=False, ax=ax,
                         palette={name: colour(name) for name in order},
                         **(ONE_POINT if len(k) == 1 else {"err_kws": {"alpha": 0.15, "linewidth": 0}}))  # fmt: skip
        top = 1.04 * ax.get_ylim()[1]
        ax.plot(k, np.log2(k), color=NEUTRAL, linewidth=0.7, linestyle=":", zorder=1)
        n = drawn.groupby("objective")["seed"].nunique()
        spread = f", {'bar' if len(k) == 1 else 'band'}: lowest to highest" if n.max() > 1 else ""
        ax.set_title(f"{title}\n{_runs(n)}{spread}")
        ax.set(xlabel="k", ylabel="entropy of the top-k scores (bits)", xlim=(1.8, k[-1] + 0.2), ylim=(0, top))
        ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
        last = drawn[drawn["k"] == k[-1]].groupby("objective")["entropy"].mean()
        label_lines(ax, {name: (k[-1], last[name]) for name in order}, {name: names.objective(name) for name in order})
    said = "log₂ k: k equal scores; in a panel without it, it lies above"
    marks.key(figure.axes[0], [(said, {"linestyle": ":", "marker": "", "linewidth": 0.7})])
    return figure


def _panels(table: pd.DataFrame, height: float) -> tuple[Figure, list[tuple[Axes, str, pd.DataFrame, list[str]]]]:
    """A figure, and of each place with all classes its axes, title, rows and objectives."""
    places = list(table[table["set"] == ALL_CLASSES].groupby(list(PLACE), sort=False))
    figure, axes = panels(len(places), height=height, columns=2)
    return figure, [(ax, f"{names.corpus(corpus)}, {names.encoder(encoder)}", rows,
                     [name for name in OBJECTIVES if name in set(rows["objective"])])
                    for ax, ((corpus, _, encoder), rows) in zip(axes, places, strict=True)]  # fmt: skip


def _runs(n: pd.Series) -> str:
    return f"n = {'–'.join(dict.fromkeys(map(str, (n.min(), n.max()))))} run{'s' if n.max() > 1 else ''}"


def reliability_diagrams(bins: pd.DataFrame) -> Figure:
    """Accuracy against confidence in bins for each objective, a panel per place; below the diagonal the model is too sure.

    `bins` is of `tables.reliability`. Marks grow with the share of the texts in a bin; bins of fewer than 10 texts are left
    out, because their accuracy is mostly chance.
    """
    figure, places = _panels(bins, 2.9)
    for ax, title, rows, order in places:
        ax.plot([0, 100], [0, 100], color=NEUTRAL, linewidth=0.6, linestyle=":")
        for objective in order:
            here = rows[rows["objective"] == objective]
            filled = here[here["count"] >= 10]
            x, y, sizes = 100 * filled["confidence"], 100 * filled["accuracy"], 4 + 60 * filled["count"] / here["count"].sum()
            ax.plot(x, y, color=colour(objective), linewidth=0.8)
            ax.scatter(x, y, s=sizes, color=colour(objective), marker=marker(objective), linewidths=0)
        n = rows.groupby("objective")["n"].first()
        ax.set_title(f"{title}\n{_runs(n)} on {rows['count'].sum() // n.sum():,} test texts")
        ax.set(xlabel="confidence (%)", ylabel="accuracy (%)", xlim=(0, 101), ylim=(0, 101))
        ax.text(96, 6, "too sure", ha="right", size=SMALLEST, color=NEUTRAL, style="italic")
        ax.text(4, 92, "not sure enough", size=SMALLEST, color=NEUTRAL, style="italic")
    shown = [name for name in OBJECTIVES if name in set(bins["objective"])]
    looks = [(names.objective(name), {"color": colour(name), "marker": marker(name)}) for name in shown]
    marks.key(figure.axes[0], looks, "size: share of the predictions; on the dotted line, confidence is deserved", columns=5)
    return figure
