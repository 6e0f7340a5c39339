"""The baseline that stands below all others: TF-IDF of words and word pairs, and logistic regression, by scikit-learn."""

import time

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from tqdm import tqdm

from lclstudy.errors import StudyError

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)  # C, the inverse of the regularisation
MOST_ITERATIONS = 1000


def fit(texts: dict[str, list[str]], labels: dict[str, np.ndarray], classes: int, progress: bool = True, label: str = ""):
    """Fits with each of `STRENGTHS`: (a dict for each, the best one's [N, C] probabilities by split, counts for the record).

    `texts`, `labels` by split. The best is the first with the best validation accuracy. The same data give the same result.
    Raises StudyError if the training texts are of one class, or hold no word.
    """
    if len(np.unique(labels["train"])) < 2:
        raise StudyError(f"{label}: all training texts are of one class; give a bag of words texts of two or more.")
    try:
        vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"[^\W_]+").fit(texts["train"])
    except ValueError:
        raise StudyError(f"{label}: no training text holds a letter or a digit, all that a bag of words reads.") from None
    vectors = {split: vectorizer.transform(given) for split, given in texts.items()}
    fits, found = [], []
    for number, strength in enumerate(tqdm(STRENGTHS, desc=label, unit="fit", leave=False, disable=not progress), start=1):
        begun = time.perf_counter()
        model = LogisticRegression(C=strength, max_iter=MOST_ITERATIONS).fit(vectors["train"], labels["train"])
        seconds = time.perf_counter() - begun
        found.append({split: _probabilities(model, matrix, classes) for split, matrix in vectors.items()})
        right = {split: found[-1][split].argmax(axis=1) == labels[split] for split in ("train", "validation")}
        loss = float(log_loss(labels["train"], found[-1]["train"], labels=range(classes)))
        told = {f"{split}_accuracy": float(right[split].mean()) for split in right}
        fits.append({"epoch": number, "C": strength, "loss": loss, **told, "seconds": seconds})
    best = found[int(np.argmax([one["validation_accuracy"] for one in fits]))]
    parameters = (len(vectorizer.vocabulary_) + 1) * classes
    return fits, best, {"steps": len(fits), "parameters": parameters, "texts": len(fits) * len(texts["train"])}


def _probabilities(model: LogisticRegression, matrix, classes: int) -> np.ndarray:
    """[N, C] float32; 0 for a class without training texts, which the model does not know."""
    found = np.zeros((matrix.shape[0], classes), np.float32)
    found[:, model.classes_] = model.predict_proba(matrix)
    return found
