"""Points on the unit circle, on which the contrastive losses can be followed by hand.

Features are unit vectors, so in two dimensions a point is one number, its angle, and the gradient of a loss one number per
point: which way it moves along the circle, and how hard it is pushed. The same holds for real features: normalising them
removes the part of a gradient that points to or from the origin.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from lclstudy.models.losses import VARIANTS, label_aware_contrastive

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
