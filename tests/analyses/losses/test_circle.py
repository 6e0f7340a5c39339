"""Pushes, forces and descents on the circle, against the gradients of the losses themselves and cases worked out by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from lclstudy.analyses.losses import circle

LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 0])
ANGLES = torch.deg2rad(torch.tensor([90.0, 180, 135, 225, 45, 345, 10], dtype=torch.float64))
WEIGHTS = torch.tensor([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8]], dtype=torch.float64)[LABELS]
SIX = ANGLES[:6], LABELS[:6], WEIGHTS[:6]


def test_descent_follows_minus_the_gradient_keeps_its_way_and_finds_a_minimum():
    path = circle.descend(lambda x: ((x - 3) ** 2).sum(), torch.zeros(2), steps=60, rate=0.2)
    assert path.shape == (61, 2)
    assert path[[0, 1, -1], 0].tolist() == pytest.approx([0, 1.2, 3])


@pytest.mark.parametrize("name", circle.CONTRASTIVE)
def test_forces_are_the_terms_of_the_gradient_of_the_loss(name):
    """-dL/dh_j = 1/(K tau) (sum_i f_ij h_i + sum_k f_jk h_k): h_j stands in its own loss and in that of each other row."""
    features = circle.points(ANGLES)
    for temperature in (0.1, 10.0):
        force = circle.forces(features, LABELS, WEIGHTS, temperature, name)
        assert torch.allclose(force.sum(dim=1), torch.zeros(7, dtype=torch.float64), atol=1e-12)
        expected = (force + force.T) @ features / (7 * temperature)
        found = circle.downhill(lambda at, tau=temperature: circle.CONTRASTIVE[name](at, LABELS, WEIGHTS, tau), features)
        assert torch.allclose(found, expected, rtol=1e-10, atol=1e-13)


def test_push_shares_add_up_and_leave_out_positives():
    found = circle.push_shares(circle.points(ANGLES), LABELS, WEIGHTS, [0.05, 0.3, 1e6], 0, "LCL released")
    assert torch.allclose(found.sum(dim=1), torch.ones(3, dtype=torch.float64))
    assert not found[:, LABELS == 0].any()
    assert found[0, [2, 4]].sum() == pytest.approx(1, abs=1e-6)  # cold: the nearest negatives take all
    assert found[2, [2, 3, 4, 5]].tolist() == pytest.approx([3 / 8, 3 / 8, 1 / 8, 1 / 8], abs=1e-5)


def test_strength_falls_with_the_temperature():
    found = circle.strength(ANGLES, LABELS, WEIGHTS, [0.3, 1000.0, 2000.0], "SCL")
    assert found[0] == circle.downhill(circle.contrasts(LABELS, WEIGHTS, 0.3)["SCL"], ANGLES).abs().sum()
    assert (found[1] / found[2]).item() == pytest.approx(2, rel=1e-2)  # a hot loss pushes as 1 / temperature


def test_class_angles():
    assert circle.points(torch.deg2rad(torch.tensor([90.0])))[0].tolist() == pytest.approx([0, 1], abs=1e-6)
    angles = torch.deg2rad(torch.tensor([350.0, 10, 90, 90, 200, 220]))
    found = torch.rad2deg(circle.class_angles(angles, SIX[1]))
    assert torch.allclose(found, torch.tensor([[0.0, 90, 150], [90, 0, 120], [150, 120, 0]]), atol=0.05)


def test_weighting_losses_and_what_their_gradients_say():
    angles, labels, weights = SIX
    features, logits = circle.points(angles), weights.log()
    found = circle.weighting_losses(features, labels, 0.3)
    parts = {name: loss(logits).item() for name, loss in found.items()}
    assert parts["cross-entropy"] == pytest.approx(F.cross_entropy(logits, labels).item())
    mixed = 0.1 * parts["cross-entropy"] + 0.9 * parts["LCL released"]
    assert parts["released + cross-entropy, α = 0.1"] == pytest.approx(mixed)
    # The table of notebook 03, with Q the shares of the classes in the denominator.
    right = F.one_hot(labels)
    positive = ((labels[:, None] == labels) & ~torch.eye(6, dtype=torch.bool)).double()
    shares = positive - circle.forces(features, labels, weights, 0.3, "LCL printed")
    classes = shares @ right.double()
    own = weights.gather(1, labels[:, None])
    loss = -own * ((positive * shares).sum(dim=1, keepdim=True) / own).log()  # each has one positive
    told = {name: 6 * circle.downhill(found[name], logits) for name in list(found)[:3]}
    assert torch.allclose(told["cross-entropy"], right - weights)
    assert torch.allclose(told["LCL printed"], right - classes)
    assert torch.allclose(told["LCL released"], own * (weights - classes) - loss * (right - weights))


def test_what_the_notebook_says_is_what_the_losses_do():
    """With classes apart and one positive L = w log w: lowest at 1/e, where descent on it alone ends."""
    angles, labels, weights = SIX
    found = circle.study(angles, labels, weights, 0.3)
    told = circle.facts(found, labels)
    assert told["best"] == pytest.approx(1 / math.e, abs=0.01) and told["lowest"] == pytest.approx(-1 / math.e, abs=1e-2)
    assert told["alone"] == pytest.approx(1 / math.e, abs=0.02)
    assert told["start"] == pytest.approx(weights[range(6), labels].mean())
    assert told["alone"] < told["mixed"][0.1] < told["mixed"][0.5]
    assert (found.curves["classes apart", "LCL printed"][1:] < found.curves["classes apart", "LCL printed"][:-1]).all()
    assert told["harder"]["SCL"] == pytest.approx(1) and told["harder"]["LCL printed"] == pytest.approx(3)
    contrast = circle.contrasts(labels, weights, 0.3)
    assert all(contrast[name](path[-1]) < contrast[name](path[0]) for name, path in found.paths.items())
    ends = torch.rad2deg(circle.class_angles(found.paths["LCL printed"][-1], labels))
    assert ends[0, 1] > 130 > 115 > ends[0, 2], "confusable classes come to rest farther apart"
