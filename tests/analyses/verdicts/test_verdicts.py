"""The claims against the papers, each verdict from frozen runs made by hand whose truth is known, and what is shown of them."""

import re

import numpy as np
import pytest

from lclstudy.analyses.verdicts import figures, tables
from lclstudy.plan import catalog, names
from lclstudy.plan.spec import make_spec
from lclstudy.results import published
from lclstudy.results.comparisons import comparisons
from lclstudy.show.text import words
from tests.analyses.helpers import drawn
from tests.material import made, make_runs

CLAIMS = published.claims()
BETTER = dict(kind="better", corpus="emoint", a="lcl", b="ce", metric="accuracy", paper="suresh2021")
NOT_BETTER = dict(kind="not better", corpus="emoint", a="scl", b="ce")
SAME = dict(kind="same", corpus="sst2", a="lcl", b="ce")
LARGER = dict(kind="larger gain", classes="4-hard-a|4-hard-b|4-hard-c|4-hard-d over 4-easy")
LEVEL = dict(kind="level", paper="modarres", corpus="sst5", a="lcl")  # the report prints 57.1
ENCODER = dict(kind="better encoder", corpus="sst5")  # ELECTRA over BERT
HIGH, LOW = [86.9, 87.0, 87.1, 86.8, 87.2], [85.0, 85.1, 84.9, 85.2, 84.8]


def runs(corpus="emoint", encoder="electra-base", temperature=0.3, **scores):
    return make_runs(scores, corpus, encoder, temperature=temperature)


def on_set(name, gain):
    """LCL so many points above CE on a class set."""
    scores = {"lcl": [60 + gain, 60.2 + gain, 60.1 + gain], "ce": [60, 60.2, 60.1]}
    return make_runs(scores, "empathetic_dialogues", classes="|".join(published.class_sets()[name]))


HARD = [on_set(f"4-hard-{letter}", 3) for letter in "abcd"]
COLD, WARM = (runs("sst5", temperature=at, lcl=[score] * 3) for at, score in ((0.07, 40.0), (7, 55.0)))


def verdict(results, **wanted):
    """The row of the first claim that has these values."""
    found = CLAIMS[np.logical_and.reduce([CLAIMS[name] == value for name, value in wanted.items()])]
    return tables.judge_claims(results, found.iloc[:1]).iloc[0]


@pytest.mark.parametrize(
    ("claim", "frames", "expected"),
    [
        (BETTER, [runs(lcl=HIGH, ce=LOW)], dict(word="reproduced", other_encoder=False)),
        (BETTER, [runs(lcl=LOW, ce=HIGH)], dict(word="contradicted")),
        (BETTER, [runs(lcl=[85.0, 85.4, 84.6] * 3, ce=[85.1, 85.3, 84.7] * 3)], dict(word="smaller than published")),
        (BETTER, [runs(lcl=["not run"], ce=LOW)], dict(word="not run", n=(), note="no run of a side")),
        (NOT_BETTER, [runs(scl=LOW, ce=HIGH)], dict(word="reproduced")),
        (SAME, [runs("sst2", lcl=[94.4, 94.5, 94.6, 94.5], ce=[94.5, 94.4, 94.6, 94.5])], dict(word="reproduced")),
        (LARGER, [*HARD, on_set("4-easy", 0)], dict(word="reproduced", difference=pytest.approx(3))),
        (LARGER, HARD, dict(word="not run")),
        (LEVEL, [runs("sst5", lcl=[57.0, 58.0, 57.5])], dict(word="reproduced")),
        (LEVEL, [runs("sst5", "minilm", lcl=[57.1] * 3)], dict(word="not run", note="no run with ELECTRA base")),
        # Of the GRU the report names no settings.
        (dict(kind="level", encoder="gru"), [runs("empathetic_dialogues", "gru", ce=[34, 34.2, 34.1])], dict(word="differs")),
        (ENCODER, [runs("sst5", name, ce=scores) for name, scores in (("electra-base", HIGH), ("bert-base", LOW))],
         dict(word="reproduced")),
        (ENCODER, [runs("sst5", ce=HIGH)], dict(word="not run")),
        (dict(kind="settings"), [COLD, WARM], dict(word="reproduced", difference=pytest.approx(15))),
        (dict(kind="settings"), [COLD], dict(word="not run")),
    ],
)  # fmt: skip
def test_a_claim_has_the_word_of_what_is_planted(claim, frames, expected):
    found = verdict([made(*frames)], **claim)
    assert {name: found[name] for name in expected} == expected


def test_another_encoder_is_marked_and_the_papers_own_comes_first():
    other = made(runs(encoder="minilm", lcl=HIGH, ce=LOW, scl=[85.0, 86.9, 86.1]), name="minilm")
    found = verdict([other], **BETTER)
    assert (found["word"], found["our_encoder"], found["other_encoder"]) == ("reproduced", "minilm", True)
    family = comparisons(other).set_index(["a", "b"])
    assert found["p_holm"] == pytest.approx(family.loc[("lcl", "ce"), "p_holm"]), "of the family that all notebooks show"
    found = verdict([other, made(runs(lcl=LOW[:3], ce=HIGH[:3]))], **BETTER)
    assert (found["word"], found["profile"], found["other_encoder"]) == ("contradicted", "paper", False)


def test_the_committed_results_leave_nothing_blank_and_count_each_claim_once():
    """On one claim of each kind, and some that read otherwise; notebook 13 holds them all."""
    results = tables.evidence_from()
    assert "quick" not in [one.name for one in results], "it is no evidence unless it is asked for"
    assert [one.name for one in tables.evidence_from("quick")] == ["quick"]
    first = ~CLAIMS.duplicated(["paper", "kind"])
    table = tables.judge_claims(results, CLAIMS[first | CLAIMS["claim"].isin(["S16", "S62", "S68", "S69", "M35"])])
    assert set(table["word"]) <= set(tables.VERDICTS) and set(table["kind"]) == set(tables.RULES)
    assert table[table["kind"] == "most confusable"]["word"].ne("not run").all()
    assert (table["p_holm"].dropna() >= table["p"][table["p_holm"].notna()] - 1e-12).all()
    assert table.loc[table["kind"].isin(("pooled", "larger gain", "better encoder")), "p_holm"].isna().all(), "no family"
    shown = tables.readable(table)
    assert len(shown) == len(table) and (shown != "").all(axis=None) and shown.notna().all(axis=None)
    assert tables.counts(table)[list(tables.VERDICTS)].to_numpy().sum() == len(published.counted(table))
    marked = table.set_index("claim")["mark"]
    assert marked["S68"] == "not converged on SST-2" and "SCL" in marked["S16"], "both rest on SST-2's SCL"
    text = words("analyses/verdicts/said.md.j2", **tables.facts(table), gain=1.0, chances=[])
    decided = table.loc[~table["word"].isin(("not run", "undecided")), "claim"]
    assert all(f"- {claim}, " in text for claim in decided) and "nan" not in text


def test_claims_are_numbered_in_order_name_what_is_known_and_have_a_complete_rule():
    for paper, letter in (("suresh2021", "S"), ("modarres", "M")):
        numbers = CLAIMS["claim"][CLAIMS["paper"] == paper].tolist()
        assert numbers == [f"{letter}{number:02d}" for number in range(1, len(numbers) + 1)]
    assert not CLAIMS.duplicated(["paper", "place", "kind", "corpus", "classes", "a", "b", "metric", "encoder"]).any()
    counted = {*published.counted(CLAIMS)["claim"]}
    assert {"S01", "S16", "M05"} <= counted and not {"S17", "S18", "S59"} & counted, "those are claimed again, or weighted F1"
    margins = ("same", "not better", "same entropy", "level", "near chance", "settings")
    for claim in CLAIMS.to_dict("records"):
        corpora, sets = (re.split(r"\||\ over ", claim[name]) for name in ("corpus", "classes"))
        assert set(corpora) <= set(catalog.corpora()) and set(sets) <= {"all", *published.class_sets()}, claim
        assert all(names.corpus(one) in claim["on"] or f" {len(corpora)} " in claim["on"] for one in corpora), claim
        for side in filter(None, (claim["a"], claim["kind"] != "level" and claim["b"])):
            objective, *changes = side.split()
            assert make_spec(corpora[0], objective, **dict(change.split("=", 1) for change in changes))
        assert claim["metric"] in ("accuracy", "weighted_f1", "entropy", "") and claim["split"] in ("test", "validation"), claim
        assert claim["split"] == "test" or claim["kind"] == "most confusable", "what compares objectives reads the test split"
        first, second = (names.objective(claim[side]) for side in ("a", "b"))
        assert claim["kind"] != "better" or claim["about"].startswith(f"{first} > {second}"), claim
        assert claim["criterion"].endswith(".") and claim["quote"] and claim["place"], claim
        assert (claim["margin"] > 0) == (claim["kind"] in margins), claim
    levels = {(claim["encoder"], tables.printed_level(claim)) for claim in CLAIMS.query("kind == 'level'").to_dict("records")}
    assert levels >= {("rnn", 25.0), ("gru", 30.0), ("bert-base-cased", 50.0)}, "of the text"
    assert all(0 < level < 100 for _, level in levels)


def test_quotes_stand_in_the_papers(papers):
    texts = {name: " ".join(text.split()) for name, text in papers.items()}
    for claim in CLAIMS.itertuples():
        assert " ".join(claim.quote.split()) in texts[claim.paper], claim.claim


def test_every_verdict_has_a_colour_and_its_letter():
    table = tables.judge_claims([made(runs(lcl=HIGH, ce=LOW))], CLAIMS.iloc[:12])
    ax = drawn(figures.tiles, table, "The paper", height=3)
    assert [text.get_text().rstrip("*") for text in ax.texts] == [figures.LETTERS[word] for word in table["word"]]
    assert set(figures.COLOURS) == set(tables.VERDICTS)
