"""`lclstudy site`: README, RESULTS, the notebooks with their stored outputs and all figures as pages to read in a browser.

Nothing is executed, and nothing comes from a network when the pages are read. (MyST fetches its theme when it builds.)
"""

import base64
import html
import json
import re
import shutil
from pathlib import Path, PurePosixPath

import latex2mathml.converter
import nbformat
from jinja2 import Environment, PackageLoader
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from lclstudy import paths
from lclstudy.errors import StudyError

TEXTS = {
    "README.md": "index.html",
    "RESULTS.md": "results.html",
    "data/published/README.md": "published.html",
    "data/results/README.md": "frozen.html",
    "data/summary/README.md": "summary.html",
    "benchmarks/report.md": "benchmarks.html",
}
ASSETS = ("site.css", "site.js")


def build(folder: Path) -> Path:
    """Writes the site anew into a folder; returns its first page. Raises StudyError on a folder that holds something else."""
    if folder.exists() and not (folder / "search.js").is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(f"{folder} is there already and holds no site; name a new folder.")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(paths.ROOT / "figures", folder / "figures")
    for name in ASSETS:
        shutil.copy(paths.PACKAGE / "runner" / "templates" / name, folder)
    texts = ((page, paths.ROOT / path) for path, page in TEXTS.items())
    bodies = [(page, _markdown(path.read_text("utf-8"), _Renderer(path.parent))) for page, path in texts]
    bodies[2:2] = [(f"{path.stem}.html", _notebook_page(path, folder)) for path in sorted(_notebooks().values())]
    bodies += [(f"figures_{place.name}.html", _figures_page(place)) for place in sorted((folder / "figures").iterdir())]
    pages = [(address, re.search(r"<h1.*?>(.+?)</h1>", body)[1], body) for address, body in bodies]
    template = Environment(loader=PackageLoader("lclstudy.runner")).get_template("page.html.j2")
    shared = {"contents": [page[:2] for page in pages], "code": HtmlFormatter().get_style_defs()}
    for address, title, body in pages:
        (folder / address).write_text(template.render(title=title, address=address, body=body, **shared), "utf-8")
    index = [section for address, title, body in pages for section in _sections(address, title, body)]
    (folder / "search.js").write_text(f"window.SECTIONS = {json.dumps(index, ensure_ascii=False)};\n", "utf-8")
    return folder / "index.html"


def _notebooks() -> dict[str, Path]:
    return {path.stem: path for path in (paths.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}


def _address(path: str) -> str | None:
    """The page of a file or folder of the repository, by its path from the root; None if it has none."""
    file = PurePosixPath(path)
    if file.parts[:1] == ("notebooks",) and file.stem in _notebooks():
        return f"{file.stem}.html"
    if file.parts[:1] == ("figures",) and (paths.ROOT / path).is_file():
        return f"figures_{file.parts[1]}.html#{file.stem}"
    return TEXTS.get(path) or TEXTS.get(f"{path.rstrip('/')}/README.md")


class _Renderer(IPythonRenderer):
    """Markdown to HTML: links lead to the pages of this site, headings have an id, formulas are MathML, tables may be wide."""

    def __init__(self, folder: Path | str):
        super().__init__(escape=False)
        self.folder, self.seen = folder, set()

    def heading(self, text: str, level: int, **attrs) -> str:
        name = re.sub(r"[^\w\- ]", "", html.unescape(re.sub(r"<[^>]+>", "", text))).strip().lower().replace(" ", "-")
        while name in self.seen:
            name += "-"
        self.seen.add(name)
        return f'<h{level} id="{name}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if url.startswith(("https://", "#")):
            return super().link(text, url, title)
        page = _address(self._from_root(url))
        _, mark, place = url.partition("#")
        return f'<a href="{page}{mark}{place}">{text}</a>' if page else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return f'<img class="figure" src="{self._from_root(url)}" alt="{html.escape(text)}" loading="lazy">'

    def _from_root(self, url: str) -> str:
        path = (paths.ROOT / self.folder / url.partition("#")[0]).resolve()
        return path.relative_to(paths.ROOT).as_posix() if path.is_relative_to(paths.ROOT) else url

    def codespan(self, text: str) -> str:
        shown = f"<code>{html.escape(html.unescape(text))}</code>"
        page = f"{text}.html" if text in _notebooks() else _address(text)
        return f'<a href="{page}">{shown}</a>' if page else shown

    def table(self, text: str) -> str:
        return f'<div class="wide"><table>{text}</table></div>\n'

    def block_math(self, body: str) -> str:
        return latex2mathml.converter.convert(body, display="block")

    def inline_math(self, body: str) -> str:
        return latex2mathml.converter.convert(body)


def _markdown(text: str, renderer: _Renderer) -> str:
    return MarkdownWithMath(renderer=renderer).render(text)


def _notebook_page(path: Path, folder: Path) -> str:
    notebook, renderer, parts = nbformat.read(path, as_version=4), _Renderer("notebooks"), []
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            parts.append(_markdown(cell.source, renderer))
        else:
            code = highlight(cell.source, PythonLexer(), HtmlFormatter())
            parts.append(f'<details class="code"><summary>code</summary>{code}</details>')
            for place, out in enumerate(cell.outputs):
                if text := _output(out, folder / "pictures" / f"{path.stem}_{number}_{place}.png"):
                    parts.append(f'<div class="output">{text}</div>')
    return "\n".join(parts)


def _output(out, picture: Path) -> str:
    """A stored output; a picture is written to its own file."""
    data = out.get("data", {})
    if "image/png" in data:
        picture.parent.mkdir(exist_ok=True)
        picture.write_bytes(base64.b64decode(data["image/png"]))
        return f'<img class="figure" src="pictures/{picture.name}" alt="figure" loading="lazy">'
    if "text/markdown" in data:
        return _markdown(data["text/markdown"], _Renderer("notebooks"))
    if "text/latex" in data:
        return latex2mathml.converter.convert(data["text/latex"].strip("$").replace(r"\displaystyle", ""), display="block")
    if "text/html" in data:
        return data["text/html"]
    text = "" if out.get("name") == "stderr" else out.get("text") or data.get("text/plain", "")
    return f"<pre>{html.escape(text)}</pre>" if text else ""


def _figures_page(place: Path) -> str:
    """The figures and tables of a profile, each with links to its files."""
    parts = [f"<h1>Figures: {place.name}</h1>"]
    for sidecar in sorted(place.glob("*.json")):
        facts, name = json.loads(sidecar.read_text("utf-8")), sidecar.stem
        files = sorted(path.name for path in place.glob(f"{name}.*"))
        links = ", ".join(f'<a href="figures/{place.name}/{file}">{file.rpartition(".")[2]}</a>' for file in files)
        made_by = f'<a href="{facts["notebook"]}.html">{facts["notebook"]}</a>: ' if facts["notebook"] in _notebooks() else ""
        parts.append(f'<h2 id="{name}">{name}</h2><p>{made_by}{links}</p>')
        if f"{name}.svg" in files:
            parts.append(f'<img class="figure" src="figures/{place.name}/{name}.svg" alt="{name}" loading="lazy">')
        if f"{name}.md" in files:
            parts.append(_markdown((place / f"{name}.md").read_text("utf-8"), _Renderer("")))
    return "\n".join(parts)


def _sections(address: str, title: str, body: str) -> list[list[str]]:
    """What is searched: a row of address, title, heading and text per heading of a page."""
    body = re.sub(r"<(pre|math|details)\b.*?</\1>", " ", body, flags=re.DOTALL)
    parts = ["", "", *re.split(r'<h\d id="([^"]*)">(.*?)</h\d>', body, flags=re.DOTALL)]  # id, heading, text; again and again
    rows = []
    for name, *said in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        heading, text = (" ".join(html.unescape(re.sub(r"<[^>]+>", " ", part)).split()) for part in said)
        if heading or text:
            rows.append([f"{address}#{name}" if name else address, title, heading, text])
    return rows
