"""The audit of t and p values: on summaries of known samples, by hand, against a search of the rounding box; bad input."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from lclstudy.analyses.published_numbers import rounding
from lclstudy.analyses.published_numbers.rounding import READINGS, Side
from lclstudy.errors import StudyError
from lclstudy.statistics.tests import NO_DEVIATION, ONE_RUN, holm, student_from_summary, welch_from_summary

READING_NAMES = list(READINGS)


def rounded(sample, ddof, digits=1):
    """A sample as a paper prints it."""
    half = 0.5 * 10.0**-digits
    return Side(round(sample.mean(), digits), round(sample.std(ddof=ddof), digits), len(sample), half, half)


def samples(count=60, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n_a, n_b = rng.integers(2, 11, 2)
        yield rng.normal(60.5, rng.uniform(0.2, 1), n_a), rng.normal(59.5, rng.uniform(0.2, 1), n_b)


# --- t, p and degrees of freedom, and what rounding allows


@pytest.mark.parametrize("key", READING_NAMES)
def test_the_test_of_the_samples_is_inside(key):
    reading = READINGS[key]
    for a, b in samples():
        true = scipy_stats.ttest_ind(a, b, equal_var=reading.pooled)
        found = rounding.allowed(rounded(a, reading.ddof), rounded(b, reading.ddof), reading)
        assert found.t_low <= true.statistic <= found.t_high
        assert found.p_low <= true.pvalue * (1 + 1e-6) and true.pvalue <= found.p_high * (1 + 1e-6)
        assert found.df_low <= true.df * (1 + 1e-4) and true.df <= found.df_high * (1 + 1e-4)


@pytest.mark.parametrize("key", READING_NAMES)
def test_without_rounding_it_is_the_test_of_stats(key):
    reading = READINGS[key]
    test = student_from_summary if reading.pooled else welch_from_summary
    a, b = Side(60.1, 0.3, 5), Side(58.3, 0.5, 8)
    found, expected = rounding.allowed(a, b, reading), test(*a[:3], *b[:3], ddof=reading.ddof)
    assert (found.t, found.df, found.p) == pytest.approx((expected.t, expected.df, expected.p))
    assert (found.t_low, found.t_high, found.p_low, found.p_high) == pytest.approx((found.t, found.t, found.p, found.p))


@pytest.mark.parametrize("key", READING_NAMES)
@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Side(86.6, 0.3, 5, 0.05, 0.05), Side(85.5, 0.9, 5, 0.05, 0.05)),
        (Side(94.5, 0.1, 5, 0.05, 0.05), Side(94.4, 0.3, 5, 0.05, 0.05)),
        (Side(58.5, 0.2, 3, 0.05, 0.05), Side(57.1, 1.2, 12, 0.05, 0.05)),
        (Side(64.3, 0.1, 5, 0.05, 0.05), Side(64.8, 0.4, 5, 0.05, 0.05)),
    ],
)
def test_the_ends_are_those_of_a_fine_search_of_the_whole_box(a, b, key):
    """p is not monotone in one deviation under Welch, so its ends are searched here without the argument of the edges."""
    reading = READINGS[key]
    test = student_from_summary if reading.pooled else welch_from_summary
    found = rounding.allowed(a, b, reading)
    grid = np.linspace(-0.05, 0.05, 9)
    inside = [test(a.mean + m, a.sd + x, a.n, b.mean - m, b.sd + y, b.n, reading.ddof)
              for m in np.linspace(-0.05, 0.05, 3) for x in grid for y in grid]  # fmt: skip
    t, p, df = (np.array([getattr(one, name) for one in inside]) for name in ("t", "p", "df"))
    assert (found.t_low, found.t_high) == pytest.approx((t.min(), t.max()))
    assert found.p_low <= p.min() * (1 + 1e-9) and found.p_low == pytest.approx(p.min(), rel=0.02)
    assert found.p_high >= p.max() * (1 - 1e-9) and found.p_high == pytest.approx(p.max(), rel=0.02)
    assert found.df_low <= df.min() * (1 + 1e-9) and found.df_high >= df.max() * (1 - 1e-4)


def test_means_that_rounding_makes_equal_allow_p_of_1():
    found = rounding.allowed(Side(94.5, 0.1, 5, 0.05, 0.05), Side(94.4, 0.3, 5, 0.05, 0.05), READINGS["welch_sample"])
    assert found.p_high == 1 and found.t_low == pytest.approx(0, abs=1e-9)
    straddling = rounding.allowed(Side(88.8, 0.5, 10, 0.05, 0.05), Side(88.8, 0.6, 10, 0.05, 0.05), READINGS["welch_sample"])
    assert straddling.t == 0 and straddling.p_high == 1 and straddling.t_low == -straddling.t_high < 0


def test_sides_exchanged_change_the_sign_alone():
    a, b = Side(60.1, 0.3, 5, 0.05, 0.05), Side(58.3, 0.5, 8, 0.05, 0.05)
    one, other = rounding.allowed(a, b, READINGS["welch_sample"]), rounding.allowed(b, a, READINGS["welch_sample"])
    assert (one.t, one.t_low, one.t_high) == pytest.approx((-other.t, -other.t_high, -other.t_low))
    assert one[3:9] == pytest.approx(other[3:9])


def test_a_cited_side_makes_a_one_sample_test():
    sample = np.array([58.2, 58.4, 58.5, 58.6, 58.8])
    true = scipy_stats.ttest_1samp(sample, 58.9)
    cited = Side(58.9, math.nan, math.nan)
    for key in ("welch_sample", "student_sample"):
        found = rounding.allowed(cited, Side(sample.mean(), sample.std(ddof=1), 5), READINGS[key])
        assert (found.t, found.df, found.p) == pytest.approx((-true.statistic, 4, true.pvalue))
    box = rounding.allowed(cited._replace(mean_rounding=0.05), rounded(sample, 0), READINGS["welch_population"])
    assert box.t_low < -true.statistic < box.t_high and box.p_low < true.pvalue < box.p_high


def test_no_deviation_on_both_sides_is_no_test():
    sharp = rounding.allowed(Side(60, 0, 5), Side(59, 0, 5), READINGS["welch_sample"])
    assert sharp.t == math.inf and sharp.p == 0
    same = rounding.allowed(Side(60, 0, 5), Side(60, 0, 5), READINGS["student_sample"])
    assert math.isnan(same.t) and same.note == NO_DEVIATION
    printed = rounding.allowed(Side(60, 0.0, 5, 0.05, 0.05), Side(59, 0.0, 5, 0.05, 0.05), READINGS["welch_sample"])
    assert (
        printed.t_high == math.inf and printed.t_low == pytest.approx(0.9 / math.sqrt(2 * 0.05**2 / 5)) and printed.p_low == 0
    )


def test_one_run_is_no_test():
    found = rounding.allowed(Side(60, math.nan, 1), Side(59, 0.5, 5), READINGS["welch_sample"])
    assert found.note == ONE_RUN and all(math.isnan(value) for value in found[:9])


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (Side(math.nan, 0.3, 5), "mean must be finite"),
        (Side(60, -0.1, 5), "deviation 0 or more"),
        (Side(60, 0.1, 0), "whole number"),
        (Side(60, 0.1, 2.5), "whole number"),
        (Side(60, math.nan, 5), "deviation nan"),
        (Side(math.nan, math.nan, math.nan), "mean must be finite"),
        (Side(60, math.nan, math.nan), "Both sides"),
    ],
)
def test_bad_summaries_are_told(a, message):
    other = Side(59, math.nan, math.nan) if message == "Both sides" else Side(59, 0.2, 5)
    with pytest.raises(StudyError, match=message):
        rounding.allowed(a, other, READINGS["welch_sample"])


# --- printed tests made from known samples: the right reading must win


def printed_from(key, count=25):
    """Tests as a paper that follows a reading would print them."""
    reading, rows = READINGS[key], []
    rng = np.random.default_rng(5)
    for number in range(count):
        a, b = rng.normal(60.4, 0.25, 5), rng.normal(59.4, 0.6, 5)
        true = scipy_stats.ttest_ind(a, b, equal_var=reading.pooled)
        pair = zip("ab", (rounded(a, reading.ddof), rounded(b, reading.ddof)), strict=True)
        sides = {f"{name}_{letter}": value for letter, side in pair
                 for name, value in side._asdict().items()}  # fmt: skip
        small = true.pvalue < 0.001
        rows.append({"table": 1, "test": str(number), "claim": "significant", "kind": "value", "place": "", "better": "a",
                     "worse": "b", "t": round(true.statistic, 2), "t_rounding": 0.005, "p_relation": "<" if small else "=",
                     "p": 0.001 if small else round(true.pvalue, 3), "p_rounding": 0.0005, **sides})  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("key", READING_NAMES)
def test_the_true_reading_wins(key):
    audited = rounding.audit(printed_from(key))
    compared = rounding.compare_readings(audited)
    best = compared.iloc[0]
    assert best["reading"] == key
    assert best["joint"] == best["t_inside"] == best["p_inside"] == best["t_count"] == 25
    assert (audited.loc[audited["reading"] == key, "probability"] > 0).all()


def test_degrees_of_freedom_tell_welch_from_student():
    for key, kind in (("welch_sample", "welch"), ("student_population", "student")):
        degrees = rounding.degrees_of_freedom(rounding.audit(printed_from(key)))
        assert degrees["fits"].str.contains(kind).all()
        other = {"welch": "student", "student": "welch"}[kind]
        assert degrees["fits"].str.contains(other).mean() < 0.9


def test_the_probability_of_print_is_that_of_a_simulation():
    test = {"t_printed": math.nan, "t_rounding": math.nan, "p_printed": 0.05, "p_rounding": 0.005, "p_relation": "<",
            "mean_a": 94.5, "sd_a": 0.2, "n_a": 5, "mean_rounding_a": 0.05, "sd_rounding_a": 0.05,
            "mean_b": 94.1, "sd_b": 0.3, "n_b": 5, "mean_rounding_b": 0.05, "sd_rounding_b": 0.05}  # fmt: skip
    rng = np.random.default_rng(0)
    shifts = rng.uniform(-0.05, 0.05, (4, 200_000))
    p = scipy_stats.ttest_ind_from_stats(
        94.5 + shifts[0], 0.2 + shifts[1], 5, 94.1 + shifts[2], 0.3 + shifts[3], 5, False
    ).pvalue
    found = rounding.probability_of_print(test, READINGS["welch_sample"])
    assert 0.1 < found < 0.9 and found == pytest.approx((p < 0.05).mean(), abs=0.005)
    above = rounding.probability_of_print({**test, "p_relation": ">"}, READINGS["welch_sample"])
    assert found + above == pytest.approx(1)
    value = {**test, "p_relation": "=", "p_printed": 0.1}
    assert rounding.probability_of_print(value, READINGS["welch_sample"]) == pytest.approx(
        (abs(p - 0.1) < 0.005).mean(), abs=0.003
    )


# --- degrees of freedom from a printed t and p


@pytest.mark.parametrize(("t", "df"), [(2.25, 4.7), (3.34, 8), (6.42, 17.2), (2.0, 60)])
def test_implied_degrees_of_freedom_hold_the_true_ones(t, df):
    p = 2 * scipy_stats.t.sf(t, df)
    low, high = rounding.implied_df(t, 0.005, round(p, 4), 0.00005)
    assert low <= df <= high
    exact = rounding.implied_df(t, 0.0, p, 0.0)
    assert exact == pytest.approx((df, df), rel=1e-6)


def test_implied_degrees_of_freedom_at_the_ends():
    low, high = rounding.implied_df(7.7, 0.005, 0.001, 0.0, "<")
    assert 2 * scipy_stats.t.sf(7.705, low) == pytest.approx(0.001) and high == math.inf
    assert rounding.implied_df(2.0, 0.005, 0.05, 0.0, ">")[0] == 0
    assert all(map(math.isnan, rounding.implied_df(2.0, 0.005, 0.01, 0.0005)))  # the normal distribution has .0455 there
    assert rounding.implied_df(1.96, 0.005, 0.05, 0.005)[1] == math.inf
    with pytest.raises(StudyError, match="t must be above 0"):
        rounding.implied_df(0.0, 0.005, 0.5, 0.05)
    with pytest.raises(StudyError, match="Unknown relation '≤'"):
        rounding.implied_df(2.0, 0.005, 0.05, 0.005, "≤")


# --- the paper's tests


@pytest.fixture(scope="module")
def audited():
    return rounding.audit(rounding.printed_tests())


def test_every_printed_test_has_both_sides(audited):
    tests = rounding.printed_tests()
    assert len(tests) == 33 and tests["test"].is_unique
    assert tests["mean_a"].notna().all() and tests["n_b"].notna().all()
    assert set(tests.loc[tests["n_a"].isna(), "better"]) == {"sentilare", "skep"}
    assert set(tests.loc[tests["table"] == 3, "n_a"]) == {10}
    assert len(audited) == 33 * len(READINGS)


@pytest.mark.parametrize(
    ("test", "reading", "t", "p"),
    [
        ("ISEAR: LCL vs CE", "welch_sample", 7.91, None),
        ("ISEAR: LCL vs SCL", "welch_sample", 7.89, None),
        ("EmpatheticDialogues: LCL vs CE", "welch_sample", 6.90, None),
        ("EmoInt: LCL vs CE", "welch_sample", 2.59, 0.0498),
        ("EmoInt: LCL vs CE", "student_sample", 2.59, 0.0320),
        ("ISEAR: LCL vs CE", "welch_population", math.sqrt(50), None),  # 1.0 / sqrt(2 * 0.2^2 / 4)
    ],
)
def test_values_worked_by_hand(audited, test, reading, t, p):
    row = audited[(audited["test"] == test) & (audited["reading"] == reading)].iloc[0]
    assert row["t"] == pytest.approx(t, abs=0.005)
    assert p is None or row["p"] == pytest.approx(p, abs=0.00005)


def test_the_claims_are_judged_by_their_relation(audited):
    rows = audited[audited["reading"] == "welch_sample"].set_index("test")
    assert rows.loc["4-hard-a: LCL vs CE", "p_fits"] == "always"
    assert rows.loc["4-easy: CE vs SCL", ["p_fits", "p_at_printed"]].tolist() == ["possibly", False]  # p > .15, computed .047
    assert rows.loc["GoEmotions: SCL vs CE", "t"] < 0  # SCL is below cross-entropy there
    student = audited[audited["reading"] == "student_sample"].set_index("test")
    assert student.loc["EmpatheticDialogues: LCL vs SCL", "p_fits"] == "never"  # p = .007 printed, .0006 to .004 allowed
    assert set(audited["t_fits"]) <= {"", "possibly", "never"} and set(audited["p_fits"]) <= set(rounding.FITS)


def test_holm_within_each_table(audited):
    adjusted = rounding.multiplicity(audited, "welch_sample")
    for _, family in adjusted.groupby("table"):
        assert family["p_holm"].to_numpy() == pytest.approx(holm(family["p"]))
        assert (family["family"] == len(family)).all()
    assert (adjusted["p_holm_low"] <= adjusted["p_holm"]).all() and (adjusted["p_holm"] <= adjusted["p_holm_high"]).all()
    assert ((adjusted["survives"] == "") == (adjusted["claim"] != "significant")).all()
    assert (adjusted.loc[adjusted["survives"] == "yes", "p_holm_high"] < 0.05).all()


def test_the_readable_table_has_a_row_per_test(audited):
    table = rounding.readable(audited, "welch_population")
    assert len(table) == 33 and table["n"].str.contains("cited").sum() == 2
    row = table[table["test"] == "EmoInt: LCL vs CE"].iloc[0]
    assert row["t printed"] == "2.25" and row["t follows"].startswith("2.32 [") and row["p printed"] == "= 0.078"
