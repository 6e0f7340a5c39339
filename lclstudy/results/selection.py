"""Which runs of frozen results stand for a system: of several settings that a profile tries, those it names first. No torch."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from functools import lru_cache

import numpy as np
import pandas as pd

from lclstudy.errors import unknown
from lclstudy.plan.spec import UNREAD, RunSpec

from .frozen import Frozen

CELL = ["corpus", "classes", "objective", "encoder"]
SETTINGS = tuple(field.name for field in fields(RunSpec) if field.name not in (*CELL, "seed"))
GRID = ("alpha", "temperature", "batch_size")  # what the follow-up report searched


@lru_cache(maxsize=16)  # a page of verdicts asks for each claim
def runs(results: Frozen) -> pd.DataFrame:
    """`results.runs`, but of a corpus, objective and encoder with several settings only the runs of the profile's first.

    So a grid of settings or an ablation never stands for the method itself. Where nothing plans the runs, the first is that of
    the lowest seed and identity.
    """
    return changed(results, {})


def changed(results: Frozen, changes: Mapping[str, str], free: Collection[str] = ()) -> pd.DataFrame:
    """The runs that differ from the first one of their corpus, classes, objective and encoder in the settings `changes` alone,
    such as `{"pooling": "mean"}`, and in those `free` at will.

    Planned runs come first in frozen results. Raises StudyError on an unknown setting.
    """
    for name in changes:
        if name not in SETTINGS:
            raise unknown("setting", name, SETTINGS)
    texts, kept = _settings(results), []
    for (*_, objective, _), group in results.runs.groupby(CELL, sort=False).indices.items():
        read = [name for name in texts if name not in UNREAD.get(objective, ()) and name not in free]
        settings = texts[read].iloc[group]
        wanted = {**settings.iloc[0], **changes}
        kept.append(group[(settings.to_numpy() == [wanted[name] for name in read]).all(axis=1)])
    return results.runs.iloc[np.sort(np.concatenate(kept))] if kept else results.runs


@lru_cache(maxsize=16)
def _settings(results: Frozen) -> pd.DataFrame:
    return results.runs[[name for name in SETTINGS if name in results.runs]].astype(object).fillna("none").astype(str)


def grid(results: Frozen, corpus: str, objective: str) -> pd.DataFrame:
    """The runs on all classes of a corpus, of the encoder with most, that differ from the first in nothing but `GRID`."""
    found = changed(results, {}, GRID)
    found = found[(found["corpus"] == corpus) & (found["objective"] == objective) & (found["classes"] == "")]
    return found[found["encoder"] == found["encoder"].mode().min()]
