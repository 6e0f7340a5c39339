"""Tables of ablations on made-up frozen results, in which the differences are planted."""

import numpy as np
import pytest

from lclstudy.analyses.ablations import tables
from lclstudy.errors import StudyError
from lclstudy.plan.spec import make_spec
from lclstudy.results.records import Record
from lclstudy.runs.store import Frozen, RunStore, read_frozen
from lclstudy.statistics import tests

CLASSES = ("a", "b", "c")
TEXTS = 400
TRUTH = np.random.default_rng(7).integers(0, 3, TEXTS)
UNIFORM = {"protocol": "released,weights=uniform"}
NO_VIEWS = {"augment": "none"}


def scores(wrong):
    """Probabilities [N, C] that are wrong on the first `wrong` texts and right on the others."""
    predicted = np.where(np.arange(TEXTS) < wrong, (TRUTH + 1) % 3, TRUTH)
    return (0.05 + 0.85 * np.eye(3)[predicted]).astype(np.float32)


def record(objective, seed, wrong, seconds=100.0, parameters=1e6, **settings):
    spec = make_spec("embedded", objective, encoder="tiny", seed=seed, **settings)
    if wrong is None:
        return Record(spec, (), status="failed", failure="loss is not finite at step 3")
    made = scores(wrong)
    split = dict(validation_probabilities=made, validation_labels=TRUTH, test_probabilities=made, test_labels=TRUTH)
    measures = {"train_seconds": seconds, "parameters": parameters, "steps": 50}
    return Record(spec, CLASSES, **split, epochs=[{"epoch": 1, "loss": 1.0}], best_epoch=1, measures=measures)


def several(objective, wrong, **settings):
    return [record(objective, seed, number, **settings) for seed, number in enumerate(wrong)]


@pytest.fixture
def frozen(tmp_path):
    """Freezes records and specs without record; returns the frozen results."""

    def freeze(records, planned=()):
        store = RunStore(tmp_path / "runs")
        for one in records:
            store.save(one)
        specs = [*(one.spec for one in records), *planned]
        if not records:
            return Frozen("mine", store.frame(specs), store.epochs_frame(specs))
        folder = tmp_path / str(len(list(tmp_path.iterdir()))) / "mine"  # freezing again would add to what is there
        return read_frozen(store.freeze(folder, specs), specs)

    return freeze


def row(table, setting):
    return table[table["setting"] == setting].squeeze()


LCL = several("lcl", (80, 84, 88), seconds=200.0, parameters=2e6)  # 80.0, 79.0, 78.0 % right
GAIN = [*LCL, *several("ce", (120, 123, 126)), *several("scl", (119, 123, 127))]
NO_GAIN = [*LCL, *several("ce", (81, 84, 86)), *several("scl", (80, 85, 88))]


def test_a_planted_difference_has_its_sign_interval_and_p(frozen):
    table = tables.settings(frozen([*NO_GAIN, *several("lcl", (120, 124, 128), **UNIFORM)]))
    found = row(table, "uniform weights")
    assert (found["n"], found["n_lcl"], found["basis"], found["group"]) == (3, 3, "seeds", "weights")
    by_hand = tests.welch([70.0, 69.0, 68.0], [80.0, 79.0, 78.0])
    assert found["mean"] == pytest.approx(69.0)
    assert (found["difference"], found["ci_low"], found["ci_high"], found["p"]) == pytest.approx(
        (by_hand.difference, by_hand.ci_low, by_hand.ci_high, by_hand.p)
    )
    assert found["ci_high"] < 0
    assert found["p_holm"] == found["p"], "the only change of LCL"
    assert found["over_ce_difference"] == pytest.approx(69.0 - np.mean([79.75, 79.0, 78.5]))
    assert tables.verdict(found) == "lower"


def test_tests_are_adjusted_within_their_question(frozen):
    changed = [*several("lcl", (120, 124, 128), **UNIFORM), *several("lcl", (81, 84, 88), **NO_VIEWS)]
    table = tables.settings(frozen([*NO_GAIN, *several("ce_aug", (81, 83, 86)), *changed]))
    families = table.set_index("setting")["family"].to_dict()
    assert [families[name] for name in ("CE", "SCL", "CE + aug.")] == ["baselines"] * 3
    for family in ("baselines", "parts"):
        rows = table[table["family"] == family]
        assert rows["p_holm"].to_numpy() == pytest.approx(tests.holm(rows["p"]), nan_ok=True)
    assert "over 3 tests" in "\n".join(tables.findings(table))


def test_the_paired_test_is_over_the_seeds_that_both_have(frozen):
    table = tables.settings(frozen([*LCL, *several("lcl", (82, 84, 89, 200), **UNIFORM)]))
    found, by_hand = row(table, "uniform weights"), tests.paired([79.5, 79.0, 77.75], [80.0, 79.0, 78.0])
    assert found["n"] == 4 and found["paired_n"] == 3
    assert (found["paired_difference"], found["paired_p"]) == pytest.approx((by_hand.difference, by_hand.p))


def test_one_seed_gets_the_interval_of_the_texts_and_no_test(frozen):
    table = tables.settings(frozen([*LCL, record("lcl", 1, 104, **NO_VIEWS)]))
    found = row(table, "no second views")
    assert found["basis"] == "texts" and np.isnan(found["p"]) and np.isnan(found["p_holm"])
    # Against seed 1 of LCL, not against its mean: 20 of 400 texts are right there alone.
    share = 20 / TEXTS
    reach = 1.966 * np.sqrt(share * (1 - share) / (TEXTS - 1))
    assert found["difference"] == pytest.approx(-100 * share)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((-100 * (share + reach), -100 * (share - reach)), rel=1e-3)
    assert tables.verdict(found) == "cannot tell"
    said = "\n".join(tables.findings(table))
    assert "no second views −5.00" in said and "no effects" in said
    assert "take accuracy away" not in said


def test_a_later_objective_is_said_once_with_those_of_one_seed_or_with_those_tested(frozen):
    def lines(*records):
        found = tables.findings(tables.settings(frozen([*LCL, *records])))
        return [line for line in found if "DCL " in line]

    assert [line.partition(" ")[0] for line in lines(record("dcl", 0, 104))] == ["One"]
    assert [line.partition(" ")[0] for line in lines(*several("dcl", (104, 107, 110)))] == ["Other"]


def test_two_runs_right_on_the_same_texts_have_no_interval(frozen):
    found = row(tables.settings(frozen([*LCL, record("lcl", 0, 80, **UNIFORM)])), "uniform weights")
    assert found["difference"] == 0 and np.isnan(found["ci_low"]) and found["basis"] == ""
    assert "same texts" in found["note"]


def test_one_run_of_another_seed_has_a_difference_without_interval(frozen):
    found = row(tables.settings(frozen([*LCL, record("lcl", 9, 100, **UNIFORM)])), "uniform weights")
    assert found["difference"] == pytest.approx(75.0 - 79.0) and np.isnan(found["ci_low"])
    assert "no seed in common" in found["note"]


def test_what_did_not_run_says_so_and_failed_runs_are_counted(frozen):
    planned = [make_spec("embedded", "dcl", encoder="tiny", seed=0)]
    failed = [record("lcl", 0, None, **NO_VIEWS), record("lcl", 0, 90, **UNIFORM), record("lcl", 1, None, **UNIFORM)]
    table = tables.settings(frozen([*NO_GAIN, *failed], planned))
    assert row(table, "DCL")[["status", "n", "planned"]].tolist() == ["not run", 0, 1]
    assert row(table, "no second views")["status"] == "failed"
    shown = tables.readable(table).set_index("Setting")
    assert shown.loc["DCL", "Accuracy (%)"] == "not run" and shown.loc["DCL", "Note"] == "not run"
    assert "1 failed" in shown.loc["uniform weights", "Note"]
    assert shown.notna().all(axis=None) and (shown != "").all(axis=None)
    said = "\n".join(tables.findings(table))
    assert "2 runs failed" in said
    assert "DCL (not run)" in said and "no second views (failed)" in said


def test_settings_of_one_kind_stand_together_and_each_is_one_row(frozen):
    records = [
        *NO_GAIN,
        *several("lcl", (80, 81), protocol="printed"),
        *several("lcl", (80, 81), augment="dropout"),
        *several("lcl", (80, 82), protocol="released,logit_dropout=false"),
        *several("lcl", (80, 82), protocol="released,weights=names,reduction=sum"),
        *several("lcl", (80, 83), temperature=0.7),
        *several("lacon", (80, 83), temperature=0.1),
        *several("ce_ensemble", (80, 83)),
    ]
    table = tables.settings(frozen(records)).set_index("setting")
    assert table.index.is_unique
    groups = table["group"].to_dict()
    assert groups["as printed"] == groups["summed over the batch, weights from label names"] == "several"
    assert groups["second views by dropout"] == "views"
    assert groups["no dropout on the logits"] == "classifier"
    assert groups["temperature 0.7"] == "other"
    assert groups["LaCon, temperature 0.1"] == "objectives"
    assert groups["CE ensemble"] == "more"
    assert list(table.index[:3]) == ["LCL", "SCL", "CE"]
    order = [*tables.GROUPS]
    places = [order.index(group) for group in table["group"]]
    assert places == sorted(places)
    assert len(tables.readable(table.reset_index())) == len(table)


def test_what_an_objective_never_reads_makes_no_setting(frozen):
    """Cross-entropy has no temperature: its runs at two of them are one setting."""
    table = tables.settings(frozen([*LCL, record("ce", 0, 90), record("ce", 1, 95, temperature=0.7)]))
    assert row(table, "CE")["n"] == 2


def test_costs_are_multiples_of_those_of_lcl(frozen):
    costs = tables.readable_costs(tables.settings(frozen(NO_GAIN))).set_index("Setting")
    assert costs.loc["CE", ["times LCL's", "times LCL's parameters"]].tolist() == ["0.50", "0.50"]
    assert costs.loc["LCL", "times LCL's"] == "1.00"
    assert "2.0 times as long" in "\n".join(tables.findings(tables.settings(frozen(NO_GAIN))))


def test_the_spread_and_the_runs_that_are_needed(frozen):
    table = tables.settings(frozen([*LCL, *several("lcl", (80, 92), **UNIFORM), record("ce", 0, 100)]))
    assert tables.spread(table) == pytest.approx(2.0)
    # Deviations 1 of three runs and 3 / sqrt(2) of two.
    assert tables.pooled_deviation(table) == pytest.approx(np.sqrt((2 * 1 + 1 * 4.5) / 3))
    needed = tables.runs_needed(table)
    assert needed[0.5] > needed[1.0] > needed[2.0] > 2
    alone = tables.settings(frozen([LCL[0]]))
    assert np.isnan(tables.spread(alone)) and tables.runs_needed(alone) == {}


def test_the_finding_names_the_part_that_carries_a_gain(frozen):
    changed = [*several("lcl", (120, 124, 128), **UNIFORM), *several("lcl", (81, 84, 88), **NO_VIEWS)]
    said = "\n".join(tables.findings(tables.settings(frozen([*GAIN, *changed]))))
    assert "LCL gains over CE and SCL" in said and "LCL is better" in said
    carried = said.partition("the gain rests on what they change: ")[2].partition("\n")[0]
    assert "uniform weights −10.00" in carried and "no second views" not in carried


def test_the_finding_says_when_there_is_no_gain_to_carry(frozen):
    changed = several("lcl", (40, 43, 46), **NO_VIEWS)
    said = "\n".join(tables.findings(tables.settings(frozen([*NO_GAIN, *changed]))))
    assert "not shown to gain over CE" in said and "the gain rests" not in said
    assert "no second views +10.25" in said.partition("give accuracy back: ")[2]
    worse = [*LCL, *several("ce", (40, 43, 46))]
    assert "LCL is worse than CE" in "\n".join(tables.findings(tables.settings(frozen(worse))))


def test_the_finding_without_a_baseline_or_without_lcl(frozen):
    one = "\n".join(tables.findings(tables.settings(frozen([*LCL, record("ce", 0, 200)]))))
    assert "Whether LCL gains over CE is not known" in one
    planned = [make_spec("embedded", "lcl", encoder="tiny", seed=5)]
    none = tables.settings(frozen([], planned))
    assert "nothing can be held against it" in "\n".join(tables.findings(none))
    assert tables.readable(none)["Note"].tolist() == ["not run"]


def test_results_without_lcl_or_without_the_corpus_are_one_line(frozen):
    results = frozen(several("ce", (80, 81)))
    for corpus, said in (("", "no LCL as released"), ("isear", "Unknown corpus of these results")):
        with pytest.raises(StudyError, match=said) as raised:
            tables.settings(results, corpus)
        assert "\n" not in str(raised.value)
