"""The one way from the facts of runs to tables, whether they come from records or are frozen. No torch."""

from collections.abc import Iterable
from dataclasses import asdict, fields

import pandas as pd

from lclstudy.plan import catalog
from lclstudy.plan.spec import RunSpec
from lclstudy.statistics import metrics

from . import records
from .records import SPLITS, Record

SETTINGS = [field.name for field in fields(RunSpec)]
_SCORES = [f"{split}_{name}" for split in ("test", "validation") for name in ("accuracy", "weighted_f1")]
_TOLD = ["status", "failure", "best_epoch", "device", "executor"]
_RUNS = ["identity", *SETTINGS, "status", "failure", "best_epoch", *_SCORES, "device", "executor"]
# The same column types whether or not runs are missing.
_KINDS: dict[object, str] = {int: "Int64", int | None: "Int64", str: "str", tuple[str, ...] | None: "str"}
_TYPES = {field.name: _KINDS[field.type] for field in fields(RunSpec) if field.type in _KINDS}
_TYPES |= dict.fromkeys(("best_epoch", "epoch", "steps"), "Int64") | dict.fromkeys(_SCORES, "float64")
_TYPES |= dict.fromkeys(("identity", "status", "failure", "device", "executor"), "str")


def planned(spec: RunSpec, facts: dict | None) -> dict:
    """The facts of a planned run, `not run` if there are none; it is told with the settings of the plan."""
    if facts is None:
        facts = records.apart(Record(spec, (), status="not run"))[0] | {"best_epoch": None, "scores": {}}
    return {**facts, "spec": asdict(spec)}


def scored(facts: dict, arrays: dict) -> dict:
    """The facts of a record with its `scores`: accuracy and weighted F1 (0 to 1) per split, none unless it is finished."""
    scores = {}
    for split in SPLITS if facts["status"] == "done" else ():
        labels, predictions = arrays[f"{split}_labels"], arrays[f"{split}_probabilities"].argmax(axis=1)
        scores[f"{split}_accuracy"] = metrics.accuracy(labels, predictions)
        scores[f"{split}_weighted_f1"] = metrics.weighted_f1(labels, predictions)
    return {**facts, "scores": scores}


def runs_table(runs: Iterable[dict]) -> pd.DataFrame:
    """A row per run of which scored facts are given; the columns are those of `RunStore.frame`."""
    rows = []
    for facts in runs:
        notes = {f"note_{name}": value for name, value in facts["notes"].items()}
        told = {name: facts[name] for name in _TOLD}
        rows.append({**facts["measures"], **notes, **told, **_run(facts), **facts["scores"]})
    return _table(rows, _RUNS)


def epochs_table(runs: Iterable[dict]) -> pd.DataFrame:
    """A row per run and epoch; the columns are those of `RunStore.epochs_frame`."""
    rows = [{**_run(facts), **epoch} for facts in runs for epoch in facts["epochs"]]
    return _table(rows, ["identity", *SETTINGS, "epoch"])


def settings(spec: dict) -> dict:
    """The settings of a spec as cells of a table: no path of this machine, no list."""
    return {**spec, "corpus": catalog.short_name(spec["corpus"]), "classes": "|".join(spec["classes"] or ())}


def order(facts: dict) -> tuple:
    """The sorting key of runs: corpus, class subset, objective, encoder, seed."""
    run = _run(facts)
    return tuple(run[name] for name in ("corpus", "classes", "objective", "encoder", "seed", "identity"))


def _run(facts: dict) -> dict:
    return {"identity": facts["identity"], **settings(facts["spec"])}


def _table(rows: list[dict], first: list[str]) -> pd.DataFrame:
    others = sorted({name for row in rows for name in row} - set(first))
    frame = pd.DataFrame(rows, columns=[*first, *others])
    kinds = {name: kind for name, kind in _TYPES.items() if name in frame}
    texts = [name for name, kind in kinds.items() if kind == "str"]
    return frame.assign(**frame[texts].astype(object).fillna("")).astype(kinds)
