"""A forest plot of differences between objectives, and the verdicts at a glance. `ax` in, `ax` out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lclstudy.plan import names

from .style import NEUTRAL, SMALLEST, colour, marker, style

# Okabe and Ito's, with the verdict written beside each, so that colour is never needed.
VERDICTS = {
    "reproduced": "#009E73",
    "not reproduced": "#E69F00",
    "contradicted": "#D55E00",
    "underpowered": "#56B4E9",
    "not run": "#DDDDDD",
}


@style()
def forest(rows: pd.DataFrame, ax: Axes, title: str) -> Axes:
    """Differences with 95 % intervals, a row each: published (open) above ours (filled), n at the right.

    `rows`: `label`, `a`, and `difference`, `ci_low`, `ci_high`, `n` of ours and the same with `published_`; `note` where ours
    has none. A row labelled `mean` is drawn as a summary, below a line.
    """
    for place, row in enumerate(rows.itertuples()):
        look = {"color": colour(row.a), "marker": marker(row.a)}
        _interval(ax, place - 0.17, row.published_difference, row.published_ci_low, row.published_ci_high, "white", **look)
        _interval(ax, place + 0.17, row.difference, row.ci_low, row.ci_high, colour(row.a), **look)
        if np.isnan(row.difference):
            ax.text(0.01, place + 0.17, row.note, transform=ax.get_yaxis_transform(), va="center", size=SMALLEST,
                    color=NEUTRAL, style="italic")  # fmt: skip
        for shift, n in ((-0.19, row.published_n), (0.19, row.n)):
            ax.text(1.01, place + shift, n, transform=ax.get_yaxis_transform(), va="center", size=SMALLEST, color=NEUTRAL)
        if row.label.startswith("mean"):
            ax.axhline(place - 0.5, color=NEUTRAL, linewidth=0.6)
    ax.axvline(0, color=NEUTRAL, linewidth=0.6)
    values = rows[["difference", "ci_low", "ci_high", "published_difference", "published_ci_low", "published_ci_high"]]
    reach = 1.08 * max(1.0, float(np.nanmax(np.abs(values.to_numpy(float)), initial=1.0)))
    ax.set_xlim(-reach, reach)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=reach > 3))
    ax.set_yticks(range(len(rows)), rows["label"])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.set_title(f"{title}\nright of 0: the first is better; n at the right")
    ax.set_xlabel("difference of test accuracy (points)")
    return ax


def _interval(ax: Axes, y: float, value: float, low: float, high: float, face: str, color: str, marker: str) -> None:
    ax.plot([low, high], [y, y], color=color, linewidth=0.8)
    ax.plot(value, y, marker, color=color, markerfacecolor=face, markersize=3.5)


@style()
def forest_key(ax: Axes, published: str, ours: str) -> None:
    """The key below all panels: whose the open and the filled marks are."""
    look = {"color": NEUTRAL, "marker": "o", "linewidth": 0.8}
    handles = [Line2D([], [], **look, markerfacecolor=face, label=f"{whose}, line: 95 % interval")
               for whose, face in ((f"published ({published})", "white"), (f"ours ({ours})", NEUTRAL))]  # fmt: skip
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=2)


@style()
def verdict_map(table: pd.DataFrame, ax: Axes, labels: Sequence[str], title: str) -> Axes:
    """A line per claim: a square in the colour of its verdict, what it is about, and the verdict in words.

    `table` is of `verdicts.tables.judge`; `labels` say what each claim is about.
    """
    for place, (row, label) in enumerate(zip(table.itertuples(), labels, strict=True)):
        ax.plot(0, place, "s", color=VERDICTS[row.verdict], markersize=6)
        ax.text(0.03, place, f"{row.claim}  {label}", va="center", size=SMALLEST)
        ink = NEUTRAL if row.verdict == "not run" else "black"
        ax.text(1, place, row.verdict, va="center", ha="right", size=SMALLEST, color=ink)
    ax.set(xlim=(-0.02, 1), ylim=(len(table) - 0.4, -0.6), xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_title(title)
    return ax


def objective_pair(a: str, b: str) -> str:
    """`LCL − CE`."""
    return f"{names.objective(a)} − {names.objective(b)}"
