"""The search against brute force, planted groups, ties and bad input; its bootstrap against cases worked by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lclstudy import subsets
from lclstudy.errors import StudyError


def inside(confusion, members):
    return sum(confusion[a][b] for a in members for b in members if a != b)


def brute_force(confusion, size, count):
    """Disjoint picks by trying everything with plain Python."""
    every = list(itertools.combinations(range(len(confusion)), size))
    picks = []
    for _ in range(count):
        free = [members for members in every if not any(set(members) & set(picked) for picked, _ in picks)]
        best = max(free, key=lambda members: inside(confusion, members))  # the first of equals
        picks.append((best, inside(confusion, best)))
    return picks


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_as_brute_force_also_with_ties(data):
    classes = data.draw(st.integers(2, 8))
    size = data.draw(st.integers(2, classes))
    count = data.draw(st.integers(1, classes // size))
    flat = data.draw(st.lists(st.integers(0, 3), min_size=classes**2, max_size=classes**2))
    confusion = np.array(flat).reshape(classes, classes)
    assert subsets.most_confusable(confusion, size, count) == brute_force(confusion.tolist(), size, count)


def test_fractions_are_scored_as_they_are():
    confusion = np.random.default_rng(0).random((9, 9))
    found = subsets.most_confusable(confusion, 3, 3)
    expected = brute_force(confusion.tolist(), 3, 3)
    assert [members for members, _ in found] == [members for members, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected])


def test_planted_groups_come_out_best_first():
    confusion = np.full((12, 12), 1) + 50 * np.eye(12, dtype=int)
    for weight, group in ((5, (0, 4, 7, 9)), (9, (1, 2, 10, 11)), (3, (3, 5, 6, 8))):
        confusion[np.ix_(group, group)] += weight
    assert [members for members, _ in subsets.most_confusable(confusion, 4, 3)] == [(1, 2, 10, 11), (0, 4, 7, 9), (3, 5, 6, 8)]


def test_equal_scores_go_to_the_lexicographically_first():
    assert subsets.most_confusable(np.ones((8, 8), int), 4, 2) == [((0, 1, 2, 3), 12.0), ((4, 5, 6, 7), 12.0)]


def test_the_diagonal_does_not_count_and_both_directions_do():
    confusion = np.diag([1000, 1000, 0, 0])
    confusion[2, 3], confusion[3, 2] = 4, 3
    assert subsets.most_confusable(confusion, 2, 2) == [((2, 3), 7.0), ((0, 1), 0.0)]
    assert subsets.confusion_within(confusion, (3, 2)) == 7.0


@pytest.mark.parametrize(("classes", "size"), [(4, 4), (7, 2), (9, 5), (12, 3), (32, 4)])
def test_every_subset_once_in_lexicographic_order(classes, size):
    confusion = np.random.default_rng(classes).integers(0, 9, (classes, classes))
    members, scores = subsets.ranked(confusion, size)
    assert [tuple(row) for row in members] == list(itertools.combinations(range(classes), size))
    for place in (0, len(members) // 2, -1):
        assert scores[place] == inside(confusion.tolist(), members[place])


def test_chunks_do_not_change_what_is_found(monkeypatch):
    confusion = np.random.default_rng(5).integers(0, 4, (12, 12))
    whole = subsets.most_confusable(confusion, 4, 3)
    monkeypatch.setattr(subsets, "_CHUNK", 7)
    assert subsets.most_confusable(confusion, 4, 3) == whole


def test_ranks_by_hand():
    assert subsets.rank_of([5, 9, 5, 1], 9) == (1, 1)
    assert subsets.rank_of([5, 9, 5, 1], 5) == (2, 3)
    assert subsets.rank_of([5, 9, 5, 1], 1) == (4, 4)
    assert subsets.jaccard((1, 2, 3, 4), (3, 4, 5, 6)) == pytest.approx(2 / 6)


BAD = [
    (np.ones((2, 3)), "must be square; given shape (2, 3)"),
    (np.ones(4), "must be square"),
    (np.ones((0, 0)), "must be square"),
    ([[1, 2], [3]], "must be square"),
    ([["a", "b"], ["c", "d"]], "must hold counts"),
    (np.array([[True, False], [False, True]]), "must hold counts"),
    ([[1, -1], [0, 1]], "finite counts, 0 or more"),
    ([[1, np.nan], [0, 1]], "finite counts, 0 or more"),
    ([[1, np.inf], [0, 1]], "finite counts, 0 or more"),
]


@pytest.mark.parametrize(("confusion", "message"), BAD)
def test_a_matrix_that_is_none_is_one_line(confusion, message):
    with pytest.raises(StudyError, match="(?s)^A confusion matrix") as raised:
        subsets.most_confusable(confusion, 2, 1)
    assert message in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("size", "count", "message"),
    [
        (1, 1, "size must be a whole number from 2 to the number of classes, 6; given 1."),
        (7, 1, "given 7."),
        (2.0, 1, "given 2.0."),
        (True, 1, "given True."),
        (4, 2, "6 classes have from 1 to 1 disjoint subsets of 4; given count 2."),
        (2, 0, "given count 0."),
    ],
)
def test_a_size_or_count_that_does_not_fit_is_one_line(size, count, message):
    with pytest.raises(StudyError) as raised:
        subsets.most_confusable(np.ones((6, 6)), size, count)
    assert str(raised.value).endswith(message)


def test_a_search_too_large_says_what_it_would_cost():
    with pytest.raises(StudyError) as raised:
        subsets.most_confusable(np.ones((100, 100)), 10, 1)
    assert f"{math.comb(100, 10):,} subsets of 10, about " in str(raised.value)
    assert f"at most {subsets.MOST_SUBSETS:,}: choose a smaller size or fewer classes." in str(raised.value)


def pair(classes, a, b, errors):
    confusion = np.zeros((classes, classes), int)
    confusion[a, b] = errors
    return confusion


def test_runs_that_agree_are_stable_and_runs_that_do_not_share_the_draws():
    agreed = np.stack([pair(4, 0, 1, 5), pair(4, 0, 1, 7), pair(4, 1, 0, 2)])
    (told,) = subsets.stability_over_runs(agreed, 2, 1, 50, generator=np.random.default_rng(0))
    assert told == ((0, 1), 1.0, 1.0, 1.0, "")
    # Two runs: with errors 5 and 4 the first pair wins unless the second run is drawn twice, one draw in four.
    divided = np.stack([pair(4, 0, 1, 5), pair(4, 2, 3, 4)])
    first, second = subsets.stability_over_runs(divided, 2, 2, 4000, generator=np.random.default_rng(0))
    assert (first.classes, second.classes) == ((0, 1), (2, 3))
    assert first.same_place == pytest.approx(0.75, abs=0.03)
    assert first.picked == 1.0, "at one place or the other"


def test_one_run_gives_no_bootstrap_over_runs():
    told = subsets.stability_over_runs([pair(4, 0, 1, 5)], 2, 2, generator=np.random.default_rng(0))
    assert {stability.note for stability in told} == {"one run: no bootstrap over runs"}
    assert all(math.isnan(stability.picked) for stability in told)


def test_over_texts_many_errors_are_stable_and_a_close_race_is_not():
    clear = pair(4, 0, 1, 500) + pair(4, 2, 3, 10)
    assert subsets.stability_over_texts(clear, 2, 1, 100, generator=np.random.default_rng(0))[0].same_place == 1.0
    close = pair(4, 0, 1, 51) + pair(4, 2, 3, 50)
    told = subsets.stability_over_texts(close, 2, 1, 2000, generator=np.random.default_rng(0))[0]
    assert 0.4 < told.same_place < 0.7
    assert told.overlap == pytest.approx(told.picked), "the other pair shares no class with it"


def test_the_same_generator_gives_the_same_draws():
    confusion = np.random.default_rng(1).integers(0, 5, (6, 6))
    first, again = (subsets.stability_over_texts(confusion, 2, 2, 20, generator=np.random.default_rng(3)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("confusion", [np.zeros((3, 3), int), np.full((3, 3), 0.5)])
def test_texts_cannot_be_drawn_from_shares_or_from_nothing(confusion):
    with pytest.raises(StudyError, match="^A bootstrap over texts needs"):
        subsets.stability_over_texts(confusion, 2, 1, generator=np.random.default_rng(0))
