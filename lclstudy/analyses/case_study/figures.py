"""The figures of the case study: what LCL gains on each class set, and on those that are confused more often."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lclstudy.plan import names
from lclstudy.show import marks, style, text
from lclstudy.show.forest import forest, forest_key


def gains(differences: pd.DataFrame) -> Figure | None:
    """LCL from CE and from SCL on each set of `tables.differences`, a panel each, with the words; None if LCL did not run."""
    differences = differences[differences["a"] == "lcl"]
    panels = list(differences.groupby(["a", "b"], sort=False))
    if not panels:
        return None
    figure, axes = style.subplots(len(panels), 1, style.DOUBLE, 0.7 + sum(0.65 + 0.3 * len(rows) for _, rows in panels))
    for ax, (pair, rows) in zip(axes, panels, strict=True):
        ours = [f"n = {row.n_a}, {row.n_b}: {'; '.join(filter(None, (row.word, row.mark)))}" for row in rows.itertuples()]
        theirs = ["" if pd.isna(n) else f"n = {n:.0f}, published" for n in rows["published_n"]]
        published = {f"published_{end}": rows[column] for end, column in
                     (("difference", "expected"), ("ci_low", "published_low"), ("ci_high", "published_high"))}  # fmt: skip
        forest(rows.assign(label=rows["set"], n=ours, published_n=theirs, **published), ax, text.pair(*pair))
        ax.set_xlabel(ax.get_xlabel() if ax is axes[-1] else "")
    marks.symmetric(axes, differences[["difference", "ci_low", "ci_high", "expected", "published_low", "published_high"]])
    whose = names.encoder("electra-base") if differences["expected"].notna().any() else ""
    forest_key(axes[0], whose, ", ".join(map(names.encoder, differences["encoder"].unique())))
    return figure


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
