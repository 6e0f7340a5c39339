"""The plain version: the same mathematics as `lclstudy.train` on LCL, written the way the released code writes it.

The library's own networks on padded rows, in fp32, with its `eager` attention; the weights of the loss put in place one by one
by a double loop; AdamW one parameter after another; evaluation text by text.

Padding has two forms. To the longest of the batch is what the released code does; to one length for the whole corpus is what
`padding="max_length"` does, and what a compiled network or a table of token ids asks for.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import get_linear_schedule_with_warmup

from lclstudy import train
from lclstudy.batching import Tokens
from lclstudy.objectives import Objective, Outcome


@dataclass(frozen=True)
class PaddedBatch:
    """`input_ids`, `attention_mask` [K, L]; `labels` [K]."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor


def pad(rows: Sequence[Tensor], padding: int, length: int | None) -> tuple[Tensor, Tensor]:
    """Rows of token ids as `input_ids` and `attention_mask` [K, L]; L is `length`, or the longest row's without one."""
    shape = len(rows), length or max(map(len, rows))
    input_ids, attention_mask = torch.full(shape, padding), torch.zeros(shape, dtype=torch.long)
    for number, row in enumerate(rows):
        input_ids[number, : len(row)] = row
        attention_mask[number, : len(row)] = 1
    return input_ids, attention_mask


class PaddedViews:
    """Collates the same rows in the same order as `batching.TwoViews`, padded."""

    def __init__(self, texts: Tokens, views: Tokens, labels: Sequence[int], padding: int, length: int | None):
        self.texts, self.views, self.labels = texts, views, torch.tensor(labels)
        self.padding, self.length = padding, length

    def __call__(self, numbers: Sequence[int]) -> PaddedBatch:
        rows = [tokens.ids[number] for tokens in (self.texts, self.views) for number in numbers]
        return PaddedBatch(*pad(rows, self.padding, self.length), self.labels[list(numbers)].repeat(2))


def label_aware_contrastive(features: Tensor, labels: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """`losses.label_aware_contrastive`, released variant, for batches in which every row has a positive."""
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
    """An LCL objective (protocol `released`, pooling `cls`) for padded batches, on the parameters of the one that is given."""

    def __init__(self, objective: Objective):
        super().__init__()
        # Networks of their own, because these attend in another way; a second set of weights would show in the peak memory.
        shared = {id(parameter): parameter for parameter in objective.parameters()}
        self.primary, self.weighting = (copy.deepcopy(network, shared) for network in objective.networks())
        self.alpha, self.temperature = objective.spec.alpha, objective.spec.temperature
        for model in (self.primary.body, self.weighting.model):
            model.set_attn_implementation("eager")

    def networks(self) -> list[nn.Module]:
        return [self.primary, self.weighting]

    def predict(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Features [K, H] and logits [K, C] of the primary network."""
        network = self.primary
        features = network.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, 0]
        hidden = F.relu(network.dropout(network.dense(features)))
        return features, network.logit_dropout(network.out(hidden))

    def forward(self, batch: PaddedBatch) -> Outcome:
        features, logits = self.predict(batch.input_ids, batch.attention_mask)
        weighting_logits = self.weighting.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        contrastive = label_aware_contrastive(
            F.normalize(features, dim=1), batch.labels, weighting_logits.softmax(dim=1), self.temperature
        )
        cross_entropy, weighting = F.cross_entropy(logits, batch.labels), F.cross_entropy(weighting_logits, batch.labels)
        loss = self.alpha * (cross_entropy + weighting) + (1 - self.alpha) * contrastive
        return Outcome(loss, {"ce": cross_entropy, "contrastive": contrastive, "weighting": weighting}, logits)


def evaluate(objective: PlainObjective, texts: Tokens, padding: int, length: int | None) -> np.ndarray:
    """[N, C] probabilities, one text at a time; padded to `length`, or as long as it is without one."""
    objective.eval()
    with torch.no_grad():
        logits = [objective.predict(*pad([row], padding, length))[1] for row in texts.ids]
    return torch.cat(logits).softmax(dim=1).numpy()


def epoch(objective: PlainObjective, batches: Iterable[PaddedBatch], learning_rate: float) -> float:
    """Trains on every batch once, with an optimiser and a schedule of its own; returns the mean loss."""
    optimizer = train.adamw(objective, learning_rate, fused=False)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, len(batches))
    objective.train()
    losses = [train.step(objective, batch, optimizer, schedule, "fp32").loss.item() for batch in batches]
    return sum(losses) / len(losses)
