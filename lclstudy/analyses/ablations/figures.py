"""The figures of the ablations: each setting against LCL, and what each costs. `ax` in, `ax` out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.show.style import NEUTRAL, SMALLEST, apart, colour, marker, style

BAND = "#E6EEF5"
HEADING = 1.0  # rows that the name of a group takes
FAR = 4  # an axis reaches so many times as far as half of the bounds; what lies beyond is an arrow at its edge


def height(table: pd.DataFrame) -> float:
    """Inches that `forest` needs for `table`."""
    return 1.35 + 0.165 * (len(table) + HEADING * table["group"].nunique())


@style()
def forest(table: pd.DataFrame, spread: float, groups: dict[str, str], title: str, ax: Axes) -> Axes:
    """Each setting minus LCL as released, with its 95 % interval, by group; n runs and the difference at the right.

    `table` is of `tables.settings`, `spread` how far two runs of LCL lie apart (NaN for none), `groups` names the
    groups. Filled: over seeds. Open and dashed: one seed, over texts. A setting that did not run says so in grey.
    """
    reach = _reach(table, spread)
    places, ticks = _places(table, groups, ax)
    for y, row in zip(places, table.to_dict("records"), strict=True):
        _row(row, y, reach, ax)
    if not np.isnan(spread):
        ax.axvspan(-spread, spread, color=BAND, zorder=0, linewidth=0)
    _references(table, reach, ax)
    ax.set_xlim(-reach, reach)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    ax.set_yticks(places, table["setting"])
    ax.set_ylim(ticks - 0.3, -0.8)
    ax.tick_params(axis="y", length=0)
    ax.set_title(title, pad=14)
    ax.set_xlabel("test accuracy minus that of LCL (points); right of 0: better than LCL")
    _forest_key(table, spread, ax)
    return ax


def _places(table: pd.DataFrame, groups: dict[str, str], ax: Axes) -> tuple[list[float], float]:
    """The height of each row, and where the rows end; writes the name of each group above its rows."""
    places, y, last = [], -1.0, ""
    for group in table["group"]:
        if group != last:
            y += 1.0
            ax.text(-0.01, y, groups[group], transform=ax.get_yaxis_transform(), va="center", ha="right", weight="bold",
                    size=SMALLEST)  # fmt: skip
            if last:
                ax.axhline(y - 0.5, color="#DDDDDD", linewidth=0.5)
            last = group
        y += 1.0
        places.append(y)
    return places, y + 0.9


def _reach(table: pd.DataFrame, spread: float) -> float:
    bounds = np.abs(table[["difference", "ci_low", "ci_high"]].to_numpy(float))
    bounds = bounds[np.isfinite(bounds)]
    if not len(bounds):
        return 1.0
    usual = FAR * max(np.median(bounds), np.nan_to_num(spread))
    return 1.06 * max(0.5, min(bounds.max(), usual), np.nan_to_num(spread))


def _row(row: dict, y: float, reach: float, ax: Axes) -> None:
    side = {"transform": ax.get_yaxis_transform(), "va": "center", "size": SMALLEST}
    itself = row["group"] == "reference" and row["objective"] == "lcl"
    shade = colour(row["objective"])
    if not row["n"]:
        ax.text(0.01, y, row["status"], color=NEUTRAL, style="italic", **side)
    elif itself:
        ax.plot(0, y, marker("lcl"), color=shade, markersize=4)
    elif not np.isnan(row["difference"]):
        _interval(row, y, reach, shade, ax)
    said = "" if itself or np.isnan(row["difference"]) else _points(row["difference"])
    ax.text(1.075, y, said, ha="right", color=shade, **side)
    ax.text(1.13, y, str(row["n"]), ha="right", color=NEUTRAL if not row["n"] else "black", **side)


def _points(value: float) -> str:
    return "0.0" if abs(value) < 0.05 else f"{value:+.1f}".replace("-", "−")


def _interval(row: dict, y: float, reach: float, shade: str, ax: Axes) -> None:
    over_seeds, value = row["basis"] == "seeds", row["difference"]
    ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=shade, linewidth=0.9, linestyle="-" if over_seeds else (0, (2, 1.2)))
    for bound in {np.sign(end) for end in (row["ci_low"], row["ci_high"], value) if abs(end) > reach}:
        ax.plot(bound * reach * 0.985, y, ">" if bound > 0 else "<", color=shade, markersize=3, clip_on=False)
    if abs(value) > reach:  # far off: the number at the right says how far
        return
    ax.plot(value, y, marker(row["objective"]), color=shade, markersize=4, markerfacecolor=shade if over_seeds else "white")


def _references(table: pd.DataFrame, reach: float, ax: Axes) -> None:
    """Upright lines at LCL and at its baselines, named above the axes, and the heads of the columns at the right."""
    above = {"xycoords": "axes fraction", "textcoords": "offset points", "size": SMALLEST, "va": "bottom"}
    lines = {"lcl": 0.0}
    baselines = table[(table["group"] == "reference") & (table["objective"] != "lcl") & (table["difference"].abs() < reach)]
    lines = dict(sorted({**lines, **baselines.set_index("objective")["difference"]}.items(), key=lambda line: line[1]))
    written = apart(np.array([0.5 + 0.5 * value / reach for value in lines.values()]), 0.05)
    for (name, value), x in zip(lines.items(), written, strict=True):
        dashes = "-" if name == "lcl" else (0, (1, 2))
        ax.axvline(value, color=colour(name), linewidth=0.8, linestyle=dashes, zorder=1)
        ax.annotate(names.objective(name), (x, 1), (0, 1), ha="center", color=colour(name), **above)
    for x, head in ((1.075, "points"), (1.13, "n")):
        ax.annotate(head, (x, 1), (0, 1), ha="right", color=NEUTRAL, **above)


def _forest_key(table: pd.DataFrame, spread: float, ax: Axes) -> None:
    look = {"color": NEUTRAL, "marker": "o", "markersize": 4, "linewidth": 0.9}
    handles = []
    if (table["basis"] == "seeds").any():
        handles.append(Line2D([], [], **look, label="2 seeds or more each; line: 95 % interval over seeds (Welch)"))
    if (table["basis"] == "texts").any():
        said = "one seed, minus the same seed of LCL; line: 95 % interval over test texts, which says nothing of other seeds"
        handles.append(Line2D([], [], **look, markerfacecolor="white", linestyle=(0, (2, 1.2)), label=said))
    if not np.isnan(spread):
        handles.append(
            Patch(color=BAND, label=f"two runs of LCL that differ in their seed alone lie up to {spread:.1f} points apart")
        )
    if handles:
        ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=1, alignment="left")


@style()
def gain_and_cost(table: pd.DataFrame, title: str, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Accuracy, seconds of training and parameters of the settings that ran, the quickest first; an axes for each.

    `table` is of `tables.settings`. Small marks are runs. Raises StudyError if there are not three axes.
    """
    axes = np.atleast_1d(axes)
    if len(axes) != 3:
        raise StudyError(f"Gain and cost need three axes, accuracy, seconds and parameters; given {len(axes)}.")
    ran = table[table["n"] > 0].sort_values(["seconds", "setting"]).reset_index(drop=True)
    low = _lowest(ran)
    for y, row in enumerate(ran.to_dict("records")):
        look = {"color": colour(row["objective"]), "marker": marker(row["objective"]), "linestyle": ""}
        _accuracy(row, y, low, look, axes[0])
        for ax, value in ((axes[1], row["seconds"] / 60), (axes[2], row["parameters"] / 1e6)):
            ax.plot([0, value], [y, y], color=look["color"], linewidth=0.8)
            ax.plot(value, y, **look)
            ax.annotate(f"{value:.1f}" if value < 10 else f"{value:.0f}", (value, y), (5, 0), textcoords="offset points",
                        va="center", size=SMALLEST)  # fmt: skip
    _cost_axes(ran, title, axes)
    return axes


def _lowest(ran: pd.DataFrame) -> float:
    """The accuracy below which a setting is an arrow at the edge, so that one that failed to learn does not hide all others."""
    scores = np.array([score for scores in ran["scores"] for score in scores])
    if not len(scores):
        return 0.0
    usual = np.median(scores) - 3 * FAR * max(0.5, np.median(np.abs(scores - np.median(scores))))
    return float(max(usual, scores.min()))


def _accuracy(row: dict, y: float, low: float, look: dict, ax: Axes) -> None:
    if row["mean"] < low:
        ax.plot(low, y, **{**look, "marker": "<"})
        ax.annotate(f"{row['mean']:.1f}", (low, y), (5, 0), textcoords="offset points", va="center", size=SMALLEST)
        return
    seen = [score for score in row["scores"] if score >= low]
    ax.plot(seen, [y] * len(seen), **look, markersize=3, markerfacecolor="none", markeredgewidth=0.6)
    ax.plot(row["mean"], y, **look)


def _cost_axes(ran: pd.DataFrame, title: str, axes: Sequence[Axes]) -> None:
    heads = (f"{title}\nsmall: runs, filled: mean", "Time of training", "Parameters while training")
    labels = ("test accuracy (%)", "minutes, rough", "millions")
    for ax, head, label in zip(axes, heads, labels, strict=True):
        ax.set_title(head)
        ax.set_xlabel(label)
        ax.set_ylim(len(ran) - 0.4, -0.6)
        ax.set_yticks(range(len(ran)), [])
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    for ax in axes[1:]:
        ax.set_xlim(0, 1.25 * max(ax.get_xlim()[1], 1e-9))
    axes[0].set_yticklabels([f"{row.setting} (n = {row.n})" for row in ran.itertuples()])
