"""A table as Markdown, csv and LaTeX, with a sidecar that says what made it."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from lclstudy.errors import StudyError

from . import markdown, provenance


def to_latex(table: pd.DataFrame, caption: str, label: str) -> str:
    """The table in LaTeX with the rules of `booktabs`, every special character escaped. Needs `jinja2`, as pandas does."""
    texts = table.rename(columns=str).map(str)
    latex = texts.to_latex(index=False, escape=True, caption=caption.translate(_LATEX), label=label, position="t")
    return latex.replace("<", r"\textless{}").replace(">", r"\textgreater{}")  # else ¡ and ¿ in LaTeX's first font encoding


# pandas escapes the cells, but not the caption
_LATEX = str.maketrans({mark: f"\\{mark}" for mark in "&%$#_{}"}
                       | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"})  # fmt: skip


def save(
    table: pd.DataFrame,
    name: str,
    folder: Path | str,
    caption: str,
    readable: pd.DataFrame | None = None,
    notebook: str = "",
    inputs: Iterable[Path | str] = (),
) -> list[Path]:
    """Writes `name.csv` of `table`, `name.md` and `name.tex` of `readable` (`table` if not given), and `name.json`, which
    holds the caption, the notebook, the inputs with their hashes, and versions. Returns the paths.

    Raises StudyError if an input is not there, the table has no rows, or the disk refuses.
    """
    if table.empty:
        raise StudyError(f"Table {name!r} has no rows; give it published numbers or runs.")
    readable = table if readable is None else readable
    texts = {
        f"{name}.csv": table.to_csv(index=False, na_rep="NA", lineterminator="\n"),  # in full; pandas reads `NA` as missing
        f"{name}.md": f"{caption}\n\n{markdown.lines(readable)}\n",
        f"{name}.tex": to_latex(readable, caption, f"tab:{name}"),
    }
    files = {file: text.encode() for file, text in texts.items()}
    return provenance.save(Path(folder), files, f"{name}.json", notebook, inputs, caption=caption)
