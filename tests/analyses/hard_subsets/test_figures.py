"""Figures of hard subsets: they show what they are given, all text is readable and inside, and bad input is told."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from lclstudy.analyses.hard_subsets import figures
from lclstudy.analyses.hard_subsets import search as subsets
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.results import published
from lclstudy.show import plots
from tests.material import check_readable

CLASSES = catalog.corpora()["empathetic_dialogues"].labels
PUBLISHED = {name: members for name, members in published.class_sets().items() if len(members) == 4}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def confusions(seed=0):
    """32 classes in which two published sets, one other and chance confuse."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(0, 3, (32, 32)) + 50 * np.eye(32, dtype=int)
    for members, more in (("4-hard-a", 9), ("4-hard-b", 6)):
        ids = [CLASSES.index(one) for one in PUBLISHED[members]]
        counts[np.ix_(ids, ids)] += more
    return counts


def compared(counts, others):
    """As `tables.compared`, the columns that figures read."""
    scores = subsets.ranked(counts)[1]
    rows = []
    ours = {f"found-{letter}": members for letter, (members, _) in zip("abcd", subsets.most_confusable(counts), strict=True)}
    theirs = {name: tuple(sorted(CLASSES.index(one) for one in members)) for name, members in others.items()}
    for kind, against in ((ours, theirs), (theirs, ours)):
        for name, ids in kind.items():
            score = subsets.confusion_within(counts, ids)
            best, worst = subsets.rank_of(scores, score)
            rows.append({"set": name, "ours": kind is ours, "classes": [CLASSES[i] for i in ids], "members": ids,
                         "confusion": score, "best_rank": best, "worst_rank": worst,
                         "same": next((other for other in against if against[other] == ids), "")})  # fmt: skip
    return scores, pd.DataFrame(rows)


def test_the_tree_has_every_class_once_with_its_sets():
    counts = confusions()
    picks = [members for members, _ in subsets.most_confusable(counts)]
    figure, axes = plots.subplots(width=plots.DOUBLE, height=6.5)
    assert figures.class_dendrogram(counts, CLASSES, picks, PUBLISHED, axes[0], what="made up") is axes[0]
    texts = [text.get_text() for text in axes[0].texts]
    assert sorted(text for text in texts if text in CLASSES) == sorted(CLASSES)
    assert [texts.count(letter) for letter in "abcde"] == [4, 4, 4, 4, 0]
    assert texts.count("hard-c, hard-d") == 1, "guilty is in both"
    assert {"found", "published"} <= {*texts} and "made up" in axes[0].get_title(loc="left")
    placed = {text.get_text(): text for text in axes[0].texts if text.get_text() in CLASSES}
    assert [placed[name].get_color() for name in PUBLISHED["4-hard-a"]] == [figures.pick_colour(0)] * 4
    shown = sorted(CLASSES, key=lambda name: placed[name].get_position()[1])
    assert shown == [CLASSES[leaf] for leaf in plots.class_order(counts)]
    check_readable(figure)


def test_forks_of_the_tree_lie_at_the_mean_likeness_of_their_branches():
    counts = np.array([[80, 20, 0], [10, 90, 0], [3, 0, 97]])
    _, axes = plots.subplots()
    figures.class_dendrogram(counts, "xyz", [(0, 1)], {}, axes[0])
    near, far = (np.asarray(line.get_xdata(), float) for line in axes[0].lines[:2])
    assert near[1] ** 2 == pytest.approx(15)  # percent: the mean of 20 and 10
    assert far[1] ** 2 == pytest.approx(0.75)  # (x, z): 1.5, (y, z): 0
    colours = [line.get_color() for line in axes[0].lines[:2]]
    assert colours[0] == figures.pick_colour(0) != colours[1]
    assert "published" not in [text.get_text() for text in axes[0].texts]


@pytest.mark.parametrize("counts", [np.eye(3, dtype=int), np.zeros((3, 3), int)])
def test_classes_that_are_never_confused_meet_at_zero(counts):
    figure, axes = plots.subplots(width=plots.DOUBLE, height=2)
    figures.class_dendrogram(counts, ["one", "two", "three"], [], {}, axes[0])
    assert all(min(line.get_xdata()) == 0 for line in axes[0].lines)
    check_readable(figure)


@pytest.mark.parametrize(("counts", "classes"), [(np.eye(2), "ab"), (np.eye(3), "abcd")])
def test_a_tree_of_too_few_classes_or_of_others_is_told(counts, classes):
    with pytest.raises(StudyError, match="3 classes or more"):
        figures.class_dendrogram(counts, classes, [], {}, plots.subplots()[1][0])


def test_the_distribution_counts_every_subset_and_points_at_the_sets():
    scores, table = compared(confusions(), PUBLISHED)
    figure, axes = plots.subplots(width=plots.DOUBLE, height=3.6)
    assert figures.score_distribution(scores, table, axes[0], "made up") is axes[0]
    assert sum(round(bar.get_width()) for bar in axes[0].patches) == len(scores) == 35_960
    assert len({round(bar.get_height(), 9) for bar in axes[0].patches}) == 1
    assert axes[0].get_xscale() == "log"
    texts = [text.get_text() for text in axes[0].texts]
    assert len(texts) == 7, "nine sets, of which two are the same as ours"
    assert any(text.startswith("found-a = 4-hard-a: ") and text.endswith("(rank 1)") for text in texts)
    lines = sorted(line.get_ydata()[0] for line in axes[0].lines)
    assert lines == sorted(table["confusion"][table["ours"] | (table["same"] == "")])
    check_readable(figure)


def test_marks_of_equal_scores_do_not_overlap():
    scores, table = compared(confusions(), PUBLISHED)
    table["confusion"] = 20.0
    figure, axes = plots.subplots(width=plots.DOUBLE, height=3.6)
    figures.score_distribution(scores, table, axes[0])
    check_readable(figure)


@pytest.mark.parametrize("scores", [np.array([0.25, 0.5, 0.125]), np.zeros(3, int), np.array([0, 5000, 123456])])
def test_other_scores_are_counted_too(scores):
    table = compared(confusions(), {})[1].head(1).assign(confusion=float(scores.max()))
    _, axes = plots.subplots()
    figures.score_distribution(scores, table, axes[0])
    assert sum(round(bar.get_width()) for bar in axes[0].patches) == 3 and len(axes[0].patches) <= 61


def stability(kinds=("texts", "runs")):
    draws = {"texts": ("texts", 2761, 1000, ""), "runs": ("runs", 5, 1000, ""), "one": ("runs", 1, 0, subsets.ONE_RUN)}
    rows = []
    for kind in kinds:
        over, units, count, note = draws[kind]
        for place, name in enumerate(["found-a", "found-b", "found-c", "found-d"]):
            shares = (np.nan, np.nan) if not count else (0.9 - 0.2 * place, 0.5 - 0.1 * place)
            rows.append({"set": name, "over": over, "units": units, "draws": count, "note": note,
                         "picked": shares[0], "same_place": shares[1]})  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("kinds", [("texts", "runs"), ("texts", "one")])
def test_stability_shows_both_shares_of_each_pick(kinds):
    frame = stability(kinds)
    figure, axes = plots.subplots(height=3)
    assert figures.stability_dots(frame, axes[0]) is axes[0]
    xs = [line.get_xdata()[0] for line in axes[0].lines if line.get_marker() in "os" and len(line.get_xdata()) == 1]
    had = frame[frame["draws"] > 0]
    assert sorted(xs) == pytest.approx(sorted(100 * np.append(had["picked"], had["same_place"])))
    title = axes[0].get_title(loc="left")
    assert "1,000 draws of 2,761 texts" in title
    assert ("1,000 draws of 5 runs" in title) == ("runs" in kinds) and (subsets.ONE_RUN in title) == ("one" in kinds)
    assert [to_hex(text.get_color()).upper() for text in axes[0].get_yticklabels()] == list(figures.PICKS[:4])
    check_readable(figure)


@pytest.mark.parametrize("units", [1, 5])
def test_ranks_have_an_interval_where_there_are_draws(units):
    table = compared(confusions(), PUBLISHED)[1]
    parts = [table.assign(over="texts", units=2761, draws=1000, note="", low=1.0, high=table["best_rank"] * 2.0)]
    parts.append(table.assign(over="runs", units=units, draws=1000 * (units > 1), note="" if units > 1 else subsets.ONE_RUN,
                              low=table["best_rank"] * 1.0, high=table["best_rank"] * 3.0))  # fmt: skip
    figure, axes = plots.subplots(height=3.2)
    assert figures.rank_dots(pd.concat(parts), 35_960, axes[0]) is axes[0]
    labels = [text.get_text() for text in axes[0].get_yticklabels()]
    assert labels[0] == "found-a = 4-hard-a" and len(labels) == 7
    spans = [line for line in axes[0].lines if len(line.get_xdata()) == 2 and line.get_marker() in ("o", "s")]
    assert len(spans) == (14 if units > 1 else 7)
    ranks = [line.get_xdata()[0] for line in axes[0].lines if line.get_marker() == "|"]
    assert {*ranks} == {*table["best_rank"]}
    assert axes[0].get_xscale() == "log" and "35,960" in axes[0].get_xlabel()
    check_readable(figure)


def test_colours_of_picks_are_their_own():
    assert len({*figures.PICKS}) == 6 and figures.pick_colour(6) == figures.pick_colour(0)
