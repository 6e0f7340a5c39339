"""The figures of corpora and of their second views, from the tables of `data/summary`, `corpus_facts` and `tables`."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lclstudy.plan import names
from lclstudy.show import marks
from lclstudy.show.style import DOUBLE, NEUTRAL, SMALLEST, SPLITS, panels, use

BLUE, ORANGE = "#0072B2", "#D55E00"
_DASHED = {"color": NEUTRAL, "linewidth": 0.8, "linestyle": (0, (4, 3)), "zorder": 0}
_TALL = 20  # labels that fill a column


def label_balances(labels: pd.DataFrame) -> Figure:
    """The share of each label in the test split, most frequent first; on the dashed line all would be equally frequent.

    A corpus with many labels fills a column, the others stand upon each other in the last. `labels` holds rows of `labels.csv`.
    """
    rows = labels[labels["split"] == "test"]
    counts = rows.groupby("corpus", sort=False)["label"].nunique()
    tall = counts.index[counts >= _TALL]
    grid = [[*tall, corpus] for corpus in counts.index.difference(tall, sort=False)]
    use()
    figure = plt.figure(figsize=(DOUBLE, 5.6))
    axes = figure.subplot_mosaic(grid, height_ratios=[counts[row[-1]] + 3.5 for row in grid])
    shade, marker = SPLITS["test"]
    for corpus, ax in axes.items():
        found = rows[rows["corpus"] == corpus].sort_values("rows", ascending=False, kind="stable")
        ax.axvline(100 / len(found), **_DASHED)
        shares = found["rows"] / found["rows"].sum() * 100
        ax.plot(shares, range(len(found)), linestyle="none", color=shade, marker=marker)
        marks.rows(ax, found["label"].astype(str))
        ax.grid(axis="y")
        ax.set_xlim(0, shares.max() * 1.06)
        ax.set_xlabel("share of test (%)" if ax.get_subplotspec().is_last_row() else "")
        ax.set_title(f"{names.corpus(corpus)}, n = {found['rows'].sum():,}")
    return figure


def length_distributions(lengths: pd.DataFrame) -> Figure:
    """Text lengths of the splits of several corpora, a panel each, three in a row; of rows of `lengths.csv`."""
    corpora, columns = lengths["corpus"].unique(), 3
    figure, axes = panels(len(corpora), height=1.7, columns=columns)
    for place, (corpus, ax) in enumerate(zip(corpora, axes, strict=True)):
        rows = lengths[lengths["corpus"] == corpus].pivot_table(index="words_from", columns="split", values="rows")
        last, width = rows.index[-1], rows.index[1] - rows.index[0]
        kept = rows.loc[: rows.index[rows.sum(axis=1) > 0].max()]
        for split in (split for split in SPLITS if split in kept):
            shares = kept[split] / rows[split].sum() * 100
            ax.stairs(shares, [*kept.index, kept.index[-1] + width], color=SPLITS[split][0], linewidth=1.2, label=split)
        if kept.index[-1] == last:  # its last class has no upper end
            ax.xaxis.set_major_formatter(lambda x, _, last=last: f"≥ {x:g}" if x == last else f"{x:g}")
        ax.set(xlim=(0, kept.index[-1] + width), ylim=(0, None))
        ax.set_ylabel("share of the split (%)" if place % columns == 0 else "")
        ax.set_xlabel("words per text" if place + columns >= len(corpora) else "")
        told = " / ".join(f"{rows[split].sum():,.0f}" if split in rows else "–" for split in SPLITS)
        ax.set_title(f"{names.corpus(corpus)}\nn = {told}")
    _key(axes[0], ncols=3, title="n = train / validation / test")
    return figure


def replaced_shares(changes: pd.DataFrame, rate: float, ax: Axes) -> None:
    """How large a share of a text's words was replaced, over texts; `changes` is of `synonyms.changes_of`. Dashed: the rate."""
    shares = changes["replaced"] / changes["words"].clip(lower=1) * 100
    reached = changes["replaced"] == changes["wanted"]
    bins = np.arange(0, max(shares.max(), rate * 100) + 5, 2.5)
    ax.hist([shares[reached], shares[~reached]], bins, stacked=True, color=[BLUE, ORANGE],
            label=[f"target reached ({reached.sum():,})", f"too few words with synonyms ({(~reached).sum():,})"])  # fmt: skip
    ax.axvline(rate * 100, **_DASHED)
    ax.annotate(f"rate: {rate * 100:g} %", (rate * 100, 1), (-3, -2), xycoords=ax.get_xaxis_transform(),
                textcoords="offset points", ha="right", va="top", color=NEUTRAL, size=SMALLEST)  # fmt: skip
    ax.set(xlabel="words replaced in a text (%)", ylabel="texts", title=f"Words replaced, n = {len(changes):,} texts")
    _key(ax)


def _key(ax: Axes, **look) -> None:
    ax.get_figure(root=True).legend(
        *ax.get_legend_handles_labels(), loc="outside lower center", title_fontsize=SMALLEST, **look
    )
