"""The state of a run on disk now and then: a run that is cut off goes on from there, and ends as it would have ended."""

import logging
import time
from pathlib import Path

import torch

from lclstudy import paths
from lclstudy.plan.spec import RunSpec

log = logging.getLogger("lclstudy")
SECONDS_BETWEEN = 600  # a state of the paper's encoder is some gigabytes


class Checkpoint:
    """The states of one run, a file `path.OBJECTIVE.state` for each training that it needs; without `path` there are none.

    `made_by`: versions, device and threads. A state of others is left alone: going on from it would give another record.
    """

    def __init__(self, path: Path | None, made_by: dict):
        self._path, self._made_by = path, made_by
        self._begun = self._saved = time.perf_counter()

    def spent(self) -> float:
        """Seconds since the run was begun, without those after the state from which it went on."""
        return time.perf_counter() - self._begun

    def load(self, spec: RunSpec) -> dict | None:
        """What was saved last of this training, tensors on the CPU; None if there is nothing to go on from."""
        try:
            found = torch.load(self._file(spec), map_location="cpu", weights_only=True) if self._path else None
        except FileNotFoundError:
            return None
        except Exception as error:  # torch raises many kinds when a file is not whole
            log.warning("%s: its state on disk cannot be read (%s): begun anew.", spec.label(), type(error).__name__)
            return None
        if found is None or found["made_by"] != self._made_by:
            return None
        self._begun = time.perf_counter() - found["spent"]
        return found

    def due(self) -> bool:
        return self._path is not None and time.perf_counter() - self._saved >= SECONDS_BETWEEN

    def save(self, spec: RunSpec, state: dict) -> None:
        """Writes a dict of tensors and numbers, whole or not at all. A disk that refuses is only reported."""
        file = self._file(spec)
        part = file.with_suffix(".state.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.save({**state, "made_by": self._made_by, "spent": self.spent()}, part)
            part.replace(file)
        except (OSError, RuntimeError) as error:  # torch's own when the disk is full
            log.warning("%s: its state could not be kept in %s: %s", spec.label(), paths.relative(file.parent), error)
        self._saved = time.perf_counter()

    def _file(self, spec: RunSpec) -> Path:
        return self._path.with_name(f"{self._path.name}.{spec.objective}.state")


def forget(path: Path) -> None:
    """Removes the states of a run that is finished and saved."""
    for state in path.parent.glob(f"{path.name}.*.state*"):
        state.unlink()
