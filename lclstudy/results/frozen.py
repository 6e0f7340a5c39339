"""Frozen results: a file per run in `data/results/PROFILE`, tracked, or in `build/PROFILE/results`, a person's own. No torch.

A file is `<identity>.npz` as `records` says, its `scores` among the facts. Nothing else tells what is frozen: tables are made
when they are read, and the profile of that name says which runs are planned.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError, unknown
from lclstudy.plan.profiles import Profile, load_profile, profile_names
from lclstudy.plan.spec import RunSpec

from . import class_sets, records, tables
from .records import Damaged, Found, Record
from .tables import Frozen

__all__ = ["Frozen", "FrozenRuns", "best_frozen", "freeze", "frozen_names", "read_frozen"]

_BEST_FIRST = ("paper", "minilm", "quick")


class FrozenRuns:
    """The frozen runs of some folders, by default of all. Of a run that stands in several, the first finished one counts."""

    def __init__(self, places: Iterable[Path] | None = None):
        everywhere = (*paths.results("").glob("*/"), *paths.build("").glob("*/results"))
        self.places = list(everywhere if places is None else places)

    def find(self, identity: str) -> tuple[dict, Path, str] | None:
        """The facts of a run, its file and digest; None if it is not frozen. Raises StudyError on a damaged or newer file."""
        found = [told for place in self.places if (told := _facts(place / f"{identity}.npz"))]
        return min(found, key=lambda told: told[0]["status"] != "done", default=None)

    def has(self, spec: RunSpec) -> bool:
        """Whether a finished run of `spec` is frozen. Raises StudyError as `find`."""
        found = self.find(spec.identity())
        return found is not None and found[0]["status"] == "done"

    def load(self, spec: RunSpec) -> Record:
        """The frozen run of `spec`, which must be there, as a record, its probabilities from half precision."""
        _, path, _ = self.find(spec.identity())
        facts, arrays, _ = tables.read_file(path)
        return records.together(spec, facts, records.from_half(arrays))


def _facts(path: Path) -> tuple[dict, Path, str] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return _facts_at(path, stat.st_ino, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)  # a file made anew has another number or time
def _facts_at(path: Path, *_) -> tuple[dict, Path, str]:
    facts, _, digest = tables.read_file(path, ())
    return facts, path, digest


def read_frozen(name: str | Path, planned: Sequence[RunSpec] | None = None) -> Frozen:
    """Reads and verifies frozen results: by the name of a profile, by the .toml of one's own, or from a folder.

    A person's own runs in `build/NAME/results` stand beside the tracked ones. `planned` (default: what the profile plans; of a
    folder nothing) come first, in their order, as `not run` where they are not frozen; then what else is frozen.

    Raises StudyError if there are none, or if a file is not as it was frozen or of a newer format.
    """
    label, profile, places = _named(name)
    runs = FrozenRuns(places)
    if planned is None:
        planned = class_sets.all_specs(profile, runs) if profile else []
    there = {path.stem: runs.find(path.stem) for place in places for path in place.glob("*.npz")}
    first = [tables.planned(spec, there.get(spec.identity())) for spec in planned]
    told = {facts["identity"] for facts in first}
    found = first + sorted((facts for identity, (facts, *_) in there.items() if identity not in told), key=tables.order)
    pairs = [(facts, {}) for facts in found]
    files = {identity: (path, digest) for identity, (facts, path, digest) in there.items() if facts["status"] == "done"}
    return Frozen(label, tables.runs_table(pairs), tables.epochs_table(pairs), tuple(places), files)


def _named(name: str | Path) -> tuple[str, Profile | None, list[Path]]:
    """The name of frozen results, the profile that plans them, if any, and their folders, the tracked one first."""
    own = load_profile(str(name)) if str(name).endswith(".toml") else None
    label = own.name if own else str(name)
    if label in frozen_names():
        profile = load_profile(label) if label in profile_names() else own
        return label, profile, [place.resolve() for place in _folders(label) if place.is_dir()]
    if any(Path(name).glob("*.npz")):
        return Path(name).name, None, [Path(name).resolve()]
    raise unknown("frozen results", str(name), [*frozen_names(), "or a folder made by freeze"])


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
    rank = {name: place for place, name in enumerate(_BEST_FIRST)}
    for name in sorted(frozen_names(), key=lambda name: (rank.get(name, len(rank)), name)):
        if any(_facts(path)[0]["status"] == "done" for place in _folders(name) for path in place.glob("*.npz")):
            return name
    raise StudyError("No frozen results with a finished run; make some with: ./run_all.sh quick")


def freeze(folder: Path, found: Iterable[Found]) -> None:
    """Adds runs to a folder, each whole or not at all, or replaces them; it removes none. The same runs give the same bytes.

    A failed run never takes the place of a finished one. Raises StudyError if the disk refuses, or on a file of a newer format.
    """
    try:
        for facts, arrays in found:
            _freeze(folder / f"{facts['identity']}.npz", facts, arrays)
    except OSError as error:
        where = paths.relative(folder)
        raise StudyError(f"Could not freeze to {where}: {error.strerror or error}; make room and freeze again.") from error


def _freeze(path: Path, facts: dict, arrays: dict) -> None:
    # No path of this machine: the corpus by its name, and no traceback.
    spec = {**facts["spec"], "corpus": tables.settings(facts["spec"])["corpus"]}
    told = {**facts, "spec": spec, "traceback": "", "scores": tables.scores(facts, arrays)}
    data = records.encode(told, records.to_half(len(facts["classes"]), arrays))
    try:
        before = path.read_bytes()
        if before == data or records.decode(before, path)[0]["status"] == "done" != facts["status"]:
            return
    except (FileNotFoundError, Damaged):
        pass
    records.write(path, data)
