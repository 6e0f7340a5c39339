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
from scipy import optimize
from scipy import stats as distributions

from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.results import published
from lclstudy.statistics.tests import holm

LEVEL = 0.05
_POINTS = 201  # on an edge of the box of deviations; p is smooth there, so the error is of the order of its square
_CELLS = 61  # per deviation, in the integral over that box


class Side(NamedTuple):
    """One side of a test as printed: mean, deviation and number of runs, and half a unit of the last digit of the first two.

    A side without deviation and n (both NaN) is a number cited from another work, taken as known.
    """

    mean: float
    sd: float
    n: float
    mean_rounding: float = 0.0
    sd_rounding: float = 0.0

    @property
    def cited(self) -> bool:
        """Whether it has neither deviation nor n."""
        return math.isnan(self.n)

    @property
    def runs(self) -> float:
        """n; endless for a cited number, which counts as known without error."""
        return math.inf if self.cited else self.n

    @property
    def sds(self) -> tuple[float, float]:
        """The ends between which the deviation lies."""
        return (0.0, 0.0) if self.cited else (max(self.sd - self.sd_rounding, 0.0), self.sd + self.sd_rounding)


class Reading(NamedTuple):
    """A way to read a printed test: Student's (`pooled`) or Welch's, deviations over n - 1 (`ddof` 1) or over n (0)."""

    title: str
    pooled: bool
    ddof: int


READINGS = {
    "welch_sample": Reading("Welch, SD over n − 1", False, 1),
    "welch_population": Reading("Welch, SD over n", False, 0),
    "student_sample": Reading("Student, SD over n − 1", True, 1),
    "student_population": Reading("Student, SD over n", True, 0),
}
# What a number v with half a unit h of its last digit stands for, as middle and reach in h: v - h to v + h if it was rounded,
# v to v + 2h if it was cut, and v - h to v + 2h if nobody knows which.
PRINTS = {"rounded": (0.0, 1.0), "cut": (1.0, 1.0), "either": (0.5, 1.5)}
_PRINTED = ("t_printed", "p_printed", "a_mean", "a_sd", "b_mean", "b_sd")


# t, degrees of freedom and two-sided p in the middle of what the print stands for, each with the ends that it allows.
Range = namedtuple("Range", "t t_low t_high df df_low df_high p p_low p_high")


def allowed(a: Side, b: Side, reading: Reading) -> Range:
    """What follows for the test of `a` against `b` under a reading; t has the sign of mean a - mean b.

    Every number may lie anywhere within its rounding, a deviation not below 0. For given deviations p falls with the distance
    of the means; for given means it rises when both deviations grow in proportion. So its ends lie on the two edges of the box
    of deviations that face 0 (lowest) or face away from it (highest), which are searched on a grid; t and the ends of the means
    need none.
    """
    difference, reach = a.mean - b.mean, a.mean_rounding + b.mean_rounding
    nearest, farthest = max(abs(difference) - reach, 0.0), abs(difference) + reach
    low, high = (_edges(a.sds, b.sds, end) for end in (0, 1))
    highest, lowest = (
        (value / error_and_df(*(low if value > 0 else high), a.runs, b.runs, reading)[0]).max()
        for value in (difference + reach, reach - difference)
    )
    df_around = error_and_df(*np.concatenate([low, high], axis=1), a.runs, b.runs, reading)[1]
    error, df = error_and_df(*(np.array(0.0 if side.cited else side.sd) for side in (a, b)), a.runs, b.runs, reading)
    p_low, p_high = (
        _p(gap / errors, free)
        for gap, (errors, free) in (
            (farthest, error_and_df(*low, a.runs, b.runs, reading)),
            (nearest, error_and_df(*high, a.runs, b.runs, reading)),
        )
    )
    t = difference / error
    ends = (t, -lowest, highest, df, df_around.min(), df_around.max(), _p(t, df), p_low.min(), p_high.max())
    return Range(*(float(value) for value in ends))


def _edges(sds_a: tuple[float, float], sds_b: tuple[float, float], end: int) -> np.ndarray:
    """Deviations [2, 2 * _POINTS] on the edges of their box at the lower (0) or upper (1) end of one of them."""
    along_a, along_b = np.linspace(*sds_a, _POINTS), np.linspace(*sds_b, _POINTS)
    return np.array([np.append(along_a, np.full(_POINTS, sds_a[end])), np.append(np.full(_POINTS, sds_b[end]), along_b)])


def error_and_df(sd_a: np.ndarray, sd_b: np.ndarray, n_a: float, n_b: float, reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """Standard error of the difference and its degrees of freedom, elementwise. Endless n is that of a number that is known."""
    variance_a, variance_b = (
        sd**2 * (n / (n - 1) if reading.ddof == 0 and not math.isinf(n) else 1) for sd, n in ((sd_a, n_a), (sd_b, n_b))
    )
    if math.isinf(n_a) or math.isinf(n_b):
        n, variance = (n_a, variance_a) if math.isinf(n_b) else (n_b, variance_b)
        return np.sqrt(variance / n), np.full(np.shape(variance), n - 1.0)
    if reading.pooled:
        most = n_a + n_b - 2.0
        variance = ((n_a - 1) * variance_a + (n_b - 1) * variance_b) / most
        return np.sqrt(variance * (1 / n_a + 1 / n_b)), np.full(np.shape(variance), most)
    of_a, of_b = variance_a / n_a, variance_b / n_b
    share = of_a / (of_a + of_b)
    return np.sqrt(of_a + of_b), 1 / (share**2 / (n_a - 1) + (1 - share) ** 2 / (n_b - 1))


def _p(t, df):
    return 2 * distributions.t.sf(np.abs(t), df)


# --- the tests of the paper

_CELL = ("table", "metric", "corpus", "classes")
_METHODS = {"sentilare": "SentiLARE", "skep": "SKEP"}


def printed_tests() -> pd.DataFrame:
    """`published.significance_tests()` with the `Side`s of `better` and `worse` as columns `a_mean` and so on.

    Its t and p are `t_printed` and `p_printed`; `test` names a row: `ISEAR: LCL vs CE`. Raises StudyError if a side is not
    found once in the tables.
    """
    tests, cells = published.significance_tests(), published.table("suresh2021")
    rows = []
    for test in tests.to_dict("records"):
        a, b = (_METHODS.get(test[side], names.objective(test[side])) for side in ("better", "worse"))
        test["test"] = f"{_place(test)}: {a} vs {b}"
        for letter, side in (("a", "better"), ("b", "worse")):
            test |= {f"{letter}_{field}": value for field, value in _side(test, test[side], cells)._asdict().items()}
        rows.append(test)
    return pd.DataFrame(rows).rename(columns=lambda name: re.sub("^([tp])(_rounding)?$", r"\1_printed\2", name))


def _place(test: dict) -> str:
    if test["classes"] == "all":
        return names.corpus(test["corpus"])
    return test["classes"] if test["classes"].startswith("4-") else f"{test['classes']} classes"


def _side(test: dict, method: str, cells: pd.DataFrame) -> Side:
    same = (cells[list(_CELL)] == [test[name] for name in _CELL]).all(axis=1)
    own = (cells["objective"] == method) & (cells["encoder"] == "electra-base")
    cited = (cells["encoder"] == method) & (cells["objective"] == "reported")
    found = cells[same & (own | cited)]
    if len(found) != 1:
        raise StudyError(f"{len(found)} printed numbers for {method} on {_place(test)}; see data/published/numbers.csv.")
    row = found.iloc[0]
    n = math.nan if pd.isna(row["n"]) else int(row["n"])
    return Side(row["value"], row["spread"], n, row["value_rounding"], row["spread_rounding"])


def sides(test: dict) -> tuple[Side, Side]:
    """The two sides of a row of `printed_tests`."""
    return tuple(Side(*(test[f"{letter}_{field}"] for field in Side._fields)) for letter in "ab")


def as_print(test: dict, kind: str) -> dict:
    """A row of `printed_tests` whose numbers are the middles, and whose roundings the reaches, of what a print stands for.

    A bound (`p < .05`) stays as it is printed.
    """
    (middle, reach), moved = PRINTS[kind], dict(test)
    for name in _PRINTED if test["p_relation"] == "=" else [name for name in _PRINTED if name != "p_printed"]:
        half = test[f"{name}_rounding"]
        moved |= {name: test[name] + middle * half, f"{name}_rounding": reach * half}
    return moved


def audit(tests: pd.DataFrame) -> pd.DataFrame:
    """A row per printed test, reading and print: the columns of `Range`, and how the printed t and p fit.

    `tests` is of `printed_tests`; its own columns stay as printed. `print` is one of PRINTS. `t_fits` (missing where no t is
    printed) and `p_fits`: whether the print allows the printed t, or the statement about p; `p_at_print`: whether that holds in
    the middle, which for `rounded` is the printed numbers themselves. `probability` is `probability_of_print`.
    """
    rows = []
    for printed, kind in itertools.product(tests.to_dict("records"), PRINTS):
        test = as_print(printed, kind)
        t_low, t_high = (test["t_printed"] + end * test["t_printed_rounding"] for end in (-1, 1))
        for key, reading in READINGS.items():
            found = allowed(*sides(test), reading)
            fits = {
                "t_fits": None if math.isnan(t_low) else found.t_low <= t_high and t_low <= found.t_high,
                "p_fits": _holds(test, found.p_low, found.p_high),
                "p_at_print": _holds(test, found.p, found.p),
                "probability": probability_of_print(test, reading),
            }
            rows.append({**printed, "print": kind, "reading": key, **found._asdict(), **fits})
    return pd.DataFrame(rows)


def _holds(test: dict, low: float, high: float) -> bool:
    """Whether the printed statement about p holds for some p from `low` to `high`."""
    if test["p_relation"] == "=":
        return low <= test["p_printed"] + test["p_printed_rounding"] and test["p_printed"] - test["p_printed_rounding"] <= high
    return low < test["p_printed"] if test["p_relation"] == "<" else high > test["p_printed"]


def probability_of_print(test: dict, reading: Reading) -> float:
    """How probable the printed t and p are together under a reading, every printed input uniform within its rounding.

    It is the integral over the deviations (on a grid) of the probability that the difference of the means, a sum of two
    uniform variables, gives a t and p that print as they do. 0: at no point of the grid can both be had at once.
    """
    a, b = sides(test)
    grids = np.meshgrid(*(low + (high - low) * (np.arange(_CELLS) + 0.5) / _CELLS for low, high in (a.sds, b.sds)))
    error, df = error_and_df(*(grid.ravel() for grid in grids), a.runs, b.runs, reading)
    low, high = _t_of_p(test, df)
    if pd.isna(test["t_printed"]):
        return float((_mass(a, b, low * error, high * error) + _mass(a, b, -high * error, -low * error)).mean())
    low = np.maximum(low, test["t_printed"] - test["t_printed_rounding"])  # a printed t has the sign of the printed difference
    high = np.minimum(high, test["t_printed"] + test["t_printed_rounding"])
    return float(_mass(a, b, low * error, high * error).mean())


def _t_of_p(test: dict, df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The range of |t| in which the printed statement about p holds."""
    half = test["p_printed_rounding"] if test["p_relation"] == "=" else 0.0
    at_most, at_least = (
        distributions.t.isf(np.clip(p, 0, 1) / 2, df) for p in (test["p_printed"] - half, test["p_printed"] + half)
    )
    if test["p_relation"] == "<":
        return at_least, np.full(np.shape(df), np.inf)
    return (np.zeros(np.shape(df)), at_least) if test["p_relation"] == ">" else (at_least, at_most)


def _mass(a: Side, b: Side, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Probability that the unrounded difference of means lies between `low` and `high`."""
    wide, narrow = a.mean_rounding, b.mean_rounding

    def below(value):
        value = np.clip(value - (a.mean - b.mean), -(wide + narrow), wide + narrow)
        parts = [np.maximum(value + s * wide + r * narrow, 0) ** 2 * s * r for s in (1, -1) for r in (1, -1)]
        return sum(parts) / (8 * wide * narrow)

    return np.maximum(below(high) - below(low), 0)


# --- which reading, and what follows for all tests together


def compare_readings(audited: pd.DataFrame) -> pd.DataFrame:
    """How well each reading explains the print, over all tests of `audit`; a row per reading, the best first.

    If numbers were rounded: `t_inside`, `p_inside`: tests whose printed t, or statement about p, is possible, of `t_count` and
    `tests`; `log_ratio`: mean |ln(printed t / computed t)|; `p_distance`: root mean square of log10(printed p / computed p),
    where p is given by `=`. By print: `joint_PRINT`, tests whose t and p follow together from one choice of inputs, and
    `log10_PRINT`, the sum of the log10 of `probability` over the `compared` tests that every reading explains under every
    print. Best is the largest `joint_rounded`, then the largest `log10_rounded`.
    """
    possible = audited.groupby("test")["probability"].transform("min") > 0
    rows = []
    for key, group in audited.groupby("reading", sort=False):
        rounded = group[group["print"] == "rounded"]
        printed_t, exact = rounded[rounded["t_fits"].notna()], rounded[rounded["p_relation"] == "="]
        row = {
            "reading": key,
            "title": READINGS[key].title,
            "t_inside": int(printed_t["t_fits"].sum()),
            "t_count": len(printed_t),
            "p_inside": int(rounded["p_fits"].sum()),
            "tests": len(rounded),
            "log_ratio": float(np.log(printed_t["t_printed"] / printed_t["t"]).abs().mean()),
            "p_distance": float(np.sqrt((np.log10(exact["p_printed"] / exact["p"]) ** 2).mean())),
            "compared": int(possible[rounded.index].sum()),
        }
        for kind, prints in group.groupby("print"):
            row[f"joint_{kind}"] = int((prints["probability"] > 0).sum())
            row[f"log10_{kind}"] = float(np.log10(prints.loc[possible[prints.index], "probability"]).sum())
        rows.append(row)
    order = ["joint_rounded", "log10_rounded"]
    return pd.DataFrame(rows).sort_values(order, ascending=False, kind="stable").reset_index(drop=True)


def implied_df(t: float, t_rounding: float, p: float, p_rounding: float, relation: str = "=") -> tuple[float, float]:
    """The degrees of freedom, lowest and highest, with which a t gives the two-sided p. `relation` is `=` or `<`.

    Both NaN if no number of degrees of freedom does. The highest is infinite where the normal distribution fits too.
    """
    half = p_rounding if relation == "=" else 0.0
    low = _df_of(t + t_rounding, p + half)
    high = math.inf if relation == "<" else _df_of(t - t_rounding, p - half)
    return (low, high) if low < math.inf else (math.nan, math.nan)


def _df_of(t: float, p: float) -> float:
    """The degrees of freedom with two-sided p at t; infinite if even the normal distribution has more."""
    ends = math.log(1e-3), math.log(1e9)
    if _p(t, math.exp(ends[1])) >= p:
        return math.inf
    return math.exp(optimize.brentq(lambda log_df: _p(t, math.exp(log_df)) - p, *ends))


def degrees_of_freedom(audited: pd.DataFrame) -> pd.DataFrame:
    """A row per test with a printed t: the degrees of freedom that its t and p imply, and those of three kinds of test.

    `rounded_low`, `rounded_high` as in `implied_df` if t and p were rounded, `cut_low`, `cut_high` if they were cut; `paired`
    n - 1, `student` 2n - 2, `welch` and, rounded or cut, `welch_low` to `welch_high`. `fits` lists the kinds whose degrees of
    freedom rounded numbers imply: `welch`, `student`, `paired`.
    """
    rows = []
    welch = audited[(audited["reading"] == "welch_sample") & audited["t_fits"].notna()]  # at equal n, df are those of any ddof
    for name, group in welch.groupby("test", sort=False):
        by_print = {row["print"]: row for row in group.to_dict("records")}
        told, n = by_print["rounded"], by_print["rounded"]["a_n"]
        row = {"test": name, **{key: told[key] for key in ("t_printed", "p_relation", "p_printed")}, "welch": told["df"]}
        row |= {"welch_low": by_print["either"]["df_low"], "welch_high": by_print["either"]["df_high"]}
        row |= {"student": 2.0 * n - 2, "paired": n - 1.0}
        for kind in ("rounded", "cut"):
            here = as_print(told, kind)
            printed = (here[f"{value}_printed{what}"] for value in "tp" for what in ("", "_rounding"))
            row[f"{kind}_low"], row[f"{kind}_high"] = implied_df(*printed, here["p_relation"])
        kinds = {"welch": (told["df_low"], told["df_high"]), "student": (2 * n - 2,) * 2, "paired": (n - 1,) * 2}
        fits = [one for one, (low, high) in kinds.items() if row["rounded_low"] <= high and low <= row["rounded_high"]]
        rows.append({**row, "fits": ", ".join(fits) or "none"})
    return pd.DataFrame(rows)


def multiplicity(audited: pd.DataFrame, reading: str) -> pd.DataFrame:
    """Which claims of significance outlive Holm's adjustment over all tests that the text makes on one table.

    `p` from the printed numbers under `reading`, `p_holm` adjusted; `p_holm_low` and `p_holm_high` if all tests stood at the
    low or the high end of what rounding and cutting allow. `survives`: `yes` or `no` whatever the print, else `depends on
    rounding`; empty where the paper claims no significance.
    """
    here = audited[audited["reading"] == reading]
    frame = here[here["print"] == "rounded"].reset_index(drop=True)
    ends = here[here["print"] == "either"].reset_index(drop=True)
    for column, values in (("p_holm", frame["p"]), ("p_holm_low", ends["p_low"]), ("p_holm_high", ends["p_high"])):
        frame[column] = values.groupby(frame["table"]).transform(holm)
    frame["family"] = frame.groupby("table")["p"].transform("count").astype(int)
    survives = np.select([frame["p_holm_high"] < LEVEL, frame["p_holm_low"] >= LEVEL], ["yes", "no"], "depends on rounding")
    return frame.assign(survives=np.where(frame["claim"] == "significant", survives, ""))
