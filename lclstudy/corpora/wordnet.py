"""WordNet for NLTK: `lclstudy wordnet` gets it once, whole or not at all; `ensure` finds it without ever using the network."""

import hashlib
import io
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError

from .download import private_folder

DEBIAN_FOLDER = Path("/usr/share/wordnet")
_APT = """
export LC_ALL=C; get="apt-get download wordnet-base wordnet-sense-index"
$get || { apt-get update && $get; } || exit  # the lists of packages may be missing or old
for package in *.deb; do dpkg-deb -x "$package" unpacked || exit; done
"""
# Debian's commands are stopped after the first number; no answer for the second means no network.
_APT_SECONDS, _ANSWER_SECONDS = 600, 10

# Debian leaves this table out, because WordNet's own C library has it compiled in; NLTK's reader wants it. From the manual page
# lexnames(5WN): number, name and syntactic category of the lexicographer files of WordNet 3.0.
LEXNAMES = Path(__file__).with_name("lexnames")


def folder() -> Path:
    """Where the study puts a WordNet that it fetched: a folder of NLTK's data. NLTK is told: it writes only where it reads."""
    import nltk

    place = paths.ROOT / "data" / "wordnet"
    if str(place) not in nltk.data.path:
        nltk.data.path.append(str(place))
    return place


def _find():
    """NLTK's WordNet reader, loaded, or None if there is no WordNet. Raises StudyError if there is one that is broken."""
    import nltk
    from nltk.corpus import wordnet

    folder()
    try:
        wordnet.ensure_loaded()
    except LookupError:
        return None
    except Exception as error:  # whatever a cut or foreign file makes of NLTK's reader
        places = [Path(place) / "corpora" / name for place in nltk.data.path for name in ("wordnet", "wordnet.zip")]
        place = next((place for place in places if place.exists()), "that NLTK finds")
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StudyError(f"The WordNet {place} cannot be read ({reason}); remove it, then run `lclstudy wordnet`.") from None
    return wordnet


@cache
def ensure():
    """NLTK's WordNet reader, loaded (about two seconds the first time). Raises StudyError if there is no WordNet, or one that
    cannot be read."""
    reader = _find()
    if reader is None:
        raise StudyError("There is no WordNet. Run `lclstudy wordnet`, which gets it from Debian's packages or from NLTK.")
    return reader


def version() -> str:
    """What tells one WordNet from another: its version and 12 hex digits of the sha256 of its four data files."""
    reader = ensure()
    digest = hashlib.sha256()
    for part in ("noun", "verb", "adj", "adv"):
        with reader.root.join(f"data.{part}").open() as file:
            digest.update(file.read())
    return f"{reader.get_version()} {digest.hexdigest()[:12]}"


def install() -> None:
    """Gets WordNet if there is none. Raises StudyError, one line that says how to get it by hand, if nobody can give it."""
    if _find() is not None:
        return
    failures = []
    for source in (_from_debian, _from_nltk):
        try:
            with private_folder(folder()) as scratch:
                _publish(source(scratch), scratch)
            break
        except (OSError, subprocess.SubprocessError, StudyError) as error:
            failures.append(" ".join(str(error).split()))
    if _find() is None:
        raise StudyError(
            f"WordNet could not be fetched ({'; '.join(failures)}). With a network, run `python -m nltk.downloader wordnet`, "
            "or on Debian and Ubuntu `apt-get install wordnet-base wordnet-sense-index`, then this command again."
        )


def _publish(source: Path, scratch: Path) -> None:
    """Copies what NLTK's reader wants from `source`, adds the table of names, then moves the whole folder to its place."""
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    whole, place = scratch / "whole", folder() / "corpora" / "wordnet"
    for made in (whole, place.parent):
        made.mkdir(exist_ok=True)
    for name in {*WordNetCorpusReader._FILES} - {"lexnames"}:
        shutil.copyfile(source / name, whole / name)
    shutil.copyfile(LEXNAMES, whole / LEXNAMES.name)
    for made in (folder(), place.parent, whole, *whole.iterdir()):  # NLTK reads nothing that a group may write to
        made.chmod(0o755 if made.is_dir() else 0o644)
    whole.rename(place)  # refused where another process was first: `install` finds what that one put there


def _from_debian(scratch: Path) -> Path:
    """The files of Debian's packages; where these are not installed they are unpacked here, which needs no root."""
    if (DEBIAN_FOLDER / "data.noun").is_file() and (DEBIAN_FOLDER / "index.sense").is_file():
        return DEBIAN_FOLDER
    done = subprocess.run(["/bin/sh", "-c", _APT], cwd=scratch, capture_output=True, text=True, errors="replace",
                          timeout=_APT_SECONDS)  # fmt: skip
    if done.returncode:
        raise StudyError(f"Debian's packages: {(done.stderr.strip() or 'apt-get gave none').splitlines()[-1]}")
    return scratch / "unpacked" / DEBIAN_FOLDER.relative_to("/")


def _from_nltk(scratch: Path) -> Path:
    """Downloads and unpacks NLTK's own package; returns the folder of the files."""
    import nltk

    said, before = io.StringIO(), socket.getdefaulttimeout()
    socket.setdefaulttimeout(_ANSWER_SECONDS)  # else NLTK waits two minutes for a network that does not answer
    try:
        done = nltk.download("wordnet", download_dir=str(scratch), quiet=True, print_error_to=said)
    finally:
        socket.setdefaulttimeout(before)
    if not done:
        raise StudyError(f"nltk.download: {said.getvalue().replace('[nltk_data]', '')}")
    shutil.unpack_archive(scratch / "corpora" / "wordnet.zip", scratch)
    return scratch / "wordnet"
