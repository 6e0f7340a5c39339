"""Corpora as `datasets.DatasetDict`: splits `train`, `validation`, `test`; columns `text` and `label` (`ClassLabel`).

Raw files are verified (`download`), read and cleaned (`formats`, `own_file`), and here split, checked, restricted, wrapped.
"""

import logging
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lclstudy.errors import StudyError
from lclstudy.paths import relative
from lclstudy.plan import catalog
from lclstudy.plan.catalog import CorpusEntry, OwnFile, RawFile
from lclstudy.plan.spec import check_classes

from . import download, formats, own_file

if TYPE_CHECKING:
    from datasets import DatasetDict

SPLITS = ("train", "validation", "test")
SPLIT_SEED = 0
VALIDATION_SHARE = 0.2  # of the training rows, for a corpus that has no validation split

Rows = list[tuple[str, int]]  # text, label id
log = logging.getLogger("lclstudy")


def load_corpus(name_or_path: str, classes=None, text_column: str = "text", label_column: str = "label") -> "DatasetDict":
    """The corpus with that name, or in that csv, tsv, jsonl, parquet or xlsx file, whose columns may be called otherwise.

    `classes` keeps only the texts of those label names and numbers the labels in the order given. A split that the corpus
    lacks is drawn from the training rows, seeded and stratified; a warning and the split's `info.description` say so.
    Raises StudyError if the name, a class, a column, a raw file or a row is not as it must be.
    """
    if name_or_path in catalog.corpora():
        entry, title = catalog.corpora()[name_or_path], name_or_path
        labels, splits, note = entry.labels, *_from_catalogue(entry)
        about = f"{entry.title}: {entry.task}. {entry.note}"
    else:
        file = catalog.own_file(catalog.own_name(name_or_path, text_column, label_column))
        labels, splits, note = _from_own_file(file)
        title = file.path.name
        about = f"Corpus of one's own: {title}."
    if note:
        _warn(name_or_path, f"{title}: {note}")
    if classes is not None:
        labels, splits = _restrict(title, labels, splits, tuple(classes))
    return _wrap(labels, splits, f"{about} {note}".strip())


@cache
def _warn(name_or_path: str, said: str) -> None:
    """Once a process, however often a corpus is read."""
    log.warning(said)


def files(name_or_path: str) -> list[Path]:
    """The verified files that `load_corpus` reads: those of the catalogue that hold rows, or one's own. Raises StudyError."""
    if name_or_path in catalog.corpora():
        return download.obtain(catalog.corpora()[name_or_path])
    return [catalog.own_file(name_or_path).path]


def rows_of(entry: CorpusEntry, file: RawFile) -> Rows:
    """The texts and label ids of a raw file, which lies at its place: in the corpus's own format, or in a table."""
    path, own = download.location(file), formats.FORMATS.get(entry.name)
    first = own and own.first_id
    written = entry.labels if first is None else [str(first + number) for number in range(len(entry.labels))]
    rows = []
    for place, text, label, *_ in formats.read(entry.name, path) if own else own_file.read(OwnFile(path)):
        if label not in written:
            raise formats.malformed(path, place, f"unknown label {label!r}; expected one of {', '.join(written)}")
        rows.append((text, written.index(label)))
    return rows


def _from_catalogue(entry: CorpusEntry) -> tuple[dict[str, Rows], str]:
    """The splits of a corpus of the catalogue, and a note where a corpus that has splits lacks one."""
    download.obtain(entry)
    splits: dict[str, Rows] = {}
    for file in entry.files:
        if file.split:
            splits.setdefault(file.split, []).extend(rows_of(entry, file))
    whole, note = _complete(splits, entry.name, entry.labels, stratify=False)
    return whole, "" if "all" in splits else note


def _from_own_file(file: OwnFile) -> tuple[tuple[str, ...], dict[str, Rows], str]:
    """Label names (sorted), splits, and a note on what was drawn, of a file of one's own."""
    rows, name = own_file.read(file), relative(file.path)
    labels = tuple(sorted({row.label for row in rows}))
    if len(labels) < 2:
        raise StudyError(f"{name} has the single class {labels[0]!r}; a classifier needs two or more.")
    if any(row.split for row in rows):
        _check_splits(name, rows)
    splits: dict[str, Rows] = {}
    for row in rows:
        splits.setdefault(row.split or "all", []).append((row.text, labels.index(row.label)))
    return labels, *_complete(splits, name, labels, stratify=True)


def _check_splits(name: str, rows: list[own_file.OwnRow]) -> None:
    """Raises StudyError unless each row has a split, train and test have rows, and every class is in train."""
    for split in ("train", "test"):
        if split not in {row.split for row in rows}:
            raise StudyError(f"{name} has no rows of split {split!r}; add some, or drop the split column to have it split.")
    trained = {row.label for row in rows if row.split == "train"}
    for row in rows:
        if row.split is None:
            problem = "the split is empty, but not in all rows; fill it in everywhere or nowhere"
        elif row.label not in trained:
            problem = f"class {row.label!r} is in {row.split} but not in train; add training rows of it, or delete its rows"
        else:
            continue
        raise StudyError(f"{name}, line {row.place}: {problem}.")


def _complete(splits: dict, name: str, labels: tuple[str, ...], stratify: bool) -> tuple[dict[str, Rows], str]:
    """All three splits, and a note on what was drawn.

    Rows of the split `all` are split 60/20/20 by two calls of `train_test_split`: 0.4 off, then that in halves, as ISEAR in the
    released code. Where validation lacks, a share of the training rows, stratified by label, serves as one.
    """
    if "validation" in splits:
        return splits, ""
    whole = splits["all"] if "all" in splits else splits["train"]
    try:
        if "all" in splits:
            train, rest = _halve(whole, 0.4, stratify)
            validation, test = _halve(rest, 0.5, stratify)
            sizes = " / ".join(f"{len(rows):,}" for rows in (train, validation, test))
            note = f"no split column, so the rows are split 60/20/20 into {sizes}"
        else:
            (train, validation), test = _halve(whole, VALIDATION_SHARE, stratify=True), splits["test"]
            note = f"no validation split, so {len(validation):,} of {len(whole):,} training rows serve as one"
    except ValueError:
        label, count = Counter(label for _, label in whole).most_common()[-1]
        raise StudyError(
            f"{name} has too few rows of some class to split it by label: {labels[label]!r} has {count}; give 5 or more of "
            "each class, merge or delete small ones, or add a split column with train, validation and test."
        ) from None
    drawn = {"train": train, "validation": validation, "test": test}
    return drawn, f"{note} (stratified by label, seed {SPLIT_SEED})."


def _halve(rows: Rows, share: float, stratify: bool) -> list[Rows]:
    from sklearn.model_selection import train_test_split

    labels = [label for _, label in rows] if stratify else None
    return train_test_split(rows, test_size=share, random_state=SPLIT_SEED, stratify=labels)


def _restrict(name: str, labels, splits, classes: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, Rows]]:
    """Only the rows of `classes`, their labels numbered in that order."""
    check_classes(name, classes, labels)
    renumbered = {labels.index(given): number for number, given in enumerate(classes)}
    kept = {split: [(text, renumbered[label]) for text, label in rows if label in renumbered] for split, rows in splits.items()}
    for split, rows in kept.items():
        if not rows:
            raise StudyError(f"{name} has no {split} rows of the classes {', '.join(classes)}; choose others.")
    return classes, kept


def _wrap(labels: tuple[str, ...], splits: dict[str, Rows], description: str) -> "DatasetDict":
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(labels))})
    info = datasets.DatasetInfo(description=description, features=features)
    columns = {split: dict(zip(("text", "label"), zip(*splits[split], strict=True), strict=True)) for split in SPLITS}
    return datasets.DatasetDict({split: datasets.Dataset.from_dict(columns[split], info=info, split=split) for split in SPLITS})
