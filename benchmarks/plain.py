"""The plain version: what `lclstudy.training.loop` computes for ce, scl and lcl, written the way the released code writes it.

The library's own networks on rows padded to the longest of their batch, in fp32, with its `eager` attention and torch's own
dropout; the weights of the loss put in place by a double loop; AdamW one parameter after another; evaluation text by text.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import get_linear_schedule_with_warmup

from lclstudy.models import dropout
from lclstudy.models.batching import Tokens
from lclstudy.models.objectives import Objective, Outcome
from lclstudy.training.optimizer import MAX_GRADIENT_NORM, AdamW


class PaddedBatch(NamedTuple):
    """`input_ids`, `attention_mask` [K, L], L the longest row's length; `labels` [K]."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor | None


def pad(rows: Sequence[Tensor], padding: int, labels: Tensor | None = None) -> PaddedBatch:
    masks = [torch.ones_like(row) for row in rows]
    return PaddedBatch(pad_sequence(rows, True, padding), pad_sequence(masks, True), labels)


class PaddedViews:
    """Collates the same rows in the same order as `batching.TwoViews`, padded."""

    def __init__(self, texts: Tokens, views: Tokens | None, labels: Sequence[int], padding: int):
        self.texts, self.sources = texts, [texts, views] if views else [texts]
        self.labels, self.padding = torch.tensor(labels), padding

    def __call__(self, numbers: Sequence[int]) -> PaddedBatch:
        rows = [tokens.ids[number] for tokens in self.sources for number in numbers]
        return pad(rows, self.padding, self.labels[list(numbers)].repeat(len(self.sources)))


def label_aware_contrastive(features: Tensor, labels: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """`losses.label_aware_contrastive`, released variant, for batches in which every row has a positive; with all weights
    [K, C] 1 it is `losses.supervised_contrastive`."""
    rows = len(labels)
    pair_weights = torch.zeros(rows, rows)
    for i in range(rows):
        for k in range(rows):
            pair_weights[i, k] = weights[i, labels[k]]
    others = 1 - torch.eye(rows)
    positives = (labels[:, None] == labels[None, :]) * others
    similarity = features @ features.T / temperature
    similarity = similarity - similarity.max(dim=1, keepdim=True).values.detach()
    log_ratio = similarity - (others * pair_weights * similarity.exp()).sum(dim=1, keepdim=True).log()
    return -((positives * pair_weights * log_ratio).sum(dim=1) / positives.sum(dim=1)).mean()


class PlainObjective(nn.Module):
    """Objective ce, scl or lcl (protocol `released`, pooling `cls`) for padded batches, on the parameters of the one given."""

    def __init__(self, objective: Objective):
        super().__init__()
        # Networks of their own, because these attend in another way; a second set of weights would show in the peak memory.
        shared = {id(parameter): parameter for parameter in objective.parameters()}
        self.primary, self.weighting = copy.deepcopy((objective.primary, objective.weighting), shared)
        self.spec = objective.spec
        self.primary.body.set_attn_implementation("eager")
        if self.weighting is not None:
            self.weighting.set_attn_implementation("eager")
        for module in self.modules():
            if type(module) is dropout.Dropout:
                module.__class__ = nn.Dropout
        networks = (network for network in (self.primary, self.weighting) if network is not None)
        self.learning = [list(network.parameters()) for network in networks]

    def predict(self, batch: PaddedBatch) -> tuple[Tensor, Tensor]:
        """Features [K, H] and logits [K, C] of the primary network."""
        network = self.primary
        hidden = network.body(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
        features = hidden[:, 0]
        return features, network.logit_dropout(network.out(F.relu(network.dropout(network.dense(features)))))

    def forward(self, batch: PaddedBatch) -> Outcome:
        features, logits = self.predict(batch)
        parts, weights = {"ce": F.cross_entropy(logits, batch.labels)}, torch.ones_like(logits)
        if self.spec.objective == "ce":
            return Outcome(parts["ce"], parts, logits)
        if self.weighting is not None:
            weighting_logits = self.weighting(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
            parts["weighting"], weights = F.cross_entropy(weighting_logits, batch.labels), weighting_logits.softmax(dim=1)
        unit = F.normalize(features, dim=1)
        contrastive = label_aware_contrastive(unit, batch.labels, weights, self.spec.temperature)
        loss = self.spec.alpha * sum(parts.values()) + (1 - self.spec.alpha) * contrastive
        return Outcome(loss, parts | {"contrastive": contrastive}, logits)


@torch.no_grad()
def evaluate(objective: PlainObjective, texts: Tokens, padding: int) -> np.ndarray:
    """[N, C] probabilities, one text at a time."""
    objective.eval()
    return torch.cat([objective.predict(pad([row], padding))[1] for row in texts.ids]).softmax(dim=1).numpy()


def epoch(objective: PlainObjective, batches: Iterable[PaddedBatch], learning_rate: float) -> None:
    """Trains on every batch once, with an optimiser and a schedule of its own."""
    optimizer = AdamW(objective, learning_rate, fused=False)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, len(batches))
    objective.train()
    for batch in batches:
        loss = objective(batch).loss
        loss.backward()
        for weights in objective.learning:
            torch.nn.utils.clip_grad_norm_(weights, MAX_GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        loss.item()
