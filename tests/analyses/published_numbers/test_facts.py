"""The facts, on the printed numbers and on numbers made wrong: each check must be able to fail."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score

from lclstudy.analyses.published_numbers import facts
from lclstudy.analyses.published_numbers.rounding import Side
from lclstudy.results import corpus_facts, published
from tests.material import row_of

PAPER, REPORT = "suresh2021", "modarres"


@pytest.fixture(scope="module")
def cells():
    return published.table(PAPER)


def test_class_sets_as_they_are_and_made_wrong(known, monkeypatch):
    sets = known["sets"]
    assert sets["shared"] == [("guilty", "4-hard-c", "4-hard-d")] and sets["right"] and sets["fours"] == 35960
    assert sets["both"] == ["afraid", "angry", "disgusted", "proud", "sad", "surprised"]
    draws = np.random.default_rng(0).permuted(np.tile(np.arange(32), (20_000, 1)), axis=1)[:, :8]
    assert sets["chance"] == pytest.approx(((draws < 16).sum(axis=1) >= 6).mean(), abs=0.02)

    sets = published.class_sets()
    monkeypatch.setattr(published, "class_sets", lambda: {**sets, "8": (*sets["16"][:6], "bored"), "4-hard-d": ("angry",)})
    found = facts.set_facts()
    assert (found["right"], found["outside"], found["shared"]) == (False, ["bored"], [("angry", "4-hard-c", "4-hard-d")])


def test_sizes(known):
    sizes = known["sizes"]
    assert (sizes["empathetic_dialogues"]["gaps"], sizes["emoint"]["gaps"]) == ([-1731, -9, -6], [1, 1, 1])
    assert sizes["same"] == "GoEmotions, ISEAR, SST-5, SST-2" and sizes["ag_news"] == 127_600
    assert sizes["neutral"] == {"less": "1,624 / 229 / 389", "public": "1,624 / 229 / 389"}


def test_five_runs_among_ten():
    rng = np.random.default_rng(1)
    for _ in range(50):
        runs = rng.normal(60, 0.5, 10)
        few, many = (Side(round(x.mean(), 1), round(x.std(ddof=1), 1), len(x), 0.05, 0.05) for x in (runs[:5], runs))
        assert facts.could_be_among(few, many)
    assert not facts.could_be_among(Side(61.0, 0.5, 5, 0.05, 0.05), Side(60.0, 0.5, 10, 0.05, 0.05))
    assert not facts.could_be_among(Side(60.0, 1.0, 5, 0.05, 0.05), Side(60.0, 0.5, 10, 0.05, 0.05))


def test_tables_against_each_other(cells, known):
    assert [one["objective"] for one in known["same_system"]] == ["CE", "SCL", "LCL"]
    moved = facts.table_facts(cells.assign(value=cells["value"] + 3 * (cells["table"] == 3)))["same_system"]
    assert all(one["p"] < 0.05 and not one["among"] for one in moved)
    assert known["orders"]["apart"]["ISEAR, SCL − CE"]["validation"].difference == pytest.approx(0.5)
    assert [gap[:2] for gap in known["splits"]["far"]] == [("SST-5", "CE")]
    higher = facts.table_facts(cells.assign(value=cells["value"] + 5 * (cells["split"] == "test")))
    assert higher["splits"]["beyond_all"] and not known["splits"]["beyond_all"]


def test_weighted_f1_bound(cells):
    for labels, predictions in np.random.default_rng(0).integers(0, 4, (200, 2, 12)):  # the bound holds for any
        accuracy = accuracy_score(labels, predictions)
        assert f1_score(labels, predictions, average="weighted", zero_division=0) <= 2 * accuracy / (1 + accuracy) + 1e-12
    high = cells.assign(value=cells["value"].where(cells["metric"] != "weighted_f1", 99.0))
    assert facts.table_facts(high)["f1"]["impossible"] > 0


def test_decisions_that_hang_on_the_reading_or_on_high_deviations(known):
    assert ("Welch, SD over n − 1", pytest.approx(0.0498, abs=5e-5)) in known["tests"]["EmoInt: LCL vs CE"]["turned"]
    assert known["tests"]["ISEAR: LCL vs CE"]["turned"] == []
    hard, sst5 = known["spread"]["4-hard-b: LCL vs SCL"], known["spread"]["SST-5: LCL vs CE"]
    assert hard["ends"][0] < 0.05 < hard["p"] < hard["ends"][1] and sst5["ends"][1] < 0.05


def test_the_largest_class():
    labels = corpus_facts.table("labels")
    table = facts.majority(published.table(REPORT), labels)
    row = row_of(table, system="SCL with ELECTRA base on EmoInt")
    assert (row["largest"], row["texts"], row["near"]) == ("fear", 3142, True)
    assert row["share"] == pytest.approx(100 * 995 / 3142)
    assert row["p"] == pytest.approx(binomtest(round(0.331 * 3142), 3142, 995 / 3142, alternative="greater").pvalue)
    assert "twitter_sentiment" not in set(table["corpus"])  # no labels at hand
    share = facts.majority(published.table(REPORT).query("corpus == 'emoint'").assign(value=31.6), labels)
    assert not share["near"].any()  # 31.67, cut: the share of a class


def test_steps_of_accuracies_of_few_runs_or_many_digits():
    cells = published.table(PAPER, 5)
    coarsest = [facts.accuracy_steps(cells.assign(n=n, value_rounding=half))["coarsest"] for n, half in ((5, 0.05), (1, 0.001))]
    assert coarsest[0] < 1 < coarsest[1]
    assert coarsest[0] == pytest.approx(100 / (346 * 5) / 0.1), "346 validation texts of EmoInt"
