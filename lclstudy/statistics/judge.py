"""The one judgement of the study: what a comparison of runs says of a claim, always in the same word.

The policy and its reasons are in `data/published/README.md`. Numbers are in the unit of the runs: points of accuracy, or bits.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from lclstudy.errors import StudyError, unknown

from . import tests
from .tests import TTest

REPRODUCED, CONTRADICTED, SMALLER = "reproduced", "contradicted", "smaller than published"
UNDECIDED, NOT_RUN = "undecided", "not run"
WORDS = (REPRODUCED, CONTRADICTED, SMALLER, UNDECIDED, NOT_RUN)
WITHIN = ("same", "not above")  # claims that need a margin
CLAIMS = ("above", "below", *WITHIN)  # of a, against b
LEVEL = 0.05
FEWEST = 3  # runs on each side; below, nothing is decided
FIRST, LAST = 0.001, 0.01  # of all ranks: a hard set is found among the first, and is none outside the last
DRAWN = 0.95  # share of the resamplings that must agree on a rank


class Judgement(NamedTuple):
    """`difference` is mean a - mean b, with its 95 % interval over seeds; `p` two-sided by Welch, or of the equivalence test
    where the claim has a margin; `p_holm` the two-sided p adjusted in its family.

    `power` of seeing the expected difference (or, with a margin, that there is none) if the true deviation is the pooled one of
    these runs, `power_low` and `power_high` at the ends of its 80 % interval; `needed`: runs on each side for a power of 0.8,
    NaN if unknown. `n` holds the counts of runs. `note` says why there is no test.
    """

    word: str
    difference: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    p: float = math.nan
    p_holm: float = math.nan
    n: tuple[int, ...] = ()
    power: float = math.nan
    power_low: float = math.nan
    power_high: float = math.nan
    needed: float = math.nan
    note: str = ""


def judge(
    a: Iterable[float],
    b: Iterable[float],
    expected: float | None = None,
    margin: float | None = None,
    claim: str = "",
    p_holm: float | None = None,
) -> Judgement:
    """What runs `a` against runs `b` say of a claim.

    `claim` is that a is `above` b (the default), `below` b, the `same` within `margin` (the default with a margin), or `not
    above` b by the margin. `expected` is the published difference a - b. `p_holm` is p adjusted in its family; alone, a
    comparison is a family of one. Raises StudyError on NaN, an unknown claim, or a margin that is missing or not above 0.
    """
    claim = claim or ("above" if margin is None else "same")
    if claim not in CLAIMS:
        raise unknown("claim", claim, CLAIMS)
    if claim in WITHIN and not (margin or 0) > 0:
        raise StudyError(f"A claim of {claim!r} needs a margin above 0; given {margin!r}.")
    a, b = np.asarray(list(a), float), np.asarray(list(b), float)
    if not (len(a) and len(b)):
        return Judgement(NOT_RUN, n=(len(a), len(b)))
    test, n = tests.welch(a, b), (len(a), len(b))
    if test.note or claim not in WITHIN:
        found = judge_difference(test, min(n), expected, claim, p_holm)._replace(n=n)
        return found if test.note or expected is None else found._replace(**pooled_power(expected, a, b))
    p, word = _within_margin(test, margin, claim)
    word = word if min(n) >= FEWEST else UNDECIDED
    found = _judgement(word, test, n, p, math.nan if p_holm is None else p_holm)
    return found._replace(**_equivalence_power(margin, a, b, sides=2 if claim == "same" else 1))


def judge_difference(
    test: TTest, n: int, expected: float | None = None, claim: str = "above", p_holm: float | None = None
) -> Judgement:
    """`judge` of a test that is made already, such as a contrast of means over class sets; `n` is its smallest group."""
    if test.note:
        return _judgement(UNDECIDED, test, (n,), test.p)
    sign = -1 if claim == "below" else 1
    p_holm = test.p if p_holm is None else p_holm
    if n < FEWEST:
        word = UNDECIDED
    elif p_holm < LEVEL:
        word = REPRODUCED if sign * test.difference > 0 else CONTRADICTED
    elif expected is not None and max(sign * test.ci_low, sign * test.ci_high) < sign * expected:
        word = SMALLER
    else:
        word = UNDECIDED
    found = _judgement(word, test, (n,), test.p, p_holm)
    return found if expected is None else found._replace(power=test.power(expected))


def judge_level(values: Iterable[float], level: float, margin: float) -> Judgement:
    """Whether runs reach a published `level`: their mean within the margin of it, or their interval wholly outside the margin.

    `difference` is their mean minus the level. Raises StudyError on NaN, or a margin not above 0.
    """
    if not margin > 0:
        raise StudyError(f"A level needs a margin above 0; given {margin!r}.")
    values = np.asarray(list(values), float)
    if not len(values):
        return Judgement(NOT_RUN, n=(0,))
    low, high = (end - level for end in tests.mean_interval(values))
    difference, n = float(values.mean()) - level, (len(values),)
    if len(values) < FEWEST:
        word = UNDECIDED
    elif abs(difference) <= margin:
        word = REPRODUCED
    else:
        word = CONTRADICTED if low > margin or high < -margin else UNDECIDED
    return Judgement(word, difference, low, high, n=n, note=tests.ONE_RUN if len(values) == 1 else "")


def judge_ranks(ranks: Iterable[int], sets: int, runs: int) -> str:
    """The word for a published hard set from its `ranks` (1 is the most confusable) among all `sets` under resampled texts,
    in the confusions of so many `runs`: found among the first 0.1 %, outside the first 1 %, or neither, in 95 % of draws."""
    ranks = np.asarray(list(ranks))
    if runs < FEWEST:
        return UNDECIDED if runs else NOT_RUN
    first, last = rank_limits(sets)
    if (ranks <= first).mean() >= DRAWN:
        return REPRODUCED
    return CONTRADICTED if (ranks > last).mean() >= DRAWN else UNDECIDED


def rank_limits(sets: int) -> tuple[int, int]:
    """The last rank among the first 0.1 % of so many sets, and among the first 1 %."""
    return max(1, round(FIRST * sets)), max(1, round(LAST * sets))


def over_texts(right_a: np.ndarray, right_b: np.ndarray) -> TTest:
    """The difference of accuracy in points with its 95 % interval over test texts, from right or wrong [runs, N] of each side.

    The mean over the runs of a side is kept together per text; with N texts this is the interval that resampling them gives.
    """
    return tests.paired(100.0 * np.mean(right_a, axis=0), 100.0 * np.mean(right_b, axis=0))


def pooled_power(difference: float, a: Sequence[float], b: Sequence[float]) -> dict[str, float]:
    """`power`, `power_low`, `power_high` and `needed` of a `Judgement` for a true difference, from the runs of both sides."""
    return _powers(lambda sd, n_a, n_b: tests.power(difference, sd, n_a, sd, n_b), a, b, 10_000)


def _equivalence_power(margin: float, a: Sequence[float], b: Sequence[float], sides: int) -> dict[str, float]:
    """Power of the equivalence test (or of its upper half alone) if there is no difference at all."""

    def power(deviation: float, n_a: int, n_b: int) -> float:
        error, df = deviation * math.sqrt(1 / n_a + 1 / n_b), n_a + n_b - 2
        passed = stats.nct.sf(stats.t.ppf(1 - LEVEL, df), df, margin / error)
        return float(max(0.0, 1 - sides * (1 - passed)))

    return _powers(power, a, b, 1000)


def _powers(power: Callable[[float, int, int], float], a: Sequence, b: Sequence, most: int) -> dict[str, float]:
    """As `pooled_power`, of the `power` for a deviation and two counts of runs; `needed` is NaN if more than `most`."""
    free = len(a) + len(b) - 2
    pooled = math.sqrt((np.var(a) * len(a) + np.var(b) * len(b)) / free)
    ends = (pooled * math.sqrt(free / stats.chi2.ppf(share, free)) for share in (0.1, 0.9))  # of its 80 % interval
    middle, low, high = (power(deviation, len(a), len(b)) for deviation in (pooled, *ends))
    counts = range(2, most + 1)
    first = bisect_left(counts, True, key=lambda n: power(pooled, n, n) >= tests.DETECTED)  # more runs never have less
    needed = counts[first] if first < len(counts) else math.nan
    return {"power": middle, "power_low": low, "power_high": high, "needed": needed}


def _within_margin(test: TTest, margin: float, claim: str) -> tuple[float, str]:
    """p that the difference is within the margin (Schuirmann 1987; above it alone for `not above`), and the word at 5 %."""
    below, above = test.p_below(margin), 1 - test.p_below(-margin)  # small: below the margin, above its negative
    p, outside = (max(below, above), min(1 - below, 1 - above)) if claim == "same" else (below, 1 - below)
    return p, REPRODUCED if p < LEVEL else CONTRADICTED if outside < LEVEL else UNDECIDED


def _judgement(word: str, test: TTest, n: tuple[int, ...], p: float, p_holm: float = math.nan) -> Judgement:
    return Judgement(word, test.difference, test.ci_low, test.ci_high, p, p_holm, n, note=test.note)
