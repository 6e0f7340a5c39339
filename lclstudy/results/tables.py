"""Runs as tables, whether they come from records or are frozen, and what frozen results give of a run. No torch."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from lclstudy import paths
from lclstudy.errors import StudyError, unknown
from lclstudy.plan import catalog
from lclstudy.plan.spec import RunSpec
from lclstudy.statistics import metrics

from . import records
from .records import SPLITS, Found

SETTINGS = [field.name for field in fields(RunSpec)]
_SCORES = [f"{split}_{name}" for split in ("test", "validation") for name in ("accuracy", "weighted_f1")]
_COLUMNS = ["identity", *SETTINGS, "status", "failure", "best_epoch", *_SCORES, "device", "executor"]
_WHOLE = ("seed", "batch_size", "epochs", "max_length", "augment_seed", "train_limit", "best_epoch", "epoch", "steps")
_TEXT = ("corpus", "classes", "objective", "encoder", "augment", "pooling", "protocol", "precision")
_TEXT_TOLD = ("identity", "status", "failure", "device", "executor")
_NOT_RUN = {"status": "not run", "failure": "", "best_epoch": None, "device": "", "executor": ""}
_NOT_RUN |= {"classes": [], "epochs": [], "measures": {}, "notes": {}, "versions": {}}


def planned(spec: RunSpec, found: tuple | None) -> dict:
    """The facts of a planned run, `not run` if nothing is found of it; it is told with the settings of the plan."""
    facts = found[0] if found else {**_NOT_RUN, "identity": spec.identity()}
    return {**facts, "spec": asdict(spec)}


def runs_table(found: list[Found]) -> pd.DataFrame:
    """A row per run; the columns are those of `RunStore.frame`."""
    rows = [_row(*pair) for pair in found]
    extra = sorted({name for row in rows for name in row} - set(_COLUMNS))
    return _tidy(pd.DataFrame(rows, columns=[*_COLUMNS, *extra]))


def epochs_table(found: list[Found]) -> pd.DataFrame:
    """A row per run and epoch; the columns are those of `RunStore.epochs_frame`."""
    first = ["identity", *SETTINGS, "epoch"]
    rows = [
        {"identity": facts["identity"], **settings(facts["spec"]), **epoch} for facts, _ in found for epoch in facts["epochs"]
    ]
    return _tidy(pd.DataFrame(rows, columns=[*first, *sorted({name for row in rows for name in row} - set(first))]))


def settings(spec: dict) -> dict:
    """The settings of a spec as cells of a table: no path of this machine, no list."""
    own = spec["corpus"] not in catalog.corpora()
    return {**spec, "corpus": Path(spec["corpus"]).stem if own else spec["corpus"], "classes": "|".join(spec["classes"] or ())}


def order(facts: dict) -> tuple:
    """The sorting key of records: corpus, class subset, objective, encoder, seed."""
    found = settings(facts["spec"])
    return *(found[name] for name in ("corpus", "classes", "objective", "encoder", "seed")), facts["identity"]


def _row(facts: dict, arrays: dict) -> dict:
    notes = {f"note_{name}": value for name, value in facts["notes"].items()}
    told = {name: facts[name] for name in ("identity", "status", "failure", "best_epoch", "device", "executor")}
    return {**facts["measures"], **notes, **told, **settings(facts["spec"]), **scores(facts, arrays)}


def scores(facts: dict, arrays: dict) -> dict:
    """Accuracy and weighted F1 (0 to 1) of a finished run per split; frozen facts have them as `scores`."""
    if facts["status"] != "done" or "scores" in facts:
        return facts.get("scores", {})
    found = {}
    for split in SPLITS:
        labels, predictions = arrays[f"{split}_labels"], arrays[f"{split}_probabilities"].argmax(axis=1)
        found[f"{split}_accuracy"] = metrics.accuracy(labels, predictions)
        found[f"{split}_weighted_f1"] = metrics.weighted_f1(labels, predictions, facts["classes"])
    return found


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """The same column types whether or not runs are missing."""
    kinds = {name: "Int64" for name in _WHOLE} | {name: "str" for name in (*_TEXT, *_TEXT_TOLD)}
    kinds |= {name: "float64" for name in _SCORES}
    for name in set(frame.columns) & set(kinds):
        column = frame[name].astype(object).fillna("") if kinds[name] == "str" else frame[name]
        frame[name] = column.astype(kinds[name])
    return frame


@dataclass(frozen=True, eq=False)  # told apart by identity, so that what is made of one can be kept
class Frozen:
    """Frozen results. `runs` and `epochs` are tables as `RunStore.frame` and `epochs_frame` give, one row per planned run too.

    `folders` are those that they were read from, `files` the file and the digest of each finished run, by identity.
    """

    name: str
    runs: pd.DataFrame
    epochs: pd.DataFrame
    folders: tuple[Path, ...] = ()
    files: dict[str, tuple[Path, str]] = field(default_factory=dict)

    @property
    def done(self) -> pd.DataFrame:
        """The rows of `runs` that are finished."""
        return self.runs[self.runs["status"] == "done"]

    def probabilities(self, identity: str, split: str = "test") -> np.ndarray:
        """Class probabilities of a run, float64 [N,C], rows sum to 1; kept to about three digits. Raises StudyError."""
        return records.probabilities(self._arrays(identity, split)["log_probabilities"])

    def predictions(self, identity: str, split: str = "test") -> np.ndarray:
        """Predicted class ids of a run, int64 [N], exactly those of the record. Raises StudyError."""
        return self._arrays(identity, split)["predictions"].astype(np.int64)

    def labels(self, identity: str, split: str = "test") -> np.ndarray:
        """True class ids of the texts of a run, int64 [N]. Raises StudyError."""
        return self._arrays(identity, split)["labels"].astype(np.int64)

    def classes(self, identity: str) -> tuple[str, ...]:
        """Class names of a run, in the order of their ids. Raises StudyError."""
        return tuple(self._read(identity)[0]["classes"])

    def confusion(self, identities: Iterable[str], split: str = "test") -> tuple[np.ndarray, tuple[str, ...]]:
        """The sum of the confusion matrices [C,C] of some runs, such as the seeds of an objective, and their class names.

        Raises StudyError if there is no run, or if they differ in their classes.
        """
        identities = list(identities)
        found = {self.classes(identity) for identity in identities}
        if len(found) != 1:
            raise StudyError(f"A confusion matrix needs runs of the same classes; given {len(found)} sets of classes.")
        (classes,) = found
        runs = [(self.labels(identity, split), self.predictions(identity, split)) for identity in identities]
        return sum(metrics.confusion_matrix(labels, predictions, classes) for labels, predictions in runs), classes

    def _arrays(self, identity: str, split: str) -> dict:
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        return {name.removeprefix(f"{split}_"): array for name, array in self._read(identity)[1].items()}

    def _read(self, identity: str) -> Found:
        if identity not in self.files:
            raise StudyError(f"No finished run {identity!r} in frozen {self.name!r}; take an identity of .runs that is done.")
        return _read(*self.files[identity])


def read_file(path: Path, wanted: Iterable[str] = records.HALF) -> tuple[dict, dict, str]:
    """Facts, arrays as frozen, and digest of a frozen run. Raises StudyError if the file is not as it was frozen."""
    try:
        data = path.read_bytes()
        return *records.decode(data, path, wanted), records.digest(data)
    except (OSError, records.Damaged):
        raise StudyError(f"{paths.relative(path)} is not as it was frozen; restore it with git or freeze again.") from None


@lru_cache(maxsize=64)  # a notebook asks for run after run
def _read(path: Path, digest: str) -> Found:
    facts, arrays, now = read_file(path)
    if now != digest:
        raise StudyError(f"{paths.relative(path)} was frozen anew while it was read; read the frozen results again.")
    return facts, arrays
