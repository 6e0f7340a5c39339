"""Run records on disk, and the frozen results made from them. No torch: what analyses reads both.

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
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from . import __version__, catalog, paths
from .config import RunSpec
from .errors import StudyError, unknown
from .records import Record

log = logging.getLogger("lclstudy")

SPLITS = ("validation", "test")
_ARRAYS = {f"{split}_{name}": kind for split in SPLITS for name, kind in (("probabilities", np.float32), ("labels", np.int64))}
_FORMAT = 1
_DIGEST = 64  # length of a sha256 in hex
_SPEC_FIELDS = [field.name for field in fields(RunSpec)]
_SCORES = [f"{split}_{name}" for split in ("test", "validation") for name in ("accuracy", "weighted_f1")]
_COLUMNS = ["identity", *_SPEC_FIELDS, "status", "failure", "best_epoch", *_SCORES, "device", "executor"]
_FILE_LIMIT = 3_000_000  # bytes of a file of predictions before compression; a bigger one is split
_BEST_FIRST = ("paper", "minilm", "quick")


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

    def missing(self, specs: list[RunSpec]) -> list[RunSpec]:
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
        told = {name: facts[name] for name in _TOLD}
        return Record(spec=spec, **{**told, "classes": tuple(facts["classes"])}, **arrays)

    def frame(self, specs: list[RunSpec] | None = None) -> pd.DataFrame:
        """A row per record, sorted by corpus, objective, encoder and seed; with `specs`, a row per spec in their order.

        Columns: identity, the settings of the spec (`classes` joined by `|`, empty for all), status (`done`, `failed`, or
        `not run` for a spec without record), failure, best_epoch, `test_accuracy`, `test_weighted_f1`, `validation_accuracy`,
        `validation_weighted_f1` (0 to 1, at the best epoch), device, executor, then the measures by their own name and the
        notes as `note_...`.
        """
        return _runs_table(self._found(specs))

    def epochs_frame(self, specs: list[RunSpec] | None = None) -> pd.DataFrame:
        """A row per epoch of each record, in the order of `frame`: identity, settings, then what the epoch recorded."""
        return _epochs_table(self._found(specs))

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
        groups = {f"predictions/{name}.npz": group for name, group in _groups(found).items()}
        files = {"runs.csv": _csv(_runs_table(found)), "epochs.csv": _csv(_epochs_table(found))}
        files |= {name: _predictions(group) for name, group in groups.items()}
        manifest = _manifest(folder.name, [facts for facts, _ in found], groups, files)
        try:
            stale = set(_listed(folder)) - set(files)
            for name, data in files.items():
                _replace(folder / name, data)
            _replace(folder / "manifest.json", manifest)  # last: an interrupted freeze is then seen when it is read
            for name in stale:
                (folder / name).unlink(missing_ok=True)
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
            return sorted((pair for pair in found if pair), key=lambda pair: _order(pair[0]))
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


_TOLD = [field.name for field in fields(Record) if field.name not in ("spec", *_ARRAYS)]
_NOT_RUN = dict(status="not run", failure="", best_epoch=None, device="", executor="", epochs=[], classes=[])
_NOT_RUN |= dict(measures={}, notes={}, versions={})


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


def _settings(spec: dict) -> dict:
    """The settings of a spec as cells of a table: no path of this machine, no list."""
    own = spec["corpus"] not in catalog.corpora()
    return {**spec, "corpus": Path(spec["corpus"]).stem if own else spec["corpus"], "classes": "|".join(spec["classes"] or ())}


def _order(facts: dict) -> tuple:
    settings = _settings(facts["spec"])
    return *(settings[name] for name in ("corpus", "classes", "objective", "encoder", "seed")), facts["identity"]


def _runs_table(found: list[tuple[dict, dict]]) -> pd.DataFrame:
    rows = [_row(*pair) for pair in found]
    extra = sorted({name for row in rows for name in row} - set(_COLUMNS))
    return _tidy(pd.DataFrame(rows, columns=[*_COLUMNS, *extra]))


def _epochs_table(found: list[tuple[dict, dict]]) -> pd.DataFrame:
    first = ["identity", *_SPEC_FIELDS, "epoch"]
    rows = [
        {"identity": facts["identity"], **_settings(facts["spec"]), **epoch} for facts, _ in found for epoch in facts["epochs"]
    ]
    return _tidy(pd.DataFrame(rows, columns=[*first, *sorted({name for row in rows for name in row} - set(first))]))


def _row(facts: dict, arrays: dict) -> dict:
    notes = {f"note_{name}": value for name, value in facts["notes"].items()}
    told = {name: facts[name] for name in ("identity", "status", "failure", "best_epoch", "device", "executor")}
    return {**facts["measures"], **notes, **told, **_settings(facts["spec"]), **_scores(facts, arrays)}


def _scores(facts: dict, arrays: dict) -> dict:
    if facts["status"] != "done":
        return {}
    from sklearn.metrics import f1_score

    scores = {}
    for split in SPLITS:
        labels, predictions = arrays[f"{split}_labels"], arrays[f"{split}_probabilities"].argmax(axis=1)
        scores[f"{split}_accuracy"] = float((labels == predictions).mean())
        scores[f"{split}_weighted_f1"] = float(f1_score(labels, predictions, average="weighted", zero_division=0))
    return scores


_WHOLE = ("seed", "batch_size", "epochs", "max_length", "augment_seed", "train_limit", "best_epoch", "epoch", "steps")
_TEXT = ("corpus", "classes", "objective", "encoder", "augment", "pooling", "protocol", "precision")
_TEXT_TOLD = ("identity", "status", "failure", "device", "executor")


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """The same column types whether the frame was just made or read from a csv, and whether or not runs are missing."""
    kinds = {name: "Int64" for name in _WHOLE} | {name: "str" for name in (*_TEXT, *_TEXT_TOLD)}
    kinds |= {name: "float64" for name in _SCORES}
    for name in set(frame.columns) & set(kinds):
        column = frame[name].fillna("") if kinds[name] == "str" else frame[name]
        frame[name] = column.astype(kinds[name])
    return frame


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _groups(found: list[tuple[dict, dict]]) -> dict[str, list[tuple[dict, dict]]]:
    """Finished records by file name: those of one corpus and class subset together, split by objective where too big."""
    together: dict[tuple, dict[str, tuple]] = {}
    done = [pair for pair in found if pair[0]["status"] == "done"]
    for facts, arrays in sorted(done, key=lambda pair: _order(pair[0])):
        labels = tuple(arrays[f"{split}_labels"].tobytes() for split in SPLITS)
        together.setdefault((_group_name(facts), labels), {})[facts["identity"]] = (facts, arrays)
    groups = {}
    for (name, _), members in together.items():
        for part, group in _split(name, list(members.values())):
            while part in groups:  # two corpora of one's own with one name
                part += "-other"
            groups[part] = group
    return groups


def _group_name(facts: dict) -> str:
    settings = _settings(facts["spec"])
    if not settings["classes"]:
        return settings["corpus"]
    return f"{settings['corpus']}-{len(facts['classes'])}-{hashlib.sha256(settings['classes'].encode()).hexdigest()[:8]}"


def _split(name: str, group: list[tuple[dict, dict]]):
    per_run = sum(group[0][1][f"{split}_probabilities"].size * 2 for split in SPLITS)  # half precision
    if per_run * len(group) <= _FILE_LIMIT:
        yield name, group
        return
    by_objective: dict[str, list] = {}
    for facts, arrays in group:
        by_objective.setdefault(f"{facts['spec']['objective']}-{facts['spec']['encoder']}", []).append((facts, arrays))
    step = max(1, _FILE_LIMIT // per_run)
    for which, members in by_objective.items():
        for start in range(0, len(members), step):
            part = f"-{start // step + 1}" if len(members) > step else ""
            yield f"{name}-{which}{part}", members[start : start + step]


def _predictions(group: list[tuple[dict, dict]]) -> bytes:
    """A compressed archive of R runs: their identities, seeds and objectives, and per split [R,N,C], [R,N] and labels [N]."""
    classes = group[0][0]["classes"]
    narrow = np.uint8 if len(classes) <= 256 else np.uint16
    content = {
        "identities": np.array([facts["identity"] for facts, _ in group]),
        "seeds": np.array([facts["spec"]["seed"] for facts, _ in group], np.int64),
        "objectives": np.array([facts["spec"]["objective"] for facts, _ in group]),
        "classes": np.array(classes),
    }
    for split in SPLITS:
        probabilities = np.stack([arrays[f"{split}_probabilities"] for _, arrays in group])
        # Logarithms, because half precision would round a small probability itself to zero.
        content[f"{split}_log_probabilities"] = np.log(probabilities.clip(np.finfo(np.float32).tiny)).astype(np.float16)
        content[f"{split}_predictions"] = probabilities.argmax(axis=2).astype(narrow)
        content[f"{split}_labels"] = group[0][1][f"{split}_labels"].astype(narrow)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **content)
    return buffer.getvalue()


def _manifest(name: str, facts: list[dict], groups: dict[str, list], files: dict[str, bytes]) -> bytes:
    versions: dict[str, set] = {}
    for fact in facts:
        for package, version in fact["versions"].items():
            versions.setdefault(package, set()).add(str(version))
    specs = [_settings(fact["spec"]) for fact in facts]
    content = {
        "format": _FORMAT,
        "name": name,
        "lclstudy": __version__,
        "counts": {status: sum(fact["status"] == status for fact in facts) for status in ("done", "failed", "not run")},
        "versions": {package: sorted(found) for package, found in sorted(versions.items())},
        "devices": sorted({fact["device"] for fact in facts} - {""}),
        "executors": sorted({fact["executor"] for fact in facts} - {""}),
        "settings": {name: specs[0][name] for name in _SPEC_FIELDS if specs and len({spec[name] for spec in specs}) == 1},
        "predictions": {path: [facts["identity"] for facts, _ in group] for path, group in groups.items()},
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())},
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def _listed(folder: Path) -> dict[str, str]:
    """The files that the manifest of an earlier freeze lists; none if there is no readable manifest."""
    try:
        return json.loads((folder / "manifest.json").read_bytes())["files"]
    except (FileNotFoundError, ValueError, KeyError):
        return {}


@dataclass(frozen=True)
class Frozen:
    """Frozen results. `runs` and `epochs` are tables as of `RunStore.frame` and `epochs_frame`; `manifest` tells the rest.

    `manifest`: name, counts of runs by status, versions and devices of the runs, `settings` that all specs share, files.
    """

    folder: Path
    manifest: dict
    runs: pd.DataFrame
    epochs: pd.DataFrame

    def probabilities(self, identity: str, split: str = "test") -> np.ndarray:
        """Class probabilities of a run, float64 [N,C], rows sum to 1; kept to about three digits. Raises StudyError."""
        row, archive = self._archive(identity, split)
        found = np.exp(archive[f"{split}_log_probabilities"][row].astype(np.float64))
        return found / found.sum(axis=1, keepdims=True)

    def predictions(self, identity: str, split: str = "test") -> np.ndarray:
        """Predicted class ids of a run, int64 [N], exactly those of the record. Raises StudyError."""
        row, archive = self._archive(identity, split)
        return archive[f"{split}_predictions"][row].astype(np.int64)

    def labels(self, identity: str, split: str = "test") -> np.ndarray:
        """True class ids of the texts of a run, int64 [N]. Raises StudyError."""
        return self._archive(identity, split)[1][f"{split}_labels"].astype(np.int64)

    def classes(self, identity: str) -> tuple[str, ...]:
        """Class names of a run, in the order of their ids. Raises StudyError."""
        return tuple(str(name) for name in self._archive(identity)[1]["classes"])

    def _archive(self, identity: str, split: str = "test") -> tuple[int, dict]:
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        for path, identities in self.manifest["predictions"].items():
            if identity in identities:
                return identities.index(identity), _load_archive(self.folder / path, self.manifest["files"][path])
        raise StudyError(
            f"No finished run {identity!r} in {paths.relative(self.folder)}; take an identity of .runs that is done."
        )


@lru_cache(maxsize=8)  # a notebook asks for run after run of one file; the digest keeps a file made anew apart
def _load_archive(path: Path, digest: str) -> dict:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def read_frozen(name_or_folder: str | Path) -> Frozen:
    """Reads frozen results by the name of their profile, or from a folder, and verifies every file.

    Raises StudyError if there are none, or if a file is missing or not as it was frozen.
    """
    folder = Path(name_or_folder)
    if not (folder / "manifest.json").is_file():
        if str(name_or_folder) not in frozen_names():
            raise unknown("frozen results", str(name_or_folder), [*frozen_names(), "or a folder made by freeze"])
        folder = paths.results(str(name_or_folder))
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        listed = manifest["files"]
    except (ValueError, KeyError):
        raise StudyError(f"{paths.relative(folder)}/manifest.json is damaged; freeze again or restore it with git.") from None
    for name, digest in listed.items():
        if not (folder / name).is_file() or hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            raise StudyError(f"{paths.relative(folder / name)} is not as it was frozen; freeze again or restore it with git.")
    tables = [
        _tidy(pd.read_csv(folder / name, dtype={"identity": str}, keep_default_na=False, na_values=[""]))
        for name in ("runs.csv", "epochs.csv")
    ]
    return Frozen(folder.resolve(), manifest, *tables)


def frozen_names() -> list[str]:
    """The names of the frozen results that the repository holds."""
    return sorted(path.parent.name for path in paths.results("").glob("*/manifest.json"))


def best_frozen() -> str:
    """The name of the frozen results to show by default: the most telling that hold a finished run.

    `paper` before `minilm` before `quick`, then others by name. Raises StudyError if there are none.
    """
    rank = {name: place for place, name in enumerate(_BEST_FIRST)}
    for name in sorted(frozen_names(), key=lambda name: (rank.get(name, len(rank)), name)):
        counts = json.loads((paths.results(name) / "manifest.json").read_bytes()).get("counts", {})
        if counts.get("done"):
            return name
    raise StudyError("No frozen results with a finished run; make some with: ./run_all.sh quick")
