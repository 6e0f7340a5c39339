"""The figure of corpora, on the tracked summary of the real ones, and what second views change."""

import pandas as pd
import pytest

from lclstudy.analyses.corpora import figures, tables
from lclstudy.results import corpus_facts
from lclstudy.show.text import words
from tests.analyses.helpers import yticks
from tests.material import check_readable

CHANGES = pd.DataFrame({"words": [10] * 5, "replaceable": [5, 5, 1, 0, 4], "wanted": [3] * 5, "replaced": [3, 3, 1, 0, 3]})
PAIRS = pd.DataFrame(
    [("dark", "dim", True), ("Home", "Place", True), ("home", "house", False), ("lied", "lay", False)],
    columns=["word", "synonym", "first"],
)


def test_label_balance_shows_every_label_of_test_most_frequent_first():
    labels = corpus_facts.table("labels")
    labels = labels[labels["corpus"].isin(["empathetic_dialogues", "goemotions", "isear", "sst2"])]
    figure = figures.label_balances(labels)
    assert figure.axes[0].get_title(loc="left") == "EmpatheticDialogues, n = 2,541"
    for ax, (_, rows) in zip(figure.axes, labels[labels["split"] == "test"].groupby("corpus", sort=False), strict=True):
        shares = ax.lines[1].get_xdata()
        assert sum(shares) == pytest.approx(100) and list(shares) == sorted(shares, reverse=True)
        assert set(yticks(ax)) == set(rows["label"]) and yticks(ax)[0] == rows.loc[rows["rows"].idxmax(), "label"]
    check_readable(figure)


def test_what_is_said_of_second_views():
    def said(pairs):
        return words("analyses/corpora/said_of_views.md.j2", **tables.facts_of_views(CHANGES, pairs, "emoint", 0.3))

    told = said(PAIRS)
    assert told.startswith("- In 5 training texts of EmoInt, 20.0 % of a text's words are replaced on average where 30 %")
    assert "30.0 % of all words have synonyms" in told and "In 2 texts they are too few to reach the rate" in told
    assert "50.0 % of the synonyms are of the first meaning" in told and "first meaning" not in said(PAIRS[:0])


def test_the_effect_of_the_rate():
    by_rate = tables.by_rate({0.1: CHANGES.assign(wanted=1, replaced=[1, 1, 1, 0, 1]), 0.3: CHANGES})
    expected = {"rate": [10, 30], "mean": [8, 20], "low": [2, 2], "high": [10, 30], "missed": [20, 40]}
    assert by_rate.round(6).to_dict("list") == expected


def test_replaced_words_most_frequent_first():
    words = tables.by_word(PAIRS, count=2)
    assert words.values.tolist() == [["home", 2, 1, 2, "place, house"], ["dark", 1, 1, 1, "dim"]]
    assert tables.by_word(PAIRS[:0]).empty
