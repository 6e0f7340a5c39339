"""Frozen results: the records of a profile as tidy, tracked files, and reading them back. No torch, no clock, no host name.

What a store holds is `Found` here: the facts of a record (its fields without the arrays, plus `identity`) and its arrays.
"""

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from . import __version__, catalog, metrics, paths
from .config import RunSpec
from .errors import StudyError, unknown
from .records import SPLITS

Found = tuple[dict, dict]

_FORMAT = 1
_SPEC_FIELDS = [field.name for field in fields(RunSpec)]
_SCORES = [f"{split}_{name}" for split in ("test", "validation") for name in ("accuracy", "weighted_f1")]
_COLUMNS = ["identity", *_SPEC_FIELDS, "status", "failure", "best_epoch", *_SCORES, "device", "executor"]
_WHOLE = ("seed", "batch_size", "epochs", "max_length", "augment_seed", "train_limit", "best_epoch", "epoch", "steps")
_TEXT = ("corpus", "classes", "objective", "encoder", "augment", "pooling", "protocol", "precision")
_TEXT_TOLD = ("identity", "status", "failure", "device", "executor")
_FILE_LIMIT = 3_000_000  # bytes of a file of predictions before compression; a bigger one is split
_BEST_FIRST = ("paper", "minilm", "quick")


def runs_table(found: list[Found]) -> pd.DataFrame:
    """A row per run; the columns are those of `RunStore.frame`."""
    rows = [_row(*pair) for pair in found]
    extra = sorted({name for row in rows for name in row} - set(_COLUMNS))
    return _tidy(pd.DataFrame(rows, columns=[*_COLUMNS, *extra]))


def epochs_table(found: list[Found]) -> pd.DataFrame:
    """A row per run and epoch; the columns are those of `RunStore.epochs_frame`."""
    first = ["identity", *_SPEC_FIELDS, "epoch"]
    rows = [
        {"identity": facts["identity"], **_settings(facts["spec"]), **epoch} for facts, _ in found for epoch in facts["epochs"]
    ]
    return _tidy(pd.DataFrame(rows, columns=[*first, *sorted({name for row in rows for name in row} - set(first))]))


def render(name: str, found: list[Found]) -> dict[str, bytes]:
    """The files of the frozen results `name` by their path in the folder, the manifest last.

    Made of `found` alone, so the same records give the same bytes.
    """
    groups = {f"predictions/{part}.npz": group for part, group in _groups(found).items()}
    files = {"runs.csv": _csv(runs_table(found)), "epochs.csv": _csv(epochs_table(found))}
    files |= {path: _predictions(group) for path, group in groups.items()}
    return {**files, "manifest.json": _manifest(name, [facts for facts, _ in found], groups, files)}


def _settings(spec: dict) -> dict:
    """The settings of a spec as cells of a table: no path of this machine, no list."""
    own = spec["corpus"] not in catalog.corpora()
    return {**spec, "corpus": Path(spec["corpus"]).stem if own else spec["corpus"], "classes": "|".join(spec["classes"] or ())}


def order(facts: dict) -> tuple:
    """The sorting key of records: corpus, class subset, objective, encoder, seed."""
    settings = _settings(facts["spec"])
    return *(settings[name] for name in ("corpus", "classes", "objective", "encoder", "seed")), facts["identity"]


def _row(facts: dict, arrays: dict) -> dict:
    notes = {f"note_{name}": value for name, value in facts["notes"].items()}
    told = {name: facts[name] for name in ("identity", "status", "failure", "best_epoch", "device", "executor")}
    return {**facts["measures"], **notes, **told, **_settings(facts["spec"]), **_scores(facts, arrays)}


def _scores(facts: dict, arrays: dict) -> dict:
    if facts["status"] != "done":
        return {}
    scores = {}
    for split in SPLITS:
        labels, predictions = arrays[f"{split}_labels"], arrays[f"{split}_probabilities"].argmax(axis=1)
        scores[f"{split}_accuracy"] = metrics.accuracy(labels, predictions)
        scores[f"{split}_weighted_f1"] = metrics.weighted_f1(labels, predictions, facts["classes"])
    return scores


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """The same column types whether the frame was just made or read from a csv, and whether or not runs are missing."""
    kinds = {name: "Int64" for name in _WHOLE} | {name: "str" for name in (*_TEXT, *_TEXT_TOLD)}
    kinds |= {name: "float64" for name in _SCORES}
    for name in set(frame.columns) & set(kinds):
        column = frame[name].astype(object).fillna("") if kinds[name] == "str" else frame[name]
        frame[name] = column.astype(kinds[name])
    return frame


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _groups(found: list[Found]) -> dict[str, list[Found]]:
    """Finished records by file name: those of one corpus and class subset together, split by objective where too big."""
    together: dict[tuple, dict[str, tuple]] = {}
    done = [pair for pair in found if pair[0]["status"] == "done"]
    for facts, arrays in sorted(done, key=lambda pair: order(pair[0])):
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


def _split(name: str, group: list[Found]):
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


def _predictions(group: list[Found]) -> bytes:
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


@dataclass(frozen=True, eq=False)  # told apart by identity, so that what is made of one can be kept
class Frozen:
    """Frozen results. `runs` and `epochs` are tables as `RunStore.frame` and `epochs_frame` give; `manifest` tells the rest.

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
    tables = [_read_csv(folder / name) for name in ("runs.csv", "epochs.csv")]
    return Frozen(folder.resolve(), manifest, *tables)


def _read_csv(path: Path) -> pd.DataFrame:
    # No text such as "null" or "NA" is a gap: a person may name a class so.
    kinds = {name: str for name in ("identity", *_TEXT)}
    return _tidy(pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""]))


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
