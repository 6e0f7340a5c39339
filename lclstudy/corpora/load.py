"""Corpora as `datasets.DatasetDict`: splits `train`, `validation`, `test`; columns `text` and `label` (`ClassLabel`).

`load_corpus` takes a name of the catalogue or a file of one's own. Raw files are verified first (`download`), then read and
cleaned (`formats`, `own_file`); here they are split, checked, restricted to classes, and wrapped.
"""

import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from lclstudy.errors import StudyError, unknown
from lclstudy.paths import relative
from lclstudy.plan import catalog
from lclstudy.plan.catalog import CorpusEntry

from . import download, own_file
from .formats import READERS

if TYPE_CHECKING:
    from datasets import DatasetDict

SPLITS = ("train", "validation", "test")
SPLIT_SEED = 0
VALIDATION_SHARE = 0.2  # of the training rows, for a corpus that has no validation split

Rows = list[tuple[str, int]]  # text, label id
log = logging.getLogger("lclstudy")


def load_corpus(name_or_path: str, classes=None) -> "DatasetDict":
    """The corpus with that name, or in that csv, tsv, jsonl or parquet file.

    `classes` keeps only the texts of those label names and numbers the labels in the order given. A split that the corpus
    lacks is drawn from the training rows, seeded and stratified; a warning and the split's `info.description` say so.

    Raises StudyError if the name, a class, a raw file or a row is not as it must be.
    """
    if name_or_path in catalog.corpora():
        entry = catalog.corpora()[name_or_path]
        labels, splits, note = entry.labels, *_from_catalogue(entry)
        about = f"{entry.title}: {entry.task}. {entry.note}"
    else:
        path = catalog.own_file(name_or_path).path
        labels, splits, note = _from_own_file(path)
        about = f"Corpus of one's own: {path.name}."
    if note:
        log.warning("%s: %s", name_or_path, note)
    if classes is not None:
        labels, splits = _restrict(name_or_path, labels, splits, tuple(classes))
    return _wrap(labels, splits, f"{about} {note}".strip())


def files(name_or_path: str) -> list[Path]:
    """The verified files that `load_corpus` reads: those of the catalogue that hold rows, or one's own. Raises StudyError."""
    if name_or_path in catalog.corpora():
        return list(download.obtain(catalog.corpora()[name_or_path]).values())
    return [catalog.own_file(name_or_path).path]


def _from_catalogue(entry: CorpusEntry) -> tuple[dict[str, Rows], str]:
    """The splits of a corpus of the catalogue, and a note on what was drawn."""
    places = download.obtain(entry)
    splits: dict[str, Rows] = {}
    for file in entry.files:
        if file.split:
            splits.setdefault(file.split, []).extend(READERS[entry.name](places[file.path], entry.labels))
    if "all" in splits:
        return _split_three(splits["all"]), ""
    return _with_validation(splits, entry.name, entry.labels)


def _split_three(rows: Rows, stratify: bool = False) -> dict[str, Rows]:
    """60/20/20 by two calls of `train_test_split`: 0.4 off, then that in halves. ISEAR's split in the released code."""
    train, rest = _halve(rows, 0.4, stratify)
    validation, test = _halve(rest, 0.5, stratify)
    return {"train": train, "validation": validation, "test": test}


def _halve(rows: Rows, share: float, stratify: bool) -> list[Rows]:
    from sklearn.model_selection import train_test_split

    labels = [label for _, label in rows] if stratify else None
    return train_test_split(rows, test_size=share, random_state=SPLIT_SEED, stratify=labels)


def _with_validation(splits: dict[str, Rows], name: str, labels: tuple[str, ...]) -> tuple[dict[str, Rows], str]:
    """The splits with a validation split drawn from the training rows where there is none, and a note if so."""
    if "validation" in splits:
        return splits, ""
    try:
        train, validation = _halve(splits["train"], VALIDATION_SHARE, stratify=True)
    except ValueError:
        raise _too_few(name, splits["train"], labels) from None
    note = (
        f"no validation split, so {len(validation):,} of {len(splits['train']):,} training rows serve as one "
        f"(stratified by label, seed {SPLIT_SEED})."
    )
    return {"train": train, "validation": validation, "test": splits["test"]}, note


def _too_few(name: str, rows: Rows, labels: tuple[str, ...]) -> StudyError:
    label, count = min(Counter(label for _, label in rows).items(), key=lambda pair: pair[1])
    return StudyError(
        f"{name} has too few rows of some class to split it by label: {labels[label]!r} has {count}; give 5 or more of each "
        "class, merge or delete small ones, or add a split column with train, validation and test."
    )


def _from_own_file(path: Path) -> tuple[tuple[str, ...], dict[str, Rows], str]:
    """Label names (sorted), splits, and a note on what was drawn, of a file of one's own."""
    rows, name = own_file.read(path), relative(path)
    labels = tuple(sorted({row.label for row in rows}))
    if len(labels) < 2:
        raise StudyError(f"{name} has the single class {labels[0]!r}; a classifier needs two or more.")
    ids = {label: number for number, label in enumerate(labels)}
    given = {row.split for row in rows}
    if given == {None}:
        return labels, *_split_own([(row.text, ids[row.label]) for row in rows], name, labels)
    if None in given:
        place = next(row.place for row in rows if row.split is None)
        raise StudyError(f"{name}, line {place}: the split is empty, but not in all rows; fill it in everywhere or nowhere.")
    for split in ("train", "test"):
        if split not in given:
            raise StudyError(f"{name} has no rows of split {split!r}; add some, or drop the split column to have it split.")
    _check_unseen(name, rows)
    splits = {split: [(row.text, ids[row.label]) for row in rows if row.split == split] for split in given}
    return labels, *_with_validation(splits, name, labels)


def _split_own(rows: Rows, name: str, labels: tuple[str, ...]) -> tuple[dict[str, Rows], str]:
    try:
        splits = _split_three(rows, stratify=True)
    except ValueError:
        raise _too_few(name, rows, labels) from None
    sizes = " / ".join(f"{len(splits[split]):,}" for split in SPLITS)
    return splits, f"no split column, so the rows are split 60/20/20 into {sizes} (stratified by label, seed {SPLIT_SEED})."


def _check_unseen(name: str, rows: list[own_file.OwnRow]) -> None:
    trained = {row.label for row in rows if row.split == "train"}
    for row in rows:
        if row.label not in trained:
            raise StudyError(
                f"{name}, line {row.place}: class {row.label!r} is in {row.split} but not in train; "
                "add training rows of it, or delete its rows."
            )


def _restrict(name: str, labels, splits, classes: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, Rows]]:
    """Only the rows of `classes`, their labels numbered in that order."""
    for given in classes:
        if given not in labels:
            raise unknown(f"class of {name}", given, labels)
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise StudyError(f"classes must be two or more different class names; given {', '.join(classes)!r}.")
    renumbered = {labels.index(given): number for number, given in enumerate(classes)}
    kept = {split: [(text, renumbered[label]) for text, label in rows if label in renumbered] for split, rows in splits.items()}
    for split in SPLITS:
        if not kept[split]:
            raise StudyError(f"{name} has no {split} rows of the classes {', '.join(classes)}; choose others.")
    return classes, kept


def _wrap(labels: tuple[str, ...], splits: dict[str, Rows], description: str) -> "DatasetDict":
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(labels))})
    return datasets.DatasetDict(
        {
            split: datasets.Dataset.from_dict(
                {"text": [text for text, _ in splits[split]], "label": [label for _, label in splits[split]]},
                info=datasets.DatasetInfo(description=description, features=features),
                split=split,
            )
            for split in SPLITS
        }
    )
