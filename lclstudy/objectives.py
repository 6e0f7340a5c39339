"""A model with its recipe: what each objective computes from a batch. All share the same primary network."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import losses
from .batching import Batch, Packed
from .config import Protocol, RunSpec
from .encoders import POOLINGS, Encoder, encode, sequence_logits

DROPOUT = 0.1


class PrimaryNetwork(nn.Module):
    """Encoder, then dense H to H, dropout, ReLU, dense H to C, and (as released) dropout on the logits. Section 4.2."""

    def __init__(self, body: nn.Module, classes: int, pooling: str, logit_dropout: bool):
        super().__init__()
        hidden = body.config.hidden_size
        self.body, self.pool = body, POOLINGS[pooling]
        self.dense, self.out = nn.Linear(hidden, hidden), nn.Linear(hidden, classes)
        self.dropout = nn.Dropout(DROPOUT)
        self.logit_dropout = nn.Dropout(DROPOUT if logit_dropout else 0.0)

    def forward(self, rows: Packed) -> tuple[Tensor, Tensor]:
        """Features [K, H], the encoder's pooled output as it is, and logits [K, C]."""
        features = self.pool(encode(self.body, rows), rows)
        return features, self.logit_dropout(self.out(F.relu(self.dropout(self.dense(features)))))


class WeightingNetwork(nn.Module):
    """The second network of LCL: the encoder with its library's own classification head. Section 3.2."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, rows: Packed) -> Tensor:
        """Logits [K, C]."""
        return sequence_logits(self.model, rows)


@dataclass
class Outcome:
    """`loss`, the scalar to minimise; `parts`, its terms before they are weighed; `logits` [K, C] of the primary network."""

    loss: Tensor
    parts: dict[str, Tensor]
    logits: Tensor


class Objective(nn.Module):
    """The networks of an objective and its recipe. `networks()` lists them: each has its gradient clipped by itself."""

    def __init__(self, spec: RunSpec, encoder: Encoder, classes: int):
        super().__init__()
        self.spec, self.protocol, self.recipe = spec, Protocol.parse(spec.protocol), RECIPES[spec.objective]
        self.primary = PrimaryNetwork(encoder.body(), classes, spec.pooling, self.protocol.logit_dropout)
        self.weighting = WeightingNetwork(encoder.classifier(classes)) if self.recipe.weighting else None

    def networks(self) -> list[nn.Module]:
        return [network for network in (self.primary, self.weighting) if network is not None]

    def forward(self, batch: Batch) -> Outcome:
        return self.recipe.compute(self, batch)


def _cross_entropy(objective: Objective, batch: Batch) -> Outcome:
    _, logits = objective.primary(batch.rows)
    loss = F.cross_entropy(logits.float(), batch.labels)
    return Outcome(loss, {"ce": loss}, logits)


def _with_contrast(objective: Objective, batch: Batch, contrast: Callable[[Tensor], Tensor]) -> Outcome:
    """alpha L_e + (1 - alpha) L_contrast, as in Gunel et al. (2021); `contrast` takes the unit features [K, H]."""
    alpha = objective.spec.alpha
    features, logits = objective.primary(batch.rows)
    cross_entropy = F.cross_entropy(logits.float(), batch.labels)
    contrastive = contrast(F.normalize(features.float(), dim=1))
    loss = alpha * cross_entropy + (1 - alpha) * contrastive
    return Outcome(loss, {"ce": cross_entropy, "contrastive": contrastive}, logits)


def _supervised(objective: Objective, batch: Batch) -> Outcome:
    temperature, reduction = objective.spec.temperature, objective.protocol.reduction
    return _with_contrast(
        objective, batch, lambda unit: losses.supervised_contrastive(unit, batch.labels, temperature, reduction)
    )


def _simclr(objective: Objective, batch: Batch) -> Outcome:
    temperature, reduction = objective.spec.temperature, objective.protocol.reduction
    return _with_contrast(objective, batch, lambda unit: losses.simclr(unit, batch.pairs, temperature, reduction))


def _label_aware(objective: Objective, batch: Batch) -> Outcome:
    """alpha (L_e + L_w) + (1 - alpha) L_LCL: Eq. 6, the weights being the softmax of the weighting network's logits: Eq. 5."""
    spec, protocol = objective.spec, objective.protocol
    weighting_logits = objective.weighting(batch.rows).float()
    weights = weighting_logits.softmax(dim=1)
    if not protocol.weight_gradient:
        weights = weights.detach()
    variant = "released" if protocol.weight_place == "outside" else "printed"
    outcome = _with_contrast(
        objective,
        batch,
        lambda unit: losses.label_aware_contrastive(unit, batch.labels, weights, spec.temperature, variant, protocol.reduction),
    )
    weighting_loss = F.cross_entropy(weighting_logits, batch.labels)
    return Outcome(outcome.loss + spec.alpha * weighting_loss, {**outcome.parts, "weighting": weighting_loss}, outcome.logits)


@dataclass(frozen=True)
class Recipe:
    """`compute`: from a batch to an outcome; `two_views`: it trains on second views; `weighting`: it has a second network."""

    compute: Callable[[Objective, Batch], Outcome]
    two_views: bool = True
    weighting: bool = False


RECIPES = {
    "ce": Recipe(_cross_entropy, two_views=False),
    "ce_aug": Recipe(_cross_entropy),
    "scl": Recipe(_supervised),
    "simclr": Recipe(_simclr),
    "lcl": Recipe(_label_aware, weighting=True),
}


@torch.no_grad()
def probabilities(network: PrimaryNetwork, rows: Packed) -> Tensor:
    """[K, C] float32: the primary network's prediction scores, which is all that testing uses."""
    return network(rows)[1].float().softmax(dim=1)
