"""The tables of `data/summary`, which hold what the raw corpora are like, and what is read from them to be shown.

`data/summary/README.md` explains their columns. Shares are in percent here.
"""

from pathlib import Path

import pandas as pd

from lclstudy import paths
from lclstudy.errors import unknown
from lclstudy.plan import names

TABLES = ("splits", "labels", "lengths", "duplicates")
ABSENT = "raw file absent"


def files() -> list[Path]:
    """The files of the tables, which figures name as their inputs."""
    return [paths.ROOT / "data" / "summary" / f"{name}.csv" for name in TABLES]


def table(name: str) -> pd.DataFrame:
    """One of the tables `splits`, `labels`, `lengths`, `duplicates`. Raises StudyError on another name."""
    if name not in TABLES:
        raise unknown("table of data/summary", name, TABLES)
    return pd.read_csv(files()[TABLES.index(name)])


def corpora(splits: pd.DataFrame) -> pd.DataFrame:
    """A row per corpus: title, number of classes, the splits whose raw files were there, and the raw files that were not."""
    rows = []
    for corpus, group in splits.groupby("corpus", sort=False):
        absent = " ".join(dict.fromkeys(group["absent_files"].dropna())).split()
        present = ", ".join(group.loc[group["status"] == "present", "split"]) or "none"
        rows.append((names.corpus(corpus), group["classes"].iloc[0], present, ", ".join(dict.fromkeys(absent)) or "none"))
    return pd.DataFrame(rows, columns=["corpus", "classes", "splits summarised", "raw files absent"])


def sizes(splits: pd.DataFrame) -> pd.DataFrame:
    """A row per split: texts published and present, and in words how far apart they are."""
    said = [_difference_said(row) for row in splits.itertuples()]
    return pd.DataFrame(
        {
            "corpus": splits["corpus"].map(names.corpus),
            "split": splits["split"],
            "published": splits["published_rows_paper"].astype("Int64"),
            "ours": splits["rows"].astype("Int64"),
            "ours − published": said,
        }
    )


def _difference_said(row) -> str:
    if pd.isna(row.rows):
        return ABSENT
    if pd.isna(row.published_rows_paper):
        return "no number published"
    return f"{row.rows - row.published_rows_paper:+,.0f}".replace("-", "−").replace("+0", "0")


def majority(splits: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    """A row per corpus whose training split is known: accuracy of always naming its largest class, and of even guessing.

    `times_even` is the quotient of the two: 1 where all classes are as frequent.
    """
    rows = splits[(splits["split"] == split) & splits["majority_accuracy"].notna()]
    return pd.DataFrame(
        {
            "corpus": rows["corpus"],
            "title": rows["title"],
            "classes": rows["classes"],
            "largest_class": rows["majority_class"],
            "majority": rows["majority_accuracy"] * 100,
            "even": 100 / rows["classes"],
            "times_even": rows["majority_accuracy"] * rows["classes"],
        }
    ).reset_index(drop=True)


def overlaps(duplicates: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """`duplicates.csv` with the share of the split's texts that are repeated, and of those repeated with another label."""
    texts = splits[["corpus", "title", "split", "rows"]].rename(columns={"rows": "texts"})
    known = duplicates.merge(texts, on=["corpus", "split"])
    share, other = (known[column] / known["texts"] * 100 for column in ("rows", "rows_other_label"))
    return known.assign(share=share, share_other_label=other)


def coverage(splits: pd.DataFrame, text_numbers: pd.DataFrame) -> pd.DataFrame:
    """A row per corpus: share of words, and of words and signs together, that WordNet knows, beside the paper's.

    `text_numbers` holds rows of `published.text_numbers()`; `published` is missing where the paper gives none. `split` is the
    one measured: train, or test where the raw file of train was not there; no row for a corpus of which neither was.
    """
    found = text_numbers[text_numbers["quantity"] == "wordnet_coverage"]
    printed = dict(zip(found["subject"], found["value"].astype(float), strict=True))
    rows = splits[splits["split"].isin(["train", "test"]) & splits["rows"].notna()].drop_duplicates("corpus")
    return pd.DataFrame(
        {
            "corpus": rows["corpus"],
            "title": rows["title"],
            "split": rows["split"],
            "words": rows["wordnet_share_of_words"] * 100,
            "tokens": rows["wordnet_share_of_tokens"] * 100,
            "published": rows["corpus"].map(printed),
        }
    ).reset_index(drop=True)
