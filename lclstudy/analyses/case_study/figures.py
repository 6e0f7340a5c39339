"""The figures of the case study: what LCL gains on each class set, and on those that are confused more often."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lclstudy.results.comparisons import PRIMARY
from lclstudy.show import marks, style
from lclstudy.show.forest import forests


def gains(differences: pd.DataFrame) -> Figure | None:
    """LCL from CE and from SCL on each set of `tables.differences`, a panel each, with the words; None if LCL did not run."""
    rows = differences[differences["a"] == "lcl"]
    return forests(rows.assign(label=rows["set"]), PRIMARY)


@style.style()
def gains_by_confusion(gains: pd.DataFrame, ax: Axes) -> Axes:
    """`tables.gains`, a row per set, the least confused on top. Open marks: published."""
    look = {"color": style.colour("lcl"), "marker": style.marker("lcl"), "linestyle": "none"}
    faces = {"published": marks.OPEN, "ours": style.colour("lcl")}
    places = gains.drop_duplicates("set").sort_values("confusion", ignore_index=True)
    shown = {whose: {**look, "markerfacecolor": faces[whose]} for whose in gains["whose"].unique()}
    for whose, rows in gains.groupby("whose"):
        ax.plot(rows["difference"], [places["set"].tolist().index(name) for name in rows["set"]], **shown[whose], markersize=4)
    marks.rows(ax, [f"{row.set} ({row.confusion:.0f} %)" for row in places.itertuples()], zero=True)
    ax.set_xlabel("LCL − CE (points)")
    ax.set_title("What LCL gains; in brackets: texts of the set\nthat our CE takes for another class of it")
    marks.key(ax, list(shown.items()))
    return ax
