"""The marks that figures of results are made of: an interval, a column of rows, a key below. They draw on the axes given."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .style import NEUTRAL, SMALLEST

OPEN, FILLED = "white", None
RULE = "#DDDDDD"


def interval(ax: Axes, y: float, value: float, low: float, high: float, color: str = NEUTRAL, marker: str = "o",
             face: str | None = FILLED, dashed: bool = False, size: float = 3.5) -> None:  # fmt: skip
    """A mark at `value` with a line from `low` to `high`; NaN draws nothing. `face`: OPEN for published, FILLED for ours."""
    ax.plot([low, high], [y, y], color=color, linewidth=0.8, linestyle=(0, (2, 1.2)) if dashed else "-")
    ax.plot(value, y, marker, color=color, markerfacecolor=color if face is None else face, markersize=size)


def rows(ax: Axes, labels: Sequence[str], colors: Sequence[str] | None = None, zero: bool = False) -> None:
    """A row per label, the first on top, with an upright grid; `zero` draws the line of no difference."""
    ax.set_yticks(range(len(labels)), labels)
    for text, color in zip(ax.get_yticklabels(), colors or (), strict=False):
        text.set_color(color)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    if zero:
        ax.axvline(0, color=NEUTRAL, linewidth=0.6)


def grouped(ax: Axes, labels: Sequence[str], groups: Sequence[str]) -> list[float]:
    """A row per label, below the name of its group in bold, the first on top; returns the height of each row."""
    places, y = [], -1.0
    for number, group in enumerate(groups):
        if not number or group != groups[number - 1]:
            y += 1
            ax.text(-0.01, y, group, transform=ax.get_yaxis_transform(), va="center", ha="right", weight="bold", size=SMALLEST)
            if number:
                ax.axhline(y - 0.5, color=RULE, linewidth=0.5)
        y += 1
        places.append(y)
    ax.set_yticks(places, labels)
    ax.set_ylim(y + 0.6, -0.8)
    ax.tick_params(axis="y", length=0)
    return places


def grouped_height(groups: Sequence[str]) -> float:
    """Inches that rows of `grouped` need, with a title, an axis and a key of three lines."""
    return 1.35 + 0.165 * (len(groups) + len(set(groups)))


def beside(ax: Axes, y: float, text: str, x: float = 1.01, **look) -> None:
    """Small text at row `y`, right of the axes (`x` in their width); inside at `x=0.01`."""
    look = {"size": SMALLEST, "color": NEUTRAL, "va": "center", **look}
    ax.text(x, y, text, transform=ax.get_yaxis_transform(), **look)


def symmetric(axes: Sequence[Axes], values: np.ndarray | pd.DataFrame) -> None:
    """The same range around 0 for all axes, wide enough for all finite `values`, and for 1."""
    values = np.abs(np.asarray(values, dtype=float))
    reach = 1.08 * max(1.0, values[np.isfinite(values)].max(initial=0))
    for ax in axes:
        ax.set_xlim(-reach, reach)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=reach > 3))


def key(ax: Axes, entries: Sequence[tuple[str, dict]], title: str = "", columns: int = 2) -> None:
    """What marks mean, once below all panels: (text, look of a Line2D) each, in grey unless the look says else."""
    usual = {"color": NEUTRAL, "marker": "o", "markersize": 4, "linewidth": 0.8}
    handles = [Line2D([], [], **{**usual, **look}, label=text) for text, look in entries]
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=columns, title=title or None,
                                    title_fontsize=SMALLEST)  # fmt: skip
