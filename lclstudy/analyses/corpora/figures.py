"""The figure of the corpora: how often each label is."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from lclstudy.plan import names
from lclstudy.show import marks
from lclstudy.show.style import DOUBLE, NEUTRAL, use

GREEN = "#009E73"
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
    for corpus, ax in axes.items():
        found = rows[rows["corpus"] == corpus].sort_values("rows", ascending=False, kind="stable")
        ax.axvline(100 / len(found), color=NEUTRAL, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        shares = found["rows"] / found["rows"].sum() * 100
        ax.plot(shares, range(len(found)), linestyle="none", color=GREEN, marker="D")
        marks.rows(ax, found["label"].astype(str))
        ax.grid(axis="y")
        ax.set_xlim(0, shares.max() * 1.06)
        ax.set_xlabel("share of test (%)" if ax.get_subplotspec().is_last_row() else "")
        ax.set_title(f"{names.corpus(corpus)}, n = {found['rows'].sum():,}")
    return figure
