"""Several settings of a method beside each other: what runs have otherwise, how they scored, how they stand to each other."""

import math
from collections.abc import Iterable, Mapping
from numbers import Number

import pandas as pd

from lclstudy.plan import names
from lclstudy.plan.spec import UNREAD, Protocol
from lclstudy.statistics import tests
from lclstudy.statistics.judge import NOT_RUN

from . import selection
from .comparisons import Pairs, compare, over_test_texts
from .frozen import Frozen

SEEDS, TEXTS = "seeds", "texts, one seed"


def changes(run: Mapping, base: Mapping) -> tuple[str, ...]:
    """What a run has otherwise than another among what its objective reads: `reduction=sum`, `temperature=0.1`.

    A protocol that starts from another one is named first: `printed`.
    """
    (start, *_), (own, *found) = ([part.strip() for part in row["protocol"].split(",")] for row in (base, run))
    if own == start:
        before, after = (vars(Protocol.parse(row["protocol"])) for row in (base, run))
        found = [_change(name, after[name]) for name in after if after[name] != before[name]]
    else:
        found = [own, *found]
    own, others = ([_change(name, row[name]) for name in selection.SETTINGS if name != "protocol"] for row in (run, base))
    found += [change for change, other in zip(own, others, strict=True) if change != other]
    return tuple(change for change in found if change.partition("=")[0] not in UNREAD.get(run["objective"], ()))


def _change(name: str, value: object) -> str:
    number = isinstance(value, Number) and not isinstance(value, bool)
    return f"{name}=" + ("none" if pd.isna(value) else f"{value:g}" if number else str(value).lower())


def said(found: Iterable[str]) -> tuple[str, ...]:
    """`changes` in words: `summed over the batch`, `temperature 0.1`, `as printed`."""
    return tuple(names.setting(change) if "=" in change else f"as {change}" for change in found)


def level(runs: pd.DataFrame, score: str = "test_accuracy") -> dict:
    """How the runs of one setting scored, in percent: `status`, `n` that finished, `failed`, `planned`, `scores`,
    `mean`, `sd`, and `low` and `high`, the 95 % interval of the mean; NaN where there are too few runs."""
    scores = 100 * runs.loc[runs["status"] == "done", score].to_numpy(float)
    n, failed = len(scores), int((runs["status"] == "failed").sum())
    low, high = tests.mean_interval(scores) if n else (math.nan, math.nan)
    return {
        "status": "done" if n else "failed" if failed else NOT_RUN, "n": n, "failed": failed, "planned": len(runs),
        "scores": tuple(scores.tolist()), "mean": scores.mean() if n else math.nan,
        "sd": scores.std(ddof=1) if n > 1 else math.nan, "low": low, "high": high,
    }  # fmt: skip


def against(results: Frozen, runs: pd.DataFrame, pairs: Pairs) -> pd.DataFrame:
    """`compare` by test accuracy, in points, of settings that the column `setting` of `runs` names: one family, as planned.

    `runs` are of one place. `basis` is what the interval is over: `SEEDS`; or `TEXTS`, where a side has one run: then
    `difference` is of the first seed that both have, and its interval, over the test texts, says nothing of other seeds.
    """
    done = runs[runs["status"] == "done"]
    by_name = done.assign(objective=done["setting"], value=100 * done["test_accuracy"].astype(float))
    compared = compare(by_name, pairs, ["corpus"], planned=True)
    found = pd.DataFrame(pairs, columns=["a", "b"]).merge(compared, how="left", on=["a", "b"])
    found = found.fillna({"word": NOT_RUN, "note": "", "paired_n": 0})
    identities = {name: group.set_index("seed")["identity"] for name, group in done.groupby("setting")}
    rows = [_with_texts(results, row, identities) for row in found.to_dict("records")]
    return pd.DataFrame(rows, columns=[*found, "basis"])


def _with_texts(results: Frozen, row: dict, identities: dict[str, pd.Series]) -> dict:
    one_seed = row["note"] == tests.ONE_RUN and row["paired_n"]
    if one_seed:
        a, b = identities[row["a"]], identities[row["b"]]
        seed = a.index.intersection(b.index)[0]
        test = over_test_texts(results, [[side[seed]] for side in (a, b)])
        row |= {"difference": test.difference, "ci_low": test.ci_low, "ci_high": test.ci_high}
    return row | {"basis": "" if math.isnan(row["ci_low"]) else TEXTS if one_seed else SEEDS}
