"""Published numbers beside reproduced ones: a row per corpus, class set, objective and encoder. In percent."""

from collections.abc import Mapping, Sequence

import pandas as pd

from lclstudy.plan.spec import OBJECTIVES
from lclstudy.statistics.judge import NOT_RUN

from .comparisons import ALL_CLASSES
from .selection import CELL
from .settings import level

PAPERS = "electra-base"
_PRINTED = ["published_encoder", "published_mean", "published_sd", "published_n"]
COLUMNS = [*CELL, "status", "n", "failed", "planned", "mean", "sd", "scores", *_PRINTED, "difference"]


def main_results(
    published: pd.DataFrame,
    runs: pd.DataFrame,
    metric: str = "accuracy",
    split: str = "test",
    class_sets: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """`published`, rows of `published.table()`, beside `runs`, those of one setting, as `selection.runs` gives them.

    A run stands beside the published number of its own encoder, or, if there is none, of the paper's; a published
    number that no run stands beside has a row of its own. `class_sets` gives subsets the names under which they are published.

    Columns: the four of the cell, `classes` being `all`, the name of a set, or class names joined by `|`; `status` (`done`,
    `failed`, `not run`), `n`, `failed`, `planned` (counts of runs), `mean`, `sd` (NaN below two runs), `scores` (a tuple);
    `published_encoder` (empty where nothing is published), `published_mean`, `published_sd`, `published_n` (0 if not said);
    `difference` of the means.
    """
    ours, theirs = _ours(runs, f"{split}_{metric}", class_sets or {}), _theirs(published, metric, split)
    printed = set(zip(*(theirs[name] for name in [*CELL[:3], "published_encoder"]), strict=True))
    own = [tuple(cell) in printed for cell in ours[CELL].itertuples(index=False)]
    ours["published_encoder"] = ours["encoder"].where(own, PAPERS)
    both = ours.merge(theirs, "outer", on=[*CELL[:3], "published_encoder"], validate="many_to_one")
    both["published_encoder"] = both["published_encoder"].where(both["published_mean"].notna(), "")
    both["encoder"] = both["encoder"].fillna(both["published_encoder"])
    both["scores"] = [found if isinstance(found, tuple) else () for found in both["scores"]]
    both["status"] = both["status"].fillna(NOT_RUN)
    counts = ["n", "failed", "planned", "published_n"]
    both[counts] = both[counts].fillna(0).astype(int)
    both[["mean", "sd"]] = both[["mean", "sd"]].astype(float)  # also where nothing ran
    both["difference"] = both["mean"] - both["published_mean"]
    order = {
        "corpus": [*theirs["corpus"], *ours["corpus"]],
        "classes": [ALL_CLASSES, *theirs["classes"], *ours["classes"]],
        "encoder": [PAPERS, *ours["encoder"], *theirs["published_encoder"]],
        "objective": list(OBJECTIVES),
    }
    place = {name: {value: number for number, value in enumerate(dict.fromkeys(values))} for name, values in order.items()}
    return both.sort_values(list(order), key=lambda column: column.map(place[column.name]), ignore_index=True)[COLUMNS]


def _ours(runs: pd.DataFrame, score: str, class_sets: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    named = {frozenset(members): name for name, members in class_sets.items()}
    sets = [named.get(frozenset(text.split("|")), text) if text else ALL_CLASSES for text in runs["classes"].fillna("")]
    rows = []
    for cell, group in runs.assign(classes=sets).groupby(CELL, sort=False):
        rows.append({**dict(zip(CELL, cell, strict=True)), **level(group.drop_duplicates("seed"), score)})
    return pd.DataFrame(rows, columns=COLUMNS[:11])


def _theirs(published: pd.DataFrame, metric: str, split: str) -> pd.DataFrame:
    wanted = (published["metric"] == metric) & (published["split"] == split) & published["objective"].isin(OBJECTIVES)
    names = dict(zip(["encoder", "value", "spread", "n"], _PRINTED, strict=True))
    return published.loc[wanted, [*CELL, "value", "spread", "n"]].rename(columns=names)
