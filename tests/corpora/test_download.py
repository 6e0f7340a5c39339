"""Raw files: verified wherever they come from, downloaded whole or not at all. The server of these tests is on this machine."""

import hashlib
import http.server
import io
import os
import threading
import zipfile
from contextlib import nullcontext, suppress
from typing import ClassVar

import pytest

from lclstudy import paths
from lclstudy.corpora import download
from lclstudy.plan import catalog
from lclstudy.plan.catalog import CorpusEntry, RawFile
from tests.material import refused

CONTENT = b"1\ta tweet\tjoy\t0.5\n" * 200


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"trees/{name}.txt", content)
    return out.getvalue()


TREES = {name: f"(3 (2 {name}) (2 film))\n".encode() * 50 for name in ("train", "dev", "test")}
PAGES = {
    "/good.txt": CONTENT,
    "/hello.txt": b"hello\n",
    "/altered.txt": CONTENT.replace(b"joy", b"sad"),
    "/short.txt": CONTENT[:-100],
    "/long.txt": CONTENT * 10_000,
    "/good.zip": zipped(**TREES),
    "/altered.zip": zipped(**{**TREES, "test": b"(3 (2 other))\n"}),
    "/lacking.zip": zipped(train=TREES["train"]),
    "/broken.zip": zipped(**TREES)[:-40],
    "/flipped.zip": zipped(**TREES).replace(b"trees/train.txt\xd3", b"trees/train.txt\xff", 1),  # no zlib stream begins so
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves PAGES; `/cut/...` breaks off in the middle of what it announced."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        content = PAGES.get(self.path.removeprefix("/cut"), b"")
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(ConnectionError):  # who has enough hangs up
            self.wfile.write(content[: len(content) // 2] if self.path.startswith("/cut") else content)


@pytest.fixture
def server(monkeypatch):
    """The address of a server on this machine; no proxy between."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(Handler, "asked", [])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


@pytest.fixture
def root(monkeypatch, tmp_path):
    """A repository root with nothing in it, and no LCLSTUDY_DATA: what a new user has."""
    monkeypatch.delenv("LCLSTUDY_DATA", raising=False)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "EMBEDDED", tmp_path / "data" / "embedded")
    return tmp_path


def entry_of(*files: RawFile) -> CorpusEntry:
    return CorpusEntry(name="emoint", title="", task="", labels=("anger", "fear", "joy", "sadness"), files=files)


def pinned(url: str, path: str = "emoint/joy.txt", content: bytes = CONTENT, **pins) -> RawFile:
    pins = pins or {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return RawFile(path=path, split="train", url=url, **pins)


def left_behind(root) -> list[str]:
    return sorted(path.name for path in (root / "data").rglob("*") if path.is_file() or path.name.startswith("."))


def test_what_is_missing_and_holds_rows_is_downloaded_once_and_what_a_killed_one_left_removed_after_a_day(server, root, capsys):
    place = root / "data" / "raw"
    for name in ("emoint", ".partial-old", ".partial-young"):
        (place / name).mkdir(parents=True)
    (place / "emoint" / "there.txt").write_bytes(CONTENT)
    os.utime(place / ".partial-old", (0, 0))
    extra = RawFile(path="emoint/readme.txt", url=f"{server}/absent.txt", bytes=1, sha256="0" * 64)
    entry = entry_of(pinned(f"{server}/absent", "emoint/there.txt"), pinned(f"{server}/good.txt"), extra)
    places = download.obtain(entry)
    assert places == [place / "emoint" / f"{name}.txt" for name in ("there", "joy")]
    assert places[1].read_bytes() == CONTENT
    assert "100%" in capsys.readouterr().err, "there is a progress bar"
    assert download.obtain(entry) == places
    assert Handler.asked == ["/good.txt"], "the second time nothing is downloaded"
    assert left_behind(root) == [".partial-young", "joy.txt", "there.txt"], "another process may be at work in the young one"


BLOB = {"git_blob": "ce013625030ba8dba906f756967f9e9ca394464a"}  # what git hash-object says of hello


@pytest.mark.parametrize(("page", "pins", "message", "kept"), [
    ("/short.txt", BLOB, "cut short or altered: its git blob id is not", ["first.txt"]),
    ("/altered.txt", {}, "is altered: its sha256 is not", ["first.txt"]),
    ("/short.txt", {}, "is cut short: 3500 bytes, expected 3600; nothing was kept", ["first.txt"]),
    ("/long.txt", {}, "is altered: 36000000 bytes, expected 3600; nothing was kept", ["first.txt"]),
    ("/cut/good.txt", {}, "broke off", ["first.txt"]),
    ("/nowhere.txt", {}, "the server answered 404 Not Found", ["first.txt"]),
    ("", {}, "no network, or the server does not answer", ["first.txt"]),
    ("/good.zip", {}, "", ["dev.txt", "test.txt", "train.txt"]),
    ("/altered.zip", {}, "trees/test.txt is cut short", ["dev.txt", "train.txt"]),
    ("/lacking.zip", {}, "is cut short or altered", ["train.txt"]),
    ("/broken.zip", {}, "is cut short or altered", []),
    ("/flipped.zip", {}, "is cut short or altered", []),
])  # fmt: skip
def test_a_download_that_fails_leaves_nothing_but_what_came_before(server, root, page, pins, message, kept):
    address = f"{server}{page}" if page else "http://127.0.0.1:1/good.txt"  # where nothing listens
    files = [pinned(f"{server}/hello.txt", "emoint/first.txt", **BLOB), pinned(address, **pins)]
    if page.endswith(".zip"):
        files = [pinned(f"{address}#trees/{name}.txt", f"sst/{name}.txt", content) for name, content in TREES.items()]
    with refused(message, address) if message else nullcontext():
        download.obtain(entry_of(*files))
    assert left_behind(root) == kept
    assert Handler.asked.count(page) == bool(page), "once for all members"


def test_where_nothing_is_to_be_or_can_be_written_what_is_missing_or_altered_is_said(server, root, monkeypatch, tmp_path):
    place, url = tmp_path / "mine" / "emoint" / "joy.txt", f"{server}/good.txt"
    monkeypatch.setenv("LCLSTUDY_DATA", str(tmp_path / "mine"))
    with refused("No file emoint/joy.txt", "LCLSTUDY_DATA", url):
        download.obtain(entry_of(pinned(url)))
    with refused("No file data/embedded/train.csv: ", "git checkout"):
        download.obtain(catalog.corpora()["embedded"])
    assert not (tmp_path / "mine").exists()
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT + b"x")
    with refused("is altered: 3601 bytes, expected 3600", url):
        download.obtain(entry_of(pinned(url)))
    assert place.read_bytes() == CONTENT + b"x"
    (root / "data").write_text("a file where the folder should be")
    monkeypatch.delenv("LCLSTUDY_DATA")
    with refused("Cannot write a download into data/raw"):
        download.obtain(entry_of(pinned(url)))
    assert Handler.asked == []
