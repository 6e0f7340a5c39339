"""The contrastive losses, as functions of tensors.

Notation: K rows in a batch, H features, C classes; s_ij = h_i . h_j / temperature; P(i) the positives of row i, without i.
A temperature is a number or a tensor [K], one per anchor i; LaCon's is a number.
Every loss is computed in at least float32 whatever the input, with log-sum-exp, so large logits and half precision are safe.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

VARIANTS = ("released", "printed")
REDUCTIONS = ("mean", "sum")


def simclr(features: Tensor, pairs: Tensor, temperature: float | Tensor, reduction: str = "mean") -> Tensor:
    """Self-supervised contrastive loss: Eq. 1 of Suresh and Ong (2021), after Chen et al. (2020).

    `features` [K, H] unit rows; `pairs` [K]: the rows made from one text share an id. The positives of a row are the other
    rows of its text. Returns a scalar: the mean (or sum) over the anchors that have a positive; 0 if none has.
    """
    return supervised_contrastive(features, pairs, temperature, reduction)


def supervised_contrastive(features: Tensor, labels: Tensor, temperature: float | Tensor, reduction: str = "mean") -> Tensor:
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
    temperature: float | Tensor,
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


def decoupled_contrastive(features: Tensor, labels: Tensor, temperature: float, reduction: str = "mean") -> Tensor:
    """Decoupled contrastive loss: Yeh et al. (2022), "Decoupled Contrastive Learning", Eq. 6, in a supervised form.

    L_i = -1/|P(i)| sum_{p in P(i)} log( exp(s_ip) / sum_{k: y_k != y_i} exp(s_ik) )

    Yeh et al. have one positive, the other view, and leave it out of the denominator. Here a row's positives are all rows of
    its label, and all of them are left out; with the ids of the texts as `labels` it is their loss. The loss may be negative.
    As described in public implementations (one sum over the negatives of both views); the number of the equation is from
    the documentation of lightly's DCLLoss. The paper's own text could not be looked up.

    `features` [K, H] unit rows; `labels` [K]. Returns a scalar: the mean (or sum) over the anchors that have a positive and a
    negative; 0, with a gradient path, if none has. Raises ValueError as `supervised_contrastive` does.
    """
    _check(features, labels, temperature, reduction)
    similarity = _similarity(features, temperature)
    return _against_negatives(similarity, similarity, labels, reduction)


def name_scaled_contrastive(
    features: Tensor, labels: Tensor, similarity: Tensor, temperature: float, reduction: str = "mean"
) -> Tensor:
    """Supervised contrast scaled by label similarity: Lian, Sethares and Hu (2024), LASCL, their variant LI.

    L_i = -1/|P(i)| sum_{p in P(i)} log( exp(s_ip) / sum_{k: y_k != y_i} exp(s_ik / m_yi,yk) )

    It follows the authors' released code (`model.py`, method `label_string`), which scales the temperature of each negative by
    the cosine m of the two label embeddings; the number of the equation in the paper could not be checked. Two differences:
    a row is not its own positive, and m is fixed here (there it is a parameter that starts from the cosines).

    `features` [K, H] unit rows; `labels` [K] in 0..C-1; `similarity` [C, C], m, above 0 (not checked here: reading it
    at every step would wait for the device). Returns a scalar: the mean (or sum) over the anchors that have a positive and a
    negative; 0, with a gradient path, if none has. Raises ValueError as `supervised_contrastive` does.
    """
    _check(features, labels, temperature, reduction)
    if similarity.dim() != 2 or similarity.shape[0] != similarity.shape[1]:
        raise ValueError(f"similarity must be [C, C]; given {tuple(similarity.shape)}.")
    similarity = _at_least_float32(similarity)
    logits = _similarity(features, temperature)
    return _against_negatives(logits, logits / similarity[labels][:, labels], labels, reduction)


def instance_to_label(features: Tensor, anchors: Tensor, labels: Tensor, temperature: float, heads: int = 1) -> Tensor:
    """LaCon's instance-centred loss: Zhang et al. (2022), "Label Anchored Contrastive Learning", Eq. 3; Eq. 4 for heads.

    L = -1/K sum_i sum_h log( exp(cos(h_i, l_yi) / t) / sum_c exp(cos(h_i, l_c) / t) ), per head h a slice of the vectors

    `features` [K, H]; `anchors` [C, H], an embedding per label; `labels` [K]; H is a multiple of `heads`. Returns a scalar.
    Raises ValueError on a temperature not above 0 or shapes that do not fit.
    """
    _check(features, labels, temperature, "mean")
    _check_anchors(features, anchors, heads)
    slices = zip(features.chunk(heads, dim=1), anchors.chunk(heads, dim=1), strict=True)
    return sum(F.cross_entropy(cosines(rows, centres) / temperature, labels) for rows, centres in slices)


def label_to_instance(features: Tensor, anchors: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """LaCon's label-centred loss: Zhang et al. (2022), Eq. 5.

    L = -1/|P| sum_{c in P} sum_{a: y_a = c} log( exp(cos(l_c, h_a) / t) / sum_{b: y_b != c} exp(cos(l_c, h_b) / t) )

    P are the labels of the batch that have a negative; the sum over a label's instances is no mean, as printed. Shapes and
    errors as for `instance_to_label`. Returns a scalar; 0, with a gradient path, if the batch has one label only.
    """
    _check(features, labels, temperature, "mean")
    _check_anchors(features, anchors, 1)
    logits = cosines(anchors, features) / temperature  # [C, K]
    own = torch.arange(len(anchors), device=labels.device)[:, None] == labels
    counted = own.any(dim=1, keepdim=True) & (~own).any(dim=1, keepdim=True)
    log_ratio = logits - _log_sum_exp_of(logits, ~own)
    return -torch.where(own & counted, log_ratio, 0.0).sum() / counted.sum().clamp(min=1)


def label_regularizer(anchors: Tensor) -> Tensor:
    """LaCon's label embedding regulariser: Zhang et al. (2022), Eq. 6: mean over i != j of exp(1 + cos(l_i, l_j)) - 1.

    `anchors` [C, H], two labels or more. Returns a scalar from 0 (opposite labels) to e^2 - 1 (the same).
    """
    apart = ~torch.eye(len(anchors), dtype=torch.bool, device=anchors.device)
    return (1 + cosines(anchors, anchors)[apart]).expm1().mean()


def cosines(one: Tensor, other: Tensor) -> Tensor:
    """[K, H], [C, H] -> [K, C]: cosine similarities, in float32 or better."""
    one, other = (F.normalize(_at_least_float32(tensor), dim=1) for tensor in (one, other))
    with torch.autocast(one.device.type, enabled=False):
        return one @ other.T


def positive_counts(labels: Tensor) -> Tensor:
    """[K] -> [K]: how many other rows have the label of each."""
    return (labels[:, None] == labels[None, :]).sum(dim=1) - 1


def _check(features: Tensor, labels: Tensor, temperature: float | Tensor, reduction: str) -> None:
    if isinstance(temperature, Tensor):  # its values are not read, which would wait for the device
        if temperature.shape != labels.shape:
            raise ValueError(f"temperature must be a number or [K] with K = {len(labels)}; given {tuple(temperature.shape)}.")
    elif not temperature > 0:
        raise ValueError(f"temperature must be above 0; given {temperature!r}.")
    if reduction not in REDUCTIONS:
        raise ValueError(f"Unknown reduction {reduction!r}; allowed: {', '.join(REDUCTIONS)}.")
    if features.dim() != 2 or labels.shape != features.shape[:1]:
        raise ValueError(f"features must be [K, H] and labels [K]; given {tuple(features.shape)} and {tuple(labels.shape)}.")


def _check_anchors(features: Tensor, anchors: Tensor, heads: int) -> None:
    if anchors.dim() != 2 or anchors.shape[1] != features.shape[1]:
        raise ValueError(f"anchors must be [C, H] with H = {features.shape[1]}; given {tuple(anchors.shape)}.")
    if heads < 1 or features.shape[1] % heads:
        raise ValueError(f"H = {features.shape[1]} must be a multiple of heads; given {heads!r}.")


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _similarity(features: Tensor, temperature: float | Tensor) -> Tensor:
    """[K, H] -> [K, K]: entry i, j is s_ij, at the temperature of anchor i."""
    features = _at_least_float32(features)
    temperature = temperature[:, None] if isinstance(temperature, Tensor) else temperature
    with torch.autocast(features.device.type, enabled=False):  # autocast would bring the product back to half precision
        return features @ features.T / temperature


def _log_sum_exp_of_others(logits: Tensor) -> Tensor:
    """[K, K] -> [K, 1]: log sum over k != i of exp(logits_ik)."""
    return _log_sum_exp_of(logits, ~torch.eye(len(logits), dtype=torch.bool, device=logits.device))


def _log_sum_exp_of(logits: Tensor, counted: Tensor) -> Tensor:
    """[R, K], [R, K] -> [R, 1]: log-sum-exp over the entries counted. A row without any gives that over all, a finite stand-in.

    (The true value, minus infinity, would have no gradient, and spoil that of the other rows.)
    """
    counted = counted | ~counted.any(dim=1, keepdim=True)
    return logits.masked_fill(~counted, float("-inf")).logsumexp(dim=1, keepdim=True)


def _against_negatives(positive_logits: Tensor, negative_logits: Tensor, labels: Tensor, reduction: str) -> Tensor:
    """[K, K], [K, K] -> scalar: log ratio of each positive to the sum over rows of other labels, where there are any."""
    negative = labels[:, None] != labels[None, :]
    log_ratio = positive_logits - _log_sum_exp_of(negative_logits, negative)
    return _over_positives(log_ratio, labels, reduction, anchors=negative.any(dim=1))


def _over_positives(log_ratio: Tensor, labels: Tensor, reduction: str, anchors: Tensor | None = None) -> Tensor:
    """Minus the mean over each anchor's positives, then the mean or sum over the anchors that have one.

    `anchors` [K] says which rows are anchors; without it all are.
    """
    positive = labels[:, None] == labels[None, :]
    positive = positive & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    if anchors is not None:
        positive = positive & anchors[:, None]
    counts = positive.sum(dim=1)
    # where() and not a product: an excluded entry may be infinite, and 0 * inf is not 0.
    per_anchor = -torch.where(positive, log_ratio, 0.0).sum(dim=1) / counts.clamp(min=1)
    total = per_anchor.sum()
    return total if reduction == "sum" else total / (counts > 0).sum().clamp(min=1)
