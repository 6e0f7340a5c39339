"""Points on the unit circle, on which the contrastive losses can be followed by hand.

Features are unit vectors, so in two dimensions a point is one number, its angle, and the gradient of a loss one number per
point: which way it moves along the circle, and how hard it is pushed. The same holds for real features: normalising them
removes the part of a gradient that points to or from the origin.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lclstudy.models.losses import VARIANTS, label_aware_contrastive, supervised_contrastive

Loss = Callable[[Tensor], Tensor]  # from a place to a scalar


def points(angles: Tensor) -> Tensor:
    """The unit vectors [K, 2] at `angles` [K], in radians, counted counter-clockwise from the right."""
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def downhill(loss: Loss, at: Tensor) -> Tensor:
    """Minus the gradient of a scalar loss at `at`, in its shape: where gradient descent goes from there."""
    place = at.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(place), place)
    return -gradient


def descend(loss: Loss, start: Tensor, steps: int, rate: float) -> Tensor:
    """Plain gradient descent: `start` and the place after each step, [steps + 1, ...]."""
    path = [start.detach()]
    for _ in range(steps):
        path.append(path[-1] + rate * downhill(loss, path[-1]))
    return torch.stack(path)


def forces(
    features: Tensor, labels: Tensor, temperature: float, weights: Tensor | None = None, variant: str = "printed"
) -> Tensor:
    """Minus the gradient of each anchor's own loss by its similarities: [K, K], entry i, k is -dL_i / ds_ik.

    Above 0 the loss of row i pulls row k towards it, below 0 it pushes it away; each row adds up to 0. Worked out:

    SCL:          [k in P(i)] / |P(i)| - exp(s_ik) / sum_{j != i} exp(s_ij)
    LCL printed:  [k in P(i)] / |P(i)| - w_i,yk exp(s_ik) / sum_{j != i} w_i,yj exp(s_ij)
    LCL released: w_i,yi times that of the printed form

    `features` [K, H] unit rows; `labels` [K]; `weights` [K, C], none for SCL. Every row must have a positive. Raises
    ValueError on an unknown variant.
    """
    if variant not in VARIANTS:
        raise ValueError(f"Unknown variant {variant!r}; allowed: {', '.join(VARIANTS)}.")
    itself = torch.eye(len(labels), dtype=torch.bool)
    positive = (labels[:, None] == labels[None, :]) & ~itself
    similarity = features @ features.T / temperature
    if weights is not None:
        similarity = similarity + weights[:, labels].log()
    shares = similarity.masked_fill(itself, float("-inf")).softmax(dim=1)
    found = positive / positive.sum(dim=1, keepdim=True) - shares
    own = weights.gather(1, labels[:, None]) if weights is not None and variant == "released" else 1.0
    return own * found


def push_shares(
    features: Tensor, labels: Tensor, temperatures: Iterable[float], anchor: int, weights: Tensor | None = None
) -> Tensor:
    """How the push on an anchor is divided among its negatives at each temperature: [T, K], rows sum to 1, 0 for the others.

    Arguments as those of `forces`; printed and released LCL divide it in the same way.
    """
    negative = labels != labels[anchor]
    rows = [-forces(features, labels, temperature, weights)[anchor] * negative for temperature in temperatures]
    return torch.stack([row / row.sum() for row in rows])


def strength(loss: Callable[[Tensor, float], Tensor], angles: Tensor, temperatures: Iterable[float]) -> Tensor:
    """How hard all points are pushed along the circle at each temperature, [T]: the sum of the absolute derivatives.

    `loss` takes features and a temperature.
    """
    pushes = [downhill(lambda place, t=t: loss(points(place), t), angles) for t in temperatures]
    return torch.stack(pushes).abs().sum(dim=1)


def class_angles(angles: Tensor, labels: Tensor) -> Tensor:
    """The angles between the mean directions of the classes, [C, C], in radians, 0 to pi."""
    means = torch.stack([points(angles[labels == label]).mean(dim=0) for label in labels.unique()])
    return F.cosine_similarity(means[:, None], means[None, :], dim=2).clamp(-1, 1).acos()


def by_own_weight(features: Tensor, labels: Tensor, own: Iterable[float], temperature: float, variant: str) -> Tensor:
    """LCL of the batch where every row gives its own class the weight `own` (0 to 1, each in turn), the others equal shares."""
    right = F.one_hot(labels).to(features.dtype)
    others = (1 - right) / (right.shape[1] - 1)
    rows = [weight * right + (1 - weight) * others for weight in own]
    return torch.stack([label_aware_contrastive(features, labels, row, temperature, variant) for row in rows])


def weighting_losses(features: Tensor, labels: Tensor, temperature: float, alphas: Iterable[float] = ()) -> dict[str, Loss]:
    """What a weighting network may be trained on, as functions of its logits [K, C], the points held fixed.

    By name: cross-entropy, both forms of LCL, and for each alpha what Eq. 6 makes of cross-entropy and the released form.
    """

    def cross_entropy(logits: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels)

    def contrastive(variant: str) -> Loss:
        return lambda logits: label_aware_contrastive(features, labels, logits.softmax(dim=1), temperature, variant)

    def mixed(alpha: float) -> Loss:
        return lambda logits: alpha * cross_entropy(logits) + (1 - alpha) * contrastive("released")(logits)

    found = {"cross-entropy": cross_entropy, "LCL printed": contrastive("printed"), "LCL released": contrastive("released")}
    return found | {f"released + cross-entropy, α = {alpha:g}": mixed(alpha) for alpha in alphas}


APART = torch.deg2rad(torch.tensor([90, 90, 210, 210, 330, 330], dtype=torch.float64))  # each class in a place of its own
MIXTURES = (0.5, 0.1)  # alpha of the paper, and of its GoEmotions


class Study(NamedTuple):
    """What notebook 03 shows of the losses, by name. `forces` [K, K]; `paths` [steps + 1, K] of the points' descent.

    Of the six points and of classes apart, by (place, loss): `curves`, LCL by `own_weight`; `told` [C], how the first anchor's
    logits go downhill; `sure` [steps + 1], the mean weight of the own class as all logits do.
    """

    forces: dict[str, Tensor]
    paths: dict[str, Tensor]
    own_weight: np.ndarray
    curves: dict[tuple[str, str], np.ndarray]
    told: dict[tuple[str, str], np.ndarray]
    sure: dict[tuple[str, str], np.ndarray]


def contrasts(labels: Tensor, weights: Tensor, temperature: float) -> dict[str, Loss]:
    """SCL and both forms of LCL as functions of the angles."""
    found = {"SCL": lambda angles: supervised_contrastive(points(angles), labels, temperature)}
    for form in ("printed", "released"):
        found[f"LCL {form}"] = lambda angles, form=form: label_aware_contrastive(
            points(angles), labels, weights, temperature, form
        )
    return found


def study(angles: Tensor, labels: Tensor, weights: Tensor, temperature: float) -> Study:
    """Everything that is followed downhill; `angles`, `labels` [K], `weights` [K, C]."""
    features, own_weight = points(angles), np.linspace(0.001, 0.999, 999)
    pulls = {"SCL": forces(features, labels, temperature)}
    pulls |= {f"LCL {form}": forces(features, labels, temperature, weights, form) for form in ("printed", "released")}
    paths = {name: descend(loss, angles, 1000, 0.2) for name, loss in contrasts(labels, weights, temperature).items()}
    curves, told, sure = {}, {}, {}
    for place, at in (("six points", features), ("classes apart", points(APART))):
        for form in ("printed", "released"):
            curves[place, f"LCL {form}"] = by_own_weight(at, labels, own_weight, temperature, form).numpy()
        for name, loss in weighting_losses(at, labels, temperature, MIXTURES).items():
            if "α" not in name:  # the loss is a mean over the anchors; times their number it is that of the first
                told[place, name] = len(labels) * downhill(loss, weights.log())[0].numpy()
            way = descend(loss, weights.log(), 300, 2.0).softmax(dim=2)
            sure[place, name] = way[:, range(len(labels)), labels].mean(dim=1).numpy()
    return Study(pulls, paths, own_weight, curves, told, sure)


def facts(found: Study, labels: Tensor) -> dict:
    """What the template of the notebook's finding is filled with."""
    lowest = found.curves["classes apart", "LCL released"]
    return {
        "harder": {name: (pull[0, 2] / pull[0, 4]).item() for name, pull in found.forces.items()},
        "wide": {name: torch.rad2deg(class_angles(path[-1], labels))[0, 1].item() for name, path in found.paths.items()},
        "best": found.own_weight[lowest.argmin()],
        "lowest": lowest.min(),
        "told": {place: values[0] for (place, name), values in found.told.items() if name == "LCL released"},
        "certain": found.told["six points", "cross-entropy"][0],
        "start": found.sure["classes apart", "LCL released"][0],
        "alone": found.sure["classes apart", "LCL released"][-1],
        "mixed": {alpha: found.sure["classes apart", f"released + cross-entropy, α = {alpha:g}"][-1] for alpha in MIXTURES},
    }
