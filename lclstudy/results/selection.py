"""Which runs of frozen results stand for a system: of several settings that a profile tries, those it names first. No torch."""

from dataclasses import fields, replace
from functools import cache, lru_cache

import numpy as np
import pandas as pd

from lclstudy.errors import unknown
from lclstudy.plan.profiles import load_profile, profile_names
from lclstudy.plan.spec import UNREAD, RunSpec

from .frozen import Frozen

CELL = ("corpus", "classes", "objective", "encoder")
SETTINGS = tuple(field.name for field in fields(RunSpec) if field.name not in (*CELL, "seed"))


@lru_cache(maxsize=16)  # a page of verdicts asks for each claim
def runs(results: Frozen) -> pd.DataFrame:
    """`results.runs`, but of a corpus, objective and encoder with several settings only the runs of the profile's first.

    So a grid of settings or an ablation never stands for the method itself. Results of a profile of one's own are kept whole.
    """
    groups = results.runs.groupby(list(CELL), sort=False, dropna=False)
    kept = [_of_first(results.name, key, group) for key, group in groups]
    return pd.concat(kept).sort_index() if kept else results.runs


def changed(results: Frozen, changes: dict[str, str]) -> pd.DataFrame:
    """The runs that differ from those of `runs` in the settings `changes` alone, such as `{"pooling": "mean"}`.

    Raises StudyError on an unknown setting.
    """
    for name in changes:
        if name not in SETTINGS:
            raise unknown("setting", name, SETTINGS)
    first = runs(results)
    if not changes:
        return first
    parts = []
    for key, group in results.runs.groupby(list(CELL), sort=False, dropna=False):
        start = first[np.logical_and.reduce([first[name] == value for name, value in zip(CELL, key, strict=True)])]
        same = [name for name in settings_read(key[2]) if name in group and name not in changes]
        alike = [among(group[name], start[name]) for name in same]
        told = [group[name].astype(str) == value for name, value in changes.items() if name in group]
        parts.append(group[np.logical_and.reduce([*alike, *told])] if len(told) == len(changes) else group.iloc[:0])
    return pd.concat(parts).sort_index() if parts else results.runs


def among(values: pd.Series, wanted: pd.Series) -> pd.Series:
    """Which of `values` are one of `wanted`; a missing value (no limit of texts, say) is one where one is wanted."""
    return values.isin(wanted.dropna()) | (values.isna() & wanted.isna().any())


def settings_read(objective: str) -> list[str]:
    """The settings in which runs of an objective may differ."""
    return [name for name in SETTINGS if name not in UNREAD.get(objective, ())]


def _of_first(profile: str, key: tuple, group: pd.DataFrame) -> pd.DataFrame:
    corpus, _, objective, encoder = key
    columns = [name for name in settings_read(objective) if name in group]
    if len(group[columns].drop_duplicates()) < 2:
        return group
    first = group["identity"].isin(_first_identities(profile).get((corpus, objective, encoder), ()))
    return group[first] if first.any() else group


@cache
def _first_identities(profile: str) -> dict[tuple, set[str]]:
    """By corpus, objective and encoder: the identities of the runs of the first setting, all seeds."""
    if profile not in profile_names():
        return {}
    first, found = {}, {}
    for spec in load_profile(profile).specs():
        key = (spec.corpus, spec.objective, spec.encoder)
        if replace(spec, seed=0) == replace(first.setdefault(key, spec), seed=0):
            found.setdefault(key, set()).add(spec.identity())
    return found
