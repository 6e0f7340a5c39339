"""Each verdict from frozen runs made by hand whose truth is known; and what is shown of them."""

import numpy as np
import pandas as pd
import pytest

from lclstudy.analyses.verdicts import tables
from lclstudy.results import published
from lclstudy.results.frozen import Frozen
from tests.material import make_runs

CLAIMS = tables.claims()


def frozen(*parts, name="paper"):
    runs = pd.concat(parts, ignore_index=True)
    runs["test_weighted_f1"] = runs["test_accuracy"]
    runs["identity"] = [f"run{number}" for number in range(len(runs))]
    runs["batch_size"] = runs.get("batch_size", 10)
    return Frozen(name, runs, runs.iloc[:0])


def claim(**wanted):
    found = CLAIMS[np.logical_and.reduce([CLAIMS[name] == value for name, value in wanted.items()])]
    assert len(found) >= 1
    return found.iloc[:1]


def verdict(results, **wanted):
    return tables.judge(results, claim(**wanted)).iloc[0]


BETTER = dict(kind="better", corpus="emoint", a="lcl", b="ce", metric="accuracy", paper="suresh2021")
HIGH, LOW = [86.9, 87.0, 87.1, 86.8, 87.2], [85.0, 85.1, 84.9, 85.2, 84.8]


@pytest.mark.parametrize(
    ("lcl", "ce", "expected"),
    [
        (HIGH, LOW, "reproduced"),
        (LOW, HIGH, "contradicted"),
        ([85.0, 85.4, 84.6] * 10, [85.1, 85.3, 84.7] * 10, "not reproduced"),
        ([85.0, 87.0], [84.0, 86.0], "underpowered"),
        ([87.0], [85.0, 85.1], "underpowered"),
        ([85.0, 85.0], [85.0, 85.0], "underpowered"),
        (["not run"], LOW, "not run"),
    ],
)
def test_a_claim_that_one_is_better(lcl, ce, expected):
    found = verdict([frozen(make_runs({"lcl": lcl, "ce": ce}, encoder="electra-base"))], **BETTER)
    assert found["verdict"] == expected
    assert not found["other_encoder"]
    if expected == "not reproduced":
        assert found["power"] >= 0.8
    if expected == "underpowered" and len(lcl) > 1 and lcl != ce:
        assert found["power"] < 0.8 and found["needed"] > len(lcl)
    if expected == "not run":
        assert found["n"] == () and found["note"] == "no run of LCL"


def test_another_encoder_is_marked_and_the_papers_own_comes_first():
    other = frozen(make_runs({"lcl": HIGH, "ce": LOW}), name="minilm")
    found = verdict([other], **BETTER)
    assert (found["verdict"], found["our_encoder"], found["other_encoder"]) == ("reproduced", "minilm", True)
    own = frozen(make_runs({"lcl": LOW[:3], "ce": HIGH[:3]}, encoder="electra-base"))
    found = verdict([other, own], **BETTER)
    assert (found["verdict"], found["profile"], found["other_encoder"]) == ("contradicted", "paper", False)


@pytest.mark.parametrize(
    ("scl", "ce", "expected"),
    [
        (LOW, HIGH, "reproduced"),
        (HIGH, LOW, "contradicted"),
        ([85.0, 87.0, 86.0], [84.0, 86.0, 85.5], "underpowered"),
    ],
)
def test_a_claim_that_one_is_not_better(scl, ce, expected):
    wanted = dict(kind="not better", corpus="emoint", a="scl", b="ce")
    assert verdict([frozen(make_runs({"scl": scl, "ce": ce}))], **wanted)["verdict"] == expected


@pytest.mark.parametrize(
    ("lcl", "ce", "expected"),
    [
        ([94.4, 94.5, 94.6, 94.5], [94.5, 94.4, 94.6, 94.5], "reproduced"),
        ([96.4, 96.5, 96.6, 96.5], [94.5, 94.4, 94.6, 94.5], "contradicted"),
        ([93.0, 96.0, 94.0], [94.0, 95.0, 93.0], "underpowered"),
        ([95.3, 95.1, 95.2, 95.4] * 3, [94.5, 94.4, 94.6, 94.7] * 3, "not reproduced"),
    ],
)
def test_a_claim_of_no_difference(lcl, ce, expected):
    wanted = dict(kind="same", corpus="sst2", a="lcl", b="ce")
    assert verdict([frozen(make_runs({"lcl": lcl, "ce": ce}, corpus="sst2"))], **wanted)["verdict"] == expected


def on_set(name, lcl, ce):
    members = "|".join(published.class_sets()[name])
    return make_runs({"lcl": lcl, "ce": ce}, corpus="empathetic_dialogues", classes=members)


@pytest.mark.parametrize(("gain", "expected"), [(3.0, "reproduced"), (-3.0, "contradicted")])
def test_a_claim_that_the_gain_is_larger_on_hard_sets(gain, expected):
    hard = [on_set(f"4-hard-{letter}", [60 + gain, 60.2 + gain], [60, 60.2]) for letter in "abcd"]
    wanted = dict(kind="larger gain", classes="4-hard-a|4-hard-b|4-hard-c|4-hard-d over 4-easy")
    found = verdict([frozen(*hard, on_set("4-easy", [88, 88.2], [88, 88.2]))], **wanted)
    assert found["verdict"] == expected
    assert found["difference"] == pytest.approx(gain)
    assert verdict([frozen(*hard)], **wanted)["verdict"] == "not run"
    single = frozen(*hard, on_set("4-easy", [88], [88]))
    assert verdict([single], **wanted)["verdict"] == "underpowered"


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([57.0, 58.0], "reproduced"),
        ([70.0, 70.2, 70.1], "contradicted"),
        ([70.0], "underpowered"),
        ([55.0, 65.0], "not reproduced"),
    ],
)
def test_a_claim_of_a_level_needs_the_same_encoder(scores, expected):
    wanted = dict(kind="level", paper="modarres", corpus="sst5", a="lcl")  # the report prints 57.1
    own = frozen(make_runs({"lcl": scores}, corpus="sst5", encoder="electra-base"))
    assert verdict([own], **wanted)["verdict"] == expected
    other = verdict([frozen(make_runs({"lcl": scores}, corpus="sst5"))], **wanted)
    assert (other["verdict"], other["note"]) == ("not run", "no run with ELECTRA base")


def test_a_claim_of_an_encoder():
    wanted = dict(kind="better encoder", corpus="sst5")
    both = frozen(make_runs({"ce": [57.0, 57.2]}, "sst5", "electra-base"), make_runs({"ce": [52.0, 52.2]}, "sst5", "bert-base"))
    assert verdict([both], **wanted)["verdict"] == "reproduced"
    assert verdict([frozen(make_runs({"ce": [57.0, 57.2]}, "sst5", "electra-base"))], **wanted)["verdict"] == "not run"


def test_a_claim_that_settings_matter():
    wanted = dict(kind="settings")
    runs = [make_runs({"lcl": [score]}, "sst5", "electra-base", temperature=t) for t, score in ((0.07, 40.0), (7, 55.0))]
    assert verdict([frozen(*runs)], **wanted)["verdict"] == "reproduced"
    assert verdict([frozen(runs[0])], **wanted)["verdict"] == "not run"


def test_the_committed_results_give_the_search_and_the_entropies():
    table = tables.judge(tables.evidence_from("minilm"))
    assert set(table["verdict"]) <= set(tables.VERDICTS)
    search = table[table["kind"] == "most confusable"].set_index("classes")
    assert search["verdict"].ne("not run").all()
    assert search.loc["4-hard-a", "note"].startswith("pick ")
    assert (table["p_holm"].dropna() >= table["p"].dropna()).all()
    shown = tables.readable(table)
    assert len(shown) == len(table) and not (shown == "").any().any() and not shown.isna().any().any()
    counts = tables.counts(table)
    assert counts.to_numpy().sum() == len(table)
    said = tables.findings(table)
    assert said[0].startswith(f"The paper: of {counts.loc['suresh2021'].sum()} claims, ")


def test_the_committed_grid_and_variants_are_evidence():
    """In tables a setting that is not given is missing, not None."""
    results = tables.evidence_from("report_small")
    table = tables.judge(results).set_index("claim")
    runs = results[0].runs[lambda frame: (frame["corpus"] == "sst5") & (frame["status"] == "done")]
    points = runs[runs["objective"] == "lcl"].groupby(["alpha", "temperature", "batch_size"]).ngroups
    assert points > 1 and table.loc["M33", "n"] == (points,)
    two_stages = runs[runs["objective"] == "scl_two_stage"].groupby("pooling").size()
    assert table.loc["M35", "n"] == (two_stages["mean"], two_stages["cls"]) and table.loc["M35", "our_encoder"] == "gru"


def test_the_quick_results_are_no_evidence():
    assert "quick" not in [results.name for results in tables.evidence_from()]
    assert [results.name for results in tables.evidence_from("quick")] == ["quick"]


def test_forest_rows_have_every_corpus_and_the_mean_of_those_that_ran():
    one = make_runs({"lcl": [86.0, 87.0], "ce": [85.0, 85.5]})
    single, second = (make_runs({"lcl": [70.0, 71.0], "ce": scores}, corpus="isear") for scores in ([70.0], [70.0, 70.5]))
    rows = tables.forest_rows([frozen(one, single)], "lcl", "ce").set_index("label")
    assert list(rows.index) == ["SST-2", "EmoInt", "SST-5", "ISEAR", "GoEmotions", "EmpatheticDialogues", "mean of corpora"]
    assert rows.loc["EmoInt", "difference"] == pytest.approx(1.25)
    assert np.isnan(rows.loc["mean of corpora", "difference"]), "ISEAR has one run on a side"
    both = tables.forest_rows([frozen(one, second)], "lcl", "ce").set_index("label")
    assert both.loc["mean of corpora", "difference"] == pytest.approx((1.25 + 0.25) / 2)
    assert both.loc["mean of corpora", "n"] == "2 corpora"
    assert tables.pooled([frozen(one, second)], "lcl", "ce").difference == pytest.approx((1.25 + 0.25) / 2)
    assert tables.pooled([frozen(single)], "lcl", "ce") is None
    assert len(tables.pooled_said([frozen(one, second)])) == 1, "there is no SCL"
    assert rows.loc["SST-2", "note"] == "not run"
    assert rows.loc["EmoInt", "published_difference"] == pytest.approx(1.1)
    assert rows.loc["mean of corpora", "published_difference"] == pytest.approx(rows["published_difference"].iloc[:6].mean())
