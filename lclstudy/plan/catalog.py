"""The facts about corpora, encoders and objectives, read from the TOML files here. Data only: no torch, no datasets."""

import hashlib
import os
import tomllib
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path, PureWindowsPath
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from lclstudy import paths
from lclstudy.errors import StudyError, check_known, unknown


class RawFile(NamedTuple):
    """A file of a corpus; `split`: whose rows it holds, `train`, `validation`, `test`, `all` (split on reading), or nothing."""

    path: str
    split: str = ""
    url: str = ""
    bytes: int | None = None
    sha256: str | None = None
    git_blob: str | None = None


@dataclass(frozen=True)
class CorpusEntry:
    """A corpus of the catalogue, as the head of `catalog.toml` explains."""

    name: str
    title: str
    task: str
    labels: tuple[str, ...]
    files: tuple[RawFile, ...]
    counts: dict = field(default_factory=dict)
    published: dict = field(default_factory=dict)
    note: str = ""


class EncoderEntry(NamedTuple):
    """An encoder of the catalogue, as the head of `encoders.toml` explains."""

    name: str
    kind: str = "transformer"
    title: str = ""
    hub: str = ""
    revision: str = ""
    sha256: str | None = None
    gpu_share: float = 0.5
    note: str = ""


@cache
def read(file: str) -> dict[str, dict]:
    """A TOML file of this folder."""
    return tomllib.loads((paths.PACKAGE / "plan" / file).read_text("utf-8"))


@cache
def corpora() -> dict[str, CorpusEntry]:
    return {name: corpus_entry(name, **facts) for name, facts in read("catalog.toml").items()}


def corpus_entry(name: str, labels: list[str], files: list[dict], **facts) -> CorpusEntry:
    """The entry that a table of `catalog.toml` describes. Raises StudyError on a file outside the raw data folder."""
    for path in (PureWindowsPath(file["path"]) for file in files):  # which reads `/` as well
        if path.anchor or ".." in path.parts:
            raise StudyError(f"Corpus {name!r} has a file outside data/raw, {path.as_posix()}; give a path in it.")
    return CorpusEntry(name=name, labels=tuple(labels), files=tuple(RawFile(**file) for file in files), **facts)


@cache
def encoders() -> dict[str, EncoderEntry]:
    return {name: EncoderEntry(name, **facts) for name, facts in read("encoders.toml").items()}


def encoder(name: str) -> EncoderEntry:
    """The encoder's entry. Raises StudyError if the catalogue has none of that name."""
    check_known("encoder", name, encoders())
    return encoders()[name]


def local_folder(entry: EncoderEntry) -> Path | None:
    """The folder under `LCLSTUDY_MODELS` that stands for the hub: of the encoder's name, or the last part of its hub name."""
    places = (paths.models() / name for name in (entry.name, entry.hub.rsplit("/", 1)[-1]))
    return next((place for place in places if place.is_dir()), None)


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


def file_checksum(path: Path, then: str = "") -> str:
    """The sha256 of a file and of what comes `then`, 64 hex digits, read again only when its size or time has changed. Raises
    StudyError if it cannot be read."""
    try:
        return _checksum(path, path.stat().st_size, path.stat().st_mtime_ns, then)
    except OSError as error:
        raise StudyError(f"Could not read {paths.relative(path)}: {error.strerror}; mend its access or copy it.") from error


@lru_cache(maxsize=4096)
def _checksum(path: Path, _size: int, _time: int, then: str) -> str:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(then.encode())
    return digest.hexdigest()


class OwnFile(NamedTuple):
    """A corpus file of one's own, and the columns that hold its texts and labels."""

    path: Path
    text_column: str = "text"
    label_column: str = "label"


OWN_SUFFIXES = (".csv", ".jsonl", ".parquet", ".tsv", ".xlsx")
_COLUMNS = OwnFile._field_defaults


def own_name(path: str | Path, text_column: str = "text", label_column: str = "label") -> str:
    """`mine.csv` with the text column `review` is `mine.csv?text_column=review` wherever a corpus is named, as in a spec."""
    columns = OwnFile(path, text_column, label_column)._asdict()
    changed = urlencode({name: columns[name] for name in _COLUMNS if columns[name] != _COLUMNS[name]})
    return f"{path}?{changed.replace('.', '%2E')}" if changed else str(path)  # so that its `Path.stem` is the file's


def _parts(name: str) -> tuple[str, str]:
    path, mark, query = name.rpartition("?")
    return (path, query) if mark and "_column=" in query else (name, "")


def short_name(name: str) -> str:
    """What a corpus is called in tables: its catalogue name, or the stem of a file of one's own; a stem stays as it is."""
    path = given = Path(_parts(name)[0])
    while path.suffix.lower() in OWN_SUFFIXES:
        path = path.with_suffix("")
    return name if path == given else path.name


def own_file(name: str) -> OwnFile:
    """The corpus file of one's own that `own_name` names, sought in the working folder, then in the repository root. Raises
    StudyError if it is not there."""
    path, query = _parts(name)
    given = Path(path).expanduser()
    if given.suffix.lower() not in OWN_SUFFIXES:
        raise unknown("corpus", name, [*corpora(), "or a path ending in " + ", ".join(OWN_SUFFIXES)])
    columns = dict(parse_qsl(query, keep_blank_values=True))
    for column in columns:
        check_known(f"parameter of {path}", column, _COLUMNS)
        if not columns[column]:
            raise StudyError(f"{column} of {path} is empty; give the name of a column, or leave it out.")
    for place in (os.environ.get("LCLSTUDY_CALLER", "") / given, paths.ROOT / given):  # whence notebooks were started headless
        if place.is_file():
            return OwnFile(place.resolve(), **columns)
    raise StudyError(f"No corpus file {path!r} here or in the repository; give a csv, tsv, jsonl, parquet or xlsx file.")


def corpus_checksum(name: str) -> str:
    """What identifies a corpus's content, 64 hex digits: the pinned hashes of its files, or the hash of one's own file."""
    if name in corpora():
        content = "".join(f"{file.path} {file.sha256 or file.git_blob}\n" for file in corpora()[name].files)
        return hashlib.sha256(content.encode()).hexdigest()
    own = own_file(name)
    return file_checksum(own.path, f"\n{own.text_column}\n{own.label_column}" if own != OwnFile(own.path) else "")
