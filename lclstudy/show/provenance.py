"""Files with a sidecar of what made them: notebook, inputs with their hashes, versions. No time and no path of this machine, so
that the same inputs give the same bytes."""

import hashlib
import json
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from lclstudy import __version__, paths
from lclstudy.errors import StudyError
from lclstudy.plan.catalog import file_checksum

_PACKAGES = ("numpy", "pandas", "matplotlib", "seaborn")


def save(
    folder: Path, files: dict[str, bytes], sidecar: str, notebook: str, inputs: Iterable[Path | str], **more: str
) -> list[Path]:
    """Writes `files` and the json `sidecar`, which holds `more`, `notebook`, `inputs` (path from the root: sha256; of
    a folder that of a list of its files), `versions`, and the sha256 of each file; returns the paths.

    Raises StudyError if an input is not there, or if the disk refuses.
    """
    digests = {paths.relative(path): _digest(path) for path in (paths.ROOT / given for given in inputs)}  # absolute ones stay
    facts = {
        **more,
        "notebook": notebook,
        "inputs": dict(sorted(digests.items())),
        "versions": {
            "lclstudy": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
        },
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    content = {**files, sidecar: (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in content.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        where = paths.relative(folder)
        raise StudyError(f"Could not write to {where}: {error.strerror or error}; make room there and run again.") from error
    return [folder / name for name in content]


def _digest(path: Path) -> str:
    if path.is_file():
        return file_checksum(path)
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    if not files:
        raise StudyError(f"No input {paths.relative(path)}; make it first, or name a file that is there.")
    listed = "\n".join(f"{file.relative_to(path).as_posix()} {file_checksum(file)}" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest()
