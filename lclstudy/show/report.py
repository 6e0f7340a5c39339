"""What a notebook shows and keeps: figures, tables and findings, with one line each."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from lclstudy import paths

from . import export, markdown, style
from .text import bullets


class Report:
    """Of one notebook (`06_main_results`), on one profile: its figures and tables go to `paths.figures(profile)` as `06_NAME`,
    each with a sidecar that names the notebook and the `inputs` (files or folders) with their hashes."""

    def __init__(self, notebook: str, profile: str, inputs: Iterable[Path | str]):
        self.notebook, self.profile, self.inputs = notebook, profile, list(inputs)

    def figure(self, figure: Figure, name: str, *inputs: Path | str) -> None:
        """Saves a figure, which the notebook shows at the end of the cell. `inputs`: what it is made from beside the rest."""
        style.save(figure, self._named(name), self.profile, self.notebook, [*self.inputs, *inputs])

    def table(
        self,
        numbers: pd.DataFrame,
        name: str,
        caption: str,
        readable: pd.DataFrame | None = None,
        shown: pd.DataFrame | None = None,
    ) -> None:
        """Saves a table (its numbers as csv, the `readable` one as Markdown and LaTeX) and shows the readable one, or of a long
        one the part that is to be `shown`."""
        readable = numbers if readable is None else readable
        folder = paths.figures(self.profile)
        export.save(numbers, self._named(name), folder, caption, readable, self.notebook, self.inputs)
        display(markdown.table(readable if shown is None else shown))

    def said(self, *found: str | Iterable[str]) -> None:
        """Shows findings: a Markdown text (of `words`) as it is, a list of sentences as a list."""
        texts = (each if isinstance(each, str) else bullets(each) for each in found)
        display(Markdown("\n\n".join(texts)))

    def _named(self, name: str) -> str:
        return f"{self.notebook[:2]}_{name}"
