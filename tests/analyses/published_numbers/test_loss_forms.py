"""The printed loss equations in NumPy: against a double loop, against each other where they must agree, and their bounds."""

import math

import numpy as np
import pytest

from lclstudy.analyses.published_numbers import loss_forms
from lclstudy.errors import StudyError


def by_loop(features, labels, weights, temperature, place):
    """Eqs. 2 to 4 of the paper and Section 3.4 of the report, term by term as printed."""
    terms = []
    for i in range(len(labels)):
        others = [k for k in range(len(labels)) if k != i]
        total = 0.0
        positives = [p for p in others if labels[p] == labels[i]]
        for p in positives:
            own = 1.0 if place == "none" else weights[i, labels[i]]
            below = sum((1.0 if place == "none" else weights[i, labels[k]]) * math.exp(features[i] @ features[k] / temperature)
                        for k in others)  # fmt: skip
            above = math.exp(features[i] @ features[p] / temperature)
            total += own * math.log(above / below) if place == "outside" else math.log(own * above / below)
        terms.append(-total / len(positives) if positives else math.nan)
    return np.array(terms)


def random_rows(seed=0, rows=9, classes=3, size=4):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, size))
    weights = rng.dirichlet(np.ones(classes), rows)
    return features / np.linalg.norm(features, axis=1, keepdims=True), rng.integers(0, classes, rows), weights


@pytest.mark.parametrize("place", loss_forms.PLACES)
@pytest.mark.parametrize("temperature", [0.07, 0.3, 10.0])
def test_against_the_printed_double_loop(place, temperature):
    for seed in range(3):
        rows = random_rows(seed)
        found = loss_forms.contrastive_terms(*rows, temperature, place)
        assert found == pytest.approx(by_loop(*rows, temperature, place), nan_ok=True)
    made = loss_forms.example()
    inputs = (made.features, made.labels, made.weights)
    assert loss_forms.contrastive_terms(*inputs, temperature, place) == pytest.approx(by_loop(*inputs, temperature, place))


def test_a_row_without_positives_has_no_term():
    features, _, weights = random_rows(rows=3)
    assert np.isnan(loss_forms.contrastive_terms(features, [0, 1, 1], weights, 0.3)).tolist() == [True, False, False]


def test_equal_weights_inside_are_the_supervised_loss_and_their_scale_is_nothing():
    features, labels, weights = random_rows()
    plain = loss_forms.contrastive_terms(features, labels, weights, 0.3, "none")
    equal = loss_forms.contrastive_terms(features, labels, np.full_like(weights, 1 / 3), 0.3, "inside")
    assert equal == pytest.approx(plain)
    halved = loss_forms.contrastive_terms(features, labels, weights / 2, 0.3, "inside")
    assert halved == pytest.approx(loss_forms.contrastive_terms(features, labels, weights, 0.3, "inside"))
    outside = loss_forms.contrastive_terms(features, labels, np.full_like(weights, 1 / 3), 0.3, "outside")
    assert outside == pytest.approx((plain - math.log(3)) / 3)


def test_no_term_is_farther_from_equal_shares_than_the_bound():
    for seed in range(5):
        features = random_rows(seed, rows=8)[0]
        labels = np.arange(8) // 2  # one positive each
        for temperature in (0.07, 7, 1000):
            terms = loss_forms.contrastive_terms(features, labels, np.ones((8, 4)), temperature, "none")
            low, high = loss_forms.reachable(temperature, 8)
            assert (terms >= low - 1e-9).all() and (terms <= high + 1e-9).all()
            assert np.abs(terms - math.log(7)).max() <= loss_forms.farthest_from_uniform(temperature)


def test_the_reachable_ends_are_reached():
    features = np.array([[1.0, 0], [1, 0], [-1, 0], [-1, 0], [-1, 0]])
    low = loss_forms.contrastive_terms(features, [0, 0, 1, 1, 1], np.ones((5, 2)), 0.5, "none")[0]
    high = loss_forms.contrastive_terms(-features[[2, 0, 2, 3, 4]], [0, 0, 1, 1, 1], np.ones((5, 2)), 0.5, "none")[0]
    assert (low, high) == pytest.approx(loss_forms.reachable(0.5, 5))


def test_logarithms_of_what_is_negative_are_missing():
    features, labels, _ = random_rows()
    terms = loss_forms.contrastive_terms(features, labels, np.full((9, 3), -1.0), 0.3, "outside")
    assert np.isnan(terms).all()


def test_a_row_among_its_own_positives_lowers_the_loss():
    made = loss_forms.example()
    terms = loss_forms.contrastive_terms(made.features, made.labels, made.weights, 0.3, "none", with_itself=True)
    similarity = made.features @ made.features.T / 0.3
    below = np.log(np.exp(similarity).sum(axis=1) - np.exp(np.diag(similarity)))
    pairs = [(0, 1), (1, 0), (2, 3), (3, 2), (4, 5), (5, 4)]
    expected = [-(similarity[i, i] + similarity[i, p] - 2 * below[i]) / 2 for i, p in pairs]
    assert terms == pytest.approx(np.array(expected))


def test_bad_input_is_told():
    rows = random_rows()
    with pytest.raises(StudyError, match="Unknown place of the weight 'above'; allowed: none, inside, outside"):
        loss_forms.contrastive_terms(*rows, 0.3, "above")
    for temperature in (0, -1, math.nan):
        with pytest.raises(StudyError, match="temperature must be above 0"):
            loss_forms.contrastive_terms(*rows, temperature)
        with pytest.raises(StudyError, match="temperature must be above 0"):
            loss_forms.farthest_from_uniform(temperature)
    with pytest.raises(StudyError, match=r"Shapes must be \[K, H\]"):
        loss_forms.contrastive_terms(rows[0], rows[1][:-1], rows[2], 0.3)
    with pytest.raises(StudyError, match="2 rows or more"):
        loss_forms.reachable(0.3, 1)
