"""Entropy and calibration against their definitions and scikit-learn; the tables against runs made by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from lclstudy.analyses.uncertainty import tables
from lclstudy.errors import StudyError
from lclstudy.plan.spec import make_spec
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore, read_frozen
from lclstudy.statistics import metrics
from lclstudy.statistics.tests import welch

CLASSES = ("a", "b", "c")


def draw(seed, n=40, sure=4.0, classes=3):
    """Probabilities [n, C] of a model that is right more often than not, and labels."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, n)
    logits = generator.normal(size=(n, classes)) + sure * 0.4 * np.eye(classes)[labels]
    scores = np.exp(sure / 4 * logits)
    return scores / scores.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7])
def test_all_k_at_once_are_those_of_the_definition(k):
    scores, _ = draw(0, 30, classes=7)
    largest = -np.sort(-scores, axis=1)[:, :k]
    share = largest / largest.sum(axis=1, keepdims=True)
    by_hand = [-sum(p * np.log2(p) for p in row if p > 0) for row in share]
    assert metrics.topk_entropies(scores)[:, k - 1] == pytest.approx(by_hand)
    assert metrics.topk_entropies(scores)[:, k - 1] == pytest.approx(metrics.topk_entropy(scores, k))


def test_equal_scores_give_log2_k_and_one_hot_ones_nothing():
    assert metrics.topk_entropies(np.full((2, 8), 1 / 8))[0] == pytest.approx(np.log2(np.arange(1, 9)))
    assert metrics.topk_entropies(np.eye(4)) == pytest.approx(np.zeros((4, 4)), abs=1e-12)
    assert (metrics.topk_entropies(np.eye(4)) >= 0).all()
    tied = np.array([[0.4, 0.4, 0.2, 0.0]])
    assert metrics.topk_entropies(tied)[0, :2] == pytest.approx([0, 1])
    assert metrics.topk_entropies(tied)[0, 3] == pytest.approx(metrics.topk_entropies(tied)[0, 2]), "a score of 0 adds nothing"


def test_the_order_of_classes_does_not_matter():
    scores, _ = draw(1, classes=6)
    assert metrics.topk_entropies(scores[:, ::-1]) == pytest.approx(metrics.topk_entropies(scores))


@pytest.mark.parametrize("bad", [[[0.5, np.nan]], [[0.9, 0.9]], [[1.2, -0.2]], [0.5, 0.5], np.zeros((0, 3))])
def test_what_is_no_distribution_is_one_line(bad):
    for compute in (metrics.topk_entropies, lambda scores: metrics.brier_score(scores, np.zeros(len(scores), int))):
        with pytest.raises(StudyError) as raised:
            compute(np.array(bad))
        assert "\n" not in str(raised.value)


def test_brier_by_hand():
    scores = np.array([[0.7, 0.3], [0.4, 0.6]])
    assert metrics.brier_score(scores, np.array([0, 0])) == pytest.approx((2 * 0.3**2 + 2 * 0.6**2) / 2)
    assert metrics.brier_score(np.eye(3), np.arange(3)) == 0


def test_auroc_by_hand():
    scores = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.45, 0.55]])
    # right: 0.9, 0.8; wrong: 0.6, 0.55, so every right one is more confident
    assert metrics.confidence_auroc(scores, np.array([0, 1, 0, 0])) == 1.0
    assert metrics.confidence_auroc(scores, np.array([0, 1, 1, 1])) == pytest.approx(0.5)
    assert np.isnan(metrics.confidence_auroc(scores, np.array([0, 0, 0, 1])))


def test_the_best_temperature_undoes_what_made_a_model_too_sure():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (4000, 4))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([generator.choice(4, p=row) for row in honest])
    assert metrics.calibration_temperature(honest, labels) == pytest.approx(1, abs=0.08)
    too_sure = metrics.at_temperature(honest, 1 / 3)
    assert metrics.calibration_temperature(too_sure, labels) == pytest.approx(3, rel=0.08)
    assert metrics.at_temperature(too_sure, 3) == pytest.approx(honest, abs=1e-6)
    before, after = (metrics.expected_calibration_error(scores, labels) for scores in (too_sure, honest))
    assert after < before / 3


@pytest.fixture
def results(tmp_path):
    """Two seeds of CE and LCL with scores, one of SCL that is never wrong, on three classes of the embedded corpus."""
    store = RunStore(tmp_path / "runs")
    specs = [make_spec("embedded", name, encoder="tiny", seed=seed) for name, seeds in (("ce", 2), ("lcl", 2), ("scl", 1))
             for seed in range(seeds)]  # fmt: skip
    truth = draw(99)[1]
    for number, spec in enumerate(specs):
        sure = 8.0 if spec.objective == "lcl" else 4.0
        scores = np.eye(3)[truth] * 0.97 + 0.01 if spec.objective == "scl" else _scores(number, truth, sure)
        split = dict(validation_probabilities=scores, validation_labels=truth, test_probabilities=scores, test_labels=truth)
        epochs = [{"epoch": 1, "loss": 1.0, "validation_accuracy": 0.5}]
        store.save(Record(spec, CLASSES, **split, epochs=epochs, best_epoch=1))
    return read_frozen(store.freeze(tmp_path / "mine", specs), specs)


def _scores(seed, labels, sure):
    generator = np.random.default_rng(seed)
    scores = np.exp(sure / 4 * (generator.normal(size=(len(labels), 3)) + 1.2 * np.eye(3)[labels]))
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


def test_right_and_wrong_together_are_the_whole(results):
    table = tables.curves(results, tables.done(results)).set_index(["objective", "seed", "outcome", "k"])
    for objective, seed in (("ce", 0), ("ce", 1), ("lcl", 0)):
        rows = {outcome: table.loc[(objective, seed, outcome, 3)] for outcome in tables.OUTCOMES}
        together = sum(rows[outcome]["entropy"] * rows[outcome]["texts"] for outcome in ("right", "wrong"))
        assert rows["right"]["texts"] + rows["wrong"]["texts"] == rows["all"]["texts"] == 40
        assert together / 40 == pytest.approx(rows["all"]["entropy"])
    run = results.runs[(results.runs["objective"] == "ce") & (results.runs["seed"] == 1)].squeeze()
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


def test_no_wrong_prediction_has_no_entropy_and_breaks_nothing(results):
    table = tables.curves(results, tables.done(results))
    never = table[(table["objective"] == "scl") & (table["outcome"] == "wrong")]
    assert never["entropy"].isna().all() and (never["texts"] == 0).all()
    bands = tables.bands(table)
    band = bands[(bands["objective"] == "scl") & (bands["outcome"] == "wrong")]
    assert (band["n"] == 0).all() and band["mean"].isna().all()


def test_bands_span_the_runs(results):
    table = tables.curves(results, tables.done(results))
    bands = tables.bands(table)
    one = bands[(bands["objective"] == "ce") & (bands["outcome"] == "all") & (bands["k"] == 2)].squeeze()
    runs = table[(table["objective"] == "ce") & (table["outcome"] == "all") & (table["k"] == 2)]["entropy"]
    assert (one["n"], one["low"], one["high"]) == (2, runs.min(), runs.max())
    assert one["mean"] == pytest.approx(runs.mean())


def test_tests_are_welchs_over_runs_and_one_run_is_none(results):
    table = tables.curves(results, tables.done(results))
    tests = tables.entropy_tests(table)
    row = tests[(tests["outcome"] == "all") & (tests["a"] == "lcl") & (tests["b"] == "ce")].squeeze()
    whole = table[(table["outcome"] == "all") & (table["k"] == 3)]
    expected = welch(*(whole[whole["objective"] == name]["entropy"] for name in ("lcl", "ce")))
    assert (row["t"], row["difference"]) == pytest.approx((expected.t, expected.difference))
    assert row["difference"] < 0, "the one with doubled logits is peakier"
    assert row["p_holm"] >= row["p"]
    single = tests[(tests["outcome"] == "all") & (tests["b"] == "scl")].squeeze()
    assert single["note"] == "one run: no test"
    assert tests[tests["outcome"] == "wrong"]["b"].tolist() == ["ce"], "SCL is never wrong"


def test_calibration_is_that_of_scikit_learn_and_of_the_definitions(results):
    table = tables.calibration(results, tables.done(results))
    run = results.runs[(results.runs["objective"] == "ce") & (results.runs["seed"] == 0)].squeeze()
    row = table[(table["objective"] == "ce") & (table["seed"] == 0)].squeeze()
    scores, labels = results.probabilities(run["identity"]), results.labels(run["identity"])
    assert row["nll"] == pytest.approx(log_loss(labels, scores, labels=[0, 1, 2]))
    assert row["confidence"] == pytest.approx(scores.max(axis=1).mean())
    assert row["nll_scaled"] <= row["nll"] + 1e-6, "it was fitted on the same texts here"
    bins = tables.reliability(results, tables.done(results), bins=5)
    ce = bins[bins["objective"] == "ce"]
    assert ce["count"].sum() == 2 * 40 and set(ce["n"]) == {2} and len(ce) == 5


def test_the_words_follow_from_the_numbers(results):
    table = tables.curves(results, tables.done(results))
    calibrated = tables.calibration(results, tables.done(results))
    tests = tables.entropy_tests(table)
    said = tables.findings(tests, calibrated)
    assert any("entropy, all predictions, LCL − SCL" in line and "(one run: no test)" in line for line in said)
    assert said[-1].startswith("Embedded, confidence less accuracy in points")
    shown = tables.readable_calibration(calibrated)
    assert list(shown["n"]) == [2, 1, 2]
    assert (tables.readable_tests(tests) != "").all().all()
    assert tables.place_said("emoint", "") == "EmoInt"
    assert tables.place_said("emoint", "anger|fear", {"anger|fear": "hard"}) == "EmoInt, hard"
    assert isinstance(shown, pd.DataFrame)
