"""Weights by true class: what they are made of, that none is 0, and that making them leaves nothing behind."""

import numpy as np
import pytest
import torch

from lclstudy.models import encoders, label_weights

NAMES = ("very happy", "happy", "afraid", "car_engine")


@pytest.fixture(scope="module")
def encoder():
    return encoders.load("tiny", ["i was very happy", "she was afraid of the car engine", "happy days"])


def test_uniform_weights_are_all_the_same_and_sum_to_one():
    found = label_weights.uniform(5)
    assert found.shape == (5, 5)
    assert torch.allclose(found, torch.full((5, 5), 0.2))


def test_weights_from_confusion_are_smoothed_shares_of_each_true_class():
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = np.eye(3)[[0, 1, 1, 1, 1]]  # class 0 is taken for 1 twice; there is no text of class 2
    found = label_weights.from_confusion(labels, probabilities)
    expected = torch.tensor([[2 / 6, 3 / 6, 1 / 6], [1 / 5, 3 / 5, 1 / 5], [1 / 3, 1 / 3, 1 / 3]])
    assert torch.allclose(found, expected)
    assert found.dtype == torch.float32


def test_cosines_of_names_are_symmetric_with_a_diagonal_of_one(encoder):
    found = label_weights.name_cosines(NAMES, encoder)
    assert torch.allclose(found, found.T)
    assert torch.allclose(found.diagonal(), torch.ones(4))
    assert found.abs().max() <= 1 + 1e-6
    assert torch.equal(label_weights.name_cosines(NAMES, encoder), found)


def test_a_name_is_read_as_words_whatever_its_underscores_and_its_place(encoder):
    cosines = label_weights.name_cosines(("car_engine", "car engine", "afraid"), encoder)
    assert cosines[0, 1].item() == pytest.approx(1, abs=1e-6)
    turned = label_weights.name_cosines(("afraid", "car engine", "car_engine"), encoder)
    assert torch.allclose(turned, cosines.flip(0, 1), atol=1e-6)


def test_weights_from_names_are_a_softmax_of_the_cosines(encoder):
    found = label_weights.from_names(NAMES, encoder)
    expected = (label_weights.name_cosines(NAMES, encoder) / label_weights.NAME_TEMPERATURE).softmax(dim=1)
    assert torch.allclose(found, expected)
    assert torch.allclose(found.sum(dim=1), torch.ones(4))
    assert (found.argmax(dim=1) == torch.arange(4)).all(), "a name is nearest to itself"


def test_similarities_never_fall_below_the_least(encoder, monkeypatch):
    cosines = torch.tensor([[1.0, -0.4], [-0.4, 1.0]])
    monkeypatch.setattr(label_weights, "name_cosines", lambda names, encoder: cosines)
    found = label_weights.name_similarity(("a", "b"), encoder)
    assert found.tolist() == [[1.0, pytest.approx(label_weights.LEAST_SIMILARITY)], [pytest.approx(0.1), 1.0]]


def test_no_encoder_keeps_a_gradient_of_its_names(encoder):
    assert not label_weights.name_cosines(NAMES, encoder).requires_grad
