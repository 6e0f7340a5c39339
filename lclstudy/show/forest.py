"""A forest plot of differences between objectives. `ax` in, `ax` out."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from . import marks
from .style import NEUTRAL, colour, marker, style


@style()
def forest(rows: pd.DataFrame, ax: Axes, title: str, xlabel: str = "difference of test accuracy (points)") -> Axes:
    """Differences with 95 % intervals, a row each: published (open) above ours (filled), n (and a word) at the right.

    `rows`: `label`, `a`, and `difference`, `ci_low`, `ci_high`, `n` (a text) of ours and the same with `published_`; `note`
    where ours has none. A row labelled `mean` is drawn as a summary, below a line.
    """
    for place, row in enumerate(rows.itertuples()):
        shade, shape = colour(row.a), marker(row.a)
        marks.interval(ax, place - 0.17, row.published_difference, row.published_ci_low, row.published_ci_high, shade, shape,
                       face=marks.OPEN)  # fmt: skip
        marks.interval(ax, place + 0.17, row.difference, row.ci_low, row.ci_high, shade, shape)
        if np.isnan(row.difference):
            marks.beside(ax, place + 0.17, row.note, x=0.01, style="italic")
        marks.beside(ax, place - 0.19, row.published_n)
        marks.beside(ax, place + 0.19, row.n)
        if row.label.startswith("mean"):
            ax.axhline(place - 0.5, color=NEUTRAL, linewidth=0.6)
    marks.rows(ax, rows["label"], zero=True)
    values = rows[["difference", "ci_low", "ci_high", "published_difference", "published_ci_low", "published_ci_high"]]
    marks.symmetric([ax], values)
    ax.set_title(f"{title}\nright of 0: the first is better; n at the right")
    ax.set_xlabel(xlabel)
    return ax


def forest_key(ax: Axes, published: str, ours: str) -> None:
    """The key below all panels: whose the open and the filled marks are."""
    entries = [(f"published ({published})", {"markerfacecolor": marks.OPEN}), (f"ours ({ours})", {})]
    marks.key(ax, [(text, look) for text, look in entries if "()" not in text], title="line: 95 % interval")
