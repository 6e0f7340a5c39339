"""The ablations on made-up frozen results, in which the differences are planted: tables, words and the figure."""

import re

import numpy as np
import pytest

from lclstudy.analyses.ablations import figures, tables
from lclstudy.results.frozen import Frozen
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore
from lclstudy.show import marks, style
from lclstudy.statistics import tests
from tests.analyses.helpers import drawn, frozen_of, scored_record, texts, yticks
from tests.material import refused, spec_of

TEXTS = 400
TRUTH = np.random.default_rng(7).integers(0, 3, TEXTS)
LCL, UNIFORM, NO_VIEWS = ("lcl", {}), ("lcl", {"protocol": "released,weights=uniform"}), ("lcl", {"augment": "none"})
# Objective and settings, and of each seed how many of the first test texts are wrong; None: that run failed.
WHOLE = [
    (*LCL, {0: 80, 1: 84, 2: 88}),  # 80.0, 79.0, 78.0 % right
    ("ce", {}, {0: 120, 1: 123, 2: 126}),
    ("scl", {}, {0: 119, 1: 123, 2: 127}),
    (*UNIFORM, {0: 120, 1: 124, 2: 128}),  # 70.0, 69.0, 68.0 %
    (*NO_VIEWS, {0: 81, 1: 84, 2: 88}),
    ("lcl", {"protocol": "released,reduction=sum"}, {0: 260, 1: 264, 2: 268}),
    ("lcl", {"protocol": "printed"}, {1: 104}),
    ("lcl", {"protocol": "released,weights=names,reduction=sum"}, {0: 80}),  # as seed 0 of LCL
    ("lcl", {"temperature": 0.7}, {9: 100}),
    ("lcl", {"augment": "dropout"}, {0: None}),
    ("lcl", {"protocol": "released,logit_dropout=false"}, {0: 90, 1: None}),
    ("lacon", {"temperature": 0.1}, {0: 80, 1: 83}),
    ("ce_ensemble", {}, {0: 80, 1: 83}),
    ("ce_aug", {}, {0: 81, 1: 83, 2: 86}),
    ("ce", {"temperature": 0.7}, {3: 120}),  # which cross-entropy never reads
]


def record(spec, wrong):
    if wrong is None:
        return Record(spec, (), status="failed", failure="loss is not finite at step 3")
    predicted = np.where(np.arange(TEXTS) < wrong, (TRUTH + 1) % 3, TRUTH)
    half = 0.5 if spec.objective == "ce" else 1.0
    measures = {"train_seconds": 200.0 * half, "steps": 50}
    return scored_record(spec, "abc", TRUTH, 0.05 + 0.85 * np.eye(3)[predicted], measures=measures)


def frozen(folder, runs, planned=()):
    """Frozen results of runs as in `WHOLE`, and of specs without a run."""
    records = [record(spec_of(objective, seed, **settings), wrong)
               for objective, settings, seeds in runs for seed, wrong in seeds.items()]  # fmt: skip
    return frozen_of(folder, records, planned)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return frozen(tmp_path_factory.mktemp("ablations"), WHOLE, [spec_of("dcl")])


@pytest.fixture(scope="module")
def table(results):
    return tables.settings(results, "embedded").set_index("setting", drop=False)


def test_a_planted_difference_has_its_sign_interval_p_and_word(table):
    found, by_hand = table.loc["uniform weights"], tests.welch([70.0, 69.0, 68.0], [80.0, 79.0, 78.0])
    assert found[["n", "basis", "group", "word"]].tolist() == [3, "seeds", "weights", "below"]
    assert found[["difference", "p"]].tolist() == pytest.approx([by_hand.difference, by_hand.p])
    assert found["over_ce_difference"] == pytest.approx(69.0 - np.mean([70.0, 69.25, 68.5, 70.0]))
    assert found["paired_n"] == 3 and found["paired_difference"] == pytest.approx(-10)
    assert table.loc["CE", "word"] == "LCL − CE: above" and tables.spread(table) == pytest.approx(2.0)
    others = table["group"].isin(("objectives", "more")) & (table["objective"] != "ce_aug")
    for family in (*(table[table["group"] == part] for part in tables.PARTS), table[others]):
        wanted = tests.holm(family["p"].fillna(1))[family["p"].notna()]
        assert family["p_holm"][family["p"].notna()].tolist() == pytest.approx(wanted), "of all that is planned for a question"


def test_one_seed_gets_the_interval_of_the_texts_and_no_verdict(table):
    found = table.loc["as printed"]
    assert (found["basis"], found["word"]) == ("texts, one seed", "undecided") and np.isnan([found["p"], found["p_holm"]]).all()
    assert found["difference"] == pytest.approx(-100 * 20 / TEXTS), "against seed 1 of LCL, not against its mean"
    assert found["ci_low"] < found["difference"] < found["ci_high"] < 0
    # Neither the same texts nor a seed that LCL lacks have an interval.
    for setting, difference in (("summed over the batch, weights from label names", 0.0), ("temperature 0.7", 75.0 - 79.0)):
        assert table.loc[setting, "difference"] == pytest.approx(difference)
        assert np.isnan(table.loc[setting, "ci_low"]) and table.loc[setting, "basis"] == ""


def test_settings_of_one_kind_stand_together_and_what_did_not_run_says_so(table):
    assert table.index.is_unique and list(table.index[:3]) == ["LCL", "SCL", "CE"] and table.loc["CE", "n"] == 4
    expected = {"second views by dropout": "views", "no dropout on the logits": "classifier", "temperature 0.7": "other",
                "as printed": "several", "summed over the batch, weights from label names": "several",
                "LaCon, temperature 0.1": "objectives", "CE ensemble": "more"}  # fmt: skip
    assert {name: table.loc[name, "group"] for name in expected} == expected
    assert list(table["group"]) == sorted(table["group"], key=[*tables.GROUPS].index)
    assert table.loc["DCL", ["status", "n", "planned", "word"]].tolist() == ["not run", 0, 1, "not run"]
    assert table.loc["second views by dropout", "status"] == "failed"
    shown = tables.readable(table).set_index("Setting")
    assert shown.loc["DCL", "Accuracy (%)"] == "not run" and shown.loc["no dropout on the logits", "n"] == "1 of 2, 1 failed"
    assert shown.notna().all(axis=None) and (shown != "").all(axis=None)
    costs = tables.readable_costs(table).set_index("Setting")
    assert costs.loc["CE", "times LCL's"] == "0.50"


def test_the_finding_says_whether_there_is_a_gain_to_carry_and_what_was_judged_and_costs(results, tmp_path):
    said = tables.findings(results, "embedded")
    for part in ("is said by what has three seeds", "2 did not run (second views by dropout and DCL)",
                 ": **above**.", "So the gain rests on the parts whose change",
                 "uniform weights (−10.00 [−12.27, −7.73]) is below LCL", "2.0 times as long",
                 "as printed −5.0; no dropout on the logits −2.5 points", "none of these is an effect",
                 "Failed: second views by dropout, seed 0: loss is not finite at step 3."):  # fmt: skip
        assert part in said
    changes, *parts = map(int, re.findall(r"(\d+) (?:changes to LCL|have|did not run)", said))
    assert len(parts) == 4 and changes == sum(parts), "each change is in one part"
    said = tables.findings(frozen(tmp_path, [WHOLE[0], ("ce", {}, {0: 40, 1: 43, 2: 46}), WHOLE[6]]), "embedded")
    assert "LCL − CE is −10.25" in said and ": **below**." in said and "no gain is shown that a part could carry" in said
    assert "cannot be said yet" in said


def test_without_runs_without_lcl_or_without_the_corpus(tmp_path):
    store, specs = RunStore(tmp_path / "none"), [spec_of(seed=5)]
    none = Frozen("mine", store.frame(specs), store.epochs_frame(specs))
    assert tables.corpora(none) == ["embedded"] and "No change to LCL" in tables.findings(none, "embedded")
    assert tables.readable(tables.settings(none, "embedded"))["Accuracy (%)"].tolist() == ["not run"]
    results = frozen(tmp_path, [("ce", {}, {0: 80, 1: 81})])
    assert tables.corpora(results) == []
    for corpus, said in (("embedded", "no LCL as released"), ("isear", "Unknown corpus of these results")):
        with refused(said):
            tables.settings(results, corpus)


def forest(table, spread=2.0):
    ax = drawn(figures.forest, table, spread, "title", height=marks.grouped_height(table["group"]))
    return ax, " ".join(text.get_text() for legend in ax.figure.legends for text in legend.get_texts())


def test_every_setting_has_its_row_under_its_group_and_says_how_sure_it_is(table):
    ax, key = forest(table)
    assert yticks(ax) == list(table["setting"])
    assert {tables.GROUPS[group] for group in table["group"]} <= {*texts(ax)}
    faces = {line.get_xdata()[0]: line.get_markerfacecolor() for line in ax.lines if line.get_marker() not in ("None", None)}
    assert [faces[table.loc[name, "difference"]] for name in ("CE", "as printed")] == [style.colour("ce"), "white"]
    assert texts(ax).count("not run") == texts(ax).count("failed") == 1
    assert ax.get_xlim()[0] < -45 and "n = 3" in texts(ax)
    assert "over seeds" in key and "over test texts" in key and "2.0 points apart" in key
    close = table.copy()
    close.loc["CE", ["difference", "ci_low", "ci_high"]] = 0.01, -0.1, 0.2  # LCL and CE side by side
    _, key = forest(close[close["basis"] != "texts, one seed"], np.nan)
    assert "over test texts" not in key and "apart" not in key
    ax, _ = forest(table.assign(n=0, status="not run", difference=np.nan, ci_low=np.nan, ci_high=np.nan, basis=""), np.nan)
    assert texts(ax).count("not run") == len(table)
