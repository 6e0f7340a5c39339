"""What is found about corpora, and what second views change, from `synonyms.changes_of` and `synonyms.Replacement`."""

from collections import Counter

import pandas as pd

from lclstudy.results import corpus_facts


def facts(splits: pd.DataFrame, overlaps: pd.DataFrame, coverage: pd.DataFrame) -> dict:
    """What `said.md.j2` says, from the tables of `corpus_facts`: corpora with the `same` and with `different` sizes of splits,
    the range of the majority's accuracy, the `worst` overlap of test with train, and how far WordNet's shares are off.
    """
    sizes = splits.dropna(subset=["rows", "published_rows_paper"])
    different = sizes["corpus"][sizes["rows"] != sizes["published_rows_paper"]].unique()
    leaks = overlaps.query("split == 'test' and against == 'train'")
    majority = corpus_facts.majority(splits)["majority"]
    return {
        "same": [corpus for corpus in sizes["corpus"].unique() if corpus not in different],
        "different": list(different),
        "low": majority.min(),
        "high": majority.max(),
        "worst": leaks.loc[leaks["rows_other_label"].idxmax()].to_dict(),
        "close": (coverage["tokens"] - coverage["published"]).abs().max(),
        "far": (coverage["words"] - coverage["published"]).min(),
    }


def facts_of_views(changes: pd.DataFrame, pairs: pd.DataFrame, corpus: str, rate: float) -> dict:
    """What `said_of_views.md.j2` says, shares in percent. `pairs` is of `synonyms.replaced_in`."""
    return {
        "corpus": corpus,
        "rate": rate,
        "texts": len(changes),
        "share": (changes["replaced"] / changes["words"].clip(lower=1)).mean() * 100,
        "usable": changes["replaceable"].sum() / changes["words"].sum() * 100,
        "missed": (changes["replaced"] < changes["wanted"]).sum(),
        "same": (changes["replaced"] == 0).sum(),
        "first": pairs["first"].mean() * 100,
    }


def by_rate(changes: dict[float, pd.DataFrame]) -> pd.DataFrame:
    """A row per rate, in percent: `rate`, `mean`, `low` and `high` (quantiles 0.05 and 0.95 over texts) of the words replaced,
    and `missed`, the share of texts that could not reach the rate. `changes` holds per rate a table of `synonyms.changes_of`.
    """
    rows = []
    for rate, table in changes.items():
        share = table["replaced"] / table["words"].clip(lower=1) * 100
        low, high = share.quantile([0.05, 0.95])
        missed = (table["replaced"] < table["wanted"]).mean() * 100
        rows.append({"rate": rate * 100, "mean": share.mean(), "low": low, "high": high, "missed": missed})
    return pd.DataFrame(rows)


def by_word(pairs: pd.DataFrame, count: int = 15) -> pd.DataFrame:
    """The `count` words that were replaced most often: `word`, `times`, `first` (how often by a synonym of its first meaning),
    `synonyms` (how many different ones) and `common`, the four most frequent.

    `pairs` has a row per replacement: `word`, `synonym`, and `first`: whether it is of the word's first meaning.
    """
    lower = pairs.assign(synonym=pairs["synonym"].str.lower()).groupby(pairs["word"].str.lower())
    table = lower.agg(times=("synonym", "size"), first=("first", "sum"), synonyms=("synonym", "nunique"),
                      common=("synonym", lambda each: ", ".join(name for name, _ in Counter(each).most_common(4))))  # fmt: skip
    return table.sort_values("times", ascending=False, kind="stable").head(count).reset_index()
