"""Each objective against its equation written out by hand, and what each network gets of the gradient."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from lclstudy.models import encoders, losses
from lclstudy.models.batching import TwoViews, tokenize
from lclstudy.models.objectives import FIXED_WEIGHTS, LACON_REGULARIZER, RECIPES, Objective, needs_matrix, probabilities
from lclstudy.plan.spec import OBJECTIVES, Protocol, make_spec

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
        model = Objective(spec, encoder, 3, MATRIX if needs_matrix(spec) else None)
        model.train(dropout)
        views = tokenize(VIEWS, encoder.tokenizer, 32) if RECIPES[objective].two_views else None
        return model, TwoViews(tokenize(TEXTS, encoder.tokenizer, 32), views, LABELS)([0, 1, 2, 3, 4])

    return made


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def mixed(cross_entropy, contrast):
    return 0.1 * cross_entropy + 0.9 * contrast


def lcl(at, weights, cross_entropy, variant="released", reduction="mean"):
    contrast = losses.label_aware_contrastive(at.unit, at.labels, weights, 0.3, variant, reduction)
    return mixed(cross_entropy, contrast)


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
        at.ce, losses.supervised_contrastive(at.unit, at.labels, 0.3 * losses.positive_counts(at.labels)))),
    # Equation 6. With fixed weights, which are the row of the true class, there is no loss of a weighting network.
    ("lcl", "released", lambda at: lcl(at, at.weights, at.ce + at.weighting_ce)),
    ("lcl", "printed", lambda at: lcl(at, at.weights, at.ce + at.weighting_ce, "printed", "sum")),
    *(("lcl", f"released,weights={name}", lambda at: lcl(at, MATRIX[at.labels], at.ce)) for name in FIXED_WEIGHTS),
    ("lacon", "released", lacon),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "protocol", "by_hand"), EQUATIONS)
def test_an_objective_is_its_equation(make, objective, protocol, by_hand):
    model, batch = make(objective, alpha=0.1, temperature=0.3, protocol=protocol)
    features, logits = model.primary(batch.rows)
    at = SimpleNamespace(features=features, unit=F.normalize(features), labels=batch.labels, pairs=batch.pairs)
    at.ce, at.anchors = F.cross_entropy(logits, at.labels), getattr(model.primary, "anchors", None)
    if model.weighting:
        weighting = model.weighting(batch.rows)
        at.weights, at.weighting_ce = weighting.softmax(1), F.cross_entropy(weighting, at.labels)
    assert model(batch).loss.item() == pytest.approx(by_hand(at).item(), rel=1e-5)
    assert at.labels.tolist() == [0, 1, 2, 0, 1] * (1 if objective in ("ce", "lacon") else 2), "of the originals alone, or both"


def test_the_networks_of_lcl_and_of_scl(make):
    assert tuple(RECIPES) == OBJECTIVES
    ce, scl, lcl = (make(name)[0] for name in ("ce", "scl", "lcl"))
    assert parameters(scl) == parameters(ce) and scl.networks() == [scl.primary]
    primary, weighting = lcl.networks()
    body, other = primary.body.state_dict(), weighting.model.bert.state_dict()
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
    assert torch.equal(logits[0], lcl.primary(batch.rows)[1]) and torch.equal(logits[1], lcl.weighting(batch.rows))
    assert model(batch).loss.item() == pytest.approx(sum(F.cross_entropy(found, batch.labels) for found in logits).item())
    mean = (logits[0].softmax(1) + logits[1].softmax(1)) / 2
    assert torch.allclose(probabilities(model.primary, batch.rows), mean, atol=1e-6)
    assert sum(map(parameters, model.networks())) == parameters(model) == parameters(lcl), "each is clipped by itself"


def test_lacon_predicts_by_the_nearest_anchor_and_learns_the_anchors(make):
    model, batch = make("lacon", temperature=0.2)
    features, logits = model.primary(batch.rows)
    anchors = model.primary.anchors
    assert torch.allclose(logits, F.normalize(features) @ F.normalize(anchors).T / 0.2, atol=1e-5)
    model(batch).loss.backward()
    assert anchors.grad.abs().sum() > 0


def test_the_reports_protocol_is_its_equations():
    found = Protocol.parse("report")
    assert (found.weight_place, found.reduction, found.features, found.weights) == ("outside", "sum", "raw", "joint")
    assert found.weight_gradient and not found.logit_dropout and not found.drop_last
