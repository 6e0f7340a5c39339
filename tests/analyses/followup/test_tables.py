"""The follow-up report's tables, grid, variants and failure, from runs made by hand of its own profiles; words and figures."""

from dataclasses import asdict
from functools import cache

import numpy as np
import pandas as pd
import pytest

from lclstudy.analyses.followup import figures, tables
from lclstudy.plan.profiles import load_profile
from lclstudy.results import published, selection
from lclstudy.results.frozen import Frozen
from lclstudy.show import marks
from tests.analyses.helpers import drawn, texts
from tests.material import refused, row_of


class Made(Frozen):
    """Frozen runs whose predictions are one label for all texts where the accuracy is at chance, else right."""

    def labels(self, identity, split="test"):
        return np.arange(40) % 4

    def predictions(self, identity, split="test"):
        accuracy = self.runs.set_index("identity").loc[identity, "test_accuracy"]
        return (accuracy >= 0.35) * self.labels(identity)


@cache
def made(name, score=lambda spec: None, profile=None):
    """Frozen results of a profile; `score` gives each spec its accuracy (0 to 1), or None: not run."""
    rows, epochs = [], []
    for spec in load_profile(profile or name).specs():
        found = score(spec)
        row = {**asdict(spec), "classes": "", "train_limit": pd.NA, "identity": spec.identity(), "validation_accuracy": found}
        rows.append({**row, "test_accuracy": found, "status": "not run" if found is None else "done"})
        if found is not None:
            epochs += [{**row, "epoch": epoch, "loss_ce": 1.0 / epoch, "loss_contrastive": 9.0} for epoch in (1, 2)]
    runs = pd.DataFrame(rows).astype({"test_accuracy": float, "validation_accuracy": float})
    return Made(name, runs, pd.DataFrame(epochs, columns=[*row, "epoch", "loss_ce", "loss_contrastive"]))


def planted(spec):
    """On EmoInt contrastive objectives fail unless their features are unit vectors. On SST-5 a higher alpha is better,
    cross-entropy is 0.4, and the lowest temperature collapses."""
    if spec.corpus == "emoint":
        return 0.8 if spec.objective == "ce" or "features=unit" in spec.protocol else 0.33
    if spec.corpus != "sst5" or spec.objective == "ce":
        return 0.4 if spec.corpus == "sst5" else None
    lower = 0.1 if "positives" in spec.protocol else 0.0
    well = 0.36 + 0.1 * spec.alpha - lower + 0.001 * spec.seed + 0.0001 * spec.batch_size
    return 0.2 if spec.temperature == 0.07 else well


def at(table, **wanted):
    return table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]


@cache
def failure(results):
    return tables.settings(results, "emoint", ["ce", "scl", "lcl"])


@cache
def variants(results):
    return tables.settings(results, "sst5", ["scl_two_stage", "scl", "lcl"])


def said(results, about=""):
    """The first line of the findings about something, or all of them."""
    told = tables.findings(tables.systems([results]), tables.grid(results), failure(results), variants(results), 31.7)
    return next(line for line in told.splitlines() if about in line) if about else told


def test_of_several_settings_the_first_of_the_profile_stands_for_the_method():
    results, mine = made("report_small", planted), made("mine", planted, "report_small")
    runs = selection.runs(results)
    lcl = at(runs, corpus="sst5", objective="lcl", encoder="gru")
    assert set(zip(lcl["alpha"], lcl["temperature"], lcl["batch_size"], strict=True)) == {(0.2, 10.0, 32)}
    assert len(selection.runs(mine)) == len(runs) < len(mine.runs), "also of a profile of one's own"
    found = at(selection.changed(results, {"pooling": "mean"}), corpus="sst5", objective="scl_two_stage")
    assert set(found["pooling"]) == {"mean"} and found["seed"].tolist() == [0, 1, 2]
    assert at(selection.changed(results, {"alpha": "0.7"}), corpus="sst5", objective="lcl")["temperature"].tolist() == [10]
    with refused("poolnig"):
        selection.changed(results, {"poolnig": "mean"})


def test_every_printed_number_stands_beside_a_run_with_the_reports_encoder_or_else_one_that_stands_in():
    small = made("minilm", lambda spec: 0.8 + 0.01 * spec.seed if spec.corpus == "emoint" else None)
    persian = made("report", lambda spec: 0.76 if spec.corpus == "parsinlu" else None)
    found = tables.systems([persian, small, made("baselines", lambda spec: 0.3 if spec.encoder == "gru" else None)])
    assert sorted(found["published"].dropna()) == sorted([*published.table("modarres")["value"], 25, 30, 50])  # 3 of its text
    row = row_of(found, corpus="emoint", objective="lcl")
    assert (row["ours"], bool(row["same"]), row["n"]) == ("minilm", False, 5)
    assert row_of(found, corpus="emoint", encoder="bert-base")["status"] == "not run", "BERT has no stand-in"
    rows = at(found, corpus="parsinlu", encoder="mbert")
    assert list(rows["published"]) == [76.0, 76.0] and at(rows, objective="lcl")["n"].item() == 3, "in both rows of Table 2"
    one, two = (tables.printed_table(found, number).set_index("System") for number in (1, 2))
    for table in (one, two):
        assert (table != "").all(axis=None) and table.notna().all(axis=None)
    assert one.loc["GRU", "EmpatheticDialogues"] == "30 / 30.0 (0.0) (n = 3)"
    assert "not run" not in two.loc["ELECTRA + LCL", "ParsiNLU sentiment"]
    report = made("report", planted)
    row = row_of(tables.systems([report, small]), corpus="emoint", objective="lcl")
    assert (row["ours"], bool(row["same"]), row["n"]) == ("electra-base", True, 3)
    settings = at(failure(report), objective="scl")["setting"].tolist()
    assert settings[0] == tables.AS_REPORTED and {*settings} >= {tables.AS_IN_THE_PAPER, "synonyms as second views"}


def test_the_grid_is_the_one_that_the_report_searched_and_its_first_setting_the_best():
    results = made("report_small", planted)
    found = tables.grid(results)
    assert len(found) == 45 and not found.duplicated(list(tables.GRID)).any()
    well = found[found["temperature"] > 1]
    assert well["mean"].to_numpy() == pytest.approx(36 + 10 * well["alpha"] + 0.01 * well["batch_size"], abs=0.11)
    assert set(found["one_label"][found["temperature"] < 1]) == {1.0} and set(well["one_label"]) == {0.25}
    told = published.text_numbers("modarres").query("subject == 'search'")
    tried = {name: sorted(rows["value"].astype(float)) for name, rows in told.groupby("quantity")}
    assert {name: sorted(set(found[name].astype(float))) for name in tables.GRID} == tried
    best = tables.reports_best()
    for profile in ("report", "report_small"):
        first = next(one for one in load_profile(profile).specs() if (one.objective, one.corpus) == ("lcl", "emoint"))
        assert {name: getattr(first, name) for name in best} == best


def test_the_failure_is_laid_at_the_setting_that_mends_it():
    results = made("report_small", planted)
    scl = at(failure(results), objective="scl").set_index("setting")
    assert scl.index[0] == tables.AS_REPORTED and len(scl) == 11
    shown = scl.loc["unit features", ["mean", "one_label", "contrast", "ce", "basis", "word"]]
    assert shown.tolist() == [80, 0.25, 9.0, 0.5, "texts, one seed", "undecided"]
    line = said(results, "**EmoInt, SCL**")
    mends, leaves = line.split("Changed, and not stuck: ")[1].split("Changed, and stuck: ")
    assert "33.0 % with the report's settings, stuck" in line and "mean over the batch, unit features: 80.0 %" in mends
    assert "temperature 0.3" not in mends and "temperature 0.3: 33.0 %" in leaves and "0.07: 33.0 % (n = 3)" in leaves


def test_what_is_not_run_is_said_and_shown_so():
    absent = made("report_small")
    shown, found = tables.readable_settings(failure(absent)), said(absent)
    assert shown.notna().all(axis=None) and (shown != "").all(axis=None)
    assert "**The grid on SST-5**: not run" in found and "**EmoInt**: the report's settings are not run" in found
    axes = drawn(figures.grid_heatmaps, tables.grid(absent), tables.reports_best(), "LCL on SST-5", height=2.4, columns=3)
    assert {text for ax in axes for text in texts(ax)} == {"not\nrun"}


def test_the_span_of_the_grid_and_the_variants_are_told():
    results = made("report_small", planted)
    row = row_of(variants(results), objective="scl", setting="temperature times positives")
    assert row["difference"] == pytest.approx(-10) and row["ci_low"] < -10 < row["ci_high"] and row["p"] < 0.001
    assert row["word"] == "below" and "pooling mean" in set(at(variants(results), objective="scl_two_stage")["setting"])
    told = said(results)
    assert "n = 1 for 44 of the settings: 45 of 45 settings give from 20.0 to 43.3 %, a span of 23.3 points" in told
    assert "Without the 9 that give nearly all texts one label, all at temperature 0.07, the span is 6.3 points" in told
    assert "below: SCL, temperature times positives −10.0 [−10.2, −9.8]; LCL, temperature" in told


def test_the_figures_show_what_the_tables_hold():
    systems = tables.systems([made("report", planted), made("baselines", lambda spec: 0.3)])
    results = made("report_small", planted)
    for shown in (tables.shown_systems(systems), tables.shown_settings(failure(results), 80.0)):
        drawn(figures.dots, shown, "EmoInt", height=marks.grouped_height(shown["group"]))
    axes = drawn(figures.grid_heatmaps, tables.grid(results), tables.reports_best(), "LCL on SST-5", height=2.4, columns=3)
    assert sum(len(ax.texts) for ax in axes) == 45


def test_a_profile_that_does_not_ask_the_reports_questions_shows_those_that_do(tmp_path, monkeypatch):
    assert tables.main_results("quick").name in tables.MAIN
    monkeypatch.setenv("LCLSTUDY_RESULTS", str(tmp_path))
    with refused("run_all.sh report_small --only 05"):
        tables.main_results()
