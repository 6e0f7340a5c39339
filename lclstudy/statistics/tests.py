"""Tests, effect sizes and intervals for a handful of runs, from the runs or from published means and deviations. SciPy.

A test that cannot be made is no error: its numbers are NaN and its `note` says why, and the difference is there all the same.
NaN in the input is an error (StudyError), because it would pass through every mean unseen.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

from lclstudy.errors import StudyError

CONFIDENCE = 0.95
DETECTED = 0.8  # the power at which a test is said to detect a difference
ONE_RUN = "one run: no test"
NO_DEVIATION = "no deviation: no test"


class TTest(NamedTuple):
    """A two-sided t-test. `difference` is mean a - mean b; `ci_low` and `ci_high` hold it with 95 % confidence."""

    t: float
    df: float
    p: float
    difference: float
    ci_low: float
    ci_high: float
    note: str = ""


class Effect(NamedTuple):
    """A standardised difference between two means, with its 95 % interval."""

    g: float
    ci_low: float
    ci_high: float
    note: str = ""


def welch(a: Iterable[float], b: Iterable[float]) -> TTest:
    """Welch's t-test of two independent groups of runs, which may differ in size and deviation."""
    return welch_from_summary(*_summary(a), *_summary(b))


def welch_from_summary(mean_a, sd_a, n_a, mean_b, sd_b, n_b, ddof: int = 1) -> TTest:
    """Welch's t-test from means, standard deviations and counts, as a paper prints them.

    `ddof` says how the given deviations were computed: 1 divides by n - 1, 0 by n (NumPy's default). Raises StudyError on NaN,
    a negative deviation, n below 1, or another `ddof`.
    """
    return _compare(_Group.of(mean_a, sd_a, n_a, ddof), _Group.of(mean_b, sd_b, n_b, ddof), pooled=False)


def student(a: Iterable[float], b: Iterable[float]) -> TTest:
    """Student's t-test of two independent groups of runs, which takes their deviations for equal."""
    return student_from_summary(*_summary(a), *_summary(b))


def student_from_summary(mean_a, sd_a, n_a, mean_b, sd_b, n_b, ddof: int = 1) -> TTest:
    """Student's t-test from means, standard deviations and counts; arguments and errors as in `welch_from_summary`."""
    return _compare(_Group.of(mean_a, sd_a, n_a, ddof), _Group.of(mean_b, sd_b, n_b, ddof), pooled=True)


def paired(a: Iterable[float], b: Iterable[float]) -> TTest:
    """Paired t-test: `a` and `b` hold the same seeds in the same order. Raises StudyError if their lengths differ."""
    a, b = _values(a), _values(b)
    if len(a) != len(b):
        raise StudyError(
            f"A paired test needs as many runs on both sides; given {len(a)} and {len(b)}: keep the seeds of both."
        )
    difference = float(np.mean(a - b))
    if len(a) == 1:
        return _no_test(difference, ONE_RUN)
    if _is_constant(a - b, scale=np.abs([a, b]).max()):
        return _no_test(difference, NO_DEVIATION)
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
    adjusted = np.full(len(p_values), np.nan)
    family = p_values[made]
    order = np.argsort(family, kind="stable")
    steps = np.maximum.accumulate(family[order] * np.arange(len(family), 0, -1))
    restored = np.empty(len(family))
    restored[order] = np.minimum(steps, 1)
    adjusted[made] = restored
    return adjusted


def hedges_g(a: Iterable[float], b: Iterable[float]) -> Effect:
    """Hedges' g of two independent groups of runs: the difference of means over the pooled deviation, corrected for small n."""
    return hedges_g_from_summary(*_summary(a), *_summary(b))


def hedges_g_from_summary(mean_a, sd_a, n_a, mean_b, sd_b, n_b, ddof: int = 1) -> Effect:
    """Hedges' g from means, standard deviations and counts; arguments and errors as in `welch_from_summary`.

    g is the unbiased estimate with the exact gamma-function factor (Hedges 1981, Eq. 6e); the interval is that of the true
    standardised difference by the noncentral t distribution (Cumming and Finch 2001), and takes both deviations for equal.
    """
    a, b = _Group.of(mean_a, sd_a, n_a, ddof), _Group.of(mean_b, sd_b, n_b, ddof)
    student_test = _compare(a, b, pooled=True)
    if student_test.note:
        return Effect(math.nan, math.nan, math.nan, student_test.note)
    df = student_test.df
    unit = math.sqrt(1 / a.n + 1 / b.n)  # t = d / unit
    correction = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    low, high = (float(special.nctdtrinc(df, share, student_test.t)) for share in ((1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2))
    return Effect(correction * student_test.t * unit, low * unit, high * unit)


def contrast(groups: Iterable[tuple[float, Iterable[float]]]) -> TTest:
    """Welch's test that a contrast of means, the sum of factor * mean over (factor, runs), is 0 (Satterthwaite 1946).

    Two groups with factors 1 and -1 give `welch`. Raises StudyError if there is no group, or on NaN.
    """
    sides = [(float(factor), _Group.of(*_summary(values), 1)) for factor, values in groups]
    if not sides:
        raise StudyError("A contrast needs at least one group of runs; given none.")
    difference = sum(factor * group.mean for factor, group in sides)
    if any(group.n == 1 for _, group in sides):
        return _no_test(difference, ONE_RUN)
    parts = [(factor**2 * group.sd**2 / group.n, group.n - 1) for factor, group in sides]
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return _no_test(difference, NO_DEVIATION)
    error, df = math.sqrt(variance), variance**2 / sum(part**2 / free for part, free in parts)
    t, reach = difference / error, _reach(df) * error
    return TTest(t, df, float(2 * stats.t.sf(abs(t), df)), difference, difference - reach, difference + reach)


class Power(NamedTuple):
    """`power` of the two-sided Welch test for a true difference, and the `smallest` difference it detects with power 0.8."""

    power: float
    smallest: float
    note: str = ""


def power(difference: float, sd_a: float, n_a: int, sd_b: float, n_b: int, alpha: float = 0.05) -> Power:
    """Power of the two-sided Welch test at level `alpha`, by the noncentral t distribution with Welch-Satterthwaite df.

    `difference` is the true difference of means and the deviations (ddof 1) are taken as the true ones, as one does with
    published values. One run on a side gives NaN with a note. Raises StudyError on NaN, a negative deviation, or n below 1.
    """
    if not math.isfinite(difference):
        raise StudyError(f"The difference must be a finite number; given {difference!r}.")
    a, b = _Group.of(0, sd_a, n_a, 1), _Group.of(0, sd_b, n_b, 1)
    if min(a.n, b.n) == 1:
        return Power(math.nan, math.nan, ONE_RUN)
    if a.sd == b.sd == 0:
        return Power(math.nan, math.nan, NO_DEVIATION)
    error, df = _standard_error(a, b, pooled=False)
    most = 1.0
    while _power(most, df, alpha) < DETECTED:
        most *= 2
    smallest = optimize.brentq(lambda effect: _power(effect, df, alpha) - DETECTED, 0, most) * error
    return Power(_power(abs(difference) / error, df, alpha), smallest)


def _power(noncentrality: float, df: float, alpha: float) -> float:
    """Of a two-sided t-test; `noncentrality`, 0 or more, is the true difference over its standard error."""
    critical = stats.t.ppf(1 - alpha / 2, df)
    if noncentrality > critical + 40:  # beyond, the noncentral distribution is no longer computed, and the power is 1
        return 1.0
    wrong_side = stats.nct.cdf(-critical, df, noncentrality)
    return float(stats.nct.sf(critical, df, noncentrality) + (0 if math.isnan(wrong_side) else wrong_side))


def runs_needed(difference: float, sd_a: float, sd_b: float, wanted: float = 0.8, alpha: float = 0.05) -> int | None:
    """The fewest runs on each side with which `power` reaches `wanted`; None if more than 10,000, or for a difference of 0."""
    if difference == 0 or sd_a == sd_b == 0:
        return None

    def reached(n: int) -> bool:
        error, df = _standard_error(_Group.of(0, sd_a, n, 1), _Group.of(0, sd_b, n, 1), pooled=False)
        return _power(abs(difference) / error, df, alpha) >= wanted

    counts = range(2, 10_001)  # power grows with n, so halving the range finds the first that reaches it
    first = bisect_left(counts, True, key=reached)
    return counts[first] if first < len(counts) else None


class Equivalence(NamedTuple):
    """Two one-sided tests: `p` that the difference lies outside the margin; below the level the two are equivalent."""

    p: float
    difference: float
    note: str = ""


def equivalence(a: Iterable[float], b: Iterable[float], margin: float) -> Equivalence:
    """Two one-sided Welch tests (Schuirmann 1987) that the means differ by less than `margin`; `p` is the larger of the two.

    Raises StudyError if the margin is not above 0.
    """
    if not margin > 0:
        raise StudyError(f"The margin must be above 0; given {margin!r}.")
    test = welch(a, b)
    if test.note:
        return Equivalence(math.nan, test.difference, test.note)
    error = test.difference / test.t if test.t else (test.ci_high - test.difference) / _reach(test.df)
    low, high = (test.difference + margin) / error, (test.difference - margin) / error
    return Equivalence(float(max(stats.t.sf(low, test.df), stats.t.cdf(high, test.df))), test.difference)


class Bootstrap(NamedTuple):
    """A difference of means with its 95 % percentile interval."""

    difference: float
    ci_low: float
    ci_high: float
    note: str = ""


def bootstrap_difference(
    strata: Iterable[tuple[Iterable[float], Iterable[float]]],
    draws: int = 10_000,
    *,
    generator: np.random.Generator,
    signs: Iterable[float] | None = None,
) -> Bootstrap:
    """Stratified bootstrap of the mean over strata of mean a - mean b; a stratum, such as a corpus, is a pair (a, b) of runs.

    In each draw the runs of each side of each stratum are drawn again with replacement (Efron and Tibshirani 1993, ch. 13).
    With `signs` the strata's differences are added with these factors, for contrasts such as hard minus easy. A side of one
    run has no variation to draw from: the interval is NaN, and `note` says so. Raises StudyError if there is no stratum.
    """
    pairs = [(_values(a), _values(b)) for a, b in strata]
    if not pairs:
        raise StudyError("A bootstrap over strata needs at least one pair of runs; given none.")
    factors = np.full(len(pairs), 1 / len(pairs)) if signs is None else np.asarray(list(signs), float)
    if len(factors) != len(pairs):
        raise StudyError(f"signs must have a factor for each of the {len(pairs)} strata; given {len(factors)}.")
    difference = float(sum(factor * (a.mean() - b.mean()) for factor, (a, b) in zip(factors, pairs, strict=True)))
    if any(len(side) == 1 for pair in pairs for side in pair):
        return Bootstrap(difference, math.nan, math.nan, "one run in a stratum: no interval")
    drawn = sum(factor * (_drawn_means(a, draws, generator) - _drawn_means(b, draws, generator))
                for factor, (a, b) in zip(factors, pairs, strict=True))  # fmt: skip
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Bootstrap(difference, float(low), float(high))


def _drawn_means(values: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    return generator.choice(values, (draws, len(values))).mean(axis=1)


def mean_interval(values: Iterable[float]) -> tuple[float, float]:
    """The 95 % interval of a mean by Student's t; NaN, NaN for one run."""
    return mean_interval_from_summary(*_summary(values))


def mean_interval_from_summary(mean, sd, n, ddof: int = 1) -> tuple[float, float]:
    """The 95 % interval of a mean from mean, standard deviation and count; arguments as in `welch_from_summary`."""
    group = _Group.of(mean, sd, n, ddof)
    if group.n == 1:
        return math.nan, math.nan
    reach = _reach(group.n - 1) * group.sd / math.sqrt(group.n)
    return group.mean - reach, group.mean + reach


class _Group(NamedTuple):
    mean: float
    sd: float  # with ddof 1
    n: int

    @classmethod
    def of(cls, mean: float, sd: float, n: int, ddof: int) -> "_Group":
        if ddof not in (0, 1):
            raise StudyError(f"ddof must be 1 (deviations divide by n - 1) or 0 (by n); given {ddof!r}.")
        if not (math.isfinite(n) and n == int(n) and n >= 1):
            raise StudyError(f"n must be a whole number, 1 or more; given {n!r}.")
        n = int(n)
        if n == 1:
            sd = 0.0  # one run has no deviation; papers print `-`, which reads as NaN
        if not (math.isfinite(mean) and math.isfinite(sd) and sd >= 0):
            raise StudyError(
                f"A mean must be finite and a standard deviation 0 or more; given mean {mean!r}, deviation {sd!r}."
            )
        return cls(float(mean), float(sd) * (math.sqrt(n / (n - 1)) if ddof == 0 and n > 1 else 1), n)


def _compare(a: _Group, b: _Group, pooled: bool) -> TTest:
    difference = a.mean - b.mean
    if min(a.n, b.n) == 1:
        return _no_test(difference, ONE_RUN)
    if a.sd == b.sd == 0:
        return _no_test(difference, NO_DEVIATION)
    found = stats.ttest_ind_from_stats(*a, *b, equal_var=pooled)
    error, df = _standard_error(a, b, pooled)
    reach = _reach(df) * error
    return TTest(float(found.statistic), df, float(found.pvalue), difference, difference - reach, difference + reach)


def _standard_error(a: _Group, b: _Group, pooled: bool) -> tuple[float, float]:
    """Standard error of the difference, and its degrees of freedom (Welch-Satterthwaite unless pooled)."""
    if pooled:
        df = a.n + b.n - 2
        variance = ((a.n - 1) * a.sd**2 + (b.n - 1) * b.sd**2) / df
        return math.sqrt(variance * (1 / a.n + 1 / b.n)), float(df)
    of_a, of_b = a.sd**2 / a.n, b.sd**2 / b.n
    share = of_a / (of_a + of_b)
    return math.sqrt(of_a + of_b), 1 / (share**2 / (a.n - 1) + (1 - share) ** 2 / (b.n - 1))


def _reach(df: float) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, df))


def _no_test(difference: float, note: str) -> TTest:
    return TTest(math.nan, math.nan, math.nan, difference, math.nan, math.nan, note)


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
