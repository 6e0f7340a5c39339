"""The figures of hard class subsets: which classes are alike, what all subsets score, how stable picks are. `ax` in, `ax` out.

The picks of the search have a letter and a colour each, the same in every figure; the sets of others are grey.
"""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from scipy.cluster import hierarchy

from lclstudy.errors import StudyError
from lclstudy.show.plots import class_tree, likeness
from lclstudy.show.style import NEUTRAL, SMALLEST, apart, style

PICKS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # of Okabe and Ito, as in `style`
_FAINT = "#E4E4E4"
_INK = "#333333"
_SHARES = (0, 0.5, 1, 2, 5, 10, 20, 40, 80)  # percent, on the square-root axis of the tree
_OVER = {"texts": ("o", "texts drawn again"), "runs": ("s", "runs drawn again")}


def pick_colour(place: int) -> str:
    """The colour of the pick at `place` (0 is the most confusable); they come again after six."""
    return PICKS[place % len(PICKS)]


@style()
def class_dendrogram(
    confusion: np.ndarray,
    classes: Sequence[str],
    picks: Sequence[Sequence[int]],
    others: Mapping[str, Sequence[str]],
    ax: Axes,
    whose: str = "published",
    what: str = "",
) -> Axes:
    """The classes as a tree: the further right two branches meet, the more often their classes are taken for each other.

    For a figure of the width `DOUBLE`. `confusion` [C,C] counts. `picks` are class ids, best first: their letter, their
    classes, and branches that hold nothing else have their colour. `others` are sets by name; each class says of which it is
    a member. `what` ends the title. Raises StudyError below 3 classes.
    """
    if len(classes) < 3 or np.shape(confusion) != (len(classes), len(classes)):
        raise StudyError(f"A tree needs 3 classes or more and their counts; given {len(classes)} and {np.shape(confusion)}.")
    tree, most = class_tree(confusion), 100 * likeness(confusion).max() or 1.0
    owner = {member: place for place, members in enumerate(picks) for member in members}
    leaves = hierarchy.leaves_list(tree).tolist()
    edge = 1.03 * np.sqrt(most)  # leaves end right of the nearest fork, so that it is seen
    ends = {leaf: (edge, leaves.index(leaf), {owner.get(leaf)}) for leaf in leaves}  # x, y, and whose leaves
    for number, (one, other, height, _) in enumerate(tree):
        arms, x = (ends[int(one)], ends[int(other)]), np.sqrt(max(most * (1 - height), 0))
        owners = arms[0][2] | arms[1][2]
        ours = len(owners) == 1 and owners != {None}
        ax.plot([arms[0][0], x, x, arms[1][0]], [arms[0][1]] * 2 + [arms[1][1]] * 2, solid_joinstyle="miter",
                color=pick_colour(*owners) if ours else NEUTRAL, linewidth=1.6 if ours else 0.7)  # fmt: skip
        ends[len(leaves) + number] = (x, (arms[0][1] + arms[1][1]) / 2, owners)
    _shares_axis(ax, most)
    ax.set_title(f"The further right two branches meet, the more often their classes are taken for each other\n{what}", pad=20)
    _memberships(ax, [classes[leaf] for leaf in leaves], [owner.get(leaf) for leaf in leaves], others, whose)
    return ax


def _shares_axis(ax: Axes, most: float) -> None:
    """A square-root axis, because most pairs of classes are hardly ever confused."""
    shown = [share for share in _SHARES if share <= most]
    ax.set_xticks(np.sqrt(shown), [f"{share:g}" for share in shown])
    ax.set_xlim(0, np.sqrt(most) * 1.035)
    ax.set_xlabel("texts of a class taken for a class of the other branch (%, mean over their pairs)")
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_bounds(0, np.sqrt(most))


def _memberships(ax: Axes, classes: list[str], owners: list[int | None], others: Mapping, whose: str) -> None:
    """Right of the leaves: a disc with the letter of the pick, the name of the class, and the sets of others."""
    ax.set_ylim(len(classes) - 0.4, -0.6)
    ax.set_yticks([])
    across = ax.get_yaxis_transform()  # x in shares of the axes, y in classes
    for y, (name, owner) in enumerate(zip(classes, owners, strict=True)):
        told = ", ".join(_short(one) for one, members in others.items() if name in members)
        ink = NEUTRAL if owner is None else pick_colour(owner)
        if owner is not None:
            ax.plot(1.03, y, "o", color=ink, markersize=8.5, transform=across, clip_on=False)
            ax.text(
                1.03,
                y,
                ascii_lowercase[owner],
                transform=across,
                ha="center",
                va="center_baseline",
                color="white",
                size=SMALLEST,
            )
        ax.text(1.06, y, name, transform=across, va="center", color=_INK if owner is None else ink,
                weight="normal" if owner is None else "bold")  # fmt: skip
        ax.text(1.24, y, told, transform=across, va="center", color=_INK)
    heads = [(1.03, "found", "center")] + [(1.24, whose, "left")] * bool(others)
    for x, head, side in heads:
        ax.text(x, -1.0, head, transform=across, ha=side, va="center", color=NEUTRAL, style="italic")


def _short(name: str) -> str:
    """`4-hard-a` is `hard-a`: all are of one size."""
    head, _, rest = name.partition("-")
    return rest if head.isdecimal() and rest else name


@style()
def score_distribution(scores: np.ndarray, sets: pd.DataFrame, ax: Axes, what: str = "") -> Axes:
    """How many subsets have which confusion, counts on a logarithmic axis; `sets` (of `tables.compared`) are pointed at.

    `scores` [M] of all subsets. Our picks have their letter and colour; a set of others that is one of our picks shares its
    line. `what` ends the title.
    """
    top = 1.05 * max(float(np.max(scores)), np.finfo(float).tiny)
    ax.hist(scores, bins=_bins(scores), orientation="horizontal", color="#BBBBBB", log=True, linewidth=0)
    ax.set_ylim(-0.01 * top, top)
    ax.set_xlim(0.7, None)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("number of sets")
    ax.set_ylabel("confusion: errors within the set")
    size = len(sets["members"].iloc[0])
    ax.set_title(f"All {len(scores):,} sets of {size} classes by their confusion; rank 1 is the most confusable\n{what}")
    marks = _marks(sets).iloc[::-1].sort_values("confusion", kind="stable")  # of equals, the first is the highest
    places = apart(marks["confusion"].to_numpy() / top, 0.062)
    for mark, place in zip(marks.itertuples(), places, strict=True):
        ax.annotate(
            mark.text, (1, mark.confusion), (1.07, place), xycoords=ax.get_yaxis_transform(), textcoords="axes fraction",
            va="center", color=mark.colour, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": mark.colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0,
                        "relpos": (0, 0.5)},
        )  # fmt: skip
        ax.axhline(mark.confusion, color=mark.colour, linewidth=0.8 if mark.ours else 0.5)
    return ax


def _bins(scores: np.ndarray) -> np.ndarray | int:
    """Edges of at most 60 bins; those of whole counts hold the same number of counts each."""
    if scores.dtype.kind not in "iu":
        return 60
    width = -(-(int(scores.max()) + 1) // 60)
    return np.arange(0, scores.max() + width + 1, width) - 0.5


def _marks(sets: pd.DataFrame) -> pd.DataFrame:
    """What the distribution points at: `confusion`, `text`, `colour`, `ours`; equal sets once."""
    rows = []
    for place, row in enumerate(sets.itertuples()):
        if row.same and not row.ours:
            continue
        rank = f"rank {row.best_rank:,}" + (f" to {row.worst_rank:,}" if row.worst_rank > row.best_rank else "")
        colour = pick_colour(place) if row.ours else _INK
        rows.append((row.confusion, f"{_named(row)}: {', '.join(row.classes)} ({rank})", colour, row.ours))
    return pd.DataFrame(rows, columns=["confusion", "text", "colour", "ours"])


def _named(row) -> str:
    """`found-b = 4-hard-a`, if both are the same set."""
    return f"{row.set} = {row.same}" if row.same else row.set


@style()
def stability_dots(stability: pd.DataFrame, ax: Axes) -> Axes:
    """Of `tables.stability`: in which share of the draws each pick was picked again, at any place and at its own.

    A kind of draws that cannot be had (one run) is said in words.
    """
    picks = list(dict.fromkeys(stability["set"]))
    had = stability[stability["draws"] > 0]
    kinds = list(dict.fromkeys(had["over"]))
    for row in had.itertuples():
        place = picks.index(row.set)
        y = place + 0.26 * (kinds.index(row.over) - (len(kinds) - 1) / 2)
        ink, shape = pick_colour(place), _OVER[row.over][0]
        ax.plot([100 * row.same_place, 100 * row.picked], [y, y], color=ink, linewidth=0.8)
        ax.plot(100 * row.same_place, y, shape, color=ink, markerfacecolor="white", markersize=6)
        ax.plot(100 * row.picked, y, shape, color=ink, markersize=4)  # the smaller one last, so that equal ones both show
    _rows(picks, ax)
    for text, place in zip(ax.get_yticklabels(), range(len(picks)), strict=True):
        text.set(color=pick_colour(place), weight="bold")
    ax.set_xlim(-4, 104)
    ax.set_xlabel("share of draws that pick the same set (%)")
    ax.set_title(f"Is the set picked again?\n{_draws_said(stability)}")
    _key(ax, kinds, [("o", NEUTRAL, "picked at any place"), ("o", "white", "picked at its own place")])
    return ax


@style()
def rank_dots(ranks: pd.DataFrame, subsets: int, ax: Axes) -> Axes:
    """Of `tables.rank_intervals`: the rank of each set among all `subsets`, with the 95 % interval over draws.

    A set of others that is one of our picks is shown once.
    """
    ranks = ranks[ranks["ours"] | (ranks["same"] == "")]
    sets = list(dict.fromkeys(ranks["set"]))
    kinds = [kind for kind in _OVER if ((ranks["over"] == kind) & (ranks["draws"] > 0)).any()]
    for row in ranks.itertuples():
        place = sets.index(row.set)
        ink = pick_colour(place) if row.ours else _INK
        ax.plot(row.best_rank, place, "|", color=ink, markersize=11, markeredgewidth=1.4)
        if row.draws:
            y = place + 0.26 * (kinds.index(row.over) - (len(kinds) - 1) / 2)
            ax.plot([row.low, row.high], [y, y], color=ink, linewidth=0.8, marker=_OVER[row.over][0], markersize=3)
    ax.set_xscale("log")
    ax.set_xlim(0.8, subsets * 1.25)
    ticks = [1, *(10**power for power in range(1, 9) if 10**power < subsets / 5), subsets]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda rank, _: f"{rank:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    _rows([_named(row) for row in ranks.drop_duplicates("set").itertuples()], ax)
    for text, row in zip(ax.get_yticklabels(), ranks.drop_duplicates("set").itertuples(), strict=True):
        text.set(color=pick_colour(sets.index(row.set)) if row.ours else _INK, weight="bold" if row.ours else "normal")
    ax.set_xlabel(f"rank among all {subsets:,} sets (1: hardest)")
    ax.set_title(f"How hard is each set?\n{_draws_said(ranks)}")
    _key(ax, kinds, [("|", NEUTRAL, "rank as found"), ("_", NEUTRAL, "95 % of the draws")])
    return ax


def _draws_said(frame: pd.DataFrame) -> str:
    said = []
    for kind, group in frame.groupby("over", sort=False):
        first = group.iloc[0]
        said.append(f"{first['draws']:,} draws of {first['units']:,} {kind}" if first["draws"] else first["note"])
    return "\n".join(said)


def _key(ax: Axes, kinds: Sequence[str], marks: Sequence[tuple[str, str, str]]) -> None:
    """What the marks mean, below the axes; the kinds of draws where there are several."""
    told = [*marks, *((_OVER[kind][0], NEUTRAL, _OVER[kind][1]) for kind in kinds)] if len(kinds) > 1 else marks
    handles = [Line2D([], [], color=NEUTRAL, linestyle="none", marker=mark, markerfacecolor=face, label=text, markersize=5)
               for mark, face, text in told]  # fmt: skip
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, columnspacing=1.2)


def _rows(labels: list[str], ax: Axes) -> None:
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    for edge in np.arange(0.5, len(labels) - 1):
        ax.axhline(edge, color=_FAINT, linewidth=0.6, zorder=0)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
