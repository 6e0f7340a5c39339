"""The figures of corpora and of their second views, from the tables of `data/summary` and `corpus_facts`."""

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.show.style import DOUBLE, NEUTRAL, SMALLEST, SPLITS, panels, style


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
    _rows(ax, [names.corpus(corpus) for corpus in corpora])
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


@style()
def label_balances(labels: pd.DataFrame, height: float = 5.6) -> Figure:
    """Label balance of several corpora: one with many labels fills a column, the others stand upon each other in the last.

    Where none has many, they stand in one row. `labels` holds rows of `labels.csv`. Raises StudyError if there are none.
    """
    _need(labels, "rows of labels.csv")
    counts = labels.groupby("corpus", sort=False)["label"].nunique()
    tall, low = list(counts.index[counts >= _TALL]), list(counts.index[counts < _TALL])
    grid = [[*tall, corpus] for corpus in low] if tall and low else [tall or low]
    ratios = [counts[row[-1]] + 3.5 for row in grid]
    figure = plt.figure(figsize=(DOUBLE, height))
    axes = figure.subplot_mosaic(grid, height_ratios=ratios)
    for corpus, ax in axes.items():
        _one_of_many(label_balance, labels[labels["corpus"] == corpus], ax, pad=12)
        ax.set_xlabel("share of the split (%)" if ax.get_subplotspec().is_last_row() else "")
    _shared_key(figure, list(axes.values()))
    return figure


_TALL = 20  # labels that fill a column


@style()
def length_distributions(lengths: pd.DataFrame, height: float = 1.7, columns: int = 3) -> Figure:
    """Text lengths of several corpora, a panel each, rows `height` inches high; `lengths` holds rows of `lengths.csv`.

    Raises StudyError if there are none.
    """
    _need(lengths, "rows of lengths.csv")
    corpora = lengths["corpus"].unique()
    figure, axes = panels(len(corpora), height=height, columns=columns)
    for place, (corpus, ax) in enumerate(zip(corpora, axes, strict=True)):
        _one_of_many(length_distribution, lengths[lengths["corpus"] == corpus], ax)
        ax.set_ylim(0, max(np.max(patch.get_data().values) for patch in ax.patches) * 1.08)
        ax.set_ylabel("share of the split (%)" if place % columns == 0 else "")
        ax.set_xlabel("words per text" if place + columns >= len(corpora) else "")
    _shared_key(figure, list(axes))
    return figure


def _one_of_many(draw: Callable[[pd.DataFrame, Axes], Axes], rows: pd.DataFrame, ax: Axes, pad: float = 5) -> None:
    """Draws a panel that shares its key with others: the title says how many texts its splits have."""
    draw(rows, ax)
    ax.get_legend().remove()
    counts = rows.groupby("split")["rows"].sum()
    told = " / ".join(f"{counts[split]:,}" if split in counts else "–" for split in SPLITS)
    ax.set_title(f"{names.corpus(_corpus(rows))}\nn = {told}", pad=pad)


def _shared_key(figure: Figure, axes: Sequence[Axes]) -> None:
    found = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label.partition(" ")[0], handle)
    order = [split for split in SPLITS if split in found]
    figure.legend([found[split] for split in order], order, loc="outside lower center", ncols=len(order),
                  title="n = train / validation / test", title_fontsize=SMALLEST)  # fmt: skip


@style()
def majority_accuracy(majority: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracy of always naming the largest class (dot) and of even guessing (line); `majority` is of `corpus_facts.majority`.

    Raises StudyError if there are no rows.
    """
    _need(majority, "corpus_facts.majority")
    for place, row in enumerate(majority.itertuples()):
        ax.plot([row.even, row.even], [place - 0.3, place + 0.3], color=NEUTRAL, linewidth=1.2)
        ax.plot([row.even, row.majority], [place, place], color=SPLITS["test"][0], linewidth=0.8)
        ax.plot(row.majority, place, marker=SPLITS["test"][1], color=SPLITS["test"][0])
        said = f"{row.majority:.1f} %"
        ax.annotate(said, (max(row.majority, row.even), place), (6, 0), textcoords="offset points", va="center", size=SMALLEST)
    _rows(ax, [f"{names.corpus(row.corpus)} ({row.classes})" for row in majority.itertuples()])
    ax.set_xlim(0, ax.get_xlim()[1] * 1.12)
    ax.set_xlabel("test accuracy (%)")
    ax.set_title("Always naming the largest class of train (dot), and even guessing (line)")
    return ax


@style()
def split_overlap(overlaps: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Texts that stand in two splits, or twice in one, in three panels; `overlaps` is of `corpus_facts.overlaps`.

    Raises StudyError if there are no rows, or not three axes.
    """
    _need(overlaps, "corpus_facts.overlaps")
    if len(axes) != 3:
        raise StudyError(f"Repeated texts are drawn in three panels; given {len(axes)} axes.")
    corpora = list(dict.fromkeys(overlaps.loc[overlaps["split"] == "train", "corpus"]))
    panels = [("train", "train", "repeated within train"), ("validation", "train", "validation texts also in train"),
              ("test", "train", "test texts also in train")]  # fmt: skip
    for ax, (split, against, title) in zip(axes, panels, strict=True):
        rows = overlaps[(overlaps["split"] == split) & (overlaps["against"] == against)].set_index("corpus").reindex(corpora)
        same, other = rows["share"] - rows["share_other_label"], rows["share_other_label"]
        ax.barh(range(len(rows)), other, color=_OTHER_LABEL, height=0.6, label="with another label")
        ax.barh(range(len(rows)), same, left=other, color=_SAME_LABEL, height=0.6, label="with the same label")
        for place, row in enumerate(rows.itertuples()):
            ax.annotate(f"{row.rows:,.0f}", (row.share, place), (3, 0), textcoords="offset points", va="center", size=SMALLEST)
        _rows(ax, [names.corpus(corpus) for corpus in corpora] if ax is axes[0] else [""] * len(corpora))
        ax.set_xlim(0, overlaps.loc[overlaps["against"] == "train", "share"].max() * 1.2)
        ax.set(xlabel="share of the split (%)", title=title)
    axes[0].get_figure(root=True).legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return axes


_OTHER_LABEL, _SAME_LABEL = "#D55E00", "#BBBBBB"


@style()
def wordnet_coverage(coverage: pd.DataFrame, ax: Axes) -> Axes:
    """What share of a corpus WordNet knows: of words, of words and signs, as published. From `corpus_facts.coverage`.

    Raises StudyError if there are no rows.
    """
    _need(coverage, "corpus_facts.coverage")
    looks = {
        "words": ("words", {"color": "#56B4E9", "marker": "o", "markersize": 4}),
        "tokens": ("words and signs", {"color": "#0072B2", "marker": "o", "markersize": 4}),
        "published": ("published", {"color": "#000000", "marker": "o", "markersize": 8, "markerfacecolor": "none"}),
    }
    places = range(len(coverage))
    ax.hlines(places, coverage["tokens"], coverage["words"], color="#DDDDDD", linewidth=1, zorder=0)
    for column, (label, look) in looks.items():
        ax.plot(coverage[column], places, linestyle="none", label=label, **look)
    told = ["" if row.split == "train" else f" ({row.split})" for row in coverage.itertuples()]
    _rows(ax, [names.corpus(corpus) + split for corpus, split in zip(coverage["corpus"], told, strict=True)])
    ax.set_xlim(-3, 100)
    ax.set_xlabel("share that WordNet knows (%)")
    ax.set_title("What WordNet knows of the training texts (of the test texts where noted)")
    ax.get_figure(root=True).legend(loc="outside lower center", ncols=3)
    return ax


@style()
def replaced_shares(changes: pd.DataFrame, rate: float, ax: Axes) -> Axes:
    """How large a share of a text's words was replaced, over texts; `changes` holds `synonyms.Changes`.

    The dashed line is the rate. Raises StudyError if there are no rows.
    """
    _need(changes, "a row of synonyms.count_changes per text")
    shares = changes["replaced"] / changes["words"].clip(lower=1) * 100
    reached = changes["replaced"] == changes["wanted"]
    bins = np.arange(0, max(shares.max(), rate * 100) + 5, 2.5)
    ax.hist([shares[reached], shares[~reached]], bins, stacked=True, color=["#0072B2", "#D55E00"],
            label=[f"target reached ({reached.sum():,})", f"too few words with synonyms ({(~reached).sum():,})"])  # fmt: skip
    ax.axvline(rate * 100, color=NEUTRAL, linewidth=0.8, linestyle=(0, (4, 3)))
    ax.annotate(f"rate: {rate * 100:g} %", (rate * 100, 1), (-3, -2), xycoords=ax.get_xaxis_transform(),
                textcoords="offset points", ha="right", va="top", color=NEUTRAL, size=SMALLEST)  # fmt: skip
    ax.set(xlabel="words replaced in a text (%)", ylabel="texts")
    ax.set_title(f"Words replaced, n = {len(changes):,} texts", pad=5)
    ax.get_figure(root=True).legend(*ax.get_legend_handles_labels(), loc="outside lower center")
    return ax


@style()
def rate_effect(by_rate: pd.DataFrame, ax: Axes) -> Axes:
    """What a higher rate does. `by_rate` has a row per rate: `rate`, and in percent `mean`, `low`, `high` (quantiles 0.05 and
    0.95 over texts) of the words replaced, and `missed`, the share of texts that could not reach the rate.

    Raises StudyError if there are no rows.
    """
    _need(by_rate, "a row per rate")
    x = by_rate["rate"] * 100
    ax.plot(x, x, color=NEUTRAL, linewidth=0.8, linestyle=(0, (4, 3)))
    ax.annotate("as asked", (x.iloc[0], x.iloc[0]), (14, 0), textcoords="offset points", va="center", color=NEUTRAL,
                size=SMALLEST)  # fmt: skip
    ax.fill_between(x, by_rate["low"], by_rate["high"], color="#0072B2", alpha=0.15, linewidth=0)
    ax.plot(x, by_rate["mean"], color="#0072B2", marker="o", label="words replaced (band: 5 to 95 % of texts)")
    ax.plot(x, by_rate["missed"], color="#D55E00", marker="s", label="texts that miss the rate")
    ax.set(xlabel="rate asked for (%)", ylabel="share (%)", ylim=(0, None), xticks=x)
    ax.set_title("What the rate does")
    ax.get_figure(root=True).legend(*ax.get_legend_handles_labels(), loc="outside lower center")
    return ax


@style()
def replaced_words(pairs: pd.DataFrame, ax: Axes, count: int = 15) -> Axes:
    """The `count` words that were replaced most often; `pairs` has a row per replacement: `word`, and `first`, whether the
    synonym is of the word's first meaning (`synonyms.is_first_sense`).

    Raises StudyError if there are no rows.
    """
    _need(pairs, "a row per replacement; WordNet may know none of the words")
    totals = pairs.groupby("word")["first"].agg(["size", "sum"]).reset_index()
    top = totals.sort_values(["size", "word"], ascending=[False, True]).head(count)
    places = range(len(top))
    ax.barh(places, top["sum"], color="#0072B2", height=0.7, label="of the word's first meaning")
    ax.barh(places, top["size"] - top["sum"], left=top["sum"], color="#BBBBBB", height=0.7, label="of another meaning")
    _rows(ax, list(top["word"]))
    ax.set_xlabel("times replaced")
    ax.set_title(f"The {len(top)} words replaced most often")
    ax.get_figure(root=True).legend(*ax.get_legend_handles_labels(), loc="outside lower center", title="by a synonym",
                                    title_fontsize=SMALLEST)  # fmt: skip
    return ax


def _need(table: pd.DataFrame, what: str) -> None:
    if table.empty:
        raise StudyError(f"No rows to draw; give {what}.")


def _rows(ax: Axes, labels: list[str]) -> None:
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.set_axisbelow(True)


def _corpus(table: pd.DataFrame) -> str:
    corpora = table["corpus"].unique()
    if len(corpora) != 1:
        raise StudyError(f"This figure shows one corpus; given {', '.join(corpora) or 'no rows'}: select the rows of one.")
    return corpora[0]


def _splits(table: pd.DataFrame) -> list[str]:
    return [split for split in SPLITS if split in set(table["split"])]
