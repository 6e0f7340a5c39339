"""Forest plots of differences between objectives."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from lclstudy.plan import names

from . import marks, text
from .style import DOUBLE, colour, marker, subplots


def forests(rows: pd.DataFrame, pairs: Iterable[tuple[str, str]]) -> Figure | None:
    """Differences with 95 % intervals, a panel for each of `pairs` (a, b) that `rows` have: published (open) above ours
    (filled), at the right n, and what became of the claim. None for no rows.

    `rows`: those of `comparisons.beside_published`, with a `label`.
    """
    found = rows.groupby(["a", "b"])
    panels = [(pair, found.get_group(pair)) for pair in pairs if pair in found.groups]
    if not panels:
        return None
    figure, axes = subplots(len(panels), 1, DOUBLE, 0.7 + sum(0.65 + 0.3 * len(here) for _, here in panels))
    for ax, ((a, b), here) in zip(axes, panels, strict=True):
        for place, row in enumerate(here.to_dict("records")):
            ours, theirs = (row["difference"], row["ci_low"], row["ci_high"]), (row["published_low"], row["published_high"])
            marks.interval(ax, place - 0.17, row["expected"], *theirs, colour(a), marker(a), marks.OPEN)
            marks.interval(ax, place + 0.17, *ours, colour(a), marker(a))
            if pd.notna(row["published_n"]):
                marks.beside(ax, place - 0.19, f"n = {row['published_n']:.0f}, published")
            marks.beside(ax, place + 0.19, f"n = {text.several(row['n_a'], row['n_b'])}, {text.noted(row)}")
        marks.rows(ax, here["label"], zero=True)
        ax.set_title(f"{text.pair(a, b)} (right of 0: {names.objective(a)} is better)")
    ax.set_xlabel("difference of test accuracy (points)")  # below the last
    marks.symmetric(axes, rows[["difference", "ci_low", "ci_high", "expected", "published_low", "published_high"]])
    entries = [(f"ours ({', '.join(map(names.encoder, rows['encoder'].unique()))})", {})]
    if rows["expected"].notna().any():
        entries.insert(0, (f"published ({names.encoder('electra-base')})", {"markerfacecolor": marks.OPEN}))
    told = "in quotes: what the paper claims, then what became of it; line: 95 % interval over seeds"
    marks.key(axes[0], entries, title=told)
    return figure
