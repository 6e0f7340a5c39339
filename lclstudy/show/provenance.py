"""What made a figure or a table: notebook, inputs with their hashes, versions. No time and no path of this machine, so that
the same inputs give the same bytes."""

import hashlib
import json
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from lclstudy import __version__, paths
from lclstudy.errors import StudyError

_PACKAGES = ("numpy", "pandas", "matplotlib", "seaborn")


def describe(notebook: str, inputs: Iterable[Path | str]) -> dict:
    """`notebook`, `inputs` (path from the repository root: sha256; of a folder that of a list of its files) and `versions`.

    Raises StudyError if an input is not there.
    """
    digests = {paths.relative(path): _digest(path) for path in (paths.ROOT / given for given in inputs)}  # absolute ones stay
    versions = {"lclstudy": __version__, "python": platform.python_version()}
    versions |= {package: version(package) for package in _PACKAGES}
    return {"notebook": notebook, "inputs": dict(sorted(digests.items())), "versions": versions}


def write(folder: Path, files: dict[str, bytes], facts: dict, sidecar: str) -> list[Path]:
    """Writes `files` and the json `sidecar`, which holds `facts` and the sha256 of each file; returns the paths.

    Raises StudyError if the disk refuses.
    """
    digests = {name: sha256(data) for name, data in files.items()}
    told = json.dumps({**facts, "files": digests}, indent=1, ensure_ascii=False) + "\n"
    content = {**files, sidecar: told.encode()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in content.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        where = paths.relative(folder)
        raise StudyError(f"Could not write to {where}: {error.strerror or error}; make room there and run again.") from error
    return [folder / name for name in content]


def sha256(data: bytes) -> str:
    """The sha256 of `data`, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def _digest(path: Path) -> str:
    if path.is_file():
        return sha256(path.read_bytes())
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    if not files:
        raise StudyError(f"No input {paths.relative(path)}; make it first, or name a file that is there.")
    return sha256("\n".join(f"{file.relative_to(path).as_posix()} {sha256(file.read_bytes())}" for file in files).encode())
