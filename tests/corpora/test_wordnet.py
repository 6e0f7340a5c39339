"""WordNet: the table that Debian leaves out, and an installation that is whole or not there. No test uses the network."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import nltk
import pytest
from nltk.corpus.reader.wordnet import WordNetCorpusReader

from lclstudy import paths
from lclstudy.corpora import wordnet
from tests.material import files_in, full_disk, refused, run_program

NAMES = [name for name in WordNetCorpusReader._FILES if name != "lexnames"]


@pytest.fixture(scope="session")
def dictionary(tmp_path_factory):
    """The real files as Debian's packages lay them out: without lexnames."""
    folder = tmp_path_factory.mktemp("dict")
    reader = wordnet.ensure()
    for name in NAMES:
        with reader.root.join(name).open() as file:
            (folder / name).write_bytes(file.read())
    return folder


def no_network(*_args, **_kwargs):
    raise OSError("no network in tests")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A repository without WordNet, no network, none of Debian's files and programs; NLTK, which has its own loaded here, is
    not asked."""
    monkeypatch.setattr(paths, "ROOT", tmp_path / "repository")
    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", tmp_path / "nowhere")
    monkeypatch.setattr(wordnet, "_find", lambda: (wordnet.folder() / "corpora" / "wordnet").is_dir() or None)
    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(nltk.data, "path", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_lexnames_names_every_lexicographer_file_of_the_real_data(dictionary):
    rows = [line.split("\t") for line in wordnet.LEXNAMES.read_text().splitlines()]
    assert [int(number) for number, *_ in rows] == list(range(45))
    assert rows[12] == ["12", "noun.feeling", "1"] and rows[44] == ["44", "adj.ppl", "3"]
    for part, category in {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}.items():
        lines = (dictionary / f"data.{part}").read_text("utf-8").splitlines()
        numbers = {int(line.split(" ")[1]) for line in lines if not line.startswith("  ")}  # the licence is indented
        assert {(rows[number][1].partition(".")[0], rows[number][2]) for number in numbers} == {(part, category)}
    number, digest = wordnet.version().split()
    assert number.startswith("3.") and len(bytes.fromhex(digest)) == 6


CONTENT = {name: f"content of {name}\n".encode() for name in NAMES}
WHOLE = {f"corpora/wordnet/{name}": content for name, content in {**CONTENT, "lexnames": wordnet.LEXNAMES.read_bytes()}.items()}


def lay_out(folder, names=NAMES):
    """Files of those names, which say which they are."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(CONTENT[name])


def test_packages_of_debian_are_unpacked_without_installing(home, monkeypatch):
    """A stand-in for apt-get, which needs a network, hands over packages that the real dpkg-deb made."""
    dpkg_deb = shutil.which("dpkg-deb", path=os.defpath)
    if dpkg_deb is None:
        pytest.skip("needs dpkg-deb, which Debian and Ubuntu have")
    monkeypatch.setenv("PATH", os.pathsep.join([str(home / "bin"), os.defpath]))
    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", Path("/usr/share/wordnet-of-this-test"))
    for package, held in {"base": {*NAMES} - {"index.sense"}, "sense": {"index.sense"}}.items():
        tree = home / "mirror" / package
        lay_out(tree / wordnet.DEBIAN_FOLDER.relative_to("/"), held)
        (tree / "DEBIAN").mkdir()
        control = f"Package: {package}\nVersion: 3.0\nArchitecture: all\nMaintainer: test\nDescription: test\n"
        (tree / "DEBIAN" / "control").write_text(control)
        subprocess.run([dpkg_deb, "-b", str(tree), f"{tree}.deb"], check=True, capture_output=True)
    program = home / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(  # `download` fails until `update` was called, as on a machine with no lists of packages
        f'#!/bin/sh\necho "$1" >> "{home}/called"\n'
        f'[ "$1" = update ] && touch "{home}/lists" && exit 0\n'
        f'[ -e "{home}/lists" ] || {{ echo "E: Unable to locate package" >&2; exit 100; }}\n'
        f'cp "{home}"/mirror/*.deb .\n'
    )
    program.chmod(0o755)
    wordnet.install()
    assert files_in(wordnet.folder()) == WHOLE
    assert (home / "called").read_text().split() == ["download", "update", "download"]


@pytest.mark.parametrize("alone", [True, False])
def test_package_of_nltk_is_unpacked_and_completed_unless_another_process_was_first(home, monkeypatch, alone):
    lay_out(home / "wordnet")

    def download(name, download_dir, **_):
        shutil.make_archive(f"{download_dir}/corpora/{name}", "zip", home, "wordnet")
        if not alone:
            lay_out(wordnet.folder() / "corpora" / "wordnet", ["data.noun"])
        return True

    monkeypatch.setattr(nltk, "download", download)
    wordnet.install()
    assert files_in(wordnet.folder()) == (WHOLE if alone else {"corpora/wordnet/data.noun": CONTENT["data.noun"]})


def test_what_cannot_be_had_is_said_with_how_to_get_it_by_hand_and_a_full_disk_leaves_nothing(home, dictionary, monkeypatch):
    with refused("Debian's packages: ", "nltk.download: Error loading", "python -m nltk.downloader wordnet", "wordnet-base"):
        wordnet.install()
    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", dictionary)
    with refused("could not be fetched", "File too large"), full_disk():
        wordnet.install()
    assert files_in(wordnet.folder()) == {}
    shutil.rmtree(paths.ROOT)
    paths.ROOT.write_text("a file where the repository should be")
    with refused("could not be fetched", "Not a directory"):
        wordnet.install()


# NLTK loads a corpus once per process, so this one is fresh.
PROGRAM = """
import os, sys
from pathlib import Path
import nltk
from lclstudy import paths
from lclstudy.__main__ import main
from lclstudy.corpora import wordnet

paths.ROOT, wordnet.DEBIAN_FOLDER = map(Path, sys.argv[1:])
nltk.data.path[:] = [str(paths.ROOT / "nltk_data")]
archive = paths.ROOT / "nltk_data" / "corpora" / "wordnet.zip"
archive.parent.mkdir(parents=True)
archive.write_bytes(b"PK cut short")
broken = main(["wordnet"])
archive.unlink()
os.umask(0o002)  # NLTK refuses data that a group may write to, so the modes must not depend on it
print(broken, main(["wordnet"]), wordnet.ensure().synset("joy.n.01").lexname())
"""


def test_a_broken_one_is_said_in_one_line_and_what_is_installed_is_read(tmp_path, dictionary):
    ran = run_program(PROGRAM, tmp_path, dictionary)
    place = tmp_path / "data" / "wordnet" / "corpora" / "wordnet"
    assert ran.stdout.splitlines() == [f"WordNet {wordnet.ensure().get_version()}: {place}", "2 0 noun.feeling"]
    (broken,) = ran.stderr.splitlines()
    assert str(tmp_path / "nltk_data" / "corpora" / "wordnet.zip") in broken
