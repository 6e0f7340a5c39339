"""Fixed weights [C, C] of LCL by true class, and how similar label names are: what no network learns beside the run."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lclstudy.statistics.metrics import confusion_matrix

from .batching import pack, tokenize
from .encoders import Encoder, encode, mean_pooling

NAME_TEMPERATURE = 0.3  # of the softmax over name similarities: the temperature of the paper's contrastive losses
LEAST_SIMILARITY = 0.1  # LASCL divides by it, so that a cosine near or below 0 would blow up or turn its negatives round
MOST_TOKENS = 64  # of a label name


def from_confusion(labels: np.ndarray, probabilities: np.ndarray) -> Tensor:
    """[C, C], rows sum to 1: how often texts of a class (row) are taken for each class (column).

    `labels` [N], `probabilities` [N, C]. One is added to every count (Laplace), so no weight is 0, and a class without texts
    has uniform weights.
    """
    counts = confusion_matrix(labels, probabilities.argmax(axis=1), probabilities.shape[1]) + 1
    return torch.from_numpy(counts / counts.sum(axis=1, keepdims=True)).float()


def from_names(names: tuple[str, ...], encoder: Encoder) -> Tensor:
    """[C, C], rows sum to 1: softmax over the classes of the cosine of two label names over `NAME_TEMPERATURE`."""
    return (name_cosines(names, encoder) / NAME_TEMPERATURE).softmax(dim=1)


def name_similarity(names: tuple[str, ...], encoder: Encoder) -> Tensor:
    """[C, C]: the cosine of two label names, but `LEAST_SIMILARITY` where it is lower."""
    return name_cosines(names, encoder).clamp(min=LEAST_SIMILARITY)


@torch.no_grad()
def name_cosines(names: tuple[str, ...], encoder: Encoder) -> Tensor:
    """[C, C]: the cosine of two label names, each the mean of its tokens' outputs under the encoder before any training.

    The name stands alone, `_` as a space. [CLS] is not used: before training it says little in most encoders.
    """
    rows = pack(tokenize([name.replace("_", " ") for name in names], encoder.tokenizer, MOST_TOKENS).ids)
    unit = F.normalize(mean_pooling(encode(encoder.body().eval(), rows), rows).double(), dim=1)
    return (unit @ unit.T).float()
