"""Each objective's recipe against the sum written out by hand, and what each network gets of the gradient."""

import pytest
import torch
from torch.nn import functional as F

from lclstudy import config, encoders, losses
from lclstudy.batching import TwoViews, tokenize
from lclstudy.config import OBJECTIVES
from lclstudy.objectives import RECIPES, Objective, probabilities

TEXTS = ["i was afraid of the dark", "she left", "so happy to see them", "no way", "he shouted at me", "they sang"]
VIEWS = ["i was scared of the dark", "she went", "so glad to see them", "no path", "he cried at me", "they sang"]
LABELS = [0, 1, 2, 0, 1, 2]


@pytest.fixture(scope="module")
def encoder():
    return encoders.load("tiny", TEXTS + VIEWS)


def make(encoder, objective, dropout=False, **settings):
    spec = config.spec("embedded", objective, encoder="tiny", seed=0, **settings)
    torch.manual_seed(0)
    model = Objective(spec, encoder, 3)
    model.train(dropout)  # in evaluation mode dropout is off and nothing else differs
    views = tokenize(VIEWS, encoder.tokenizer, 32) if RECIPES[objective].two_views else None
    batch = TwoViews(tokenize(TEXTS, encoder.tokenizer, 32), views, LABELS)([0, 1, 2, 3, 4])
    return model, batch


def unit_and_logits(model, batch):
    features, logits = model.primary(batch.rows)
    return F.normalize(features, dim=1), logits


def test_every_objective_of_the_configuration_has_a_recipe():
    assert tuple(RECIPES) == OBJECTIVES


def test_ce_learns_from_the_originals_alone_and_ce_aug_from_both_views(encoder):
    model, batch = make(encoder, "ce")
    assert len(batch.labels) == 5
    assert model(batch).loss.item() == pytest.approx(F.cross_entropy(model.primary(batch.rows)[1], batch.labels).item())
    model, batch = make(encoder, "ce_aug")
    assert batch.labels.tolist() == [0, 1, 2, 0, 1] * 2
    assert model(batch).loss.item() == pytest.approx(F.cross_entropy(model.primary(batch.rows)[1], batch.labels).item())


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
def test_scl_and_simclr_weigh_cross_entropy_and_contrast_by_alpha(encoder, alpha):
    for objective in ("scl", "simclr"):
        model, batch = make(encoder, objective, alpha=alpha, temperature=0.3)
        unit, logits = unit_and_logits(model, batch)
        contrast = (
            losses.supervised_contrastive(unit, batch.labels, 0.3)
            if objective == "scl"
            else losses.simclr(unit, batch.pairs, 0.3)
        )
        expected = alpha * F.cross_entropy(logits, batch.labels) + (1 - alpha) * contrast
        assert model(batch).loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("protocol", "variant", "reduction"),
    [
        ("released", "released", "mean"),
        ("printed", "printed", "sum"),
        ("released,weight_place=inside", "printed", "mean"),
        ("released,reduction=sum", "released", "sum"),
    ],
)
def test_lcl_is_equation_6_in_every_protocol(encoder, protocol, variant, reduction):
    model, batch = make(encoder, "lcl", alpha=0.4, temperature=0.3, protocol=protocol)
    unit, logits = unit_and_logits(model, batch)
    weighting = model.weighting(batch.rows)
    contrast = losses.label_aware_contrastive(unit, batch.labels, weighting.softmax(1), 0.3, variant, reduction)
    both = F.cross_entropy(logits, batch.labels) + F.cross_entropy(weighting, batch.labels)
    outcome = model(batch)
    assert outcome.loss.item() == pytest.approx((0.4 * both + 0.6 * contrast).item(), rel=1e-5)
    assert set(outcome.parts) == {"ce", "weighting", "contrastive"}


def weighting_gradient(encoder, **settings):
    model, batch = make(encoder, "lcl", **settings)
    model(batch).loss.backward()
    return [parameter.grad for parameter in model.weighting.parameters()]


def test_the_contrastive_gradient_reaches_the_weighting_network_unless_stopped(encoder):
    """With alpha 0 the contrastive loss is all there is, so a stopped gradient leaves the weighting network none."""
    reached = weighting_gradient(encoder, alpha=0.0)
    stopped = weighting_gradient(encoder, alpha=0.0, protocol="released,weight_gradient=false")
    assert any(gradient is not None and gradient.abs().sum() > 0 for gradient in reached)
    assert all(gradient is None or gradient.abs().sum() == 0 for gradient in stopped)


def test_the_two_networks_start_from_the_same_encoder_and_share_no_parameter(encoder):
    model, _ = make(encoder, "lcl")
    primary, weighting = model.networks()
    body, other = primary.body.state_dict(), weighting.model.bert.state_dict()
    assert all(torch.equal(body[name], other[name]) for name in body)
    assert {id(p) for p in primary.parameters()}.isdisjoint(id(p) for p in weighting.parameters())
    assert len(make(encoder, "scl")[0].networks()) == 1


def zeros_among_logits(encoder, protocol):
    model, batch = make(encoder, "ce", dropout=True, protocol=protocol)
    torch.manual_seed(3)
    return sum((model.primary(batch.rows)[1] == 0).sum().item() for _ in range(20))


def test_dropout_on_the_logits_is_part_of_the_released_protocol_alone(encoder):
    assert zeros_among_logits(encoder, "released") > 0
    assert zeros_among_logits(encoder, "released,logit_dropout=false") == 0


def test_probabilities_are_the_primary_networks_and_sum_to_one(encoder):
    model, batch = make(encoder, "lcl")
    found = probabilities(model.primary, batch.rows)
    assert torch.allclose(found, model.primary(batch.rows)[1].softmax(1))
    assert torch.allclose(found.sum(dim=1), torch.ones(len(found)))


def test_mean_pooling_changes_the_features(encoder):
    by_cls, batch = make(encoder, "scl")
    by_mean, _ = make(encoder, "scl", pooling="mean")
    assert not torch.allclose(by_cls.primary(batch.rows)[0], by_mean.primary(batch.rows)[0])
