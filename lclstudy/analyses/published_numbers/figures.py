"""The figures of the audit: they draw on the axes given and return them.

Printed statements are blue, what follows is black; a line is the interval that rounded or cut numbers allow.
"""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lclstudy.plan import names
from lclstudy.show import marks
from lclstudy.show.style import NEUTRAL, SMALLEST, colour, marker, style
from lclstudy.show.text import pair

from .rounding import LEVEL, READINGS

PRINTED, BAND, FOLLOWS, STUDENT = "#0072B2", "#BBD9EE", "#000000", "#D55E00"
SMALLEST_P = 1e-6  # what is smaller is drawn there
_ALLOWED = {"color": FOLLOWS, "linewidth": 0.9}
_POINT = {"color": FOLLOWS, "marker": "o", "markersize": 3.5, "linestyle": "none", "markerfacecolor": "white"}


@style()
def differences(compared: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Published differences of mean accuracy with 95 % intervals (Welch), a panel per pair, a row per place.

    `compared` is of `tables.differences`.
    """
    labels = list(dict.fromkeys(compared["label"]))
    for ax, ((a, b), rows) in zip(axes, compared.groupby(["a", "b"], sort=False), strict=True):
        marks.rows(ax, labels if ax is axes[0] else [""] * len(labels), zero=True)
        for place, row in enumerate(rows.itertuples()):
            marks.interval(ax, place, row.difference, row.ci_low, row.ci_high, colour(a), marker(a))
        ax.set_title(f"{pair(a, b)}\n95 % interval above 0 in {(rows['ci_low'] > 0).sum()} of {len(rows)}")
        ax.set_xlabel("difference of test accuracy (points)")
    marks.symmetric(axes, compared[["ci_low", "ci_high"]])
    return axes


@style()
def degrees_of_freedom(degrees: pd.DataFrame, ax: Axes) -> Axes:
    """The degrees of freedom that each printed t and p imply together, and those of Welch's, Student's and a paired test.

    `degrees` is of `rounding.degrees_of_freedom`.
    """
    top = 2.2 * degrees["student"].max()
    places = range(len(degrees))
    highs = degrees[["rounded_high", "cut_high"]].clip(upper=2 * top)
    bars = {"cut": {"facecolor": "none", "edgecolor": PRINTED, "linewidth": 0.7, "height": 0.78},
            "rounded": {"color": BAND, "height": 0.5}}  # fmt: skip
    for kind, look in bars.items():
        left = degrees[f"{kind}_low"]
        ax.barh(places, highs[f"{kind}_high"] - left, left=left, **look)
    ax.hlines(places, degrees["welch_low"], degrees["welch_high"], **_ALLOWED)
    others = {"student": {"marker": "s", "color": STUDENT}, "paired": {"marker": "x", "color": NEUTRAL}}
    for kind, look in {**others, "welch": _POINT}.items():
        ax.plot(degrees[kind], places, **{"linestyle": "none", "markersize": 3.5, **look})
    ax.set_xscale("log")
    ax.set_xlim(3.2, top)
    ax.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 4, 6)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    marks.rows(
        ax, [f"{row.test}, t = {row.t_printed:.2f}, p {row.p_relation} {row.p_printed:g}" for row in degrees.itertuples()]
    )
    ax.set_xlabel("degrees of freedom")
    fits = {kind: int(degrees["fits"].str.contains(kind).sum()) for kind in ("welch", "student", "paired")}
    ax.set_title(f"Of {len(degrees)} printed pairs of t and p, {fits['welch']} fit Welch's test, {fits['student']} Student's")
    handles = [
        Patch(color=BAND, label="the printed t and p need, if rounded"),
        Patch(facecolor="none", edgecolor=PRINTED, label="… if cut"),
        Line2D([], [], label="Welch's test has", **{**_POINT, "linestyle": "-", "linewidth": 0.9}),
        *(Line2D([], [], linestyle="none", markersize=3.5, label=f"{title} has", **others[kind])
          for kind, title in (("student", "Student's"), ("paired", "a paired test"))),
    ]  # fmt: skip
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=3)
    return ax


@style()
def p_values(audited: pd.DataFrame, readings: Sequence[str], axes: Sequence[Axes]) -> Sequence[Axes]:
    """What the paper says of p (blue) and the p that follows under some readings, a panel each; a row per test.

    Values below 1e-6 are drawn there.
    """
    for ax, key in zip(axes, readings, strict=True):
        here = audited[audited["reading"] == key]
        rows, ends = (here[here["print"] == kind].reset_index(drop=True) for kind in ("rounded", "either"))
        for place, row in enumerate(rows.itertuples()):
            ax.barh(place, **_statement(row), height=0.75, color=BAND)
            if row.p_relation == "=":
                ax.plot(row.p_printed, place, color=PRINTED, marker="D", markersize=4)
        ax.hlines(range(len(rows)), *(ends[column].clip(lower=SMALLEST_P) for column in ("p_low", "p_high")), **_ALLOWED)
        ax.plot(rows["p"].clip(lower=SMALLEST_P), range(len(rows)), **_POINT)
        ax.set_xscale("log")
        ax.set_xlim(SMALLEST_P / 1.5, 1.3)
        ax.xaxis.set_major_locator(LogLocator(10, numticks=4))
        ax.axvline(LEVEL, color=NEUTRAL, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
        together = int((ends["probability"] > 0).sum())
        ax.set_title(f"{READINGS[key].title}\nt and p possible together in {together} of {len(rows)}")
        ax.set_xlabel(f"two-sided p (dashed: {LEVEL})")
        labels = [f"{row.test}, p {row.p_relation} {row.p_printed:g}" for row in rows.itertuples()]
        marks.rows(ax, labels if ax is axes[0] else [""] * len(labels))
    handles = [
        Line2D([], [], linestyle="none", marker="D", markersize=4, color=PRINTED, label="printed value"),
        Patch(color=BAND, label="printed bound, or the value rounded or cut"),
        Line2D([], [], label="follows; line: numbers rounded or cut", **{**_POINT, "linestyle": "-", "linewidth": 0.9}),
    ]
    axes[0].get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=3)
    return axes


def _statement(row) -> dict[str, float]:
    """Where p is said to lie, as the left end and the width of a bar."""
    if row.p_relation == "=":
        return {"left": row.p_printed - row.p_printed_rounding, "width": 3 * row.p_printed_rounding}
    low, high = (SMALLEST_P / 2, row.p_printed) if row.p_relation == "<" else (row.p_printed, 1.0)
    return {"left": low, "width": high - low}


@style()
def above_majority(table: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracies of the report beside the largest class of the public test texts; `table` is of `facts.majority`."""
    corpora = table.sort_values("share", kind="stable").drop_duplicates("corpus")
    places = dict(zip(corpora["corpus"], range(len(corpora)), strict=True))
    shifts = {"ce": -0.22, "scl": 0.0, "lcl": 0.22}
    ax.barh(range(len(corpora)), corpora["share"], height=0.8, color="#DDDDDD", zorder=0)
    for row in corpora.itertuples():
        ax.text(1, places[row.corpus], f"{row.share:.1f} %", va="center", size=SMALLEST)
    for row in table.itertuples():
        face = colour(row.objective) if row.encoder == "electra-base" else "white"
        look = {"marker": marker(row.objective), "color": colour(row.objective), "markerfacecolor": face}
        ax.plot(row.value, places[row.corpus] + shifts[row.objective], **look)
    marks.rows(ax, [f"{names.corpus(row.corpus)} ({row.texts:,} texts)" for row in corpora.itertuples()])
    ax.set_xlim(0, 100)
    ax.set_xlabel("test accuracy (%)")
    ax.set_title("The report's accuracies, and what always naming the largest class would get")
    look = {"linestyle": "none", "markersize": 4}
    handles = [Patch(color="#DDDDDD", label="largest class of the test texts")]
    handles += [Line2D([], [], marker=marker(name), color=colour(name), label=names.objective(name), **look) for name in shifts]
    handles += [Line2D([], [], marker="o", color=NEUTRAL, markerfacecolor="white", label="open: not ELECTRA", **look)]
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=5, columnspacing=1.2, handletextpad=0.3)
    return ax
