"""Figures of corpora, on the tracked summary of the real corpora."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from lclstudy import paths
from lclstudy.analyses.corpora import figures
from lclstudy.errors import StudyError
from lclstudy.results import corpus_facts, published
from lclstudy.show import plots
from tests.material import check_readable


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
    assert figures.label_balance(rows, axes[0]) is axes[0]
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
        assert figures.length_distribution(of_corpus("lengths", corpus), ax) is ax
        for patch in ax.patches:
            assert np.sum(patch.get_data().values) == pytest.approx(100)
    assert [patch.get_label() for patch in axes[5].patches] == ["test (n = 7,600)"]
    check_readable(figure)
    assert "≥ 100" in [text.get_text() for text in axes[2].get_xticklabels()]


def test_split_sizes_name_the_differences():
    figure, axes = plots.subplots(width=plots.DOUBLE, height=2.6)
    assert figures.split_sizes(summary("splits"), axes[0]) is axes[0]
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
    figures.split_sizes(splits, axes[0])
    assert "raw file absent: test" in [text.get_text() for text in axes[0].texts]


def test_one_corpus_at_a_time():
    _, axes = plots.subplots()
    for draw, table in ((figures.label_balance, "labels"), (figures.length_distribution, "lengths")):
        with pytest.raises(StudyError, match="shows one corpus; given empathetic_dialogues, goemotions"):
            draw(summary(table), axes[0])
        with pytest.raises(StudyError, match="no rows"):
            draw(summary(table)[:0], axes[0])


def test_split_sizes_need_published_ones():
    _, axes = plots.subplots()
    splits = summary("splits")
    with pytest.raises(StudyError, match="No published split sizes"):
        figures.split_sizes(splits[splits["corpus"] == "ag_news"], axes[0])


def test_many_label_balances_share_one_key():
    labels = summary("labels")
    figure = figures.label_balances(labels[labels["corpus"].isin(["empathetic_dialogues", "goemotions", "isear", "sst2"])])
    assert [ax.get_title(loc="left").splitlines()[0] for ax in figure.axes] == [
        "EmpatheticDialogues", "GoEmotions", "ISEAR", "SST-2",
    ]  # fmt: skip
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train", "validation", "test"]
    assert not any(ax.get_legend() for ax in figure.axes)
    check_readable(figure)
    row = figures.label_balances(labels[labels["corpus"].isin(["ag_news", "parsinlu", "embedded"])], height=2.7)
    assert "n = – / 1,690 / 816" in row.axes[1].get_title(loc="left")
    check_readable(row)


def test_many_lengths_share_one_key():
    figure = figures.length_distributions(summary("lengths"))
    assert len(figure.axes) == summary("lengths")["corpus"].nunique()
    assert all(ax.get_ylim()[1] < 60 for ax in figure.axes)
    check_readable(figure)


def test_majority_accuracy_names_the_number_of_classes():
    figure, axes = plots.subplots(width=plots.DOUBLE, height=2.2)
    figures.majority_accuracy(corpus_facts.majority(summary("splits")), axes[0])
    assert "GoEmotions (27)" in [text.get_text() for text in axes[0].get_yticklabels()]
    assert "11.7 %" in [text.get_text() for text in axes[0].texts]
    check_readable(figure)


def test_split_overlap_shows_same_and_other_labels():
    overlaps = corpus_facts.overlaps(summary("duplicates"), summary("splits"))
    figure, axes = plots.panels(3, height=2.3)
    figures.split_overlap(overlaps, axes)
    emoint = overlaps.query("corpus == 'emoint' and split == 'test' and against == 'train'").iloc[0]
    place = [text.get_text() for text in axes[0].get_yticklabels()].index("EmoInt")
    other, same = (bars[place] for bars in axes[2].containers)
    assert other.get_width() == pytest.approx(emoint["share_other_label"])
    assert other.get_width() + same.get_width() == pytest.approx(emoint["share"])
    check_readable(figure)
    with pytest.raises(StudyError, match="three panels; given 2"):
        figures.split_overlap(overlaps, axes[:2])


def test_wordnet_coverage_says_which_split_it_measured():
    figure, axes = plots.subplots(width=plots.DOUBLE, height=2.6)
    figures.wordnet_coverage(corpus_facts.coverage(summary("splits"), published.text_numbers()), axes[0])
    assert {"EmoInt", "AG News (test)"} <= {text.get_text() for text in axes[0].get_yticklabels()}
    assert [line.get_label() for line in axes[0].lines] == ["words", "words and signs", "published"]
    check_readable(figure)


CHANGES = pd.DataFrame({"words": [10] * 5, "replaceable": [5, 5, 1, 0, 4], "wanted": [3] * 5, "replaced": [3, 3, 1, 0, 3]})


def test_replaced_shares_tell_who_missed_the_rate():
    figure, axes = plots.subplots(height=2.9)
    figures.replaced_shares(CHANGES, 0.3, axes[0])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["target reached (3)", "too few words with synonyms (2)"]
    assert sum(patch.get_height() for patch in axes[0].patches) == 5
    check_readable(figure)


def test_rate_effect():
    by_rate = pd.DataFrame({"rate": [0.1, 0.3], "mean": [12, 31], "low": [10, 25], "high": [15, 36], "missed": [0, 4]})
    figure, axes = plots.subplots(height=2.9)
    figures.rate_effect(by_rate, axes[0])
    assert list(axes[0].lines[0].get_ydata()) == [10, 30]
    assert list(axes[0].lines[1].get_ydata()) == [12, 31]
    check_readable(figure)


def test_replaced_words_most_frequent_first():
    pairs = pd.DataFrame({"word": ["dark", "home", "home", "lied"], "first": [True, True, False, False]})
    figure, axes = plots.subplots(height=2.9)
    figures.replaced_words(pairs, axes[0], count=2)
    assert [text.get_text() for text in axes[0].get_yticklabels()] == ["home", "dark"]
    first, other = ([bar.get_width() for bar in bars] for bars in axes[0].containers)
    assert (first, other) == ([1, 1], [1, 0])
    check_readable(figure)


@pytest.mark.parametrize("name", ["majority_accuracy", "wordnet_coverage", "rate_effect", "replaced_words", "label_balances"])
def test_figures_without_rows_say_so(name):
    _, axes = plots.subplots()
    with pytest.raises(StudyError, match="No rows to draw; give"):
        getattr(figures, name)(pd.DataFrame(), axes[0])
