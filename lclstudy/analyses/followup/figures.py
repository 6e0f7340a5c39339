"""Figures of the follow-up report: accuracies by group, the grid as a heat map. They draw on the axes given."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lclstudy.plan import names
from lclstudy.show import marks, text
from lclstudy.show.style import NEUTRAL, SMALLEST, colour, marker

COLOUR_MAP = "cividis"  # reads the same with a colour vision deficiency
FRAME = "#D55E00"
LARGEST, CE = {"marker": "", "linestyle": (0, (1, 2))}, {"marker": "", "color": colour("ce")}
COLUMNS = {"ours": 1.08, "n": 1.12}  # right of the axes, in their width
_SETTINGS_KEY = [
    ("a run", {"markerfacecolor": marks.OPEN, "markersize": 3, "linestyle": ""}),
    ("always naming training's largest class", LARGEST),
    ("cross-entropy with the report's settings", CE),
]


def dots(table: pd.DataFrame, title: str, ax: Axes) -> None:
    """Test accuracy, a row per system or setting below the name of its group: mean and 95 % interval of ours, n at the right.

    `table` is of `tables.shown_systems`, where the report's number is an open mark and another encoder than its own is grey;
    or of `tables.shown_settings`, where small open marks are runs and the line is cross-entropy. Dotted: the largest class.
    """
    systems = "published" in table
    for y, row in zip(marks.grouped(ax, table["label"], list(table["group"])), table.to_dict("records"), strict=True):
        own, symbol = colour(row["objective"]), marker(row["objective"])
        shade = own if row.get("same", True) else NEUTRAL
        if systems:
            marks.interval(ax, y, row["published"], np.nan, np.nan, own, symbol, marks.OPEN, size=5)
        elif row["n"] > 1:
            ax.plot(row["scores"], [y] * row["n"], symbol, color=shade, markersize=3, markerfacecolor="none")
        marks.interval(ax, y, row["mean"], row["low"], row["high"], shade, symbol, size=4)
        for value, look in ((row["chance"], LARGEST), (row.get("base", np.nan), CE)):
            ax.plot([value, value], [y - 0.5, y + 0.5], linewidth=0.8, **{"color": NEUTRAL, **look})
        said = (text.number(row["mean"], 1), str(row["n"])) if row["n"] else (row["status"], "0")
        for x, each in zip(COLUMNS.values(), said, strict=True):
            marks.beside(ax, y, each, x, ha="right", color="black" if row["n"] else NEUTRAL)
    for head, x in COLUMNS.items():
        ax.annotate(head, (x, 1), (0, 1), xycoords="axes fraction", textcoords="offset points", ha="right", color=NEUTRAL,
                    size=SMALLEST)  # fmt: skip
    ax.set_title(title, pad=10)
    ax.set_xlabel("test accuracy (%)")
    marks.key(ax, _dots_key(table) if systems else [("mean of n runs, line: its 95 % interval", {}), *_SETTINGS_KEY])


def _dots_key(table: pd.DataFrame) -> list[tuple[str, dict]]:
    instead = [names.encoder(name) for name in dict.fromkeys(table["ours"][(table["n"] > 0) & ~table["same"]])]
    grey = [(f"ours, {', '.join(instead)} in place of ELECTRA", {"linestyle": ""})] if instead else []
    looks = [(names.objective(name), {"color": colour(name), "marker": marker(name), "linestyle": ""})
             for name in table["objective"].unique()]  # fmt: skip
    usual = [("the report (best of its runs)", {"color": "black", "markerfacecolor": marks.OPEN, "linestyle": ""}),
            ("ours; line: 95 % interval", {"color": "black"})]  # fmt: skip
    return [*usual, *grey, _SETTINGS_KEY[1], *looks]


def grid_heatmaps(found: pd.DataFrame, best: Mapping[str, float], title: str, axes: Sequence[Axes]) -> None:
    """Test accuracy of `tables.grid` over alpha and temperature, a panel per batch size; framed: best on validation, and the
    report's `best`."""
    limits = (found["mean"].min(), found["mean"].max()) if found["mean"].notna().any() else (0.0, 100.0)
    top = found.loc[found["validation"].idxmax()] if found["validation"].notna().any() else None
    for ax, (size, rows) in zip(axes, found.groupby("batch_size"), strict=True):
        square, counts = (rows.pivot(index="alpha", columns="temperature", values=name) for name in ("mean", "n"))
        image = ax.imshow(square.to_numpy(), cmap=COLOUR_MAP, vmin=limits[0], vmax=limits[1], aspect="auto")
        for (row, column), value in np.ndenumerate(square.to_numpy()):
            shade = NEUTRAL if np.isnan(value) else "black" if value > np.mean(limits) else "white"
            n = counts.iloc[row, column]
            said = "not\nrun" if np.isnan(value) else f"{value:.1f}" + (f"\nn = {n}" if n > 1 else "")
            ax.text(column, row, said, ha="center", va="center", size=SMALLEST, color=shade)
        ax.set_xticks(range(square.shape[1]), [f"{value:g}" for value in square.columns])
        ax.set_yticks(range(square.shape[0]), [f"{value:g}" for value in square.index])
        ax.set_xlabel("temperature")
        base = rows["ce"].iloc[0]
        ax.set_title(f"batch size {size}" + ("" if pd.isna(base) else f"  (CE: {base:.1f} %)"))
        for point, look in ((top, "-"), (best, (0, (2, 1.5)))):
            if point is not None and point["batch_size"] == size and point["alpha"] in square.index:
                _frame(square, point, look, ax)
        ax.spines[["left", "bottom"]].set_visible(False)
    axes[0].set_ylabel("alpha (weight of cross-entropy)")
    said = f"{title}, {names.encoder(found['encoder'].iloc[0])}; a cell is one run unless it gives n"
    axes[0].figure.suptitle(said, x=0.01, ha="left", size=SMALLEST + 1)
    bar = axes[0].figure.colorbar(image, ax=list(axes), shrink=0.9, pad=0.02)
    bar.set_label("test accuracy (%)")
    bar.outline.set_visible(False)
    frame = {"color": FRAME, "linewidth": 1.4, "marker": ""}
    marks.key(axes[0], [("best here (on validation)", frame), ("the report's best", {**frame, "linestyle": (0, (2, 1.5))})])


def _frame(square: pd.DataFrame, point: Mapping[str, float], look, ax: Axes) -> None:
    corner = square.columns.get_loc(point["temperature"]) - 0.47, square.index.get_loc(point["alpha"]) - 0.47
    ax.add_patch(Rectangle(corner, 0.94, 0.94, fill=False, edgecolor="white", linewidth=2.4, linestyle="-"))
    ax.add_patch(Rectangle(corner, 0.94, 0.94, fill=False, edgecolor=FRAME, linewidth=1.4, linestyle=look))
