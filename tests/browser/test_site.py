"""The site: every page from what is stored, every link leads somewhere, nothing comes from a network; and as it is read, in a
real browser, on a screen and on a telephone."""

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
    assert [main(["site", "--output", str(where)]) for where in (folder, folder, folder.parent)] == [0, 0, 2]
    return folder


@pytest.fixture(scope="module")
def pages(folder):
    return {path.name: Seen(path.read_text("utf-8")) for path in folder.glob("*.html")}


def test_every_notebook_and_figure_has_its_place_formulas_are_mathml_and_code_is_folded(folder, pages):
    notebooks = list((paths.ROOT / "notebooks").glob("*.ipynb"))
    assert {f"{path.stem}.html" for path in notebooks} <= set(pages)
    for path in (paths.ROOT / "figures").glob("*/*.json"):
        assert path.stem in pages[f"figures_{path.parent.name}.html"].ids
    stored = sum(path.read_text("utf-8").count('"image/png"') for path in notebooks)
    assert len(list((folder / "pictures").iterdir())) == stored > 20
    text = (folder / "03_losses.html").read_text("utf-8")
    shown = re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)
    assert text.count("<math") > 10 and not re.search(r"\$[^$\n]*\\", shown)
    assert text.count('<details class="code">') > 20


def test_every_link_resolves_nothing_is_loaded_from_elsewhere_and_the_search_knows_every_page(folder, pages):
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        for target in page.links + page.loads:
            if target.startswith("https://"):
                assert target in page.links, f"{name} loads {target}"
                continue
            file, _, place = unquote(target).partition("#")
            assert (folder / (file or name)).is_file(), f"{name}: {target}"
            assert not place or place in pages[file or name].ids, f"{name}: {target}"
    assert not any("http" in (folder / asset).read_text("utf-8") for asset in site.ASSETS)
    text = (folder / "search.js").read_text("utf-8")
    sections = json.loads(text.removeprefix("window.SECTIONS = ").removesuffix(";\n"))
    places = [address.partition("#") for address, *_ in sections]
    assert {file for file, *_ in places} == set(pages)
    assert all(not place or place in pages[file].ids for file, _, place in places)


on_a_telephone_too = pytest.mark.parametrize("book", [1400, 400], indirect=True)


@pytest.fixture
def book(request, page, folder):
    """The first page at a width; at the end, that nothing was asked of a network and no script failed."""
    asked, failures = [], []
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.set_viewport_size({"width": getattr(request, "param", 1400), "height": 900})
    page.goto((folder / "index.html").as_uri())
    yield page
    assert failures == []
    assert asked and all(url.startswith("file:") for url in asked)


def go(page, name):
    page.goto(page.url.rpartition("/")[0] + f"/{name}.html")


@on_a_telephone_too
def test_no_page_is_wider_than_the_window(book, folder):
    for file in sorted(folder.glob("*.html")):
        go(book, file.stem)
        assert book.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, file.name


@on_a_telephone_too
def test_a_search_finds_and_jumps(book):
    book.keyboard.press("/")
    book.keyboard.type("calibration error")
    hits = book.locator("#found a[href]")
    hits.first.wait_for()
    box = book.locator("#found").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= book.viewport_size["width"], "nothing of it is cut off"
    for word in ("calibration", "error"):
        assert word in hits.first.inner_text().lower()
    wanted = hits.first.get_attribute("href")
    book.keyboard.press("Enter")
    book.wait_for_url(f"**/{wanted}")
    heading = book.locator("#" + wanted.partition("#")[2])
    assert 0 <= heading.bounding_box()["y"] < 900
    book.locator("#search").fill("no such word anywhere")
    book.locator("#found").get_by_text("nothing found").wait_for()
    book.locator("main h1").click()
    assert not book.locator("#found").is_visible()


def test_a_table_sorts_by_the_column_that_is_clicked(book):
    go(book, "01_corpora")
    head = book.locator("main th", has_text=re.compile("^classes$")).first
    place = head.evaluate("head => head.cellIndex + 1")
    cells = head.locator(f"xpath=ancestor::table//tbody//td[{place}]")
    before = [int(text) for text in cells.all_inner_texts()]
    for order in (False, True):
        head.click()
        now = [int(text) for text in cells.all_inner_texts()]
        assert now == sorted(before, reverse=order) and len(set(now)) > 4


def test_a_figure_enlarges_and_light_and_dark_change_and_stay(book):
    go(book, "figures_minilm")
    figure, large = book.locator("img.figure").first, book.locator("#large img")
    figure.click()
    large.wait_for()
    assert large.bounding_box()["width"] > 1.1 * figure.bounding_box()["width"]
    large.click(position={"x": 40, "y": 40})
    assert not large.is_visible()
    shade = "getComputedStyle(document.body).backgroundColor"
    light = book.evaluate(shade)
    book.locator("#theme").click()
    dark = book.evaluate(shade)
    go(book, "results")
    assert book.evaluate(shade) == dark != light


@on_a_telephone_too
def test_the_contents_and_the_code_open(book):
    narrow = book.viewport_size["width"] < 900
    assert book.locator("#contents").is_visible() != narrow
    if narrow:
        book.locator("#menu").click()
    book.locator("#contents a", has_text="Your own labels").click()
    book.wait_for_url("**/14_your_corpus.html")
    code = book.locator("details.code .highlight").first
    assert not code.is_visible()
    if narrow:
        book.locator("details.code summary").first.click()
    else:
        book.locator("#code").click()
    assert code.is_visible()
