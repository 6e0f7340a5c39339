"""What second views change: texts, words and rates counted, from `synonyms.Changes` and `synonyms.Replacement`."""

from collections import Counter

import pandas as pd


def counted(changes: pd.DataFrame) -> pd.DataFrame:
    """Texts, words and replacements in a table of `what` and `number`; `changes` holds a `Changes` per text."""
    counts = {
        "texts": len(changes),
        "words": changes["words"].sum(),
        "words that have synonyms": changes["replaceable"].sum(),
        "words to replace": changes["wanted"].sum(),
        "words replaced": changes["replaced"].sum(),
        "texts that miss the rate": (changes["replaced"] < changes["wanted"]).sum(),
        "texts that do not change at all": (changes["replaced"] == 0).sum(),
    }
    return pd.DataFrame({"what": counts.keys(), "number": counts.values()})


def by_rate(changes: dict[float, pd.DataFrame]) -> pd.DataFrame:
    """A row per rate, in percent: `rate`, `mean`, `low` and `high` (quantiles 0.05 and 0.95 over texts) of the words replaced,
    and `missed`, the share of texts that could not reach the rate. `changes` holds a table as of `counted` per rate.
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

    `pairs` has a row per replacement: `word`, `synonym`, and `first`, of `synonyms.is_first_sense`.
    """
    lower = pairs.assign(word=pairs["word"].str.lower(), synonym=pairs["synonym"].str.lower())
    rows = [
        (word, len(group), group["first"].sum(), group["synonym"].nunique(), _common(group["synonym"]))
        for word, group in lower.groupby("word")
    ]
    table = pd.DataFrame(rows, columns=["word", "times", "first", "synonyms", "common"])
    return table.sort_values(["times", "word"], ascending=[False, True]).head(count).reset_index(drop=True)


def _common(synonyms: pd.Series) -> str:
    return ", ".join(synonym for synonym, _ in Counter(synonyms).most_common(4))
