"""Statistics against SciPy and statsmodels, by hand, and where no test can be made."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from lclstudy.statistics import tests
from tests.material import refused

A = [0.723, 0.726, 0.722, 0.725, 0.7245]
B = [0.712, 0.716, 0.7155, 0.714]


def test_tests_and_the_interval_of_a_mean_match_scipy():
    welch, paired = scipy_stats.ttest_ind(A, B, equal_var=False), scipy_stats.ttest_rel(A[:4], B)
    for found, truth, first in (
        (tests.welch(A, B), welch, A),
        (tests.welch_from_summary(np.mean(A), np.std(A), 5, np.mean(B), np.std(B), 4, ddof=0), welch, A),
        (tests.contrast([(1, A), (-1, B)]), welch, A),
        (tests.paired(A[:4], B), paired, A[:4]),
    ):
        wanted = (truth.statistic, truth.df, truth.pvalue, np.mean(first) - np.mean(B), *truth.confidence_interval())
        assert found[:6] == pytest.approx(wanted, rel=1e-9) and found.note == ""
    assert tests.mean_interval(A) == pytest.approx(scipy_stats.t.interval(0.95, 4, np.mean(A), scipy_stats.sem(A)))
    assert np.isnan(tests.mean_interval([0.7])).all()


def test_where_no_test_can_be_made():
    for found, note, difference in (
        (tests.welch([0.72], [0.71, 0.70]), tests.ONE_RUN, 0.015),
        (tests.paired([0.72], [0.71]), tests.ONE_RUN, 0.01),
        (tests.welch_from_summary(58.6, math.nan, 1, 58.5, 0.2, 5), tests.ONE_RUN, 0.1),  # papers print a dash
        (tests.contrast([(1, [1.0]), (-1, [0.5, 0.7])]), tests.ONE_RUN, 0.4),
        (tests.welch([0.1 + 0.2, 0.3, 0.3], [0.6, 0.6]), tests.NO_DEVIATION, -0.3),
        (tests.paired([0.8, 0.7, 0.4], [0.7, 0.6, 0.3]), tests.NO_DEVIATION, 0.1),  # equal, but for the last bits
    ):
        assert found.note == note and np.isnan([found.t, found.p, found.ci_low]).all()
        assert found.difference == pytest.approx(difference)


def test_what_does_not_fit_is_told():
    sides = (72.4, 0.2, 5, 71.4, 0.2, 5)
    for test, arguments, said in (
        *(
            (test, ([0.6, 0.7], [bad, 0.7]), "NaN or infinity")
            for test, bad in ((tests.welch, math.nan), (tests.paired, math.inf))
        ),
        (tests.welch, ([], [0.6]), "at least one run on each side"),
        (tests.paired, (A, B), "given 5 and 4"),
        (tests.welch_from_summary, (72.4, 0.2, 5, math.nan, 0.2, 5), "finite"),
        (tests.welch_from_summary, (72.4, math.nan, *sides[2:]), "finite"),
        (tests.welch_from_summary, (72.4, -0.2, *sides[2:]), "0 or more"),
        *((tests.welch_from_summary, (72.4, 0.2, n, *sides[3:]), "n must be") for n in (0, 2.5, math.nan)),
        (tests.welch_from_summary, (*sides, 2), "ddof"),
        (tests.power, (1, -1, 5, 1, 5), "0 or more"),
        *((tests.holm, ([0.5, bad],), "from 0 to 1") for bad in (-0.1, 1.1)),
    ):
        with refused(said):
            test(*arguments)


def test_holm_is_that_of_statsmodels_stops_at_one_and_keeps_nan_apart():
    for family in ([0.01, 0.04, 0.03, 0.005], [0.02, 0.02, 0.5, 0.0, 1.0, 0.019]):
        assert tests.holm(family) == pytest.approx(multipletests(family, method="holm")[1])
    assert tests.holm([0.6, math.nan, 0.5, 0.02]) == pytest.approx([1, math.nan, 1, 0.06], nan_ok=True)
    assert np.isnan(tests.holm([math.nan])).all()


def test_power_by_the_tables():
    """Cohen (1988), Table 2.3.5: d = 0.8 with 26 runs on each side has power 0.81 at .05 two-sided."""
    assert tests.power(0.8, 1, 26, 1, 26) == pytest.approx(0.81, abs=0.005)
    assert tests.power(1.0, 0.9, 5, 0.3, 7) == pytest.approx(0.480, abs=0.015), "by 20,000 simulated tests"
    assert tests.power(-1e6, 0.9, 3, 0.3, 3) == 1 and tests.power(0, 1, 5, 1, 5) == pytest.approx(0.05)
    assert np.isnan([tests.power(1, 1, 1, 1, 5), tests.power(1, 0, 5, 0, 5)]).all(), "one run, or no deviation"


def test_a_contrast_by_hand():
    """(mean of two groups) - third, equal deviations 1 and n = 4: variance 1/16 + 1/16 + 1/4 in fourths of a run."""
    unit = np.array([-1.0, 1.0, -1.0, 1.0]) * math.sqrt(3 / 4)  # deviation 1
    found = tests.contrast([(0.5, unit + 3), (0.5, unit + 5), (-1, unit + 1)])
    variance = (0.25 + 0.25 + 1) / 4
    df = variance**2 / ((2 * (0.25 / 4) ** 2 + (1 / 4) ** 2) / 3)
    assert (found.difference, found.t, found.df) == pytest.approx((3, 3 / math.sqrt(variance), df))
