"""The figures of corpora, from the tables of `data/summary`: label balance, lengths, split sizes."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from . import names
from .errors import StudyError
from .figstyle import NEUTRAL, SMALLEST, SPLITS, style


@style()
def label_balance(labels: pd.DataFrame, ax: Axes) -> Axes:
    """The share of each label in each split, most frequent first; `labels` holds the rows of one corpus of `labels.csv`.

    Raises StudyError if there are no rows, or rows of several corpora.
    """
    corpus, splits = _corpus(labels), _splits(labels)
    rows = labels.pivot_table(index="label", columns="split", values="rows", aggfunc="sum", sort=False)
    shares = (rows / rows.sum() * 100).sort_values(splits[0], ascending=False)
    even = 100 / len(shares)
    ax.axvline(even, color=NEUTRAL, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
    ax.annotate(f"even: {even:.3g} %", (even, 1), (2, 1), xycoords=ax.get_xaxis_transform(), textcoords="offset points",
                va="bottom", color=NEUTRAL, size=SMALLEST)  # fmt: skip
    for split in splits:
        shade, shape = SPLITS[split]
        ax.plot(shares[split], range(len(shares)), linestyle="none", color=shade, marker=shape, markersize=3.5, alpha=0.8,
                label=f"{split} (n = {int(rows[split].sum()):,})")  # fmt: skip
    ax.set_yticks(range(len(shares)), [str(label) for label in shares.index])
    ax.set_ylim(len(shares) - 0.4, -0.6)
    ax.set_xlim(left=0)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.set_xlabel("share of the split's texts (%)")
    ax.set_title(f"{names.corpus(corpus)}: balance of {len(shares)} labels", pad=12)
    ax.legend(loc="best", frameon=True, edgecolor="none", framealpha=1, handletextpad=0.2)
    return ax


@style()
def length_distribution(lengths: pd.DataFrame, ax: Axes) -> Axes:
    """The distribution of text lengths in each split; `lengths` holds the rows of one corpus of `lengths.csv`.

    Raises StudyError if there are no rows, or rows of several corpora.
    """
    corpus, splits = _corpus(lengths), _splits(lengths)
    rows = lengths.pivot_table(index="words_from", columns="split", values="rows", aggfunc="sum").sort_index()
    width = rows.index[1] - rows.index[0]
    kept = rows.loc[: rows.index[(rows.sum(axis=1) > 0)].max()]
    edges = [*kept.index, kept.index[-1] + width]
    for split in splits:
        ax.stairs(kept[split] / rows[split].sum() * 100, edges, color=SPLITS[split][0], linewidth=1.2,
                  label=f"{split} (n = {int(rows[split].sum()):,})")  # fmt: skip
    if kept.index[-1] == rows.index[-1]:  # its last class has no upper end
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"≥ {x:g}" if x == rows.index[-1] else f"{x:g}"))
    ax.set(xlabel="words per text", ylabel="share of the split's texts (%)", xlim=(0, edges[-1]))
    ax.set_ylim(0, ax.get_ylim()[1] * (1 + 0.14 * len(splits)))  # room for the legend above the curves
    ax.set_title(f"{names.corpus(corpus)}: lengths of texts")
    ax.legend(loc="upper right", handlelength=1.2)
    return ax


@style()
def split_sizes(splits: pd.DataFrame, ax: Axes) -> Axes:
    """Published and present numbers of texts; `splits` is `splits.csv`, of which the corpora with published numbers are drawn.

    Rings are published, dots are ours; the right margin names the differences. Raises StudyError if nothing is published.
    """
    drawn = splits[splits["published_rows_paper"].notna()]
    if drawn.empty:
        raise StudyError("No published split sizes to draw; give the table data/summary/splits.csv.")
    corpora = list(dict.fromkeys(drawn["corpus"]))
    for place, corpus in enumerate(corpora):
        of_corpus = drawn[drawn["corpus"] == corpus]
        for row in of_corpus.itertuples():
            shade, shape = SPLITS[row.split]
            ax.plot(row.published_rows_paper, place, marker=shape, color=shade, markersize=8, markerfacecolor="none")
            ax.plot(row.rows, place, marker=shape, color=shade, markersize=3)
        ax.text(1.01, place, _difference_said(of_corpus), transform=ax.get_yaxis_transform(), va="center", size=SMALLEST)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    ax.set_yticks(range(len(corpora)), [names.corpus(corpus) for corpus in corpora])
    ax.set_ylim(len(corpora) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.set_xlabel("texts in the split (log scale)")
    ax.set_title("Split sizes: published (ring) and ours (dot)")
    ax.text(1.01, 1.02, "ours − published", transform=ax.transAxes, va="bottom", size=SMALLEST)
    handles = [
        Line2D([], [], color=shade, marker=shape, linestyle="none", label=split) for split, (shade, shape) in SPLITS.items()
    ]
    ax.figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return ax


def _difference_said(rows: pd.DataFrame) -> str:
    missing = rows.loc[rows["rows"].isna(), "split"]
    if len(missing):
        return f"raw file absent: {', '.join(missing)}"
    differences = rows.set_index("split")["rows"] - rows.set_index("split")["published_rows_paper"]
    told = [f"{split} {value:+,.0f}".replace("-", "−") for split, value in differences.items() if value]
    return ", ".join(told) or "as published"


def _corpus(table: pd.DataFrame) -> str:
    corpora = table["corpus"].unique()
    if len(corpora) != 1:
        raise StudyError(f"This figure shows one corpus; given {', '.join(corpora) or 'no rows'}: select the rows of one.")
    return corpora[0]


def _splits(table: pd.DataFrame) -> list[str]:
    return [split for split in SPLITS if split in set(table["split"])]
