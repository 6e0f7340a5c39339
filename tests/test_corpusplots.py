"""Figures of corpora, on the tracked summary of the real corpora."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from material import check_readable

from lclstudy import paths, plots
from lclstudy.errors import StudyError


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def summary(name):
    return pd.read_csv(paths.ROOT / "data" / "summary" / f"{name}.csv")


def of_corpus(name, corpus):
    table = summary(name)
    return table[table["corpus"] == corpus]


@pytest.mark.parametrize(
    ("corpus", "height"), [("emoint", 2.2), ("isear", 2.5), ("empathetic_dialogues", 5.5), ("parsinlu", 2.6)]
)
def test_label_balance_shows_every_label_most_frequent_first(corpus, height):
    rows = of_corpus("labels", corpus)
    figure, axes = plots.subplots(height=height)
    assert plots.label_balance(rows, axes[0]) is axes[0]
    shown = [text.get_text() for text in axes[0].get_yticklabels()]
    first = rows[rows["split"] == rows["split"].iloc[0]].sort_values("rows", ascending=False, kind="stable")
    assert set(shown) == set(rows["label"].astype(str)) and shown[0] == str(first["label"].iloc[0])
    dots = next(line for line in axes[0].lines if line.get_label().startswith("test"))
    assert sum(dots.get_xdata()) == pytest.approx(100)
    assert f"n = {rows.loc[rows['split'] == 'test', 'rows'].sum():,}" in dots.get_label()
    check_readable(figure)


def test_length_distribution_shows_shares_of_all_texts():
    corpora = ["empathetic_dialogues", "goemotions", "isear", "emoint", "sst5", "ag_news"]
    figure, axes = plots.panels(6)
    for ax, corpus in zip(axes, corpora, strict=True):
        assert plots.length_distribution(of_corpus("lengths", corpus), ax) is ax
        for patch in ax.patches:
            assert np.sum(patch.get_data().values) == pytest.approx(100)
    assert [patch.get_label() for patch in axes[5].patches] == ["test (n = 7,600)"]
    check_readable(figure)
    assert "≥ 100" in [text.get_text() for text in axes[2].get_xticklabels()]


def test_split_sizes_name_the_differences():
    figure, axes = plots.subplots(width=plots.DOUBLE, height=2.6)
    assert plots.split_sizes(summary("splits"), axes[0]) is axes[0]
    said = [text.get_text() for text in axes[0].texts]
    assert said[:4] == [
        "train −1,731, validation −9, test −6",
        "as published",
        "as published",
        "train +1, validation +1, test +1",
    ]
    check_readable(figure)


def test_split_sizes_say_which_raw_file_is_absent():
    splits = summary("splits")
    splits.loc[(splits["corpus"] == "isear") & (splits["split"] == "test"), "rows"] = np.nan
    _, axes = plots.subplots(width=plots.DOUBLE)
    plots.split_sizes(splits, axes[0])
    assert "raw file absent: test" in [text.get_text() for text in axes[0].texts]


def test_one_corpus_at_a_time():
    _, axes = plots.subplots()
    for draw, table in ((plots.label_balance, "labels"), (plots.length_distribution, "lengths")):
        with pytest.raises(StudyError, match="shows one corpus; given empathetic_dialogues, goemotions"):
            draw(summary(table), axes[0])
        with pytest.raises(StudyError, match="no rows"):
            draw(summary(table)[:0], axes[0])


def test_split_sizes_need_published_ones():
    _, axes = plots.subplots()
    splits = summary("splits")
    with pytest.raises(StudyError, match="No published split sizes"):
        plots.split_sizes(splits[splits["corpus"] == "ag_news"], axes[0])
