"""The most confusable class subsets of a confusion matrix: every subset is scored, none is guessed. NumPy.

A subset's *confusion* is the sum of the off-diagonal entries of its sub-matrix: how often one of its classes was taken for
another of them. It is linear in the matrix, so scores of runs add up, and a bootstrap needs no new search.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .errors import StudyError

MOST_SUBSETS = 20_000_000
_NANOSECONDS = 22  # per subset and pair of its classes, on one core of a laptop: what a refused search would about cost
_CHUNK = 1 << 20  # subsets scored at a time


class Stability(NamedTuple):
    """How a pick fares when its data are drawn again: the share of draws that pick the very same set (at any place), the share
    that pick it at its own place, and the mean Jaccard overlap with the most similar pick. NaN, and a `note`, if not to be had.
    """

    classes: tuple[int, ...]
    picked: float
    same_place: float
    overlap: float
    note: str = ""


def most_confusable(confusion: np.ndarray, size: int = 4, count: int = 4) -> list[tuple[tuple[int, ...], float]]:
    """The `count` disjoint subsets of `size` classes with the largest confusion, best first: (classes, confusion) each.

    `confusion` [C,C] counts, row = true class. The first is the best of all; each further one is the best that shares no class
    with those before. Exhaustive; ties go to the lexicographically first. Raises StudyError on a matrix that is not square,
    finite and without negatives, a size that does not fit, fewer disjoint subsets than `count`, or a search too large.
    """
    confusion = _checked(confusion)
    _check_size(len(confusion), size)
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or not 1 <= count <= len(confusion) // size:
        most = len(confusion) // size
        raise StudyError(f"{len(confusion)} classes have from 1 to {most} disjoint subsets of {size}; given count {count!r}.")
    picks, left = [], np.arange(len(confusion))
    for _ in range(count):  # among fewer and fewer classes, which are the subsets that share none with the picks
        best, score = _best(confusion[np.ix_(left, left)], size)
        picks.append((tuple(int(index) for index in left[best]), score))
        left = np.delete(left, best)
    return picks


def ranked(confusion: np.ndarray, size: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Every subset in lexicographic order, int [M,size], and its confusion [M], of the type of the counts.

    Raises StudyError as `most_confusable`.
    """
    confusion = _checked(confusion)
    _check_size(len(confusion), size)
    parts = list(_chunks(confusion, size))
    return np.concatenate([members for members, _ in parts]), np.concatenate([scores for _, scores in parts])


def confusion_within(confusion: np.ndarray, classes: Sequence[int]) -> float:
    """The confusion of one subset: how often one of its classes was taken for another of them."""
    confusion = _checked(confusion)
    inner = confusion[np.ix_(list(classes), list(classes))]
    return float(inner.sum() - np.trace(inner))


def rank_of(scores: np.ndarray, score: float) -> tuple[int, int]:
    """The best and the worst rank (1 is the most confusable) of a score among those of all subsets; they differ by ties."""
    scores = np.asarray(scores)
    return int((scores > score).sum()) + 1, int((scores >= score).sum())


def jaccard(a: Sequence[int], b: Sequence[int]) -> float:
    """Shared classes over all classes of two subsets, 0 to 1."""
    return len({*a} & {*b}) / len({*a} | {*b})


def stability_over_runs(
    confusions: np.ndarray, size: int = 4, count: int = 4, draws: int = 1000, *, generator: np.random.Generator
) -> list[Stability]:
    """How stable the picks are over runs: the R runs of `confusions` [R,C,C] are drawn again with replacement, `draws` times.

    One run says nothing about another: then every share is NaN, and `note` says so.
    """
    confusions = np.stack([_checked(matrix) for matrix in confusions])
    picks = most_confusable(confusions.sum(axis=0), size, count)
    if len(confusions) == 1:
        return [Stability(classes, math.nan, math.nan, math.nan, "one run: no bootstrap over runs") for classes, _ in picks]
    weights = generator.multinomial(len(confusions), np.full(len(confusions), 1 / len(confusions)), size=draws)
    pairs = np.stack([_pairs(matrix) for matrix in confusions])
    return _stability([classes for classes, _ in picks], weights @ pairs, len(confusions[0]), size)


def stability_over_texts(
    confusion: np.ndarray, size: int = 4, count: int = 4, draws: int = 1000, *, generator: np.random.Generator
) -> list[Stability]:
    """How stable the picks are over texts: as many predictions as `confusion` [C,C] counts are drawn again from its cells.

    It tells what other validation texts could have shown with the same models, not what other seeds could have.
    """
    confusion = _checked(confusion)
    if not np.array_equal(confusion, np.round(confusion)) or not confusion.sum():
        raise StudyError("A bootstrap over texts needs a confusion matrix of whole counts, not all zero.")
    picks = most_confusable(confusion, size, count)
    cells = confusion.ravel() / confusion.sum()
    drawn = generator.multinomial(int(confusion.sum()), cells, size=draws).reshape(draws, *confusion.shape)
    upper = np.triu_indices(len(confusion), 1)
    pairs = (drawn + drawn.transpose(0, 2, 1))[:, upper[0], upper[1]]
    return _stability([classes for classes, _ in picks], pairs, len(confusion), size)


def _stability(picks: list[tuple[int, ...]], pairs: np.ndarray, classes: int, size: int) -> list[Stability]:
    """`pairs` [B, C(C-1)/2]: the confusions of all pairs of classes in each draw."""
    found = _picks_of_draws(pairs, classes, size, len(picks))
    told = []
    for place, pick in enumerate(picks):
        same = (found == np.array(pick)).all(axis=2)  # [B,count]; members are ascending in both
        shared = np.isin(found, pick).sum(axis=2)
        told.append(Stability(pick, float(same.any(axis=1).mean()), float(same[:, place].mean()),
                              float((shared / (2 * size - shared)).max(axis=1).mean())))  # fmt: skip
    return told


def _picks_of_draws(pairs: np.ndarray, classes: int, size: int, count: int) -> np.ndarray:
    """The picks [B,count,size] of each draw. Each draw's subsets are scored once; picks leave out those that share a class."""
    _check_size(classes, size)
    members = np.concatenate(list(_combinations(classes, size)))
    holds = np.zeros((len(members), classes), bool)
    np.put_along_axis(holds, members, True, axis=1)
    matrices = np.zeros((classes, classes), pairs.dtype)
    upper = np.triu_indices(classes, 1)
    found = np.empty((len(pairs), count, size), int)
    for draw, row in enumerate(pairs):
        matrices[upper] = row
        scores = _scores(matrices, members)
        for place in range(count):
            best = int(scores.argmax())
            found[draw, place] = members[best]
            scores[holds[:, members[best]].any(axis=1)] = -1
    return found


def _best(confusion: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    best, score = None, -math.inf
    for members, scores in _chunks(confusion, size):
        place = int(scores.argmax())  # the first of equals, which come in lexicographic order
        if scores[place] > score:
            best, score = members[place], float(scores[place])
    return best, score


def _chunks(confusion: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    both = confusion + confusion.T
    for members in _combinations(len(confusion), size):
        yield members, _scores(both, members)


def _scores(both: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The confusion of each row of `members` [M,size] from the confusions of pairs `both` [C,C] (its upper half is read)."""
    scores = np.zeros(len(members), both.dtype)
    for first in range(members.shape[1]):
        for second in range(first + 1, members.shape[1]):
            scores += both[members[:, first], members[:, second]]
    return scores


def _combinations(classes: int, size: int) -> Iterator[np.ndarray]:
    """All ascending subsets in lexicographic order, int [<=_CHUNK or so, size] at a time.

    Built column by column: a subset that ends with class c is followed by every larger class that leaves room for the rest.
    """
    for first in range(classes - size + 1):
        rows = np.array([[first]], np.int32)
        for column in range(1, size):
            room = classes - size + column - rows[:, -1]  # how many classes may follow
            repeated = np.repeat(rows, room, axis=0)
            step = np.arange(len(repeated), dtype=np.int32) - np.repeat(np.cumsum(room, dtype=np.int32) - room, room)
            rows = np.column_stack([repeated, repeated[:, -1] + 1 + step])
        yield from np.array_split(rows, max(1, -(-len(rows) // _CHUNK)))


def _pairs(confusion: np.ndarray) -> np.ndarray:
    upper = np.triu_indices(len(confusion), 1)
    return (confusion + confusion.T)[upper]


def _checked(confusion: np.ndarray) -> np.ndarray:
    try:
        confusion = np.asarray(confusion)
    except ValueError:
        raise StudyError("A confusion matrix must be square; given rows of different lengths.") from None
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1] or not len(confusion):
        raise StudyError(f"A confusion matrix must be square; given shape {confusion.shape}.")
    if confusion.dtype.kind not in "iuf":
        raise StudyError(f"A confusion matrix must hold counts; given values of type {confusion.dtype}.")
    confusion = confusion.astype(np.float64 if confusion.dtype.kind == "f" else np.int64)
    if not np.isfinite(confusion).all() or (confusion < 0).any():
        raise StudyError("A confusion matrix must hold finite counts, 0 or more; given NaN, infinity or a negative one.")
    return confusion


def _check_size(classes: int, size: int) -> None:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 2 <= size <= classes:
        raise StudyError(f"size must be a whole number from 2 to the number of classes, {classes}; given {size!r}.")
    subsets = math.comb(classes, size)
    if subsets > MOST_SUBSETS:
        seconds = subsets * math.comb(size, 2) * _NANOSECONDS * 1e-9
        raise StudyError(
            f"{classes} classes have {subsets:,} subsets of {size}, about {seconds:,.0f} s on one core; the search takes "
            f"at most {MOST_SUBSETS:,}: choose a smaller size or fewer classes."
        )
