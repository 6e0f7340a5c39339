"""The contrastive losses as the paper and the follow-up report print them, in NumPy, to compare their arithmetic.

`models.losses` is what trains, in torch; this module only evaluates the printed equations and imports none. Notation as there:
K rows, s_ij = h_i . h_j / temperature, P(i) the rows of row i's class.
"""

import numpy as np

PLACES = ("none", "inside", "outside")


def example() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six unit vectors in the plane [6,2], their labels [6], and logits [6,3] of a weighting network.

    Two of each of three classes; classes 0 and 1 are close, and the network confuses them.
    """
    degrees, labels = np.radians([0, 25, 40, 70, 180, 215]), np.array([0, 0, 1, 1, 2, 2])
    close = np.array([[2.0, 1.0, -1.0], [1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]])
    return np.column_stack([np.cos(degrees), np.sin(degrees)]), labels, close[labels]


def contrastive_terms(
    features: np.ndarray, labels: np.ndarray, weights: np.ndarray, temperature: float, place: str, with_itself: bool = False
) -> np.ndarray:
    """The terms of a contrastive loss [K], each with the minus and 1/|P(i)| of the sum over i; NaN for a row without positives.

    `place` of w_i,yi: `inside` the logarithm (Eq. 3 of the paper), `outside` before it (Section 3.4 of the report), or `none`:
    no weights anywhere, Eq. 2 of the paper. `weights` [K, C] may be any numbers; a logarithm of what is not positive is NaN.
    `with_itself` counts row i among its own positives, as the report's words do; the sum below never counts it.
    """
    other = ~np.eye(len(labels), dtype=bool)
    positive = (labels[:, None] == labels) & (other | with_itself)
    pair = np.ones((len(labels),) * 2) if place == "none" else weights[:, labels]
    similarity = features @ features.T / temperature
    top = similarity.max(axis=1, keepdims=True)
    below = (pair * np.exp(similarity - top) * other).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        log_ratio = similarity - top - np.log(below)
        log_ratio = log_ratio + np.log(pair) if place == "inside" else pair * log_ratio
        count = positive.sum(axis=1)
        return -np.where(positive, log_ratio, 0).sum(axis=1) / np.where(count, count, np.nan)
