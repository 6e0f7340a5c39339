"""The contrastive losses, as functions of tensors.

Notation: K rows in a batch, H features, C classes; s_ij = h_i . h_j / temperature; P(i) the positives of row i, without i.
Every loss is computed in at least float32 whatever the input, with log-sum-exp, so large logits and half precision are safe.
"""

import torch
from torch import Tensor

VARIANTS = ("released", "printed")
REDUCTIONS = ("mean", "sum")


def simclr(features: Tensor, pairs: Tensor, temperature: float, reduction: str = "mean") -> Tensor:
    """Self-supervised contrastive loss: Eq. 1 of Suresh and Ong (2021), after Chen et al. (2020).

    `features` [K, H] unit rows; `pairs` [K]: the rows made from one text share an id. The positives of a row are the other
    rows of its text. Returns a scalar: the mean (or sum) over the anchors that have a positive; 0 if none has.
    """
    return supervised_contrastive(features, pairs, temperature, reduction)


def supervised_contrastive(features: Tensor, labels: Tensor, temperature: float, reduction: str = "mean") -> Tensor:
    """Supervised contrastive loss: Eq. 2 of Suresh and Ong (2021), after Khosla et al. (2020).

    L_i = -1/|P(i)| sum_{p in P(i)} log( exp(s_ip) / sum_{k != i} exp(s_ik) )

    `features` [K, H] unit rows; `labels` [K]. Returns a scalar: the mean (or sum) over the anchors that have a positive; 0,
    with a gradient path, if none has. Raises ValueError on a temperature not above 0 or shapes that do not fit.
    """
    _check(features, labels, temperature, reduction)
    similarity = _similarity(features, temperature)
    log_ratio = similarity - _log_sum_exp_of_others(similarity)
    return _over_positives(log_ratio, labels, reduction)


def label_aware_contrastive(
    features: Tensor,
    labels: Tensor,
    weights: Tensor,
    temperature: float,
    variant: str = "released",
    reduction: str = "mean",
) -> Tensor:
    """Label-aware contrastive loss: Eqs. 3 and 4 of Suresh and Ong (2021).

    released: L_i = -1/|P(i)| sum_{p in P(i)} w_i,yi log( exp(s_ip) / sum_{k != i} w_i,yk exp(s_ik) )
    printed:  L_i = -1/|P(i)| sum_{p in P(i)} log( w_i,yi exp(s_ip) / sum_{k != i} w_i,yk exp(s_ik) )

    `features` [K, H] unit rows; `labels` [K] in 0..C-1; `weights` [K, C], rows sum to 1: how far the weighting network takes
    row i to be of each class. Returns a scalar: the mean (or sum) over the anchors that have a positive; 0, with a gradient
    path, if none has. Raises ValueError on an unknown variant, a temperature not above 0 or shapes that do not fit.
    """
    _check(features, labels, temperature, reduction)
    if variant not in VARIANTS:
        raise ValueError(f"Unknown variant {variant!r}; allowed: {', '.join(VARIANTS)}.")
    if weights.shape[:1] != features.shape[:1] or weights.dim() != 2:
        raise ValueError(f"weights must be [K, C] with K = {len(features)}; given {tuple(weights.shape)}.")
    weights = _at_least_float32(weights)
    pair_weights = weights[:, labels]  # [K, K]: entry i, k is w_i,yk
    # A weight that underflowed to 0 would make a row of -inf, whose log-sum-exp has no gradient.
    log_weights = pair_weights.clamp(min=torch.finfo(weights.dtype).tiny).log()
    similarity = _similarity(features, temperature)
    log_ratio = similarity - _log_sum_exp_of_others(similarity + log_weights)
    # For a positive p the label y_p is y_i, so entry i, p of pair_weights is w_i,yi.
    log_ratio = pair_weights * log_ratio if variant == "released" else log_weights + log_ratio
    return _over_positives(log_ratio, labels, reduction)


def _check(features: Tensor, labels: Tensor, temperature: float, reduction: str) -> None:
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0; given {temperature!r}.")
    if reduction not in REDUCTIONS:
        raise ValueError(f"Unknown reduction {reduction!r}; allowed: {', '.join(REDUCTIONS)}.")
    if features.dim() != 2 or labels.shape != features.shape[:1]:
        raise ValueError(f"features must be [K, H] and labels [K]; given {tuple(features.shape)} and {tuple(labels.shape)}.")


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _similarity(features: Tensor, temperature: float) -> Tensor:
    features = _at_least_float32(features)
    with torch.autocast(features.device.type, enabled=False):  # autocast would bring the product back to half precision
        return features @ features.T / temperature


def _log_sum_exp_of_others(logits: Tensor) -> Tensor:
    """[K, K] -> [K, 1]: log sum over k != i of exp(logits_ik)."""
    itself = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return logits.masked_fill(itself, float("-inf")).logsumexp(dim=1, keepdim=True)


def _over_positives(log_ratio: Tensor, labels: Tensor, reduction: str) -> Tensor:
    """Minus the mean over each anchor's positives, then the mean or sum over the anchors that have one."""
    positive = labels[:, None] == labels[None, :]
    positive = positive & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    counts = positive.sum(dim=1)
    # where() and not a product: an excluded entry may be infinite, and 0 * inf is not 0.
    per_anchor = -torch.where(positive, log_ratio, 0.0).sum(dim=1) / counts.clamp(min=1)
    total = per_anchor.sum()
    return total if reduction == "sum" else total / (counts > 0).sum().clamp(min=1)
