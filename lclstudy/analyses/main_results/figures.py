"""The figures of the main results: a forest per question, and learning curves."""

import pandas as pd
from matplotlib.figure import Figure

from lclstudy.plan import names
from lclstudy.results.comparisons import PRIMARY
from lclstudy.show import plots, style
from lclstudy.statistics.judge import NOT_RUN


def forests(differences: pd.DataFrame) -> Figure | None:
    """`tables.differences`, a panel per question and a row per corpus that ran; None if nothing did."""
    ran = differences[differences["word"] != NOT_RUN]
    several = ran.duplicated(["corpus", "a", "b"]).any()
    labels = [names.corpus(row.corpus) + (f", {names.encoder(row.encoder)}" if several else "") for row in ran.itertuples()]
    return plots.forests(ran.assign(label=labels), PRIMARY)


def curves(epochs: pd.DataFrame) -> Figure:
    """Validation accuracy and training cross-entropy beside each other, a row per corpus and encoder."""
    places = list(epochs.groupby(["corpus", "encoder"], sort=False))
    figure, axes = style.subplots(len(places), 2, style.DOUBLE, 2.3 * len(places))
    for number, (_, here) in enumerate(places):
        plots.learning_curves(here, axes[2 * number : 2 * number + 2])
    return figure
