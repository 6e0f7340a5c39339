"""Weights by true class: what they are made of, that none is 0, and that making them leaves nothing behind."""

import numpy as np
import pytest
import torch

from lclstudy.models import encoders, label_weights

NAMES = ("very happy", "happy", "afraid", "car_engine")


def test_weights_from_confusion_are_smoothed_shares_of_each_true_class():
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = np.eye(3)[[0, 1, 1, 1, 1]]  # class 0 is taken for 1 twice; there is no text of class 2
    found = label_weights.from_confusion(labels, probabilities)
    assert torch.allclose(found, torch.tensor([[2 / 6, 3 / 6, 1 / 6], [1 / 5, 3 / 5, 1 / 5], [1 / 3, 1 / 3, 1 / 3]]))
    assert torch.allclose(label_weights.uniform(5), torch.full((5, 5), 0.2))


def test_cosines_of_names_whatever_their_underscores_and_places_and_the_weights_made_of_them(monkeypatch):
    encoder = encoders.load("tiny", ["i was very happy", "she was afraid of the car engine", "happy days"])
    found = label_weights.name_cosines(NAMES, encoder)
    assert torch.allclose(found, found.T) and torch.allclose(found.diagonal(), torch.ones(4))
    assert torch.allclose(label_weights.name_cosines(NAMES[::-1], encoder), found.flip(0, 1), atol=1e-6)
    assert label_weights.name_cosines(("car_engine", "car engine"), encoder)[0, 1].item() == pytest.approx(1, abs=1e-6)
    monkeypatch.setattr(label_weights, "name_cosines", lambda *_: torch.tensor([[1.0, -0.4], [-0.4, 1.0]]))
    own = torch.tensor(1.4 / label_weights.NAME_TEMPERATURE).sigmoid()  # a softmax of two
    assert torch.allclose(label_weights.from_names((), None), torch.stack([own, 1 - own, 1 - own, own]).view(2, 2))
    least = label_weights.LEAST_SIMILARITY
    assert torch.allclose(label_weights.name_similarity((), None), torch.tensor([[1.0, least], [least, 1.0]]))
