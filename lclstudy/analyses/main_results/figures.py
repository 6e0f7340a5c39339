"""The figures of the main results: a forest per question, learning curves, and what is confused."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lclstudy.plan import names
from lclstudy.results.comparisons import PRIMARY
from lclstudy.show import forest, plots, style
from lclstudy.statistics.judge import NOT_RUN


def forests(differences: pd.DataFrame) -> Figure | None:
    """`tables.differences`, a panel per question and a row per corpus that ran; None if nothing did."""
    ran = differences[differences["word"] != NOT_RUN]
    several = ran.duplicated(["corpus", "a", "b"]).any()
    labels = [names.corpus(row.corpus) + (f", {names.encoder(row.encoder)}" if several else "") for row in ran.itertuples()]
    return forest.forests(ran.assign(label=labels), PRIMARY)


def curves(epochs: pd.DataFrame) -> Figure:
    """Validation accuracy and training cross-entropy beside each other, a row per corpus and encoder."""
    places = list(epochs.groupby(["corpus", "encoder"], sort=False))
    figure, axes = style.subplots(len(places), 2, style.DOUBLE, 2.3 * len(places))
    for number, (_, here) in enumerate(places):
        plots.learning_curves(here, axes[2 * number : 2 * number + 2])
    return figure


def confusions(found: list[tuple[str, np.ndarray, Sequence[str]]]) -> list[Figure]:
    """Heat maps of (title, counts [C,C], C class names): those of few classes side by side, larger ones by themselves."""
    few = [one for one in found if plots.heatmap_width(len(one[2])) < 0.55 * style.DOUBLE]
    groups = [group for group in (few, *([one] for one in found if one not in few)) if group]
    return [_heatmaps(group) for group in groups]


def _heatmaps(group: list[tuple[str, np.ndarray, Sequence[str]]]) -> Figure:
    width = plots.heatmap_width(len(group[0][2])) if len(group) == 1 else style.DOUBLE
    figure, axes = style.panels(len(group), width, 0.88 * width if len(group) == 1 else 3.3, columns=2)
    for ax, (title, counts, classes) in zip(axes, group, strict=True):
        plots.confusion_heatmap(counts, classes, ax, title)
    return figure
