"""A corpus file of one's own: csv, tsv, jsonl, parquet or xlsx, with a column of texts, one of labels, and maybe `split`."""

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lclstudy.errors import StudyError, unknown
from lclstudy.paths import relative
from lclstudy.plan.catalog import OwnFile

from .formats import collapse, csv_rows, lines, malformed

SPLITS = {"train": "train", "validation": "validation", "valid": "validation", "dev": "validation", "test": "test"}
Records = Iterator[tuple[int, dict]]  # place, and the row by column


class OwnRow(NamedTuple):
    """A row: where it is (line of a csv, tsv or jsonl, row of a table, from 1), text, label name, split or None."""

    place: int
    text: str
    label: str
    split: str | None


def read(file: OwnFile) -> list[OwnRow]:
    """All rows of the file. White space is collapsed in texts and labels.

    Raises StudyError if a column is missing or twice there, a text or label is empty, two labels differ in case alone, a split
    name is unknown, or the file cannot be read.
    """
    rows = [_row(file, place, record) for place, record in _records(file)]
    if not rows:
        raise StudyError(f"{relative(file.path)} is empty; give rows with the columns text and label.")
    _check_alike(file.path, rows)
    return rows


def read_texts(path: Path, text_column: str = "text") -> list[str]:
    """The texts of a table that needs no labels, or (`.txt`) one a line; an empty one stays. Errors as for `read`."""
    rows = [(place, record[text_column]) for place, record in _records(OwnFile(path, text_column, ""))]
    return ["" if _is_empty(value) else _value(path, place, "text", value) for place, value in rows]


def _records(file: OwnFile) -> list[tuple[int, dict]]:
    try:
        return list(_READERS[file.path.suffix.lower()](file))
    except OSError as error:
        raise StudyError(f"Could not read {relative(file.path)}: {error.strerror or error}; mend that, or copy it.") from None


def _txt(file: OwnFile) -> Records:
    """Texts alone, one a line."""
    yield from ((place, {file.text_column: line}) for place, line in lines(file.path, keep_empty=True))


def _csv(file: OwnFile) -> Records:
    """Fields are separated by a comma, in .tsv by a tab, unless the column of texts is found by another sign."""
    _, first = next(lines(file.path), (1, ""))
    signs = "\t,;|" if file.path.suffix.lower() == ".tsv" else ",\t;|"
    finding = [sign for sign in signs if file.text_column in (name.strip(' "') for name in first.split(sign))]
    rows = csv_rows(file.path, (finding or signs)[0])
    header = [name.strip() for name in next(rows, (1, []))[1]]
    _check_columns(file, header)
    for line, row in rows:
        if len(row) != len(header):
            hint = "; put quotation marks around a text that holds the separator" if len(row) > len(header) else ""
            raise malformed(file.path, line, f"{len(row)} fields, but the header has {len(header)}{hint}")
        yield line, dict(zip(header, row, strict=True))


def _jsonl(file: OwnFile) -> Records:
    for line, content in lines(file.path):
        try:
            record = json.loads(content)
        except (ValueError, RecursionError) as error:
            problem = getattr(error, "msg", "too deep, or a number of too many digits")
            raise malformed(file.path, line, f"not JSON ({problem}); one object a line") from None
        if not isinstance(record, dict) or not record:
            raise malformed(file.path, line, 'not a JSON object; write {"text": ..., "label": ...}')
        _check_columns(file, record, line)
        yield line, record


def _parquet(file: OwnFile) -> Records:
    import pyarrow
    from pyarrow import parquet

    try:
        names = parquet.read_schema(file.path).names  # first, because a table with a column twice cannot be read
        _check_columns(file, names)
        table = parquet.read_table(file.path)
    except (pyarrow.ArrowException, OSError) as error:
        raise StudyError(f"{relative(file.path)} is not a whole parquet file ({str(error).splitlines()[0]}).") from None
    yield from enumerate(table.to_pylist(), 1)


def _xlsx(file: OwnFile) -> Records:
    """The first sheet; its first row names the columns."""
    import pandas

    try:
        table = pandas.read_excel(file.path, header=None, dtype=object, keep_default_na=False, engine="openpyxl")
    except Exception as error:  # openpyxl and the parsers below it raise errors of any kind
        if isinstance(error, OSError) and error.errno:
            raise
        raise StudyError(
            f"{relative(file.path)} is not a whole xlsx file without a password ({collapse(str(error))}); save it again as one."
        ) from None
    header, *rows = table.to_numpy().tolist() or [[]]
    header = [str(name).strip() for name in header]
    _check_columns(file, header)
    for place, row in enumerate(rows, 2):
        if any(str(value).strip() for value in row):  # a row that was cleared
            yield place, dict(zip(header, row, strict=True))


_READERS = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".parquet": _parquet, ".xlsx": _xlsx, ".txt": _txt}


def _check_columns(file: OwnFile, names, line: int | None = None) -> None:
    """Raises StudyError unless the columns of texts and labels (if any) are there, and that of splits is in small letters; an
    empty file has none, and is refused later."""
    place = relative(file.path) + (f", line {line}:" if line else "")
    names = [str(name).replace("\0", "\\0") for name in names]
    for parameter, column in {"text_column": file.text_column, "label_column": file.label_column, "split": "split"}.items():
        if not column and parameter == "label_column":  # texts alone are asked for
            continue
        if names.count(column) > 1:
            raise StudyError(f"{place} has {names.count(column)} columns {column!r}; delete or rename all but one.")
        if names and column not in names and parameter != "split":
            raise StudyError(f"{place} has no column {column!r}; found: {', '.join(names)}. Rename or add it, or say which one "
                             f"it is: {parameter}.")  # fmt: skip
    for name in names:
        if file.label_column and "split" not in names and name not in file and name.strip().casefold() == "split":
            raise StudyError(f"{place} has a column {name!r}, which would not be read; rename it to split.")


def _row(file: OwnFile, place: int, record: dict) -> OwnRow:
    text = _value(file.path, place, "text", record[file.text_column])
    label = _value(file.path, place, "label", record[file.label_column])
    given = record.get("split")
    split = None if _is_empty(given) else str(given).strip()
    if split not in (None, *SPLITS):
        raise malformed(file.path, place, str(unknown("split", given, SPLITS)).rstrip(".?"))
    return OwnRow(place, text, label, SPLITS.get(split))


def _is_empty(value: object) -> bool:
    # `value != value` holds for NaN alone, which JSON and parquet files use for what is missing.
    return value is None or value != value or not str(value).strip()


def _value(path: Path, place: int, column: str, value: object) -> str:
    """A text or label as text, in one line."""
    if _is_empty(value):
        raise malformed(path, place, f"the {column} is empty; fill it in or delete the row")
    if isinstance(value, list | dict | bytes):
        kind = {list: "a list", dict: "an object", bytes: "bytes"}[type(value)]
        raise malformed(path, place, f"the {column} is {kind}; give a text")
    if re.search("[\0\ud800-\udfff]", str(value)):
        raise malformed(path, place, f"the {column} holds a NUL byte or half of a character; save the file as UTF-8 text")
    whole = isinstance(value, float) and value.is_integer()  # a table's column with gaps has 1.0 where 1 was meant
    return collapse(str(int(value) if whole else value))


def _check_alike(path: Path, rows: list[OwnRow]) -> None:
    """Raises StudyError if two labels differ in case or in the way an accent is coded: they would be trained as two classes."""
    first: dict[str, OwnRow] = {}
    for row in rows:
        other = first.setdefault(unicodedata.normalize("NFKC", row.label).casefold(), row)
        if other.label != row.label:
            raise malformed(path, row.place, f"label {row.label!r} differs from {other.label!r} (line {other.place}) only in "
                            "capitals or coding, and would be a class of its own; write both alike")  # fmt: skip
