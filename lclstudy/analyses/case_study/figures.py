"""The figures of the case study: what LCL gains on each class set, and on those that are confused more often."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lclstudy.plan import names
from lclstudy.results.comparisons import PRIMARY
from lclstudy.results.published import DOUBTED
from lclstudy.show import marks, style, text
from lclstudy.show.forest import forests


def gains(differences: pd.DataFrame) -> Figure | None:
    """LCL from CE and from SCL on each set of `tables.differences`, a panel each, with the words; None if LCL did not run."""
    rows = differences[differences["a"] == "lcl"]
    return forests(rows.assign(label=rows["set"].map(names.class_set)), PRIMARY)


WHOSE = {"published": (marks.OPEN, "published_encoder", "published_n", -0.17),
         "ours": (style.colour("lcl"), "encoder", "n", 0.17)}  # fmt: skip


def gains_by_confusion(gains: pd.DataFrame, table: pd.DataFrame, ax: Axes) -> None:
    """`tables.gains`, a row per set, the least confused on top; encoders and n of `tables.table_3`. Open marks: published."""
    places, entries = gains.drop_duplicates("set").sort_values("confusion", ignore_index=True), []
    for whose, rows in gains.groupby("whose", sort=False):
        face, encoder, n, shift = WHOSE[whose]
        look = {"color": style.colour("lcl"), "marker": style.marker("lcl"), "markerfacecolor": face}
        for row in rows.itertuples():
            y = places["set"].tolist().index(row.set) + shift
            marks.interval(ax, y, row.difference, row.ci_low, row.ci_high, look["color"], look["marker"], face)
        both = table[table["classes"].isin(rows["set"]) & table["objective"].isin(["lcl", "ce"])]
        entries.append((f"{whose} ({text.several(*both[encoder].map(names.encoder))}, n = {text.several(*both[n])})", look))
    labels = [names.class_set(row.set) + ", in doubt" * (row.set == DOUBTED) + f" ({row.confusion:.0f} %)"
              for row in places.itertuples()]  # fmt: skip
    marks.rows(ax, labels, zero=True)
    ax.set_xlabel("LCL − CE (points)")
    where = f"sets of classes of {names.corpus(table['corpus'].iloc[0])}"
    ax.set_title(f"What LCL gains on {where}; in brackets:\nvalidation texts of the set that our CE on all classes takes for "
                 "another class of it")  # fmt: skip
    marks.key(ax, entries, "line: 95 % interval over seeds")
