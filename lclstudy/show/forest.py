"""Forest plots of differences between objectives."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lclstudy.plan import names

from . import marks, text
from .style import DOUBLE, NEUTRAL, colour, marker, subplots

_ENDS = [f"{whose}{end}" for whose in ("", "published_") for end in ("difference", "ci_low", "ci_high")]


def forest(rows: pd.DataFrame, ax: Axes, title: str) -> None:
    """Differences with 95 % intervals, a row each: published (open) above ours (filled), n (and a word) at the right, with
    † where what is compared had not converged.

    `rows`: `label`, `a`, and `difference`, `ci_low`, `ci_high`, `n` (a text) of ours and the same with `published_`. A row
    labelled `mean` is drawn as a summary, below a line.
    """
    for place, row in enumerate(rows.itertuples()):
        shade, shape = colour(row.a), marker(row.a)
        marks.interval(ax, place - 0.17, row.published_difference, row.published_ci_low, row.published_ci_high, shade, shape,
                       face=marks.OPEN)  # fmt: skip
        marks.interval(ax, place + 0.17, row.difference, row.ci_low, row.ci_high, shade, shape)
        marks.beside(ax, place - 0.19, row.published_n)
        marks.beside(ax, place + 0.19, row.n)
        if row.label.startswith("mean"):
            ax.axhline(place - 0.5, color=NEUTRAL, linewidth=0.6)
    marks.rows(ax, rows["label"], zero=True)
    marks.symmetric([ax], rows[_ENDS])
    ax.set_title(f"{title}\nright of 0: the first is better; n at the right")
    ax.set_xlabel("difference of test accuracy (points)")


def forests(rows: pd.DataFrame, pairs: Iterable[tuple[str, str]]) -> Figure | None:
    """A forest for each of `pairs` (a, b) that `rows` have, below one another, with one range and one key; None for no rows.

    `rows`: those of `comparisons.beside_published`, with `label` as of `forest`. At the right n, and what became of the claim.
    """
    names_of = {"expected": "difference", "published_low": "ci_low", "published_high": "ci_high"}
    rows = rows.rename(columns={name: f"published_{end}" for name, end in names_of.items()})
    rows["n"] = [f"n = {text.several(row['n_a'], row['n_b'])}, {text.noted(row)}" for row in rows.to_dict("records")]
    rows["published_n"] = ["" if pd.isna(n) else f"n = {n:.0f}, published" for n in rows["published_n"]]
    panels = [here for a, b in pairs if len(here := rows[(rows["a"] == a) & (rows["b"] == b)])]
    if not panels:
        return None
    figure, axes = subplots(len(panels), 1, DOUBLE, 0.7 + sum(0.65 + 0.3 * len(here) for here in panels))
    for ax, here in zip(axes, panels, strict=True):
        forest(here, ax, f"{text.pair(here['a'].iloc[0], here['b'].iloc[0])}; in quotes: what the paper claims")
        if ax is not axes[-1]:
            ax.set_xlabel("")
    marks.symmetric(axes, rows[_ENDS])
    published = names.encoder("electra-base") if rows["published_difference"].notna().any() else ""
    forest_key(axes[0], published, ", ".join(map(names.encoder, rows["encoder"].unique())))
    return figure


def forest_key(ax: Axes, published: str, ours: str) -> None:
    """The key below all panels: whose the open and the filled marks are."""
    entries = [(f"published ({published})", {"markerfacecolor": marks.OPEN}), (f"ours ({ours})", {})]
    risen = any("†" in said.get_text() for each in ax.get_figure(root=True).axes for said in each.texts)
    title = "line: 95 % interval over seeds" + "; †: not converged" * risen
    marks.key(ax, [(said, look) for said, look in entries if "()" not in said], title=title)
