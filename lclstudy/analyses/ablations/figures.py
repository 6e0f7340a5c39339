"""The figure of the ablations: each setting against LCL, drawn on the axes given."""

import pandas as pd
from matplotlib.axes import Axes

from lclstudy.plan import names
from lclstudy.results.settings import SEEDS, TEXTS
from lclstudy.show import marks
from lclstudy.show.style import colour, marker

from .tables import GROUPS

BAND = "#E6EEF5"
LOOKS = {  # by what an interval is over
    SEEDS: ("2 seeds or more each; line: 95 % interval over seeds (Welch)", {}),
    TEXTS: (
        "one seed, minus the same seed of LCL; line: 95 % interval over test texts, which says nothing of other seeds",
        {"markerfacecolor": marks.OPEN, "linestyle": (0, (2, 1.2))},
    ),
}


def forest(table: pd.DataFrame, spread: float, title: str, ax: Axes) -> None:
    """Each setting of `tables.settings` minus LCL as released, with its 95 % interval (of `LOOKS`), by group, and n runs or why
    there is none at the right; `spread`: how far two runs of LCL lie apart (NaN for none)."""
    places = marks.grouped(ax, table["setting"], table["group"].map(GROUPS).tolist())
    ax.axvline(0, color=colour("lcl"), linewidth=0.8, zorder=1)
    for y, row in zip(places, table.to_dict("records"), strict=True):
        value = 0 if row["setting"] == names.objective("lcl") and row["n"] else row["difference"]
        face = marks.OPEN if row["basis"] == TEXTS else marks.FILLED
        marks.interval(ax, y, value, row["ci_low"], row["ci_high"], colour(row["objective"]), marker(row["objective"]), face,
                       dashed=row["basis"] == TEXTS, size=4)  # fmt: skip
        marks.beside(ax, y, f"n = {row['n']}" if row["n"] else row["status"])
    ax.set_title(title)
    ax.set_xlabel("test accuracy minus that of LCL (points); right of 0: better than LCL")
    entries = [LOOKS[basis] for basis in LOOKS if (table["basis"] == basis).any()]
    if pd.notna(spread):
        ax.axvspan(-spread, spread, color=BAND, zorder=0, linewidth=0)
        band = {"color": BAND, "linewidth": 6, "marker": ""}
        entries.append((f"two runs of LCL that differ in their seed alone lie up to {spread:.1f} points apart", band))
    if entries:
        marks.key(ax, entries, columns=1)
