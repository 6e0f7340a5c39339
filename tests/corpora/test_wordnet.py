"""WordNet: the table that Debian leaves out, and an installation that is whole or not there. No test uses the network."""

import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import nltk
import pytest

from lclstudy import paths
from lclstudy.corpora import wordnet
from lclstudy.errors import StudyError

PARTS = {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}


@pytest.fixture(scope="session")
def dictionary(tmp_path_factory):
    """The real files as Debian's packages lay them out: without lexnames."""
    folder = tmp_path_factory.mktemp("dict")
    reader = wordnet.ensure()
    for name in wordnet._reader_files():
        if name != "lexnames":
            with reader.root.join(name).open() as file:
                (folder / name).write_bytes(file.read())
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A repository with no WordNet on a machine with no network, no apt-get and none of Debian's files."""
    monkeypatch.setattr(paths, "ROOT", tmp_path / "repository")
    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", tmp_path / "nowhere")
    monkeypatch.setattr(wordnet.urllib.request, "getproxies", dict)
    monkeypatch.setattr(socket, "create_connection", _no_network)
    monkeypatch.setattr(nltk.data, "path", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _no_network(*_args, **_kwargs):
    raise OSError("no network in tests")


def _left_over() -> list[str]:
    return [path.name for path in wordnet.folder().glob("*") if path.name != "corpora"]


def _fetch() -> list[str]:
    with wordnet._staging() as staging:
        return wordnet._fetch(staging)


def test_lexnames_has_the_45_lines_of_the_manual():
    rows = [line.split("\t") for line in wordnet.lexnames().splitlines()]
    assert [int(number) for number, _, _ in rows] == list(range(45))
    assert rows[0] == ["00", "adj.all", "3"]
    assert rows[3] == ["03", "noun.Tops", "1"]
    assert rows[12] == ["12", "noun.feeling", "1"]
    assert rows[37] == ["37", "verb.emotion", "2"]
    assert rows[44] == ["44", "adj.ppl", "3"]
    assert len({name for _, name, _ in rows}) == 45


def test_lexnames_names_every_lexicographer_file_of_the_real_data(dictionary):
    table = {number: (name, category) for number, name, category in map(str.split, wordnet.lexnames().splitlines())}
    for part, category in PARTS.items():
        lines = (dictionary / f"data.{part}").read_text("utf-8").splitlines()
        numbers = {line.split(" ")[1] for line in lines if not line.startswith("  ")}  # the licence is indented
        assert numbers
        assert {table[number][1] for number in numbers} == {category}
        assert {table[number][0].split(".")[0] for number in numbers} == {part}


def test_synsets_get_the_right_lexicographer_file():
    reader = wordnet.ensure()
    assert reader.synset("joy.n.01").lexname() == "noun.feeling"
    assert reader.synset("weep.v.01").lexname() == "verb.body"
    assert reader.synset("dog.n.01").lexname() == "noun.animal"


def test_version_names_the_data():
    number, digest = wordnet.version().split()
    assert number.startswith("3.")
    assert len(bytes.fromhex(digest)) == 6


def test_files_of_debian_are_completed_and_published_whole(home, dictionary, monkeypatch):
    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", dictionary)
    failures = _fetch()
    made = wordnet.folder() / "corpora" / "wordnet"
    assert [failure.split(":")[0] for failure in failures] == ["nltk.download"]
    assert sorted(path.name for path in made.iterdir()) == sorted(wordnet._reader_files())
    assert (made / "lexnames").read_text() == wordnet.lexnames()
    assert (made / "data.noun").read_bytes() == (dictionary / "data.noun").read_bytes()
    assert _left_over() == []


def test_packages_of_debian_are_unpacked_without_installing(home, monkeypatch):
    """A stand-in for apt-get, which needs a network, hands over packages that the real dpkg-deb made."""
    dpkg_deb = shutil.which("dpkg-deb", path=os.defpath)
    if dpkg_deb is None:
        pytest.skip("needs dpkg-deb, which Debian and Ubuntu have")
    monkeypatch.setenv("PATH", os.pathsep.join([str(home / "bin"), os.defpath]))
    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", Path("/usr/share/wordnet-of-this-test"))
    names = [name for name in wordnet._reader_files() if name != "lexnames"]
    for package, held in zip(wordnet.DEBIAN_PACKAGES, (set(names) - {"index.sense"}, {"index.sense"}), strict=True):
        _build_package(dpkg_deb, home / "mirror" / package, held)
    _stand_in_for_apt(home)
    _fetch()
    made = wordnet.folder() / "corpora" / "wordnet"
    assert {path.name: path.read_text() for path in made.iterdir() if path.name != "lexnames"} == {
        name: f"content of {name}\n" for name in names
    }
    assert (home / "called").read_text().split() == ["download", "update", "download"]


def _build_package(dpkg_deb: str, tree: Path, names: set[str]) -> None:
    target = tree / wordnet.DEBIAN_FOLDER.relative_to("/")
    target.mkdir(parents=True)
    for name in names:
        (target / name).write_text(f"content of {name}\n")
    (tree / "DEBIAN").mkdir()
    control = f"Package: {tree.name}\nVersion: 3.0\nArchitecture: all\nMaintainer: test\nDescription: test\n"
    (tree / "DEBIAN" / "control").write_text(control)
    subprocess.run([dpkg_deb, "-b", str(tree), f"{tree}.deb"], check=True, capture_output=True)


def _stand_in_for_apt(home: Path) -> None:
    """`download` fails until `update` was called, as on a machine with no lists of packages."""
    program = home / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$1" >> "{home}/called"\n'
        f'[ "$1" = update ] && touch "{home}/lists" && exit 0\n'
        f'[ -e "{home}/lists" ] || {{ echo "E: Unable to locate package" >&2; exit 100; }}\n'
        f'cp "{home}"/mirror/*.deb .\n'
    )
    program.chmod(0o755)


def test_package_of_nltk_is_unpacked_and_completed(home, dictionary, monkeypatch):
    def download(name, download_dir, **_):
        corpora = Path(download_dir) / "corpora"
        corpora.mkdir()
        with zipfile.ZipFile(corpora / f"{name}.zip", "w") as archive:
            for path in dictionary.iterdir():
                archive.write(path, f"wordnet/{path.name}")
        return True

    monkeypatch.setattr(nltk, "download", download)
    monkeypatch.setattr(socket, "create_connection", lambda *_: socket.socket())
    assert _fetch() == []
    assert wordnet._is_whole(wordnet.folder() / "corpora" / "wordnet")
    assert _left_over() == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_while_copying_leaves_nothing_half(home, dictionary, monkeypatch, stop):
    copied, copyfile = [], shutil.copyfile

    def copy_three(source, target):
        copied.append(copyfile(source, target))
        if len(copied) == 3:
            raise stop

    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", dictionary)
    monkeypatch.setattr(wordnet.shutil, "copyfile", copy_three)
    with pytest.raises(stop):
        _fetch()
    assert len(copied) == 3
    assert not (wordnet.folder() / "corpora" / "wordnet").exists()
    assert _left_over() == []


def test_a_full_disk_is_told_in_the_line_and_leaves_nothing(home, dictionary, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", dictionary)
    monkeypatch.setattr(wordnet.shutil, "copyfile", full)
    assert "No space left on device" in _fetch()[-1]
    assert not (wordnet.folder() / "corpora" / "wordnet").exists()
    assert _left_over() == []


def test_what_a_killed_installation_left_is_cleared_after_an_hour(home):
    old, young = wordnet.folder() / "partial-old", wordnet.folder() / "partial-young"
    for path in (old, young):
        path.mkdir(parents=True)
    os.utime(old, (0, 0))
    _fetch()
    assert not old.exists()
    assert young.exists()  # another process may be at work in it


@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_a_damaged_folder_is_not_whole(home, dictionary, monkeypatch, damage):
    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", dictionary)
    _fetch()
    made = wordnet.folder() / "corpora" / "wordnet"
    assert wordnet._is_whole(made)
    victim = made / "data.verb"
    content = victim.read_bytes()
    victim.unlink()
    if damage != "missing":
        victim.write_bytes(content[:-100] if damage == "cut" else b"")
    assert not wordnet._is_whole(made)


_CHILD = """
import os, socket, sys
from pathlib import Path

def no_network(*_args, **_kwargs):
    raise OSError("no network in tests")

socket.create_connection = no_network
import nltk
nltk.data.path[:] = [place for place in os.environ["NLTK_DATA"].split(os.pathsep) if place]
from lclstudy.corpora import synonyms, wordnet
from lclstudy import paths
paths.ROOT = Path(sys.argv[1])
wordnet.DEBIAN_FOLDER = Path(sys.argv[2])
"""


def _child(code: str, root: Path, debian: Path, nltk_data: str = "") -> subprocess.CompletedProcess:
    """Runs `code` in a fresh process, because NLTK loads a corpus once per process, where there is neither network nor apt."""
    environment = {**os.environ, "PATH": str(root), "NLTK_DATA": nltk_data, "PYTHONPATH": str(paths.PACKAGE.parent)}
    command = [sys.executable, "-c", _CHILD + code, str(root), str(debian)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)


def test_without_wordnet_there_is_one_line_that_names_both_ways(tmp_path):
    done = _child(
        "try:\n    synonyms.synonyms('a happy dog', 0.3, 0)\nexcept ValueError as error:\n    print(error)\n"
        "sys.exit(wordnet.main())",
        tmp_path,
        tmp_path / "nowhere",
    )
    assert done.returncode == 1
    for said in (done.stdout, done.stderr):
        assert len(said.splitlines()) == 1
        assert "wordnet-base" in said
    assert "python -m lclstudy.corpora.wordnet" in done.stdout
    assert "python -m nltk.downloader wordnet" in done.stderr
    assert "no network in tests" in done.stderr


def test_a_half_made_folder_is_mended_and_nltk_reads_it_under_a_shared_umask(tmp_path, dictionary):
    """NLTK refuses data that a group may write to, so the modes must not depend on the umask."""
    half = tmp_path / "data" / "wordnet" / "corpora" / "wordnet"
    half.mkdir(parents=True)
    (half / "data.noun").write_text("cut in the mid")
    done = _child(
        "os.umask(0o002)\nstatus = wordnet.main()\nprint(wordnet.ensure().synset('joy.n.01').lexname())\nsys.exit(status)",
        tmp_path,
        dictionary,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"WordNet {wordnet.ensure().get_version()}: {half}", "noun.feeling"]
    assert done.returncode == 0


def test_a_damaged_wordnet_of_the_user_is_named_in_one_line(tmp_path):
    corpora = tmp_path / "nltk_data" / "corpora"
    corpora.mkdir(parents=True)
    (corpora / "wordnet.zip").write_bytes(b"PK\x03\x04 cut short")
    done = _child("sys.exit(wordnet.main())", tmp_path, tmp_path / "nowhere", nltk_data=str(tmp_path / "nltk_data"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert str(corpora / "wordnet.zip") in done.stderr


def test_a_folder_that_cannot_be_written_is_one_line(home, monkeypatch):
    """`install` asks NLTK first; this process has its WordNet loaded, so NLTK's answer is put as none."""
    monkeypatch.setattr(wordnet, "_find", lambda: None)
    paths.ROOT.write_text("a file where the repository should be")
    with pytest.raises(StudyError, match="data/wordnet cannot be written") as caught:
        wordnet.install()
    assert len(str(caught.value).splitlines()) == 1
