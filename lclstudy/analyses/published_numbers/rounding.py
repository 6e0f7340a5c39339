"""The paper's significance tests, worked out again from its printed means, deviations and n, and from their rounding.

A printed 58.3 stands for anything from 58.25 to 58.35, so a t or p value that follows from printed numbers is an interval. The
paper says neither which t-test it made nor how it computed its deviations: four `READINGS` are tried on every test. Where one
side is a number cited from another work, without deviation and n, only a one-sample test can be meant.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize
from scipy import stats as distributions

from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.results import published
from lclstudy.statistics.tests import NO_DEVIATION, ONE_RUN, holm, mean_interval_from_summary

LEVEL = 0.05
FITS = ("always", "possibly", "never")
_POINTS = 201  # on an edge of the rounding box; p is smooth there, so the error is of the order of its square
_CELLS = 61  # per deviation, in the integral over the rounding box


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
        return math.isnan(self.sd) and math.isnan(self.n)


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


class Range(NamedTuple):
    """t, degrees of freedom and two-sided p that follow from the printed numbers, each with the ends that rounding allows."""

    t: float
    t_low: float
    t_high: float
    df: float
    df_low: float
    df_high: float
    p: float
    p_low: float
    p_high: float
    note: str = ""


def allowed(a: Side, b: Side, reading: Reading) -> Range:
    """What follows for the test of `a` against `b` under a reading; t has the sign of mean a - mean b.

    Every number may lie anywhere in its rounding interval, a deviation not below 0. For given deviations p falls with the
    distance of the means; for given means it rises when both deviations grow in proportion. So its ends lie on the two edges of
    the box of deviations that face 0 (lowest) or face away from it (highest), which are searched on a grid; t and the ends of
    the means need none. Raises StudyError on a missing mean, a negative deviation, n below 1, or two cited sides.
    """
    a, b = _checked(a), _checked(b)
    if a.cited and b.cited:
        raise StudyError("Both sides of a test are cited without deviation and n; give the runs of one.")
    if 1 in (a.n, b.n):
        return Range(*[math.nan] * 9, ONE_RUN)
    difference, reach = a.mean - b.mean, a.mean_rounding + b.mean_rounding
    nearest, farthest = max(abs(difference) - reach, 0.0), abs(difference) + reach
    low, high = _edges(a, b, upper=False), _edges(a, b, upper=True)
    t_high, t_low = (_t_and_df(value, *low if value > 0 else high, a, b, reading)[0] for value in
                     (difference + reach, -(difference - reach)))  # fmt: skip
    around = [np.concatenate(sides) for sides in zip(low, high, strict=True)]
    df = _t_and_df(1.0, *around, a, b, reading)[1]
    t, point_df = (float(value) for value in _t_and_df(difference, _sd(a), _sd(b), a, b, reading))
    return Range(t, -float(t_low.max()), float(t_high.max()), point_df, float(df.min()), float(df.max()),
                 _p(t, point_df), float(_p(*_t_and_df(farthest, *low, a, b, reading)).min()),
                 float(_p(*_t_and_df(nearest, *high, a, b, reading)).max()) if nearest else 1.0,
                 NO_DEVIATION if math.isnan(t) else "")  # fmt: skip


def _checked(side: Side) -> Side:
    if side.cited:
        if not math.isfinite(side.mean):
            raise StudyError(f"A mean must be finite; given {side.mean!r}.")
        return side
    mean_interval_from_summary(side.mean, side.sd, side.n)  # raises on what is no mean, deviation or count
    return side


def _sd(side: Side) -> float:
    return 0.0 if side.cited else side.sd


def _sd_ends(side: Side) -> tuple[float, float]:
    return (0.0, 0.0) if side.cited else (max(side.sd - side.sd_rounding, 0.0), side.sd + side.sd_rounding)


def _edges(a: Side, b: Side, upper: bool) -> tuple[np.ndarray, np.ndarray]:
    """Deviations on the edges of the rounding box at the upper (or lower) end of one of them."""
    (low_a, high_a), (low_b, high_b) = _sd_ends(a), _sd_ends(b)
    end_a, end_b = (high_a, high_b) if upper else (low_a, low_b)
    along_a, along_b = np.linspace(low_a, high_a, _POINTS), np.linspace(low_b, high_b, _POINTS)
    return np.append(along_a, np.full(_POINTS, end_a)), np.append(np.full(_POINTS, end_b), along_b)


def _t_and_df(difference, sd_a, sd_b, a: Side, b: Side, reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """t and degrees of freedom, elementwise. A cited side counts as known without error: no deviation, endless n."""
    n_a, n_b = (math.inf if side.cited else side.n for side in (a, b))
    error, df = _error_and_df(np.asarray(sd_a, float), np.asarray(sd_b, float), n_a, n_b, reading)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(difference, float) / error, df


def _error_and_df(sd_a: np.ndarray, sd_b: np.ndarray, n_a: float, n_b: float, reading: Reading):
    """Standard error of the difference and its degrees of freedom."""
    one_sample = math.isinf(n_a) or math.isinf(n_b)
    variance_a, variance_b = (
        sd**2 * (n / (n - 1) if reading.ddof == 0 and not math.isinf(n) else 1) for sd, n in ((sd_a, n_a), (sd_b, n_b))
    )
    if one_sample:
        n, variance = (n_a, variance_a) if math.isinf(n_b) else (n_b, variance_b)
        return np.sqrt(variance / n), np.full(np.shape(variance), n - 1.0)
    most = n_a + n_b - 2.0
    if reading.pooled:
        variance = ((n_a - 1) * variance_a + (n_b - 1) * variance_b) / most
        return np.sqrt(variance * (1 / n_a + 1 / n_b)), np.full(np.shape(variance), most)
    of_a, of_b = variance_a / n_a, variance_b / n_b
    total = of_a + of_b
    share = np.divide(of_a, total, out=np.full(np.shape(total), (n_a - 1) / most), where=total > 0)
    return np.sqrt(total), 1 / (share**2 / (n_a - 1) + (1 - share) ** 2 / (n_b - 1))


def _p(t, df):
    return 2 * distributions.t.sf(np.abs(t), df)


# --- the tests of the paper


def printed_tests() -> pd.DataFrame:
    """`published.significance_tests()` with the printed mean, deviation, n and rounding of both sides (`_a` is `better`).

    `test` names a row: `ISEAR: LCL vs CE`. Raises StudyError if a side is not found once in the tables.
    """
    tests, cells = published.significance_tests(), published.table("suresh2021")
    rows = []
    for test in tests.to_dict("records"):
        sides = [_side(test, method, cells) for method in (test["better"], test["worse"])]
        rows.append({**test, "test": _name(test), **_as_columns(sides)})
    return pd.DataFrame(rows)


_METHODS = {"sentilare": "SentiLARE", "skep": "SKEP"}


def _name(test: dict) -> str:
    corpus = names.corpus(test["corpus"]) if test["classes"] == "all" else f"{test['classes']} classes"
    if test["classes"].startswith("4-"):
        corpus = test["classes"]
    a, b = (_METHODS.get(test[side], names.objective(test[side])) for side in ("better", "worse"))
    return f"{corpus}: {a} vs {b}"


def _side(test: dict, method: str, cells: pd.DataFrame) -> Side:
    same = (cells["table"] == test["table"]) & (cells["metric"] == test["metric"]) & (cells["corpus"] == test["corpus"])
    own = (cells["objective"] == method) & (cells["encoder"] == "electra-base")
    cited = (cells["encoder"] == method) & (cells["objective"] == "reported")
    found = cells[same & (cells["classes"] == test["classes"]) & (own | cited)]
    if len(found) != 1:
        raise StudyError(f"{len(found)} printed numbers for {method} in {_name(test)}; see data/published/numbers.csv.")
    row = found.iloc[0]
    n = math.nan if pd.isna(row["n"]) else int(row["n"])
    return Side(row["value"], row["spread"], n, row["value_rounding"], row["spread_rounding"])


def _as_columns(sides: list[Side]) -> dict:
    return {
        f"{name}_{letter}": value for letter, side in zip("ab", sides, strict=True) for name, value in side._asdict().items()
    }


def sides(row: dict) -> tuple[Side, Side]:
    """The two sides of a row of `printed_tests`."""
    return tuple(Side(*(row[f"{name}_{letter}"] for name in Side._fields)) for letter in "ab")


def audit(tests: pd.DataFrame) -> pd.DataFrame:
    """A row per printed test and reading: the columns of `Range`, and how the printed t and p fit.

    `tests` is of `printed_tests`; its own `t` and `p` stay `t_printed` and `p_printed`. `t_fits` and `p_fits`: `always`,
    `possibly` (somewhere in the rounding interval) or `never`; empty where nothing is printed. A printed value (`=`) fits
    possibly or never. `p_at_printed` says whether it holds at the printed numbers themselves, read to the printed digits.
    `probability` is `probability_of_print`.
    """
    rows = []
    for test in tests.rename(columns={"t": "t_printed", "p": "p_printed"}).to_dict("records"):
        for key, reading in READINGS.items():
            found = allowed(*sides(test), reading)
            rows.append(
                {
                    **test,
                    "reading": key,
                    **found._asdict(),
                    "t_fits": _t_fits(test, found),
                    "p_fits": _p_fits(test, found),
                    "p_at_printed": _holds(test, found.p, found.p) == "always",
                    "probability": probability_of_print(test, reading),
                }
            )
    return pd.DataFrame(rows)


def _t_fits(test: dict, found: Range) -> str:
    if pd.isna(test["t_printed"]):
        return ""
    low, high = test["t_printed"] - test["t_rounding"], test["t_printed"] + test["t_rounding"]
    return "possibly" if found.t_low <= high and low <= found.t_high else "never"


def _p_fits(test: dict, found: Range) -> str:
    held = _holds(test, found.p_low, found.p_high)
    return "possibly" if held == "always" and test["p_relation"] == "=" else held


def _holds(test: dict, low: float, high: float) -> str:
    """Whether the printed statement about p holds for p from `low` to `high`."""
    if test["p_relation"] == "=":
        bottom, top = test["p_printed"] - test["p_rounding"], test["p_printed"] + test["p_rounding"]
        if not (low <= top and bottom <= high):
            return "never"
        return "always" if bottom <= low and high <= top else "possibly"
    inside = (low < test["p_printed"], high < test["p_printed"])
    if test["p_relation"] == ">":
        inside = (high > test["p_printed"], low > test["p_printed"])
    return "always" if all(inside) else "possibly" if any(inside) else "never"


def probability_of_print(test: dict, reading: Reading) -> float:
    """How probable the printed t and p are together under a reading, every printed input uniform in its rounding interval.

    It is the integral over the deviations (on a grid) of the probability that the difference of the means, a sum of two
    uniform variables, gives a t and p that round to the printed ones. 0: at no point of the grid can both be had at once.
    """
    a, b = sides(test)
    if 1 in (a.n, b.n):
        return math.nan
    grids = np.meshgrid(*(_middles(*_sd_ends(side)) for side in (a, b)))
    n_a, n_b = (math.inf if side.cited else side.n for side in (a, b))
    error, df = _error_and_df(*(grid.ravel() for grid in grids), n_a, n_b, reading)
    low, high = _t_of_p(test, df)
    if pd.notna(test["t_printed"]):  # its sign is that of the difference as printed
        low = np.maximum(low, test["t_printed"] - test["t_rounding"])
        high = np.minimum(high, test["t_printed"] + test["t_rounding"])
    mass = _mass(a, b, low * error, high * error)
    if pd.isna(test["t_printed"]):
        mass = mass + _mass(a, b, -high * error, -low * error)
    return float(mass.mean())


def _middles(low: float, high: float) -> np.ndarray:
    return low + (high - low) * (np.arange(_CELLS) + 0.5) / _CELLS if high > low else np.array([low])


def _t_of_p(test: dict, df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The range of |t| in which the printed statement about p holds."""
    half = test["p_rounding"] if test["p_relation"] == "=" else 0.0
    at_most, at_least = (
        distributions.t.isf(np.clip(p, 0, 1) / 2, df) for p in (test["p_printed"] - half, test["p_printed"] + half)
    )
    if test["p_relation"] == "<":
        return at_least, np.full(np.shape(df), np.inf)
    return (np.zeros(np.shape(df)), at_least) if test["p_relation"] == ">" else (at_least, at_most)


def _mass(a: Side, b: Side, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Probability that the unrounded difference of means lies between `low` and `high`."""
    wide, narrow = (max(half, 1e-6) for half in (a.mean_rounding, b.mean_rounding))

    def below(x):
        x = np.clip(x - (a.mean - b.mean), -(wide + narrow), wide + narrow)
        parts = [np.maximum(x + s * wide + r * narrow, 0) ** 2 * s * r for s in (1, -1) for r in (1, -1)]
        return sum(parts) / (8 * wide * narrow)

    return np.maximum(below(high) - below(low), 0)


# --- which reading, and what follows for all tests together


def compare_readings(audited: pd.DataFrame) -> pd.DataFrame:
    """How well each reading explains what is printed, over all tests of `audit`; a row per reading, the best first.

    `t_inside`, `p_inside`: tests whose printed t, or statement about p, rounding allows, of `t_count` and `p_count`. `joint`:
    tests whose t and p follow together from one choice of unrounded inputs. `log_ratio`: mean |ln(printed t / computed t)|;
    `p_distance`: root mean square of log10(printed p / computed p), where p is given by `=`; `log10_probability`: sum of the
    log10 of `probability` over the `compared` tests that every reading can explain. Best is the largest `joint`, then the
    largest `log10_probability`.
    """
    possible = audited.groupby("test")["probability"].transform("min") > 0
    rows = []
    for key, group in audited.groupby("reading", sort=False):
        printed_t, exact = group[group["t_printed"].notna()], group[group["p_relation"] == "="]
        compared = group[possible[group.index]]
        rows.append(
            {
                "reading": key,
                "title": READINGS[key].title,
                "t_inside": int((printed_t["t_fits"] == "possibly").sum()),
                "t_count": len(printed_t),
                "p_inside": int((group["p_fits"] != "never").sum()),
                "p_count": len(group),
                "joint": int((group["probability"] > 0).sum()),
                "log_ratio": float(np.log(printed_t["t_printed"] / printed_t["t"]).abs().mean()),
                "p_distance": float(np.sqrt((np.log10(exact["p_printed"] / exact["p"]) ** 2).mean())),
                "log10_probability": float(np.log10(compared["probability"]).sum()),
                "compared": len(compared),
            }
        )
    order = ["joint", "log10_probability"]
    return pd.DataFrame(rows).sort_values(order, ascending=False, kind="stable").reset_index(drop=True)


def implied_df(t: float, t_rounding: float, p: float, p_rounding: float, relation: str = "=") -> tuple[float, float]:
    """The degrees of freedom, lowest and highest, with which a printed t gives the printed two-sided p.

    Both NaN if no number of degrees of freedom does. The highest is infinite where the normal distribution fits too.
    Raises StudyError on a t not above 0 or a relation other than `=`, `<`, `>`.
    """
    if not t - t_rounding > 0:
        raise StudyError(f"t must be above 0, its rounding too; given {t!r} with rounding {t_rounding!r}.")
    if relation not in ("=", "<", ">"):
        raise StudyError(f"Unknown relation {relation!r}; allowed: =, <, >.")
    half = p_rounding if relation == "=" else 0.0
    low = 0.0 if relation == ">" else _df_of(t + t_rounding, p + half)
    high = math.inf if relation == "<" else _df_of(t - t_rounding, p - half)
    return (low, high) if low < math.inf else (math.nan, math.nan)


def _df_of(t: float, p: float) -> float:
    """The degrees of freedom with two-sided p at t; infinite if even the normal distribution has more."""
    if 2 * distributions.norm.sf(t) >= p:
        return math.inf
    low, high = math.log(1e-3), math.log(1e9)
    if _p(t, math.exp(high)) >= p:
        return math.inf
    if _p(t, math.exp(low)) <= p:
        return 0.0
    return math.exp(optimize.brentq(lambda log_df: _p(t, math.exp(log_df)) - p, low, high))


def degrees_of_freedom(audited: pd.DataFrame) -> pd.DataFrame:
    """A row per test with a printed t: the degrees of freedom that its t and p imply, and those of four kinds of test.

    `implied_low`, `implied_high` as in `implied_df`; `paired` n - 1, `student` 2n - 2, `welch_low` to `welch_high` as rounding
    of the deviations allows. `fits` lists the kinds whose degrees of freedom are implied: `welch`, `student`, `paired`.
    """
    rows = []
    welch = audited[
        (audited["reading"] == "welch_sample") & audited["t_printed"].notna()
    ]  # ddof does not change df if n are equal
    for row in welch.to_dict("records"):
        low, high = implied_df(row["t_printed"], row["t_rounding"], row["p_printed"], row["p_rounding"], row["p_relation"])
        kinds = {"welch": (row["df_low"], row["df_high"])}
        kinds |= {"student": (row["n_a"] + row["n_b"] - 2,) * 2, "paired": (row["n_a"] - 1,) * 2}
        fits = [kind for kind, (bottom, top) in kinds.items() if low <= top and bottom <= high]
        rows.append({**{name: row[name] for name in ("test", "t_printed", "p_relation", "p_printed")}, "implied_low": low,
                     "implied_high": high, "paired": kinds["paired"][0], "student": kinds["student"][0],
                     "welch_low": row["df_low"], "welch": row["df"], "welch_high": row["df_high"],
                     "fits": ", ".join(fits) or "none"})  # fmt: skip
    return pd.DataFrame(rows)


def multiplicity(audited: pd.DataFrame, reading: str) -> pd.DataFrame:
    """Which claims of significance outlive Holm's adjustment over all tests that the text makes on one table.

    `p` from the printed numbers under `reading`, `p_holm` adjusted; `p_holm_low` and `p_holm_high` if all tests stood at
    the low or the high end of their rounding intervals. `survives`: `yes` or `no` whatever the rounding, else `depends on
    rounding`; empty where the paper claims no significance.
    """
    frame = audited[audited["reading"] == reading].copy()
    for column in ("p", "p_low", "p_high"):
        adjusted = frame.groupby("table")[column].transform(lambda family: holm(family))
        frame[column.replace("p", "p_holm", 1)] = adjusted
    frame["family"] = frame.groupby("table")["p"].transform("count").astype(int)
    survives = np.select([frame["p_holm_high"] < LEVEL, frame["p_holm_low"] >= LEVEL], ["yes", "no"], "depends on rounding")
    frame["survives"] = np.where(frame["claim"] == "significant", survives, "")
    columns = [
        "table",
        "test",
        "claim",
        "kind",
        "p_relation",
        "p_printed",
        "family",
        "p",
        "p_holm",
        "p_holm_low",
        "p_holm_high",
    ]
    return frame[[*columns, "survives"]].reset_index(drop=True)


def readable(audited: pd.DataFrame, reading: str) -> pd.DataFrame:
    """The tests under a reading as text: what is printed, what follows, and in brackets what rounding allows."""
    rows = audited[audited["reading"] == reading]
    return pd.DataFrame(
        {
            "place": rows["place"],
            "test": rows["test"],
            "n": [
                " and ".join("cited" if pd.isna(n) else f"{n:.0f}" for n in pair)
                for pair in zip(rows["n_a"], rows["n_b"], strict=True)
            ],
            "t printed": ["" if pd.isna(t) else f"{t:.2f}" for t in rows["t_printed"]],
            "t follows": _with_ends(rows, "t", lambda value: f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")),
            "df": [f"{df:.1f}" for df in rows["df"]],
            "p printed": [f"{row.p_relation} {row.p_printed:g}" for row in rows.itertuples()],
            "p follows": _with_ends(rows, "p", lambda value: f"{value:.2g}" if value >= 1e-4 else "<0.0001"),
            "t fits": rows["t_fits"],
            "p fits": rows["p_fits"],
            "together": np.where(rows["probability"] > 0, "yes", "no"),
        }
    )


def _with_ends(rows: pd.DataFrame, column: str, said) -> list[str]:
    columns = [column, f"{column}_low", f"{column}_high"]
    return [f"{said(value)} [{said(low)}, {said(high)}]" for value, low, high in rows[columns].itertuples(index=False)]
