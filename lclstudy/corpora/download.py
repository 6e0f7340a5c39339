"""Raw files of the catalogue: found, downloaded where that is allowed, and verified before anything reads them."""

import hashlib
import os
import shutil
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan.catalog import CorpusEntry, RawFile

_STALE = 24 * 3600  # seconds after which a private folder is what a killed process left


def obtain(entry: CorpusEntry) -> list[Path]:
    """The places of the corpus's files that hold rows, each verified against its pins.

    Files that are missing from `data/raw` are downloaded. In a folder that `LCLSTUDY_DATA` names nothing is ever written.
    Raises StudyError if a file is missing, cut short or altered, or cannot be downloaded.
    """
    files = [file for file in entry.files if file.split]
    missing = [file for file in files if not location(file).is_file()]
    for file in files:
        if file not in missing:
            verify(file)
        elif not file.url:
            raise StudyError(f"No file data/{file.path}: it belongs to the repository; get it back with git checkout.")
        elif os.environ.get("LCLSTUDY_DATA", "").strip():
            raise StudyError(
                f"No file {file.path} in the folder that LCLSTUDY_DATA names; "
                f"copy it there from {file.url}, or unset LCLSTUDY_DATA to have it downloaded into data/raw."
            )
    if missing:
        _download(missing)
    return [location(file) for file in files]


def location(file: RawFile) -> Path:
    """Where the file is, or would be: under the raw data folder; the embedded corpus is in the repository."""
    root = paths.EMBEDDED.parent if file.path.startswith("embedded/") else paths.raw_data()
    return root / file.path


def verify(file: RawFile) -> None:
    """Raises StudyError unless the file at its place has the pinned size and hash."""
    if fault := _fault(location(file).read_bytes(), file):
        source = f"get it again from {file.url}" if file.url else "get it back with git checkout"
        raise StudyError(f"Raw file {file.path} is {fault}; delete it and {source}.")


def _fault(content: bytes, file: RawFile) -> str:
    """How the content differs from the pins; empty if it does not."""
    size = len(content)
    if file.bytes is not None and size != file.bytes:
        return f"{'cut short' if size < file.bytes else 'altered'}: {size} bytes, expected {file.bytes}"
    if file.sha256 and hashlib.sha256(content).hexdigest() != file.sha256:
        return f"altered: its sha256 is not {file.sha256}"
    blob = hashlib.sha1(b"blob %d\0" % size + content, usedforsecurity=False).hexdigest()
    return f"cut short or altered: its git blob id is not {file.git_blob}" if file.git_blob not in (None, blob) else ""


@contextmanager
def private_folder(place: Path) -> Iterator[Path]:
    """A folder inside `place`, so that a rename puts a file where it belongs; gone at the end whatever happens."""
    place.mkdir(parents=True, exist_ok=True)
    for old in place.glob(".partial-*"):
        if time.time() - old.stat().st_mtime > _STALE:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=place) as name:
        yield Path(name)


def _download(files: list[RawFile]) -> None:
    """Downloads the files into `data/raw` with a progress bar. A file appears there verified and whole, or not at all.

    A url `ARCHIVE#MEMBER` names a member of a zip, which is downloaded once for all its members.
    Raises StudyError if there is no network, the server has not got a file, the disk is full, or the content is not as pinned.
    """
    import requests

    address = ""
    try:
        with private_folder(paths.raw_data()) as scratch:
            for file in files:
                address, _, member = file.url.partition("#")
                part = _retrieve(address, member, scratch)
                if fault := _fault(part.read_bytes(), file):
                    raise StudyError(f"Download of {file.url} is {fault}; nothing was kept. Try again.")
                location(file).parent.mkdir(parents=True, exist_ok=True)
                os.replace(part, location(file))
    except (requests.HTTPError, requests.ConnectionError, requests.Timeout) as error:
        reason = "no network, or the server does not answer"
        if error.response is not None:
            reason = f"the server answered {error.response.status_code} {error.response.reason}"
        hint = "Try again later, or point LCLSTUDY_DATA to a folder that holds the raw files."
        raise StudyError(f"Cannot download {address}: {reason}. {hint}") from None
    except (requests.RequestException, zipfile.BadZipFile, zlib.error) as error:
        broken = f"is cut short or altered, or broke off ({type(error).__name__})"
        raise StudyError(f"Download of {address} {broken}; nothing was kept. Try again.") from None
    except OSError as error:
        place = paths.relative(paths.raw_data())
        raise StudyError(f"Cannot write a download into {place}: {error.strerror or error}.") from None


def _retrieve(address: str, member: str, scratch: Path) -> Path:
    """The file at the address, or that member of the zip there; what is in `scratch` already is not fetched again."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # its advice about hashes is not for users: the pins are checked here
    unzip = pooch.Unzip(members=[member]) if member else None
    got = pooch.retrieve(address, known_hash=None, path=scratch, processor=unzip, progressbar=True)
    if not got:
        raise zipfile.BadZipFile(f"no member {member}")
    return Path(got[0] if member else got)
