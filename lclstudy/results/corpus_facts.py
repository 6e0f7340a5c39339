"""The tables of `data/summary`, which hold what the raw corpora are like, and what is read from them to be shown.

`data/summary/README.md` explains their columns. Shares are in percent here.
"""

from pathlib import Path

import pandas as pd

from lclstudy import paths
from lclstudy.plan import names

TABLES = ("splits", "labels", "duplicates")
ABSENT = "raw file absent"


def files() -> list[Path]:
    """The files of the tables, which figures name as their inputs."""
    return [paths.ROOT / "data" / "summary" / f"{name}.csv" for name in TABLES]


def table(name: str) -> pd.DataFrame:
    """One of the tables `splits`, `labels`, `duplicates`."""
    return pd.read_csv(files()[TABLES.index(name)])


def corpora(splits: pd.DataFrame) -> pd.DataFrame:
    """A row per corpus: title, number of classes, the splits whose raw files were there, and the raw files that were not."""
    rows = []
    for corpus, group in splits.groupby("corpus", sort=False):
        absent = dict.fromkeys(" ".join(group["absent_files"].dropna()).split())
        present = group.loc[group["status"] == "present", "split"]
        rows.append((names.corpus(corpus), group["classes"].iloc[0], ", ".join(present) or "none", ", ".join(absent) or "none"))
    return pd.DataFrame(rows, columns=["corpus", "classes", "splits summarised", "raw files absent"])


def sizes(splits: pd.DataFrame) -> pd.DataFrame:
    """A row per split: texts published and present, and in words how far apart they are."""
    published, ours = splits["published_rows_paper"], splits["rows"]
    said = (ours - published).map("{:+,.0f}".format).str.replace("-", "−").str.replace("+0", "0")
    said = said.mask(published.isna(), "no number published").mask(ours.isna(), ABSENT)
    told = {"published": published.astype("Int64"), "ours": ours.astype("Int64"), "ours − published": said}
    return pd.DataFrame({"corpus": splits["corpus"].map(names.corpus), "split": splits["split"], **told})


def majority(splits: pd.DataFrame) -> pd.DataFrame:
    """A row per corpus whose training split is known: test accuracy of always naming its largest class, and of even guessing.

    `times_even` is the quotient of the two: 1 where all classes are as frequent.
    """
    rows = splits[(splits["split"] == "test") & splits["majority_accuracy"].notna()].reset_index(drop=True)
    return rows[["corpus", "title", "classes"]].assign(
        largest_class=rows["majority_class"],
        majority=rows["majority_accuracy"] * 100,
        even=100 / rows["classes"],
        times_even=rows["majority_accuracy"] * rows["classes"],
    )


def overlaps(duplicates: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """`duplicates.csv` with the share of the split's texts that are repeated."""
    texts = splits[["corpus", "title", "split", "rows"]].rename(columns={"rows": "texts"})
    known = duplicates.merge(texts, on=["corpus", "split"])
    return known.assign(share=known["rows"] / known["texts"] * 100)


def relabelled(corpus: str) -> list[int]:
    """The places in the test split, from 0, of the texts that stand in train as well, but only with another label."""
    rows = table("duplicates").query("corpus == @corpus and split == 'test' and against == 'train'")
    return [int(place) for at in rows["at"].dropna() for place in str(at).split()]


def coverage(splits: pd.DataFrame, text_numbers: pd.DataFrame) -> pd.DataFrame:
    """A row per corpus: share of words, and of words and signs together, that WordNet knows, beside the paper's.

    `text_numbers` holds rows of `published.text_numbers()`; `published` is missing where the paper gives none. `split` is the
    one measured: train, or test where the raw file of train was not there; no row for a corpus of which neither was.
    """
    printed = text_numbers[text_numbers["quantity"] == "wordnet_coverage"].set_index("subject")["value"].astype(float)
    rows = splits[splits["split"].isin(["train", "test"]) & splits["rows"].notna()]
    rows = rows.drop_duplicates("corpus", ignore_index=True)
    return rows[["corpus", "title", "split"]].assign(
        words=rows["wordnet_share_of_words"] * 100,
        tokens=rows["wordnet_share_of_tokens"] * 100,
        published=rows["corpus"].map(printed),
    )
