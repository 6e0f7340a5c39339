"""The figures of results. Each function draws tidy numbers on the `ax` (or `axes`) it is given, and returns it.

Make the axes with `subplots` or `panels`, save with `save`, all from `style`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.plan.spec import OBJECTIVES
from lclstudy.statistics import tests

from .style import DOUBLE, NEUTRAL, SINGLE, SMALLEST, colour, label_lines, marker, panels, save, style, subplots

__all__ = ["DOUBLE", "SINGLE", "class_order", "class_tree", "confusion_heatmap", "difference_dots", "heatmap_width"]
__all__ += ["learning_curves", "likeness", "panels", "results_dots", "save"]
__all__ += ["style", "subplots"]

LOSSES = {
    "loss": "training loss, all terms (nats)",
    "loss_ce": "training cross-entropy (nats)",
    "loss_weighting": "cross-entropy of the weighting network (nats)",
    "loss_contrastive": "contrastive loss (nats)",
}
_ANNOTATED = 12  # up to so many classes the counts are written into the heat map


@style()
def learning_curves(epochs: pd.DataFrame, axes: Axes | Sequence[Axes], loss: str = "loss_ce") -> Axes | Sequence[Axes]:
    """Validation accuracy by epoch on the first of `axes`, a training loss on the second (if there is one).

    `epochs` holds rows of `RunStore.epochs_frame()`. Lines are means over the runs of an objective, bands go from the lowest
    to the highest run. Raises StudyError if there are no rows or no such loss, or runs of several corpora, class subsets,
    encoders or settings.
    """
    if epochs.empty:
        raise StudyError("No epochs to draw; train at least one run first.")
    place = [_one(epochs, name) for name in ("corpus", "classes", "encoder")]
    if epochs.duplicated(["objective", "seed", "epoch"]).any():
        raise StudyError("Two runs of one objective and seed; select those of one setting.")
    panels = [("validation_accuracy", "validation accuracy (%)", 100), (loss, LOSSES.get(loss, loss), 1)]
    for ax, (column, label, scale) in zip(np.atleast_1d(axes), panels, strict=False):
        if column not in epochs or epochs[column].isna().all():
            raise StudyError(f"The epochs have no {column!r}; they have {', '.join(epochs)}.")
        _curves(epochs, ax, column, scale)
        ax.set(xlabel="epoch", ylabel=label)
        ax.set_title(f"{_where(*place)}: {label.partition(' (')[0]}\n{_lines_said(epochs)}")
    return axes


def _curves(epochs: pd.DataFrame, ax: Axes, column: str, scale: float) -> None:
    ends = {}
    for objective in _in_order(epochs["objective"]):
        runs = epochs[epochs["objective"] == objective].pivot_table(index="epoch", columns="seed", values=column) * scale
        if runs.empty:
            continue  # a loss that this objective does not have
        mean = runs.mean(axis=1)
        ax.plot(mean.index, mean, color=colour(objective), marker=marker(objective), label=names.objective(objective))
        if runs.shape[1] > 1:
            ax.fill_between(runs.index, runs.min(axis=1), runs.max(axis=1), color=colour(objective), alpha=0.15, linewidth=0)
        ends[objective] = (mean.index[-1], mean.iloc[-1])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    counts = _run_counts(epochs)
    told = {name: f" ({counts[name]})" if counts.nunique() > 1 else "" for name in ends}
    label_lines(ax, ends, {name: names.objective(name) + told[name] for name in ends})


def _run_counts(epochs: pd.DataFrame) -> pd.Series:
    return epochs.groupby("objective")["seed"].nunique()


def _lines_said(epochs: pd.DataFrame) -> str:
    counts = _run_counts(epochs)
    if counts.max() == 1:
        return "one run" if len(counts) == 1 else "one run each"
    runs = f"{counts.iloc[0]} runs" if counts.nunique() == 1 else "(n) runs"
    return f"line: mean of {runs}, band: lowest to highest"


def likeness(confusion: np.ndarray) -> np.ndarray:
    """How often two classes are taken for each other, [C,C] symmetric, 0 to 1, the diagonal 0.

    The mean of the two row shares: of a's texts taken for b, and of b's taken for a. A class without examples is like none.
    """
    shares = np.nan_to_num(_shares(confusion))
    alike = (shares + shares.T) / 2
    np.fill_diagonal(alike, 0)
    return alike


def class_tree(confusion: np.ndarray) -> np.ndarray:
    """The classes as a tree, a linkage matrix [C - 1, 4] of scipy: average linkage of the distance 1 - likeness / the largest.

    Leaves are ordered so that neighbours are alike (Bar-Joseph et al. 2001).
    """
    alike = likeness(confusion)
    distance = 1 - alike / max(alike.max(), np.finfo(float).tiny)
    np.fill_diagonal(distance, 0)
    return hierarchy.linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)


def class_order(confusion: np.ndarray) -> np.ndarray:
    """An order of the classes [C] that puts those next to each other that are often taken for one another: of `class_tree`."""
    if len(confusion) < 3:
        return np.arange(len(confusion))
    return hierarchy.leaves_list(class_tree(confusion))


@style()
def confusion_heatmap(confusion: np.ndarray, classes: Sequence[str], ax: Axes, what: str = "Confusion") -> Axes:
    """Row shares in percent of a confusion matrix [C, C] of counts (row = true class), classes in the order of `class_order`.

    Counts are written into the cells of up to 12 classes. `what` begins the title: `EmoInt, LCL`. A true class without
    examples has a grey row. Raises StudyError if the matrix does not fit the classes.
    """
    confusion, classes = np.asarray(confusion), list(classes)
    if confusion.shape != (len(classes), len(classes)) or not classes:
        raise StudyError(f"A confusion matrix of {len(classes)} classes must be square; given shape {confusion.shape}.")
    ax.get_figure(root=True).set_layout_engine("compressed")  # else a square matrix with long labels runs over the edge
    order = class_order(confusion)
    counts, shares = confusion[np.ix_(order, order)], _shares(confusion)[np.ix_(order, order)] * 100
    # A square-root scale, because the confusions that the figure is about are far rarer than the right answers.
    image = ax.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 100), aspect="equal")
    ax.set_facecolor("#DDDDDD")
    shown = [classes[index] for index in order]
    ax.set_xticks(range(len(shown)), shown, rotation=90 if len(shown) > 4 else 0)
    ax.set_yticks(range(len(shown)), shown)
    ax.tick_params(length=0)
    annotated = len(classes) <= _ANNOTATED
    if annotated:
        _write_counts(counts, shares, ax)
    ax.set(xlabel="predicted class", ylabel="true class")
    # The axes say what is drawn; a longer title would not fit the column.
    ax.set_title(f"{what}\nN = {int(confusion.sum()):,} predictions{'; numbers are counts' if annotated else ''}")
    bar = ax.figure.colorbar(image, ax=ax, ticks=[0, 1, 5, 10, 25, 50, 100], shrink=0.8, pad=0.02, aspect=30)
    bar.set_label("share of the true class (%)")
    bar.outline.set_linewidth(0.6)
    return ax


def heatmap_width(classes: int) -> float:
    """Inches that the confusion heat map of so many classes needs for its counts and labels; its height is 0.88 of that."""
    return max(SINGLE, min(DOUBLE, 1.6 + 0.28 * classes))


def _write_counts(counts: np.ndarray, shares: np.ndarray, ax: Axes) -> None:
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if shares[row, column] > 35 else "black" if count else NEUTRAL
        ax.text(column, row, f"{count:g}", ha="center", va="center", fontsize=SMALLEST, color=ink)


def _shares(confusion: np.ndarray) -> np.ndarray:
    """Rows to sum 1; NaN where a row has no examples."""
    confusion = np.asarray(confusion, dtype=float)
    with np.errstate(invalid="ignore"):
        return confusion / confusion.sum(axis=1, keepdims=True)


@style()
def results_dots(results: pd.DataFrame, axes: Axes | Sequence[Axes], measure: str = "test accuracy") -> Axes | Sequence[Axes]:
    """Published and reproduced means with 95 % intervals, and single runs, of `tables.main_results`; an axes per corpus.

    `measure` names the numbers. All panels span the same number of points, so that a difference looks the same everywhere.
    Raises StudyError if there are not as many axes as corpora.
    """
    corpora = list(dict.fromkeys(results["corpus"]))
    panels = np.atleast_1d(axes)
    if len(panels) != len(corpora) or not corpora:
        raise StudyError(f"Results of {len(corpora)} corpora need as many axes; given {len(panels)}.")
    rows = {corpus: _with_intervals(results[results["corpus"] == corpus]) for corpus in corpora}
    span = max(_reach(frame)[1] - _reach(frame)[0] for frame in rows.values()) * 1.15
    for ax, (corpus, frame) in zip(panels, rows.items(), strict=True):
        _dots(frame, ax)
        middle = sum(_reach(frame)) / 2
        ax.set_xlim(middle - span / 2, middle + span / 2)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=span > 3))
        ax.set_title(f"{names.corpus(corpus)}\n{_counts_said(frame)}")
        ax.set_xlabel(f"{measure} (%)")
    _key(panels[0].get_figure(root=True), results)
    return axes


def _dots(frame: pd.DataFrame, ax: Axes) -> None:
    for place, row in enumerate(frame.itertuples()):
        look = {"color": colour(row.objective), "marker": marker(row.objective)}
        _point(ax, place - 0.2, row.published_mean, row.published_low, row.published_high, **look, markerfacecolor="white")
        _point(ax, place + 0.14, row.mean, row.low, row.high, **look)
        if len(row.scores) > 1:
            ax.plot(row.scores, [place + 0.36] * len(row.scores), ".", color=colour(row.objective), markersize=2.5, alpha=0.7)
        if row.status != "done":
            ax.text(0.02, place + 0.22, row.status, transform=ax.get_yaxis_transform(), va="center", size=SMALLEST,
                    color=NEUTRAL, style="italic")  # fmt: skip
    ax.set_yticks(range(len(frame)), _row_labels(frame))
    for text, objective in zip(ax.get_yticklabels(), frame["objective"], strict=True):
        text.set_color(colour(objective))
    ax.set_ylim(len(frame) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.set_axisbelow(True)


def _row_labels(frame: pd.DataFrame) -> list[str]:
    """Names of the objectives; the encoder is named where it is not the one of most rows."""
    usual = frame["encoder"].mode()[0]
    told = [f", {names.encoder(encoder)}" if encoder != usual else "" for encoder in frame["encoder"]]
    return [names.objective(objective) + encoder for objective, encoder in zip(frame["objective"], told, strict=True)]


def _point(ax: Axes, y: float, mean: float, low: float, high: float, color: str, **look) -> None:
    ax.plot([low, high], [y, y], color=color, linewidth=0.8)
    ax.plot(mean, y, color=color, linestyle="none", **look)


def _with_intervals(frame: pd.DataFrame) -> pd.DataFrame:
    def interval(mean: float, sd: float, n: int) -> tuple[float, float]:
        return tests.mean_interval_from_summary(mean, sd, n) if n > 1 and not np.isnan(sd) else (np.nan, np.nan)

    ours = [interval(*row) for row in frame[["mean", "sd", "n"]].itertuples(index=False)]
    theirs = [interval(*row) for row in frame[["published_mean", "published_sd", "published_n"]].itertuples(index=False)]
    low, high = np.transpose(ours)
    published_low, published_high = np.transpose(theirs)
    return frame.assign(low=low, high=high, published_low=published_low, published_high=published_high)


def _reach(frame: pd.DataFrame) -> tuple[float, float]:
    shown = frame[["mean", "low", "high", "published_mean", "published_low", "published_high"]].to_numpy(float)
    shown = np.append(shown[~np.isnan(shown)], [score for scores in frame["scores"] for score in scores])
    return (shown.min(), shown.max()) if len(shown) else (0.0, 100.0)


def _counts_said(frame: pd.DataFrame) -> str:
    published, ours = frame["published_n"][frame["published_n"] > 0], frame["n"][frame["n"] > 0]
    if frame["published_mean"].isna().all():
        return f"n = {_span_said(ours) or 0}, none published"
    return f"n = {_span_said(published) or '?'} published, {_span_said(ours) or 0} ours"


def _span_said(counts: pd.Series) -> str:
    return "–".join(dict.fromkeys([str(counts.min()), str(counts.max())])) if len(counts) else ""


def _key(figure: Figure, results: pd.DataFrame) -> None:
    """What the marks mean, once below all panels."""
    published, ran = results[results["published_mean"].notna()], results[results["n"] > 0]
    one_run = Line2D([], [], color=NEUTRAL, linestyle="none", marker=".", markersize=3, label="one run of ours")
    _marks(figure, published["published_encoder"], ran["encoder"], "mean", [one_run])


def _marks(figure: Figure, published: pd.Series, ours: pd.Series, mark: str, more: Sequence[Line2D] = ()) -> None:
    handles = [
        Line2D([], [], color=NEUTRAL, linewidth=0.8, marker="o", markerfacecolor=face, label=_mark_said(text, encoders))
        for text, face, encoders in (("published", "white", published), ("ours", NEUTRAL, ours))
        if len(encoders)
    ]
    handles += more
    columns = 1 if figure.get_figwidth() < 5 else len(handles)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, title_fontsize=SMALLEST,
                  title=f"large mark: {mark}, line: its 95 % interval")  # fmt: skip


def _mark_said(text: str, encoders: pd.Series) -> str:
    return f"{text} ({', '.join(names.encoder(name) for name in dict.fromkeys(encoders))})"


@style()
def difference_dots(
    ours: pd.DataFrame, printed: pd.DataFrame, axes: Axes | Sequence[Axes], measure: str = "test accuracy"
) -> Axes | Sequence[Axes]:
    """Differences between objectives with 95 % intervals: ours (`tables.comparisons`) and the published ones
    (`tables.published_comparisons`); an axes per corpus of `ours`, all with the same span. Pairs that ours lack are left out.

    Raises StudyError if there are not as many axes as corpora.
    """
    corpora = list(dict.fromkeys(ours["corpus"]))
    panels = np.atleast_1d(axes)
    if len(panels) != len(corpora) or not corpora:
        raise StudyError(f"Differences on {len(corpora)} corpora need as many axes; given {len(panels)}.")
    both = {corpus: [frame[frame["corpus"] == corpus] for frame in (ours, printed)] for corpus in corpora}
    shown = pd.concat([frame for frames in both.values() for frame in frames])[["difference", "ci_low", "ci_high"]]
    reach = 1.1 * max(1.0, shown.abs().max().max())
    for ax, (corpus, frames) in zip(panels, both.items(), strict=True):
        _differences(*frames, ax)
        ax.set_xlim(-reach, reach)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=reach > 3))
        ax.set_title(f"{names.corpus(corpus)}\nright of 0: the first is better")
        ax.set_xlabel(f"difference of {measure} (points)")
    theirs = pd.concat([frames[1] for frames in both.values()])
    _marks(panels[0].get_figure(root=True), theirs["encoder"], ours["encoder"], "difference of means")
    return axes


def _differences(ours: pd.DataFrame, printed: pd.DataFrame, ax: Axes) -> None:
    places = [*dict.fromkeys(zip(ours["a"], ours["b"], strict=True))]
    ax.axvline(0, color=NEUTRAL, linewidth=0.6)
    for frame, shift, face in ((printed, -0.17, {"markerfacecolor": "white"}), (ours, 0.17, {})):
        for row in frame.itertuples():
            if (row.a, row.b) in places:
                y = places.index((row.a, row.b)) + shift
                look = {"color": colour(row.a), "marker": marker(row.a), **face}
                _point(ax, y, row.difference, row.ci_low, row.ci_high, **look)
    ax.set_yticks(range(len(places)), [f"{names.objective(a)} − {names.objective(b)}" for a, b in places])
    ax.set_ylim(len(places) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.set_axisbelow(True)


def _in_order(objectives: pd.Series) -> list[str]:
    return [objective for objective in OBJECTIVES if objective in set(objectives)]


def _one(frame: pd.DataFrame, column: str) -> str:
    found = frame[column].fillna("").unique()
    if len(found) > 1:
        raise StudyError(f"Runs with several values of {column} ({', '.join(map(str, found))}); select those of one.")
    return found[0]


def _where(corpus: str, classes: str, encoder: str) -> str:
    subset = f", {len(classes.split('|'))} classes" if classes else ""
    return f"{names.corpus(corpus)}{subset}, {names.encoder(encoder)}"
