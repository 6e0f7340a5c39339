"""Tables of ablations on made-up frozen results, in which the differences are planted."""

import numpy as np
import pytest

from lclstudy.analyses.ablations import tables
from lclstudy.plan.spec import make_spec
from lclstudy.results.records import Record
from lclstudy.runs.store import Frozen, RunStore, read_frozen
from lclstudy.statistics import tests
from tests.material import refused

CLASSES = ("a", "b", "c")
TEXTS = 400
TRUTH = np.random.default_rng(7).integers(0, 3, TEXTS)
UNIFORM, NO_VIEWS = {"protocol": "released,weights=uniform"}, {"augment": "none"}


def record(objective, seed, wrong, seconds=100.0, parameters=1e6, **settings):
    """A run that is wrong on the first `wrong` test texts; None: it failed."""
    spec = make_spec("embedded", objective, encoder="tiny", seed=seed, **settings)
    if wrong is None:
        return Record(spec, (), status="failed", failure="loss is not finite at step 3")
    predicted = np.where(np.arange(TEXTS) < wrong, (TRUTH + 1) % 3, TRUTH)
    made = (0.05 + 0.85 * np.eye(3)[predicted]).astype(np.float32)
    split = dict(validation_probabilities=made, validation_labels=TRUTH, test_probabilities=made, test_labels=TRUTH)
    measures = {"train_seconds": seconds, "parameters": parameters, "steps": 50}
    epochs = [{"epoch": 1, "loss": 1.0, "validation_accuracy": 0.5}]
    return Record(spec, CLASSES, **split, epochs=epochs, best_epoch=1, measures=measures)


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
UNIFORM_WORSE = several("lcl", (120, 124, 128), **UNIFORM)  # 70.0, 69.0, 68.0 %


def test_a_planted_difference_has_its_sign_interval_p_and_word(frozen):
    table = tables.settings(frozen([*NO_GAIN, *UNIFORM_WORSE]))
    found, by_hand = row(table, "uniform weights"), tests.welch([70.0, 69.0, 68.0], [80.0, 79.0, 78.0])
    assert (found["n"], found["basis"], found["group"], found["word"]) == (3, "seeds", "weights", "below")
    assert (found["difference"], found["ci_low"], found["ci_high"], found["p"]) == pytest.approx(
        (by_hand.difference, by_hand.ci_low, by_hand.ci_high, by_hand.p)
    )
    assert found["p_holm"] == found["p"], "the only change of LCL"
    assert found["over_ce_difference"] == pytest.approx(69.0 - np.mean([79.75, 79.0, 78.5]))
    assert found["paired_n"] == 3 and found["paired_difference"] == pytest.approx(-10)


def test_tests_are_adjusted_within_their_question(frozen):
    changed = [*UNIFORM_WORSE, *several("lcl", (81, 84, 88), **NO_VIEWS)]
    table = tables.settings(frozen([*NO_GAIN, *several("dcl", (81, 83, 86)), *several("ce_aug", (81, 83, 86)), *changed]))
    parts = table[table["group"].isin(tables.PARTS)]
    assert parts["p_holm"].to_numpy() == pytest.approx(tests.holm(parts["p"]))
    assert row(table, "DCL")["p_holm"] == row(table, "DCL")["p"], "alone among other objectives"


def test_one_seed_gets_the_interval_of_the_texts_and_no_verdict(frozen):
    results = frozen([*LCL, record("lcl", 1, 104, **NO_VIEWS)])
    found = row(tables.settings(results), "no second views")
    assert (found["basis"], found["word"]) == ("texts", "undecided") and np.isnan([found["p"], found["p_holm"]]).all()
    # Against seed 1 of LCL, not against its mean: 20 of 400 texts are right there alone.
    share = 20 / TEXTS
    reach = 1.966 * np.sqrt(share * (1 - share) / (TEXTS - 1))
    assert found["difference"] == pytest.approx(-100 * share)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((-100 * (share + reach), -100 * (share - reach)), rel=1e-3)
    said = tables.findings(results)
    assert "cannot be said yet" in said and "no second views −5.0 points" in said and "none of these is an effect" in said


@pytest.mark.parametrize(("seed", "wrong", "difference"), [(0, 80, 0.0), (9, 100, 75.0 - 79.0)])
def test_same_texts_or_no_common_seed_give_a_difference_without_interval(frozen, seed, wrong, difference):
    found = row(tables.settings(frozen([*LCL, record("lcl", seed, wrong, **UNIFORM)])), "uniform weights")
    assert found["difference"] == pytest.approx(difference) and np.isnan(found["ci_low"]) and found["basis"] == ""


def test_what_did_not_run_says_so_and_failed_runs_are_counted(frozen):
    planned = [make_spec("embedded", "dcl", encoder="tiny", seed=0)]
    failed = [record("lcl", 0, None, **NO_VIEWS), record("lcl", 0, 90, **UNIFORM), record("lcl", 1, None, **UNIFORM)]
    results = frozen([*NO_GAIN, *failed], planned)
    table = tables.settings(results)
    assert row(table, "DCL")[["status", "n", "planned", "word"]].tolist() == ["not run", 0, 1, "not run"]
    assert row(table, "no second views")["status"] == "failed"
    shown = tables.readable(table).set_index("Setting")
    assert shown.loc["DCL", "Accuracy (%)"] == "not run" and shown.loc["uniform weights", "n"] == "1 of 2, 1 failed"
    assert shown.notna().all(axis=None) and (shown != "").all(axis=None)
    said = tables.findings(results)
    assert "2 did not run (no second views and DCL)" in said
    assert "Failed: uniform weights, seed 1: loss is not finite at step 3." in said


def test_settings_of_one_kind_stand_together_and_each_is_one_row(frozen):
    table = tables.settings(frozen([
        *NO_GAIN,
        *several("lcl", (80, 81), protocol="printed"),
        *several("lcl", (80, 81), augment="dropout"),
        *several("lcl", (80, 82), protocol="released,logit_dropout=false"),
        *several("lcl", (80, 82), protocol="released,weights=names,reduction=sum"),
        *several("lcl", (80, 83), temperature=0.7),
        *several("lacon", (80, 83), temperature=0.1),
        *several("ce_ensemble", (80, 83)),
        record("ce", 3, 90, temperature=0.7),  # which cross-entropy never reads
    ])).set_index("setting")  # fmt: skip
    assert table.index.is_unique and list(table.index[:3]) == ["LCL", "SCL", "CE"] and table.loc["CE", "n"] == 4
    groups = table["group"].to_dict()
    assert groups["as printed"] == groups["summed over the batch, weights from label names"] == "several"
    expected = {"second views by dropout": "views", "no dropout on the logits": "classifier", "temperature 0.7": "other",
                "LaCon, temperature 0.1": "objectives", "CE ensemble": "more"}  # fmt: skip
    assert {name: groups[name] for name in expected} == expected
    places = [[*tables.GROUPS].index(group) for group in table["group"]]
    assert places == sorted(places)


def test_the_finding_says_whether_there_is_a_gain_to_carry_and_what_was_judged_and_costs(frozen):
    changed = [*UNIFORM_WORSE, *several("lcl", (81, 84, 88), **NO_VIEWS)]
    results = frozen([*GAIN, *changed])
    said, table = tables.findings(results), tables.settings(results)
    assert "LCL is **above** CE" in said and "So the gain rests on the parts whose change" in said
    assert "uniform weights (−10.00 [−12.27, −7.73]) is below LCL" in said and "2.0 times as long" in said
    assert row(table, "CE")["word"] == "LCL − CE: above" and tables.spread(table) == pytest.approx(2.0)
    costs = tables.readable_costs(table).set_index("Setting")
    assert costs.loc["CE", ["times LCL's", "times LCL's parameters"]].tolist() == ["0.50", "0.50"]
    said = tables.findings(frozen([*LCL, *several("ce", (40, 43, 46)), *changed]))
    assert "LCL − CE is −10.25" in said and "LCL is **below** CE" in said and "no gain is shown that a part could carry" in said


def test_without_runs_without_lcl_or_without_the_corpus(frozen):
    none = frozen([], [make_spec("embedded", "lcl", encoder="tiny", seed=5)])
    assert "No change to LCL" in tables.findings(none)
    assert tables.readable(tables.settings(none))["Accuracy (%)"].tolist() == ["not run"]
    results = frozen(several("ce", (80, 81)))
    for corpus, said in (("", "no LCL as released"), ("isear", "Unknown corpus of these results")):
        with refused(said):
            tables.settings(results, corpus)
