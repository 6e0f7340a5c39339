"""What a run leaves behind: the `Record`, and the file that holds one, whether in the store or frozen. No torch.

A file is named `<identity>.npz`: the facts as JSON and the arrays, with a sha256 of every byte before it as the archive's
comment, whatever its format. The store keeps probabilities in full, frozen results their logarithms in half precision and the
predictions.
"""

import hashlib
import io
import json
import os
import secrets
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan.spec import RunSpec

SPLITS = ("validation", "test")  # those that a record holds probabilities and labels of


@dataclass
class Record:
    """The result of one run.

    `epochs` has a dict per epoch: `epoch` (from 1), `loss` and its parts (mean over steps, `loss_ce`, `loss_weighting`,
    `loss_contrastive` where the objective has them), `train_accuracy` (0 to 1, on the batches as they were trained),
    `validation_accuracy` (0 to 1), `seconds`, and `stage` (from 1) where a run has more than one: each has all epochs of the
    spec, numbered on (of a bag of words an epoch is one fit, with its `C`). `best_epoch` is the first with the best validation
    accuracy in the last stage; the probabilities are the primary network's at that epoch, float32 [N, C], rows in the order of
    the split; labels are int64 [N].
    `measures`: seconds (whole run, without what was lost where it was cut off), train_seconds, texts_per_second,
    peak_memory_bytes (of the process that ended it), steps, parameters.
    `notes`: counts worth telling (texts truncated, texts dropped). `status` is `done` or `failed`; a failed record has a
    one-line `failure`, the end of its `traceback`, and arrays of no rows.
    """

    spec: RunSpec
    classes: tuple[str, ...]
    status: str = "done"
    failure: str = ""
    traceback: str = ""
    epochs: list[dict] = field(default_factory=list)
    best_epoch: int = 0
    validation_probabilities: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    validation_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    test_probabilities: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    test_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    measures: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    device: str = ""
    executor: str = ""


Found = tuple[dict, dict]  # a record apart: its fields without the arrays, plus `identity`, and the arrays, none if it failed

FULL = {f"{split}_{name}": kind for split in SPLITS for name, kind in (("probabilities", np.float32), ("labels", np.int64))}
HALF = [f"{split}_{name}" for split in SPLITS for name in ("log_probabilities", "predictions", "labels")]
_TOLD = [told.name for told in fields(Record) if told.name not in ("spec", *FULL)]
_FORMAT = 1
_DIGEST = 64  # length of a sha256 in hex


class Damaged(Exception):
    """A file that holds no whole record; the message says why."""


def apart(record: Record) -> Found:
    """The facts and the arrays of a record."""
    facts = {name: getattr(record, name) for name in _TOLD}
    facts |= {"classes": list(record.classes), "identity": record.spec.identity(), "spec": asdict(record.spec)}
    return facts, {name: np.asarray(getattr(record, name), kind) for name, kind in FULL.items() if record.status == "done"}


def together(spec: RunSpec, facts: dict, arrays: dict) -> Record:
    """The record of `spec` from facts and arrays; what `apart` took apart. An older one lacks what came to be told later."""
    told = {name: facts[name] for name in _TOLD if name in facts}
    return Record(spec, **told | {"classes": tuple(facts["classes"])}, **arrays)


def to_half(classes: int, arrays: dict) -> dict:
    """Arrays as they are frozen: log probabilities in half precision, predictions and labels in a narrow type."""
    narrow = np.uint8 if classes <= 256 else np.uint16
    kept = {}
    for split in SPLITS if arrays else ():
        probabilities = arrays[f"{split}_probabilities"]
        # Logarithms, because half precision would round a small probability itself to zero.
        kept[f"{split}_log_probabilities"] = np.log(probabilities.clip(np.finfo(np.float32).tiny)).astype(np.float16)
        kept[f"{split}_predictions"] = probabilities.argmax(axis=1).astype(narrow)
        kept[f"{split}_labels"] = arrays[f"{split}_labels"].astype(narrow)
    return kept


def probabilities(logarithms: np.ndarray) -> np.ndarray:
    """Class probabilities, float64 [N, C] with rows that sum to 1, of frozen `log_probabilities`."""
    found = np.exp(logarithms.astype(np.float64))
    return found / found.sum(axis=1, keepdims=True)


def from_half(arrays: dict) -> dict:
    """Frozen arrays as those of a record; the most probable class is the one that the record predicted."""
    full = {}
    for split in SPLITS if arrays else ():
        scores = probabilities(arrays[f"{split}_log_probabilities"]).astype(np.float32)
        predicted = arrays[f"{split}_predictions"].astype(np.int64)
        tied = np.flatnonzero(scores.argmax(axis=1) != predicted)  # classes that half precision cannot tell apart
        scores[tied, predicted[tied]] = np.nextafter(scores[tied].max(axis=1), np.float32(2))
        full |= {f"{split}_probabilities": scores, f"{split}_labels": arrays[f"{split}_labels"].astype(np.int64)}
    return full


def encode(facts: dict, arrays: dict) -> bytes:
    """The file of a record; the same facts and arrays give the same bytes."""
    text = json.dumps({**facts, "format": _FORMAT}, sort_keys=True, default=lambda number: number.item())  # NumPy's as plain
    buffer = io.BytesIO()
    np.savez_compressed(buffer, record=np.frombuffer(text.encode(), np.uint8), **arrays)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = bytes(_DIGEST)  # the place of the digest, which then covers all bytes before it
    body = buffer.getvalue()[:-_DIGEST]
    return body + hashlib.sha256(body).hexdigest().encode()


def decode(data: bytes, path: Path, wanted: Iterable[str] = ()) -> Found:
    """The facts in the file of a record, and the arrays `wanted` of it if it is finished.

    Raises Damaged if it is not whole or holds something else, StudyError if a newer version of the study wrote it.
    """
    if digest(data) != hashlib.sha256(data[:-_DIGEST]).hexdigest():
        raise Damaged("its checksum does not hold")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        facts = json.loads(archive["record"].tobytes())
        if facts["format"] > _FORMAT:
            given = f"{paths.relative(path)} has format {facts['format']}"
            raise StudyError(f"{given}, but this lclstudy knows formats up to {_FORMAT}; update lclstudy.")
        if facts["identity"] != path.stem:
            raise Damaged(f"it is the record of {facts['identity']}")
        wanted = [name for name in wanted if facts["status"] == "done"]
        if not set(wanted) <= set(archive.files):
            raise Damaged("it is of another kind: a frozen run in a store, or a record among frozen runs")
        return facts, {name: archive[name] for name in wanted}


def digest(data: bytes) -> str:
    """The sha256 that stands in the file of a record."""
    return data[-_DIGEST:].decode("ascii", "replace")


def write(path: Path, data: bytes) -> None:
    """Puts `data` at `path` whole or not at all, also when the process is killed or the power fails. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except FileNotFoundError:  # whoever wrote this file meanwhile has cleaned up, as below
        return write(path, data)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    for left in path.parent.glob(f".{path.name}.*.part"):  # by those who were killed while they wrote this file
        left.unlink(missing_ok=True)
