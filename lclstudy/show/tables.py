"""Published numbers beside reproduced ones, and the tests between objectives. Values are in percent, differences in points.

`main_results` and `comparisons` give numbers, a row per cell, with NaN where there is none; `readable_results` and
`readable_comparisons` give the texts to show, where nothing is blank; `save` (of `export`) writes both.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import NamedTuple

import numpy as np
import pandas as pd

from lclstudy.errors import StudyError, unknown
from lclstudy.plan import names
from lclstudy.plan.spec import OBJECTIVES, UNREAD, RunSpec
from lclstudy.statistics import tests

from .export import save, to_csv, to_latex, to_markdown

__all__ = ["Cell", "comparisons", "main_results", "mean_and_deviation", "p_value", "paper_table", "published_comparisons"]
__all__ += ["readable_comparisons", "readable_results", "save", "to_csv", "to_latex", "to_markdown"]

PAIRS = (("lcl", "ce"), ("lcl", "scl"), ("lcl", "ce_aug"), ("scl", "ce"))
METRICS = tuple(names.METRICS)
SPLITS = ("test", "validation")
ALL_CLASSES = "all"
NOT_RUN = "not run"
NOT_REPORTED = "not reported"

_CELL = ["corpus", "classes", "objective", "encoder"]
_SETTINGS = [field.name for field in fields(RunSpec) if field.name not in (*_CELL, "seed")]


def main_results(
    published: pd.DataFrame,
    runs: pd.DataFrame,
    metric: str = "accuracy",
    split: str = "test",
    reference: str = "electra-base",
    class_sets: dict[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Published beside reproduced: a row per corpus, class subset, objective and encoder.

    `published` holds rows of `published.table()`, `runs` those of `RunStore.frame()`. A run stands beside the published number
    of its own encoder, or, where there is none, of the `reference` encoder; a published number that no run stands beside has a
    row of its own. `class_sets` gives subsets the names under which they are published.

    Columns: the four of the cell; `status` (`done`, `failed`, `not run`), `n`, `failed`, `planned` (counts of runs), `mean`,
    `sd` (NaN below two runs), `scores` (a tuple, one per finished run); `published_encoder`, `published_mean`, `published_sd`,
    `published_n`; `difference` of the means.

    Raises StudyError on an unknown metric or split, missing columns, two published numbers for one cell, or runs of one cell
    that differ in a setting other than the seed.
    """
    cells = _cells(runs, metric, split, class_sets)
    printed = _printed(published, metric, split)
    beside = {cell: cell if cell in printed else cell._replace(encoder=reference) for cell in cells}
    beside |= {cell: cell for cell in printed if cell not in beside.values()}
    rows = [_result(cell, cells.get(cell, _NO_SCORES), printed.get(other), other.encoder) for cell, other in beside.items()]
    order = [*printed, *cells]
    corpora = list(dict.fromkeys(cell.corpus for cell in order))
    subsets = list(dict.fromkeys([ALL_CLASSES, *(cell.classes for cell in order)]))
    encoders = list(dict.fromkeys([reference, *(cell.encoder for cell in cells), *(cell.encoder for cell in printed)]))
    rows.sort(key=lambda row: (corpora.index(row["corpus"]), subsets.index(row["classes"]), encoders.index(row["encoder"]),
                               OBJECTIVES.index(row["objective"])))  # fmt: skip
    return pd.DataFrame(rows, columns=_RESULT_COLUMNS)


def comparisons(
    runs: pd.DataFrame,
    pairs: Iterable[tuple[str, str]] = PAIRS,
    metric: str = "accuracy",
    split: str = "test",
    class_sets: dict[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Welch's t-test of objective `a` against `b` on each corpus, class subset and encoder of `runs`, adjusted over the table.

    Columns: corpus, classes, encoder, a, b; `n_a`, `n_b`, `mean_a`, `mean_b`, `difference` with `ci_low` and `ci_high` (95 %);
    `t`, `df`, `p`, and `p_holm` by Holm's method over all tests of this table; Hedges' `g` with `g_low` and `g_high`; `note`,
    which says why there is no test. Raises StudyError as `main_results` does, and on an unknown objective.
    """
    cells = _cells(runs, metric, split, class_sets)
    places = list(dict.fromkeys((cell.corpus, cell.classes, cell.encoder) for cell in cells))
    rows = []
    for corpus, classes, encoder in places:
        for a, b in pairs:
            for objective in (a, b):
                if objective not in OBJECTIVES:
                    raise unknown("objective", objective, OBJECTIVES)
            sides = {name: cells.get(Cell(corpus, classes, name, encoder), _NO_SCORES) for name in (a, b)}
            rows.append({"corpus": corpus, "classes": classes, "encoder": encoder, "a": a, "b": b, **_comparison(sides)})
    table = pd.DataFrame(rows, columns=_COMPARISON_COLUMNS)
    table["p_holm"] = tests.holm(table["p"])
    return table


def paper_table(printed: pd.DataFrame, runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`main_results` by metric for the rows of one printed table: its corpora with all their classes, its split.

    Raises StudyError as `main_results` does, and if the rows are of several splits.
    """
    splits = printed["split"].unique()
    if len(splits) != 1:
        raise StudyError(f"A printed table is of one split; given rows of {', '.join(splits) or 'none'}.")
    here = runs[runs["corpus"].isin(printed["corpus"]) & (runs["classes"].fillna("") == "")]
    return {metric: main_results(printed, here, metric, splits[0]) for metric in printed["metric"].unique()}


def published_comparisons(
    published: pd.DataFrame,
    pairs: Iterable[tuple[str, str]] = PAIRS,
    metric: str = "accuracy",
    split: str = "test",
) -> pd.DataFrame:
    """The columns of `comparisons`, from the published means, deviations and n, for pairs that are published with all three.

    The deviations are taken to divide by n - 1, which the papers do not say. Raises StudyError as `main_results` does.
    """
    printed = _printed(published, _known("metric", metric, METRICS), _known("split", split, SPLITS))
    places = list(dict.fromkeys((cell.corpus, cell.classes, cell.encoder) for cell in printed))
    rows = []
    for (corpus, classes, encoder), (a, b) in itertools.product(places, pairs):
        sides = [printed.get(Cell(corpus, classes, name, encoder)) for name in (a, b)]
        if all(side is not None and side[["value", "spread", "n"]].notna().all() for side in sides):
            rows.append({"corpus": corpus, "classes": classes, "encoder": encoder, "a": a, "b": b, **_from_summary(*sides)})
    table = pd.DataFrame(rows, columns=_COMPARISON_COLUMNS)
    table["p_holm"] = tests.holm(table["p"])
    return table


def _from_summary(a: pd.Series, b: pd.Series) -> dict:
    summary = (a["value"], a["spread"], int(a["n"]), b["value"], b["spread"], int(b["n"]))
    test, effect = tests.welch_from_summary(*summary), tests.hedges_g_from_summary(*summary)
    result = {"n_a": summary[2], "n_b": summary[5], "mean_a": summary[0], "mean_b": summary[3]}
    return {**result, **test._asdict(), "g": effect.g, "g_low": effect.ci_low, "g_high": effect.ci_high}


class Cell(NamedTuple):
    """A cell of the main table. `classes` is `all`, the name of a subset, or its class names joined by `|`."""

    corpus: str
    classes: str
    objective: str
    encoder: str


class _Scores(NamedTuple):
    values: np.ndarray  # percent, of the runs that are done
    failed: int
    planned: int


_NO_SCORES = _Scores(np.zeros(0), 0, 0)
_RESULT_COLUMNS = [*_CELL, "status", "n", "failed", "planned", "mean", "sd", "scores"]
_RESULT_COLUMNS += ["published_encoder", "published_mean", "published_sd", "published_n", "difference"]
_COMPARISON_COLUMNS = ["corpus", "classes", "encoder", "a", "b", "n_a", "n_b", "mean_a", "mean_b", "difference"]
_COMPARISON_COLUMNS += ["ci_low", "ci_high", "t", "df", "p", "p_holm", "g", "g_low", "g_high", "note"]


def _cells(runs: pd.DataFrame, metric: str, split: str, class_sets: dict | None) -> dict[Cell, _Scores]:
    score = f"{_known('split', split, SPLITS)}_{_known('metric', metric, METRICS)}"
    _need(runs, [*_CELL, "seed", "status", score], "runs")
    named = {frozenset(members): name for name, members in (class_sets or {}).items()}
    subset = runs["classes"].fillna("").map(lambda classes: _subset(classes, named))
    cells = {}
    for key, group in runs.assign(classes=subset).groupby(_CELL, sort=False):
        cell = Cell(*key)
        _check_settings(cell, group)
        group = group.drop_duplicates("seed")
        done = group.loc[group["status"] == "done", score].to_numpy(float) * 100
        if np.isnan(done).any():
            raise StudyError(f"A finished run of {' '.join(cell)} has no {score}; freeze the results again.")
        cells[cell] = _Scores(done, int((group["status"] == "failed").sum()), len(group))
    return cells


def _subset(classes: str, named: dict[frozenset, str]) -> str:
    return named.get(frozenset(classes.split("|")), classes) if classes else ALL_CLASSES


def _check_settings(cell: Cell, group: pd.DataFrame) -> None:
    read = set(_SETTINGS) - set(UNREAD.get(cell.objective, ()))
    for name in [name for name in _SETTINGS if name in read and name in group]:
        if group[name].nunique(dropna=False) > 1:
            given = ", ".join(map(str, group[name].unique()))
            raise StudyError(f"The runs of {' '.join(cell)} differ in {name} ({given}); select those of one setting.")


def _printed(published: pd.DataFrame, metric: str, split: str) -> dict[Cell, pd.Series]:
    _need(published, [*_CELL, "split", "metric", "value", "spread", "n"], "published numbers")
    wanted = (published["metric"] == metric) & (published["split"] == split) & published["objective"].isin(OBJECTIVES)
    printed = {}
    for _, row in published[wanted].iterrows():
        cell = Cell(*row[_CELL])
        if cell in printed:
            raise StudyError(f"Two published numbers for {' '.join(cell)} ({metric}, {split}); select the rows of one table.")
        printed[cell] = row
    return printed


def _result(cell: Cell, scores: _Scores, printed: pd.Series | None, published_encoder: str) -> dict:
    n = len(scores.values)
    result = {
        **cell._asdict(),
        "status": "done" if n else "failed" if scores.failed else NOT_RUN,
        "n": n,
        "failed": scores.failed,
        "planned": scores.planned,
        "mean": _mean(scores.values),
        "sd": scores.values.std(ddof=1) if n > 1 else np.nan,
        "scores": tuple(scores.values.tolist()),
        "published_encoder": "" if printed is None else published_encoder,
        "published_mean": np.nan if printed is None else float(printed["value"]),
        "published_sd": np.nan if printed is None or pd.isna(printed["spread"]) else float(printed["spread"]),
        "published_n": 0 if printed is None or pd.isna(printed["n"]) else int(printed["n"]),
    }
    return {**result, "difference": result["mean"] - result["published_mean"]}


def _comparison(sides: dict[str, _Scores]) -> dict:
    a, b = (scores.values for scores in sides.values())
    result = {"n_a": len(a), "n_b": len(b), "mean_a": _mean(a), "mean_b": _mean(b)}
    if not (len(a) and len(b)):
        return {**result, "note": _why_absent(sides)}
    test, effect = tests.welch(a, b), tests.hedges_g(a, b)
    return {**result, **test._asdict(), "g": effect.g, "g_low": effect.ci_low, "g_high": effect.ci_high}


def _why_absent(sides: dict[str, _Scores]) -> str:
    why = {name: "failed" if scores.failed else NOT_RUN for name, scores in sides.items() if not len(scores.values)}
    if list(why.values()) == [NOT_RUN, NOT_RUN]:
        return NOT_RUN
    return "; ".join(f"{names.objective(name)} {reason}" for name, reason in why.items())


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _known(kind: str, given: str, allowed: Sequence[str]) -> str:
    if given not in allowed:
        raise unknown(kind, given, allowed)
    return given


def _need(frame: pd.DataFrame, columns: list[str], what: str) -> None:
    absent = [name for name in columns if name not in frame]
    if absent:
        raise StudyError(f"The table of {what} lacks the columns {', '.join(absent)}; it has {', '.join(map(str, frame))}.")


def readable_results(results: pd.DataFrame) -> pd.DataFrame:
    """`main_results` as text: `58.3 (0.5)` is a mean with its standard deviation; n stands beside every mean.

    Where no row has a published number, the columns about those are left out.
    """
    shown = _without_classes(pd.DataFrame([_readable_result(row) for row in results.to_dict("records")]))
    return shown.drop(columns=_ABOUT_PUBLISHED) if results["published_mean"].isna().all() else shown


_ABOUT_PUBLISHED = ["Published with", "Published (%)", "n published", "Difference (points)"]


def _readable_result(row: dict) -> dict:
    printed = not pd.isna(row["published_mean"])
    ran = row["status"] == "done"
    return {
        "Corpus": names.corpus(row["corpus"]),
        "Classes": row["classes"].replace("|", ", "),
        "Objective": names.objective(row["objective"]),
        "Published with": names.encoder(row["published_encoder"]) if printed else "–",
        "Published (%)": mean_and_deviation(row["published_mean"], row["published_sd"]) if printed else NOT_REPORTED,
        "n published": (str(row["published_n"]) if row["published_n"] else "not said") if printed else "–",
        "Reproduced with": names.encoder(row["encoder"]),
        "Reproduced (%)": mean_and_deviation(row["mean"], row["sd"]) if ran else row["status"],
        "n reproduced": f"{row['n']} of {row['planned']}" if row["n"] < row["planned"] else str(row["n"]),
        "Difference (points)": f"{row['difference']:+.1f}" if printed and ran else "–",
    }


def readable_comparisons(table: pd.DataFrame) -> pd.DataFrame:
    """`comparisons` as text. The difference is first minus second objective, n is in the same order, brackets hold 95 %
    intervals. Where there is no test, the column `p` says why."""
    return _without_classes(pd.DataFrame([_readable_comparison(row) for row in table.to_dict("records")]))


def _readable_comparison(row: dict) -> dict:
    tested = not row["note"]
    return {
        "Corpus": names.corpus(row["corpus"]),
        "Classes": row["classes"].replace("|", ", "),
        "Encoder": names.encoder(row["encoder"]),
        "Comparison": f"{names.objective(row['a'])} vs {names.objective(row['b'])}",
        "n of each": f"{row['n_a']}, {row['n_b']}",
        "Difference (points)": _with_interval(row["difference"], row["ci_low"], row["ci_high"]),
        "Hedges' g": _with_interval(row["g"], row["g_low"], row["g_high"]),
        "t (df)": f"{row['t']:.2f} ({row['df']:.1f})" if tested else "–",
        "p": p_value(row["p"]) if tested else row["note"],
        "p (Holm)": p_value(row["p_holm"]) if tested else "–",
    }


def _without_classes(shown: pd.DataFrame) -> pd.DataFrame:
    return shown.drop(columns="Classes") if (shown.get("Classes") == ALL_CLASSES).all() else shown


def mean_and_deviation(mean: float, sd: float) -> str:
    """`58.3 (0.5)`, or `58.3` where there is no deviation (one run, or a paper that gives none)."""
    return f"{mean:.1f}" if pd.isna(sd) else f"{mean:.1f} ({sd:.1f})"


def p_value(p: float) -> str:
    """`0.042`, or `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _with_interval(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:+.2f}" if pd.isna(low) else f"{value:+.2f} [{low:.2f}, {high:.2f}]"
