"""Run records on disk: written whole, verified when read, skipped when done or frozen. No torch."""

import contextlib
import logging
from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd

from lclstudy import paths
from lclstudy.errors import StudyError, unknown
from lclstudy.plan.profiles import Profile, profile_names
from lclstudy.plan.spec import RunSpec, distinct
from lclstudy.results import class_sets, frozen, records, tables
from lclstudy.results.frozen import FrozenRuns, read_frozen
from lclstudy.results.records import Found, Record

log = logging.getLogger("lclstudy")


class RunStore:
    """The run records of a folder, by default `paths.runs()`. Processes may share it: the last whole write of a run stays.

    A run that is frozen, in `data/results` or `build/*/results`, counts as finished too. What is damaged is set aside and
    counts as not run; a record of a newer format is a StudyError, and stays.
    """

    def __init__(self, path: Path | str | None = None):
        self.path = Path(path) if path is not None else paths.runs()

    def has(self, spec: RunSpec) -> bool:
        """Whether a finished run of `spec` is there, whole and verified. A failed run counts as not there."""
        return not self.missing([spec])

    def missing(self, specs: list[RunSpec], retrain: bool | Collection[int] = False) -> list[RunSpec]:
        """The specs that have no finished run, in the order given; of specs with one identity the first alone.

        With `retrain` frozen runs do not count, or not those of these seeds, so that they are trained again beside them.
        """
        frozen_runs = FrozenRuns([] if retrain is True else None)
        again = () if isinstance(retrain, bool) else retrain
        left = [spec for identity, spec in distinct(specs).items() if not self.done(identity)]
        return [spec for spec in left if spec.seed in again or not frozen_runs.has(spec)]

    def done(self, identity: str) -> bool:
        """Whether a finished record of that identity is here, whole and verified."""
        found = self._read(identity)
        return found is not None and found[0]["status"] == "done"

    def save(self, record: Record) -> None:
        """Writes a record whole or not at all. A failed one never takes the place of a finished one.

        Raises StudyError if the disk refuses.
        """
        facts, arrays = records.apart(record)
        if self.done(facts["identity"]) and record.status != "done":
            return
        try:
            records.write(self.path / f"{facts['identity']}.npz", records.encode(facts, arrays))
        except OSError as error:
            raise StudyError(
                f"Could not save the record of {record.spec.label()} in {paths.relative(self.path)}: "
                f"{error.strerror or error}; make room there or point LCLSTUDY_RUNS to another folder, and run again."
            ) from error

    def load(self, spec: RunSpec) -> Record:
        """The record of `spec`, finished or failed (its `status` says); where none is finished here, the frozen run.

        Of a frozen run, probabilities come from half precision. Raises StudyError if there is none.
        """
        own = self._read(spec.identity(), records.FULL)
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
        return tables.runs_table(self._facts(specs))

    def epochs_frame(self, specs: list[RunSpec] | None = None) -> pd.DataFrame:
        """A row per epoch of each record, in the order of `frame`: identity, settings, then what the epoch recorded."""
        return tables.epochs_table(self._facts(specs))

    def freeze(self, folder: Path | str, specs: Iterable[RunSpec]) -> Path:
        """Adds the records of `specs` to the frozen results in a folder, or replaces them; removes none.

        The same records give the same bytes. `read_frozen` reads them. Raises StudyError if the disk refuses.
        """
        read = ((spec, self._read(spec.identity(), records.FULL)) for spec in specs)
        frozen.freeze(Path(folder), ((tables.planned(spec, found[0]), found[1]) for spec, found in read if found))
        return Path(folder)

    def retrained(self, name: str) -> pd.DataFrame:
        """A row per run of frozen results `name` that has another finished record here: what was frozen beside what came now.

        Columns: identity, the settings, `test_accuracy` (0 to 1) and `seconds`, frozen, and both as `..._own`. A record that
        was itself frozen has no row.
        """
        told = ["test_accuracy", "seconds"]
        frozen_ones = read_frozen(name).done.reindex(columns=["identity", *tables.SETTINGS, *told])
        own = self.frame().query("status == 'done'").reindex(columns=["identity", *told])
        both = frozen_ones.merge(own, on="identity", suffixes=("", "_own"))
        return both[both["seconds"] != both["seconds_own"]]

    def _read(self, identity: str, wanted: Iterable[str] = ()) -> Found | None:
        """The facts and the arrays `wanted` of a record; None if there is none. What is damaged is reported and set aside."""
        path = self.path / f"{identity}.npz"
        try:
            return records.decode(path.read_bytes(), path, wanted)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StudyError(f"Could not read {paths.relative(path)}: {error.strerror}; mend its access or move it.") from error
        except records.Damaged as damage:
            aside = path.with_name(path.name + ".corrupt")
            with contextlib.suppress(OSError):  # gone, or a folder that may only be read
                path.replace(aside)
            log.warning("Record %s is damaged (%s): set aside as %s, counts as not run.", path.name, damage, aside.name)
            return None

    def _facts(self, specs: list[RunSpec] | None) -> list[dict]:
        """Scored facts of the records that are there, or of each spec, of the frozen run where none is finished here."""
        if specs is None:
            there = (self._scored(path.stem) for path in self.path.glob("*.npz"))
            return sorted(filter(None, there), key=tables.order)
        frozen_runs = FrozenRuns()
        return [tables.planned(spec, self._best(spec.identity(), frozen_runs)) for spec in specs]

    def _best(self, identity: str, frozen_runs: FrozenRuns) -> dict | None:
        own = self._scored(identity)
        kept = frozen_runs.find(identity) if own is None or own["status"] != "done" else None
        return kept[0] if kept and (own is None or kept[0]["status"] == "done") else own

    def _scored(self, identity: str) -> dict | None:
        found = self._read(identity, records.FULL)
        return tables.scored(*found) if found else None


def missing(profile: Profile, store: RunStore, retrain: bool = False) -> list[RunSpec]:
    """What `grid.run_profile` would train of a profile, as far as its sets are known."""
    grid = profile.specs()
    on_sets = [spec for spec in class_sets.all_specs(profile, store) if spec not in grid]
    return store.missing(grid, retrain or profile.retrain) + store.missing(on_sets, retrain)


def publish(profile: Profile) -> Path:
    """Freezes what the store has of a profile, its case study included, into the tracked `data/results/NAME`, and returns that.

    Raises StudyError on a profile of one's own or without records.
    """
    if profile.name not in profile_names():
        raise unknown("profile to freeze into data/results", profile.name, profile_names())
    store = RunStore()
    specs = class_sets.all_specs(profile, store)
    if not any(store._read(spec.identity()) for spec in specs):
        where = f"No record of profile {profile.name}, as restricted, in {paths.relative(store.path)}"
        raise StudyError(f"{where}; train its runs first: lclstudy run {profile.name} --retrain")
    return store.freeze(paths.results(profile.name), specs)
