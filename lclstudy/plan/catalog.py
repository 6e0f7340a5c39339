"""The facts about corpora and encoders, read from `catalog.toml` and `encoders.toml`. Data only: no torch, no datasets."""

import hashlib
import tomllib
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError, unknown
from lclstudy.paths import PACKAGE, ROOT


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
        for name, entry in tomllib.loads((PACKAGE / "plan" / "catalog.toml").read_text("utf-8")).items()
    }


@cache
def encoders() -> dict[str, EncoderEntry]:
    """All encoders of the catalogue by name."""
    table = tomllib.loads((PACKAGE / "plan" / "encoders.toml").read_text("utf-8"))
    return {name: EncoderEntry(name=name, **entry) for name, entry in table.items()}


def encoder(name: str) -> EncoderEntry:
    """The encoder's entry. Raises StudyError if the catalogue has none of that name."""
    if name not in encoders():
        raise unknown("encoder", name, encoders())
    return encoders()[name]


def local_folder(entry: EncoderEntry) -> Path | None:
    """The folder under `LCLSTUDY_MODELS` that stands for the hub: of the encoder's name, or the last part of its hub name."""
    for name in (entry.name, entry.hub.rsplit("/", 1)[-1]):
        if (paths.models() / name).is_dir():
            return paths.models() / name
    return None


# The files of a checkpoint that decide what a run computes. Others (a README, optimiser states) may change.
_DECIDING = ("config.json", "model.safetensors", "tokenizer*", "vocab.*", "merges.txt", "*tokens*.json", "*.model")


def encoder_checksum(name: str) -> str:
    """What identifies an encoder: the revision of its entry, which is a commit of the hub or counts a recipe of ours.

    Where no sha256 is pinned and a local folder stands for the hub, also the hash of that folder's config.json,
    model.safetensors and tokenizer files (names and contents), so that other weights are another encoder.
    """
    entry = encoder(name)
    folder = local_folder(entry) if entry.kind == "transformer" and not entry.sha256 else None
    if folder is None:
        return entry.revision
    files = sorted({path for pattern in _DECIDING for path in folder.glob(pattern) if path.is_file()})
    content = "".join(f"{path.name} {file_checksum(path)}\n" for path in files)
    return f"{entry.revision} {hashlib.sha256(content.encode()).hexdigest()}"


def file_checksum(path: Path) -> str:
    """The sha256 of a file, 64 hex digits, read again only when its size or time has changed."""
    told = path.stat()
    return _file_checksum(path, told.st_size, told.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_checksum(path: Path, _size: int, _time: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
