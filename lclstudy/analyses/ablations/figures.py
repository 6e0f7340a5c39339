"""The figure of the ablations: each setting against LCL, drawn on the axes given."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from lclstudy.plan import names
from lclstudy.results.settings import SEEDS, TEXTS
from lclstudy.show import marks, text
from lclstudy.show.style import NEUTRAL, SMALLEST, apart, colour, marker

from .tables import GROUPS

BAND = "#E6EEF5"
FAR = 4  # an axis reaches so many times as far as half of the bounds; what lies beyond is an arrow at its edge
COLUMNS = {"points": 1.075, "n": 1.13}  # right of the axes, in their width


def forest(table: pd.DataFrame, spread: float, title: str, ax: Axes) -> None:
    """Each setting minus LCL as released, with its 95 % interval, by group; n runs and the difference at the right.

    `table` is of `tables.settings`, `spread` how far two runs of LCL lie apart (NaN for none). Filled: over seeds. Open and
    dashed: one seed, over texts. A setting that did not run says so in grey.
    """
    reach = _reach(table, spread)
    places = marks.grouped(ax, table["setting"], table["group"].map(GROUPS).tolist())
    for y, row in zip(places, table.to_dict("records"), strict=True):
        _row(row, y, reach, ax)
    if not np.isnan(spread):
        ax.axvspan(-spread, spread, color=BAND, zorder=0, linewidth=0)
    _references(table, reach, ax)
    ax.set_xlim(-reach, reach)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    ax.set_title(title, pad=14)
    ax.set_xlabel("test accuracy minus that of LCL (points); right of 0: better than LCL")
    _key(table, spread, ax)


def _reach(table: pd.DataFrame, spread: float) -> float:
    bounds = np.abs(table[["difference", "ci_low", "ci_high"]].to_numpy(float))
    bounds, spread = bounds[np.isfinite(bounds)], np.nan_to_num(spread)
    usual = FAR * max(np.median(bounds), spread) if len(bounds) else 0
    return 1.06 * max(0.5, min(bounds.max(initial=0), usual), spread)


def _row(row: dict, y: float, reach: float, ax: Axes) -> None:
    look = {"color": colour(row["objective"]), "marker": marker(row["objective"]), "size": 4}
    over_seeds, value = row["basis"] == SEEDS, row["difference"]
    marks.beside(ax, y, str(row["n"]), COLUMNS["n"], ha="right", color="black" if row["n"] else NEUTRAL)
    if not row["n"]:
        marks.beside(ax, y, row["status"], 0.01, style="italic")
    elif row["setting"] == names.objective("lcl"):
        marks.interval(ax, y, 0, 0, 0, **look)
    elif not np.isnan(value):
        seen = value if abs(value) < reach else np.nan  # far off: the number at the right says how far
        face = marks.FILLED if over_seeds else marks.OPEN
        marks.interval(ax, y, seen, row["ci_low"], row["ci_high"], face=face, dashed=not over_seeds, **look)
        for side in {np.sign(end) for end in (row["ci_low"], row["ci_high"], value) if abs(end) > reach}:
            ax.plot(side * reach * 0.985, y, ">" if side > 0 else "<", color=look["color"], markersize=3, clip_on=False)
        marks.beside(ax, y, text.number(value, 1, sign=True), COLUMNS["points"], ha="right", color=look["color"])


def _references(table: pd.DataFrame, reach: float, ax: Axes) -> None:
    """Upright lines at LCL and at its baselines, named above the axes, and the heads of the columns at the right."""
    above = {"xycoords": "axes fraction", "textcoords": "offset points", "size": SMALLEST, "va": "bottom"}
    baselines = table[(table["group"] == "reference") & (table["difference"].abs() < reach)]
    values = {"lcl": 0.0, **baselines.set_index("objective")["difference"]}
    lines = sorted(values.items(), key=lambda line: line[1])
    written = apart(np.array([0.5 + 0.5 * value / reach for _, value in lines]), 0.05)
    for (name, value), x in zip(lines, written, strict=True):
        ax.axvline(value, color=colour(name), linewidth=0.8, linestyle="-" if name == "lcl" else (0, (1, 2)), zorder=1)
        ax.annotate(names.objective(name), (x, 1), (0, 1), ha="center", color=colour(name), **above)
    for head, x in COLUMNS.items():
        ax.annotate(head, (x, 1), (0, 1), ha="right", color=NEUTRAL, **above)


def _key(table: pd.DataFrame, spread: float, ax: Axes) -> None:
    one = "one seed, minus the same seed of LCL; line: 95 % interval over test texts, which says nothing of other seeds"
    looks = {SEEDS: ("2 seeds or more each; line: 95 % interval over seeds (Welch)", {}),
             TEXTS: (one, {"markerfacecolor": marks.OPEN, "linestyle": (0, (2, 1.2))})}  # fmt: skip
    entries = [look for basis, look in looks.items() if (table["basis"] == basis).any()]
    if not np.isnan(spread):
        band = {"color": BAND, "linewidth": 6, "marker": ""}
        entries.append((f"two runs of LCL that differ in their seed alone lie up to {spread:.1f} points apart", band))
    if (table[["difference", "ci_low", "ci_high"]].abs() > ax.get_xlim()[1]).any(axis=None):
        entries.append(("arrowhead: beyond the axis", {"marker": "<", "linestyle": "", "markersize": 3}))
    if entries:
        marks.key(ax, entries, columns=1)
