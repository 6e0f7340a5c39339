"""Each objective's recipe against the sum written out by hand, and what each network gets of the gradient."""

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


def test_ce_learns_from_the_originals_alone_and_ce_aug_from_both_views(make):
    assert tuple(RECIPES) == OBJECTIVES
    for objective, labels in (("ce", [0, 1, 2, 0, 1]), ("ce_aug", [0, 1, 2, 0, 1] * 2)):
        model, batch = make(objective)
        assert batch.labels.tolist() == labels
        assert model(batch).loss.item() == pytest.approx(F.cross_entropy(model.primary(batch.rows)[1], batch.labels).item())


@pytest.mark.parametrize(
    ("objective", "setting", "contrast"),
    [
        ("scl", "reduction=sum", lambda _, unit, batch: losses.supervised_contrastive(unit, batch.labels, 0.3, "sum")),
        ("simclr", "reduction=sum", lambda _, unit, batch: losses.simclr(unit, batch.pairs, 0.3, "sum")),
        ("dcl", "reduction=sum", lambda _, unit, batch: losses.decoupled_contrastive(unit, batch.labels, 0.3, "sum")),
        ("lascl", "reduction=sum",
         lambda _, unit, batch: losses.name_scaled_contrastive(unit, batch.labels, MATRIX, 0.3, "sum")),
        ("scl", "features=raw", lambda raw, _, batch: losses.supervised_contrastive(raw, batch.labels, 0.3)),
        ("scl", "temperature_scale=positives",
         lambda _, unit, batch: losses.supervised_contrastive(unit, batch.labels, 0.3 * losses.positive_counts(batch.labels))),
    ],
)  # fmt: skip
def test_alpha_weighs_cross_entropy_and_contrast(make, objective, setting, contrast):
    """The last two are settings of the follow-up report: raw features, and (it failed) a temperature times the positives."""
    model, batch = make(objective, alpha=0.1, temperature=0.3, protocol=f"released,{setting}")
    features, logits = model.primary(batch.rows)
    expected = 0.1 * F.cross_entropy(logits, batch.labels) + 0.9 * contrast(features, F.normalize(features, dim=1), batch)
    assert model(batch).loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert parameters(model) == parameters(make("ce")[0]) and model.networks() == [model.primary]


@pytest.mark.parametrize(
    ("protocol", "variant", "reduction"),
    [
        ("released", "released", "mean"),
        ("printed", "printed", "sum"),
        *((f"released,weights={name}", "released", "mean") for name in FIXED_WEIGHTS),
    ],
)
def test_lcl_is_equation_6_in_every_protocol(make, protocol, variant, reduction):
    """With fixed weights, which are the row of the true class, there is no loss of a weighting network."""
    model, batch = make("lcl", alpha=0.4, temperature=0.3, protocol=protocol)
    features, logits = model.primary(batch.rows)
    both, weights = F.cross_entropy(logits, batch.labels), MATRIX[batch.labels]
    if model.weighting:
        weighting = model.weighting(batch.rows)
        both, weights = both + F.cross_entropy(weighting, batch.labels), weighting.softmax(1)
    contrast = losses.label_aware_contrastive(F.normalize(features), batch.labels, weights, 0.3, variant, reduction)
    outcome = model(batch)
    assert outcome.loss.item() == pytest.approx((0.4 * both + 0.6 * contrast).item(), rel=1e-5)
    assert set(outcome.parts) == {"ce", "contrastive", *(["weighting"] if model.weighting else [])}


@pytest.mark.parametrize("reached", [True, False])
def test_the_contrastive_gradient_reaches_the_weighting_network_unless_stopped(make, reached):
    """With alpha 0 the contrastive loss is all there is, so a stopped gradient leaves the weighting network none."""
    model, batch = make("lcl", alpha=0.0, protocol=f"released,weight_gradient={str(reached).lower()}")
    model(batch).loss.backward()
    found = [parameter.grad for parameter in model.weighting.parameters() if parameter.grad is not None]
    assert any(gradient.any() for gradient in found) == reached


def test_the_two_networks_start_from_the_same_encoder_and_share_no_parameter(make):
    primary, weighting = make("lcl")[0].networks()
    body, other = primary.body.state_dict(), weighting.model.bert.state_dict()
    assert all(torch.equal(body[name], other[name]) for name in body)
    assert {id(p) for p in primary.parameters()}.isdisjoint(id(p) for p in weighting.parameters())


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


def test_lacon_is_equation_7_and_predicts_by_the_nearest_anchor(make):
    model, batch = make("lacon", temperature=0.2)
    features, logits = model.primary(batch.rows)
    anchors = model.primary.anchors
    cosines = F.normalize(features, dim=1) @ F.normalize(anchors, dim=1).T
    assert len(batch.labels) == 5 and torch.allclose(logits, cosines / 0.2, atol=1e-5), "of the originals alone"
    expected = (
        losses.instance_to_label(features, anchors, batch.labels, 0.2, heads=2)  # the hidden size of tiny is 128
        + losses.label_to_instance(features, anchors, batch.labels, 0.2)
        + LACON_REGULARIZER * losses.label_regularizer(anchors)
    )
    outcome = model(batch)
    assert outcome.loss.item() == pytest.approx(expected.item(), rel=1e-5)
    outcome.loss.backward()
    assert anchors.grad.abs().sum() > 0, "the anchors are learnt"


def test_the_reports_protocol_is_its_equations():
    found = Protocol.parse("report")
    assert (found.weight_place, found.reduction, found.features, found.weights) == ("outside", "sum", "raw", "joint")
    assert found.weight_gradient and not found.logit_dropout and not found.drop_last
