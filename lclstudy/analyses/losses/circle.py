"""Points on the unit circle, on which the contrastive losses can be followed by hand.

Features are unit vectors, so in two dimensions a point is one number, its angle, and the gradient of a loss one number per
point: which way it moves along the circle, and how hard it is pushed. The same holds for real features: normalising them
removes the part of a gradient that points to or from the origin.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lclstudy.models.losses import label_aware_contrastive, supervised_contrastive

Loss = Callable[[Tensor], Tensor]  # from a place to a scalar
CONTRASTIVE = {  # by name, of features [K, H], labels [K], weights [K, C] and a temperature
    "SCL": lambda features, labels, _, temperature: supervised_contrastive(features, labels, temperature),
    "LCL printed": partial(label_aware_contrastive, variant="printed"),
    "LCL released": partial(label_aware_contrastive, variant="released"),
}
FORMS = ("LCL printed", "LCL released")
MIXTURES = (0.5, 0.1)  # alpha of the paper, and of its GoEmotions
APART = torch.deg2rad(torch.tensor([90, 90, 210, 210, 330, 330], dtype=torch.float64))  # each class in a place of its own


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


def forces(features: Tensor, labels: Tensor, weights: Tensor, temperature: float, loss: str) -> Tensor:
    """Minus the gradient of each anchor's own loss by its similarities: [K, K], entry i, k is -dL_i / ds_ik.

    Above 0 the loss of row i pulls row k towards it, below 0 it pushes it away; each row adds up to 0. Worked out:

    SCL:          [k in P(i)] / |P(i)| - exp(s_ik) / sum_{j != i} exp(s_ij)
    LCL printed:  [k in P(i)] / |P(i)| - w_i,yk exp(s_ik) / sum_{j != i} w_i,yj exp(s_ij)
    LCL released: w_i,yi times that of the printed form

    `loss` is a name of `CONTRASTIVE`. Every row must have a positive.
    """
    itself = torch.eye(len(labels), dtype=torch.bool)
    positive = (labels[:, None] == labels[None, :]) & ~itself
    similarity = features @ features.T / temperature
    if loss != "SCL":
        similarity = similarity + weights[:, labels].log()
    shares = similarity.masked_fill(itself, float("-inf")).softmax(dim=1)
    found = positive / positive.sum(dim=1, keepdim=True) - shares
    return weights.gather(1, labels[:, None]) * found if loss == "LCL released" else found


def class_angles(angles: Tensor, labels: Tensor) -> Tensor:
    """The angles between the mean directions of the classes, [C, C], in radians, 0 to pi."""
    means = torch.stack([points(angles[labels == label]).mean(dim=0) for label in labels.unique()])
    return F.cosine_similarity(means[:, None], means[None, :], dim=2).clamp(-1, 1).acos()


def by_own_weight(features: Tensor, labels: Tensor, own: Iterable[float], temperature: float, loss: str) -> Tensor:
    """LCL of the batch where every row gives its own class the weight `own` (0 to 1, each in turn), the others equal shares."""
    right = F.one_hot(labels).to(features.dtype)
    others = (1 - right) / (right.shape[1] - 1)
    rows = [weight * right + (1 - weight) * others for weight in own]
    return torch.stack([CONTRASTIVE[loss](features, labels, row, temperature) for row in rows])


def contrasts(labels: Tensor, weights: Tensor, temperature: float) -> dict[str, Loss]:
    """`CONTRASTIVE` as functions of the angles."""
    return {name: lambda angles, loss=loss: loss(points(angles), labels, weights, temperature)
            for name, loss in CONTRASTIVE.items()}  # fmt: skip


def weighting_losses(features: Tensor, labels: Tensor, temperature: float) -> dict[str, Loss]:
    """What a weighting network may be trained on, as functions of its logits [K, C], the points held fixed.

    By name: cross-entropy, both forms of LCL, and for each of MIXTURES what Eq. 6 makes of cross-entropy and the released form.
    """
    found = {"cross-entropy": lambda logits: F.cross_entropy(logits, labels)}
    for name in FORMS:
        found[name] = lambda logits, loss=CONTRASTIVE[name]: loss(features, labels, logits.softmax(dim=1), temperature)
    for alpha in MIXTURES:
        found[f"released + cross-entropy, α = {alpha:g}"] = lambda logits, alpha=alpha: (
            alpha * found["cross-entropy"](logits) + (1 - alpha) * found["LCL released"](logits)
        )
    return found


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


def study(angles: Tensor, labels: Tensor, weights: Tensor, temperature: float) -> Study:
    """Everything that is followed downhill; `angles`, `labels` [K], `weights` [K, C]."""
    features, own_weight = points(angles), np.linspace(0.001, 0.999, 999)
    pulls = {name: forces(features, labels, weights, temperature, name) for name in CONTRASTIVE}
    paths = {name: descend(loss, angles, 1000, 0.2) for name, loss in contrasts(labels, weights, temperature).items()}
    curves, told, sure = {}, {}, {}
    for place, at in (("six points", features), ("classes apart", points(APART))):
        for form in FORMS:
            curves[place, form] = by_own_weight(at, labels, own_weight, temperature, form).numpy()
        for name, loss in weighting_losses(at, labels, temperature).items():
            if "α" not in name:  # the loss is a mean over the anchors; times their number it is that of the first
                told[place, name] = len(labels) * downhill(loss, weights.log())[0].numpy()
            way = descend(loss, weights.log(), 300, 2.0).softmax(dim=2)
            sure[place, name] = way[:, range(len(labels)), labels].mean(dim=1).numpy()
    return Study(pulls, paths, own_weight, curves, told, sure)


def facts(found: Study, labels: Tensor) -> dict:
    """What the template of the notebook's finding is filled with."""
    printed, lowest = (found.curves["classes apart", form] for form in FORMS)
    return {
        "harder": {name: (pull[0, 2] / pull[0, 4]).item() for name, pull in found.forces.items()},
        "wide": {name: torch.rad2deg(class_angles(path[-1], labels))[0, 1].item() for name, path in found.paths.items()},
        "best": found.own_weight[lowest.argmin()],
        "printed_best": found.own_weight[printed.argmin()],
        "lowest": lowest.min(),
        "told": {place: values[0] for (place, name), values in found.told.items() if name == "LCL released"},
        "certain": found.told["six points", "cross-entropy"][0],
        "start": found.sure["classes apart", "LCL released"][0],
        "alone": found.sure["classes apart", "LCL released"][-1],
        "mixed": {alpha: found.sure["classes apart", f"released + cross-entropy, α = {alpha:g}"][-1] for alpha in MIXTURES},
    }
