"""Figures of the follow-up report: levels by system, the grid as a heat map, the failure on EmoInt. `ax` in and out."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lclstudy.plan import names
from lclstudy.show.style import NEUTRAL, SMALLEST, colour, marker, style

COLOUR_MAP = "cividis"  # reads the same with a colour vision deficiency
FRAME = "#D55E00"
COLUMNS = 3  # of panels in `levels`


@style()
def levels(found: pd.DataFrame, majority: Mapping[str, float], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Test accuracy of every system, a panel per corpus: open marks are the report's, filled ones ours.

    `found` is of `tables.systems`; `majority` the share in percent of the largest class. Grey marks: another encoder.
    """
    corpora = list(dict.fromkeys(found["corpus"]))
    labels = list(dict.fromkeys(found["system"][found["corpus"] == corpora[0]]))
    for place, (corpus, ax) in enumerate(zip(corpora, axes, strict=True)):
        rows = found[found["corpus"] == corpus].reset_index(drop=True)
        _levels_of_corpus(rows, ax)
        if corpus in majority:
            ax.axvline(majority[corpus], color=NEUTRAL, linewidth=0.7, linestyle=(0, (1, 2)))
        ax.set_title(names.corpus(corpus))
        ax.set_yticks(range(len(labels)), labels if place % COLUMNS == 0 else [])
        ax.set_ylim(len(labels) - 0.5, -1.4)
        ax.set_xlabel("test accuracy (%)")
        ax.grid(axis="y")
        ax.set_axisbelow(True)
    _levels_key(axes[0].figure, found)
    return axes


def _levels_of_corpus(rows: pd.DataFrame, ax: Axes) -> None:
    for y, row in rows.iterrows():
        shade = colour(row["objective"]) if row["same"] else NEUTRAL
        if row["n"]:
            ax.plot([row["low"], row["high"]], [y, y], color=shade, linewidth=1)
            ax.plot(row["mean"], y, marker(row["objective"]), color=shade, markersize=4)
            ax.text(0.99, y, f"{row['n']}", transform=ax.get_yaxis_transform(), ha="right", va="center", size=SMALLEST)
        if not pd.isna(row["published"]):
            ax.plot(
                row["published"],
                y,
                marker(row["objective"]),
                color=colour(row["objective"]),
                markerfacecolor="none",
                markersize=5,
            )
    shown = pd.concat([rows["mean"], rows["published"], rows["low"], rows["high"]]).dropna()
    if len(shown):
        low, high = shown.min(), shown.max()
        reach = max(20.0, high - low)
        ax.set_xlim(low - 0.15 * reach, high + 0.25 * reach)
    ax.text(0.99, -0.9, "n", transform=ax.get_yaxis_transform(), ha="right", va="center", size=SMALLEST, style="italic")


def _levels_key(figure, found: pd.DataFrame) -> None:
    instead = found[(found["n"] > 0) & ~found["same"]]["ours"].unique()
    ours, other = {"color": "black", "linestyle": "none", "marker": "o"}, {"color": NEUTRAL, "linestyle": "none", "marker": "o"}
    handles = [
        Line2D([], [], **ours, markerfacecolor="none", label="the report (one best run)"),
        Line2D([], [], **ours, label="ours, the report's encoder: mean of n runs"),
    ]
    if len(instead):
        handles.append(Line2D([], [], **other, label=f"ours, {', '.join(map(names.encoder, instead))} in place of ELECTRA"))
    handles.append(Line2D([], [], color="black", linewidth=1, label="95 % interval"))
    handles.append(Line2D([], [], color=NEUTRAL, linewidth=0.7, linestyle=(0, (1, 2)), label="always the largest class"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)


@style()
def grid_heatmaps(found: pd.DataFrame, best: Mapping[str, float], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Test accuracy over alpha and temperature, a panel per batch size; framed: best on validation, and the report's best.

    `found` is of `tables.grid`, `best` of `tables.reports_best`.
    """
    limits = (found["mean"].min(), found["mean"].max()) if found["mean"].notna().any() else (0.0, 100.0)
    top = found.loc[found["validation"].idxmax()] if found["validation"].notna().any() else None
    image = None
    for ax, (size, rows) in zip(axes, found.groupby("batch_size"), strict=True):
        square = rows.pivot(index="alpha", columns="temperature", values="mean")
        image = ax.imshow(square.to_numpy(), cmap=COLOUR_MAP, vmin=limits[0], vmax=limits[1], aspect="auto")
        _write(square, limits, ax)
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
    bar = axes[0].figure.colorbar(image, ax=list(axes), shrink=0.9, pad=0.02)
    bar.set_label("test accuracy (%)")
    bar.outline.set_visible(False)
    looks = {"best here (on validation)": "-", "the report's best": (0, (2, 1.5))}
    handles = [Line2D([], [], color=FRAME, linewidth=1.4, linestyle=look, label=said) for said, look in looks.items()]
    axes[0].figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return axes


def _write(square: pd.DataFrame, limits: tuple[float, float], ax: Axes) -> None:
    middle = np.mean(limits)
    for (row, column), value in np.ndenumerate(square.to_numpy()):
        shade = NEUTRAL if np.isnan(value) else "black" if value > middle else "white"
        said = "not\nrun" if np.isnan(value) else f"{value:.1f}"
        ax.text(column, row, said, ha="center", va="center", size=SMALLEST, color=shade)


def _frame(square: pd.DataFrame, point: Mapping[str, float], look, ax: Axes) -> None:
    corner = square.columns.get_loc(point["temperature"]) - 0.47, square.index.get_loc(point["alpha"]) - 0.47
    ax.add_patch(Rectangle(corner, 0.94, 0.94, fill=False, edgecolor="white", linewidth=2.4, linestyle="-"))
    ax.add_patch(Rectangle(corner, 0.94, 0.94, fill=False, edgecolor=FRAME, linewidth=1.4, linestyle=look))


@style()
def settings_dots(found: pd.DataFrame, chance: float, base: float, title: str, ax: Axes) -> Axes:
    """Test accuracy by setting; `found` is of `tables.settings`. Dotted line: `chance`, the share of the largest class in
    percent; grey line: `base`, cross-entropy (NaN for none).
    """
    ran = found.reset_index(drop=True)
    beside = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "size": SMALLEST}  # clear of all marks
    ax.annotate("mean", (1, 1), (4, 2), **beside | {"xycoords": "axes fraction"}, color=NEUTRAL)
    for y, row in ran.iterrows():
        shade = colour(row["objective"])
        if not row["n"]:
            place = {"transform": ax.get_yaxis_transform(), "ha": "center", "va": "center"}
            ax.text(0.5, y, "not run", **place, size=SMALLEST, color=NEUTRAL, style="italic")
            continue
        ax.plot([row["low"], row["high"]], [y, y], color=shade, linewidth=1)
        ax.plot(row["scores"], [y] * row["n"], marker(row["objective"]), color=shade, markersize=3, markerfacecolor="none")
        ax.plot(row["mean"], y, marker(row["objective"]), color=shade, markersize=4.5)
        ax.annotate(f"{row['mean']:.1f}", (1, y), (4, 0), **beside, va="center")
    ax.axvline(chance, color=NEUTRAL, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.annotate(
        "largest class",
        (chance, 1),
        (2, 2),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        size=SMALLEST,
        color=NEUTRAL,
    )
    if not np.isnan(base):
        ax.axvline(base, color=colour("ce"), linewidth=0.8)
        ax.annotate(
            "CE",
            (base, 1),
            (0, 2),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            ha="center",
            size=SMALLEST,
        )
    said = [f"{names.objective(row['objective'])}: {row['setting']}  (n = {row['n']})" for _, row in ran.iterrows()]
    ax.set_yticks(range(len(ran)), said)
    ax.set_ylim(len(ran) - 0.5, -0.5)
    ax.margins(x=0.08)
    ax.set_title(title, pad=14)
    ax.set_xlabel("test accuracy (%)")
    return ax


@style()
def stuck_curves(epochs: pd.DataFrame, chance: float, title: str, ax: Axes) -> Axes:
    """Validation accuracy by epoch; `epochs` is of `tables.curves`. Dotted: `chance`, the largest class in percent."""
    ax.axhline(chance, color=NEUTRAL, linewidth=0.8, linestyle=(0, (1, 2)), label="always the largest class")
    for label, rows in epochs.groupby("line", sort=False):
        curve = 100 * rows.groupby("epoch")["validation_accuracy"].mean()
        objective = rows["objective"].iloc[0]
        dashed = {"reported": "-", "best": (0, (3, 1.5)), "worst": (0, (1, 1))}[rows["place"].iloc[0]]
        ax.plot(
            curve.index, curve, linestyle=dashed, marker=marker(objective), markersize=3, color=colour(objective), label=label
        )
    ax.set_xlabel("epoch")
    ax.set_ylabel("validation accuracy (%)")
    ax.set_xticks(sorted(epochs["epoch"].unique()))
    ax.set_title(title)
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax
