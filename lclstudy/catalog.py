"""The facts about corpora and encoders, read from `catalog.toml` and `encoders.toml`. Data only: no torch, no datasets."""

import hashlib
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .errors import StudyError, unknown
from .paths import PACKAGE, ROOT


@dataclass(frozen=True)
class RawFile:
    """A file of a corpus. `sha256` is pinned where the study holds the bytes, else `git_blob` (git's sha1 of the blob) is.

    `split` says whose rows it holds: `train`, `validation`, `test`, `all` (split on reading), or nothing: pinned but not read.
    """

    path: str
    split: str = ""
    url: str = ""
    bytes: int | None = None
    sha256: str | None = None
    git_blob: str | None = None


@dataclass(frozen=True)
class CorpusEntry:
    """A corpus of the catalogue. `labels` are in the order of their ids; `published` holds split sizes of the papers."""

    name: str
    title: str
    task: str
    labels: tuple[str, ...]
    files: tuple[RawFile, ...]
    counts: dict = field(default_factory=dict)
    published: dict = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class EncoderEntry:
    """An encoder of the catalogue. `revision` pins the hub's commit (or our recipe's version), `sha256` the weights.

    `gpu_share` is how much of a GPU one run needs, 0 to 1.
    """

    name: str
    kind: str
    hub: str = ""
    revision: str = ""
    sha256: str | None = None
    gpu_share: float = 0.5
    note: str = ""


@cache
def corpora() -> dict[str, CorpusEntry]:
    """All corpora of the catalogue by name."""
    return {
        name: CorpusEntry(
            name=name,
            labels=tuple(entry.pop("labels")),
            files=tuple(RawFile(**file) for file in entry.pop("files")),
            **entry,
        )
        for name, entry in tomllib.loads((PACKAGE / "catalog.toml").read_text("utf-8")).items()
    }


@cache
def encoders() -> dict[str, EncoderEntry]:
    """All encoders of the catalogue by name."""
    table = tomllib.loads((PACKAGE / "encoders.toml").read_text("utf-8"))
    return {name: EncoderEntry(name=name, **entry) for name, entry in table.items()}


def encoder(name: str) -> EncoderEntry:
    """The encoder's entry. Raises StudyError if the catalogue has none of that name."""
    if name not in encoders():
        raise unknown("encoder", name, encoders())
    return encoders()[name]


def own_file(name_or_path: str) -> Path:
    """The path of a corpus file of one's own, sought in the working folder, then in the repository root.

    Raises StudyError if `name_or_path` is neither a catalogue name nor a file that is there.
    """
    given = Path(name_or_path).expanduser()
    if given.suffix.lower() not in OWN_SUFFIXES:
        raise unknown("corpus", name_or_path, [*corpora(), "or a path ending in " + ", ".join(OWN_SUFFIXES)])
    for path in (given, ROOT / given):
        if path.is_file():
            return path.resolve()
    raise StudyError(f"No corpus file {name_or_path!r}; give the path of a csv, tsv, jsonl or parquet file that exists.")


OWN_SUFFIXES = (".csv", ".jsonl", ".parquet", ".tsv")


def corpus_checksum(name_or_path: str) -> str:
    """What identifies a corpus's content, 64 hex digits: the pinned hashes of its files, or the hash of one's own file."""
    digest = hashlib.sha256()
    if name_or_path in corpora():
        for file in corpora()[name_or_path].files:
            digest.update(f"{file.path} {file.sha256 or file.git_blob}\n".encode())
    else:
        digest.update(own_file(name_or_path).read_bytes())
    return digest.hexdigest()
