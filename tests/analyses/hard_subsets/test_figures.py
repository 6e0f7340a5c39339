"""Figures of hard subsets: they show what they are given, and all text is readable and inside."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from lclstudy.analyses.hard_subsets import figures, tables
from lclstudy.show import style
from lclstudy.show.plots import class_order
from lclstudy.statistics import subsets
from tests.material import check_readable, froze


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_tree_has_every_class_once_with_its_sets(paper_like):
    found, table = paper_like
    figure, (ax,) = style.subplots(width=style.DOUBLE, height=6.5)
    figures.class_dendrogram(found, table, ax)
    placed = {text.get_text(): text for text in ax.texts if text.get_text() in found.classes}
    shown = sorted(placed, key=lambda name: placed[name].get_position()[1])
    assert shown == [found.classes[leaf] for leaf in class_order(found.confusion)]
    assert [texts(ax).count(letter) for letter in "abcde"] == [4, 4, 4, 4, 0]
    assert texts(ax).count("hard-c, hard-d") == 1, "guilty is in both"
    assert {placed[name].get_color() for name in found.others["4-hard-a"]} == {figures.PICKS[0]}
    check_readable(figure)


def test_forks_of_the_tree_lie_at_the_mean_likeness_of_their_branches(tmp_path):
    found = tables.source(froze(tmp_path, ("emoint", 0, {("anger", "fear"): 2, ("fear", "anger"): 1, ("joy", "anger"): 1})))
    _, (ax,) = style.subplots()
    figures.class_dendrogram(found, tables.compared(found, 5), ax)
    forks = [max(np.asarray(line.get_xdata(), float)[1:3]) ** 2 for line in ax.lines if len(line.get_xdata()) == 4]
    assert forks == pytest.approx([15, 2.5, 0])  # percent: (20 + 10) / 2; joy with anger 5 and with fear 0; sadness with none
    assert [line.get_color() for line in ax.lines[:2]] == [figures.PICKS[0], figures.NEUTRAL]
    assert "published" not in texts(ax)


@pytest.mark.parametrize("tied", [False, True])
def test_the_distribution_counts_every_subset_and_points_at_the_sets(paper_like, tied):
    found, table = paper_like
    _, scores = subsets.scored(found.confusion)
    figure, (ax,) = style.subplots(width=style.DOUBLE, height=3.6)
    figures.score_distribution(found, scores, table.assign(confusion=20) if tied else table, ax)
    assert sum(round(bar.get_width()) for bar in ax.patches) == len(scores) == 35_960
    assert len(ax.texts) == 7, "nine sets, of which two are the same as ours"
    assert any(text.startswith("found-a = 4-hard-a: ") and text.endswith("(rank 1)") for text in texts(ax))
    lines = sorted(line.get_ydata()[0] for line in ax.lines)
    assert lines == ([20] * 7 if tied else [0, 20, 24, 48, 96, 120, 144])
    check_readable(figure)


def test_ranks_have_their_intervals_and_verdicts(paper_like):
    found, table = paper_like
    figure, (ax,) = style.subplots(width=style.DOUBLE, height=3)
    figures.rank_intervals(found, table, 35_960, ax)
    shown = table[table["ours"] | (table["same"] == "")]
    assert [text.get_text() for text in ax.get_yticklabels()][:2] == ["found-a = 4-hard-a", "found-b"]
    assert [to_hex(text.get_color()).upper() for text in ax.get_yticklabels()][:4] == list(figures.PICKS)
    spans = [tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    assert spans == [*zip(shown["low"], shown["high"], strict=True), (36, 36), (360, 360)]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"] == shown["rank"].tolist()
    assert [text for text in texts(ax) if text] == ["undecided"] * 4 + ["first 0.1 %", "first 1 %"]
    check_readable(figure)
