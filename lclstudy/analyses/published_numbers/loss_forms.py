"""The contrastive losses as the paper and the follow-up report print them, in NumPy, to compare their arithmetic.

`losses` is what trains, in torch; this module only evaluates the printed equations and imports none. Notation as there: K rows,
s_ij = h_i . h_j / temperature, P(i) the rows of row i's class.
"""

import math
from typing import NamedTuple

import numpy as np

from lclstudy.errors import StudyError

PLACES = ("none", "inside", "outside")


class Example(NamedTuple):
    """Rows to evaluate a loss on: `features` [K, H] unit rows, `labels` [K], `logits` [K, C] of the weighting network."""

    features: np.ndarray
    labels: np.ndarray
    logits: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """The softmax of the logits [K, C]."""
        powers = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)


def example() -> Example:
    """Six unit vectors in the plane, two of each of three classes; classes 0 and 1 are close, and the network confuses them."""
    degrees = np.radians([0, 25, 40, 70, 180, 215])
    labels = np.array([0, 0, 1, 1, 2, 2])
    close = np.array([[2.0, 1.0, -1.0], [1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]])
    return Example(np.column_stack([np.cos(degrees), np.sin(degrees)]), labels, close[labels])


def contrastive_terms(
    features: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    temperature: float,
    place: str = "inside",
    with_itself: bool = False,
) -> np.ndarray:
    """The terms of a contrastive loss [K], each with the minus and 1/|P(i)| of the sum over i; NaN for a row without positives.

    `place` of w_i,yi: `inside` the logarithm (Eq. 3 of the paper), `outside` before it (Section 3.4 of the report), or `none`:
    no weights anywhere, Eq. 2 of the paper. `weights` [K, C] may be any numbers; a logarithm of what is not positive is NaN.
    `with_itself` counts row i among its own positives, as the report's words do; the sum below never counts it.
    Raises StudyError on an unknown place, a temperature not above 0, or shapes that do not fit.
    """
    features, labels, weights = np.asarray(features, float), np.asarray(labels), np.asarray(weights, float)
    if place not in PLACES:
        raise StudyError(f"Unknown place of the weight {place!r}; allowed: {', '.join(PLACES)}.")
    if not temperature > 0:
        raise StudyError(f"The temperature must be above 0; given {temperature!r}.")
    if features.ndim != 2 or labels.shape != features.shape[:1] or weights.shape[:1] != labels.shape or weights.ndim != 2:
        raise StudyError(f"Shapes must be [K, H], [K], [K, C]; given {features.shape}, {labels.shape}, {weights.shape}.")
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


def farthest_from_uniform(temperature: float) -> float:
    """How far an unweighted loss term can be from log(K - 1), whatever the unit vectors: 2 / temperature, in nats.

    Similarities lie between -1/temperature and 1/temperature, so no logarithm of a softmax over the K - 1 other rows is
    farther than 2/temperature from that of equal shares. Raises StudyError on a temperature not above 0.
    """
    if not temperature > 0:
        raise StudyError(f"The temperature must be above 0; given {temperature!r}.")
    return 2 / temperature


def reachable(temperature: float, rows: int) -> tuple[float, float]:
    """The lowest and highest that an unweighted term with one positive can be among `rows` rows (2 or more), in nats.

    Lowest: the positive at the same point, all others opposite. Highest: the reverse. Raises StudyError on fewer rows.
    """
    if rows < 2:
        raise StudyError(f"A contrastive loss needs 2 rows or more; given {rows!r}.")
    gap = farthest_from_uniform(temperature)
    return math.log1p((rows - 2) * math.exp(-gap)), gap + math.log(rows - 2 + math.exp(-gap))
