"""The follow-up report's tables, grid, variants and failure, from runs made by hand of its own profiles; words and figures."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from lclstudy.analyses.followup import figures, findings
from lclstudy.analyses.followup import tables as followup_tables
from lclstudy.analyses.verdicts import tables as verdict_tables
from lclstudy.errors import StudyError
from lclstudy.plan.profiles import load_profile
from lclstudy.results import published, selection
from lclstudy.results.frozen import Frozen
from lclstudy.show import style
from tests.material import check_readable

TEXTS = 40


class Made(Frozen):
    """Frozen runs whose predictions are one label for all texts where the accuracy is at chance."""

    def predictions(self, identity, split="test"):
        accuracy = self.runs.set_index("identity").loc[identity, "test_accuracy"]
        return np.zeros(TEXTS, int) if accuracy < 0.4 else np.arange(TEXTS) % 4


def made(name, score, specs=None):
    """Frozen results of a profile; `score` gives each spec its accuracy (0 to 1), or None: not run."""
    rows, epochs = [], []
    for spec in specs or load_profile(name).specs():
        found = score(spec)
        row = {**asdict(spec), "classes": "", "identity": spec.identity(), "status": "not run" if found is None else "done"}
        rows.append({**row, "test_accuracy": found, "validation_accuracy": found, "train_limit": pd.NA})
        for epoch in (1, 2) if found is not None else ():
            losses = {"loss_ce": 1.0 / epoch, "loss_contrastive": 9.0, "validation_accuracy": found}
            epochs.append({"identity": spec.identity(), "objective": spec.objective, "epoch": epoch, **losses})
    runs = pd.DataFrame(rows).astype({"test_accuracy": float, "validation_accuracy": float})
    columns = ["identity", "objective", "epoch", "loss_ce", "loss_contrastive", "validation_accuracy"]
    return Made(name, runs, pd.DataFrame(epochs, columns=columns))


def emoint(spec):
    """Contrastive objectives fail unless their features are unit vectors."""
    if spec.corpus != "emoint":
        return None
    mended = spec.objective == "ce" or "features=unit" in spec.protocol
    return 0.8 if mended else 0.33


def sst5(spec):
    """The higher alpha, the better; cross-entropy is 0.4."""
    if spec.corpus != "sst5":
        return None
    if spec.objective == "ce":
        return 0.4
    lower = 0.1 if "positives" in spec.protocol else 0.0
    return 0.3 + 0.2 * spec.alpha - lower + 0.001 * spec.seed + 0.0001 * spec.batch_size


def at(table, **wanted):
    return table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]


# Which runs stand for a method


def test_of_several_settings_the_first_of_the_profile_stands_for_the_method():
    runs = selection.runs(made("report_small", sst5))
    lcl = at(runs, corpus="sst5", objective="lcl", encoder="gru")
    assert set(zip(lcl["alpha"], lcl["temperature"], lcl["batch_size"], strict=True)) == {(0.2, 10.0, 32)}
    assert set(at(runs, corpus="emoint", objective="scl")["protocol"]) == {"report"}


def test_a_missing_setting_is_among_missing_ones():
    limits = pd.Series([pd.NA, 30, 40], dtype="Int64")
    assert list(selection.among(limits, limits[:1])) == [True, False, False]
    assert list(selection.among(limits, limits[1:2])) == [False, True, False]
    assert list(selection.among(limits, limits[:2])) == [True, True, False]


def test_results_with_one_setting_and_those_of_other_profiles_are_kept_whole():
    whole = made("baselines", lambda spec: 0.5)
    assert selection.runs(whole).equals(whole.runs)
    mine = made("mine", sst5, load_profile("report_small").specs())
    assert len(selection.runs(mine)) == len(mine.runs)
    more = load_profile("baselines").restrict(seeds="7,8").specs()
    assert len(selection.runs(made("baselines", lambda spec: 0.5, more))) == len(more)


# Tables 1 and 2


def test_every_printed_number_of_the_report_stands_once_beside_ours():
    found = followup_tables.systems([made("report", lambda spec: None)])
    printed = published.table("modarres")
    expected = sorted([*printed["value"], 25.0, 30.0, 50.0])  # and three accuracies of its text
    assert sorted(found["published"].dropna()) == expected
    assert set(found["status"]) == {"not run"} and (found["n"] == 0).all()


def test_a_run_with_the_reports_encoder_comes_before_one_that_stands_in():
    small = made("minilm", lambda spec: 0.8 + 0.01 * spec.seed if spec.corpus == "emoint" else None)
    found = followup_tables.systems([made("report", lambda spec: None), small])
    row = at(found, corpus="emoint", objective="lcl").iloc[0]
    assert (row["ours"], row["profile"], bool(row["same"]), row["n"]) == ("minilm", "minilm", False, 5)
    assert row["mean"] == pytest.approx(82) and row["low"] < 82 < row["high"]
    assert at(found, corpus="emoint", encoder="bert-base").iloc[0]["status"] == "not run", "BERT has no stand-in"
    real = made("report", lambda spec: 0.9 if spec.corpus == "emoint" else None)
    found = followup_tables.systems([real, small])
    row = at(found, corpus="emoint", objective="lcl").iloc[0]
    assert (row["ours"], bool(row["same"]), row["n"]) == ("electra-base", True, 3)


def test_the_persian_task_is_multilingual_bert_in_both_rows():
    found = followup_tables.systems([made("report", lambda spec: 0.76 if spec.corpus == "parsinlu" else None)])
    rows = at(found, corpus="parsinlu", encoder="mbert")
    assert list(rows["published"]) == [76.0, 76.0] and at(rows, objective="lcl")["n"].item() == 3
    table = followup_tables.printed_table(found, 2)
    assert "not run" not in table.set_index("System").loc["ELECTRA + LCL", "ParsiNLU sentiment"]


def test_printed_tables_have_no_blank():
    found = followup_tables.systems([made("baselines", lambda spec: 0.3 if spec.encoder == "gru" else None)])
    for number in (1, 2):
        table = followup_tables.printed_table(found, number)
        assert len(table) == len(followup_tables.SYSTEMS) and not (table == "").any().any() and not table.isna().any().any()
    cell = followup_tables.printed_table(found, 1).set_index("System").loc["GRU", "EmpatheticDialogues"]
    assert cell == "30 / 30.0 (0.0) (n = 3)"


# The grid


@pytest.mark.parametrize("profile", ["report", "report_small"])
def test_the_grid_has_every_setting_and_no_variant(profile):
    found = followup_tables.grid(made(profile, sst5))
    assert len(found) == 45 and not found.duplicated(list(followup_tables.GRID)).any()
    assert found["mean"].to_numpy() == pytest.approx(
        100 * (0.3 + 0.2 * found["alpha"] + 0.0001 * found["batch_size"]), abs=0.11
    )
    if profile == "report_small":
        assert set(found["ce"]) == {40.0}


def test_settings_changed_one_at_a_time_are_no_grid():
    assert followup_tables.grid(made("report_small", emoint), "emoint", "scl").empty
    assert followup_tables.grid(made("baselines", lambda spec: 0.5)).empty


def test_the_words_about_the_grid_follow_the_data():
    found = followup_tables.grid(made("report_small", sst5))
    said = " ".join(findings.grid_findings(found))
    assert "45 of 45 settings" in said and "alpha 0.7" in said and "rank" in said
    assert f"{(found['mean'] > 40).sum()} of 45 settings are above cross-entropy" in said
    assert "not run" in findings.grid_findings(followup_tables.grid(made("report_small", emoint)))[0]


# The failure and the variants


def test_the_failure_is_laid_at_the_setting_that_mends_it():
    found = followup_tables.settings(made("report_small", emoint), "emoint", ["ce", "scl", "lcl"])
    scl = at(found, objective="scl").set_index("setting")
    assert scl.index[0] == followup_tables.AS_REPORTED and len(scl) == 11
    assert set(scl.index) >= {"unit features", "mean over the batch", "temperature 0.3", "alpha 0.5", "batch size 10"}
    assert scl.loc["unit features", "mean"] == 80 and scl.loc["temperature 0.3", "mean"] == 33
    assert scl.loc["temperature 0.3", "one_label"] == 1 and scl.loc["unit features", "one_label"] == 0.25
    assert (scl.loc["unit features", "contrast"], scl.loc["unit features", "ce"]) == (9.0, 0.5)
    said = " ".join(findings.failure_findings(found[found["objective"] != "ce"], 31.7))
    assert "it fails as the report says" in said
    mends, leaves = said.split("these mend it: ")[1].split("these do not: ")
    assert "unit features 80.0" in mends and "temperature 0.3" not in mends and "temperature 0.3 33.0" in leaves
    assert followup_tables.reported_mean(found, "ce") == 80


def cold(spec):
    """SCL fails at the lowest temperature alone, unless its features are unit vectors."""
    stuck = spec.temperature == 0.07 and "features=unit" not in spec.protocol
    return None if spec.corpus != "emoint" else 0.3 if stuck else 0.8


def test_beside_the_setting_that_makes_it_fail_stands_what_mends_it():
    results = made("report_small", cold)
    found = followup_tables.settings(results, "emoint", ["ce", "scl", "lcl"])
    said = [line for line in findings.failure_findings(found, 31.7) if line.startswith("SCL")]
    assert len(said) == 4 and "it does not fail" in said[0]
    assert "these make it fail: temperature 0.07 30.0 %; these do not: " in said[1] and "0.07" not in said[1].split("not: ")[1]
    mended, still = said[2].removeprefix("SCL with MiniLM: with temperature 0.07, these mend it: ").split("; these do not: ")
    assert "unit features 80.0 %" in mended and "mean over the batch" in still and "unit" not in still
    assert said[3] == "SCL with MiniLM: several changed at once: mean over the batch, unit features 80.0 %."
    curves = followup_tables.curves(results, found)
    assert set(curves[curves["place"] == "worst"]["line"]) == {"SCL: temperature 0.07", "LCL: temperature 0.07"}


def test_a_model_that_does_not_fail_is_said_not_to():
    found = followup_tables.settings(made("report_small", lambda spec: 0.8), "emoint", ["scl", "lcl"])
    said = " ".join(findings.failure_findings(found, 31.7))
    assert "it does not fail" in said and "these make it fail: none" in said
    rate = followup_tables.settings(
        made("report_small", lambda spec: 0.3 if spec.learning_rate == 1e-3 else 0.8), "emoint", ["scl"]
    )
    assert "these make it fail: learning rate 0.001 30.0 %" in " ".join(findings.failure_findings(rate, 31.7))
    absent = followup_tables.settings(made("report_small", lambda spec: None), "emoint", ["scl", "lcl"])
    assert set(absent["status"]) == {"not run"}
    assert findings.failure_findings(absent, 31.7) == ["The report's settings on EmoInt: not run."]
    shown = followup_tables.readable_settings(absent)
    assert not shown.isna().any().any() and not (shown == "").any().any()


def test_everything_as_in_the_paper_is_one_setting():
    found = followup_tables.settings(made("report", emoint), "emoint", ["scl"])
    assert found["setting"].iloc[0] == followup_tables.AS_REPORTED
    assert followup_tables.AS_IN_THE_PAPER in set(found["setting"]) and "second views" in set(found["setting"])


def test_variants_are_tested_against_the_first_setting_of_their_objective():
    found = followup_tables.settings(made("report_small", sst5), "sst5", ["scl_two_stage", "scl", "lcl"])
    row = at(found, objective="scl", setting="temperature times positives").iloc[0]
    assert row["difference"] == pytest.approx(-10) and row["ci_low"] < -10 < row["ci_high"] and row["p"] < 0.001
    assert "mean of the tokens" in set(at(found, objective="scl_two_stage")["setting"])
    said = " ".join(findings.variant_findings(found))
    assert "SCL with GRU, temperature times positives: " in said and "−" not in said.split("points")[0]


def test_curves_are_of_the_first_setting_and_of_the_best():
    results = made("report_small", emoint)
    found = followup_tables.settings(results, "emoint", ["ce", "scl", "lcl"])
    curves = followup_tables.curves(results, found)
    lines = curves.groupby("line")["place"].first()
    assert (lines["SCL: as in the report"], lines["SCL: unit features"]) == (
        "reported",
        "best",
    ) and "CE: as in the report" in lines
    assert len(lines) == 5  # of cross-entropy the first setting is the best


# Figures


def test_the_figures_show_what_the_tables_hold():
    sources = [made("report_small", lambda spec: emoint(spec) or sst5(spec)), made("baselines", lambda spec: 0.3)]
    systems = followup_tables.systems(sources)
    figure, axes = style.subplots(3, 3, width=style.DOUBLE, height=7.4)
    figures.levels(systems, followup_tables.majority(), axes)
    check_readable(figure)
    grid = followup_tables.grid(sources[0])
    figure, axes = style.subplots(1, 3, width=style.DOUBLE, height=2.1)
    figures.grid_heatmaps(grid, followup_tables.reports_best(), axes)
    check_readable(figure)
    assert sum(len(ax.texts) for ax in axes) == 45
    found = followup_tables.settings(sources[0], "emoint", ["scl", "lcl"])
    figure, axes = style.subplots(1, 1, width=style.DOUBLE, height=3)
    figures.settings_dots(found, 31.7, 80.0, "EmoInt", axes[0])
    check_readable(figure)
    figure, axes = style.subplots(1, 1, width=style.DOUBLE, height=2.4)
    figures.stuck_curves(followup_tables.curves(sources[0], found), 31.7, "EmoInt", axes[0])
    check_readable(figure)


def test_a_grid_that_is_not_run_is_shown_as_such():
    half = made("report_small", lambda spec: sst5(spec) if spec.batch_size != 4 else None)
    _, axes = style.subplots(1, 3, width=style.DOUBLE, height=2.1)
    figures.grid_heatmaps(followup_tables.grid(half), followup_tables.reports_best(), axes)
    assert {text.get_text() for text in axes[0].texts} == {"not\nrun"}
    _, axes = style.subplots(1, 3, width=style.DOUBLE, height=2.1)
    nothing = followup_tables.grid(made("report_small", lambda spec: None))
    figures.grid_heatmaps(nothing, followup_tables.reports_best(), axes)
    assert {text.get_text() for ax in axes for text in ax.texts} == {"not\nrun"}


def test_the_grids_of_both_profiles_are_the_one_that_the_report_searched():
    said = published.text_numbers("modarres").query("subject == 'search'")
    tried = {name: sorted(rows["value"].astype(float)) for name, rows in said.groupby("quantity")}
    for profile in ("report", "report_small"):
        found = followup_tables.grid(made(profile, lambda spec: None))
        assert {name: sorted(set(found[name].astype(float))) for name in followup_tables.GRID} == tried


def test_the_first_setting_of_the_report_is_its_best_one():
    best = followup_tables.reports_best()
    for spec in load_profile("report").specs():
        if (spec.objective, spec.corpus) == ("lcl", "emoint"):
            assert {name: getattr(spec, name) for name in best} == best
            break


def test_a_profile_that_does_not_ask_the_reports_questions_shows_those_that_do(tmp_path, monkeypatch):
    assert followup_tables.main_results("quick").name in followup_tables.MAIN
    monkeypatch.setenv("LCLSTUDY_RESULTS", str(tmp_path))
    with pytest.raises(StudyError, match=r"run_all\.sh report_small --only 05"):
        followup_tables.main_results()


# Runs that differ from the first setting in what is named alone


def test_runs_of_a_named_change_are_those_and_no_others():
    results = made("report_small", sst5)
    found = at(selection.changed(results, {"pooling": "mean"}), corpus="sst5", objective="scl_two_stage")
    assert len(found) == 3 and set(found["pooling"]) == {"mean"} and set(found["seed"]) == {0, 1, 2}
    protocol = "report,temperature_scale=positives"
    found = at(selection.changed(results, {"protocol": protocol}), corpus="sst5", objective="lcl")
    assert len(found) == 3 and set(found["protocol"]) == {protocol} and set(found["alpha"]) == {0.2}
    assert at(selection.changed(results, {"alpha": "0.7"}), corpus="sst5", objective="lcl")["temperature"].tolist() == [10]
    with pytest.raises(StudyError, match="poolnig"):
        selection.changed(results, {"poolnig": "mean"})


def test_claims_about_settings_are_judged_by_their_own_runs():
    results = [made("report_small", sst5)]
    claims = verdict_tables.claims().set_index("claim", drop=False)
    judged = verdict_tables.judge(results, claims.loc[["M33", "M35", "M36"]].reset_index(drop=True)).set_index("claim")
    assert judged.loc["M33", "verdict"] == "reproduced" and judged.loc["M33", "n"] == (45,)
    assert judged.loc["M35", "verdict"] == "reproduced" and judged.loc["M35", "n"] == (3, 3)
    assert judged.loc["M35", "other_encoder"] and judged.loc["M36", "verdict"] == "not run", "of its own encoder alone"
    assert "pooling mean" in verdict_tables.about(claims.loc["M35"].to_dict())
    assert "temperature times positives" in verdict_tables.about(claims.loc["M36"].to_dict())


def test_evidence_for_the_report_is_none_for_the_paper():
    results = [made("report_small", sst5)]
    claims = verdict_tables.claims()
    judged = verdict_tables.judge(results, claims[claims["paper"] == "suresh2021"])
    assert set(judged["verdict"]) == {"not run"}
