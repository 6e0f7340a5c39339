"""The figures of the main results: a forest per question, learning curves, and what is confused."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lclstudy.plan import names
from lclstudy.results.comparisons import PRIMARY
from lclstudy.results.main_table import NOT_RUN
from lclstudy.show import marks, plots, style, text
from lclstudy.show.forest import forest, forest_key

from .tables import claim_said

WIDE = 5.2  # inches


def forests(differences: pd.DataFrame) -> Figure | None:
    """`tables.differences`, a panel per question and a row per corpus that ran; None if nothing did."""
    ran = differences[differences["word"] != NOT_RUN]
    panels = [(a, b, ran[(ran["a"] == a) & (ran["b"] == b)]) for a, b in PRIMARY]
    panels = [(a, b, rows) for a, b, rows in panels if len(rows)]
    if not panels:
        return None
    figure, axes = style.subplots(len(panels), 1, WIDE, 0.7 + sum(0.65 + 0.3 * len(rows) for *_, rows in panels))
    for ax, (a, b, rows) in zip(axes, panels, strict=True):
        forest(_forest_rows(rows), ax, f"{text.pair(a, b)}; the claim: {claim_said(rows.iloc[0])}")
        if ax is not axes[-1]:
            ax.set_xlabel("")
    marks.symmetric(axes, ran[["difference", "ci_low", "ci_high", "expected", "published_low", "published_high"]])
    published = names.encoder("electra-base") if ran["expected"].notna().any() else ""
    forest_key(axes[0], published, ", ".join(map(names.encoder, ran["encoder"].unique())))
    return figure


def _forest_rows(rows: pd.DataFrame) -> pd.DataFrame:
    several = rows["corpus"].duplicated().any()
    labels = [names.corpus(row.corpus) + (f", {names.encoder(row.encoder)}" if several else "") for row in rows.itertuples()]
    counts = [f"n = {row.n_a}" if row.n_a == row.n_b else f"n = {row.n_a}, {row.n_b}" for row in rows.itertuples()]
    theirs = {"published_difference": rows["expected"], "published_ci_low": rows["published_low"],
              "published_ci_high": rows["published_high"]}  # fmt: skip
    said = [f"{count}: {word}" for count, word in zip(counts, rows["word"], strict=True)]
    printed = ["" if pd.isna(n) else f"n = {n:.0f}, published" for n in rows["published_n"]]
    return rows.assign(label=labels, n=said, published_n=printed, **theirs)


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
