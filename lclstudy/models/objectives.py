"""A model with its recipe: what each objective computes from a batch. All but LaCon share the same primary network."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lclstudy.plan.spec import RunSpec

from . import dropout, losses
from .batching import Batch, Packed
from .encoders import Encoder, encode, pooling, sequence_logits

DROPOUT = 0.1
LACON_HEADS = 6  # at most, and a divisor of the hidden size: the best of Zhang et al. (2022), Figure 5
LACON_REGULARIZER = 0.5  # lambda of their Eq. 7, the middle of their grid from 0.1 to 1.0; they publish no value per task
# A new classifier on features that do not move needs more than an encoder's 2e-5: Adam's default.
FROZEN_LEARNING_RATE = 1e-3
FIXED_WEIGHTS = ("confusion", "names", "uniform")  # of the protocol setting `weights`: no second network


class PrimaryNetwork(nn.Module):
    """Encoder, then dense H to H, dropout, ReLU, dense H to C, and (as released) dropout on the logits. Section 4.2."""

    def __init__(self, spec: RunSpec, encoder: Encoder, classes: int):
        super().__init__()
        self.body = encoder.body()
        hidden, self.pool = self.body.config.hidden_size, pooling(spec.pooling, self.body)
        self.dense, self.out = nn.Linear(hidden, hidden), nn.Linear(hidden, classes)
        self.dropout = nn.Dropout(DROPOUT)
        self.logit_dropout = nn.Dropout(DROPOUT if spec.rules.logit_dropout else 0.0)

    def forward(self, rows: Packed) -> tuple[Tensor, Tensor]:
        """Features [K, H], the encoder's pooled output as it is, and logits [K, C]."""
        features = self.pool(encode(self.body, rows), rows)
        return features, self.logit_dropout(self.out(F.relu(self.dropout(self.dense(features)))))


class EnsembleNetwork(nn.Module):
    """The two networks of LCL, their probabilities averaged: cross-entropy with as many parameters as LCL has."""

    def __init__(self, spec: RunSpec, encoder: Encoder, classes: int):
        super().__init__()
        self.one, self.other = PrimaryNetwork(spec, encoder, classes), encoder.classifier(classes)

    def both(self, rows: Packed) -> tuple[Tensor, Tensor, Tensor]:
        """Features [K, H] and logits [K, C] of the first network, logits [K, C] of the other."""
        return *self.one(rows), sequence_logits(self.other, rows)

    def forward(self, rows: Packed) -> tuple[Tensor, Tensor]:
        """Features [K, H] of the first network, and log of the mean probabilities [K, C]."""
        features, *logits = self.both(rows)
        return features, _mean_probability(*logits)


class MatchingNetwork(nn.Module):
    """LaCon's: encoder, projection of three dense layers, a learnt anchor per label. Zhang et al. (2022), Eqs. 1, 2 and 8."""

    def __init__(self, spec: RunSpec, encoder: Encoder, classes: int):
        super().__init__()
        self.body = encoder.body()
        hidden = self.body.config.hidden_size
        self.pool, self.temperature = pooling(spec.pooling, self.body), spec.temperature
        dense = [nn.Linear(hidden, hidden) for _ in range(3)]
        self.project = nn.Sequential(dense[0], nn.ReLU(), dense[1], nn.ReLU(), dense[2])
        self.anchors = nn.Parameter(torch.randn(classes, hidden) / math.sqrt(hidden))

    def forward(self, rows: Packed) -> tuple[Tensor, Tensor]:
        """Projected features [K, H], and logits [K, C]: cosines to the anchors over the temperature."""
        features = self.project(self.pool(encode(self.body, rows), rows))
        return features, losses.cosines(features, self.anchors) / self.temperature


@dataclass
class Outcome:
    """`loss`, the scalar to minimise; `parts`, its terms before they are weighed; `logits` [K, C] of the primary network."""

    loss: Tensor
    parts: dict[str, Tensor]
    logits: Tensor


class Stage(NamedTuple):
    """A part of a run, of all its epochs: what it computes from a batch, which modules it holds still, its learning rate.

    Modules that are held still get no gradient and have no dropout. A run reports an epoch of its last stage.
    """

    compute: Callable[["Objective", Batch], Outcome]
    frozen: tuple[nn.Module, ...] = ()
    learning_rate: float | None = None  # None: that of the spec


class Objective(nn.Module):
    """The networks of an objective and its recipe. `networks()` lists them: each has its gradient clipped by itself.

    `matrix` [C, C] is what a recipe reads that no network learns: LCL's fixed weights or LASCL's similarities.
    `stages` are worked through in order; the first has begun.
    """

    def __init__(self, spec: RunSpec, encoder: Encoder, classes: int, matrix: Tensor | None = None):
        super().__init__()
        self.spec, self.protocol, recipe = spec, spec.rules, RECIPES[spec.objective]
        self.primary = recipe.network(spec, encoder, classes)
        second = recipe.weighting and self.protocol.weights not in FIXED_WEIGHTS
        self.weighting = encoder.classifier(classes) if second else None  # with its library's own head: Section 3.2
        self.register_buffer("matrix", matrix, persistent=False)
        dropout.speed_up(self)
        self.stages = recipe.stages(self)
        self.begin(0)

    def networks(self) -> list[nn.Module]:
        if isinstance(self.primary, EnsembleNetwork):
            return [self.primary.one, self.primary.other]
        return [network for network in (self.primary, self.weighting) if network is not None]

    def begin(self, number: int) -> None:
        """Begins a stage, counted from 0: the modules that it holds still are frozen, all others learn (`learning`: the
        parameters of each of `networks()` that do, listed once, since walking through all modules at each step takes time)."""
        self.stage = self.stages[number]
        self.requires_grad_(True)
        for module in self.stage.frozen:
            module.requires_grad_(False)
        self.learning = [[one for one in network.parameters() if one.requires_grad] for network in self.networks()]

    def train(self, mode: bool = True) -> "Objective":
        super().train(mode)
        for module in self.stage.frozen:
            module.eval()
        return self

    def forward(self, batch: Batch) -> Outcome:
        return self.stage.compute(self, batch)


def _cross_entropy(objective: Objective, batch: Batch) -> Outcome:
    _, logits = objective.primary(batch.rows)
    loss = F.cross_entropy(logits.float(), batch.labels)
    return Outcome(loss, {"ce": loss}, logits)


def _contrast(objective: Objective, features: Tensor, loss: Callable, alike: Tensor, *more: Tensor) -> Tensor:
    """`loss` of the features [K, H] as the protocol contrasts them; `alike` [K] and `more` are what it takes after them."""
    spec, protocol = objective.spec, objective.protocol
    contrasted = F.normalize(features.float(), dim=1) if protocol.features == "unit" else features.float()
    temperature = spec.temperature
    if protocol.temperature_scale == "positives":  # the follow-up report tried it
        positives = (alike[:, None] == alike[None, :]).sum(dim=1) - 1  # [K]: how many other rows are like each
        temperature = temperature * positives.clamp(min=1)
    return loss(contrasted, alike, *more, temperature, reduction=protocol.reduction)


def _mixed(loss: Callable, given: Callable[[Objective, Batch], tuple[Tensor, ...]] = lambda _, batch: (batch.labels,)):
    """alpha L_e + (1 - alpha) L_contrast, as in Gunel et al. (2021); `loss` and what is `given` to it: see `_contrast`."""

    def compute(objective: Objective, batch: Batch) -> Outcome:
        more, alpha = given(objective, batch), objective.spec.alpha
        features, logits = objective.primary(batch.rows)
        cross_entropy = F.cross_entropy(logits.float(), batch.labels)
        contrastive = _contrast(objective, features, loss, *more)
        total = alpha * cross_entropy + (1 - alpha) * contrastive
        return Outcome(total, {"ce": cross_entropy, "contrastive": contrastive}, logits)

    return compute


def _label_aware(objective: Objective, batch: Batch) -> Outcome:
    """alpha (L_e + L_w) + (1 - alpha) L_LCL: Eq. 6. Without a network that learns the weights there is no L_w.

    The weights [K, C] are the softmax of the weighting network's logits (Eq. 5), or a row of the matrix by the true class.
    """
    protocol, logits = objective.protocol, None
    if objective.weighting is None:
        weights = objective.matrix[batch.labels]
    else:
        logits = sequence_logits(objective.weighting, batch.rows).float()
        weights = logits.softmax(dim=1) if protocol.weight_gradient else logits.softmax(dim=1).detach()
    variant = "released" if protocol.weight_place == "outside" else "printed"
    loss = partial(losses.label_aware_contrastive, variant=variant)
    outcome = _mixed(loss, lambda *_: (batch.labels, weights))(objective, batch)
    if protocol.weights == "joint":
        outcome.parts["weighting"] = F.cross_entropy(logits, batch.labels)
        outcome.loss = outcome.loss + objective.spec.alpha * outcome.parts["weighting"]
    return outcome


def _weighting_alone(objective: Objective, batch: Batch) -> Outcome:
    logits = sequence_logits(objective.weighting, batch.rows).float()
    loss = F.cross_entropy(logits, batch.labels)
    return Outcome(loss, {"weighting": loss}, logits)


def _contrast_alone(objective: Objective, batch: Batch) -> Outcome:
    """The logits are those of a classifier that has learnt nothing yet."""
    features, logits = objective.primary(batch.rows)
    loss = _contrast(objective, features, losses.supervised_contrastive, batch.labels)
    return Outcome(loss, {"contrastive": loss}, logits)


def _ensemble(objective: Objective, batch: Batch) -> Outcome:
    """The sum of both networks' cross-entropies, each over its own parameters."""
    _, *logits = objective.primary.both(batch.rows)
    one, other = (F.cross_entropy(found.float(), batch.labels) for found in logits)
    return Outcome(one + other, {"ce": one, "weighting": other}, _mean_probability(*logits))


def _mean_probability(*logits: Tensor) -> Tensor:
    """[K, C] each -> [K, C]: the log of the mean of their softmaxes, which is itself a logit."""
    return torch.stack([found.float().log_softmax(dim=1) for found in logits]).logsumexp(dim=0) - math.log(len(logits))


def _label_anchored(objective: Objective, batch: Batch) -> Outcome:
    """L_ICL + L_LCL + lambda L_LER: Zhang et al. (2022), Eq. 7, LaCon-vanilla, on the originals alone, as there."""
    network, temperature = objective.primary, objective.spec.temperature
    features, logits = network(batch.rows)
    anchors, heads = network.anchors, math.gcd(features.shape[1], LACON_HEADS)
    parts = {
        "instance_to_label": losses.instance_to_label(features, anchors, batch.labels, temperature, heads),
        "label_to_instance": losses.label_to_instance(features, anchors, batch.labels, temperature),
        "regularizer": losses.label_regularizer(anchors),
    }
    loss = parts["instance_to_label"] + parts["label_to_instance"] + LACON_REGULARIZER * parts["regularizer"]
    told = F.cross_entropy(logits, batch.labels).detach()  # no term of the loss: to lay beside the others' curves
    return Outcome(loss, {"ce": told, **parts}, logits)


def _at_once(compute: Callable[[Objective, Batch], Outcome]) -> Callable[[Objective], tuple[Stage, ...]]:
    return lambda objective: (Stage(compute),)


def _label_aware_stages(objective: Objective) -> tuple[Stage, ...]:
    if objective.protocol.weights != "pretrained":
        return (Stage(_label_aware),)
    return Stage(_weighting_alone, frozen=(objective.primary,)), Stage(_label_aware, frozen=(objective.weighting,))


def _contrast_then_classifier(objective: Objective) -> tuple[Stage, ...]:
    """Khosla et al. (2020): the contrastive loss alone, then cross-entropy of a classifier on features that do not move.

    The features are those of the first stage's last epoch: its classifier has learnt nothing by which to choose another.
    """
    primary = objective.primary
    classifier = Stage(_cross_entropy, frozen=(primary.body,), learning_rate=FROZEN_LEARNING_RATE)
    return Stage(_contrast_alone, frozen=(primary.dense, primary.out)), classifier


class Recipe(NamedTuple):
    """`stages`: those of an objective; `network`: makes the primary network; `two_views`: it trains on second views.

    `weighting`: it has a second network, unless its weights are fixed; `name_similarity`: its matrix is that of label names.
    """

    stages: Callable[[Objective], tuple[Stage, ...]]
    network: Callable[[RunSpec, Encoder, int], nn.Module] = PrimaryNetwork
    two_views: bool = True
    weighting: bool = False
    name_similarity: bool = False


# LASCL's authors train the contrastive loss alone and classify in a second step; here it stands where SCL's stands, as DCL's.
RECIPES = {
    "ce": Recipe(_at_once(_cross_entropy), two_views=False),
    "ce_aug": Recipe(_at_once(_cross_entropy)),
    "scl": Recipe(_at_once(_mixed(losses.supervised_contrastive))),
    "simclr": Recipe(_at_once(_mixed(losses.simclr, lambda _, batch: (batch.pairs,)))),
    "lcl": Recipe(_label_aware_stages, weighting=True),
    "ce_ensemble": Recipe(_at_once(_ensemble), EnsembleNetwork),
    "scl_two_stage": Recipe(_contrast_then_classifier),
    "lacon": Recipe(_at_once(_label_anchored), MatchingNetwork, two_views=False),
    "lascl": Recipe(
        _at_once(_mixed(losses.name_scaled_contrastive, lambda objective, batch: (batch.labels, objective.matrix))),
        name_similarity=True,
    ),
    "dcl": Recipe(_at_once(_mixed(losses.decoupled_contrastive))),
}
