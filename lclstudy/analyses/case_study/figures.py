"""The figures of the case study: accuracies and gains per class set, published beside ours. `ax` in, `ax` out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.show.style import NEUTRAL, SMALLEST, colour, marker, style
from lclstudy.statistics import tests


@style()
def accuracy_by_set(results: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Mean test accuracy of each objective on each class set, with 95 % intervals: published on the first of two axes, ours on
    the second. `results` is of `tables.results_by_set`. Raises StudyError if there are not two axes.
    """
    axes = np.atleast_1d(axes)
    if len(axes) != 2:
        raise StudyError(f"Accuracies by set need two axes, published and ours; given {len(axes)}.")
    sets = list(dict.fromkeys(results["classes"]))
    whose = (("Published", ["published_mean", "published_sd", "published_n"], "white"), ("Ours", ["mean", "sd", "n"], None))
    for ax, (title, columns, face) in zip(axes, whose, strict=True):
        _accuracies(results, sets, columns, face, ax)
        counts = results[columns[2]][results[columns[2]] > 0]
        n = "–".join(dict.fromkeys(map(str, (counts.min(), counts.max())))) if len(counts) else "0"
        ax.set_title(f"{title}, {_encoders(results, title)}\nmean of n = {n} runs, line: 95 % interval")
        ax.set_xlabel("test accuracy (%)")
    low, high = zip(*(ax.get_xlim() for ax in axes), strict=True)
    for ax in axes:
        ax.set_xlim(min(low), max(high))
    axes[1].set_yticklabels([])
    _key(axes[0], list(dict.fromkeys(results["objective"])))
    return axes


def _encoders(results: pd.DataFrame, title: str) -> str:
    column, ran = ("published_encoder", "published_mean") if title == "Published" else ("encoder", "mean")
    found = dict.fromkeys(results[column][results[ran].notna()])
    return ", ".join(map(names.encoder, found)) or "no runs"


def _accuracies(results: pd.DataFrame, sets: list[str], columns: list[str], face: str | None, ax: Axes) -> None:
    objectives = list(dict.fromkeys(results["objective"]))
    for row in results[["classes", "objective", *columns]].itertuples(index=False):
        place, (mean, sd, n) = sets.index(row[0]), row[2:]
        y = place + 0.24 * (objectives.index(row[1]) - (len(objectives) - 1) / 2)
        if n == 0 or np.isnan(mean):
            continue
        low, high = tests.mean_interval_from_summary(mean, sd, int(n)) if n > 1 else (mean, mean)
        ax.plot([low, high], [y, y], color=colour(row[1]), linewidth=0.8)
        ax.plot(mean, y, marker(row[1]), color=colour(row[1]), markerfacecolor=face or colour(row[1]), markersize=3.5)
    missing = results.groupby("classes")[columns[0]].apply(lambda means: means.isna().all())
    for place, name in enumerate(sets):
        if missing[name]:
            said = "not run" if columns[0] == "mean" else "not in the paper"
            ax.text(
                0.02, place, said, transform=ax.get_yaxis_transform(), va="center", size=SMALLEST, color=NEUTRAL, style="italic"
            )
    _rows(sets, ax)


@style()
def gains_by_set(ours: pd.DataFrame, printed: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Differences of LCL from CE and from SCL per class set, with 95 % intervals; an axes for each. Open marks: published.

    `ours` is of `tables.comparisons_by_set`, `printed` of `tables.published_by_set`.
    """
    axes = np.atleast_1d(axes)
    sets = list(dict.fromkeys(ours["classes"]))
    both = pd.concat([frame[frame["a"] == "lcl"] for frame in (ours, printed)])[["difference", "ci_low", "ci_high"]]
    reach = 1.08 * max(1.0, both.abs().max().max())
    for ax, b in zip(axes, ("ce", "scl"), strict=True):
        for frame, shift, face in ((printed, -0.16, "white"), (ours, 0.16, colour("lcl"))):
            _gains(frame[(frame["a"] == "lcl") & (frame["b"] == b) & frame["classes"].isin(sets)], sets, shift, face, ax)
        ax.axvline(0, color=NEUTRAL, linewidth=0.6)
        ax.set_xlim(-reach, reach)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=reach > 3))
        ax.set_title(f"LCL − {names.objective(b)}\nright of 0: LCL is better")
        ax.set_xlabel("difference of test accuracy (points)")
        _rows(sets, ax)
    axes[1].set_yticklabels([])
    _gains_key(axes[0], ours, printed)
    return axes


def _gains(frame: pd.DataFrame, sets: list[str], shift: float, face: str, ax: Axes) -> None:
    for row in frame.itertuples():
        if np.isnan(row.difference):
            ax.text(0.02, sets.index(row.classes) + shift, row.note, transform=ax.get_yaxis_transform(), va="center",
                    size=SMALLEST, color=NEUTRAL, style="italic")  # fmt: skip
            continue
        y = sets.index(row.classes) + shift
        ax.plot([row.ci_low, row.ci_high], [y, y], color=colour("lcl"), linewidth=0.8)
        ax.plot(row.difference, y, marker("lcl"), color=colour("lcl"), markerfacecolor=face, markersize=3.5)


def _rows(sets: list[str], ax: Axes) -> None:
    ax.set_yticks(range(len(sets)), sets)
    ax.set_ylim(len(sets) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    for edge in np.arange(0.5, len(sets) - 1):
        ax.axhline(edge, color="#EEEEEE", linewidth=0.6, zorder=0)
    ax.grid(axis="x")
    ax.set_axisbelow(True)


def _key(ax: Axes, objectives: Sequence[str]) -> None:
    handles = [Line2D([], [], color=colour(name), marker=marker(name), linewidth=0.8, label=names.objective(name))
               for name in objectives]  # fmt: skip
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _gains_key(ax: Axes, ours: pd.DataFrame, printed: pd.DataFrame) -> None:
    handles = []
    for frame, whose, face in ((printed, "published", "white"), (ours[ours["difference"].notna()], "ours", colour("lcl"))):
        if len(frame):
            who = ", ".join(map(names.encoder, dict.fromkeys(frame["encoder"])))
            n = "–".join(dict.fromkeys(str(count) for count in (frame["n_a"].min(), frame["n_a"].max())))
            handles.append(Line2D([], [], color=colour("lcl"), marker=marker("lcl"), markerfacecolor=face, linewidth=0.8,
                                  label=f"{whose} ({who}, n = {n}), line: 95 % interval"))  # fmt: skip
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=len(handles))
