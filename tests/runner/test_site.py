"""The site: every page from what is stored, every link leads somewhere, nothing comes from a network."""

import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from lclstudy import paths
from lclstudy.__main__ import main
from lclstudy.runner import site


class Seen(HTMLParser):
    """The ids of a page, where its links lead, and what it loads."""

    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links, self.loads = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        target = given.get("href") or given.get("src")
        if target:
            (self.links if tag == "a" else self.loads).append(target)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "book"
    assert main(["site", "--output", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def pages(folder):
    return {path.name: Seen(path.read_text("utf-8")) for path in folder.glob("*.html")}


def test_every_notebook_and_every_figure_has_its_place(folder, pages):
    notebooks = list((paths.ROOT / "notebooks").glob("*.ipynb"))
    assert {f"{path.stem}.html" for path in notebooks} <= set(pages)
    for path in (paths.ROOT / "figures").glob("*/*.json"):
        assert path.stem in pages[f"figures_{path.parent.name}.html"].ids
    stored = sum(path.read_text("utf-8").count('"image/png"') for path in notebooks)
    assert len(list((folder / "pictures").iterdir())) == stored > 20


def test_every_link_resolves_and_nothing_is_loaded_from_elsewhere(folder, pages):
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        for target in page.links + page.loads:
            if target.startswith("https://"):
                assert target in page.links, f"{name} loads {target}"
                continue
            file, _, place = unquote(target).partition("#")
            assert (folder / (file or name)).is_file(), f"{name}: {target}"
            assert not place or place in pages[file or name].ids, f"{name}: {target}"
    for asset in site.ASSETS:
        assert "http" not in (folder / asset).read_text("utf-8")


def test_the_search_knows_every_page(folder, pages):
    text = (folder / "search.js").read_text("utf-8")
    sections = json.loads(text.removeprefix("window.SECTIONS = ").removesuffix(";\n"))
    places = [address.partition("#") for address, *_ in sections]
    assert {file for file, *_ in places} == set(pages)
    assert all(not place or place in pages[file].ids for file, _, place in places)
    assert any("second views" in text for *_, text in sections)


def test_formulas_are_mathml_and_code_is_folded(folder):
    text = (folder / "03_losses.html").read_text("utf-8")
    shown = re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)
    assert text.count("<math") > 10 and not re.search(r"\$[^$\n]*\\", shown)
    assert text.count('<details class="code">') > 20
