"""The same runs get the same word wherever the study shows them: notebooks 06, 09, 10, 11, 13, 14 and the README."""

import pandas as pd
import pytest

from lclstudy.analyses.ablations import tables as ablations
from lclstudy.analyses.case_study import tables as case_study
from lclstudy.analyses.main_results import tables as main_results
from lclstudy.analyses.own_labels import tables as own_labels
from lclstudy.analyses.uncertainty import tables as uncertainty
from lclstudy.analyses.verdicts import tables as verdicts
from lclstudy.results import published
from lclstudy.results.comparisons import CLAIMED, PRIMARY, SYNONYMS, comparisons, scored
from lclstudy.results.frozen import read_frozen
from lclstudy.runner.readme import told

MINILM = read_frozen("minilm")
PAIRS = {"S08": ("emoint", "lcl", "ce"), "S07": ("emoint", "lcl", "scl"), "S11": ("emoint", "scl", "ce"),
         "S06": ("isear", "lcl", "ce"), "S16": ("sst2", "lcl", "scl")}  # fmt: skip


@pytest.fixture(scope="module")
def verdict_of():
    return verdicts.judge_claims([MINILM]).set_index("claim")["word"]


def word(table: pd.DataFrame, corpus: str, a: str, b: str) -> str:
    return table[(table["corpus"] == corpus) & (table["a"] == a) & (table["b"] == b)]["word"].item()


def test_every_claim_of_the_paper_about_two_objectives_has_the_word_of_its_comparison(verdict_of):
    claims, shown = published.claims().query("paper == 'suresh2021'"), 0
    for claim in claims[claims["kind"].isin(CLAIMED)].to_dict("records"):
        ((a, b),) = {(claim["a"], claim["b"]), (claim["b"], claim["a"])} & {*PRIMARY}
        table = comparisons(MINILM, metric=claim["metric"])
        row = table[table[["corpus", "set", "a", "b"]].eq([claim["corpus"], claim["classes"], a, b]).all(axis=1)]
        if len(row) and row["word"].item() != "not run":
            shown += 1
            assert row["word"].item() == verdict_of[claim["claim"]], claim["claim"]
    assert shown > 10


def test_a_whole_corpus_and_a_class_set(verdict_of):
    for claim, (corpus, a, b) in PAIRS.items():
        words = {word(main_results.differences(MINILM), corpus, a, b), verdict_of[claim]}
        words |= {row["word"] for row in told(MINILM, PRIMARY)[a, b]["places"] if row["corpus"] == corpus}
        assert words == {word(ablations.claims(MINILM, corpus), corpus, a, b)}
    shown = case_study.differences(MINILM, "empathetic_dialogues")
    for claim, name, a, b in (("S26", "4-hard-a", "lcl", "ce"), ("S25", "4-easy", "scl", "ce")):
        assert word(shown[shown["set"] == name], "empathetic_dialogues", a, b) == verdict_of[claim]


def test_where_the_paper_claims_nothing_nothing_is_reproduced():
    found = comparisons(MINILM)
    assert set(found["word"][found["claim"] == ""]) <= {"above", "below", "undecided", "not run"}
    assert {"same", "not above", "below"} <= set(found["claim"])  # SST-2, EmoInt's SCL, ISEAR's SCL


def test_entropies_are_judged_once():
    runs = scored(MINILM)
    shown = uncertainty.differences(MINILM, uncertainty.curves(MINILM, runs[runs["corpus"] == "emoint"]))
    for pairs in (PRIMARY, SYNONYMS):
        for a, b in pairs:
            assert word(shown, "emoint", a, b) == word(comparisons(MINILM, pairs, "entropy"), "emoint", a, b)


def test_the_card_of_ones_own_labels_judges_alike():
    """Without SCL beside them, LCL and CE are a family of one."""
    runs = MINILM.runs[(MINILM.runs["corpus"] == "isear") & MINILM.runs["objective"].isin(("ce", "lcl"))]
    row = comparisons(MINILM, (("lcl", "ce"),)).query("corpus == 'isear'").iloc[0]
    assert own_labels.judged(runs, row["expected"]).word == row["word"]
