"""Metrics against values worked by hand, against their definition, and on input that does not fit."""

import math

import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy

from lclstudy.statistics import metrics
from tests.material import refused

LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 2, 1])


def test_accuracy_confusion_and_weighted_f1_by_hand():
    assert metrics.accuracy(LABELS, PREDICTIONS) == 3 / 6
    assert metrics.confusion_matrix(LABELS, PREDICTIONS, 3).tolist() == [[2, 1, 0], [0, 1, 1], [0, 1, 0]], "row: true class"
    assert metrics.confusion_matrix(LABELS, PREDICTIONS, ["a", "b", "c", "d"]).shape == (4, 4), "also of a class that never is"
    # class 0: precision 2/2, recall 2/3, F1 4/5; class 1: 1/3, 1/2, F1 2/5; class 2: never right, F1 0
    assert metrics.weighted_f1(LABELS, PREDICTIONS) == pytest.approx((3 * 4 / 5 + 2 * 2 / 5) / 6)
    assert metrics.weighted_f1(LABELS[:3], PREDICTIONS[:3]) == pytest.approx(4 / 5), "class 1, never true, has no weight"


def test_confused_pairs_and_confident_errors_by_hand():
    confusion = np.array([[9, 1, 0, 2], [2, 5, 0, 0], [0, 0, 4, 3], [0, 0, 1, 7]])
    assert metrics.confused_pairs(confusion) == [(2, 3, 4), (0, 1, 3), (0, 3, 2)]
    assert metrics.confused_pairs(np.eye(3, dtype=int)) == []
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
    labels = np.array([0, 0, 1, 1, 1])  # wrong: 1 (0.8), 2 (0.6), 4 (0.8)
    for count, rows in ((5, [1, 4, 2]), (1, [1])):
        assert metrics.confident_errors(probabilities, labels, count).tolist() == rows
    assert metrics.confident_errors(probabilities[:1], labels[:1], 5).tolist() == []


def test_topk_entropy_is_its_definition():
    drawn = np.random.default_rng(0).dirichlet(np.full(7, 0.3), 20)
    probabilities = np.concatenate([drawn, np.eye(7), np.full((1, 7), 1 / 7)])
    for k in range(1, 8):
        wanted = [scipy_entropy(sorted(row)[-k:], base=2) for row in probabilities]  # which normalises
        assert metrics.topk_entropy(probabilities, k) == pytest.approx(wanted, abs=1e-9)


PROBABILITIES = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
TRUTH = np.array([0, 1, 0, 1])


def test_likelihood_reliability_and_calibration_error_by_hand():
    assert metrics.negative_log_likelihood(PROBABILITIES, TRUTH) == pytest.approx(-math.log(0.9 * 0.2 * 0.6 * 0.7) / 4)
    assert 30 < metrics.negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1])) < 40, "finite also at 0"
    found = metrics.reliability(PROBABILITIES, TRUTH, bins=4)  # confidences .9 .8 | .6 .7; right: yes no | yes yes
    assert found["count"].tolist() == [0, 0, 2, 2]
    assert found["confidence"][2:] == pytest.approx([0.65, 0.85])
    assert found["accuracy"][2:] == pytest.approx([1.0, 0.5])
    assert np.isnan(found["accuracy"][:2]).all() and np.isnan(found["confidence"][:2]).all()
    sure = np.array([[1.0, 0.0], [0.5, 0.5]])
    assert metrics.reliability(sure, np.array([0, 0]), bins=2)["count"].tolist() == [1, 1], "an edge is of the bin below"
    assert metrics.expected_calibration_error(PROBABILITIES, TRUTH, bins=4) == pytest.approx((2 * 0.35 + 2 * 0.35) / 4)


def test_the_best_temperature_undoes_what_made_a_model_too_sure():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (4000, 4))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([generator.choice(4, p=row) for row in honest])
    assert metrics.calibration_temperature(honest, labels) == pytest.approx(1, abs=0.08)
    too_sure = metrics.at_temperature(honest, 1 / 3)
    assert metrics.calibration_temperature(too_sure, labels) == pytest.approx(3, rel=0.08)
    assert metrics.at_temperature(too_sure, 3) == pytest.approx(honest, abs=1e-6)


def test_what_does_not_fit_is_told():
    for bad in ([[0.5, np.nan]], [[2.0, -1.0]], [[0.5, 0.4]], [0.5, 0.5]):
        with refused("rows that sum to 1"):
            metrics.topk_entropy(np.array(bad), 1)
    for k in (0, 4, 2.5):
        with refused("from 1 to the number of classes, 3"):
            metrics.topk_entropy(np.full((2, 3), 1 / 3), k)
    with refused("from 0 to 1; given 0 to 2"):
        metrics.confusion_matrix(np.array([0, 2]), np.array([0, 1]), 2)
