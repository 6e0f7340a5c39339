"""Raw files of the catalogue: found, downloaded where that is allowed, and verified before anything reads them."""

import hashlib
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan.catalog import CorpusEntry, RawFile


def obtain(entry: CorpusEntry) -> dict[str, Path]:
    """The places of the corpus's files that hold rows, by `RawFile.path`, each verified against its pins.

    Files that are missing from `data/raw` are downloaded. In a folder that `LCLSTUDY_DATA` names nothing is ever written.

    Raises StudyError if a file is missing, cut short or altered, or cannot be downloaded.
    """
    files = [file for file in entry.files if file.split]
    missing = [file for file in files if not location(file).is_file()]
    if missing and not is_downloadable(missing[0]):
        raise _missing(missing[0])
    download(missing, paths.raw_data())
    for file in files:
        if file not in missing:  # what has just been downloaded is verified already
            verify(location(file), file)
    return {file.path: location(file) for file in files}


def location(file: RawFile) -> Path:
    """Where the file is, or would be: under the raw data folder; the embedded corpus is in the repository."""
    root = paths.embedded().parent if file.path.startswith("embedded/") else paths.raw_data()
    return root / file.path


def is_downloadable(file: RawFile) -> bool:
    """Whether the study may download the file: it has an address, and the user has not named a folder of their own."""
    return bool(file.url) and not os.environ.get("LCLSTUDY_DATA", "").strip()


def _missing(file: RawFile) -> StudyError:
    if not file.url:
        return StudyError(f"No file data/{file.path}: it belongs to the repository; get it back with git checkout.")
    return StudyError(
        f"No file {file.path} in the folder that LCLSTUDY_DATA names; "
        f"copy it there from {file.url}, or unset LCLSTUDY_DATA to have it downloaded into data/raw."
    )


def verify(path: Path, file: RawFile) -> None:
    """Raises StudyError unless the bytes at `path` have the pinned size and hash."""
    content = path.read_bytes()
    size, fault = len(content), None
    if file.bytes is not None and size != file.bytes:
        fault = f"is {'cut short' if size < file.bytes else 'altered'}: {size} bytes, expected {file.bytes}"
    elif file.sha256 and hashlib.sha256(content).hexdigest() != file.sha256:
        fault = f"is altered: its sha256 is not {file.sha256}"
    elif file.git_blob and git_blob(content) != file.git_blob:
        fault = f"is cut short or altered: its git blob id is not {file.git_blob}"
    if fault:
        source = f"get it again from {file.url}" if file.url else "get it back with git checkout"
        raise StudyError(f"Raw file {file.path} {fault}; delete it and {source}.")


def git_blob(content: bytes) -> str:
    """The id that git gives to a file with this content: sha1 of a header and the content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def download(files: list[RawFile], folder: Path) -> None:
    """Downloads the files into `folder` with a progress bar. A file appears there verified and whole, or not at all.

    A url `ARCHIVE#MEMBER` names a member of a zip, which is downloaded once for all its members.

    Raises StudyError if there is no network, the server has not got a file, the disk is full, or the content is not as pinned.
    """
    if not files:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # In the same folder, so that the last step is a rename; gone at the end whatever happens.
        with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as scratch:
            archives: dict[str, Path] = {}
            for number, file in enumerate(files):
                part = Path(scratch) / f"{number}.part"
                _download_one(file, part, archives)
                verify(part, file)
                (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
                os.replace(part, folder / file.path)
    except OSError as error:
        raise StudyError(f"Cannot write a download into {paths.relative(folder)}: {error.strerror or error}.") from None


def _download_one(file: RawFile, part: Path, archives: dict[str, Path]) -> None:
    address, _, member = file.url.partition("#")
    if not member:
        _retrieve(address, part, file.sha256)
        return
    if address not in archives:
        archives[address] = _retrieve(address, part.with_suffix(".zip"), None)
    try:
        with zipfile.ZipFile(archives[address]) as archive, archive.open(member) as source, part.open("wb") as target:
            shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, KeyError) as error:
        raise StudyError(f"Download of {address} is cut short or altered ({error}); nothing was kept. Try again.") from None


def _retrieve(address: str, target: Path, sha256: str | None) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # its advice about hashes of archives is not for users
    try:
        pooch.retrieve(
            address,
            known_hash=f"sha256:{sha256}" if sha256 else None,
            fname=target.name,
            path=target.parent,
            progressbar=True,
        )
    except requests.HTTPError as error:
        status = f"{error.response.status_code} {error.response.reason}"
        raise StudyError(f"Cannot download {address}: the server answered {status}. {_BY_HAND}") from None
    except (requests.ConnectionError, requests.Timeout):
        raise StudyError(f"Cannot download {address}: no network, or the server does not answer. {_BY_HAND}") from None
    except requests.RequestException as error:
        raise StudyError(f"Download of {address} broke off ({type(error).__name__}); nothing was kept. Try again.") from None
    except ValueError:  # pooch's word for a hash that differs
        raise StudyError(f"Download of {address} is cut short or altered; nothing was kept. Try again.") from None
    return target


_BY_HAND = "Try again later, or point LCLSTUDY_DATA to a folder that holds the raw files."
