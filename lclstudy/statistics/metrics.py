"""How good predictions are: accuracy, weighted F1, confusion, top-k entropy, calibration. NumPy and scikit-learn.

Shapes: N examples, C classes, B bins. Labels and predictions are class ids from 0 to C - 1; `classes` is C, or the C names.
Probabilities are [N, C], rows sum to 1; those of records and of frozen results were verified when they were read.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax, xlogy
from sklearn import metrics as sklearn_metrics

from lclstudy.errors import StudyError


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Top-1 accuracy, 0 to 1."""
    return float(sklearn_metrics.accuracy_score(labels, predictions))


def weighted_f1(labels: np.ndarray, predictions: np.ndarray) -> float:
    """F1 per class, weighted by the number of true examples of the class, 0 to 1 (Eq. 8 of the paper, its Appendix A.1).

    A class that is never predicted has F1 0; one that is never true has no weight.
    """
    return float(sklearn_metrics.f1_score(labels, predictions, average="weighted", zero_division=0))


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, classes: int | Sequence[str]) -> np.ndarray:
    """Counts [C, C], int64: row = true class, column = predicted class. Raises StudyError on class ids out of range."""
    count = int(classes) if isinstance(classes, int | np.integer) else len(classes)
    ids = np.union1d(labels, predictions)
    if not np.isin(ids, range(count)).all():
        raise StudyError(f"Labels and predictions must be class ids from 0 to {count - 1}; given {ids.min()} to {ids.max()}.")
    return sklearn_metrics.confusion_matrix(labels, predictions, labels=range(count))


def confused_pairs(confusion: np.ndarray) -> list[tuple[int, int, int]]:
    """(class a, class b, how often one was taken for the other) of a confusion matrix [C, C], a < b, most often first.

    Pairs that were never confused are left out; ties go to the lower classes.
    """
    both = np.triu(confusion + np.transpose(confusion), k=1)
    pairs = [(int(a), int(b), int(both[a, b])) for a, b in np.argwhere(both)]
    return sorted(pairs, key=lambda pair: -pair[2])


def confident_errors(probabilities: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """The numbers of the wrongly classified examples, at most `count`, the most confident first; ties in their order."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:count]


def topk_entropy(probabilities: np.ndarray, k: int) -> np.ndarray:
    """Entropy in bits [N] of the k largest probabilities of each row of [N, C], renormalised to sum 1 (Eq. 7, p. 8).

    0 for k = 1, at most log2(k). Raises StudyError if k is not from 1 to C, or on rows that are no distributions.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    # A softmax in bf16 can leave a row 1 % from a sum of 1.
    if probabilities.ndim != 2 or not (probabilities >= 0).all() or not np.allclose(probabilities.sum(axis=1), 1, atol=0.01):
        raise StudyError("Probabilities must be [examples, classes], 0 or more, with rows that sum to 1: take a softmax first.")
    classes = probabilities.shape[1]
    if k not in range(1, classes + 1):
        raise StudyError(f"k must be a whole number from 1 to the number of classes, {classes}; given {k!r}.")
    return topk_entropies(probabilities)[:, k - 1]


def topk_entropies(probabilities: np.ndarray) -> np.ndarray:
    """`topk_entropy` for every k at once: bits [N, C], column k - 1 for k from 1 to C.

    With S_k the sum of the k largest, H_k = log2 S_k - (sum of p log2 p over them) / S_k: two cumulative sums, one sorting.
    """
    largest_first = -np.sort(-probabilities.astype(float), axis=1)
    total = np.cumsum(largest_first, axis=1)
    terms = np.cumsum(xlogy(largest_first, largest_first), axis=1) / np.log(2)
    return np.maximum(np.log2(total) - terms / total, 0)  # rounding may leave a one-hot row just below 0


def calibration_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature T that, dividing the log probabilities, minimises their negative log likelihood (Guo et al. 2017).

    Above 1 the model is too sure, below 1 not sure enough. Searched from 0.05 to 20. Fit it on validation texts.
    """

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(at_temperature(probabilities, np.exp(log_temperature)), labels)

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities [N, C] when the logits are divided by a temperature above 0."""
    return softmax(np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)) / temperature, axis=1)


def negative_log_likelihood(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -ln p(true class), in nats. A 0 counts as the least step of a float64, 2e-16, so that the mean stays finite."""
    return float(sklearn_metrics.log_loss(labels, probabilities, labels=range(probabilities.shape[1])))


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> dict[str, np.ndarray]:
    """By B bins of equal width of the confidence (largest probability), [B] each: `count`, and the means `confidence` and
    `accuracy`, NaN where a bin is empty. Bin b holds (edges[b], edges[b + 1]]."""
    edges = np.linspace(0, 1, bins + 1)
    confidence = probabilities.max(axis=1)
    place = np.digitize(confidence, edges[1:-1], right=True)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN of an empty bin
        mean_confidence = np.bincount(place, confidence, bins) / count
        mean_accuracy = np.bincount(place, probabilities.argmax(axis=1) == labels, bins) / count
    return {"count": count, "confidence": mean_confidence, "accuracy": mean_accuracy}


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean over examples of |accuracy - confidence| of their bin, 0 to 1 (Guo et al. 2017, Eq. 3; 15 bins as there)."""
    found = reliability(probabilities, labels, bins)
    filled = found["count"] > 0
    gaps = np.abs(found["accuracy"] - found["confidence"])[filled]
    return float(np.average(gaps, weights=found["count"][filled]))
