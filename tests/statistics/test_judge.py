"""The policy row by row, against statsmodels and hand-worked cases, and in simulations whose truth is known."""

import math

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_ind

from lclstudy.analyses.verdicts import simulation
from lclstudy.statistics import tests
from lclstudy.statistics.judge import judge, judge_level, judge_ranks, over_texts, pooled_power
from tests.material import refused

HIGH, LOW, WIDE = [87.0, 87.2, 86.9], [85.0, 85.1, 84.9], [83.0, 87.0, 85.2]


@pytest.mark.parametrize(("a", "b", "settings", "word"), [
    (HIGH, LOW, {}, "reproduced"),
    (LOW, HIGH, {}, "contradicted"),
    (HIGH, LOW, {"p_holm": 0.06}, "undecided"),  # at p, not after Holm
    (LOW, LOW[::-1], {"expected": 1.0}, "smaller than published"),
    (LOW, LOW[::-1], {"expected": 0.1}, "undecided"),
    (WIDE, LOW, {"expected": 1.0}, "undecided"),
    (HIGH[:2], LOW, {}, "undecided"),  # two runs decide nothing, however far apart
    (HIGH, [], {}, "not run"),
    ([85.0] * 3, [84.0] * 3, {}, "undecided"),  # no deviation: no test
    (LOW, HIGH, {"claim": "below"}, "reproduced"),
    (LOW, LOW[::-1], {"claim": "below", "expected": -1.0}, "smaller than published"),
    (LOW, LOW[::-1], {"margin": 0.7}, "reproduced"),
    (HIGH, LOW, {"margin": 0.7}, "contradicted"),
    (LOW, HIGH, {"margin": 0.7}, "contradicted"),
    (WIDE, LOW, {"margin": 0.7}, "undecided"),
    (LOW[:2], LOW[1:], {"margin": 5}, "undecided"),
    (LOW, HIGH, {"margin": 0.7, "claim": "not above"}, "reproduced"),
    (HIGH, LOW, {"margin": 0.7, "claim": "not above"}, "contradicted"),
    (WIDE, LOW, {"margin": 0.7, "claim": "not above"}, "undecided"),
])  # fmt: skip
def test_the_words(a, b, settings, word):
    assert judge(a, b, **settings).word == word


def test_a_claim_that_cannot_be_judged_is_one_line():
    for settings in ({"claim": "beter"}, {"claim": "same"}, {"margin": -1.0}, {"claim": "not above", "margin": 0}):
        with refused("claim"):
            judge(HIGH, LOW, **settings)
    with refused("NaN"):
        judge([math.nan, 1], LOW)


def test_numbers_are_those_of_welch_and_of_statsmodels():
    found, test = judge(HIGH, LOW, expected=1.5), tests.welch(HIGH, LOW)
    assert found[1:5] == (test.difference, test.ci_low, test.ci_high, test.p)
    assert judge(LOW, WIDE, margin=0.7).p == pytest.approx(ttost_ind(LOW, WIDE, -0.7, 0.7, usevar="unequal")[0])
    assert found.power_low < found.power <= found.power_high
    sd = math.sqrt((np.var(HIGH, ddof=1) + np.var(LOW, ddof=1)) / 2)
    assert found.power == pytest.approx(tests.power(1.5, sd, 3, sd, 3))
    assert found.needed == pooled_power(1.5, HIGH, LOW)["needed"]


def test_the_runs_that_are_needed_by_the_tables():
    """Cohen (1988), Table 2.4.1: at power 0.8 and .05 two-sided, d = 0.8 takes 26 runs on each side, d = 0.5 takes 64."""
    unit = np.array([-1.0, 1.0, -1.0, 1.0]) * math.sqrt(3 / 4)  # deviation 1
    assert [pooled_power(difference, unit, unit)["needed"] for difference in (0.8, 0.5)] == [26, 64]
    for difference, runs in ((0, unit), (1, unit * 0), (0.001, unit)):
        assert math.isnan(pooled_power(difference, runs, runs)["needed"]), "none, no deviation, or more than 10,000"


def test_a_level():
    for values, word in (([60.0, 60.4, 59.9], "reproduced"), ([53.1, 53.5, 53.3], "contradicted"),
                         ([55.0, 61.0, 57.0], "undecided"), ([60.1], "undecided")):  # fmt: skip
        found = judge_level(values, 60.1, 1.5)
        assert (found.word, found.difference) == (word, pytest.approx(np.mean(values) - 60.1))
    assert judge_level([], 60.1, 1.5).word == "not run"
    with refused("A level needs a margin above 0"):
        judge_level([60.1], 60.1, 0)


def test_hard_sets_by_rank():
    for ranks, runs, word in (([1] * 96 + [500] * 4, 3, "reproduced"), ([36] * 95 + [37] * 5, 3, "reproduced"),
                              ([37] * 100, 3, "undecided"), ([361] * 95 + [1] * 5, 3, "contradicted"),
                              ([360] * 100, 3, "undecided"), ([1] * 100, 2, "undecided"), ([], 0, "not run")):  # fmt: skip
        assert judge_ranks(ranks, 35_960, runs) == word


def test_the_interval_over_texts_is_that_of_resampling_them():
    generator = np.random.default_rng(0)
    a, b = generator.random((3, 500)) < 0.8, generator.random((3, 500)) < 0.75
    found = over_texts(a, b)
    means = a.mean(axis=0) - b.mean(axis=0)
    drawn = 100 * generator.choice(means, (4000, 500)).mean(axis=1)
    assert found.difference == pytest.approx(100 * (a.mean() - b.mean()))
    assert (found.ci_low, found.ci_high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.3)


def test_wrong_words_are_rare_whatever_is_true():
    """At most 5 %, within three standard errors of 200 draws."""
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)
    found = simulation.table(1.0, (0.45, 0.5, 0.55), 200, seeds=[3])
    assert (found["wrong"] <= most).all()
    assert found.loc[found["truth"] == "as published", "reproduced"].item() > 0.1
    for true, word in ((0.7, "reproduced"), (0.0, "contradicted")):
        drawn = np.random.default_rng(0).normal([[true], [0.0]], 0.4, (200, 2, 5))
        assert np.mean([judge(a, b, margin=0.7).word == word for a, b in drawn]) <= most
