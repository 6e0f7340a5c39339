"""WordNet for NLTK: `python -m lclstudy.corpora.wordnet` gets it once; `ensure` finds it without ever using the network.

Three places are tried in turn: what NLTK finds, `nltk.download`, and Debian's packages `wordnet-base` and
`wordnet-sense-index`. What is fetched goes to `data/wordnet` in the repository, and appears there whole or not at all.
"""

import hashlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from lclstudy import paths
from lclstudy.errors import StudyError

DEBIAN_FOLDER = Path("/usr/share/wordnet")
DEBIAN_PACKAGES = ("wordnet-base", "wordnet-sense-index")
# No answer for so many seconds means no network; an apt command that hangs is stopped after the second number.
_CONNECT_SECONDS, _APT_SECONDS = 10, 300

# The lexicographer files of WordNet 3.0 in the order of their numbers, from the manual page lexnames(5WN). Debian leaves the
# table out, because WordNet's own C library has it compiled in; NLTK's reader wants the file.
_LEXICOGRAPHER_FILES = """
adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition
noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person
noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state noun.substance
noun.time verb.body verb.change verb.cognition verb.communication verb.competition verb.consumption verb.contact
verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative verb.weather adj.ppl
"""
_CATEGORIES = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}


def lexnames() -> str:
    """The `lexnames` table, 45 lines of number, name and syntactic category (1 to 4), separated by tabs: lexnames(5WN)."""
    names = _LEXICOGRAPHER_FILES.split()
    return "".join(f"{number:02d}\t{name}\t{_CATEGORIES[name.split('.')[0]]}\n" for number, name in enumerate(names))


def folder() -> Path:
    """Where the study puts a WordNet that it fetched: `data/wordnet`, laid out as an NLTK data folder."""
    return paths.ROOT / "data" / "wordnet"


def _our_corpus() -> Path:
    return folder() / "corpora" / "wordnet"


def _reader_files() -> tuple[str, ...]:
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    return WordNetCorpusReader._FILES


def _is_whole(corpus: Path) -> bool:
    """Whether all files of NLTK's reader are there, none of them cut in the middle of a line."""
    return all(_last_byte(corpus / name) == b"\n" for name in _reader_files())


def _last_byte(path: Path) -> bytes:
    if not path.is_file() or not path.stat().st_size:
        return b""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read()


def _find():
    """NLTK's WordNet reader, loaded, or None if there is no WordNet. Raises StudyError if there is one that is broken."""
    import nltk
    from nltk.corpus import wordnet

    if str(folder()) not in nltk.data.path and _is_whole(_our_corpus()):
        nltk.data.path.append(str(folder()))
    try:
        wordnet.ensure_loaded()
    except LookupError:
        return None
    except Exception as error:  # whatever a cut or foreign file makes of NLTK's reader
        reason = " ".join(str(error).split()) or type(error).__name__
        places = [Path(place) / "corpora" / name for place in nltk.data.path for name in ("wordnet", "wordnet.zip")]
        found = next((str(place) for place in places if place.exists()), "that NLTK finds")
        raise StudyError(
            f"The WordNet {found} cannot be read ({reason}); remove it, then run `python -m lclstudy.corpora.wordnet`."
        ) from None
    return wordnet


@cache
def ensure():
    """NLTK's WordNet reader, loaded (about two seconds the first time). Never uses the network.

    Raises StudyError if there is no WordNet, or one that cannot be read.
    """
    reader = _find()
    if reader is None:
        raise StudyError(
            "There is no WordNet. Run `python -m lclstudy.corpora.wordnet`, which gets it by `nltk.download('wordnet')`, or "
            "from Debian's packages wordnet-base and wordnet-sense-index."
        )
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
    """Gets WordNet if there is none, and mends a half-made `data/wordnet`.

    Raises StudyError, one line that names both ways to get it by hand, if neither NLTK nor Debian can give it.
    """
    failures = []
    try:
        if _our_corpus().exists() and not _is_whole(_our_corpus()):
            shutil.rmtree(_our_corpus())
        if _find() is not None:
            return
        with _staging() as staging:
            failures = _fetch(staging)
    except OSError as error:
        failures = [f"{paths.relative(folder())} cannot be written: {error.strerror}"]
    ensure.cache_clear()
    if _find() is None:
        raise StudyError(
            f"WordNet could not be fetched ({'; '.join(failures)}). With a network, run `python -m nltk.downloader wordnet`, "
            "or on Debian and Ubuntu `apt-get install wordnet-base wordnet-sense-index`, then this command again."
        )


def _fetch(staging: Path) -> list[str]:
    """Puts WordNet in its place from the first source that has it; returns why the others had not."""
    failures = []
    for source in (_from_nltk, _from_debian):
        try:
            _publish(source(staging), staging)
            break
        except (OSError, subprocess.SubprocessError, StudyError) as error:
            failures.append(" ".join(str(error).split()))
    return failures


@contextmanager
def _staging():
    """A private folder beside the final place, so that a rename completes the installation; removed at the end."""
    for old in folder().glob("partial-*"):  # left by an installation that was killed
        if time.time() - old.stat().st_mtime > 3600:
            shutil.rmtree(old, ignore_errors=True)
    for made in (folder(), folder() / "corpora"):
        made.mkdir(parents=True, exist_ok=True)
        made.chmod(0o755)  # NLTK reads no data from a folder that a group may write to
    with tempfile.TemporaryDirectory(prefix="partial-", dir=folder()) as name:
        yield Path(name)


def _publish(source: Path, staging: Path) -> None:
    """Copies what NLTK's reader wants from `source`, adds the table of names, then moves the whole folder to its place."""
    whole = Path(tempfile.mkdtemp(dir=staging))
    for name in _reader_files():
        if name == "lexnames":
            (whole / name).write_text(lexnames(), "ascii")
        else:
            shutil.copyfile(source / name, whole / name)
        (whole / name).chmod(0o644)
    whole.chmod(0o755)
    try:
        whole.rename(_our_corpus())
    except OSError:
        if not _is_whole(_our_corpus()):  # else another process was first
            raise


def _from_nltk(staging: Path) -> Path:
    """Downloads and unpacks NLTK's own package; returns the folder of the files."""
    import nltk

    address = nltk.downloader.Downloader.DEFAULT_URL
    if not urllib.request.getproxies():  # NLTK waits two minutes for a network that does not answer
        try:
            socket.create_connection((urlsplit(address).hostname, 443), _CONNECT_SECONDS).close()
        except OSError as error:
            raise StudyError(f"nltk.download: {error}") from None
    said = io.StringIO()
    if str(folder()) not in nltk.data.path:
        nltk.data.path.append(str(folder()))  # NLTK writes only below a folder of its path
    if not nltk.download("wordnet", download_dir=str(staging), quiet=True, print_error_to=said):
        raise StudyError(f"nltk.download: {said.getvalue().replace('[nltk_data]', '')}")
    shutil.unpack_archive(staging / "corpora" / "wordnet.zip", staging / "nltk")
    return staging / "nltk" / "wordnet"


def _from_debian(staging: Path) -> Path:
    """Finds the files of Debian's two packages, else downloads and unpacks them without installing, which needs no root."""
    if all((DEBIAN_FOLDER / name).is_file() for name in _reader_files() if name != "lexnames"):
        return DEBIAN_FOLDER
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise StudyError(f"Debian's packages: there is no {program} here")
    try:
        _run(staging, "apt-get", "download", *DEBIAN_PACKAGES)
    except StudyError:  # the lists of packages may be missing or old
        _run(staging, "apt-get", "update")
        _run(staging, "apt-get", "download", *DEBIAN_PACKAGES)
    for package in staging.glob("*.deb"):
        _run(staging, "dpkg-deb", "-x", package.name, "unpacked")
    return staging / "unpacked" / DEBIAN_FOLDER.relative_to("/")


def _run(staging: Path, *command: str) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        command, cwd=staging, env=environment, capture_output=True, text=True, errors="replace", timeout=_APT_SECONDS
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise StudyError(f"{' '.join(command[:2])}: {said}")


def main() -> int:
    """Gets WordNet if it is missing and prints where it is, in one line. Exit status 1 and one line if it cannot."""
    try:
        install()
        reader = ensure()
        print(f"WordNet {reader.get_version()}: {reader.root}")
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; nothing was left behind.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
