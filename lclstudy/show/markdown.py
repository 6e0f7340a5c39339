"""What a notebook shows besides figures: tables as Markdown, and texts beside their second views with the changes marked."""

import re
from collections.abc import Iterable
from html import escape

import pandas as pd
from IPython.display import HTML, Markdown
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from .text import NONE

Columns = dict[str, str | tuple[str, str]]


def table(frame: pd.DataFrame, columns: Columns | None = None) -> Markdown:
    """The frame without its index, as a notebook shows it; arguments as in `lines`."""
    return Markdown(lines(frame, columns))


def lines(frame: pd.DataFrame, columns: Columns | None = None) -> str:
    """The frame as a Markdown table: texts to the left, numbers to the right, what is missing a dash.

    `columns` says which columns are shown, with a heading each (Markdown), and a format where `,` will not do: `{"share":
    ("share (%)", ".1f")}`; all if it is not given. Texts are shown letter by letter, whatever they hold.
    Raises KeyError on a column that is not there.
    """
    columns = columns or {column: plain(str(column)) for column in frame}
    wanted = [(name, *((said, ",") if isinstance(said, str) else said)) for name, said in columns.items()]
    numeric = [is_numeric_dtype(frame[name]) and not is_bool_dtype(frame[name]) for name, *_ in wanted]
    texts = [[_said(value, spec) for value in frame[name]] for name, _, spec in wanted]
    rows = [[said for _, said, _ in wanted], ["---:" if right else ":---" for right in numeric], *zip(*texts, strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def plain(text: str) -> str:
    """A text such that Markdown, HTML and TeX in it are shown and not obeyed, in one line."""
    text = _TAG_OR_ENTITY.sub(lambda found: escape(found[0]), " ".join(text.splitlines()))
    return text.translate(_PLAIN).replace("](", "]\\(")


_TAG_OR_ENTITY = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)")
# JupyterLab takes `\$` and `<span>$</span>` for the start of a formula all the same, GitHub `\$`.
_PLAIN = str.maketrans({mark: f"\\{mark}" for mark in "`*_~|"} | {"\\": "&#92;", "$": "<span>&#36;</span>"})


def views(rows: Iterable[tuple[str, str, list]], first: str = "class") -> HTML:
    """Texts beside their second views: a row per (name, text, `synonyms.replacements` of it), the changed words marked.

    `first` heads the column of names.
    """
    body = [f"<tr>{_cell(escape(name))}{_cell(_marked(text, made, 'word'))}{_cell(_marked(text, made, 'synonym'))}</tr>"
            for name, text, made in rows]  # fmt: skip
    head = "".join(f'<th style="text-align:left">{name}</th>' for name in (escape(first), "text", "second view"))
    return HTML("\n".join([f"<table><thead><tr>{head}</tr></thead><tbody>", *body, "</tbody></table>"]))


def _said(value: object, spec: str) -> str:
    if isinstance(value, str):
        return plain(value)
    if pd.isna(value):
        return NONE
    return str(value) if isinstance(value, bool) else format(value, spec).replace("-", "−")


def _marked(text: str, made: list, column: str) -> str:
    pieces, end = [], 0
    for replacement in made:
        word = escape(getattr(replacement, column))
        pieces += escape(text[end : replacement.start]), f"<mark><b>{word}</b></mark>"
        end = replacement.end
    return "".join([*pieces, escape(text[end:])])


def _cell(html: str) -> str:
    return f'<td style="text-align:left; vertical-align:top">{html}</td>'
