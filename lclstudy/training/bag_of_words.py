"""The baseline that stands below all others: TF-IDF of words and word pairs, and logistic regression, by scikit-learn."""

import time

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from tqdm import tqdm

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)  # C, the inverse of the regularisation
MOST_ITERATIONS = 1000


def fit(texts: dict[str, list[str]], labels: dict[str, list[int]], classes: int, progress: bool = True, label: str = ""):
    """Fits with each of `STRENGTHS`: (a dict for each, the best one's [N, C] probabilities by split, its parameters).

    `texts`, `labels` by split. The best is the first with the best validation accuracy. The same data give the same result.
    """
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"[^\W_]+")
    vectors = {"train": vectorizer.fit_transform(texts["train"])}
    vectors |= {split: vectorizer.transform(texts[split]) for split in ("validation", "test")}
    fits, best, chosen = [], None, -1.0
    for number, strength in enumerate(tqdm(STRENGTHS, desc=label, unit="fit", leave=False, disable=not progress), start=1):
        begun = time.perf_counter()
        model = LogisticRegression(C=strength, max_iter=MOST_ITERATIONS).fit(vectors["train"], labels["train"])
        seconds = time.perf_counter() - begun
        found = {split: _probabilities(model, matrix, classes) for split, matrix in vectors.items()}
        accuracy = {split: float((found[split].argmax(axis=1) == np.array(labels[split])).mean()) for split in found}
        fits.append(
            {
                "epoch": number,
                "C": strength,
                "loss": float(log_loss(labels["train"], found["train"], labels=range(classes))),
                "train_accuracy": accuracy["train"],
                "validation_accuracy": accuracy["validation"],
                "seconds": seconds,
            }
        )
        if accuracy["validation"] > chosen:
            best, chosen = found, accuracy["validation"]
    return fits, best, (vectors["train"].shape[1] + 1) * classes


def _probabilities(model: LogisticRegression, matrix, classes: int) -> np.ndarray:
    """[N, C] float32; 0 for a class without training texts, which the model does not know."""
    found = np.zeros((matrix.shape[0], classes), np.float32)
    found[:, model.classes_] = model.predict_proba(matrix)
    return found
