"""Run records on disk: written whole, verified when read, skipped when done or frozen. No torch."""

import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from lclstudy import paths
from lclstudy.errors import StudyError, unknown
from lclstudy.plan.profiles import Profile, profile_names
from lclstudy.plan.spec import RunSpec
from lclstudy.results import class_sets, frozen, records, tables
from lclstudy.results.frozen import Frozen, FrozenRuns, best_frozen, frozen_names, read_frozen
from lclstudy.results.records import Found, Record

log = logging.getLogger("lclstudy")

__all__ = ["Frozen", "RunStore", "SaveError", "best_frozen", "freeze", "frozen_names", "publish", "read_frozen"]

_RETRAINED = ["frozen_accuracy", "own_accuracy", "difference", "same_predictions", "greatest_difference"]
_RETRAINED += ["frozen_device", "own_device", "frozen_threads", "own_threads"]


class SaveError(StudyError):
    """A record that could not be written. `record` is the record itself, so that what was trained is not lost."""

    def __init__(self, message: str, record: Record):
        super().__init__(message)
        self.record = record


class RunStore:
    """The run records of a folder, by default `paths.runs()`. Processes may share it: the last whole write of a run stays.

    A run that is frozen, in `data/results` or `build/*/results`, counts as finished too, unless a question is of `own` records
    alone. What is damaged is set aside and counts as not run; a record of a newer format is a StudyError, and stays.
    """

    def __init__(self, path: Path | str | None = None):
        self.path = Path(path) if path is not None else paths.runs()

    def has(self, spec: RunSpec, own: bool = False) -> bool:
        """Whether a finished run of `spec` is there, whole and verified. A failed run counts as not there."""
        return self._has(spec.identity()) or (not own and FrozenRuns().has(spec))

    def missing(self, specs: list[RunSpec], retrain: bool = False) -> list[RunSpec]:
        """The specs that have no finished run, in the order given; of specs with one identity the first alone.

        With `retrain` frozen runs do not count, so that they are trained again, beside what is frozen.
        """
        by_identity: dict[str, RunSpec] = {}
        for spec in specs:
            by_identity.setdefault(spec.identity(), spec)
        frozen_runs = FrozenRuns([] if retrain else None)
        return [spec for identity, spec in by_identity.items() if not frozen_runs.has(spec) and not self._has(identity)]

    def save(self, record: Record) -> None:
        """Writes a record whole or not at all. A failed record never takes the place of a finished one.

        Raises SaveError (a StudyError that carries the record) if the disk refuses, ValueError if the arrays do not fit.
        """
        facts, arrays = records.apart(record)
        if self._has(facts["identity"]) and record.status != "done":
            return
        try:
            records.write(self._file(facts["identity"]), records.encode(facts, arrays))
        except OSError as error:
            raise SaveError(
                f"Could not save the record of {record.spec.label()} in {paths.relative(self.path)}: "
                f"{error.strerror or error}; make room there or point LCLSTUDY_RUNS to another folder, and run again.",
                record,
            ) from error

    def load(self, spec: RunSpec) -> Record:
        """The record of `spec`, finished or failed (its `status` says); where none is finished here, the frozen run.

        Of a frozen run, probabilities come from half precision. Raises StudyError if there is none.
        """
        own = self._read(self._file(spec.identity()))
        if (own is None or own[0]["status"] != "done") and FrozenRuns().has(spec):
            return FrozenRuns().load(spec)
        if own is None:
            raise StudyError(f"No record of {spec.label()} ({spec.identity()}) in {paths.relative(self.path)}; train it first.")
        return records.together(spec, *own)

    def frame(self, specs: list[RunSpec] | None = None) -> pd.DataFrame:
        """A row per record, sorted by corpus, objective, encoder and seed; with `specs`, a row per spec in their order, of the
        frozen run where there is no finished record.

        Columns: identity, the settings of the spec (`classes` joined by `|`, empty for all), status (`done`, `failed`, or
        `not run` for a spec without record), failure, best_epoch, `test_accuracy`, `test_weighted_f1`, `validation_accuracy`,
        `validation_weighted_f1` (0 to 1, at the best epoch), device, executor, then the measures by their own name and the
        notes as `note_...`.
        """
        return tables.runs_table(self._found(specs))

    def epochs_frame(self, specs: list[RunSpec] | None = None) -> pd.DataFrame:
        """A row per epoch of each record, in the order of `frame`: identity, settings, then what the epoch recorded."""
        return tables.epochs_table(self._found(specs))

    def failed(self) -> pd.DataFrame:
        """The rows of `frame` of the runs that failed; `failure` says why in one line."""
        frame = self.frame()
        return frame[frame["status"] == "failed"].reset_index(drop=True)

    def freeze(self, folder: Path | str, specs: list[RunSpec] | None = None) -> Path:
        """Adds the records of `specs` (all if None) to the frozen results in a folder, or replaces them; removes none.

        The same records give the same bytes. `read_frozen` reads them. Raises StudyError if the disk refuses.
        """
        pairs = self._found(None) if specs is None else self._own(specs)
        frozen.freeze(Path(folder), pairs)
        return Path(folder)

    def retrained(self, name: str) -> pd.DataFrame:
        """A row per run of frozen results `name` that has a finished record here too: what was frozen beside what came now.

        Columns: identity, the settings, `frozen_accuracy` and `own_accuracy` (test, 0 to 1), `difference` (points, own less
        frozen), `same_predictions` (share of the test texts), `greatest_difference` (of a test probability, of which frozen
        results keep three digits), and of both `device` and `threads`. A record that was itself frozen has no row.
        """
        results = read_frozen(name)
        rows = []
        for before in results.done.to_dict("records"):
            own = self._read(self._file(before["identity"]))
            if own and own[0]["status"] == "done" and own[0]["measures"].get("seconds") != before.get("seconds"):
                rows.append({**before, **_beside(before, *own, results)})
        return pd.DataFrame(rows, columns=["identity", *tables.SETTINGS, *_RETRAINED])

    def _file(self, identity: str) -> Path:
        return self.path / f"{identity}.npz"

    def _has(self, identity: str) -> bool:
        found = self._read(self._file(identity))
        return found is not None and found[0]["status"] == "done"

    def _read(self, path: Path) -> Found | None:
        """The facts and arrays of a record; None if there is none. What is damaged is reported and set aside."""
        try:
            with path.open("rb") as file:
                opened = os.fstat(file.fileno())
                data = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StudyError(f"Could not read {paths.relative(path)}: {error.strerror}; mend its access or move it.") from error
        try:
            return records.decode(data, path, records.FULL)
        except records.Damaged as damage:
            aside = path.with_name(path.name + ".corrupt")
            with contextlib.suppress(OSError):  # gone, or a folder that may only be read
                if os.path.samestat(opened, path.stat()):  # else another process has written it anew
                    path.replace(aside)
            log.warning("Record %s is damaged (%s): set aside as %s, counts as not run.", path.name, damage, aside.name)
            return None

    def _own(self, specs: Iterable[RunSpec]) -> list[Found]:
        """What is recorded here of each spec, with the settings of the spec."""
        read = ((spec, self._read(self._file(spec.identity()))) for spec in specs)
        return [(tables.planned(spec, found), found[1]) for spec, found in read if found]

    def _found(self, specs: list[RunSpec] | None) -> list[Found]:
        """Facts and arrays of the records that are there, or of each spec, of the frozen run where none is finished here."""
        if specs is None:
            found = [self._read(path) for path in sorted(self.path.glob("*.npz"))]
            return sorted((pair for pair in found if pair), key=lambda pair: tables.order(pair[0]))
        frozen_runs = FrozenRuns()
        return [self._of(spec, frozen_runs) for spec in specs]

    def _of(self, spec: RunSpec, frozen_runs: FrozenRuns) -> Found:
        own = self._read(self._file(spec.identity()))
        if own is None or (own[0]["status"] != "done" and frozen_runs.has(spec)):
            return tables.planned(spec, frozen_runs.find(spec.identity())), {}
        return tables.planned(spec, own), own[1]


def _beside(before: dict, facts: dict, arrays: dict, results: Frozen) -> dict:
    identity = facts["identity"]
    probabilities = arrays["test_probabilities"]
    scores = tables.scores(facts, arrays)
    return {
        "frozen_accuracy": before["test_accuracy"],
        "own_accuracy": scores["test_accuracy"],
        "difference": 100 * (scores["test_accuracy"] - before["test_accuracy"]),
        "same_predictions": float((probabilities.argmax(axis=1) == results.predictions(identity)).mean()),
        "greatest_difference": float(np.abs(probabilities - results.probabilities(identity)).max()),
        "frozen_device": before["device"],
        "own_device": facts["device"],
        "frozen_threads": before.get("threads"),
        "own_threads": facts["measures"].get("threads"),
    }


def freeze(profile: Profile, store: RunStore | None = None, also: Iterable[RunSpec] = ()) -> Path:
    """Freezes what `store` has of a profile, its case study included, and of `also` others, for a person's own use.

    They go to `build/NAME/results`, which git ignores and `read_frozen` reads beside what is tracked. Returns that folder.
    """
    return _freeze(profile, store, also, paths.build(profile.name) / "results")


def publish(profile: Profile, store: RunStore | None = None, also: Iterable[RunSpec] = ()) -> Path:
    """As `freeze`, but into the tracked `data/results/NAME`. Raises StudyError on a profile of one's own."""
    if profile.name not in profile_names():
        raise unknown("profile to freeze into data/results", profile.name, profile_names())
    return _freeze(profile, store, also, paths.results(profile.name))


def _freeze(profile: Profile, store: RunStore | None, also: Iterable[RunSpec], folder: Path) -> Path:
    store = store or RunStore()
    return store.freeze(folder, list(dict.fromkeys([*class_sets.all_specs(profile, store), *also])))
