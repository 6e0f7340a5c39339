"""Statistics against SciPy, against the paper's own numbers worked by hand, and where no test can be made."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from lclstudy.errors import StudyError
from lclstudy.statistics import tests

A = [0.723, 0.726, 0.722, 0.725, 0.7245]
B = [0.712, 0.716, 0.7155, 0.714]


def test_welch_matches_scipy():
    found, truth = tests.welch(A, B), scipy_stats.ttest_ind(A, B, equal_var=False)
    low, high = truth.confidence_interval()
    wanted = (truth.statistic, truth.df, truth.pvalue, np.mean(A) - np.mean(B), low, high)
    assert found[:6] == pytest.approx(wanted, rel=1e-9)
    assert found.note == ""


def test_paired_matches_scipy():
    found, truth = tests.paired(A[:4], B), scipy_stats.ttest_rel(A[:4], B)
    low, high = truth.confidence_interval()
    wanted = (truth.statistic, 3, truth.pvalue, np.mean(A[:4]) - np.mean(B), low, high)
    assert found[:6] == pytest.approx(wanted, rel=1e-9)


def test_summary_gives_what_the_runs_give():
    from_summary = tests.welch_from_summary(np.mean(A), np.std(A, ddof=1), 5, np.mean(B), np.std(B, ddof=1), 4)
    assert from_summary == pytest.approx(tests.welch(A, B))
    population = tests.welch_from_summary(np.mean(A), np.std(A), 5, np.mean(B), np.std(B), 4, ddof=0)
    assert population == pytest.approx(tests.welch(A, B))


def test_isear_of_the_paper_by_hand():
    """LCL 72.4 (0.2) against CE 71.4 (0.2), n = 5: 1.0 / sqrt(0.04 / 5 + 0.04 / 5), on 8 degrees of freedom."""
    found = tests.welch_from_summary(72.4, 0.2, 5, 71.4, 0.2, 5)
    error = math.sqrt(0.016)
    assert found.t == pytest.approx(1 / error) == pytest.approx(7.905694, abs=1e-6)
    assert found.df == pytest.approx(8)
    assert found.p == pytest.approx(4.7555e-05, rel=1e-4)
    reach = 2.306004 * error  # the 97.5 % point of t on 8 degrees of freedom, from a printed table
    assert (found.ci_low, found.ci_high) == pytest.approx((1 - reach, 1 + reach), abs=1e-6)


def test_population_deviations_by_hand():
    """The same with deviations that divide by n: the variance grows by 5 / 4, so t falls by sqrt(4 / 5)."""
    found = tests.welch_from_summary(72.4, 0.2, 5, 71.4, 0.2, 5, ddof=0)
    assert found.t == pytest.approx(7.905694 * math.sqrt(4 / 5), abs=1e-5)


def test_welch_degrees_of_freedom_by_hand():
    """EmoInt, LCL 86.6 (0.3) against CE 85.5 (0.9): (0.018 + 0.162)^2 / (0.018^2 / 4 + 0.162^2 / 4)."""
    found = tests.welch_from_summary(86.6, 0.3, 5, 85.5, 0.9, 5)
    assert found.df == pytest.approx(0.18**2 / ((0.018**2 + 0.162**2) / 4))


def test_swapped_sides_change_the_sign_alone():
    there, back = tests.welch(A, B), tests.welch(B, A)
    assert (back.t, back.difference, back.ci_low) == pytest.approx((-there.t, -there.difference, -there.ci_high))
    assert back.p == pytest.approx(there.p)


@pytest.mark.parametrize("test", [tests.welch])
def test_one_run_gives_no_test(test):
    found = test([0.72], [0.71, 0.70])
    assert found.note == "one run: no test"
    assert np.isnan(found[0])
    assert math.isnan(found.p) and found.difference == pytest.approx(0.015)


def test_one_pair_gives_no_test():
    found = tests.paired([0.72], [0.71])
    assert found.note == "one run: no test" and found.difference == pytest.approx(0.01) and math.isnan(found.p)


def test_a_printed_dash_for_one_run_is_no_error():
    assert tests.welch_from_summary(58.6, math.nan, 1, 58.5, 0.2, 5).note == "one run: no test"


@pytest.mark.parametrize("a", [[0.7, 0.7, 0.7], [0.1 + 0.2, 0.3, 0.3]])
def test_no_deviation_on_both_sides_gives_no_test(a):
    for test in (tests.welch,):
        found = test(a, [0.6, 0.6])
        assert found.note == "no deviation: no test" and math.isnan(found[0])
    assert tests.welch(a, [0.6, 0.6]).difference == pytest.approx(np.mean(a) - 0.6)


def test_no_deviation_on_one_side_gives_a_test():
    assert tests.welch([0.7, 0.7, 0.7], B).df == pytest.approx(len(B) - 1)


def test_equal_steps_give_no_paired_test():
    found = tests.paired([0.8, 0.7, 0.4], [0.7, 0.6, 0.3])  # each 0.1 apart, but for the last bits
    assert found.note == "no deviation: no test" and found.difference == pytest.approx(0.1)


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
    for test in (tests.welch_from_summary,):
        with pytest.raises(StudyError, match=said):
            test(*arguments)


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


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.inf])
def test_holm_refuses_what_is_no_p_value(bad):
    with pytest.raises(StudyError, match="from 0 to 1"):
        tests.holm([0.5, bad])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_raw_value_and_bonferroni(p_values):
    found = tests.holm(p_values)
    raw = np.array(p_values)
    assert (found >= raw).all() and (found <= np.minimum(raw * len(raw), 1)).all()
    order = np.argsort(raw, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


def test_mean_interval_matches_scipy():
    low, high = tests.mean_interval(A)
    assert (low, high) == pytest.approx(scipy_stats.t.interval(0.95, 4, np.mean(A), scipy_stats.sem(A)))
    assert all(map(math.isnan, tests.mean_interval([0.7])))
    assert tests.mean_interval_from_summary(58.6, math.nan, 1) == pytest.approx((math.nan, math.nan), nan_ok=True)
    reach = 2.776445 * 0.2 / math.sqrt(5)  # the 97.5 % point of t on 4 degrees of freedom
    assert tests.mean_interval_from_summary(72.4, 0.2, 5) == pytest.approx((72.4 - reach, 72.4 + reach), abs=1e-6)


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
    assert tests.power(-0.8, 1, 26, 1, 26).power == tests.power(0.8, 1, 26, 1, 26).power


def test_the_smallest_difference_is_detected_with_power_0_8():
    smallest = tests.power(1.0, 0.9, 3, 0.3, 3).smallest
    assert tests.power(smallest, 0.9, 3, 0.3, 3).power == pytest.approx(0.8)


def test_power_of_one_run_or_no_deviation_is_none():
    assert tests.power(1, 1, 1, 1, 5).note == tests.ONE_RUN
    assert tests.power(1, 0, 5, 0, 5).note == tests.NO_DEVIATION
    assert tests.runs_needed(0, 1, 1) is None and tests.runs_needed(1, 0, 0) is None
    assert tests.runs_needed(0.001, 1, 1) is None
    for bad in ((np.nan, 1, 5, 1, 5), (1, -1, 5, 1, 5), (1, 1, 0, 1, 5), (1, np.nan, 5, 1, 5)):
        with pytest.raises(StudyError):
            tests.power(*bad)


def test_a_contrast_of_two_groups_is_welchs_test():
    assert tests.contrast([(1, A), (-1, B)])[:6] == pytest.approx(tests.welch(A, B)[:6])


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
