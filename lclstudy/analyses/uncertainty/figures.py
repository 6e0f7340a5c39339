"""The figures of how sure the models are: entropy against k, reliability, calibration. `ax` in, `ax` out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lclstudy.plan import names
from lclstudy.plan.spec import OBJECTIVES
from lclstudy.show.style import NEUTRAL, SMALLEST, colour, label_lines, marker, style

OUTCOMES = {"right": "-", "wrong": (0, (3, 2))}


@style()
def entropy_curves(bands: pd.DataFrame, ax: Axes, title: str) -> Axes:
    """Mean entropy of the top-k scores against k for each objective of one place, with a band from lowest to highest run.

    `bands` are rows of `tables.bands` with one outcome. The dotted line is log2 k, the entropy of k equal scores.
    """
    ends = {}
    for objective, line in _objectives(bands):
        _band(ax, line, colour(objective), "-")
        ends[objective] = (line["k"].iloc[-1], line["mean"].iloc[-1])
    _ceiling(ax, bands)
    _axes(ax, bands, title)
    label_lines(ax, ends, {name: names.objective(name) for name in ends})
    return ax


@style()
def entropy_by_outcome(bands: pd.DataFrame, ax: Axes, title: str) -> Axes:
    """As `entropy_curves`, split into right (solid) and wrong (dashed) predictions; outcomes without texts have no line."""
    for outcome, line_style in OUTCOMES.items():
        for objective, line in _objectives(bands[bands["outcome"] == outcome].dropna(subset="mean")):
            _band(ax, line, colour(objective), line_style)
    _ceiling(ax, bands)
    _axes(ax, bands, title)
    return ax


@style()
def outcome_key(ax: Axes, objectives: Sequence[str]) -> None:
    """The key of `entropy_by_outcome` below all panels of the figure of `ax`."""
    handles = [Line2D([], [], color=colour(name), label=names.objective(name)) for name in objectives]
    handles += [
        Line2D([], [], color=NEUTRAL, linestyle=look, label=f"{outcome} predictions") for outcome, look in OUTCOMES.items()
    ]
    _legend(ax, handles)


def _objectives(bands: pd.DataFrame):
    for objective in OBJECTIVES:
        line = bands[(bands["objective"] == objective) & (bands["k"] >= 2)].sort_values("k")
        if len(line):
            yield objective, line


def _band(ax: Axes, line: pd.DataFrame, shade: str, line_style) -> None:
    few = len(line) < 4
    ax.plot(line["k"], line["mean"], color=shade, linestyle=line_style, marker="o" if few else None, markersize=2.5)
    ax.fill_between(line["k"], line["low"], line["high"], color=shade, alpha=0.15, linewidth=0)


def _ceiling(ax: Axes, bands: pd.DataFrame) -> None:
    k = np.arange(2, bands["k"].max() + 1)
    top = max(ax.get_ylim()[1], 0.1)
    ax.plot(k, np.log2(k), color=NEUTRAL, linewidth=0.7, linestyle=":", zorder=1)
    ax.set_ylim(0, top * 1.04)
    if top > 1:  # else the ceiling is above what is shown
        end = (min(2 ** (top * 1.04), k[-1]), min(top * 1.04, np.log2(k[-1])))  # where it leaves the panel
        ax.annotate("log₂ k", end, (-14, -1), textcoords="offset points", ha="right", va="top", size=SMALLEST, color=NEUTRAL)


def _axes(ax: Axes, bands: pd.DataFrame, title: str) -> None:
    n = bands["n"][bands["n"] > 0]
    counts = "–".join(dict.fromkeys(map(str, (n.min(), n.max()))))
    band = ", band: lowest to highest" if n.max() > 1 else ""
    ax.set_title(f"{title}\nn = {counts} run{'s' if n.max() > 1 else ''}{band}")
    ax.set(xlabel="k", ylabel="entropy of the top-k scores (bits)", xlim=(1.8, bands["k"].max() + 0.2))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


@style()
def reliability_diagram(bins: pd.DataFrame, ax: Axes, title: str) -> Axes:
    """Accuracy against confidence in bins for each objective of one place; below the diagonal the model is too sure.

    `bins` are rows of `tables.reliability`. Marks grow with the share of the texts in a bin; bins of fewer than 10 texts
    are left out, because their accuracy is mostly chance.
    """
    ax.plot([0, 100], [0, 100], color=NEUTRAL, linewidth=0.6, linestyle=":")
    for objective in (name for name in OBJECTIVES if name in set(bins["objective"])):
        filled = bins[(bins["objective"] == objective) & (bins["count"] >= 10)]
        share = filled["count"] / bins.loc[bins["objective"] == objective, "count"].sum()
        ax.plot(100 * filled["confidence"], 100 * filled["accuracy"], color=colour(objective), linewidth=0.8)
        ax.scatter(100 * filled["confidence"], 100 * filled["accuracy"], s=4 + 60 * share, color=colour(objective),
                   marker=marker(objective), linewidths=0)  # fmt: skip
    texts = bins.groupby("objective")["count"].sum()
    ax.set_title(f"{title}\nup to {texts.max():,} predictions each")
    ax.set(xlabel="confidence (%)", ylabel="accuracy (%)", xlim=(0, 101), ylim=(0, 101))
    ax.text(96, 6, "too sure", ha="right", size=SMALLEST, color=NEUTRAL, style="italic")
    ax.text(4, 92, "not sure enough", size=SMALLEST, color=NEUTRAL, style="italic")
    return ax


@style()
def objective_key(ax: Axes, objectives: Sequence[str]) -> None:
    """A key of the objectives below all panels of the figure of `ax`."""
    _legend(ax, [Line2D([], [], color=colour(name), marker=marker(name), linewidth=0.8, label=names.objective(name))
                 for name in objectives])  # fmt: skip


def _legend(ax: Axes, handles: list[Line2D]) -> None:
    figure = ax.get_figure(root=True)
    columns = len(handles) if figure.get_figwidth() > 5 else 3
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


@style()
def calibration_dots(calibration: pd.DataFrame, axes: Sequence[Axes], places: dict[tuple, str]) -> Sequence[Axes]:
    """Calibration error, and negative log likelihood, of single runs (small) and their mean (large), per place and objective.

    `calibration` is of `tables.calibration`; `places` gives the name of each (corpus, classes, encoder) in order. Open
    marks: after dividing the logits by the temperature that fits the validation texts best.
    """
    measures = (("ece", "ece_scaled", "calibration error (points)", 100),
                ("nll", "nll_scaled", "negative log likelihood (nats)", 1))  # fmt: skip
    rows = [(key, name) for key in places for name in OBJECTIVES if name in set(_at(calibration, key)["objective"])]
    for ax, (plain, scaled, said, scale) in zip(np.atleast_1d(axes), measures, strict=True):
        for y, (key, name) in enumerate(rows):
            runs = _at(calibration, key)
            runs = runs[runs["objective"] == name]
            look = {"color": colour(name), "marker": marker(name), "linestyle": "none"}
            ax.plot(runs[plain] * scale, [y - 0.12] * len(runs), ".", color=colour(name), markersize=2.5, alpha=0.7)
            ax.plot(runs[plain].mean() * scale, y - 0.12, **look)
            ax.plot(runs[scaled].mean() * scale, y + 0.2, **look, markerfacecolor="white")
        ax.set_yticks(range(len(rows)), [f"{places[key]}: {names.objective(name)}" for key, name in rows])
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(left=0)
        ax.set_xlabel(said)
        ax.grid(axis="x")
        ax.set_axisbelow(True)
    axes[1].set_yticklabels([])
    n = calibration.groupby(["corpus", "classes", "encoder", "objective"])["seed"].nunique()
    axes[0].set_title(f"mean of n = {'–'.join(dict.fromkeys(map(str, (n.min(), n.max()))))} runs, small dots: single runs")
    _legend(axes[0], [Line2D([], [], color=NEUTRAL, marker="o", linestyle="none", label="as trained"),
                      Line2D([], [], color=NEUTRAL, marker="o", linestyle="none", markerfacecolor="white",
                             label="after temperature scaling on validation texts")])  # fmt: skip
    return axes


def _at(frame: pd.DataFrame, key: tuple) -> pd.DataFrame:
    return frame[(frame["corpus"] == key[0]) & (frame["classes"] == key[1]) & (frame["encoder"] == key[2])]
