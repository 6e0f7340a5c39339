"""The search against brute force and planted groups, the bootstrap against cases worked by hand, and bad input."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lclstudy.analyses.hard_subsets import search as subsets
from lclstudy.errors import StudyError


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


small = st.tuples(st.integers(2, 7), st.integers(2, 4)).filter(lambda pair: pair[1] <= pair[0])


@settings(max_examples=60, deadline=None)
@given(st.data(), small, st.sampled_from([1, 3, 1000]))
def test_picks_are_those_of_brute_force_with_many_ties_and_with_few(data, shape, most):
    classes, size = shape
    confusion = data.draw(arrays(np.int64, (classes, classes), elements=st.integers(0, most)))
    count = data.draw(st.integers(1, classes // size))
    assert subsets.most_confusable(confusion, size, count) == brute_force(confusion.tolist(), size, count)


def test_picks_of_fractions_are_those_of_brute_force():
    for seed in range(20):
        shares = np.random.default_rng(seed).dirichlet(np.ones(8), size=8)
        found, expected = subsets.most_confusable(shares, 3, 2), brute_force(shares.tolist(), 3, 2)
        assert [members for members, _ in found] == [members for members, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected])


def test_fractions_that_tie_but_for_rounding_go_to_the_first():
    shares = np.zeros((6, 6))
    for first, parts in ((0, [0.3, 0.2, 0.1]), (3, [0.1, 0.2, 0.3])):
        for (a, b), part in zip(combinations(range(first, first + 3), 2), parts, strict=True):
            shares[a, b] = part
    scores = subsets.ranked(shares, 3)[1]
    assert scores[0] != scores[-1], "the sums must differ in their last bits, or this shows nothing"
    swapped = shares[::-1, ::-1].T
    for matrix in (shares, swapped):
        assert [members for members, _ in subsets.most_confusable(matrix, 3, 2)] == [(0, 1, 2), (3, 4, 5)]
        scores = subsets.ranked(matrix, 3)[1]
        assert subsets.rank_of(scores, scores[0]) == subsets.rank_of(scores, scores[-1]) == (1, 2)


def test_a_matrix_of_ties_gives_the_first_subsets():
    assert subsets.most_confusable(np.ones((9, 9), int), 4, 2) == [((0, 1, 2, 3), 12.0), ((4, 5, 6, 7), 12.0)]
    assert subsets.most_confusable(np.zeros((4, 4)), 2, 2) == [((0, 1), 0.0), ((2, 3), 0.0)]


def test_what_is_returned_is_plain():
    ((classes, confusion),) = subsets.most_confusable(np.arange(16).reshape(4, 4), 2, 1)
    assert (type(classes), type(classes[0]), type(confusion)) == (tuple, int, float)
    assert (classes, confusion) == ((2, 3), 25.0)


def planted(classes=32, size=4, groups=4, seed=0):
    """A noisy matrix of counts whose groups are the more confused the earlier they come, and these groups."""
    generator = np.random.default_rng(seed)
    confusion = generator.integers(0, 5, (classes, classes)) + 60 * np.eye(classes, dtype=int)
    chosen = generator.permutation(classes)[: size * groups].reshape(groups, size)
    for place, group in enumerate(chosen):
        confusion[np.ix_(group, group)] += 10 * (groups - place) + 5
    return confusion, [tuple(sorted(group.tolist())) for group in chosen]


@pytest.mark.parametrize("seed", range(5))
def test_planted_groups_are_found_in_order(seed):
    confusion, groups = planted(seed=seed)
    assert [classes for classes, _ in subsets.most_confusable(confusion)] == groups


def test_all_subsets_of_32_classes_are_ranked_in_order():
    confusion, groups = planted()
    members, scores = subsets.ranked(confusion)
    assert members.tolist() == [list(one) for one in combinations(range(32), 4)] and len(scores) == 35_960
    assert scores.dtype == np.int64
    inner = confusion[members[:, :, None], members[:, None, :]].sum(axis=(1, 2))
    assert scores.tolist() == (inner - np.diag(confusion)[members].sum(axis=1)).tolist()
    assert members[scores.argmax()].tolist() == list(groups[0])


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 40))
def test_small_chunks_change_nothing(classes, size, chunk):
    if size > classes:
        return
    confusion = np.random.default_rng(0).integers(0, 4, (classes, classes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subsets, "_CHUNK", chunk)
        members, scores = subsets.ranked(confusion, size)
        sizes = [len(part) for _, part in subsets._scored(confusion, size)]
        assert subsets.most_confusable(confusion, size, 1) == brute_force(confusion.tolist(), size, 1)
    assert members.tolist() == [list(one) for one in combinations(range(classes), size)]
    assert max(sizes) <= max(chunk, classes)
    assert scores.tolist() == [subsets.confusion_within(confusion, one) for one in members]


def test_large_counts_stay_exact():
    confusion = np.full((5, 5), 2**55 + 1)
    confusion[4, 3] += 1  # lost in double precision
    assert subsets.most_confusable(confusion, 2, 1)[0][0] == (3, 4)


def test_ranks_with_ties():
    scores = np.array([5, 9, 5, 1])
    assert [subsets.rank_of(scores, score) for score in (9, 5, 1, 7)] == [(1, 1), (2, 3), (4, 4), (2, 1)]


def test_pairs_within_a_subset_by_hand():
    counts = of_pairs(6, {(0, 1): 5, (1, 0): 2, (2, 4): 6, (0, 2): 6, (4, 0): 1, (5, 5): 90, (3, 0): 40})
    assert subsets.pairing(counts, (4, 2, 1, 0)) == (((0, 1), (2, 4)), 13 / 20)
    assert subsets.pairing(counts, (0, 2)) == (((0, 2),), 1.0)
    assert subsets.pairing(counts, (0, 1, 2)) == (((0, 1),), 7 / 13)
    assert subsets.pairing(counts, (1, 5)) == (((1, 5),), 0.0)
    assert subsets.pairing(np.ones((4, 4)), range(4))[1] == pytest.approx(1 / 3)
    for classes in ((0,), range(13)):
        with pytest.raises(StudyError, match="2 to 12 classes"):
            subsets.pairing(np.ones((13, 13)), classes)


@pytest.mark.parametrize(("size", "ways"), [(2, 1), (3, 3), (4, 3), (5, 15), (6, 15), (8, 105)])
def test_every_pairing_comes_once(size, ways):
    found = [frozenset(pairs) for pairs in subsets._matchings(tuple(range(size)))]
    assert len(found) == len({*found}) == ways
    assert all(len({one for pair in pairs for one in pair}) == size - size % 2 for pairs in found)


def test_overlaps():
    assert subsets.jaccard((1, 2, 3, 4), (3, 4, 5, 6)) == pytest.approx(2 / 6)
    assert subsets.jaccard("ab", "ab") == 1 and subsets.jaccard("ab", "cd") == 0
    members = np.array([[0, 1], [1, 2], [2, 3]])
    assert subsets.disjoint(members, (0, 3)).tolist() == [False, True, False]


BAD = {
    "must be square": [np.ones((2, 3)), np.ones(4), np.ones((2, 2, 2)), np.ones((0, 0)), [[1, 2], [3]], 3],
    "must hold counts": [[["a", "b"], ["c", "d"]], np.ones((3, 3), bool), np.ones((3, 3), complex), [[None, 1], [1, 1]]],
    "NaN, infinity or a negative": [np.full((4, 4), np.nan), np.full((4, 4), np.inf), -np.ones((4, 4), int)],
    "less than 2^62": [np.full((4, 4), 2**62), np.full((4, 4), 1e300)],
}


@pytest.mark.parametrize(("says", "matrix"), [(says, matrix) for says, all_of in BAD.items() for matrix in all_of])
def test_a_matrix_that_is_none_is_told_in_a_line(says, matrix):
    for ask in (lambda: subsets.most_confusable(matrix, 2, 1), lambda: subsets.ranked(matrix, 2)):
        with pytest.raises(StudyError) as caught:
            ask()
        assert says in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "count", "says"),
    [
        (1, 1, "size must be a whole number from 2 to the number of classes, 6; given 1"),
        (7, 1, "given 7"),
        (2.0, 1, "given 2.0"),
        (True, 1, "given True"),
        (2, 0, "from 1 to 3 disjoint subsets of 2; given count 0"),
        (4, 2, "from 1 to 1 disjoint subsets of 4; given count 2"),
        (2, 1.0, "given count 1.0"),
        (2, "two", "given count 'two'"),
    ],
)
def test_a_size_or_count_that_does_not_fit_is_told(size, count, says):
    with pytest.raises(StudyError, match=says):
        subsets.most_confusable(np.ones((6, 6)), size, count)


def test_a_search_too_large_says_what_it_would_cost():
    with pytest.raises(StudyError, match=r"100 classes have 17,310,309,456,440 subsets of 10, about .* at most 200,000,000"):
        subsets.most_confusable(np.ones((100, 100)), 10, 1)
    for ask in (
        lambda confusion: subsets.ranked(confusion, 5),
        lambda confusion: subsets.stability(confusion, subsets.Resampled(np.ones((1, 4950)), "texts", 9), 5, 1),
    ):
        with pytest.raises(StudyError, match=r"75,287,520 subsets of 5, 3.6 GB"):
            ask(np.ones((100, 100)))


def of_pairs(classes, pairs):
    """A confusion matrix from (a, b): how often a was taken for b."""
    confusion = np.zeros((classes, classes), int)
    for (a, b), times in pairs.items():
        confusion[a, b] = times
    return confusion


def test_runs_drawn_again_by_hand():
    """Two runs: a draw holds the first twice, the second twice, or each once (half of the draws)."""
    first, second = of_pairs(4, {(0, 1): 10, (2, 3): 4}), of_pairs(4, {(0, 2): 7, (3, 1): 2})
    drawn = subsets.resample_runs(np.stack([first, second]), 4000, generator=np.random.default_rng(0))
    assert (drawn.over, drawn.units, drawn.note, drawn.pairs.shape) == ("runs", 2, "", (4000, 6))
    kinds, counts = np.unique(drawn.pairs, axis=0, return_counts=True)
    assert kinds.tolist() == [[0, 14, 0, 0, 4, 0], [10, 7, 0, 0, 2, 4], [20, 0, 0, 0, 0, 8]]  # 01 02 03 12 13 23
    assert counts / 4000 == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    a, b = subsets.stability(first + second, drawn, 2, 2)
    other = counts[0] / 4000  # (0, 2) and (1, 3) win only where the second run was drawn twice
    assert (a.classes, b.classes) == ((0, 1), (2, 3))
    assert [a.picked, a.same_place, b.picked, b.same_place] == pytest.approx([1 - other] * 4)
    assert a.overlap == b.overlap == pytest.approx((1 - other) + other / 3)


def test_a_pick_at_another_place_counts_as_picked_only():
    drawn = subsets.Resampled(np.array([[9, 0, 0, 0, 0, 5], [3, 0, 0, 0, 0, 5]]), "texts", 9)
    a, b = subsets.stability(of_pairs(4, {(0, 1): 9, (2, 3): 8}), drawn, 2, 2)
    assert a[:4] == ((0, 1), 1.0, 0.5, 1.0) and b[:4] == ((2, 3), 1.0, 0.5, 1.0)


def test_one_run_has_no_bootstrap_and_says_so():
    confusion, groups = planted()
    drawn = subsets.resample_runs(confusion[None], generator=np.random.default_rng(0))
    told = subsets.stability(confusion, drawn)
    assert [one.classes for one in told] == groups
    assert all(math.isnan(value) for one in told for value in one[1:4])
    assert {one.note for one in told} == {drawn.note} == {subsets.ONE_RUN}
    assert subsets.resampled_ranks(drawn, groups, 32).shape == (0, 4)


def test_equal_runs_are_perfectly_stable():
    confusion, _ = planted()
    drawn = subsets.resample_runs(np.stack([confusion] * 3), 20, generator=np.random.default_rng(0))
    assert (drawn.pairs == drawn.pairs[0]).all()
    assert [one[1:4] for one in subsets.stability(confusion, drawn)] == [(1.0, 1.0, 1.0)] * 4


def test_texts_drawn_again_keep_the_predictions_of_all_runs_together():
    """Three texts; both runs err on the first in the same way, so the two errors come and go together."""
    labels, predictions = np.array([0, 1, 2]), np.array([[1, 1, 2], [1, 1, 0]])
    drawn = subsets.resample_texts(labels, predictions, 3, 6000, generator=np.random.default_rng(0))
    assert (drawn.over, drawn.units) == ("texts", 3)
    assert set(drawn.pairs[:, 0]) == {0, 2, 4, 6} and set(drawn.pairs[:, 1]) == {0, 1, 2, 3} and not drawn.pairs[:, 2].any()
    assert np.bincount(drawn.pairs[:, 0] // 2) / 6000 == pytest.approx([8 / 27, 12 / 27, 6 / 27, 1 / 27], abs=0.02)
    once = subsets.resample_texts(labels, predictions[0], 3, 50, generator=np.random.default_rng(1))
    assert set(once.pairs[:, 0]) <= {0, 1, 2, 3} and not once.pairs[:, 1:].any()


def test_picks_of_draws_are_those_of_the_search():
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 9, 200)
    predictions = np.where(generator.random((2, 200)) < 0.4, labels, generator.integers(0, 9, (2, 200)))
    drawn = subsets.resample_texts(labels, predictions, 9, 25, generator=generator)
    found = subsets._picks_of_draws(drawn.pairs, 9, 3, 3)
    ranks = subsets.resampled_ranks(drawn, [(0, 1, 2), (8, 4, 2)], 9)
    for pairs, picks, rank in zip(drawn.pairs, found, ranks, strict=True):
        confusion = np.zeros((9, 9), int)
        confusion[np.triu_indices(9, 1)] = pairs
        assert [tuple(pick) for pick in picks] == [classes for classes, _ in brute_force(confusion.tolist(), 3, 3)]
        scores = subsets.ranked(confusion, 3)[1]
        assert rank.tolist() == [
            subsets.rank_of(scores, subsets.confusion_within(confusion, one))[0] for one in ((0, 1, 2), (2, 4, 8))
        ]


def test_the_same_generator_gives_the_same_draws():
    confusions = np.random.default_rng(0).integers(0, 9, (4, 6, 6))
    one, other = (subsets.resample_runs(confusions, 9, generator=np.random.default_rng(7)).pairs for _ in range(2))
    assert (one == other).all() and len(np.unique(one, axis=0)) > 1


@pytest.mark.parametrize(
    ("labels", "predictions", "says"),
    [
        ([], [[]], "N at least 1"),
        ([0, 1], [[0, 1, 1]], r"given shapes \(2,\) and \(1, 3\)"),
        ([0, 3], [0, 1], "class ids from 0 to 2"),
        ([0, 1], [0, -1], "class ids from 0 to 2"),
        ([0.0, 1.0], [0, 1], "must be class ids; given float64"),
    ],
)
def test_texts_that_do_not_fit_are_told(labels, predictions, says):
    with pytest.raises(StudyError, match=says):
        subsets.resample_texts(np.array(labels), np.array(predictions), 3, generator=np.random.default_rng(0))


def test_other_bad_input_of_the_bootstrap_is_told():
    generator = np.random.default_rng(0)
    with pytest.raises(StudyError, match="at least one run"):
        subsets.resample_runs(np.empty((0, 4, 4)), generator=generator)
    with pytest.raises(StudyError, match="draws must be a whole number, 1 or more; given 0"):
        subsets.resample_runs(np.ones((2, 4, 4)), 0, generator=generator)
    drawn = subsets.resample_runs(np.ones((2, 4, 4)), 2, generator=generator)
    for chosen, says in (
        ([(0, 1), (0, 1, 2)], r"sizes \[2, 3\]"),
        ([(0, 4)], "from 0 to 3"),
        ([(1, 1)], "different class ids"),
    ):
        with pytest.raises(StudyError, match=says):
            subsets.resampled_ranks(drawn, chosen, 4)
