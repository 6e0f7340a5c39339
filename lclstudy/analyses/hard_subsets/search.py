"""The most confusable class subsets of a confusion matrix: every subset is scored, none is guessed. NumPy.

A subset's *confusion* is the sum of the off-diagonal entries of its sub-matrix (Section 5.3 of the paper): how often one of its
classes was taken for another of them. It is a sum over pairs of classes, and linear in the matrix.

Shapes: C classes, P = C (C - 1) / 2 pairs of classes, M subsets of `size` classes, R runs, N texts, B draws. Pairs and subsets
come in lexicographic order.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from lclstudy.errors import StudyError

MOST_SUBSETS = 200_000_000  # that a search goes through, a chunk at a time; within a minute on one core
MOST_KEPT = 2_000_000  # that `ranked` and the bootstrap hold in memory, all at once
MOST_PAIRED = 12  # classes of which all pairings are tried: 10,395
ONE_RUN = "one run: no bootstrap over runs"

_CHUNK = 1 << 18  # subsets scored at a time; bounds the memory
_NANOSECONDS = 8  # per subset and class, on one core of a laptop: what a search that is refused would take
_ROUNDING = 1e-12  # of a score: sums of fractions nearer than that differ only by the order of their terms


class Resampled(NamedTuple):
    """Confusion counts drawn again: `pairs` [B,P], how often the classes of each pair were taken for each other in each draw.

    `over` is what was drawn (`runs` or `texts`), `units` how many there are. No draws, and a `note`, if they cannot be had.
    """

    pairs: np.ndarray
    over: str
    units: int
    note: str = ""


class Stability(NamedTuple):
    """How a pick fares when its data are drawn again: the share of draws that pick the very same set (`picked`, at any place;
    `same_place`, at its own), and the mean Jaccard `overlap` with the most similar pick. NaN, and a `note`, if not to be had.
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
    finite and without negatives, a size that does not fit, fewer disjoint subsets than `count`, or more subsets than
    MOST_SUBSETS.
    """
    confusion = _checked(confusion)
    most = len(confusion) // _fitting(size, len(confusion))
    if not _is_whole(count) or not 1 <= count <= most:
        raise StudyError(f"{len(confusion)} classes hold from 1 to {most} disjoint subsets of {size}; given count {count!r}.")
    _check_search(len(confusion), size)
    both = confusion + confusion.T
    picks, left = [], np.arange(len(both))
    for _ in range(count):  # the subsets that share no class with the picks are those of the classes that are left
        best, score = _best(both[np.ix_(left, left)], size)
        picks.append((tuple(left[best].tolist()), float(score)))
        left = np.delete(left, best)
    return picks


def ranked(confusion: np.ndarray, size: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Every subset, int [M,size], and its confusion [M]: int64 for whole counts, else float64.

    Raises StudyError as `most_confusable`, and on more subsets than MOST_KEPT.
    """
    confusion = _checked(confusion)
    _check_kept(len(confusion), _fitting(size, len(confusion)))
    chunks = list(_scored(confusion + confusion.T, size))
    return np.concatenate([columns.T for columns, _ in chunks]), np.concatenate([scores for _, scores in chunks])


def confusion_within(confusion: np.ndarray, classes: Sequence[int]) -> float:
    """The confusion of one subset. Raises StudyError on a class that is not in the matrix, or is given twice."""
    confusion = _checked(confusion)
    places = _places(classes, len(confusion))
    inner = confusion[np.ix_(places, places)]
    return float(inner.sum() - np.trace(inner))


def pairing(confusion: np.ndarray, classes: Sequence[int]) -> tuple[tuple[tuple[int, int], ...], float]:
    """The disjoint pairs of a subset's classes that hold most of its confusion, and the share that they hold, 0 to 1.

    It tells classes that are all alike (of four, the share is 1/3 or little more) from pairs that have little to do with each
    other (near 1), which the sum cannot. Share 0 if there is no confusion; of an odd number of classes one has no pair. Raises
    StudyError as `confusion_within`, and on fewer than 2 or more than MOST_PAIRED classes.
    """
    total = confusion_within(confusion, classes)
    if not 2 <= len(classes) <= MOST_PAIRED:
        raise StudyError(f"Pairs are sought among 2 to {MOST_PAIRED} classes; given {len(classes)}.")
    both = _checked(confusion) + np.transpose(confusion)
    best = max(_matchings(tuple(sorted(classes))), key=lambda pairs: sum(both[pair] for pair in pairs))
    return best, float(sum(both[pair] for pair in best)) / total if total else 0.0


def _matchings(classes: tuple[int, ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every way to make pairs of ascending classes; of an odd number, one is left out."""
    if len(classes) < 2:
        yield ()
        return
    first, rest = classes[0], classes[1:]
    for place, other in enumerate(rest):
        for pairs in _matchings(rest[:place] + rest[place + 1 :]):
            yield ((first, other), *pairs)
    if len(classes) % 2:
        yield from _matchings(rest)


def rank_of(scores: np.ndarray, score: float) -> tuple[int, int]:
    """The best and the worst rank of a score among `scores` [M]: 1 is the most confusable, and subsets that tie share both.

    The best is one more than the scores above it, the worst is the number of scores that are not below it.
    """
    scores = np.asarray(scores)
    slack = _slack(scores, score)
    return int((scores > score + slack).sum()) + 1, int((scores >= score - slack).sum())


def disjoint(members: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Which subsets [M] of `members` [M,size] share no class with `classes`."""
    return ~np.isin(members, list(classes)).any(axis=1)


def jaccard(a: Sequence, b: Sequence) -> float:
    """Shared classes over all classes of two subsets, 0 to 1."""
    return len({*a} & {*b}) / len({*a} | {*b})


def resample_runs(confusions: np.ndarray, draws: int = 1000, *, generator: np.random.Generator) -> Resampled:
    """Bootstrap over runs: of `confusions` [R,C,C], one matrix per run, R are drawn with replacement and added up.

    It tells what other seeds could have shown on the same texts. One run says nothing of that: no draws, and a note.
    """
    pairs = np.stack([_pairs(_checked(matrix)) for matrix in confusions]) if len(confusions) else np.empty((0, 0))
    if not len(pairs):
        raise StudyError("A bootstrap over runs needs the confusion matrix of at least one run; given none.")
    if len(pairs) == 1:
        return Resampled(pairs[:0], "runs", 1, ONE_RUN)
    drawn = np.stack([weights @ pairs for weights in _weights(len(pairs), draws, generator)])
    return Resampled(drawn, "runs", len(pairs))


def resample_texts(
    labels: np.ndarray, predictions: np.ndarray, classes: int, draws: int = 1000, *, generator: np.random.Generator
) -> Resampled:
    """Bootstrap over texts: of the N texts with `labels` [N], N are drawn with replacement, each with its `predictions` [R,N]
    of all runs, and the confusions of the runs are added up.

    It tells what other texts could have shown to the same trained models, not what other seeds could have.
    """
    labels, predictions = np.asarray(labels), np.atleast_2d(predictions)
    if labels.ndim != 1 or predictions.ndim != 2 or not len(labels) or predictions.shape[1:] != labels.shape:
        given = f"shapes {labels.shape} and {predictions.shape}"
        raise StudyError(f"A bootstrap over texts needs labels [N] and predictions [R,N], N at least 1; given {given}.")
    if labels.dtype.kind not in "iu" or predictions.dtype.kind not in "iu":
        raise StudyError(f"Labels and predictions must be class ids; given {labels.dtype} and {predictions.dtype}.")
    if min(labels.min(), predictions.min()) < 0 or max(labels.max(), predictions.max()) >= classes:
        raise StudyError(f"Labels and predictions must be class ids from 0 to {classes - 1}; given others.")
    _, text = np.nonzero(wrong := predictions != labels)
    pair = _pair_numbers(classes)[labels[text], predictions[wrong]]
    count = math.comb(classes, 2)
    drawn = [np.bincount(pair, weights[text], minlength=count) for weights in _weights(len(labels), draws, generator)]
    return Resampled(np.stack(drawn).astype(np.int64), "texts", len(labels))


def stability(confusion: np.ndarray, resampled: Resampled, size: int = 4, count: int = 4) -> list[Stability]:
    """How stable the picks of `most_confusable` are: each draw of `resampled` is searched for disjoint picks as the data were.

    Raises StudyError as `most_confusable`, and on more subsets than MOST_KEPT.
    """
    picks = [classes for classes, _ in most_confusable(confusion, size, count)]
    if not len(resampled.pairs):
        return [Stability(classes, math.nan, math.nan, math.nan, resampled.note) for classes in picks]
    found = _picks_of_draws(resampled.pairs, len(confusion), size, count)
    told = []
    for place, pick in enumerate(picks):
        shared = np.isin(found, pick).sum(axis=2)  # [B,count]
        same, overlap = shared == size, (shared / (2 * size - shared)).max(axis=1)
        told.append(Stability(pick, float(same.any(axis=1).mean()), float(same[:, place].mean()), float(overlap.mean())))
    return told


def resampled_ranks(resampled: Resampled, chosen: Sequence[Sequence[int]], classes: int) -> np.ndarray:
    """The best rank of each subset of `chosen` among all subsets of its size, in each draw: int [B, len(chosen)].

    Raises StudyError if they are not subsets of one size of `classes` classes, and on more subsets than MOST_KEPT.
    """
    chosen = [sorted(_places(members, classes)) for members in chosen]
    if len(sizes := {len(members) for members in chosen}) != 1:
        raise StudyError(f"Ranks are among subsets of one size; given sizes {sorted(sizes)}.")
    members = _all_subsets(classes, _fitting(*sizes, classes))
    places = [int(np.flatnonzero((members == one).all(axis=1))[0]) for one in chosen]
    draws = _scores_of_draws(resampled.pairs, classes, members)
    return np.array([[rank_of(scores, scores[place])[0] for place in places] for scores in draws], int).reshape(-1, len(chosen))


def _picks_of_draws(pairs: np.ndarray, classes: int, size: int, count: int) -> np.ndarray:
    """The disjoint picks [B,count,size] of each draw. A draw's subsets are scored once; what shares a class is struck out."""
    members = _all_subsets(classes, size)
    holders = np.stack([np.flatnonzero((members == number).any(axis=1)) for number in range(classes)])
    found = np.empty((len(pairs), count, size), int)
    for draw, scores in enumerate(_scores_of_draws(pairs, classes, members)):
        for place in range(count):
            top = scores.max()
            pick = members[np.argmax(scores >= top - _slack(scores, top))]
            found[draw, place] = pick
            scores[holders[pick]] = -1
    return found


def _scores_of_draws(pairs: np.ndarray, classes: int, members: np.ndarray) -> Iterator[np.ndarray]:
    """The confusions [M] of all `members` [M,size] in each draw of `pairs` [B,P]."""
    numbers = _pair_numbers(classes)
    inside = [numbers[members[:, a], members[:, b]] for a, b in zip(*np.triu_indices(members.shape[1], 1), strict=True)]
    for row in pairs:
        scores = row[inside[0]]
        for pair in inside[1:]:
            scores += row[pair]
        yield scores


def _weights(units: int, draws: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each unit was drawn, int [units], of as many with replacement."""
    if not _is_whole(draws) or draws < 1:
        raise StudyError(f"draws must be a whole number, 1 or more; given {draws!r}.")
    for _ in range(draws):
        yield np.bincount(generator.integers(units, size=units), minlength=units)


def _best(both: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    best, score = None, -1
    for columns, scores in _scored(both, size):
        top = scores.max()
        if best is None or top > score + _slack(scores, score):
            place = int(np.argmax(scores >= top - _slack(scores, top)))  # the first of those that tie
            best, score = columns[:, place], scores[place]
    return best, score


def _scored(both: np.ndarray, size: int, prefix: tuple[int, ...] = ()) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All subsets that begin with `prefix`, int [size,m] at a time, m at most _CHUNK or C, and their confusions [m].

    `both` [C,C] holds the confusions of pairs.
    """
    classes, open_places = len(both), size - len(prefix)
    for first in range(prefix[-1] + 1 if prefix else 0, classes - open_places + 1):
        if open_places == 1 or math.comb(classes - first, open_places) <= _CHUNK:
            yield _grown(both, size, prefix, first)  # all others at once
            return
        yield from _scored(both, size, (*prefix, first))


def _grown(both: np.ndarray, size: int, prefix: tuple[int, ...], first: int) -> tuple[np.ndarray, np.ndarray]:
    """As `_scored`, those whose next class is `first` or later, built place by place: each is followed by every later class
    that leaves room for the rest.
    """
    columns = [np.array([number]) for number in prefix]
    scores = np.array([np.triu(both[np.ix_(prefix, prefix)], 1).sum()])
    for place in range(len(prefix), size):
        begin = columns[-1] + 1 if place > len(prefix) else np.array([first])
        room = len(both) - size + place + 1 - begin
        parent = np.repeat(np.arange(len(begin)), room)
        last = np.arange(len(parent)) + np.repeat(begin - np.cumsum(room) + room, room)
        columns = [column[parent] for column in columns]
        scores = scores[parent]
        for column in columns:
            scores += both[column, last]
        columns.append(last)
    return np.stack(columns), scores


def _all_subsets(classes: int, size: int) -> np.ndarray:
    """All subsets, int [M,size]."""
    _check_kept(classes, size)
    return np.concatenate([columns.T for columns, _ in _scored(np.zeros((classes, classes), np.int64), size)])


def _pair_numbers(classes: int) -> np.ndarray:
    """The number of each pair of classes, [C,C], the same for (a, b) and (b, a)."""
    numbers = np.zeros((classes, classes), int)
    upper = np.triu_indices(classes, 1)
    numbers[upper] = np.arange(len(upper[0]))
    return numbers + numbers.T


def _pairs(confusion: np.ndarray) -> np.ndarray:
    return (confusion + confusion.T)[np.triu_indices(len(confusion), 1)]


def _slack(scores: np.ndarray, score: float) -> float:
    """How near to `score` another is that ties with it: whole counts are exact."""
    return 0 if scores.dtype.kind in "iu" else _ROUNDING * abs(score)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _places(classes: Sequence[int], count: int) -> list[int]:
    places = list(classes)
    if not all(_is_whole(place) and 0 <= place < count for place in places) or len({*places}) != len(places):
        raise StudyError(f"A subset must hold different class ids from 0 to {count - 1}; given {places}.")
    return places


def _checked(confusion: np.ndarray) -> np.ndarray:
    try:
        confusion = np.asarray(confusion)
    except ValueError:
        raise StudyError("A confusion matrix must be square; given rows of different lengths.") from None
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1] or not len(confusion):
        raise StudyError(f"A confusion matrix must be square, with a class at least; given shape {confusion.shape}.")
    if confusion.dtype.kind not in "iuf":
        raise StudyError(f"A confusion matrix must hold counts; given values of type {confusion.dtype}.")
    if not np.isfinite(confusion).all() or (confusion < 0).any():
        raise StudyError("A confusion matrix must hold finite counts, 0 or more; given NaN, infinity or a negative one.")
    if confusion.sum(dtype=float) >= 2.0**62:
        raise StudyError(
            f"The counts of a confusion matrix must add up to less than 2^62; given {confusion.sum(dtype=float):.3g}."
        )
    return confusion.astype(np.float64 if confusion.dtype.kind == "f" else np.int64)


def _fitting(size: int, classes: int) -> int:
    if not _is_whole(size) or not 2 <= size <= classes:
        raise StudyError(f"size must be a whole number from 2 to the number of classes, {classes}; given {size!r}.")
    return size


def _check_search(classes: int, size: int) -> None:
    subsets = math.comb(classes, size)
    if subsets > MOST_SUBSETS:
        seconds = subsets * size * _NANOSECONDS * 1e-9
        raise StudyError(
            f"{classes} classes have {subsets:,} subsets of {size}, about {seconds:,.0f} s for a search; it takes at most "
            f"{MOST_SUBSETS:,}: choose a smaller size or fewer classes."
        )


def _check_kept(classes: int, size: int) -> None:
    subsets = math.comb(classes, size)
    if subsets > MOST_KEPT:
        gigabytes = subsets * (size + 1) * 8e-9
        raise StudyError(
            f"{classes} classes have {subsets:,} subsets of {size}, {gigabytes:,.1f} GB to hold all at once; at most "
            f"{MOST_KEPT:,}: choose a smaller size or fewer classes, or search without ranks and bootstrap."
        )
