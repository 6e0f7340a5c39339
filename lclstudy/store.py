"""Run records on disk: written whole, verified when read, skipped when done. No torch: what analyses reads them too.

A record is one file, `<identity>.npz`: a JSON text and the arrays, with a sha256 of every byte before it as the archive's
comment. It is written beside its place and moved there whole, so a reader sees a whole record or none.
"""

import contextlib
import hashlib
import io
import json
import logging
import os
import secrets
import zipfile
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pandas as pd

from . import frozen, paths
from .config import RunSpec
from .errors import StudyError
from .frozen import Frozen, best_frozen, frozen_names, read_frozen
from .records import SPLITS, Record

log = logging.getLogger("lclstudy")

__all__ = ["Frozen", "RunStore", "SaveError", "best_frozen", "frozen_names", "read_frozen"]

_ARRAYS = {f"{split}_{name}": kind for split in SPLITS for name, kind in (("probabilities", np.float32), ("labels", np.int64))}
_TOLD = [field.name for field in fields(Record) if field.name not in ("spec", *_ARRAYS)]
_NOT_RUN = {"status": "not run", "failure": "", "best_epoch": None, "device": "", "executor": ""}
_NOT_RUN |= {"classes": [], "epochs": [], "measures": {}, "notes": {}, "versions": {}}
_FORMAT = 1
_DIGEST = 64  # length of a sha256 in hex


class SaveError(StudyError):
    """A record that could not be written. `record` is the record itself, so that what was trained is not lost."""

    def __init__(self, message: str, record: Record):
        super().__init__(message)
        self.record = record


class _Damaged(Exception):
    """A file that is not a whole record; the message says why."""


class RunStore:
    """The run records of a folder, by default `paths.runs()`. Processes may share it: the last whole write of a run stays."""

    def __init__(self, path: Path | str | None = None):
        self.path = Path(path) if path is not None else paths.runs()

    def has(self, spec: RunSpec) -> bool:
        """Whether the finished record of `spec` is there, whole and verified. A failed run counts as not there."""
        found = self._read(self._file(spec.identity()))
        return found is not None and found[0]["status"] == "done"

    def missing(self, specs: list[RunSpec], retrain: bool = False) -> list[RunSpec]:
        """The specs that have no finished record, in the order given; of specs with one identity the first alone."""
        by_identity: dict[str, RunSpec] = {}
        for spec in specs:
            by_identity.setdefault(spec.identity(), spec)
        return [spec for spec in by_identity.values() if not self.has(spec)]

    def save(self, record: Record) -> None:
        """Writes a record whole or not at all. A failed record never takes the place of a finished one.

        Raises SaveError (a StudyError that carries the record) if the disk refuses, ValueError if the arrays do not fit.
        """
        _check_shapes(record)
        if record.status != "done" and self.has(record.spec):
            return
        data = _encode(record)
        try:
            self._clean()
            _replace(self._file(record.spec.identity()), data)
        except OSError as error:
            raise SaveError(
                f"Could not save the record of {record.spec.label()} in {paths.relative(self.path)}: "
                f"{error.strerror or error}; make room there or point LCLSTUDY_RUNS to another folder, and run again.",
                record,
            ) from error

    def load(self, spec: RunSpec) -> Record:
        """The record of `spec`, finished or failed (its `status` says). Raises StudyError if there is none."""
        found = self._read(self._file(spec.identity()))
        if found is None:
            raise StudyError(f"No record of {spec.label()} ({spec.identity()}) in {paths.relative(self.path)}; train it first.")
        facts, arrays = found
        told = {name: facts[name] for name in _TOLD if name in facts}
        return Record(spec=spec, **{**told, "classes": tuple(facts["classes"])}, **arrays)

    def frame(self, specs: list[RunSpec] | None = None) -> pd.DataFrame:
        """A row per record, sorted by corpus, objective, encoder and seed; with `specs`, a row per spec in their order.

        Columns: identity, the settings of the spec (`classes` joined by `|`, empty for all), status (`done`, `failed`, or
        `not run` for a spec without record), failure, best_epoch, `test_accuracy`, `test_weighted_f1`, `validation_accuracy`,
        `validation_weighted_f1` (0 to 1, at the best epoch), device, executor, then the measures by their own name and the
        notes as `note_...`.
        """
        return frozen.runs_table(self._found(specs))

    def epochs_frame(self, specs: list[RunSpec] | None = None) -> pd.DataFrame:
        """A row per epoch of each record, in the order of `frame`: identity, settings, then what the epoch recorded."""
        return frozen.epochs_table(self._found(specs))

    def failed(self) -> pd.DataFrame:
        """The rows of `frame` of the runs that failed; `failure` says why in one line."""
        frame = self.frame()
        return frame[frame["status"] == "failed"].reset_index(drop=True)

    def freeze(self, folder: Path | str, specs: list[RunSpec] | None = None) -> Path:
        """Writes the results of `specs` (all records if None) as tidy files; the same records give the same bytes.

        `runs.csv` and `epochs.csv` are `frame` and `epochs_frame`; `predictions/*.npz` hold the probabilities per corpus
        and class subset; `manifest.json` counts the runs and has the sha256 of each file. `read_frozen` reads them.
        Raises StudyError if the disk refuses.
        """
        folder = Path(folder)
        found = self._found(specs)
        files = frozen.render(folder.name, found)
        try:
            for name, data in files.items():  # the manifest last: an interrupted freeze is then seen when it is read
                _replace(folder / name, data)
            for path in folder.glob("predictions/*.npz"):
                if path.relative_to(folder).as_posix() not in files:
                    path.unlink()
        except OSError as error:
            where = paths.relative(folder)
            raise StudyError(f"Could not freeze to {where}: {error.strerror or error}; make room and freeze again.") from error
        return folder

    def _file(self, identity: str) -> Path:
        return self.path / f"{identity}.npz"

    def _read(self, path: Path) -> tuple[dict, dict] | None:
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
            return _decode(data, path.stem)
        except _Damaged as damage:
            aside = path.with_name(path.name + ".corrupt")
            with contextlib.suppress(OSError):  # gone, or a folder that may only be read
                if os.path.samestat(opened, path.stat()):  # else another process has written it anew
                    path.replace(aside)
            log.warning("Record %s is damaged (%s): set aside as %s, counts as not run.", path.name, damage, aside.name)
            return None

    def _found(self, specs: list[RunSpec] | None) -> list[tuple[dict, dict]]:
        """Facts and arrays of the records that are there, or of each spec, where one without record is `not run`."""
        if specs is None:
            found = [self._read(path) for path in sorted(self.path.glob("*.npz"))]
            return sorted((pair for pair in found if pair), key=lambda pair: frozen.order(pair[0]))
        return [self._of(spec) for spec in specs]

    def _of(self, spec: RunSpec) -> tuple[dict, dict]:
        facts, arrays = self._read(self._file(spec.identity())) or ({**_NOT_RUN, "identity": spec.identity()}, {})
        return {**facts, "spec": asdict(spec)}, arrays

    def _clean(self) -> None:
        """Removes what killed processes left half written. The lock tells: it ends with the process that wrote."""
        import fcntl

        for part in self.path.glob(".*.part"):
            with contextlib.suppress(OSError), part.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()


def _check_shapes(record: Record) -> None:
    if record.status != "done":
        return
    for split in SPLITS:
        given = np.shape(getattr(record, f"{split}_probabilities"))
        wanted = (len(getattr(record, f"{split}_labels")), len(record.classes))
        if given != wanted:
            raise ValueError(f"{split}_probabilities has shape {given}, but labels and classes say {wanted}")


def _encode(record: Record) -> bytes:
    facts = {name: getattr(record, name) for name in _TOLD}
    facts |= {"format": _FORMAT, "identity": record.spec.identity(), "spec": asdict(record.spec)}
    text = json.dumps(facts, sort_keys=True, default=lambda number: number.item())  # NumPy's numbers as plain ones
    arrays = {name: np.asarray(getattr(record, name), kind) for name, kind in _ARRAYS.items()}
    buffer = io.BytesIO()
    np.savez(buffer, record=np.frombuffer(text.encode(), np.uint8), **arrays)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = bytes(_DIGEST)  # the place of the digest, which then covers all bytes before it
    body = buffer.getvalue()[:-_DIGEST]
    return body + hashlib.sha256(body).hexdigest().encode()


def _decode(data: bytes, identity: str) -> tuple[dict, dict]:
    if hashlib.sha256(data[:-_DIGEST]).hexdigest().encode() != data[-_DIGEST:]:
        raise _Damaged("its checksum does not hold")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        facts = json.loads(archive["record"].tobytes())
        arrays = {name: archive[name] for name in _ARRAYS}
    if facts["format"] != _FORMAT:
        raise _Damaged(f"its format is {facts['format']}, not {_FORMAT}")
    if facts["identity"] != identity:
        raise _Damaged(f"it is the record of {facts['identity']}")
    return facts, arrays


def _replace(path: Path, data: bytes) -> None:
    """Puts `data` at `path` whole or not at all, also when the process is killed or the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part, file = _open_part(path)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.replace(part, path)  # while the lock is held
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _open_part(path: Path):
    """A new file beside `path`, locked for as long as its writer lives, so that nobody takes it for a leftover."""
    import fcntl  # here, because a system without it can still read

    while True:
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        file = part.open("xb")
        with contextlib.suppress(OSError):  # a file system without locks: its leftovers stay
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # else cleaned away before the lock was ours
            return part, file
        file.close()
