"""Makes `data/summary` from the raw corpora: small tables that show what they hold to people who have none of them.

Run `LCLSTUDY_DATA=FOLDER python scripts/summarise_corpora.py`. Every file is verified before it is read, nothing is
downloaded, and the same files give the same tables. A split whose raw files are not there is a row with the status `absent`.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from lclstudy import paths
from lclstudy.corpora import download, synonyms
from lclstudy.corpora.load import SPLITS, load_corpus, rows_of
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.catalog import CorpusEntry

FOLDER = Path(__file__).resolve().parent.parent / "data" / "summary"
QUANTILES = {"words_min": 0, "words_q05": 0.05, "words_q25": 0.25, "words_median": 0.5, "words_q75": 0.75,
             "words_q95": 0.95, "words_max": 1}  # fmt: skip
PRECISION = 4  # decimals of shares and means


def absent_files(entry: CorpusEntry, split: str) -> list[str]:
    """The raw files that the split is read or drawn from and that are not here."""
    sources = {file.split for file in entry.files}
    source = split if split in sources else "all" if "all" in sources else "train"
    return [file.path for file in entry.files if file.split == source and not download.location(file).is_file()]


def present_splits(entry: CorpusEntry) -> dict[str, pd.DataFrame]:
    """The splits of which all raw files are here, as tables of `text` and `label` (id), in the order of the files."""
    absent = {split for split in ("all", *SPLITS) if absent_files(entry, split)}
    if not absent:
        return {split: dataset.to_pandas() for split, dataset in load_corpus(entry.name).items()}
    splits: dict[str, list] = {}
    for file in entry.files:
        if file.split and file.split not in absent:
            download.verify(file)
            splits.setdefault(file.split, []).extend(rows_of(entry, file))
    return {split: pd.DataFrame(rows, columns=["text", "label"]) for split, rows in splits.items()}


def word_counts(texts: pd.Series) -> pd.Series:
    """The number of words, separated by white space, of each text."""
    return texts.str.split().str.len()


def split_row(entry: CorpusEntry, split: str, splits: dict[str, pd.DataFrame]) -> dict:
    """Counts, lengths, WordNet coverage, and the accuracy of always saying the training split's largest class."""
    row = {
        "corpus": entry.name,
        "title": entry.title,
        "split": split,
        "status": "present" if split in splits else "absent",
        "expected_rows": entry.counts.get(split),
        "published_rows_paper": entry.published.get("paper", {}).get(split),
        "classes": len(entry.labels),
        "absent_files": " ".join(absent_files(entry, split)) or None,
    }
    if split not in splits:
        return row
    table = splits[split]
    words = word_counts(table["text"])
    row |= {"rows": len(table), "words_mean": words.mean()}
    row |= {name: words.quantile(share) for name, share in QUANTILES.items()}
    row["wordnet_share_of_words"] = synonyms.coverage(list(table["text"]))
    row["wordnet_share_of_tokens"] = synonyms.coverage(list(table["text"]), signs=True)
    if "train" in splits:
        majority = splits["train"]["label"].value_counts(sort=False).sort_index().idxmax()
        row["majority_class"] = entry.labels[majority]
        row["majority_accuracy"] = (table["label"] == majority).mean()
    return row


def label_rows(entry: CorpusEntry, split: str, table: pd.DataFrame) -> list[dict]:
    """How many rows each label has, in the order of the ids, zeros included."""
    counts = Counter(table["label"])
    return [
        {"corpus": entry.name, "split": split, "label_id": number, "label": label, "rows": counts[number]}
        for number, label in enumerate(entry.labels)
    ]


def duplicate_rows(entry: CorpusEntry, splits: dict[str, pd.DataFrame]) -> list[dict]:
    """For each split and each split not after it: its rows whose text, case aside, is also there, and how many disagree.

    Within a split, rows that repeat an earlier row. `rows_other_label`: no row there with that text has the same label; of test
    against train their places in the split are `at`, counted from 0.
    """
    found, seen = [], {}
    for split in (split for split in SPLITS if split in splits):
        seen[split] = rows = splits[split].assign(text=splits[split]["text"].str.casefold())
        for against, others in seen.items():
            if split == against:
                shared, same = rows.duplicated("text"), rows.duplicated()
            else:
                shared, same = rows["text"].isin(others["text"]), _pairs(rows).isin(_pairs(others))
            other = np.flatnonzero(shared & ~same)
            at = " ".join(map(str, other)) if (split, against) == ("test", "train") else ""
            counts = {"rows": int(shared.sum()), "rows_other_label": len(other), "at": at or None}
            found.append({"corpus": entry.name, "split": split, "against": against, **counts})
    return found


def _pairs(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["text", "label"]])


def summarise(entries: list[CorpusEntry]) -> dict[str, pd.DataFrame]:
    """The tables by file name: `splits`, `labels`, `duplicates`."""
    rows: dict[str, list[dict]] = {"splits": [], "labels": [], "duplicates": []}
    for entry in entries:
        splits = present_splits(entry)
        for split in SPLITS:
            rows["splits"].append(split_row(entry, split, splits))
            if split in splits:
                rows["labels"] += label_rows(entry, split, splits[split])
        rows["duplicates"] += duplicate_rows(entry, splits)
        print(f"{entry.name}: {', '.join(f'{len(table):,} {split}' for split, table in splits.items()) or 'absent'}")
    tables = {name: pd.DataFrame(found) for name, found in rows.items()}
    tables["splits"] = tables["splits"].reindex(columns=SPLIT_COLUMNS)
    return tables


SPLIT_COLUMNS = [
    *("corpus", "title", "split", "status", "absent_files", "rows", "expected_rows", "published_rows_paper", "classes"),
    *("majority_class", "majority_accuracy", "words_mean", *QUANTILES),
    *("wordnet_share_of_words", "wordnet_share_of_tokens"),
]


def as_csv(table: pd.DataFrame) -> str:
    """The table as it is tracked: a whole number without decimals, whatever else stands in its column."""
    return table.round(PRECISION).to_csv(index=False, lineterminator="\n", float_format="%.10g")


def main() -> None:
    """Writes the tables as csv into the given folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    if not any((paths.raw_data() / name).is_dir() for name in catalog.corpora()):
        raise SystemExit("No raw corpora here; set LCLSTUDY_DATA to their folder. The tables stay as they are.")
    try:
        tables = summarise(list(catalog.corpora().values()))
    except StudyError as error:
        raise SystemExit(str(error)) from None
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(as_csv(table), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
