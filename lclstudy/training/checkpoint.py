"""The state of a run on disk now and then: a run that is cut off goes on from there, and on a CPU ends bit for bit as it would
have ended. Imports no torch, which takes a second."""

import hashlib
import logging
import os
import time
import zipfile
from pathlib import Path

from lclstudy import paths
from lclstudy.plan.spec import RunSpec

log = logging.getLogger("lclstudy")
SECONDS_BETWEEN = 600  # a state of the paper's encoder takes gigabytes (each weight, its two moments), so seldom


class Checkpoint:
    """The states of one run, a file `path.OBJECTIVE.state` for each training that it needs; without `path` there are none.

    `made_by`: what decides what the run gives besides the code that trains and the CPU, which are added. A state of others is
    left alone: going on from it would give another record.
    """

    def __init__(self, path: Path | None, made_by: dict):
        self._path, self._made_by = path, made_by | (_here() if path else {})
        self._begun = self._saved = time.perf_counter()

    def spent(self) -> float:
        """Seconds since the run was begun, without those after the state from which it went on."""
        return time.perf_counter() - self._begun

    def load(self, spec: RunSpec) -> dict | None:
        """What was saved last of this training, tensors on the CPU; None if there is nothing to go on from."""
        import torch

        if self._path is None or not self._file(spec).is_file():
            return None
        try:
            with zipfile.ZipFile(self._file(spec)) as whole:
                if damaged := whole.testzip():  # torch checks no checksum
                    raise zipfile.BadZipFile(damaged)
            found = torch.load(self._file(spec), map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds
            log.error("%s: its state on disk cannot be read (%s): begun anew.", spec.label(), type(error).__name__)
            return None
        if found["made_by"] != self._made_by:
            return None
        self._begun = time.perf_counter() - found["spent"]
        return found

    def due(self) -> bool:
        return self._path is not None and time.perf_counter() - self._saved >= SECONDS_BETWEEN

    def save(self, spec: RunSpec, state: dict) -> None:
        """Writes a dict of tensors and numbers, whole or not at all. A disk that refuses is only reported."""
        import torch

        file = self._file(spec)
        part = file.with_suffix(".state.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as stream:
                torch.save({**state, "made_by": self._made_by, "spent": self.spent()}, stream)
                os.fsync(stream.fileno())
            part.replace(file)
        except (OSError, RuntimeError):  # torch's own when the disk is full
            part.unlink(missing_ok=True)
            where = paths.relative(file.parent)
            log.error("%s: its state could not be kept in %s; is there no room? The run goes on.", spec.label(), where)
        self._saved = time.perf_counter()

    def _file(self, spec: RunSpec) -> Path:
        return self._path.with_name(f"{self._path.name}.{spec.objective}.state")


def _here() -> dict:
    import torch

    code = [path.read_bytes() for room in ("models", "training") for path in sorted((paths.PACKAGE / room).glob("*.py"))]
    return {"code": hashlib.sha256(b"".join(code)).hexdigest(), "cpu": dict(torch.cpu.get_capabilities())}


def forget(path: Path) -> None:
    """Removes the states of a run of which none is needed any longer."""
    for state in path.parent.glob(f"{path.name}.*.state*"):
        state.unlink(missing_ok=True)
