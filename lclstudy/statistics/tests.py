"""Tests, effect sizes and intervals for a handful of runs, from the runs or from published means and deviations. SciPy.

A test that cannot be made is no error: its numbers are NaN and its `note` says why, and the difference is there all the same.
NaN in the input is an error (StudyError), because it would pass through every mean unseen.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats

from lclstudy.errors import StudyError

CONFIDENCE = 0.95
DETECTED = 0.8  # the power at which a test is said to detect a difference
ONE_RUN = "one run: no test"
NO_DEVIATION = "no deviation: no test"


class TTest(NamedTuple):
    """A two-sided t-test. `difference` is mean a - mean b; `ci_low` and `ci_high` hold it with 95 % confidence."""

    t: float = math.nan
    df: float = math.nan
    p: float = math.nan
    difference: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    note: str = ""

    @property
    def error(self) -> float:
        """The standard error of the difference."""
        return (self.ci_high - self.ci_low) / 2 / _reach(self.df)

    def p_below(self, bound: float) -> float:
        """One-sided p of the hypothesis that the true difference is `bound` or more: small where it lies below."""
        return float(stats.t.cdf((self.difference - bound) / self.error, self.df))

    def power(self, difference: float) -> float:
        """The power of this test for a true difference, taking its own standard error for the true one, by the noncentral t."""
        noncentrality, critical = abs(difference) / self.error, _reach(self.df)
        if noncentrality > critical + 40:  # beyond, the noncentral distribution is no longer computed, and the power is 1
            return 1.0
        wrong_side = stats.nct.cdf(-critical, self.df, noncentrality)
        return float(stats.nct.sf(critical, self.df, noncentrality) + (0 if math.isnan(wrong_side) else wrong_side))


def welch(a: Iterable[float], b: Iterable[float]) -> TTest:
    """Welch's t-test of two independent groups of runs, which may differ in size and deviation."""
    return welch_from_summary(*_summary(a), *_summary(b))


def welch_from_summary(mean_a, sd_a, n_a, mean_b, sd_b, n_b, ddof: int = 1) -> TTest:
    """Welch's t-test from means, standard deviations and counts, as a paper prints them.

    `ddof` says how the given deviations were computed: 1 divides by n - 1, 0 by n (NumPy's default). Raises StudyError on NaN,
    a negative deviation, n below 1, or another `ddof`.
    """
    return _contrast([(1.0, *_checked(mean_a, sd_a, n_a, ddof)), (-1.0, *_checked(mean_b, sd_b, n_b, ddof))])


def paired(a: Iterable[float], b: Iterable[float]) -> TTest:
    """Paired t-test: `a` and `b` hold the same seeds in the same order. Raises StudyError if their lengths differ."""
    a, b = _values(a), _values(b)
    if len(a) != len(b):
        raise StudyError(
            f"A paired test needs as many runs on both sides; given {len(a)} and {len(b)}: keep the seeds of both."
        )
    difference = float(np.mean(a - b))
    if len(a) == 1 or _is_constant(a - b, scale=np.abs([a, b]).max()):
        return TTest(difference=difference, note=ONE_RUN if len(a) == 1 else NO_DEVIATION)
    found = stats.ttest_rel(a, b)
    low, high = found.confidence_interval(CONFIDENCE)
    return TTest(float(found.statistic), float(found.df), float(found.pvalue), difference, float(low), float(high))


def holm(p_values: Iterable[float]) -> np.ndarray:
    """p-values adjusted by Holm's step-down method (Holm 1979), in the order given.

    NaN stands for a test that was not made: it stays NaN and does not count in the family. Raises StudyError if a value is not
    from 0 to 1.
    """
    p_values = np.asarray(list(p_values), dtype=float)
    made = ~np.isnan(p_values)
    if ((p_values[made] < 0) | (p_values[made] > 1)).any():
        raise StudyError(f"p-values must be from 0 to 1, or NaN for a test that was not made; given {p_values.tolist()}.")
    # Not by statsmodels' multipletests, which collects garbage at each call: 70 ms, and simulations make thousands.
    adjusted, family = p_values.copy(), p_values[made]
    order = np.argsort(family, kind="stable")
    steps = np.maximum.accumulate(family[order] * np.arange(len(family), 0, -1))
    adjusted[np.flatnonzero(made)[order]] = np.minimum(steps, 1)
    return adjusted


def contrast(groups: Iterable[tuple[float, Iterable[float]]]) -> TTest:
    """Welch's test that a contrast of means, the sum of factor * mean over (factor, runs), is 0 (Satterthwaite 1946).

    Two groups with factors 1 and -1 give `welch`. Raises StudyError on NaN.
    """
    return _contrast([(float(factor), *_summary(values)) for factor, values in groups])


def _contrast(sides: list[tuple[float, float, float, int]]) -> TTest:
    """`contrast` of (factor, mean, standard deviation with ddof 1, n) each."""
    difference = sum(factor * mean for factor, mean, _, _ in sides)
    if any(n == 1 for *_, n in sides):
        return TTest(difference=difference, note=ONE_RUN)
    parts = [(factor**2 * sd**2 / n, n - 1) for factor, _, sd, n in sides]
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return TTest(difference=difference, note=NO_DEVIATION)
    error, df = math.sqrt(variance), variance**2 / sum(part**2 / free for part, free in parts)
    reach = _reach(df) * error
    p = float(2 * stats.t.sf(abs(difference / error), df))
    return TTest(difference / error, df, p, difference, difference - reach, difference + reach)


def power(difference: float, sd_a: float, n_a: int, sd_b: float, n_b: int) -> float:
    """Power of the two-sided Welch test at level 0.05 for a true `difference` of means, the deviations (ddof 1) taken as the
    true ones, as one does with published values; NaN where there is no test. Raises StudyError as `welch_from_summary`."""
    test = welch_from_summary(difference, sd_a, n_a, 0, sd_b, n_b)
    return math.nan if test.note else test.power(difference)


def mean_interval(values: Iterable[float]) -> tuple[float, float]:
    """The 95 % interval of a mean by Student's t; NaN, NaN for one run."""
    mean, sd, n = _summary(values)
    reach = _reach(n - 1) * sd / math.sqrt(n) if n > 1 else math.nan
    return mean - reach, mean + reach


def _checked(mean: float, sd: float, n: int, ddof: int) -> tuple[float, float, int]:
    """The three, the deviation with ddof 1."""
    if ddof not in (0, 1):
        raise StudyError(f"ddof must be 1 (deviations divide by n - 1) or 0 (by n); given {ddof!r}.")
    if not (math.isfinite(n) and n == int(n) and n >= 1):
        raise StudyError(f"n must be a whole number, 1 or more; given {n!r}.")
    n = int(n)
    if n == 1:
        sd = 0.0  # one run has no deviation; papers print `-`, which reads as NaN
    if not (math.isfinite(mean) and math.isfinite(sd) and sd >= 0):
        raise StudyError(f"A mean must be finite and a standard deviation 0 or more; given mean {mean!r}, deviation {sd!r}.")
    return float(mean), float(sd) * (math.sqrt(n / (n - 1)) if ddof == 0 and n > 1 else 1), n


def _reach(df: float) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, df))


def _values(values: Iterable[float]) -> np.ndarray:
    values = np.asarray(list(values), dtype=float)
    if values.ndim != 1 or len(values) == 0:
        raise StudyError("A test needs at least one run on each side; given none.")
    if not np.isfinite(values).all():
        raise StudyError(f"Runs hold NaN or infinity: {values.tolist()}; leave out runs that are not done.")
    return values


def _is_constant(values: np.ndarray, scale: float) -> bool:
    return np.ptp(values) <= 1e-12 * scale  # the differences of equal steps differ in their last bits


def _summary(values: Iterable[float]) -> tuple[float, float, int]:
    values = _values(values)
    sd = 0.0 if _is_constant(values, np.abs(values).max()) else float(values.std(ddof=1))
    return float(values.mean()), sd, len(values)
