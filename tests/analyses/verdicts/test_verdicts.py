"""The claims against the papers, each verdict from frozen runs made by hand whose truth is known, and what is shown of them."""

import re

import numpy as np
import pytest

from lclstudy.analyses.verdicts import figures, said, tables
from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec
from lclstudy.results import published
from lclstudy.results.comparisons import comparisons
from lclstudy.show import forest
from lclstudy.show.text import words
from tests.analyses.helpers import drawn
from tests.material import made, make_runs

CLAIMS = published.claims()
BETTER = dict(kind="better", corpus="emoint", a="lcl", b="ce", metric="accuracy", paper="suresh2021")
NOT_BETTER = dict(kind="not better", corpus="emoint", a="scl", b="ce")
SAME = dict(kind="same", corpus="sst2", a="lcl", b="ce")
HIGH, LOW = [86.9, 87.0, 87.1, 86.8, 87.2], [85.0, 85.1, 84.9, 85.2, 84.8]


def verdict(results, **wanted):
    """The row of the first claim that has these values."""
    found = CLAIMS[np.logical_and.reduce([CLAIMS[name] == value for name, value in wanted.items()])]
    return tables.judge_claims(results, found.iloc[:1]).iloc[0]


@pytest.mark.parametrize(
    ("wanted", "a", "b", "expected"),
    [
        (BETTER, HIGH, LOW, "reproduced"),
        (BETTER, LOW, HIGH, "contradicted"),
        (BETTER, [85.0, 85.4, 84.6] * 3, [85.1, 85.3, 84.7] * 3, "smaller than published"),
        (BETTER, ["not run"], LOW, "not run"),
        (NOT_BETTER, LOW, HIGH, "reproduced"),
        (NOT_BETTER, [85.0, 87.0, 86.0], [84.0, 86.0, 85.5], "undecided"),
        (SAME, [94.4, 94.5, 94.6, 94.5], [94.5, 94.4, 94.6, 94.5], "reproduced"),
        (SAME, [96.4, 96.5, 96.6, 96.5], [94.5, 94.4, 94.6, 94.5], "contradicted"),
    ],
)
def test_a_claim_about_two_objectives(wanted, a, b, expected):
    found = verdict([made(make_runs({wanted["a"]: a, wanted["b"]: b}, wanted["corpus"], "electra-base"))], **wanted)
    assert found["word"] == expected and not found["other_encoder"]
    if expected == "not run":
        assert found["n"] == () and found["note"] == "no run of a side"


def test_another_encoder_is_marked_and_the_papers_own_comes_first():
    other = made(make_runs({"lcl": HIGH, "ce": LOW, "scl": [85.0, 86.9, 86.1]}), name="minilm")
    found = verdict([other], **BETTER)
    assert (found["word"], found["our_encoder"], found["other_encoder"]) == ("reproduced", "minilm", True)
    family = comparisons(other).set_index(["a", "b"])
    assert found["p_holm"] == pytest.approx(family.loc[("lcl", "ce"), "p_holm"]), "of the family that all notebooks show"
    own = made(make_runs({"lcl": LOW[:3], "ce": HIGH[:3]}, encoder="electra-base"))
    found = verdict([other, own], **BETTER)
    assert (found["word"], found["profile"], found["other_encoder"]) == ("contradicted", "paper", False)


def on_set(name, lcl, ce):
    members = "|".join(published.class_sets()[name])
    return make_runs({"lcl": lcl, "ce": ce}, corpus="empathetic_dialogues", classes=members)


@pytest.mark.parametrize(("gain", "expected"), [(3.0, "reproduced"), (-3.0, "contradicted")])
def test_a_claim_that_the_gain_is_larger_on_hard_sets(gain, expected):
    hard = [on_set(f"4-hard-{letter}", [60 + gain, 60.2 + gain, 60.1 + gain], [60, 60.2, 60.1]) for letter in "abcd"]
    wanted = dict(kind="larger gain", classes="4-hard-a|4-hard-b|4-hard-c|4-hard-d over 4-easy")
    found = verdict([made(*hard, on_set("4-easy", [88, 88.2, 88.1], [88, 88.2, 88.1]))], **wanted)
    assert found["word"] == expected and found["difference"] == pytest.approx(gain)
    assert verdict([made(*hard)], **wanted)["word"] == "not run"
    assert verdict([made(*hard, on_set("4-easy", [88], [88]))], **wanted)["word"] == "undecided"


def test_a_claim_of_a_level_needs_the_same_encoder():
    wanted = dict(kind="level", paper="modarres", corpus="sst5", a="lcl")  # the report prints 57.1
    for scores, expected in (([57.0, 58.0, 57.5], "reproduced"), ([70.0, 70.2, 70.1], "contradicted"), ([70.0], "undecided")):
        assert verdict([made(make_runs({"lcl": scores}, "sst5", "electra-base"))], **wanted)["word"] == expected
    other = verdict([made(make_runs({"lcl": [57.1] * 3}, "sst5"))], **wanted)
    assert (other["word"], other["note"]) == ("not run", "no run with ELECTRA base")
    unnamed = make_runs({"ce": [34.0, 34.2, 34.1]}, "empathetic_dialogues", "gru")  # the report names no settings of it
    assert verdict([made(unnamed, name="report")], kind="level", encoder="gru")["word"] == "differs"


def test_claims_of_an_encoder_and_of_settings():
    electra = make_runs({"ce": [57.0, 57.2, 57.1]}, "sst5", "electra-base")
    bert = make_runs({"ce": [52.0, 52.2, 52.1]}, "sst5", "bert-base")
    wanted = dict(kind="better encoder", corpus="sst5")
    assert verdict([made(electra, bert)], **wanted)["word"] == "reproduced"
    assert verdict([made(electra)], **wanted)["word"] == "not run"
    runs = [make_runs({"lcl": [score] * 3}, "sst5", "electra-base", temperature=t) for t, score in ((0.07, 40.0), (7, 55.0))]
    assert verdict([made(*runs)], kind="settings")["word"] == "reproduced"
    assert verdict([made(runs[0])], kind="settings")["word"] == "not run"


def test_the_committed_results_have_every_claim_once_and_nothing_blank():
    results = tables.evidence_from()
    assert "quick" not in [one.name for one in results], "it is no evidence unless it is asked for"
    assert [one.name for one in tables.evidence_from("quick")] == ["quick"]
    table = tables.judge_claims(results)
    assert set(table["word"]) <= set(tables.VERDICTS)
    assert table[table["kind"] == "most confusable"]["word"].ne("not run").all()
    assert (table["p_holm"].dropna() >= table["p"][table["p_holm"].notna()] - 1e-12).all()
    shown = said.readable(table)
    assert len(shown) == len(table) and not (shown == "").any().any() and not shown.isna().any().any()
    counted = published.counted(table)
    assert said.counts(table)[list(tables.VERDICTS)].to_numpy().sum() == len(counted)
    assert {"S01", "S16", "M05"} <= {*counted["claim"]} and not {"S17", "S18", "S59"} & {*counted["claim"]}
    marked = table.set_index("claim")["mark"]
    assert marked["S68"] == "not converged on SST-2" and "SCL" in marked["S16"], "both rest on SST-2's SCL"
    assert table.loc[table["kind"].isin(("pooled", "larger gain", "better encoder")), "p_holm"].isna().all()
    text = words("analyses/verdicts/said.md.j2", **said.facts(table))
    for claim in table.loc[~table["word"].isin(("not run", "undecided")), "claim"]:
        assert f"- {claim}, " in text
    assert "nan" not in text


def test_claims_are_numbered_once_and_in_order():
    for paper, letter in (("suresh2021", "S"), ("modarres", "M")):
        numbers = CLAIMS["claim"][CLAIMS["paper"] == paper].tolist()
        assert numbers == [f"{letter}{number:02d}" for number in range(1, len(numbers) + 1)]
    assert not CLAIMS.duplicated(["paper", "place", "kind", "corpus", "classes", "a", "b", "metric", "encoder"]).any()


@pytest.mark.parametrize("claim", CLAIMS.to_dict("records"), ids=lambda claim: claim["claim"])
def test_every_name_is_known_and_every_rule_complete(claim):
    assert claim["kind"] in tables.RULES
    corpora, sets = (re.split(r"\||\ over ", claim[name]) for name in ("corpus", "classes"))
    assert set(corpora) <= set(catalog.corpora()) and set(sets) <= {"all", *published.class_sets()}
    for side in filter(None, (claim["a"], claim["kind"] != "level" and claim["b"])):
        objective, *changes = side.split()
        assert make_spec(corpora[0], objective, **dict(change.split("=", 1) for change in changes))
    assert claim["metric"] in ("accuracy", "weighted_f1", "entropy", "") and claim["split"] in ("test", "validation")
    assert claim["criterion"].endswith(".") and claim["quote"] and claim["place"]
    needs_margin = claim["kind"] in ("same", "not better", "same entropy", "level", "near chance", "settings")
    assert (claim["margin"] > 0) == needs_margin


def test_a_level_is_a_printed_number():
    levels = [(claim["encoder"], tables.printed_level(claim)) for claim in CLAIMS.query("kind == 'level'").to_dict("records")]
    of_text = {"rnn": 25.0, "gru": 30.0, "bert-base-cased": 50.0}
    assert {encoder: level for encoder, level in levels if encoder in of_text} == of_text
    assert all(0 < level < 100 for _, level in levels)


def test_quotes_stand_in_the_papers(papers):
    for claim in CLAIMS.itertuples():
        assert " ".join(claim.quote.split()) in papers[claim.paper], claim.claim


def test_the_forest_draws_every_corpus_that_ran_and_their_mean():
    one = make_runs({"lcl": [86.0, 87.0], "ce": [85.0, 85.5]})
    single, second = (make_runs({"lcl": [70.0, 71.0], "ce": scores}, corpus="isear") for scores in ([70.0], [70.0, 70.5]))
    assert tables.forest_rows(made(one, single), "lcl", "ce")["label"].tolist() == ["EmoInt"], "ISEAR has one run on a side"
    rows = tables.forest_rows(made(one, second), "lcl", "ce")
    differences, published = rows["difference"], rows["published_difference"]
    assert rows["label"].iloc[-1] == "mean of 2 corpora" and sorted(differences[:2]) == pytest.approx([0.25, 1.25])
    assert [differences[2], published[2]] == pytest.approx([0.75, published[:2].mean()])
    own = make_runs({"lcl": [70.0, 71.0], "ce": [70.0, 70.5]}, corpus="mine")
    assert np.isnan(tables.forest_rows(made(one, own), "lcl", "ce")["published_difference"].iloc[-1]), "it is not in print"
    ax = drawn(lambda ax: forest.forest_key(forest.forest(rows, ax, "LCL − CE"), "ELECTRA base", "MiniLM"), height=3.5)
    marks = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata()) == 1]
    assert sorted(mark for mark in marks if mark == mark) == pytest.approx(sorted([*differences, *published]))


def test_every_verdict_has_a_colour_and_its_letter():
    table = tables.judge_claims([made(make_runs({"lcl": HIGH, "ce": LOW}))], published.claims().iloc[:12])
    rows = table.to_dict("records")
    whats, wheres = [said.what(row) for row in rows], [figures.short(said.where(row), row) for row in rows]
    ax = drawn(lambda ax: figures.tiles(table, whats, wheres, ax, "The paper"), height=3)
    letters = [text.get_text().rstrip("*") for text in ax.texts]
    assert letters == [figures.LETTERS[word] for word in table["word"]] and "R" in letters
    ax = drawn(lambda ax: figures.tiles(table, ["LCL > CE"] * 12, ["EmoInt"] * 12, ax, "The paper"), height=3)
    assert {text.get_text().rstrip("*") for text in ax.texts} == {*letters}, "words of one tile stand side by side"
    assert set(figures.COLOURS) == set(tables.VERDICTS)
