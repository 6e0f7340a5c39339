"""A corpus file of one's own: csv, tsv, jsonl or parquet with the columns `text` and `label`, and `split` if it has splits."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lclstudy.errors import StudyError, unknown
from lclstudy.paths import relative

from .formats import collapse, csv_rows, lines, malformed

SPLITS = {"train": "train", "validation": "validation", "valid": "validation", "dev": "validation", "test": "test"}
COLUMNS = ("text", "label")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


class OwnRow(NamedTuple):
    """A row: where it is (line of a csv, tsv or jsonl, row of a parquet file, from 1), text, label name, split or None."""

    place: int
    text: str
    label: str
    split: str | None


def read(path: Path) -> list[OwnRow]:
    """All rows of the file. White space is collapsed in texts and labels.

    Raises StudyError if a column is missing or twice there, a text or label is empty, two labels differ in case alone, a split
    name is unknown, or the file cannot be read.
    """
    try:
        rows = [_row(path, place, record) for place, record in _READERS[path.suffix.lower()](path)]
    except OSError as error:
        raise StudyError(f"Could not read {relative(path)}: {error.strerror or error}; mend its access or copy it.") from None
    if not rows:
        raise StudyError(f"{relative(path)} is empty; give rows with the columns text and label.")
    _check_alike(path, rows)
    return rows


def _csv(path: Path, separator: str = ",") -> Iterator[tuple[int, dict]]:
    rows = csv_rows(path, separator)
    header = [name.strip() for name in next(rows, (1, []))[1]]
    if header:
        _check_columns(path, header, separator=separator)
    for line, row in rows:
        if len(row) != len(header):
            raise malformed(path, line, f"{len(row)} fields, but the header has {len(header)}{_quote_hint(row, header)}")
        yield line, dict(zip(header, row, strict=True))


def _quote_hint(row: list[str], header: list[str]) -> str:
    return "; put quotation marks around a text that holds the separator" if len(row) > len(header) else ""


def _tsv(path: Path) -> Iterator[tuple[int, dict]]:
    return _csv(path, "\t")


def _jsonl(path: Path) -> Iterator[tuple[int, dict]]:
    for line, content in lines(path):
        try:
            record = json.loads(content)
        except (json.JSONDecodeError, RecursionError) as error:
            raise malformed(path, line, f"not JSON ({getattr(error, 'msg', 'too deep')}); one object a line") from None
        if not isinstance(record, dict):
            raise malformed(path, line, 'not a JSON object; write {"text": ..., "label": ...}')
        yield line, record


def _parquet(path: Path) -> Iterator[tuple[int, dict]]:
    import pyarrow
    from pyarrow import parquet

    try:
        names = parquet.read_schema(path).names  # first, because a table with a column twice cannot be read
        _check_columns(path, names)
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise StudyError(f"{relative(path)} is not a whole parquet file ({str(error).splitlines()[0]}).") from None
    yield from enumerate(table.to_pylist(), 1)


_READERS = {".csv": _csv, ".tsv": _tsv, ".jsonl": _jsonl, ".parquet": _parquet}


def _check_columns(path: Path, names, line: int | None = None, separator: str = "") -> None:
    place = relative(path) + (f", line {line}:" if line else "")
    names = [str(name).replace("\0", "\\0") for name in names]
    for column in (*COLUMNS, "split"):
        if names.count(column) > 1:
            raise StudyError(f"{place} has {names.count(column)} columns {column!r}; delete or rename all but one.")
        if column not in names and column in COLUMNS:
            found = ", ".join(names)
            hint = _separator_hint(names, separator) or "Rename or add it."
            raise StudyError(f"{place} has no column {column!r}; found: {found}. {hint}")


def _separator_hint(names: list[str], separator: str) -> str:
    """Where the header is one name that holds another separator, what to do; else nothing."""
    for other, called in _SEPARATORS.items():
        if separator and other != separator and len(names) == 1 and other in names[0]:
            ours = _SEPARATORS[separator]
            other_name = " or name it .tsv" if other == "\t" else " or name it .csv" if other == "," else ""
            return f"Its columns are separated by {called}: save it with {ours}{other_name}."
    return ""


def _row(path: Path, place: int, record: dict) -> OwnRow:
    _check_columns(path, record, place)
    text, label = (_value(path, place, column, record[column]) for column in COLUMNS)
    split = record.get("split")
    if split is None or split != split or split == "":  # NaN is unlike itself
        return OwnRow(place, text, label, None)
    split = split.strip() if isinstance(split, str) else split
    if not isinstance(split, str) or split not in SPLITS:
        raise malformed(path, place, str(unknown("split", split, SPLITS)).rstrip("."))
    return OwnRow(place, text, label, SPLITS[split])


def _value(path: Path, place: int, column: str, value: object) -> str:
    """A text or label as text, in one line. Raises StudyError if it is empty, a list or an object, or holds a NUL byte."""
    # `value != value` holds for NaN alone, which JSON and parquet files use for what is missing.
    if value is None or value != value or not str(value).strip():
        raise malformed(path, place, f"the {column} is empty; fill it in or delete the row")
    if isinstance(value, list | dict | bytes):
        kind = {list: "a list", dict: "an object", bytes: "bytes"}[type(value)]
        raise malformed(path, place, f"the {column} is {kind}; give a text")
    if "\0" in str(value):
        raise malformed(path, place, f"the {column} holds a NUL byte; save the file as UTF-8 text, or delete the byte")
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise malformed(path, place, f"the {column} holds half of a character (a lone surrogate); mend or delete it") from None
    return collapse(str(value))


def _check_alike(path: Path, rows: list[OwnRow]) -> None:
    """Raises StudyError if two labels differ in case or in the way an accent is coded: they would be trained as two classes."""
    first: dict[str, OwnRow] = {}
    for row in rows:
        other = first.setdefault(unicodedata.normalize("NFKC", row.label).casefold(), row)
        if other.label != row.label:
            raise malformed(path, row.place, f"label {row.label!r} differs from {other.label!r} (line {other.place}) only in "
                            "capitals or coding, and would be a class of its own; write both alike")  # fmt: skip
