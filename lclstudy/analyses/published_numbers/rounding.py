"""The paper's significance tests, worked out again from its printed means, deviations and n, and from how numbers are printed.

A printed 58.3 stands for anything from 58.25 to 58.35 if it was rounded, from 58.3 to 58.4 if it was cut: a t or p value that
follows from printed numbers is an interval. The paper says neither which t-test it made nor how it computed its deviations:
four `READINGS` are tried on every test, under three `PRINTS`. Where one side is a number cited from another work, without
deviation and n, only a one-sample test can be meant.
"""

import itertools
import math
import re
from collections import namedtuple
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special
from scipy import stats as distributions

from lclstudy.plan import names
from lclstudy.results import published
from lclstudy.statistics.tests import holm

LEVEL = 0.05
_CELLS = 61  # per deviation, of the box in which both lie


class Side(NamedTuple):
    """One side of a test as printed: mean, deviation and number of runs, and half a unit of the last digit of the first two.

    A number cited from another work counts as known: its deviation is 0, and its n is endless.
    """

    mean: float
    sd: float
    n: float
    mean_rounding: float = 0.0
    sd_rounding: float = 0.0


class Reading(NamedTuple):
    """A way to read a printed test: Student's (`pooled`) or Welch's, deviations over n - 1 (`ddof` 1) or over n (0)."""

    title: str
    pooled: bool
    ddof: int


# t, degrees of freedom and two-sided p in the middle of what the print stands for, each with the ends that it allows.
Range = namedtuple("Range", "t t_low t_high df df_low df_high p p_low p_high")
PRINTED_SIDE = ("value", "spread", "n", "value_rounding", "spread_rounding")  # columns of `published.table`, as of a Side
READINGS = {
    "welch_sample": Reading("Welch, SD over n − 1", False, 1),
    "welch_population": Reading("Welch, SD over n", False, 0),
    "student_sample": Reading("Student, SD over n − 1", True, 1),
    "student_population": Reading("Student, SD over n", True, 0),
}
# What a number v with half a unit h of its last digit stands for, as middle and reach in h: v - h to v + h if it was rounded,
# v to v + 2h if it was cut, and v - h to v + 2h if nobody knows which.
PRINTS = {"rounded": (0.0, 1.0), "cut": (1.0, 1.0), "either": (0.5, 1.5)}
_CELL = ["table", "metric", "corpus", "classes"]


def allowed(a: Side, b: Side, reading: Reading) -> Range:
    """What follows for the test of `a` against `b` under a reading; t has the sign of mean a - mean b.

    Every number may lie anywhere within its rounding. For given deviations p falls with the distance of the means; over the
    deviations its ends are searched on a grid, whose corners hold the ends of t and of the degrees of freedom.
    """
    difference, reach = a.mean - b.mean, a.mean_rounding + b.mean_rounding
    error, df = _over_deviations(a, b, reading, slice(0, None, 2))
    its_error, its_df = error_and_df(np.float64(a.sd), np.float64(b.sd), a.n, b.n, reading)
    t = difference / its_error
    p_low, p_high = _p((abs(difference) + reach) / error, df), _p(max(abs(difference) - reach, 0.0) / error, df)
    ends = (t, ((difference - reach) / error).min(), ((difference + reach) / error).max(), its_df, df.min(), df.max())
    return Range(*map(float, (*ends, _p(t, its_df), p_low.min(), p_high.max())))


def _over_deviations(a: Side, b: Side, reading: Reading, chosen: slice) -> tuple[np.ndarray, np.ndarray]:
    """`error_and_df` over the box of deviations: at the corners of its cells (every second point), or at their centres."""
    ends = ((max(side.sd - side.sd_rounding, 0.0), side.sd + side.sd_rounding) for side in (a, b))
    grids = np.meshgrid(*(np.linspace(low, high, 2 * _CELLS + 1)[chosen] for low, high in ends))
    return error_and_df(*grids, a.n, b.n, reading)


def error_and_df(sd_a: np.ndarray, sd_b: np.ndarray, n_a: float, n_b: float, reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """Standard error of the difference and its degrees of freedom, elementwise."""
    variance_a, variance_b = (sd**2 / (1 if reading.ddof else 1 - 1 / n) for sd, n in ((sd_a, n_a), (sd_b, n_b)))
    most = n_a + n_b - 2.0
    if reading.pooled and math.isfinite(most):
        variance = ((n_a - 1) * variance_a + (n_b - 1) * variance_b) / most
        return np.sqrt(variance * (1 / n_a + 1 / n_b)), np.full_like(variance, most)
    of_a, of_b = variance_a / n_a, variance_b / n_b
    share = of_a / (of_a + of_b)
    return np.sqrt(of_a + of_b), 1 / (share**2 / (n_a - 1) + (1 - share) ** 2 / (n_b - 1))


def _p(t, df):
    return 2 * special.stdtr(df, -np.abs(t))


def printed_tests() -> pd.DataFrame:
    """`published.significance_tests()` with the `Side`s of `better` and `worse` as columns `a_mean` and so on.

    Its t and p are `t_printed` and `p_printed`; `test` names a row: `ISEAR: LCL vs CE`.
    """
    tests, cells = published.significance_tests(), published.table("suresh2021")
    cited = cells["objective"] == "reported"
    cells["method"] = cells["objective"].mask(cited, cells["encoder"])
    cells["n"] = cells["n"].astype(float).fillna(math.inf)
    cells = cells[cited | (cells["encoder"] == "electra-base")].fillna({"spread": 0.0, "spread_rounding": 0.0})
    for letter, side in (("a", "better"), ("b", "worse")):
        called = dict(zip(PRINTED_SIDE, [f"{letter}_{field}" for field in Side._fields], strict=True)) | {"method": side}
        tests = tests.merge(cells.rename(columns=called)[[*_CELL, *called.values()]], on=[*_CELL, side], validate="many_to_one")
    place = tests["classes"].map(names.class_set).mask(tests["classes"] == "all", tests["corpus"].map(names.corpus))
    better, worse = (tests[side].replace(names.CITED).map(names.objective) for side in ("better", "worse"))
    tests["test"] = place + ": " + better + " vs " + worse
    return tests.rename(columns=lambda name: re.sub("^([tp])(_rounding)?$", r"\1_printed\2", name))


def sides(test: dict) -> tuple[Side, Side]:
    """The two sides of a row of `printed_tests`."""
    return tuple(Side(*(test[f"{letter}_{field}"] for field in Side._fields)) for letter in "ab")


def as_print(test: dict, kind: str) -> dict:
    """A row of `printed_tests` whose numbers are the middles, and whose roundings the reaches, of what a print stands for.

    A bound (`p < .05`) stays as it is printed.
    """
    (middle, reach), moved = PRINTS[kind], dict(test)
    for name in ("t_printed", "a_mean", "a_sd", "b_mean", "b_sd", *["p_printed"] * (test["p_relation"] == "=")):
        half = test[f"{name}_rounding"]
        moved |= {name: test[name] + middle * half, f"{name}_rounding": reach * half}
    return moved


def said_of_t(test: dict) -> tuple[float, float]:
    """The ends between which the printed t lies."""
    return test["t_printed"] - test["t_printed_rounding"], test["t_printed"] + test["t_printed_rounding"]


def said_of_p(test: dict) -> tuple[float, float]:
    """The ends between which p lies by the printed statement about it."""
    p, half = test["p_printed"], test["p_printed_rounding"]
    return {"=": (p - half, p + half), "<": (0.0, p), ">": (p, 1.0)}[test["p_relation"]]


def audit(tests: pd.DataFrame) -> pd.DataFrame:
    """A row per printed test, reading and print: the columns of `Range`, and how the printed t and p fit.

    `tests` is of `printed_tests`; its own columns stay as printed. `print` is one of PRINTS. `t_fits` (missing where no t is
    printed) and `p_fits`: whether the print allows the printed t, or the statement about p; `p_at_print`: whether that holds in
    the middle, which for `rounded` is the printed numbers themselves. `probability` is `probability_of_print`.
    """
    rows = []
    for printed, kind in itertools.product(tests.to_dict("records"), PRINTS):
        test = as_print(printed, kind)
        (t_low, t_high), (p_low, p_high) = said_of_t(test), said_of_p(test)
        for key, reading in READINGS.items():
            found = allowed(*sides(test), reading)
            fits = {
                "t_fits": None if math.isnan(t_low) else found.t_low <= t_high and t_low <= found.t_high,
                "p_fits": found.p_low <= p_high and p_low <= found.p_high,
                "p_at_print": p_low <= found.p <= p_high,
                "probability": probability_of_print(test, reading),
            }
            rows.append({**printed, "print": kind, "reading": key, **found._asdict(), **fits})
    return pd.DataFrame(rows)


def probability_of_print(test: dict, reading: Reading) -> float:
    """How probable the printed t and p are together under a reading, every printed input uniform within its rounding.

    It is the integral over the deviations (on a grid) of the probability that the difference of the means, a sum of two
    uniform variables, gives a t and p that print as they do. 0: at no point of the grid can both be had at once.
    """
    a, b = sides(test)
    error, df = _over_deviations(a, b, reading, slice(1, None, 2))
    high, low = (distributions.t.isf(np.clip(p, 0, 1) / 2, df) for p in said_of_p(test))
    if math.isnan(test["t_printed"]):
        return float((_mass(a, b, low * error, high * error) + _mass(a, b, -high * error, -low * error)).mean())
    t_low, t_high = said_of_t(test)  # a printed t has the sign of the printed difference
    return float(_mass(a, b, np.maximum(low, t_low) * error, np.minimum(high, t_high) * error).mean())


def _mass(a: Side, b: Side, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Probability that the unrounded difference of means lies between `low` and `high`."""
    wide, narrow = a.mean_rounding, b.mean_rounding

    def below(value):
        value = np.clip(value - (a.mean - b.mean), -(wide + narrow), wide + narrow)
        parts = [np.maximum(value + s * wide + r * narrow, 0) ** 2 * s * r for s in (1, -1) for r in (1, -1)]
        return sum(parts) / (8 * wide * narrow)

    return np.maximum(below(high) - below(low), 0)


def compare_readings(audited: pd.DataFrame) -> pd.DataFrame:
    """How well each reading explains the print, over all tests of `audit`; a row per reading, the best first.

    `t_count` of the `tests` print a t; `log_ratio`: mean |ln(printed t / computed t)|, as if printed numbers were exact. By
    print: `joint_PRINT`, tests whose t and p follow together from one choice of inputs, and `log10_PRINT`, the sum of the log10
    of `probability` over the `compared` tests that every reading explains under every print. Best is the largest
    `joint_rounded`, then the largest `log10_rounded`.
    """
    by_all = audited.groupby("test")["probability"].transform("min") > 0
    rows = []
    for key, group in audited.groupby("reading", sort=False):
        rounded = group[group["print"] == "rounded"]
        with_t = rounded[rounded["t_fits"].notna()]
        row = {"reading": key, "title": READINGS[key].title, "t_count": len(with_t)}
        row |= {"tests": len(rounded), "compared": int(by_all[rounded.index].sum())}
        row["log_ratio"] = np.log(with_t["t_printed"] / with_t["t"]).abs().mean()
        for kind, probability in group.groupby("print")["probability"]:
            row[f"joint_{kind}"] = int((probability > 0).sum())
            row[f"log10_{kind}"] = np.log10(probability[by_all]).sum()
        rows.append(row)
    return pd.DataFrame(rows).sort_values(["joint_rounded", "log10_rounded"], ascending=False, ignore_index=True)


def implied_df(t_low: float, t_high: float, p_low: float, p_high: float) -> tuple[float, float]:
    """The degrees of freedom, lowest and highest, with which a t between these ends gives a two-sided p between those.

    Both NaN if no number of degrees of freedom does. The highest is infinite where the normal distribution fits too.
    """
    low, high = (special.stdtridf(p / 2, -t) for t, p in ((t_high, p_high), (t_low, p_low)))
    endless = 1e9  # what scipy does not search beyond
    return (low, high if high < endless else math.inf) if low < endless else (math.nan, math.nan)


def degrees_of_freedom(audited: pd.DataFrame) -> pd.DataFrame:
    """A row per test with a printed t: the degrees of freedom that its t and p imply, and those of three kinds of test.

    `rounded_low`, `rounded_high` as in `implied_df` if t and p were rounded, `cut_low`, `cut_high` if they were cut; `paired`
    n - 1, `student` 2n - 2, `welch` and, rounded, `welch_low` to `welch_high`. `fits_welch`, `fits_student` and
    `fits_paired`: whether rounded numbers imply those of the kind.
    """
    with_t = audited[(audited["reading"] == "welch_sample") & audited["t_fits"].notna()]  # at equal n, df are those of any ddof
    told = with_t[with_t["print"] == "rounded"].reset_index(drop=True)
    found = told[["test", "t_printed", "p_relation", "p_printed"]].assign(
        welch=told["df"], welch_low=told["df_low"], welch_high=told["df_high"],
        student=2.0 * told["a_n"] - 2, paired=told["a_n"] - 1.0,
    )  # fmt: skip
    for kind in ("rounded", "cut"):
        moved = [as_print(test, kind) for test in told.to_dict("records")]
        found[[f"{kind}_low", f"{kind}_high"]] = [implied_df(*said_of_t(test), *said_of_p(test)) for test in moved]
    for kind, low, high in (("welch", "welch_low", "welch_high"), ("student",) * 3, ("paired",) * 3):
        found[f"fits_{kind}"] = (found["rounded_low"] <= found[high]) & (found[low] <= found["rounded_high"])
    return found


def multiplicity(audited: pd.DataFrame, reading: str) -> pd.DataFrame:
    """Which claims of significance outlive Holm's adjustment over all tests that the text makes on one table.

    `p` from the printed numbers under `reading`, `p_holm` adjusted; `p_holm_low` and `p_holm_high` if all tests stood at the
    low or the high end of what rounding and cutting allow. `survives`: `yes` or `no` whatever the print, else `depends on
    rounding`; empty where the paper claims no significance.
    """
    here = audited[audited["reading"] == reading]
    frame, ends = (here[here["print"] == kind].reset_index(drop=True) for kind in ("rounded", "either"))
    for column, values in (("p_holm", frame["p"]), ("p_holm_low", ends["p_low"]), ("p_holm_high", ends["p_high"])):
        frame[column] = values.groupby(frame["table"]).transform(holm)
    frame["family"] = frame.groupby("table")["p"].transform("count").astype(int)
    survives = np.select([frame["p_holm_high"] < LEVEL, frame["p_holm_low"] >= LEVEL], ["yes", "no"], "depends on rounding")
    return frame.assign(survives=np.where(frame["claim"] == "significant", survives, ""))
