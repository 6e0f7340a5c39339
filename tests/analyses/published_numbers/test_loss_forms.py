"""The printed loss equations in NumPy: against a double loop, against each other where they must agree, and their bounds."""

import itertools
import math

import numpy as np
import pytest

from lclstudy.analyses.published_numbers import loss_forms
from lclstudy.analyses.published_numbers.loss_forms import contrastive_terms


def by_loop(features, labels, weights, temperature, place, with_itself=False):
    """Eqs. 2 to 4 of the paper and Section 3.4 of the report, term by term as printed."""
    terms = []
    for i in range(len(labels)):
        others = [k for k in range(len(labels)) if k != i]
        total = 0.0
        positives = [p for p in (range(len(labels)) if with_itself else others) if labels[p] == labels[i]]
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
@pytest.mark.parametrize("with_itself", [False, True])
def test_against_the_printed_double_loop(place, with_itself):
    features, labels, logits = loss_forms.example()
    for rows in (random_rows(0), random_rows(1), random_rows(rows=3), (features, labels, np.exp(logits))):
        found = contrastive_terms(*rows, 0.3, place, with_itself)
        assert found == pytest.approx(by_loop(*rows, 0.3, place, with_itself), nan_ok=True)


def test_no_term_is_farther_from_equal_shares_than_the_findings_say():
    features = np.array([[1.0, 0], [1, 0]] + [[-1.0, 0]] * 6)
    for rows, temperature in itertools.product((features, features[::-1]), (0.07, 7, 1000)):
        terms = contrastive_terms(rows, np.arange(8) // 2, np.ones((8, 4)), temperature, "none")  # one positive each
        assert np.abs(terms - math.log(7)).max() <= 2 / temperature
