"""What a notebook shows and keeps: figures, tables and findings, and sidecars that say what made them. No time and no path of
this machine, so that the same inputs give the same bytes."""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from lclstudy import __version__, paths
from lclstudy.errors import StudyError
from lclstudy.plan.catalog import file_checksum

from . import markdown, style
from .text import bullets

_PACKAGES = ("numpy", "pandas", "matplotlib", "seaborn")


class Report:
    """Of one notebook (`06_main_results`), on one profile: what it keeps goes to `paths.figures(profile)` as `06_NAME`, made
    from its `inputs` (files or folders), and the further `inputs` of a table."""

    def __init__(self, notebook: str, profile: str, inputs: Iterable[Path | str]):
        self.notebook, self.profile, self.inputs = notebook, profile, list(inputs)

    def figure(self, figure: Figure, name: str) -> None:
        """Saves a figure as png and svg; the notebook shows it at the end of the cell."""
        self.save(name, style.rendered(figure))

    def table(
        self,
        numbers: pd.DataFrame,
        name: str,
        caption: str,
        readable: pd.DataFrame | None = None,
        shown: pd.DataFrame | None = None,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        """Saves a table (its numbers as csv, the `readable` one as Markdown and LaTeX) and shows the readable one, or of a long
        one the part that is to be `shown`. Raises StudyError if it has no rows, or as `save`."""
        if numbers.empty:
            raise StudyError(f"Table {name!r} has no rows; give it published numbers or runs.")
        readable = numbers if readable is None else readable
        texts = {
            ".csv": numbers.to_csv(index=False, na_rep="NA", lineterminator="\n"),  # in full; pandas reads `NA` as missing
            ".md": f"{caption}\n\n{markdown.lines(readable)}\n",
            ".tex": to_latex(readable, caption, f"tab:{self._named(name)}"),
        }
        self.save(name, {ending: text.encode() for ending, text in texts.items()}, inputs, caption=caption)
        display(markdown.table(readable if shown is None else shown))

    def said(self, *found: str | Iterable[str]) -> None:
        """Shows findings: a Markdown text (of `words`) as it is, a list of sentences as a list."""
        texts = (each if isinstance(each, str) else bullets(each) for each in found)
        display(Markdown("\n\n".join(texts)))

    def save(self, name: str, files: Mapping[str, bytes], inputs: Iterable[Path | str] = (), **more: str) -> list[Path]:
        """Writes `files`, by the ending of their names, and a json sidecar, which holds `more`, the notebook, the inputs (path
        from the root: sha256; of a folder that of a list of its files), versions, and the sha256 of each file.

        Returns the paths. Raises StudyError if an input is not there, or if the disk refuses.
        """
        folder, name = paths.figures(self.profile), self._named(name)
        sources = (paths.ROOT / given for given in (*self.inputs, *inputs))  # absolute ones stay
        versions = {"lclstudy": __version__, "python": platform.python_version()}
        facts = {
            **more,
            "notebook": self.notebook,
            "inputs": dict(sorted((paths.relative(path), _digest(path)) for path in sources)),
            "versions": versions | {package: version(package) for package in _PACKAGES},
            "files": {f"{name}{ending}": hashlib.sha256(data).hexdigest() for ending, data in files.items()},
        }
        content = {**files, ".json": (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for ending, data in content.items():
                (folder / f"{name}{ending}").write_bytes(data)
        except OSError as error:
            where = paths.relative(folder)
            told = f"Could not write to {where}: {error.strerror or error}; make room there and run again."
            raise StudyError(told) from error
        return [folder / f"{name}{ending}" for ending in content]

    def _named(self, name: str) -> str:
        return f"{self.notebook[:2]}_{name}"


def to_latex(table: pd.DataFrame, caption: str, label: str) -> str:
    """The table in LaTeX with the rules of `booktabs`, every special character escaped. Needs `jinja2`, as pandas does."""
    texts = table.rename(columns=str).map(str)
    latex = texts.to_latex(index=False, escape=True, caption=caption.translate(_LATEX), label=label, position="t")
    return latex.replace("<", r"\textless{}").replace(">", r"\textgreater{}")  # else ¡ and ¿ in LaTeX's first font encoding


# pandas escapes the cells, but not the caption
_LATEX = str.maketrans({mark: f"\\{mark}" for mark in "&%$#_{}"}
                       | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"})  # fmt: skip


def _digest(path: Path) -> str:
    if path.is_file():
        return file_checksum(path)
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    if not files:
        raise StudyError(f"No input {paths.relative(path)}; make it first, or name a file that is there.")
    listed = "\n".join(f"{file.relative_to(path).as_posix()} {file_checksum(file)}" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest()
