"""The most confusable class subsets of a confusion matrix: every subset is scored, none is guessed. NumPy.

A subset's *confusion* is the sum of the off-diagonal entries of its sub-matrix (Section 5.3 of the paper): how often one of its
classes was taken for another of them. It is a sum over pairs of classes.

Shapes: C classes, M subsets of `size` classes in lexicographic order, R runs, N texts, B draws.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, combinations

import numpy as np

from lclstudy.errors import StudyError

MOST_SUBSETS = 3_000_000  # held in memory, all at once
_TIE = 1 - 1e-12  # of a score: sums of fractions nearer than that differ only by the order of their terms


def most_confusable(confusion: np.ndarray, size: int = 4, count: int = 4) -> list[tuple[tuple[int, ...], float]]:
    """The `count` disjoint subsets of `size` classes with the largest confusion, best first: (classes, confusion) each.

    `confusion` [C,C] counts, row = true class. The first is the best of all; each further one is the best that shares no class
    with those before. Exhaustive; ties go to the lexicographically first. Raises StudyError on a matrix that is not square,
    finite and without negatives, a size that does not fit, fewer disjoint subsets than `count`, or more than MOST_SUBSETS.
    """
    members, scores = scored(confusion, size)
    most = len(confusion) // size
    if not 1 <= count <= most:
        raise StudyError(f"{len(confusion)} classes hold from 1 to {most} disjoint subsets of {size}; given count {count!r}.")
    places = disjoint_places(members, scores, count)
    return [(tuple(members[place].tolist()), float(scores[place])) for place in places]


def scored(confusion: np.ndarray, size: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Every subset, int [M,size], and its confusion [M]. Raises StudyError as `most_confusable`."""
    confusion = np.asarray(confusion)
    if confusion.ndim != 2 or len({*confusion.shape}) != 1 or not np.isfinite(confusion).all() or (confusion < 0).any():
        raise StudyError(f"A confusion matrix must be square, of finite counts, none below 0; given shape {confusion.shape}.")
    members = all_subsets(len(confusion), size)
    both = confusion + confusion.T
    return members, sum(both[members[:, a], members[:, b]] for a, b in combinations(range(size), 2))


@lru_cache(maxsize=4)  # the same for every draw
def all_subsets(classes: int, size: int) -> np.ndarray:
    """All subsets, int [M,size]. Raises StudyError on a size that does not fit, or more than MOST_SUBSETS."""
    if not isinstance(size, int) or not 2 <= size <= classes:
        raise StudyError(f"size must be a whole number from 2 to the number of classes, {classes}; given {size!r}.")
    if (subsets := math.comb(classes, size)) > MOST_SUBSETS:
        given = f"{classes} classes have {subsets:,} subsets of {size}"
        raise StudyError(f"{given}; a search takes at most {MOST_SUBSETS:,}: choose a smaller size or fewer classes.")
    members = np.fromiter(chain.from_iterable(combinations(range(classes), size)), int, subsets * size).reshape(-1, size)
    members = np.asfortranarray(members)  # what reads it takes a column at a time
    members.flags.writeable = False
    return members


def disjoint_places(members: np.ndarray, scores: np.ndarray, count: int) -> list[int]:
    """The places of the `count` best subsets, each sharing no class with those before; ties go to the first."""
    left, places = scores.astype(float), []
    for _ in range(count):
        places.append(int(np.argmax(left >= left.max() * _TIE)))
        left[sharing(members, members[places[-1]])] = -1
    return places


def sharing(members: np.ndarray, classes: Iterable[int]) -> np.ndarray:
    """Which subsets [M] of `members` [M,size] hold one of `classes`."""
    return np.isin(np.arange(members.max() + 1), list(classes))[members].any(axis=1)


def confusion_within(confusion: np.ndarray, classes: Sequence[int]) -> float:
    """The confusion of one subset."""
    inner = confusion[np.ix_(classes, classes)]
    return float(inner.sum() - np.trace(inner))


def pairing(confusion: np.ndarray, classes: Sequence[int]) -> tuple[tuple[tuple[int, int], ...], float]:
    """The disjoint pairs of a subset's classes that hold most of its confusion, and the share that they hold, 0 to 1.

    It tells classes that are all alike (of four, the share is 1/3 or little more) from pairs that have little to do with each
    other (near 1), which the sum cannot. Share 0 if there is no confusion; of an odd number of classes one has no pair.
    """
    half, both = len(classes) // 2, confusion + np.transpose(confusion)
    ways = [way for way in combinations(combinations(sorted(classes), 2), half) if len({*chain(*way)}) == 2 * half]
    best = max(ways, key=lambda way: sum(both[pair] for pair in way))
    total = confusion_within(confusion, classes)
    return best, float(sum(both[pair] for pair in best)) / total if total else 0.0


def rank_of(scores: np.ndarray, score: float) -> tuple[int, int]:
    """The best and the worst rank of a score among `scores` [M]: 1 is the most confusable, and subsets that tie share both."""
    return int((scores * _TIE > score).sum()) + 1, int((scores >= score * _TIE).sum())


def rank_when_picked(
    members: np.ndarray, scores: np.ndarray, classes: Sequence[int], score: float, taken: Iterable[int]
) -> int:
    """The best rank of a subset with this `score` among those of `members` that share no class with the ones `taken` before it.

    A class of its own that was taken itself is no hindrance, or it could not have been picked at all.
    """
    return rank_of(scores[~sharing(members, {*taken} - {*classes})], score)[0]


def resample_texts(
    labels: np.ndarray, predictions: np.ndarray, classes: int, draws: int, *, generator: np.random.Generator
) -> np.ndarray:
    """Confusions of texts drawn again, int [B,C,C]: of the N texts with `labels` [N], N are drawn with replacement, each with
    its `predictions` [R,N] of all runs together, and the confusions of the runs are added up.

    It tells what other texts could have shown to the same trained models, not what other seeds could have.
    """
    cells = np.zeros((len(labels), classes**2))  # of the texts' confusions, over the runs
    for row in predictions:
        cells[np.arange(len(labels)), labels * classes + row] += 1
    times = generator.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), size=draws)
    return (times @ cells).astype(int).reshape(-1, classes, classes)


def resampled_ranks(confusions: np.ndarray, chosen: Sequence[Sequence[int]]) -> np.ndarray:
    """The best rank of each subset of `chosen`, all of one size, in each of `confusions` [B,C,C]: int [B, len(chosen)]."""
    ranks = np.empty((len(confusions), len(chosen)), int)
    for draw, confusion in enumerate(confusions):
        _, scores = scored(confusion, len(chosen[0]))
        ranks[draw] = [rank_of(scores, confusion_within(confusion, members))[0] for members in chosen]
    return ranks


def picked_again(confusions: np.ndarray, size: int = 4, count: int = 4) -> np.ndarray:
    """The picks of `most_confusable` in each of `confusions` [B,C,C]: int [B,count,size]."""
    found = [scored(confusion, size) for confusion in confusions]
    return np.array([members[disjoint_places(members, scores, count)] for members, scores in found])
