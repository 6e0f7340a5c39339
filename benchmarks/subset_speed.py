"""Seconds of the search for hard class subsets, beside the same by `itertools.combinations`, and of its bootstrap.

python benchmarks/subset_speed.py [CLASSES [SIZE]]        32 and 4 by default, as in the paper: 35,960 subsets
"""

import itertools
import math
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from lclstudy import subsets
from lclstudy.errors import StudyError

PICKS, DRAWS, LIMIT = 4, 1000, 0.3  # disjoint subsets; draws of the bootstrap; CPU seconds that the search may take


def brute_force(confusion: np.ndarray, size: int, count: int) -> list[tuple[tuple[int, ...], float]]:
    """The picks of `subsets.most_confusable`, one subset after the other: its sub-matrix is cut out and added up."""
    picks, left = [], range(len(confusion))
    for _ in range(count):
        best, top = None, -1
        for members in itertools.combinations(left, size):
            inner = confusion[np.ix_(members, members)]
            score = inner.sum() - np.trace(inner)
            if score > top:
                best, top = members, score
        picks.append((best, float(top)))
        left = [number for number in left if number not in best]
    return picks


def seconds(work: Callable, times: int = 1) -> tuple[float, object]:
    """The median of the CPU seconds of calling `work` so often, and what it returned last."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        found = work()
        spent.append(time.process_time() - begun)
    return median(spent), found


def times(classes: int = 32, size: int = 4) -> dict[str, float]:
    """CPU seconds of `itertools`, of `ours`, and of `bootstrap`. Raises StudyError if the two searches differ."""
    generator = np.random.default_rng(0)
    runs = generator.poisson(2.0, (5, classes, classes))
    confusion, count = runs.sum(axis=0), min(PICKS, classes // size)
    slow, expected = seconds(lambda: brute_force(confusion, size, count))
    fast, found = seconds(lambda: subsets.most_confusable(confusion, size, count), times=5)
    if found != expected:
        raise StudyError(f"The search found {found}, brute force {expected}.")
    drawn = subsets.resample_runs(runs, DRAWS, generator=generator)
    again, _ = seconds(lambda: subsets.stability(confusion, drawn, size, count))
    return {"itertools": slow, "ours": fast, "bootstrap": again}


def main(classes: str = "32", size: str = "4") -> None:
    """Prints one line per way: CPU seconds, and the ratio to `itertools`."""
    if not (classes.isdecimal() and size.isdecimal() and 2 <= int(size) <= int(classes)):
        raise StudyError(f"CLASSES and SIZE must be whole numbers, SIZE from 2 to CLASSES; given {classes!r} and {size!r}.")
    subset_count = math.comb(int(classes), int(size))
    print(f"{subset_count:,} subsets of {size} of {classes} classes, at most {PICKS} disjoint picks, one core")
    found = times(int(classes), int(size))
    for name in ("itertools", "ours"):
        print(f"{name:10} {found[name] * 1e3:9.1f} ms   x{found['itertools'] / found[name]:.1f}")
    print(f"{'bootstrap':10} {found['bootstrap'] * 1e3:9.1f} ms   {DRAWS} draws, each searched")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except StudyError as error:
        sys.exit(str(error))
