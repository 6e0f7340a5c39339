"""A corpus file of one's own: csv, jsonl or parquet with the columns `text` and `label`, and `split` if it is split already."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .errors import StudyError, unknown
from .paths import relative
from .readers import collapse, csv_rows, lines, malformed

SPLITS = {"train": "train", "validation": "validation", "valid": "validation", "dev": "validation", "test": "test"}


class OwnRow(NamedTuple):
    """A row: where it is (line of a csv or jsonl, row of a parquet file, from 1), text, label name, split or None."""

    place: int
    text: str
    label: str
    split: str | None


def read(path: Path) -> list[OwnRow]:
    """All rows of the file.

    Raises StudyError if a column is missing, a text or label is empty, a split name is unknown, or the file cannot be read.
    """
    records = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}[path.suffix.lower()]
    rows = [_row(path, place, record) for place, record in records(path)]
    if not rows:
        raise StudyError(f"{relative(path)} is empty; give rows with the columns text and label.")
    return rows


def _csv(path: Path) -> Iterator[tuple[int, dict]]:
    rows = csv_rows(path)
    header = [name.strip() for name in next(rows, (1, []))[1]]
    if header:
        _check_columns(path, header)
    for line, row in rows:
        if len(row) != len(header):
            raise malformed(path, line, f"{len(row)} fields, but the header has {len(header)}")
        yield line, dict(zip(header, row, strict=True))


def _jsonl(path: Path) -> Iterator[tuple[int, dict]]:
    for line, content in lines(path):
        try:
            record = json.loads(content)
        except json.JSONDecodeError as error:
            raise malformed(path, line, f"not JSON ({error.msg})") from None
        if not isinstance(record, dict):
            raise malformed(path, line, "not a JSON object")
        yield line, record


def _parquet(path: Path) -> Iterator[tuple[int, dict]]:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise StudyError(f"{relative(path)} is not a whole parquet file ({str(error).splitlines()[0]}).") from None
    _check_columns(path, table.column_names)
    yield from enumerate(table.to_pylist(), 1)


def _check_columns(path: Path, names, line: int | None = None) -> None:
    for column in ("text", "label"):
        if column not in names:
            place = relative(path) + (f", line {line}:" if line else "")
            raise StudyError(f"{place} has no column {column!r}; found: {', '.join(map(str, names))}. Rename or add it.")


def _row(path: Path, place: int, record: dict) -> OwnRow:
    _check_columns(path, record, place)
    values = {}
    for column in ("text", "label"):
        value = record[column]
        # `value != value` holds for NaN alone, which JSON and parquet files use for what is missing.
        if value is None or value != value or not str(value).strip():
            raise malformed(path, place, f"the {column} is empty; fill it in or delete the row")
        values[column] = str(value)
    split = record.get("split") or None
    if split is not None and split not in SPLITS:
        raise malformed(path, place, str(unknown("split", split, SPLITS)).rstrip("."))
    return OwnRow(place, collapse(values["text"]), values["label"].strip(), SPLITS.get(split))
