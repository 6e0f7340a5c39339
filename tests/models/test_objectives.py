"""Each objective against its equation by hand, what each network gets of the gradient, and weights that no network learns."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lclstudy.models import encoders, label_weights, losses
from lclstudy.models.batching import TwoViews, tokenize
from lclstudy.models.objectives import FIXED_WEIGHTS, LACON_REGULARIZER, RECIPES, Objective
from lclstudy.plan.spec import OBJECTIVES, make_spec

TEXTS = ["i was afraid of the dark", "she left", "so happy to see them", "no way", "he shouted at me", "they sang"]
VIEWS = ["i was scared of the dark", "she went", "so glad to see them", "no path", "he cried at me", "they sang"]
LABELS = [0, 1, 2, 0, 1, 2]
MATRIX = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.25, 0.25, 0.5]])  # weights by true class


@pytest.fixture(scope="module")
def make():
    """`make(objective)`: an `Objective` of the encoder `tiny`, and a batch; without dropout unless it is asked for."""
    encoder = encoders.load("tiny", TEXTS + VIEWS)

    def made(objective, dropout=False, **settings):
        spec = make_spec("embedded", objective, encoder="tiny", seed=0, **settings)
        torch.manual_seed(0)
        model = Objective(spec, encoder, 3, MATRIX if objective == "lascl" or spec.rules.weights in FIXED_WEIGHTS else None)
        model.train(dropout)
        views = tokenize(VIEWS, encoder.tokenizer, 32) if RECIPES[objective].two_views else None
        return model, TwoViews(tokenize(TEXTS, encoder.tokenizer, 32), views, LABELS)([0, 1, 2, 3, 4])

    return made


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def mixed(cross_entropy, contrast):
    return 0.1 * cross_entropy + 0.9 * contrast


def lacon(at):
    """Their Equation 7; the hidden size of tiny is 128, which 6 heads do not divide."""
    to_label = losses.instance_to_label(at.features, at.anchors, at.labels, 0.3, heads=2)
    to_instance = losses.label_to_instance(at.features, at.anchors, at.labels, 0.3)
    return to_label + to_instance + LACON_REGULARIZER * losses.label_regularizer(at.anchors)


SUM = "released,reduction=sum"
EQUATIONS = [
    ("ce", "released", lambda at: at.ce),
    ("ce_aug", "released", lambda at: at.ce),
    ("scl", SUM, lambda at: mixed(at.ce, losses.supervised_contrastive(at.unit, at.labels, 0.3, "sum"))),
    ("simclr", SUM, lambda at: mixed(at.ce, losses.simclr(at.unit, at.pairs, 0.3, "sum"))),
    ("dcl", SUM, lambda at: mixed(at.ce, losses.decoupled_contrastive(at.unit, at.labels, 0.3, "sum"))),
    ("lascl", SUM, lambda at: mixed(at.ce, losses.name_scaled_contrastive(at.unit, at.labels, MATRIX, 0.3, "sum"))),
    # Settings of the follow-up report: raw features, and (it failed) a temperature times the positives.
    ("scl", "released,features=raw", lambda at: mixed(at.ce, losses.supervised_contrastive(at.features, at.labels, 0.3))),
    ("scl", "released,temperature_scale=positives", lambda at: mixed(
        at.ce, losses.supervised_contrastive(at.unit, at.labels, 0.3 * at.positives))),
    # Equation 6. With fixed weights, which are the row of the true class, there is no loss of a weighting network.
    ("lcl", "released", lambda at: mixed(
        at.ce + at.weighting_ce, losses.label_aware_contrastive(at.unit, at.labels, at.weights, 0.3))),
    ("lcl", "printed", lambda at: mixed(
        at.ce + at.weighting_ce, losses.label_aware_contrastive(at.unit, at.labels, at.weights, 0.3, "printed", "sum"))),
    *(("lcl", f"released,weights={name}", lambda at: mixed(
        at.ce, losses.label_aware_contrastive(at.unit, at.labels, MATRIX[at.labels], 0.3))) for name in FIXED_WEIGHTS),
    ("lacon", "released", lacon),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "protocol", "by_hand"), EQUATIONS)
def test_an_objective_is_its_equation(make, objective, protocol, by_hand):
    model, batch = make(objective, alpha=0.1, temperature=0.3, protocol=protocol)
    features, logits = model.primary(batch.rows)
    at = SimpleNamespace(features=features, unit=F.normalize(features), labels=batch.labels, pairs=batch.pairs)
    at.ce, at.anchors = F.cross_entropy(logits, at.labels), getattr(model.primary, "anchors", None)
    at.positives = torch.tensor([sum(int(a == b) for b in at.labels) - 1 for a in at.labels])
    if model.weighting:
        weighting = encoders.sequence_logits(model.weighting, batch.rows)
        at.weights, at.weighting_ce = weighting.softmax(1), F.cross_entropy(weighting, at.labels)
    assert model(batch).loss.item() == pytest.approx(by_hand(at).item(), rel=1e-5)
    assert at.labels.tolist() == [0, 1, 2, 0, 1] * (1 if objective in ("ce", "lacon") else 2), "of the originals alone, or both"


def test_the_networks_of_lcl_and_of_scl(make):
    assert tuple(RECIPES) == OBJECTIVES
    ce, scl, lcl = (make(name)[0] for name in ("ce", "scl", "lcl"))
    assert parameters(scl) == parameters(ce) and scl.networks() == [scl.primary]
    primary, weighting = lcl.networks()
    body, other = primary.body.state_dict(), weighting.bert.state_dict()
    assert all(torch.equal(body[name], other[name]) for name in body), "both start from the same encoder"
    assert {id(p) for p in primary.parameters()}.isdisjoint(id(p) for p in weighting.parameters())


@pytest.mark.parametrize("reached", [True, False])
def test_the_contrastive_gradient_reaches_the_weighting_network_unless_stopped(make, reached):
    """With alpha 0 the contrastive loss is all there is, so a stopped gradient leaves the weighting network none."""
    model, batch = make("lcl", alpha=0.0, protocol=f"released,weight_gradient={str(reached).lower()}")
    model(batch).loss.backward()
    found = [parameter.grad for parameter in model.weighting.parameters() if parameter.grad is not None]
    assert any(gradient.any() for gradient in found) == reached


def test_dropout_on_the_logits_is_part_of_the_released_protocol_alone(make):
    for protocol, dropped in (("released", True), ("released,logit_dropout=false", False)):
        model, batch = make("ce", dropout=True, protocol=protocol)
        assert any((model.primary(batch.rows)[1] == 0).any() for _ in range(20)) == dropped


def test_the_ensemble_is_lcl_without_its_contrast_and_averages_probabilities(make):
    (lcl, _), (model, batch) = make("lcl"), make("ce_ensemble")
    _, *logits = model.primary.both(batch.rows)
    assert torch.equal(logits[0], lcl.primary(batch.rows)[1])
    assert torch.equal(logits[1], encoders.sequence_logits(lcl.weighting, batch.rows))
    assert model(batch).loss.item() == pytest.approx(sum(F.cross_entropy(found, batch.labels) for found in logits).item())
    mean = (logits[0].softmax(1) + logits[1].softmax(1)) / 2
    assert torch.allclose(model.primary(batch.rows)[1].softmax(1), mean, atol=1e-6)
    assert sum(map(parameters, model.networks())) == parameters(model) == parameters(lcl), "each is clipped by itself"


def test_lacon_predicts_by_the_nearest_anchor_and_learns_the_anchors(make):
    model, batch = make("lacon", temperature=0.2)
    features, logits = model.primary(batch.rows)
    anchors = model.primary.anchors
    assert torch.allclose(logits, F.normalize(features) @ F.normalize(anchors).T / 0.2, atol=1e-5)
    model(batch).loss.backward()
    assert anchors.grad.abs().sum() > 0


def test_weights_from_confusion_are_smoothed_shares_of_each_true_class():
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = np.eye(3)[[0, 1, 1, 1, 1]]  # class 0 is taken for 1 twice; there is no text of class 2
    found = label_weights.from_confusion(labels, probabilities)
    assert torch.allclose(found, torch.tensor([[2 / 6, 3 / 6, 1 / 6], [1 / 5, 3 / 5, 1 / 5], [1 / 3, 1 / 3, 1 / 3]]))


def test_cosines_of_names_whatever_their_underscores_and_places_and_the_weights_made_of_them(monkeypatch):
    encoder = encoders.load("tiny", ["i was very happy", "she was afraid of the car engine", "happy days"])
    names = ("very happy", "happy", "afraid", "car_engine")
    found = label_weights.name_cosines(names, encoder)
    assert torch.allclose(found, found.T) and torch.allclose(found.diagonal(), torch.ones(4))
    assert torch.allclose(label_weights.name_cosines(names[::-1], encoder), found.flip(0, 1), atol=1e-6)
    assert label_weights.name_cosines(("car_engine", "car engine"), encoder)[0, 1].item() == pytest.approx(1, abs=1e-6)
    monkeypatch.setattr(label_weights, "name_cosines", lambda *_: torch.tensor([[1.0, -0.4], [-0.4, 1.0]]))
    own = torch.tensor(1.4 / label_weights.NAME_TEMPERATURE).sigmoid()  # a softmax of two
    assert torch.allclose(label_weights.from_names((), None), torch.stack([own, 1 - own, 1 - own, own]).view(2, 2))
    least = label_weights.LEAST_SIMILARITY
    assert torch.allclose(label_weights.name_similarity((), None), torch.tensor([[1.0, least], [least, 1.0]]))
