"""Entropy and calibration against their definitions; the tables against runs made by hand, the figures against the tables."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from lclstudy.analyses.uncertainty import figures, tables
from lclstudy.plan.spec import make_spec
from lclstudy.results.comparisons import scored
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore, read_frozen
from lclstudy.show import style
from lclstudy.show.text import words
from lclstudy.statistics import metrics
from lclstudy.statistics.tests import welch
from tests.material import check_readable, row_of

CLASSES = ("a", "b", "c")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two seeds of CE and LCL with scores, one of SCL that is never wrong, on three classes of the embedded corpus."""
    folder = tmp_path_factory.mktemp("entropy")
    store = RunStore(folder / "runs")
    specs = [make_spec("embedded", name, encoder="tiny", seed=seed) for name, seeds in (("ce", 2), ("lcl", 2), ("scl", 1))
             for seed in range(seeds)]  # fmt: skip
    truth = np.random.default_rng(99).integers(0, 3, 40)
    for number, spec in enumerate(specs):
        sure = 8.0 if spec.objective == "lcl" else 4.0
        scores = np.eye(3)[truth] * 0.97 + 0.01 if spec.objective == "scl" else _scores(number, truth, sure)
        split = dict(validation_probabilities=scores, validation_labels=truth, test_probabilities=scores, test_labels=truth)
        epochs = [{"epoch": 1, "loss": 1.0, "validation_accuracy": 0.5}]
        store.save(Record(spec, CLASSES, **split, epochs=epochs, best_epoch=1))
    return read_frozen(store.freeze(folder / "mine", specs), specs)


def _scores(seed, labels, sure):
    generator = np.random.default_rng(seed)
    scores = np.exp(sure / 4 * (generator.normal(size=(len(labels), 3)) + 1.2 * np.eye(3)[labels]))
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def curves(results):
    return tables.curves(results, scored(results))


def test_right_and_wrong_together_are_the_whole(results, curves):
    table = curves.set_index(["objective", "seed", "outcome", "k"])
    for objective, seed in (("ce", 0), ("ce", 1), ("lcl", 0)):
        rows = {outcome: table.loc[(objective, seed, outcome, 3)] for outcome in tables.OUTCOMES}
        together = sum(rows[outcome]["entropy"] * rows[outcome]["texts"] for outcome in ("right", "wrong"))
        assert rows["right"]["texts"] + rows["wrong"]["texts"] == rows["all"]["texts"] == 40
        assert together / 40 == pytest.approx(rows["all"]["entropy"])
    run = results.runs[(results.runs["objective"] == "ce") & (results.runs["seed"] == 1)].squeeze()
    never = table.xs("wrong", level="outcome").loc["scl"]
    assert never["entropy"].isna().all() and (never["texts"] == 0).all()
    by_definition = metrics.topk_entropy(results.probabilities(run["identity"]), 2).mean()
    assert table.loc[("ce", 1, "all", 2), "entropy"] == pytest.approx(by_definition)


def test_frozen_scores_are_exact_enough_for_entropies(results):
    """Half precision of the logarithms moves a mean entropy by far less than runs differ."""
    run = results.runs[(results.runs["objective"] == "lcl") & (results.runs["seed"] == 0)].squeeze()
    exact = _scores(2, results.labels(run["identity"]), 8.0)
    moved = metrics.topk_entropies(results.probabilities(run["identity"])).mean(axis=0) - metrics.topk_entropies(exact).mean(
        axis=0
    )
    assert np.abs(moved).max() < 2e-3


def test_peakier_is_judged_over_all_predictions_and_the_others_stand_beside(curves):
    table, found = curves, tables.differences(curves)
    row = row_of(found, a="lcl", b="ce")
    whole = table[(table["outcome"] == "all") & (table["k"] == 3)]
    expected = welch(*(whole[whole["objective"] == name]["entropy"] for name in ("lcl", "ce")))
    assert (row["p"], row["difference"]) == pytest.approx((expected.p, expected.difference))
    assert row["difference"] < 0, "the one with doubled logits is peakier"
    assert row["word"] == "undecided", "two runs decide nothing"
    wrong = table[(table["outcome"] == "wrong") & (table["k"] == 3)].groupby("objective")["entropy"].mean()
    assert row["wrong_difference"] == pytest.approx(wrong["lcl"] - wrong["ce"])
    single = row_of(found, a="lcl", b="scl")
    assert single["note"] == "one run: no test" and np.isnan(single["wrong_difference"]), "SCL is never wrong"


def test_calibration_is_that_of_scikit_learn_and_of_the_definitions(results):
    table = tables.calibration(results, scored(results))
    run = results.runs[(results.runs["objective"] == "ce") & (results.runs["seed"] == 0)].squeeze()
    row = table[(table["objective"] == "ce") & (table["seed"] == 0)].squeeze()
    scores, labels = results.probabilities(run["identity"]), results.labels(run["identity"])
    assert row["nll"] == pytest.approx(log_loss(labels, scores, labels=[0, 1, 2]))
    assert row["brier"] == pytest.approx(((scores - np.eye(3)[labels]) ** 2).sum(axis=1).mean())
    right, sure = scores.argmax(axis=1) == labels, scores.max(axis=1)
    assert row["auroc"] == pytest.approx((sure[right][:, None] > sure[~right]).mean())
    assert table.loc[table["objective"] == "scl", "auroc"].isna().all(), "SCL is never wrong"
    assert row["confidence"] == pytest.approx(scores.max(axis=1).mean())
    assert row["nll_scaled"] <= row["nll"] + 1e-6, "it was fitted on the same texts here"
    bins = tables.reliability(results, scored(results), bins=5)
    ce = bins[bins["objective"] == "ce"]
    assert ce["count"].sum() == 2 * 40 and len(ce) == 5


def test_the_words_follow_from_the_numbers(results, curves):
    found, calibrated = tables.differences(curves), tables.calibration(results, scored(results))
    said = words("analyses/uncertainty/said.md.j2", **tables.facts(found, calibrated)).splitlines()
    assert said[0].startswith("- **Embedded** (tiny), entropy of all scores: LCL − CE −")
    assert "LCL against CE is **undecided**" in said[0] and "(n = 2, 1)" in said[0]
    assert said[-1].startswith("- Confidence less accuracy") and "Embedded CE " in said[-1]
    assert list(tables.readable_calibration(calibrated)["n"]) == [2, 2, 1]
    assert (tables.readable_differences(found) != "").all().all()
    assert (tables.place("emoint", "all"), tables.place("emoint", "hard")) == ("EmoInt", "EmoInt, hard")


def test_a_line_per_objective_and_the_ceiling(curves):
    figure, of_all = figures.entropy_curves(curves), curves[curves["outcome"] == "all"]
    check_readable(figure)
    (ax,) = figure.axes
    *lines, ceiling = ax.lines
    means = of_all[of_all["k"] >= 2].groupby(["objective", "k"])["entropy"].mean()
    assert [list(line.get_ydata()) for line in lines] == [pytest.approx(means[name].tolist()) for name in ("ce", "scl", "lcl")]
    assert list(ceiling.get_ydata()) == list(np.log2([2, 3]))
    assert "bits" in ax.get_ylabel() and ax.get_ylim()[0] == 0
    assert "n = 1–2 runs, band: lowest to highest" in ax.get_title(loc="left")
    assert {text.get_text() for text in ax.texts} >= {"CE", "LCL", "SCL"}


def test_of_two_classes_there_are_points_and_one_tick(curves):
    (ax,) = figures.entropy_curves(curves[curves["k"] <= 2]).axes
    assert [line.get_marker() for line in ax.lines[:-1]] == ["o"] * 3
    assert [tick for tick in ax.get_xticks() if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]] == [2]


def test_differences_from_ce_of_all_right_and_wrong_predictions(curves):
    found = tables.differences(curves)
    figure, (ax,) = style.subplots(width=5.2, height=2)
    figures.differences(found, ax)
    check_readable(figure)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Embedded\nLCL − CE", "Embedded\nSCL − CE"]
    marks = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "D"]
    row = found[(found["a"] == "lcl") & (found["b"] == "ce")].squeeze()
    assert marks == [row["difference"], row["right_difference"], row["wrong_difference"]]
    assert "n = 2\nundecided" in {text.get_text() for text in ax.texts}


def test_reliability_leaves_out_bins_of_few_texts(results):
    bins = tables.reliability(results, scored(results), bins=5)
    figure = figures.reliability_diagrams(bins)
    check_readable(figure)
    (ax,) = figure.axes
    shown = [len(points.get_offsets()) for points in ax.collections]
    enough = bins[bins["count"] >= 10].groupby("objective").size()
    assert shown == [enough.get(name, 0) for name in ("ce", "scl", "lcl")]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("confidence (%)", "accuracy (%)")
