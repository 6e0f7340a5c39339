"""The search against brute force and planted groups, the draws of texts against a case worked by hand, and bad input."""

from itertools import combinations, product

import numpy as np
import pytest

from lclstudy.statistics import subsets
from tests.material import refused


def brute_force(confusion, size, count):
    """Disjoint picks the slow way: `itertools` gives subsets in lexicographic order, and `>` keeps the first of equals."""
    picks, used = [], set()
    for _ in range(count):
        best, top = None, -1
        for members in combinations(range(len(confusion)), size):
            if used.isdisjoint(members):
                score = sum(confusion[a][b] for a in members for b in members if a != b)
                if score > top:
                    best, top = members, score
        picks.append((best, top))
        used |= {*best}
    return picks


def test_picks_are_those_of_brute_force_with_many_ties_and_with_few():
    generator = np.random.default_rng(0)
    for most, (classes, size) in product((1, 3, 1000), [(2, 2), (4, 2), (7, 2), (3, 3), (7, 3), (4, 4), (7, 4)] * 4):
        confusion = generator.integers(0, most, (classes, classes), endpoint=True)
        count = classes // size
        assert subsets.most_confusable(confusion, size, count) == brute_force(confusion.tolist(), size, count)


def test_fractions_that_tie_but_for_rounding_go_to_the_first():
    shares = np.zeros((6, 6))
    for first, parts in ((0, [0.3, 0.2, 0.1]), (3, [0.1, 0.2, 0.3])):
        for (a, b), part in zip(combinations(range(first, first + 3), 2), parts, strict=True):
            shares[a, b] = part
    for matrix in (shares, shares[::-1, ::-1].T):
        assert [members for members, _ in subsets.most_confusable(matrix, 3, 2)] == [(0, 1, 2), (3, 4, 5)]
        _, scores = subsets.scored(matrix, 3)
        assert scores[0] != scores[-1], "the sums must differ in their last bits, or this shows nothing"
        assert subsets.rank_of(scores, scores[0]) == subsets.rank_of(scores, scores[-1]) == (1, 2)


def test_pairs_within_a_subset_by_hand():
    counts = np.zeros((6, 6), int)
    for (a, b), times in {(0, 1): 5, (1, 0): 2, (2, 4): 6, (0, 2): 6, (4, 0): 1, (5, 5): 90, (3, 0): 40}.items():
        counts[a, b] = times
    assert subsets.pairing(counts, (4, 2, 1, 0)) == (((0, 1), (2, 4)), 13 / 20)
    assert subsets.pairing(counts, (0, 2)) == (((0, 2),), 1.0)
    assert subsets.pairing(counts, (0, 1, 2)) == (((0, 1),), 7 / 13)
    assert subsets.pairing(counts, (1, 5)) == (((1, 5),), 0.0)
    assert subsets.pairing(np.ones((4, 4)), range(4))[1] == pytest.approx(1 / 3)


def test_what_does_not_fit_is_told_in_a_line():
    flat = np.ones((6, 6))
    for matrix, size, count, says in (
        *((flat, size, 1, f"from 2 to the number of classes, 6; given {size}") for size in (1, 7, 2.5)),
        (flat, 2, 0, "from 1 to 3 disjoint subsets of 2; given count 0"),
        (flat, 4, 2, "from 1 to 1 disjoint subsets of 4; given count 2"),
        (np.ones((100, 100)), 4, 1, "100 classes have 3,921,225 subsets of 4; a search takes at most 3,000,000"),
        *((bad, 2, 1, "must be square, of finite counts, none below 0; given shape")
          for bad in (np.ones((2, 3)), np.ones(4), np.full((4, 4), np.nan), -flat)),
    ):  # fmt: skip
        with refused(says):
            subsets.most_confusable(matrix, size, count)


def test_texts_drawn_again_keep_the_predictions_of_all_runs_together():
    """Three texts; both runs err on the first in the same way, so the two errors come and go together."""
    labels, predictions = np.array([0, 1, 2]), np.array([[1, 1, 2], [1, 1, 0]])
    drawn = subsets.resample_texts(labels, predictions, 3, 6000, generator=np.random.default_rng(0))
    assert drawn.shape == (6000, 3, 3) and (drawn.sum(axis=(1, 2)) == 6).all()
    errors = drawn[:, 0, 1]
    assert {*errors} == {0, 2, 4, 6} and {*drawn[:, 2, 0]} == {0, 1, 2, 3} and not drawn[:, 1, 2].any()
    assert np.bincount(errors // 2) / 6000 == pytest.approx([8 / 27, 12 / 27, 6 / 27, 1 / 27], abs=0.02)
    assert (drawn[:, 2, 0] == drawn[:, 2, 2]).all(), "right and wrong are of the same text"


def test_ranks_and_picks_of_draws_are_those_of_the_search():
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 9, 200)
    predictions = np.where(generator.random((2, 200)) < 0.4, labels, generator.integers(0, 9, (2, 200)))
    drawn = subsets.resample_texts(labels, predictions, 9, 15, generator=generator)
    picks, ranks = subsets.picked_again(drawn, 3, 3), subsets.resampled_ranks(drawn, [(0, 1, 2), (2, 4, 8)])
    for confusion, found, rank in zip(drawn, picks, ranks, strict=True):
        assert [tuple(pick) for pick in found] == [classes for classes, _ in brute_force(confusion.tolist(), 3, 3)]
        within = [subsets.confusion_within(confusion, one) for one in combinations(range(9), 3)]
        chosen = [subsets.confusion_within(confusion, one) for one in ((0, 1, 2), (2, 4, 8))]
        assert rank.tolist() == [1 + sum(score > mine for score in within) for mine in chosen]
