"""Pushes and descents on the circle against the gradients of the losses and cases worked by hand; what figures are given."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lclstudy.analyses.losses import circle, figures
from lclstudy.show import style
from lclstudy.show.text import words
from tests.analyses.helpers import texts
from tests.material import check_readable

LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 0])
ANGLES = torch.deg2rad(torch.tensor([90.0, 180, 135, 225, 45, 345, 10], dtype=torch.float64))
WEIGHTS = torch.tensor([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8]], dtype=torch.float64)[LABELS]
SIX = ANGLES[:6], LABELS[:6], WEIGHTS[:6]


def test_descent_follows_minus_the_gradient_keeps_its_way_and_finds_a_minimum():
    path = circle.descend(lambda x: ((x - 3) ** 2).sum(), torch.zeros(2), steps=60, rate=0.2)
    assert path.shape == (61, 2)
    assert path[[0, 1, -1], 0].tolist() == pytest.approx([0, 1.2, 3])


def test_forces_are_the_terms_of_the_gradient_of_the_loss():
    """-dL/dh_j = 1/(K tau) (sum_i f_ij h_i + sum_k f_jk h_k): h_j stands in its own loss and in that of each other row."""
    features = circle.points(ANGLES)
    for (name, loss), tau in itertools.product(circle.CONTRASTIVE.items(), (0.1, 10.0)):
        force = circle.forces(features, LABELS, WEIGHTS, tau, name)
        assert torch.allclose(force.sum(dim=1), torch.zeros(7, dtype=torch.float64), atol=1e-12)
        found = circle.downhill(lambda at, loss=loss, tau=tau: loss(at, LABELS, WEIGHTS, tau), features)
        assert torch.allclose(found, (force + force.T) @ features / (7 * tau), rtol=1e-10, atol=1e-13)


def test_class_angles():
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
    said = words("analyses/losses/said.md.j2", **told)
    for part in ("a degenerate optimum", "no such optimum", "at one distance", "do what they are for", "further apart, as"):
        assert part in said
    told |= {"best": 0.95, "printed_best": 0.4, "harder": dict.fromkeys(told["harder"], 2.0)}
    said = words("analyses/losses/said.md.j2", **told | {"wide": {"SCL": 90.0, "LCL released": 60.0}})
    nearer = "released.\n- The confusable classes come to rest no further apart"
    assert all(part in said for part in ("is sure**", "is lowest at 0.40", "the negatives 3 and 5", nearer))


DEGREES, SIX_LABELS = np.rad2deg(SIX[0].numpy()), SIX[1].numpy()
CLASSES = ["sad", "devastated", "joyful"]


def degrees(x, y):
    return np.rad2deg(np.arctan2(y, x)) % 360


def test_points_are_numbered_where_they_are():
    figure, (left,) = style.subplots(height=2.9)
    figures.circle(DEGREES, SIX_LABELS, left, "six points", [CLASSES[label] for label in SIX_LABELS])
    assert texts(left) == ["1", "sad", "2", "sad", "3", "devastated", "4", "devastated", "5", "joyful", "6", "joyful"]
    assert [degrees(*text.get_position()) for text in left.texts[::2]] == pytest.approx(DEGREES)
    check_readable(figure)


def test_arrows_go_the_way_of_the_push_and_ends_name_the_classes():
    figure, (left, right) = style.subplots(1, 2, style.DOUBLE, 2.9)
    push = np.array([1.0, -1.0, 0.5, -0.5, 0.2, 0.01])
    figures.circle(DEGREES, SIX_LABELS, left, "push", [f"{value:+.2f}" for value in push], inside=True)
    figures.arrows(DEGREES, push, left)
    ways = [line.get_xydata() for line in left.lines if len(line.get_xdata()) == 28]
    assert len(ways) == 4  # the others are shorter than the mark of their point
    starts, ends = (np.array([degrees(*way[place]) for way in ways]) for place in (0, -1))
    assert starts == pytest.approx(DEGREES[:4]) and np.sign(ends - starts).tolist() == np.sign(push[:4]).tolist()
    figures.ends(np.linspace(DEGREES, [100, 100, 234, 234, -10, 350], 20), SIX_LABELS, CLASSES, right, "SCL")
    marks = [degrees(*line.get_xydata()[0]) for line in right.lines if line.get_markersize() == 10]
    assert (texts(right), marks) == (CLASSES, pytest.approx([100, 234, 350]))
    check_readable(figure)


def test_lines_of_all_panels_share_one_key():
    figure, axes = style.panels(4, height=2.5)
    assert len(axes) == len(figure.axes) == 4, "two places stay empty"
    curves = {"cross-entropy": np.array([0.4, -0.3, -0.1]), "LCL released": np.array([-0.1, 0.07, 0.03])}
    figures.lines(np.arange(3), curves, axes[0], "weights", "step", "weight")
    figures.mark(axes[0], 1, -0.3, "lowest", "LCL released", (20, 8))
    figures.lines(np.arange(3), {**curves, "SCL": np.ones(3)}, axes[3], "weights", "step", "weight")
    figures.key(axes)
    key = [text.get_text() for text in figure.legends[0].get_texts()]
    assert key == [*curves, "SCL"]
    check_readable(figure)
