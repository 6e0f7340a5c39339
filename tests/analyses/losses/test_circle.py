"""Pushes, forces and descents on the circle, against the gradients of the losses themselves and cases worked out by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from lclstudy.analyses.losses import circle
from lclstudy.models import losses

LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 0])
ANGLES = torch.deg2rad(torch.tensor([90.0, 180, 135, 225, 45, 345, 10], dtype=torch.float64))
WEIGHTS = torch.tensor([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8]], dtype=torch.float64)[LABELS]
APART = torch.deg2rad(torch.tensor([90.0, 90, 210, 210, 330, 330], dtype=torch.float64))


def test_points_are_unit_vectors_counter_clockwise_from_the_right():
    found = circle.points(torch.deg2rad(torch.tensor([0.0, 90.0, 180.0])))
    assert torch.allclose(found, torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]), atol=1e-6)
    assert torch.allclose(circle.points(ANGLES).norm(dim=1), torch.ones(7, dtype=torch.float64))


def test_downhill_is_minus_the_gradient_and_leaves_the_place_alone():
    place = torch.tensor([1.0, -2.0])
    assert torch.equal(circle.downhill(lambda x: (x**2).sum(), place), torch.tensor([-2.0, 4.0]))
    assert not place.requires_grad


def test_descent_keeps_its_way_and_finds_a_minimum():
    path = circle.descend(lambda x: ((x - 3) ** 2).sum(), torch.zeros(2), steps=60, rate=0.2)
    assert path.shape == (61, 2)
    assert torch.equal(path[0], torch.zeros(2))
    assert torch.allclose(path[1], torch.full((2,), 1.2))
    assert torch.allclose(path[-1], torch.full((2,), 3.0))


@pytest.mark.parametrize("variant", [None, *losses.VARIANTS])
@pytest.mark.parametrize("temperature", [0.1, 0.3, 10.0])
def test_forces_are_the_terms_of_the_gradient_of_the_loss(variant, temperature):
    """-dL/dh_j = 1/(K tau) (sum_i f_ij h_i + sum_k f_jk h_k): h_j stands in its own loss and in that of each other row."""

    def loss(features):
        if variant is None:
            return losses.supervised_contrastive(features, LABELS, temperature)
        return losses.label_aware_contrastive(features, LABELS, WEIGHTS, temperature, variant)

    features = circle.points(ANGLES)
    force = circle.forces(features, LABELS, temperature, None if variant is None else WEIGHTS, variant or "printed")
    assert torch.allclose(force.sum(dim=1), torch.zeros(7, dtype=torch.float64), atol=1e-12)
    expected = (force + force.T) @ features / (7 * temperature)
    assert torch.allclose(circle.downhill(loss, features), expected, rtol=1e-10, atol=1e-13)


def test_forces_refuse_an_unknown_variant():
    with pytest.raises(ValueError, match="Unknown variant 'press'; allowed: released, printed"):
        circle.forces(circle.points(ANGLES), LABELS, 0.3, WEIGHTS, "press")


def test_of_two_negatives_at_one_distance_the_push_goes_by_weight():
    features = circle.points(ANGLES)  # rows 2 (class 1) and 4 (class 2) are both 45 degrees from row 0
    plain, weighted = (circle.forces(features, LABELS, 0.3, w)[0] for w in (None, WEIGHTS))
    assert plain[2] / plain[4] == pytest.approx(1)
    assert weighted[2] / weighted[4] == pytest.approx(0.3 / 0.1)


def test_push_shares_add_up_and_leave_out_positives():
    found = circle.push_shares(circle.points(ANGLES), LABELS, [0.05, 0.3, 1e6], 0, WEIGHTS)
    assert torch.allclose(found.sum(dim=1), torch.ones(3, dtype=torch.float64))
    assert torch.equal(found[:, LABELS == 0], torch.zeros(3, 3, dtype=torch.float64))
    assert found[0, [2, 4]].sum() == pytest.approx(1, abs=1e-6)  # cold: the nearest negatives take all
    assert torch.allclose(found[2, [2, 3, 4, 5]], torch.tensor([3.0, 3, 1, 1], dtype=torch.float64) / 8, atol=1e-5)


def test_strength_falls_with_the_temperature():
    found = circle.strength(lambda h, t: losses.supervised_contrastive(h, LABELS, t), ANGLES, [0.3, 1000.0, 2000.0])
    one = circle.downhill(lambda a: losses.supervised_contrastive(circle.points(a), LABELS, 0.3), ANGLES)
    assert found[0].item() == pytest.approx(one.abs().sum().item())
    assert (found[1] / found[2]).item() == pytest.approx(2, rel=1e-2)  # a hot loss pushes as 1 / temperature


def test_class_angles():
    angles = torch.deg2rad(torch.tensor([350.0, 10, 90, 90, 200, 220]))
    found = torch.rad2deg(circle.class_angles(angles, torch.tensor([0, 0, 1, 1, 2, 2])))
    assert torch.allclose(found, torch.tensor([[0.0, 90, 150], [90, 0, 120], [150, 120, 0]]), atol=0.05)


def test_confusable_classes_come_to_rest_farther_apart():
    labels, weights, start = LABELS[:6], WEIGHTS[:6], ANGLES[:6]

    def loss(angles):
        return losses.label_aware_contrastive(circle.points(angles), labels, weights, 0.3, "printed")

    ends = torch.rad2deg(circle.class_angles(circle.descend(loss, start, 600, 0.3)[-1], labels))
    assert ends[0, 1] > 130 > 115 > ends[0, 2]
    assert ends[0, 1] + ends[0, 2] + ends[1, 2] == pytest.approx(360, abs=1e-3)


def test_released_loss_is_lowest_at_one_over_e_when_the_classes_are_apart():
    own = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    found = circle.by_own_weight(circle.points(APART), LABELS[:6], own, 0.05, "released")
    assert own[found.argmin()].item() == pytest.approx(1 / math.e, abs=0.01)
    assert found.min().item() == pytest.approx(-1 / math.e, abs=1e-3)
    printed = circle.by_own_weight(circle.points(APART), LABELS[:6], own, 0.3, "printed")
    assert (printed.diff() < 0).all()


def test_weighting_losses_and_what_their_gradients_say():
    labels, features, logits = LABELS[:6], circle.points(ANGLES[:6]), WEIGHTS[:6].log()
    found = circle.weighting_losses(features, labels, 0.3, alphas=(0.5, 0.1))
    assert list(found)[3:] == ["released + cross-entropy, α = 0.5", "released + cross-entropy, α = 0.1"]
    parts = {name: loss(logits).item() for name, loss in found.items()}
    assert parts["cross-entropy"] == pytest.approx(F.cross_entropy(logits, labels).item())
    assert parts["released + cross-entropy, α = 0.1"] == pytest.approx(
        0.1 * parts["cross-entropy"] + 0.9 * parts["LCL released"]
    )
    # The table of notebook 03, with Q the shares of the classes in the denominator.
    right, weights = F.one_hot(labels), WEIGHTS[:6]
    force = circle.forces(features, labels, 0.3, weights)
    positive = ((labels[:, None] == labels) & ~torch.eye(6, dtype=torch.bool)).double()
    shares = positive - force
    classes = shares @ right.double()
    own = weights.gather(1, labels[:, None])
    loss = -own * ((positive * shares).sum(dim=1, keepdim=True) / own).log()  # each has one positive
    told = {name: 6 * circle.downhill(found[name], logits) for name in list(found)[:3]}
    assert torch.allclose(told["cross-entropy"], right - weights)
    assert torch.allclose(told["LCL printed"], right - classes)
    assert torch.allclose(told["LCL released"], own * (weights - classes) - loss * (right - weights))


def test_what_the_notebook_says_is_what_the_losses_do():
    """With classes apart and one positive L = w log w: lowest at 1/e, where descent on it alone ends."""
    angles, labels, weights = ANGLES[:6], LABELS[:6], WEIGHTS[:6]
    found = circle.study(angles, labels, weights, 0.3)
    told = circle.facts(found, labels)
    assert told["best"] == pytest.approx(1 / math.e, abs=0.01) and told["lowest"] == pytest.approx(-1 / math.e, abs=1e-2)
    assert told["alone"] == pytest.approx(1 / math.e, abs=0.02) and told["start"] == pytest.approx(
        weights[range(6), labels].mean()
    )
    assert told["alone"] < told["mixed"][0.1] < told["mixed"][0.5]
    assert told["harder"]["SCL"] == pytest.approx(1) and told["harder"]["LCL printed"] == pytest.approx(3)
    contrast = circle.contrasts(labels, weights, 0.3)
    assert all(contrast[name](path[-1]) < contrast[name](path[0]) for name, path in found.paths.items())
    assert torch.equal(found.paths["SCL"][1], angles + 0.2 * circle.downhill(contrast["SCL"], angles))
