"""Statistics against SciPy, against the paper's own numbers worked by hand, and where no test can be made."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from lclstudy.errors import StudyError
from lclstudy.statistics import tests

A = [0.723, 0.726, 0.722, 0.725, 0.7245]
B = [0.712, 0.716, 0.7155, 0.714]


@pytest.mark.parametrize(
    ("found", "truth"),
    [
        (tests.welch(A, B), scipy_stats.ttest_ind(A, B, equal_var=False)),
        (tests.paired(A[:4], B), scipy_stats.ttest_rel(A[:4], B)),
    ],
)
def test_tests_match_scipy(found, truth):
    wanted = (truth.statistic, truth.df, truth.pvalue, found.difference, *truth.confidence_interval())
    assert found[:6] == pytest.approx(wanted, rel=1e-9) and found.note == ""
    assert tests.welch(A, B).difference == pytest.approx(np.mean(A) - np.mean(B))
    assert tests.paired(A[:4], B).difference == pytest.approx(np.mean(A[:4]) - np.mean(B))


def test_summary_gives_what_the_runs_give():
    for ddof in (1, 0):
        summary = tests.welch_from_summary(np.mean(A), np.std(A, ddof=ddof), 5, np.mean(B), np.std(B, ddof=ddof), 4, ddof)
        assert summary == pytest.approx(tests.welch(A, B))


def test_isear_of_the_paper_by_hand():
    """LCL 72.4 (0.2) against CE 71.4 (0.2), n = 5: 1.0 / sqrt(0.04 / 5 + 0.04 / 5), on 8 degrees of freedom."""
    found = tests.welch_from_summary(72.4, 0.2, 5, 71.4, 0.2, 5)
    error = math.sqrt(0.016)
    assert found.t == pytest.approx(1 / error) == pytest.approx(7.905694, abs=1e-6)
    assert found.df == pytest.approx(8)
    assert found.p == pytest.approx(4.7555e-05, rel=1e-4)
    reach = 2.306004 * error  # the 97.5 % point of t on 8 degrees of freedom, from a printed table
    assert (found.ci_low, found.ci_high) == pytest.approx((1 - reach, 1 + reach), abs=1e-6)


def test_welch_degrees_of_freedom_by_hand():
    """EmoInt, LCL 86.6 (0.3) against CE 85.5 (0.9): (0.018 + 0.162)^2 / (0.018^2 / 4 + 0.162^2 / 4)."""
    found = tests.welch_from_summary(86.6, 0.3, 5, 85.5, 0.9, 5)
    assert found.df == pytest.approx(0.18**2 / ((0.018**2 + 0.162**2) / 4))
    assert tests.welch([0.7, 0.7, 0.7], B).df == pytest.approx(len(B) - 1), "no deviation on one side"


@pytest.mark.parametrize(
    ("found", "note", "difference"),
    [
        (tests.welch([0.72], [0.71, 0.70]), tests.ONE_RUN, 0.015),
        (tests.paired([0.72], [0.71]), tests.ONE_RUN, 0.01),
        (tests.welch_from_summary(58.6, math.nan, 1, 58.5, 0.2, 5), tests.ONE_RUN, 0.1),  # papers print a dash
        (tests.welch([0.1 + 0.2, 0.3, 0.3], [0.6, 0.6]), tests.NO_DEVIATION, -0.3),
        (tests.paired([0.8, 0.7, 0.4], [0.7, 0.6, 0.3]), tests.NO_DEVIATION, 0.1),  # equal, but for the last bits
    ],
)
def test_where_no_test_can_be_made(found, note, difference):
    assert found.note == note and np.isnan([found.t, found.p, found.ci_low]).all()
    assert found.difference == pytest.approx(difference)


@pytest.mark.parametrize("test", [tests.welch, tests.paired])
@pytest.mark.parametrize("bad", [[0.7, math.nan], [math.inf, 0.7], []])
def test_nan_and_nothing_are_errors(test, bad):
    for sides in ((bad, [0.6, 0.7]), ([0.6, 0.7], bad)):
        with pytest.raises(StudyError):
            test(*sides)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((72.4, 0.2, 5, math.nan, 0.2, 5), "finite"),
        ((72.4, math.nan, 5, 71.4, 0.2, 5), "finite"),
        ((72.4, -0.2, 5, 71.4, 0.2, 5), "0 or more"),
        ((72.4, 0.2, 0, 71.4, 0.2, 5), "n must be"),
        ((72.4, 0.2, 2.5, 71.4, 0.2, 5), "n must be"),
        ((72.4, 0.2, math.nan, 71.4, 0.2, 5), "n must be"),
        ((72.4, 0.2, 5, 71.4, 0.2, 5, 2), "ddof"),
    ],
)
def test_summaries_are_checked(arguments, said):
    with pytest.raises(StudyError, match=said):
        tests.welch_from_summary(*arguments)


def test_paired_refuses_groups_of_different_size():
    with pytest.raises(StudyError, match="given 5 and 4"):
        tests.paired(A, B)


def test_holm_by_hand():
    """Sorted 0.005 0.01 0.03 0.04 times 4 3 2 1 is 0.02 0.03 0.06 0.04; the last rises to 0.06. Order of the input kept."""
    assert tests.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stops_at_one_and_keeps_nan_apart():
    found = tests.holm([0.6, math.nan, 0.5, 0.02])
    assert found == pytest.approx([1, math.nan, 1, 0.06], nan_ok=True)
    assert tests.holm([]).shape == (0,)
    assert np.isnan(tests.holm([math.nan])).all()
    for bad in (-0.1, 1.1, math.inf):
        with pytest.raises(StudyError, match="from 0 to 1"):
            tests.holm([0.5, bad])


@settings(max_examples=20)  # statsmodels' collects garbage at each call
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values):
    assert tests.holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_mean_interval_matches_scipy():
    low, high = tests.mean_interval(A)
    assert (low, high) == pytest.approx(scipy_stats.t.interval(0.95, 4, np.mean(A), scipy_stats.sem(A)))
    assert all(map(math.isnan, tests.mean_interval([0.7])))


def test_power_is_that_of_a_simulation():
    generator = np.random.default_rng(0)
    a, b = generator.normal(1.0, 0.9, (20_000, 5)), generator.normal(0.0, 0.3, (20_000, 7))
    found = scipy_stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue < 0.05
    assert tests.power(1.0, 0.9, 5, 0.3, 7).power == pytest.approx(found.mean(), abs=0.015)


def test_power_by_the_tables():
    """Cohen (1988), Table 2.3.5: d = 0.8 with 26 runs on each side has power 0.81 at .05 two-sided."""
    assert tests.power(0.8, 1, 26, 1, 26).power == pytest.approx(0.81, abs=0.005)
    assert tests.runs_needed(0.8, 1, 1) == 26
    assert tests.runs_needed(0.5, 1, 1) == 64
    assert tests.power(0, 1, 10, 1, 10).power == pytest.approx(0.05)
    smallest = tests.power(1.0, 0.9, 3, 0.3, 3).smallest
    assert tests.power(smallest, 0.9, 3, 0.3, 3).power == pytest.approx(0.8)


def test_power_of_one_run_or_no_deviation_is_none():
    assert np.isnan([*tests.power(1, 1, 1, 1, 5), *tests.power(1, 0, 5, 0, 5)]).all()
    assert tests.runs_needed(0, 1, 1) is None and tests.runs_needed(1, 0, 0) is None
    assert tests.runs_needed(0.001, 1, 1) is None
    for bad in ((np.nan, 1, 5, 1, 5), (1, -1, 5, 1, 5), (1, 1, 0, 1, 5), (1, np.nan, 5, 1, 5)):
        with pytest.raises(StudyError):
            tests.power(*bad)


def test_a_contrast_by_hand():
    """(mean of two groups) - third, equal deviations 1 and n = 4: variance 1/16 + 1/16 + 1/4 in fourths of a run."""
    unit = np.array([-1.0, 1.0, -1.0, 1.0]) * math.sqrt(3 / 4)  # deviation 1
    found = tests.contrast([(0.5, unit + 3), (0.5, unit + 5), (-1, unit + 1)])
    variance = (0.25 + 0.25 + 1) / 4
    assert found.difference == pytest.approx(3)
    assert found.t == pytest.approx(3 / math.sqrt(variance))
    assert found.df == pytest.approx(variance**2 / ((2 * (0.25 / 4) ** 2 + (1 / 4) ** 2) / 3))
    assert tests.contrast([(1, [1.0]), (-1, A)]).note == tests.ONE_RUN
    assert tests.contrast([(1, [2.0, 2.0]), (-1, [1.0, 1.0])]).note == tests.NO_DEVIATION
    with pytest.raises(StudyError):
        tests.contrast([])
    assert tests.contrast([(1, A), (-1, B)]) == tests.welch(A, B)
