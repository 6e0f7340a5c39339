"""Frozen results: a file per run in `data/results/PROFILE`, tracked, or in `build/PROFILE/results`, a person's own. No torch.

A file is `<identity>.npz` as `records` says, its `scores` among the facts. Nothing else tells what is frozen: tables are made
when they are read, and the profile of that name says which runs are planned.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from lclstudy import paths
from lclstudy.errors import StudyError, unknown
from lclstudy.plan.profiles import load_profile, profile_names
from lclstudy.plan.spec import RunSpec, distinct
from lclstudy.statistics import metrics

from . import class_sets, records, tables
from .records import Found, Record

_BEST_FIRST = ("paper", "minilm", "quick")


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
        return records.probabilities(self._array(identity, split, "log_probabilities"))

    def predictions(self, identity: str, split: str = "test") -> np.ndarray:
        """Predicted class ids of a run, int64 [N], exactly those of the record. Raises StudyError."""
        return self._array(identity, split, "predictions").astype(np.int64)

    def labels(self, identity: str, split: str = "test") -> np.ndarray:
        """True class ids of the texts of a run, int64 [N]. Raises StudyError."""
        return self._array(identity, split, "labels").astype(np.int64)

    def classes(self, identity: str) -> tuple[str, ...]:
        """Class names of a run, in the order of their ids. Raises StudyError."""
        return tuple(self._read(identity)[0]["classes"])

    def confusion(self, identities: Sequence[str], split: str = "test") -> tuple[np.ndarray, tuple[str, ...]]:
        """The sum of the confusion matrices [C,C] of some runs, such as the seeds of an objective, and their class names.

        Raises StudyError if there is no run, or if they differ in their classes.
        """
        found = {self.classes(identity) for identity in identities}
        if len(found) != 1:
            raise StudyError(f"A confusion matrix needs runs of the same classes; given {len(found)} sets of classes.")
        (classes,) = found
        runs = [(self.labels(identity, split), self.predictions(identity, split)) for identity in identities]
        return sum(metrics.confusion_matrix(labels, predictions, classes) for labels, predictions in runs), classes

    def _array(self, identity: str, split: str, name: str) -> np.ndarray:
        return self._read(identity)[1][f"{split}_{name}"]

    def _read(self, identity: str) -> Found:
        if identity not in self.files:
            raise StudyError(f"No finished run {identity!r} in frozen {self.name!r}; take an identity of .runs that is done.")
        return _read_again(*self.files[identity])


@lru_cache(maxsize=64)  # a notebook asks for run after run
def _read_again(path: Path, digest: str) -> Found:
    facts, arrays, now = _read(path, records.HALF)
    if now != digest:
        raise StudyError(f"{paths.relative(path)} was frozen anew while it was read; read the frozen results again.")
    return facts, arrays


def _read(path: Path, wanted: Iterable[str] = ()) -> tuple[dict, dict, str]:
    """Facts, the arrays `wanted` as frozen, and digest of a frozen run. Raises StudyError if it is not as it was frozen."""
    try:
        data = path.read_bytes()
        return *records.decode(data, path, wanted), records.digest(data)
    except (OSError, records.Damaged):
        raise StudyError(f"{paths.relative(path)} is not as it was frozen; restore it with git or freeze again.") from None


class FrozenRuns:
    """The frozen runs of some folders, by default of all. Of a run that stands in several, the first finished one counts."""

    def __init__(self, places: Iterable[Path] | None = None):
        everywhere = (*paths.results("").glob("*/"), *paths.build("").glob("*/results"))
        self.places = list(everywhere if places is None else places)

    def find(self, identity: str) -> tuple[dict, Path, str] | None:
        """The facts of a run, its file and digest; None if it is not frozen. Raises StudyError on a damaged or newer file."""
        found = []
        for path in (place / f"{identity}.npz" for place in self.places):
            if path.exists():
                facts, _, digest = _read(path)
                found.append((facts, path, digest))
        return min(found, key=lambda run: run[0]["status"] != "done", default=None)

    def has(self, spec: RunSpec) -> bool:
        """Whether a finished run of `spec` is frozen. Raises StudyError as `find`."""
        found = self.find(spec.identity())
        return found is not None and found[0]["status"] == "done"

    def load(self, spec: RunSpec) -> Record:
        """The frozen run of `spec`, which must be there, as a record, its probabilities from half precision."""
        facts, arrays, _ = _read(self.find(spec.identity())[1], records.HALF)
        return records.together(spec, facts, records.from_half(arrays))


def read_frozen(name: str | Path, planned: Sequence[RunSpec] | None = None) -> Frozen:
    """Reads and verifies frozen results: by the name of a profile, by the .toml of one's own, or from a folder.

    A person's own runs in `build/NAME/results` stand beside the tracked ones. `planned` (default: what the profile plans; of a
    folder nothing) come first, in their order, as `not run` where they are not frozen; then what else is frozen.

    Raises StudyError if there are none, or if a file is not as it was frozen or of a newer format.
    """
    profile = load_profile(str(name)) if str(name).endswith(".toml") or str(name) in profile_names() else None
    label = profile.name if profile else str(name)
    if label in frozen_names():
        places = [place.resolve() for place in _folders(label) if place.is_dir()]
    elif any(Path(name).glob("*.npz")):
        label, profile, places = Path(name).name, None, [Path(name).resolve()]
    else:
        raise unknown("frozen results", str(name), [*frozen_names(), "or a folder made by freeze, or by notebook 05"])
    frozen = FrozenRuns(places)
    if planned is None:
        planned = class_sets.all_specs(profile, frozen) if profile else []
    there = {path.stem: frozen.find(path.stem) for place in places for path in place.glob("*.npz")}
    facts = {identity: run[0] for identity, run in there.items()}
    first = [tables.planned(spec, facts.get(identity)) for identity, spec in distinct(planned).items()]
    others = facts.keys() - {run["identity"] for run in first}
    runs = [*first, *sorted((facts[identity] for identity in others), key=tables.order)]
    files = {identity: (path, digest) for identity, (_, path, digest) in there.items() if facts[identity]["status"] == "done"}
    return Frozen(label, tables.runs_table(runs), tables.epochs_table(runs), tuple(places), files)


def _folders(name: str) -> tuple[Path, Path]:
    return paths.results(name), paths.build(name) / "results"


def frozen_names() -> list[str]:
    """The names of the frozen results that there are, tracked or one's own."""
    own = {path.parent.parent.name for path in paths.build("").glob("*/results/*.npz")}
    return sorted(own | {path.parent.name for path in paths.results("").glob("*/*.npz")})


def best_frozen() -> str:
    """The name of the frozen results to show by default: the most telling that hold a finished run.

    `paper` before `minilm` before `quick`, then others by name. Raises StudyError if there are none.
    """
    for name in dict.fromkeys([*_BEST_FIRST, *frozen_names()]):
        if any(_read(path)[0]["status"] == "done" for place in _folders(name) for path in place.glob("*.npz")):
            return name
    raise StudyError("No frozen results with a finished run; make some with: ./run_all.sh quick")


def fitting(profile: str, fits: Callable[[Frozen], bool | list]) -> str:
    """The results that a notebook shows: `profile`, or "" (its own choice) where those do not hold what it asks for: `fits`."""
    if not profile or fits(read_frozen(profile)):
        return profile
    print(f"The results of {profile} hold nothing that answers this notebook's question: here are those shown by default.")
    return ""


def freeze(folder: Path, runs: Iterable[Found]) -> None:
    """Adds runs to a folder, each whole or not at all, or replaces them; it removes none. The same runs give the same bytes.

    A failed run never takes the place of a finished one. Raises StudyError if the disk refuses, or on a file of a newer format.
    """
    try:
        for facts, arrays in runs:
            # No path of this machine: the corpus by its name, and no traceback.
            spec = {**facts["spec"], "corpus": tables.settings(facts["spec"])["corpus"]}
            told = tables.scored({**facts, "spec": spec, "traceback": ""}, arrays)
            data = records.encode(told, records.to_half(len(facts["classes"]), arrays))
            path = folder / f"{facts['identity']}.npz"
            with suppress(FileNotFoundError, records.Damaged):
                before = path.read_bytes()
                finished = records.decode(before, path)[0]["status"] == "done"
                if before == data or (finished and facts["status"] != "done"):
                    continue
            records.write(path, data)
    except OSError as error:
        where = paths.relative(folder)
        raise StudyError(f"Could not freeze to {where}: {error.strerror or error}; make room and freeze again.") from error
