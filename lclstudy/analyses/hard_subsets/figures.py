"""The figures of hard class subsets: which classes are alike, and how sure ranks are. They draw on the axes given.

`table` is of `tables.compared`. Our picks have a letter and a colour each, the same in every figure; the sets of others are
grey, and one that is the same as a pick of ours is shown with it.
"""

import math
from string import ascii_lowercase

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter
from scipy.cluster import hierarchy

from lclstudy.show import marks
from lclstudy.show.plots import class_tree, likeness
from lclstudy.show.style import NEUTRAL, SMALLEST
from lclstudy.statistics import judge

from .tables import Source

PICKS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # of Okabe and Ito, as in `style`
_INK = "#333333"
_SHARES = (0, 0.5, 1, 2, 5, 10, 20, 40, 80)  # percent, on the square-root axis of the tree


def class_dendrogram(found: Source, table: pd.DataFrame, ax: Axes) -> None:
    """The classes as a tree, for a figure of the width `DOUBLE`: the further right two branches meet, the more often their
    classes are taken for each other. Branches that hold classes of one pick alone have its colour."""
    tree, most = class_tree(found.confusion), 100 * likeness(found.confusion).max() or 1.0
    owner = {member: place for place, members in enumerate(table["members"][table["ours"]]) for member in members}
    leaves = hierarchy.leaves_list(tree).tolist()
    edge = 1.03 * np.sqrt(most)  # leaves end right of the nearest fork, so that it is seen
    ends = {leaf: (edge, y, {owner.get(leaf)}) for y, leaf in enumerate(leaves)}  # x, y, and whose leaves
    for number, (one, other, height, _) in enumerate(tree):
        (x_one, y_one, owners), (x_other, y_other, others) = ends[int(one)], ends[int(other)]
        owners, x = owners | others, np.sqrt(max(most * (1 - height), 0))
        colour, width = (NEUTRAL, 0.7) if len(owners) > 1 or owners == {None} else (PICKS[min(owners)], 1.6)
        ax.plot([x_one, x, x, x_other], [y_one, y_one, y_other, y_other], color=colour, linewidth=width,
                solid_joinstyle="miter")  # fmt: skip
        ends[len(leaves) + number] = (x, (y_one + y_other) / 2, owners)
    shown = [share for share in _SHARES if share <= most]
    ax.set_xticks(np.sqrt(shown), [f"{share:g}" for share in shown])  # a root, as most classes are hardly ever confused
    ax.set_xlim(0, np.sqrt(most) * 1.035)
    ax.set_xlabel("texts of a class taken for a class of the other branch (%, mean over their pairs)")
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_bounds(0, np.sqrt(most))
    title = "The further right two branches meet, the more often their classes are taken for each other"
    ax.set_title(f"{title}\n{found.said}", pad=20)
    _memberships(found, [(found.classes[leaf], owner.get(leaf)) for leaf in leaves], ax)


def _memberships(found: Source, leaves: list[tuple[str, int | None]], ax: Axes) -> None:
    """Right of the leaves: a disc with the letter of the pick, the name of the class, and the sets of others."""
    ax.set_ylim(len(leaves) - 0.4, -0.6)
    ax.set_yticks([])
    heads = [(1.03, "found", "center")] + [(1.24, found.whose, "left")] * bool(found.others)
    for x, head, side in heads:
        marks.beside(ax, -1.0, head, x, ha=side, style="italic")
    for y, (name, owner) in enumerate(leaves):
        look = {"color": _INK, "size": SMALLEST + 0.5}
        told = [one.removeprefix("4-") for one, members in found.others.items() if name in members]
        marks.beside(ax, y, ", ".join(told), 1.24, **look)
        if owner is not None:
            ax.plot(1.03, y, "o", color=PICKS[owner], markersize=8.5, transform=ax.get_yaxis_transform(), clip_on=False)
            marks.beside(ax, y, ascii_lowercase[owner], 1.03, ha="center", va="center_baseline", color="white")
            look |= {"color": PICKS[owner], "weight": "bold"}
        marks.beside(ax, y, name, 1.06, **look)


def rank_intervals(found: Source, table: pd.DataFrame, ax: Axes) -> None:
    """The rank of each set among all of its size with 95 % of the ranks when texts are drawn again, the limits that verdicts
    depend on, and the verdict on each published hard set."""
    shown, subsets = table[table["ours"] | (table["same"] == "")], math.comb(len(found.classes), found.size)
    colours = [PICKS[place] if ours else _INK for place, ours in enumerate(shown["ours"])]
    for place, (row, colour) in enumerate(zip(shown.itertuples(), colours, strict=True)):
        marks.interval(ax, place, row.rank, row.low, row.high, colour, size=4)
        word = row.word or "".join(table["word"][table["set"] == row.same])
        marks.beside(ax, place, word, color=_INK)
    marks.rows(ax, [f"{row.set} = {row.same}" if row.same else row.set for row in shown.itertuples()], colours)
    ax.set_xscale("log")
    ax.set_xlim(0.8, subsets * 1.25)
    ticks = [1, *(10**power for power in range(1, 9) if 10**power < subsets / 5), subsets]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    judged = (table["word"] != "").any()
    for limit, text in zip(judge.rank_limits(subsets) if judged else (), ("first 0.1 %", "first 1 %"), strict=False):
        ax.axvline(limit, color=NEUTRAL, linewidth=0.8, linestyle=(0, (2, 1.2)))
        ax.annotate(text, (limit, 0), (-2, 3), xycoords=ax.get_xaxis_transform(), textcoords="offset points", ha="right",
                    size=SMALLEST, color=NEUTRAL)  # fmt: skip
    ax.set_xlabel(f"rank among all {subsets:,} sets (1: the most confusable)")
    what = "Rank of each set, and verdict on those published" if judged else "Rank of each set"
    ax.set_title(f"{what}; line: 95 % of the ranks when texts are drawn again\n{found.said}")
