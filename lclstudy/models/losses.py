"""The contrastive losses: functions of tensors, and two of them as modules for a training loop of one's own.

Notation: K rows in a batch, H features, C classes; s_ij = h_i . h_j / temperature; P(i) the positives of row i, without i.
A temperature is a number or a tensor [K], one per anchor i; LaCon's is a number. `reduction` is over the anchors that count.
Every loss is computed in at least float32 whatever the input, with log-sum-exp, so large logits and half precision are safe.
Every one gives a scalar: 0, with a gradient path, where no anchor counts. All but LaCon's, which take what `objectives` makes,
raise ValueError on a temperature not above 0, an unknown name, or shapes that do not fit.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

VARIANTS = ("released", "printed")
REDUCTIONS = ("mean", "sum")


class SupervisedContrastiveLoss(nn.Module):
    """`supervised_contrastive` of features [K, H] of any length, which it makes unit vectors, and labels [K]."""

    def __init__(self, temperature: float = 0.3, reduction: str = "mean"):
        super().__init__()
        self.temperature, self.reduction = temperature, reduction

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        return supervised_contrastive(_unit(features), labels, self.temperature, self.reduction)


class LabelAwareContrastiveLoss(nn.Module):
    """`label_aware_contrastive` of features [K, H] of any length, labels [K] and the weighting network's logits [K, C].

    Its gradient reaches the weighting network; detach the logits to keep it away. That network also needs a cross-entropy.
    """

    def __init__(self, temperature: float = 0.3, variant: str = "released", reduction: str = "mean"):
        super().__init__()
        self.temperature, self.variant, self.reduction = temperature, variant, reduction

    def forward(self, features: Tensor, labels: Tensor, weighting_logits: Tensor) -> Tensor:
        weights = _at_least_float32(weighting_logits).softmax(dim=1)
        return label_aware_contrastive(_unit(features), labels, weights, self.temperature, self.variant, self.reduction)


def simclr(features: Tensor, pairs: Tensor, temperature: float | Tensor, reduction: str = "mean") -> Tensor:
    """Self-supervised contrastive loss: Eq. 1 of Suresh and Ong (2021), after Chen et al. (2020).

    `features` [K, H] unit rows; `pairs` [K]: the rows made from one text share an id, and are each other's positives.
    """
    return supervised_contrastive(features, pairs, temperature, reduction)


def supervised_contrastive(features: Tensor, labels: Tensor, temperature: float | Tensor, reduction: str = "mean") -> Tensor:
    """Supervised contrastive loss: Eq. 2 of Suresh and Ong (2021), after Khosla et al. (2020).

    L_i = -1/|P(i)| sum_{p in P(i)} log( exp(s_ip) / sum_{k != i} exp(s_ik) )

    `features` [K, H] unit rows; `labels` [K]. An anchor counts if it has a positive.
    """
    similarity = _similarity(features, labels, temperature, reduction)
    return _over_positives(similarity - _log_sum_exp_of(similarity, _others(labels)), labels, reduction)


def label_aware_contrastive(
    features: Tensor,
    labels: Tensor,
    weights: Tensor,
    temperature: float | Tensor,
    variant: str = "released",
    reduction: str = "mean",
) -> Tensor:
    """Label-aware contrastive loss: Eqs. 3 and 4 of Suresh and Ong (2021).

    released: L_i = -1/|P(i)| sum_{p in P(i)} w_i,yi log( exp(s_ip) / sum_{k != i} w_i,yk exp(s_ik) )
    printed:  L_i = -1/|P(i)| sum_{p in P(i)} log( w_i,yi exp(s_ip) / sum_{k != i} w_i,yk exp(s_ik) )

    `features` [K, H] unit rows; `labels` [K] in 0..C-1; `weights` [K, C], rows sum to 1: how far the weighting network takes
    row i to be of each class. An anchor counts if it has a positive.
    """
    similarity = _similarity(features, labels, temperature, reduction)
    if variant not in VARIANTS:
        raise ValueError(f"Unknown variant {variant!r}; allowed: {', '.join(VARIANTS)}.")
    if weights.shape[:1] != features.shape[:1] or weights.dim() != 2:
        raise ValueError(f"weights must be [K, C] with K = {len(features)}; given {tuple(weights.shape)}.")
    pair_weights = _at_least_float32(weights)[:, labels]  # [K, K]: entry i, k is w_i,yk
    # A weight that underflowed to 0 would make a row of -inf, whose log-sum-exp has no gradient.
    log_weights = pair_weights.clamp(min=torch.finfo(pair_weights.dtype).tiny).log()
    log_ratio = similarity - _log_sum_exp_of(similarity + log_weights, _others(labels))
    # For a positive p the label y_p is y_i, so entry i, p of pair_weights is w_i,yi.
    log_ratio = pair_weights * log_ratio if variant == "released" else log_weights + log_ratio
    return _over_positives(log_ratio, labels, reduction)


def decoupled_contrastive(
    features: Tensor, labels: Tensor, temperature: float | Tensor, reduction: str = "mean", scales: Tensor | None = None
) -> Tensor:
    """Decoupled contrastive loss: Yeh et al. (2022), "Decoupled Contrastive Learning", Eq. 6, in a supervised form.

    L_i = -1/|P(i)| sum_{p in P(i)} log( exp(s_ip) / sum_{k: y_k != y_i} exp(s_ik) )

    Yeh et al. have one positive, the other view, and leave it out of the denominator. Here a row's positives are all rows of
    its label, and all of them are left out; with the ids of the texts as `labels` it is their loss. The loss may be negative.
    As described in public implementations (one sum over the negatives of both views); the number of the equation is from
    the documentation of lightly's DCLLoss. The paper's own text could not be looked up.

    `features` [K, H] unit rows; `labels` [K]. An anchor counts if it has a positive and a negative. `scales` [K, K]: of the
    temperature, in the denominator.
    """
    similarity = _similarity(features, labels, temperature, reduction)
    negative = labels[:, None] != labels[None, :]
    log_ratio = similarity - _log_sum_exp_of(similarity if scales is None else similarity / scales, negative)
    return _over_positives(log_ratio, labels, reduction, anchors=negative.any(dim=1))


def name_scaled_contrastive(
    features: Tensor, labels: Tensor, similarity: Tensor, temperature: float | Tensor, reduction: str = "mean"
) -> Tensor:
    """Supervised contrast scaled by label similarity: Lian, Sethares and Hu (2024), LASCL, their variant LI.

    L_i = -1/|P(i)| sum_{p in P(i)} log( exp(s_ip) / sum_{k: y_k != y_i} exp(s_ik / m_yi,yk) )

    It follows the authors' released code (`model.py`, method `label_string`), which scales the temperature of each negative by
    the cosine m of the two label embeddings; the number of the equation in the paper could not be checked. Two differences:
    a row is not its own positive, and m is fixed here (there it is a parameter that starts from the cosines).

    `features` [K, H] unit rows; `labels` [K] in 0..C-1; `similarity` [C, C], m, above 0 (not checked here: reading it
    at every step would wait for the device). An anchor counts if it has a positive and a negative.
    """
    if similarity.dim() != 2 or similarity.shape[0] != similarity.shape[1]:
        raise ValueError(f"similarity must be [C, C]; given {tuple(similarity.shape)}.")
    scales = _at_least_float32(similarity)[labels][:, labels]
    return decoupled_contrastive(features, labels, temperature, reduction, scales)


def instance_to_label(features: Tensor, anchors: Tensor, labels: Tensor, temperature: float, heads: int = 1) -> Tensor:
    """LaCon's instance-centred loss: Zhang et al. (2022), "Label Anchored Contrastive Learning", Eq. 3; Eq. 4 for heads.

    L = -1/K sum_i sum_h log( exp(cos(h_i, l_yi) / t) / sum_c exp(cos(h_i, l_c) / t) ), per head h a slice of the vectors

    `features` [K, H]; `anchors` [C, H], an embedding per label; `labels` [K]; H is a multiple of `heads`.
    """
    slices = zip(features.chunk(heads, dim=1), anchors.chunk(heads, dim=1), strict=True)
    return sum(F.cross_entropy(cosines(rows, centres) / temperature, labels) for rows, centres in slices)


def label_to_instance(features: Tensor, anchors: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """LaCon's label-centred loss: Zhang et al. (2022), Eq. 5.

    L = -1/|P| sum_{c in P} sum_{a: y_a = c} log( exp(cos(l_c, h_a) / t) / sum_{b: y_b != c} exp(cos(l_c, h_b) / t) )

    P are the labels of the batch that have a negative; the sum over a label's instances is no mean, as printed. Shapes as for
    `instance_to_label`.
    """
    logits = cosines(anchors, features) / temperature  # [C, K]
    own = torch.arange(len(anchors), device=labels.device)[:, None] == labels
    counted = own.any(dim=1, keepdim=True) & (~own).any(dim=1, keepdim=True)
    log_ratio = logits - _log_sum_exp_of(logits, ~own)
    return -torch.where(own & counted, log_ratio, 0.0).sum() / counted.sum().clamp(min=1)


def label_regularizer(anchors: Tensor) -> Tensor:
    """LaCon's label embedding regulariser: Zhang et al. (2022), Eq. 6: mean over i != j of exp(1 + cos(l_i, l_j)) - 1.

    `anchors` [C, H], two labels or more; the loss goes from 0 (opposite labels) to e^2 - 1 (the same).
    """
    return (1 + cosines(anchors, anchors)[_others(anchors)]).expm1().mean()


def cosines(one: Tensor, other: Tensor) -> Tensor:
    """[K, H], [C, H] -> [K, C]: cosine similarities, in float32 or better."""
    with torch.autocast(one.device.type, enabled=False):
        return _unit(one) @ _unit(other).T


def _similarity(features: Tensor, labels: Tensor, temperature: float | Tensor, reduction: str) -> Tensor:
    """[K, H] -> [K, K]: entry i, j is s_ij, at the temperature of anchor i. Checks what all contrasts of rows are given."""
    if isinstance(temperature, Tensor):  # its values are not read, which would wait for the device
        if temperature.shape != labels.shape:
            raise ValueError(f"temperature must be a number or [K] with K = {len(labels)}; given {tuple(temperature.shape)}.")
        temperature = temperature[:, None]
    elif not temperature > 0:
        raise ValueError(f"temperature must be above 0; given {temperature!r}.")
    if reduction not in REDUCTIONS:
        raise ValueError(f"Unknown reduction {reduction!r}; allowed: {', '.join(REDUCTIONS)}.")
    if features.dim() != 2 or labels.shape != features.shape[:1]:
        raise ValueError(f"features must be [K, H] and labels [K]; given {tuple(features.shape)} and {tuple(labels.shape)}.")
    features = _at_least_float32(features)
    with torch.autocast(features.device.type, enabled=False):  # autocast would bring the product back to half precision
        return features @ features.T / temperature


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _unit(features: Tensor) -> Tensor:
    return F.normalize(_at_least_float32(features), dim=1)


def _others(rows: Tensor) -> Tensor:
    """[K, ...] -> [K, K]: True but for each row beside itself."""
    return ~torch.eye(len(rows), dtype=torch.bool, device=rows.device)


def _log_sum_exp_of(logits: Tensor, counted: Tensor) -> Tensor:
    """[R, K], [R, K] -> [R, 1]: log-sum-exp over the entries counted. A row without any gives that over all: the true value,
    minus infinity, would have no gradient, and spoil that of the other rows."""
    counted = counted | ~counted.any(dim=1, keepdim=True)
    return logits.masked_fill(~counted, float("-inf")).logsumexp(dim=1, keepdim=True)


def _over_positives(log_ratio: Tensor, labels: Tensor, reduction: str, anchors: Tensor | None = None) -> Tensor:
    """Minus the mean over each anchor's positives, then the mean or sum over the `anchors` [K] (or all) that have one."""
    positive = (labels[:, None] == labels[None, :]) & _others(labels)
    if anchors is not None:
        positive = positive & anchors[:, None]
    counts = positive.sum(dim=1)
    # where() and not a product: an excluded entry may be infinite, and 0 * inf is not 0.
    per_anchor = -torch.where(positive, log_ratio, 0.0).sum(dim=1) / counts.clamp(min=1)
    total = per_anchor.sum()
    return total if reduction == "sum" else total / (counts > 0).sum().clamp(min=1)
