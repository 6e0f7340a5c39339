"""What a notebook shows besides figures: tables as Markdown, and texts beside their second views with the changes marked."""

from collections.abc import Iterable
from html import escape

import pandas as pd
from IPython.display import HTML, Markdown
from pandas.api.types import is_bool_dtype, is_numeric_dtype

MISSING = "–"


def table(frame: pd.DataFrame, columns: dict[str, str | tuple[str, str]] | None = None) -> Markdown:
    """The frame without its index: texts to the left, numbers to the right.

    `columns` says which columns are shown, with a heading each, and a format where `,` will not do: `{"share": ("share (%)",
    ".1f")}`; all if it is not given. What is missing is a dash. Raises KeyError on a column that is not there.
    """
    columns = columns or {column: str(column) for column in frame}
    wanted = [(frame[name], *((said, ",") if isinstance(said, str) else said)) for name, said in columns.items()]
    sides = ["---:" if is_numeric_dtype(values) and not is_bool_dtype(values) else ":---" for values, *_ in wanted]
    texts = [[_said(value, spec) for value in values] for values, _, spec in wanted]
    lines = [[heading for _, heading, _ in wanted], sides, *zip(*texts, strict=True)]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))


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
        return value.replace("|", "\\|")
    if pd.isna(value):
        return MISSING
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
