"""The figure of the audit."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from lclstudy.show import marks
from lclstudy.show.style import colour, marker
from lclstudy.show.text import pair


def differences(compared: pd.DataFrame, axes: Sequence[Axes]) -> None:
    """Published differences of mean accuracy with 95 % intervals (Welch), a panel per pair, a row per place.

    `compared` is of `tables.differences`.
    """
    for ax, ((a, b), rows) in zip(axes, compared.groupby(["a", "b"], sort=False), strict=True):
        marks.rows(ax, rows["label"] if ax is axes[0] else [""] * len(rows), zero=True)
        for place, row in enumerate(rows.itertuples()):
            marks.interval(ax, place, row.difference, row.ci_low, row.ci_high, colour(a), marker(a))
        ax.set_title(f"{pair(a, b)} as published\n95 % interval above 0 in {(rows['ci_low'] > 0).sum()} of {len(rows)}")
        ax.set_xlabel("difference of test accuracy (points)")
    marks.symmetric(axes, compared[["ci_low", "ci_high"]])
