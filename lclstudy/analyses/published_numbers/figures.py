"""The figures of the audit: they draw on the axes given and return them.

Printed statements are blue, what follows is black; a line is the interval that rounded or cut numbers allow.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from lclstudy.show import marks
from lclstudy.show.style import NEUTRAL, colour, marker, style
from lclstudy.show.text import pair

from .rounding import LEVEL, READINGS, as_print, said_of_p

PRINTED, BAND, FOLLOWS, STUDENT = "#0072B2", "#BBD9EE", "#000000", "#D55E00"
SMALLEST_P = 1e-6  # what is smaller is drawn there
_ALLOWED = {"color": FOLLOWS, "linewidth": 0.9}
_POINT = {"color": FOLLOWS, "marker": "o", "markersize": 3.5, "linestyle": "none", "markerfacecolor": "white"}
_BAND = {"color": BAND, "marker": "", "linewidth": 6}
_KINDS = {"student": {**_POINT, "marker": "s", "color": STUDENT, "markerfacecolor": STUDENT},
          "paired": {**_POINT, "marker": "x", "color": NEUTRAL}, "welch": _POINT}  # fmt: skip


@style()
def differences(compared: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Published differences of mean accuracy with 95 % intervals (Welch), a panel per pair, a row per place.

    `compared` is of `tables.differences`.
    """
    for ax, ((a, b), rows) in zip(axes, compared.groupby(["a", "b"], sort=False), strict=True):
        marks.rows(ax, rows["label"] if ax is axes[0] else [""] * len(rows), zero=True)
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
    top, places = 2.2 * degrees["student"].max(), range(len(degrees))
    outline = {"facecolor": "none", "edgecolor": PRINTED, "linewidth": 0.7, "height": 0.78}
    for kind, look in (("cut", outline), ("rounded", {"color": BAND, "height": 0.5})):
        left = degrees[f"{kind}_low"]
        ax.barh(places, degrees[f"{kind}_high"].clip(upper=2 * top) - left, left=left, **look)
    ax.hlines(places, degrees["welch_low"], degrees["welch_high"], **_ALLOWED)
    for kind, look in _KINDS.items():
        ax.plot(degrees[kind], places, **look)
    ax.set(xscale="log", xlim=(3.2, top), xlabel="degrees of freedom")
    ax.minorticks_off()
    ax.set_xticks([4, 6, 10, 20], ["4", "6", "10", "20"])
    marks.rows(
        ax, [f"{row.test}, t = {row.t_printed:.2f}, p {row.p_relation} {row.p_printed:g}" for row in degrees.itertuples()]
    )
    fits = [degrees[f"fits_{kind}"].sum() for kind in ("welch", "student")]
    ax.set_title(f"If rounded, {fits[0]} of {len(degrees)} printed t and p fit Welch's test, {fits[1]} Student's")
    entries = [("the printed t and p need, if rounded", _BAND),
               ("… if cut", {"color": PRINTED, "marker": "s", "markerfacecolor": "none", "linestyle": "none"}),
               ("Welch's test has", {**_POINT, "linestyle": "-"}), ("Student's has", _KINDS["student"]),
               ("a paired test has", _KINDS["paired"])]  # fmt: skip
    marks.key(ax, entries, columns=3)
    return ax


@style()
def p_values(audited: pd.DataFrame, readings: Sequence[str], axes: Sequence[Axes]) -> Sequence[Axes]:
    """What the paper says of p (blue) and the p that follows under some readings, a panel each; a row per test.

    Values below 1e-6 are drawn there.
    """
    for ax, key in zip(axes, readings, strict=True):
        here = audited[audited["reading"] == key]
        rows, ends = (here[here["print"] == kind].reset_index(drop=True) for kind in ("rounded", "either"))
        said = [said_of_p(as_print(row, "either")) for row in rows.to_dict("records")]
        left, right = np.clip(np.transpose(said), SMALLEST_P / 2, 1)
        ax.barh(rows.index, right - left, left=left, height=0.75, color=BAND)
        exact = rows[rows["p_relation"] == "="]
        ax.plot(exact["p_printed"], exact.index, "D", color=PRINTED)
        ax.hlines(rows.index, *(ends[column].clip(lower=SMALLEST_P) for column in ("p_low", "p_high")), **_ALLOWED)
        ax.plot(rows["p"].clip(lower=SMALLEST_P), rows.index, **_POINT)
        ax.set(xscale="log", xlim=(SMALLEST_P / 1.5, 1.3), xlabel=f"two-sided p (dashed: {LEVEL})")
        ax.xaxis.set_major_locator(LogLocator(10, numticks=4))
        ax.axvline(LEVEL, color=NEUTRAL, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
        together = int((ends["probability"] > 0).sum())
        ax.set_title(f"{READINGS[key].title}\nt and p possible together in {together} of {len(rows)}")
        labels = [f"{row.test}, p {row.p_relation} {row.p_printed:g}" for row in rows.itertuples()]
        marks.rows(ax, labels if ax is axes[0] else [""] * len(labels))
    entries = [("printed value", {"color": PRINTED, "marker": "D", "linestyle": "none"}),
               ("printed bound, or the value rounded or cut", _BAND),
               ("follows; line: numbers rounded or cut", {**_POINT, "linestyle": "-"})]  # fmt: skip
    marks.key(axes[0], entries, columns=3)
    return axes
