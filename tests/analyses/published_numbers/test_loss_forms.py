"""The printed loss equations in NumPy: against the losses that train, and their bounds."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.special import softmax

from lclstudy.analyses.losses.circle import CONTRASTIVE
from lclstudy.analyses.published_numbers import loss_forms
from lclstudy.analyses.published_numbers.loss_forms import contrastive_terms


def random_rows(rows=9, classes=3, size=4):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, size))
    weights = rng.dirichlet(np.ones(classes), rows)
    return features / np.linalg.norm(features, axis=1, keepdims=True), rng.integers(0, classes, rows), weights


@pytest.mark.parametrize(("place", "loss"), list(zip(loss_forms.PLACES, CONTRASTIVE.values(), strict=True)))
def test_the_printed_terms_are_those_of_the_losses_that_train(place, loss):
    features, labels, logits = loss_forms.example()
    for rows in (random_rows(), (features, labels, softmax(logits, axis=1))):
        terms = contrastive_terms(*rows, 0.3, place)
        assert np.nanmean(terms) == pytest.approx(loss(*map(torch.as_tensor, rows), 0.3).item())
        alone = [int((rows[1] == label).sum()) == 1 for label in rows[1]]
        assert np.isnan(terms).tolist() == alone, "only a row without positives has no term"


def test_a_row_among_its_own_positives_adds_a_term():
    features, labels, weights = random_rows()
    terms, more = (contrastive_terms(features, labels, weights, 0.3, "none", itself) for itself in (False, True))
    similarity = np.exp(features @ features.T / 0.3)
    own = -np.log(similarity.diagonal() / (similarity.sum(axis=1) - similarity.diagonal()))
    count = (labels[:, None] == labels).sum(axis=1)
    assert more == pytest.approx((np.nan_to_num(terms) * (count - 1) + own) / count)


def test_no_term_is_farther_from_equal_shares_than_the_findings_say():
    features = np.array([[1.0, 0], [1, 0]] + [[-1.0, 0]] * 6)
    for rows, temperature in itertools.product((features, features[::-1]), (0.07, 7, 1000)):
        terms = contrastive_terms(rows, np.arange(8) // 2, np.ones((8, 4)), temperature, "none")  # one positive each
        assert np.abs(terms - math.log(7)).max() <= 2 / temperature
