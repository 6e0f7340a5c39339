"""Entropy and calibration against their definitions; the tables against runs made by hand, the figures against the tables."""

import numpy as np
import pytest

from lclstudy.analyses.uncertainty import figures, tables
from lclstudy.results.comparisons import scored
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore, read_frozen
from lclstudy.show.text import words
from lclstudy.statistics import metrics
from lclstudy.statistics.tests import welch
from tests.analyses.drawing import drawn
from tests.material import check_readable, row_of, spec_of

TRUTH = np.random.default_rng(99).integers(0, 3, 40)


def random_scores(seed, sure):
    """Scores of the 40 texts on three classes, the more extreme the more `sure`."""
    logits = sure * (np.random.default_rng(seed).normal(size=(len(TRUTH), 3)) + 1.2 * np.eye(3)[TRUTH])
    return (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two seeds of CE and of LCL, which is surer, and one of SCL that is never wrong."""
    folder = tmp_path_factory.mktemp("entropy")
    store, specs, scores = RunStore(folder / "runs"), [], {}
    for number, run in enumerate([("ce", 0), ("ce", 1), ("lcl", 0), ("lcl", 1)]):
        scores[run] = random_scores(number, 2.0 if run[0] == "lcl" else 1.0)
    scores["scl", 0] = np.eye(3)[TRUTH] * 0.97 + 0.01
    for (objective, seed), each in scores.items():
        specs.append(spec_of(objective, seed))
        split = dict(validation_probabilities=each, validation_labels=TRUTH, test_probabilities=each, test_labels=TRUTH)
        epochs = [{"epoch": 1, "loss": 1.0, "validation_accuracy": 0.5}]
        store.save(Record(specs[-1], ("a", "b", "c"), **split, epochs=epochs, best_epoch=1))
    return read_frozen(store.freeze(folder / "mine", specs), specs)


@pytest.fixture(scope="module")
def curves(results):
    return tables.curves(results, scored(results))


def scores_of(results, objective, seed):
    return results.probabilities(row_of(results.runs, objective=objective, seed=seed)["identity"])


def test_curves_are_by_definition_and_right_and_wrong_together_are_the_whole(results, curves):
    table = curves.set_index(["objective", "seed", "outcome", "k"])
    whole, right, wrong = (table.loc[("lcl", 1, outcome, 3)] for outcome in tables.OUTCOMES)
    assert right["texts"] + wrong["texts"] == whole["texts"] == 40
    assert (right["entropy"] * right["texts"] + wrong["entropy"] * wrong["texts"]) / 40 == pytest.approx(whole["entropy"])
    never = table.xs("wrong", level="outcome").loc["scl"]
    assert never["entropy"].isna().all() and (never["texts"] == 0).all()
    by_definition = metrics.topk_entropy(scores_of(results, "ce", 1), 2).mean()
    assert table.loc[("ce", 1, "all", 2), "entropy"] == pytest.approx(by_definition)


def test_peakier_is_judged_over_all_predictions_and_the_others_stand_beside(results, curves):
    found = tables.differences(results, curves)
    row, single = row_of(found, a="lcl", b="ce"), row_of(found, a="lcl", b="scl")
    ends = curves[curves["k"] == 3]
    expected = welch(*(ends[(ends["outcome"] == "all") & (ends["objective"] == name)]["entropy"] for name in ("lcl", "ce")))
    assert (row["p"], row["difference"]) == pytest.approx((expected.p, expected.difference))
    assert row["difference"] < 0, "the one with doubled logits is peakier"
    assert row["word"] == "undecided", "two runs decide nothing"
    wrong = ends[ends["outcome"] == "wrong"].groupby("objective")["entropy"].mean()
    assert row["wrong_difference"] == pytest.approx(wrong["lcl"] - wrong["ce"])
    assert single["note"] == "one run: no test" and np.isnan(single["wrong_difference"]), "SCL is never wrong"


def test_calibration_is_that_of_the_definitions(results):
    table, scores = tables.calibration(results, scored(results)), scores_of(results, "ce", 0)
    row = row_of(table, objective="ce", seed=0)
    right, sure = scores.argmax(axis=1) == TRUTH, scores.max(axis=1)
    assert row["brier"] == pytest.approx(((scores - np.eye(3)[TRUTH]) ** 2).sum(axis=1).mean())
    assert row["auroc"] == pytest.approx((sure[right][:, None] > sure[~right]).mean())
    assert row["confidence"] == pytest.approx(sure.mean())
    assert row["nll_scaled"] <= row["nll"] + 1e-6, "it was fitted on the same texts here"
    assert np.isnan(row_of(table, objective="scl")["auroc"]), "SCL is never wrong"


def test_the_words_follow_from_the_numbers(results, curves):
    found, calibrated = tables.differences(results, curves), tables.calibration(results, scored(results))
    said = words("analyses/uncertainty/said.md.j2", **tables.facts(found, calibrated)).splitlines()
    assert said[0].startswith("- **Embedded** (tiny), entropy of all scores: LCL − CE −")
    assert "LCL against CE is **undecided**" in said[0] and "(n = 2, 1)" in said[0]
    assert said[-1].startswith("- Confidence less accuracy")
    assert list(tables.readable_calibration(calibrated)["n"]) == [2, 2, 1]
    assert (tables.readable_differences(found) != "").all().all()


def test_a_line_per_objective_and_the_ceiling(curves):
    figure, of_all = figures.entropy_curves(curves), curves[curves["outcome"] == "all"]
    check_readable(figure)
    (ax,) = figure.axes
    *lines, ceiling = ax.lines
    means = of_all[of_all["k"] >= 2].groupby(["objective", "k"])["entropy"].mean()
    assert [list(line.get_ydata()) for line in lines] == [pytest.approx(means[name].tolist()) for name in ("ce", "scl", "lcl")]
    assert list(ceiling.get_ydata()) == list(np.log2([2, 3]))
    assert "n = 1–2 runs, band: lowest to highest" in ax.get_title(loc="left")
    (ax,) = figures.entropy_curves(curves[curves["k"] <= 2]).axes
    assert [line.get_marker() for line in ax.lines[:-1]] == ["o"] * 3, "of two classes there are points"


def test_differences_from_ce_of_all_right_and_wrong_predictions(results, curves):
    found = tables.differences(results, curves)
    ax = drawn(figures.differences, found, height=2)
    marks = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "D"]
    assert marks == row_of(found, a="lcl", b="ce")[["difference", "right_difference", "wrong_difference"]].tolist()
    assert "n = 2\nundecided" in {text.get_text() for text in ax.texts}


def test_reliability_leaves_out_bins_of_few_texts(results):
    bins = tables.reliability(results, scored(results), bins=5)
    assert bins[bins["objective"] == "ce"]["count"].sum() == 2 * 40
    figure = figures.reliability_diagrams(bins, scored(results))
    check_readable(figure)
    assert figure.axes[0].get_title(loc="left") == "Embedded, tiny\nn = 1–2 runs on 40 test texts"
    enough = bins[bins["count"] >= 10].groupby("objective").size()
    shown = [len(points.get_offsets()) for points in figure.axes[0].collections]
    assert shown == [enough.get(name, 0) for name in ("ce", "scl", "lcl")]
