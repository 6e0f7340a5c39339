"""Tables from published numbers and runs: missing, single and failed runs, selection, and the texts that are shown."""

import numpy as np
import pandas as pd
import pytest

from lclstudy.errors import StudyError
from lclstudy.plan.spec import make_spec
from lclstudy.results import published
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore
from lclstudy.show import tables
from lclstudy.statistics import tests
from tests.material import EMOINT, make_runs, printed


def row_of(table, **wanted):
    found = table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]
    assert len(found) == 1, f"{len(found)} rows for {wanted}"
    return found.iloc[0]


def test_mean_and_deviation_of_the_runs_beside_the_published_number():
    row = row_of(tables.main_results(EMOINT, make_runs({"lcl": [86.0, 87.0, 88.0]})), objective="lcl")
    assert (row["n"], row["status"], row["encoder"]) == (3, "done", "minilm")
    assert (row["mean"], row["sd"]) == pytest.approx((87.0, 1.0))
    assert (row["published_encoder"], row["published_mean"], row["published_n"]) == ("electra-base", 86.6, 5)
    assert row["difference"] == pytest.approx(0.4)


def test_a_run_stands_beside_its_own_encoder_first():
    results = tables.main_results(EMOINT, make_runs({"ce": [84.0]}, encoder="bert-base"))
    assert row_of(results, encoder="bert-base")["published_mean"] == 85.0
    assert row_of(results, encoder="electra-base", objective="ce")["status"] == "not run"


def test_every_cell_says_not_run_or_not_reported_and_none_is_blank():
    shown = tables.readable_results(tables.main_results(EMOINT, make_runs({"ce": [84.0, 85.0], "ce_aug": ["not run"]})))
    assert not (shown == "").any().any() and not shown.isna().any().any()
    lcl, augmented = row_of(shown, Objective="LCL"), row_of(shown, Objective="CE + aug.")
    assert (lcl["Reproduced (%)"], lcl["n reproduced"], lcl["Difference (points)"]) == ("not run", "0", "–")
    assert (augmented["Published (%)"], augmented["Reproduced (%)"]) == ("not reported", "not run")
    assert augmented["n reproduced"] == "0 of 1"


def test_columns_about_published_numbers_are_left_out_where_there_are_none():
    shown = tables.readable_results(tables.main_results(EMOINT.iloc[:0], make_runs({"lcl": [86.0, 87.0]})))
    assert list(shown) == ["Corpus", "Objective", "Reproduced with", "Reproduced (%)", "n reproduced"]


def test_one_run_shows_no_deviation():
    shown = tables.readable_results(tables.main_results(EMOINT, make_runs({"lcl": [86.0]})))
    row = row_of(shown, Objective="LCL")
    assert (row["Reproduced (%)"], row["n reproduced"], row["Difference (points)"]) == ("86.0", "1", "-0.6")
    assert (row["Published (%)"], row["n published"]) == ("86.6 (0.3)", "5")


def test_failed_runs_are_told_and_left_out_of_the_mean():
    results = tables.main_results(EMOINT, make_runs({"lcl": [86.0, "failed", 88.0, "not run"], "ce": ["failed", "failed"]}))
    lcl, ce = row_of(results, objective="lcl"), row_of(results, objective="ce", encoder="minilm")
    assert (lcl["mean"], lcl["n"], lcl["failed"], lcl["planned"]) == (87.0, 2, 1, 4)
    assert (ce["status"], ce["n"]) == ("failed", 0)
    shown = tables.readable_results(results)
    assert row_of(shown, Objective="LCL")["n reproduced"] == "2 of 4"
    assert "failed" in set(shown["Reproduced (%)"])


def test_a_published_number_without_spread_and_n():
    followup = printed(("emoint", "lcl", "electra-base", 34.2, np.nan, pd.NA))
    shown = tables.readable_results(tables.main_results(followup, make_runs({"lcl": [86.0, 87.0]})))
    assert (shown["Published (%)"][0], shown["n published"][0]) == ("34.2", "not said")


def test_rows_of_a_corpus_stay_together_and_objectives_in_order():
    runs = pd.concat([make_runs({"lcl": [60], "ce": [58]}, corpus="isear"), make_runs({"lcl": [86], "ce": [85]})])
    results = tables.main_results(EMOINT, runs)
    assert list(results["corpus"]) == ["emoint"] * 3 + ["isear"] * 2
    assert list(results["objective"]) == ["ce", "lcl", "ce", "ce", "lcl"]
    assert list(results["encoder"]) == ["minilm", "minilm", "bert-base", "minilm", "minilm"]


def test_the_papers_tables_and_the_stores_frame_fit_together(tmp_path):
    store = RunStore(tmp_path)
    labels, specs = np.array([0, 1, 2, 3] * 25), []
    for seed in range(3):
        specs.append(make_spec("emoint", "lcl", encoder="minilm", seed=seed))
        right = np.eye(4, dtype=np.float32)[np.where(np.arange(100) < 80 + seed, labels, (labels + 1) % 4)]
        store.save(Record(specs[-1], ("anger", "fear", "joy", "sadness"), validation_probabilities=right,
                          validation_labels=labels, test_probabilities=right, test_labels=labels))  # fmt: skip
    frame = store.frame([*specs, make_spec("emoint", "ce", encoder="minilm")])
    papers = published.table("suresh2021")
    results = tables.main_results(papers[papers["table"].isin([1, 2])], frame)
    row = row_of(results, corpus="emoint", objective="lcl")
    assert (row["mean"], row["n"], row["published_mean"]) == (pytest.approx(81.0), 3, 86.6)
    assert row_of(results, corpus="emoint", objective="ce", encoder="minilm")["status"] == "not run"
    assert set(results["corpus"]) == {"empathetic_dialogues", "goemotions", "isear", "emoint", "sst5", "sst2"}
    validation = tables.main_results(papers, frame, "weighted_f1", "validation")  # Table 5, and none of the tests
    assert row_of(validation, corpus="emoint", objective="lcl")["published_mean"] == 88.9


def test_class_subsets_have_their_published_name():
    subset = printed(("empathetic_dialogues", "lcl", "electra-base", 57.5, 0.7, 10)).assign(classes="4-hard-a")
    runs = make_runs({"lcl": [50.0]}, corpus="empathetic_dialogues", classes="afraid|anxious|terrified|apprehensive")
    results = tables.main_results(subset, runs, class_sets=published.class_sets())
    assert (results["classes"].item(), results["published_mean"].item(), results["n"].item()) == ("4-hard-a", 57.5, 1)
    assert tables.readable_results(results)["Classes"].item() == "4-hard-a"
    without = tables.readable_results(tables.main_results(subset, runs))
    assert "afraid, anxious, terrified, apprehensive" in set(without["Classes"])


def test_two_published_numbers_for_a_cell_are_refused():
    with pytest.raises(StudyError, match="select the rows of one table"):
        tables.main_results(published.table("suresh2021"), make_runs({"ce": [84.0]}))  # Tables 1 and 3 both have it


def test_runs_that_differ_in_a_setting_are_refused():
    runs = pd.concat([make_runs({"lcl": [86.0]}), make_runs({"lcl": [87.0]}, temperature=0.1)])
    for function in (lambda: tables.main_results(EMOINT, runs), lambda: tables.comparisons(runs)):
        with pytest.raises(StudyError, match=r"differ in temperature \(0.3, 0.1\)"):
            function()


def test_a_setting_that_the_objective_never_reads_may_differ_and_a_seed_counts_once():
    runs = pd.concat([make_runs({"ce": [84.0]}), make_runs({"ce": [84.0, 86.0]}, temperature=0.1)])
    row = row_of(tables.main_results(EMOINT, runs), objective="ce", encoder="minilm")
    assert (row["n"], row["mean"]) == (2, 85.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (dict(metric="acuracy"), "Did you mean 'accuracy'"),
        (dict(split="train"), "Unknown split"),
        (dict(runs=pd.DataFrame({"corpus": ["emoint"]})), "lacks the columns classes"),
        (dict(published=EMOINT.drop(columns="spread")), "lacks the columns spread"),
        (dict(metric="weighted_f1"), "test_weighted_f1"),
    ],
)
def test_bad_input_is_told(arguments, said):
    with pytest.raises(StudyError, match=said):
        tables.main_results(**{"published": EMOINT, "runs": make_runs({"ce": [84.0]}), **arguments})


def test_a_finished_run_without_score_is_an_error():
    with pytest.raises(StudyError, match="freeze"):
        tables.main_results(EMOINT, make_runs({"ce": [84.0, np.nan]}))


SCORES = {"ce": [84.0, 84.4, 84.1], "ce_aug": [84.6, 84.9, 84.7], "scl": [85.3, 85.0, 84.9], "lcl": [86.0, 86.3, 85.9]}


def test_comparisons_hold_the_tests_of_stats():
    table = tables.comparisons(make_runs(SCORES))
    assert list(zip(table["a"], table["b"], strict=True)) == list(tables.PAIRS)
    row = row_of(table, a="lcl", b="scl")
    test, effect = tests.welch(SCORES["lcl"], SCORES["scl"]), tests.hedges_g(SCORES["lcl"], SCORES["scl"])
    assert row[["t", "df", "p", "difference", "ci_low", "ci_high"]].tolist() == pytest.approx(test[:6])
    assert row[["g", "g_low", "g_high"]].tolist() == pytest.approx(effect[:3])
    assert (row["n_a"], row["n_b"], row["note"]) == (3, 3, "")


def test_holm_is_over_all_tests_of_the_table_and_only_those():
    runs = pd.concat([make_runs(SCORES), make_runs({"lcl": [70.0, 70.4], "ce": [69.0, 69.9], "scl": [70.0]}, corpus="isear")])
    table = tables.comparisons(runs)
    assert table["p_holm"].notna().sum() == 5
    assert table["p_holm"].min() == pytest.approx(table["p"].min() * 5)


def test_one_run_gets_no_test_but_a_difference():
    table = tables.comparisons(make_runs({"lcl": [86.0], "ce": [84.5]}), pairs=[("lcl", "ce")])
    assert table["note"].item() == "one run: no test"
    assert table["difference"].item() == pytest.approx(1.5) and np.isnan(table["p"].item())
    shown = tables.readable_comparisons(table).iloc[0]
    assert (shown["p"], shown["p (Holm)"], shown["n of each"], shown["Difference (points)"]) == (
        "one run: no test",
        "–",
        "1, 1",
        "+1.50",
    )


def test_missing_and_failed_sides_are_named():
    table = tables.comparisons(make_runs({"lcl": [86.0, 86.5], "scl": ["failed"], "ce_aug": ["not run"]}))
    said = {(a, b): note for a, b, note in table[["a", "b", "note"]].itertuples(index=False)}
    assert said["lcl", "scl"] == "SCL failed"
    assert said["lcl", "ce_aug"] == "CE + aug. not run"
    assert said["scl", "ce"] == "SCL failed; CE not run"
    assert tables.comparisons(make_runs({"simclr": [80.0]}))["note"].tolist() == ["not run"] * 4
    shown = tables.readable_comparisons(table)
    assert not (shown == "").any().any() and not shown.isna().any().any() and not (shown == "nan").any().any()


def test_comparisons_do_not_mix_encoders():
    runs = pd.concat([make_runs({"lcl": [86.0, 86.5]}), make_runs({"ce": [84.0, 84.1]}, encoder="electra-base")])
    assert tables.comparisons(runs, [("lcl", "ce")])["note"].tolist() == ["CE not run", "LCL not run"]


def test_comparisons_refuse_an_unknown_objective():
    with pytest.raises(StudyError, match="Unknown objective 'lc'"):
        tables.comparisons(make_runs(SCORES), [("lc", "ce")])


def test_readable_comparison_by_hand():
    table = tables.comparisons(make_runs(SCORES), [("lcl", "ce")])
    shown = tables.readable_comparisons(table).iloc[0]
    assert shown["Comparison"] == "LCL vs CE" and shown["n of each"] == "3, 3"
    assert shown["Difference (points)"].startswith("+1.90 [") and shown["t (df)"].startswith(
        "11.18 (4.0)"
    )  # 1.9 / sqrt(2 * 0.04333 / 3)
    assert shown["p"] == shown["p (Holm)"] == "< 0.001"


@pytest.mark.parametrize(("p", "text"), [(0.04159, "0.042"), (0.0009, "< 0.001"), (1.0, "1.000")])
def test_p_values_are_shown_to_three_digits(p, text):
    assert tables.p_value(p) == text


def test_a_printed_table_comes_with_its_metrics_split_and_whole_corpora():
    runs = pd.concat([make_runs({"lcl": [86.0, 87.0]}), make_runs({"lcl": [70.0]}, corpus="isear", classes="joy|fear")])
    runs = pd.concat([runs, make_runs({"ce": [90.0]}, corpus="sst2")])
    runs = runs.assign(test_weighted_f1=0.5, validation_accuracy=0.75, validation_weighted_f1=0.25)
    test = tables.paper_table(published.table("suresh2021", 1), runs)
    assert list(test) == ["accuracy", "weighted_f1"]
    assert row_of(test["accuracy"], corpus="emoint", objective="lcl")["mean"] == 86.5
    assert row_of(test["weighted_f1"], corpus="emoint", objective="lcl")["mean"] == 50.0
    assert test["accuracy"]["planned"].sum() == 2, "neither the class subset nor a corpus of another table counts"
    validation = tables.paper_table(published.table("suresh2021", 5), runs)
    assert row_of(validation["accuracy"], corpus="emoint", objective="lcl")["mean"] == 75.0
    with pytest.raises(StudyError, match="of one split; given rows of test, validation"):
        tables.paper_table(pd.concat([published.table("suresh2021", 1), published.table("suresh2021", 5)]), runs)


def test_published_comparisons_are_tests_from_the_printed_summary():
    table = tables.published_comparisons(published.table("suresh2021", 1))
    row = row_of(table, corpus="emoint", a="lcl", b="ce")
    expected = tests.welch_from_summary(86.6, 0.3, 5, 85.5, 0.9, 5)
    assert (row["t"], row["p"], row["difference"]) == (expected.t, expected.p, expected.difference)
    assert (row["encoder"], row["n_a"], row["n_b"], row["mean_a"]) == ("electra-base", 5, 5, 86.6)
    assert set(zip(table["a"], table["b"], strict=True)) == {("lcl", "ce"), ("lcl", "scl"), ("scl", "ce")}, "no CE + aug."
    assert len(table) == 3 * 4
    assert table["p_holm"].tolist() == tests.holm(table["p"]).tolist()
    assert list(table) == list(tables.comparisons(make_runs(SCORES)))


def test_a_number_published_without_deviation_or_n_is_not_tested():
    cells = printed(("emoint", "ce", "electra-base", 85.5, np.nan, 5), ("emoint", "lcl", "electra-base", 86.6, 0.3, 5))
    assert tables.published_comparisons(cells).empty
