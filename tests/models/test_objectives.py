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
def encoder():
    return encoders.load("tiny", TEXTS + VIEWS)


def make(encoder, objective, dropout=False, **settings):
    spec = make_spec("embedded", objective, encoder="tiny", seed=0, **settings)
    torch.manual_seed(0)
    model = Objective(spec, encoder, 3, MATRIX if needs_matrix(spec) else None)
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


# Ablations of LCL: each changes what it says and nothing else


def first_step(encoder, protocol="released", **settings):
    """The outcome of the first step without dropout, and which parameters of the primary network get a gradient."""
    model, batch = make(encoder, "lcl", protocol=protocol, **settings)
    model.begin(len(model.stages) - 1)
    outcome = model(batch)
    outcome.loss.backward()
    return model, batch, outcome


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("change", "other_contrast"),
    [
        ("weight_place=inside", True),
        ("reduction=sum", True),
        ("weight_gradient=false", False),
        ("logit_dropout=false", False),
        ("weights=pretrained", False),
        ("weights=confusion", True),
        ("weights=names", True),
        ("weights=uniform", True),
        ("views=each_epoch", False),
        ("features=raw", True),
        ("temperature_scale=positives", True),
    ],
)
def test_an_ablation_changes_its_term_and_no_other(encoder, change, other_contrast):
    model, _, plain = first_step(encoder)
    ablated, _, outcome = first_step(encoder, f"released,{change}")
    assert torch.equal(outcome.logits, plain.logits)
    assert outcome.parts["ce"].item() == plain.parts["ce"].item()
    assert (outcome.parts["contrastive"].item() != plain.parts["contrastive"].item()) == other_contrast
    fixed = change.partition("=")[2] in FIXED_WEIGHTS
    assert (ablated.weighting is None) == fixed
    assert parameters(ablated) == parameters(ablated.primary) + (0 if fixed else parameters(model.weighting))
    assert ("weighting" in outcome.parts) == (not change.startswith("weights"))


def test_fixed_weights_are_the_row_of_the_true_class(encoder):
    for name in FIXED_WEIGHTS:
        model, batch, outcome = first_step(encoder, f"released,weights={name}", temperature=0.3, alpha=0.4)
        unit, logits = unit_and_logits(model, batch)
        contrast = losses.label_aware_contrastive(unit, batch.labels, MATRIX[batch.labels], 0.3)
        expected = 0.4 * F.cross_entropy(logits, batch.labels) + 0.6 * contrast
        assert outcome.loss.item() == pytest.approx(expected.item(), rel=1e-5), "there is no loss of a weighting network"


def test_a_matrix_that_is_needed_and_not_given_is_named(encoder):
    for objective, protocol in (("lcl", "released,weights=confusion"), ("lascl", "released")):
        spec = make_spec("embedded", objective, encoder="tiny", protocol=protocol)
        with pytest.raises(ValueError, match=r"needs a matrix \[C, C\]"):
            Objective(spec, encoder, 3)


def test_a_pretrained_weighting_network_learns_alone_and_then_stands_still(encoder):
    model, batch = make(encoder, "lcl", dropout=True, protocol="released,weights=pretrained")
    assert len(model.stages) == 2
    outcome = model(batch)
    outcome.loss.backward()
    assert set(outcome.parts) == {"weighting"}
    assert all(parameter.grad is None for parameter in model.primary.parameters())
    assert any(parameter.grad is not None for parameter in model.weighting.parameters())
    model.zero_grad()
    model.begin(1)
    model.train()
    outcome = model(batch)
    outcome.loss.backward()
    assert set(outcome.parts) == {"ce", "contrastive"}
    assert all(parameter.grad is None for parameter in model.weighting.parameters())
    assert any(parameter.grad is not None for parameter in model.primary.parameters())
    assert model.primary.training and not model.weighting.training, "a network that is held still has no dropout"
    assert torch.equal(model.weighting(batch.rows), model.weighting(batch.rows))


def test_the_ensemble_is_lcl_without_its_contrast_and_averages_probabilities(encoder):
    lcl, _ = make(encoder, "lcl")
    model, batch = make(encoder, "ce_ensemble")
    assert parameters(model) == parameters(lcl)
    assert len(batch.labels) == 10, "both views"
    _, *logits = model.primary.both(batch.rows)
    assert torch.equal(logits[0], lcl.primary(batch.rows)[1]) and torch.equal(logits[1], lcl.weighting(batch.rows))
    assert model(batch).loss.item() == pytest.approx(sum(F.cross_entropy(found, batch.labels) for found in logits).item())
    mean = (logits[0].softmax(1) + logits[1].softmax(1)) / 2
    assert torch.allclose(probabilities(model.primary, batch.rows), mean, atol=1e-6)
    one, other = model.networks()
    assert parameters(one) + parameters(other) == parameters(model), "each has its gradient clipped by itself"


# Later objectives


def test_dcl_and_lascl_stand_where_the_supervised_contrast_stands(encoder):
    for objective in ("dcl", "lascl"):
        model, batch = make(encoder, objective, alpha=0.4, temperature=0.3, protocol="released,reduction=sum")
        unit, logits = unit_and_logits(model, batch)
        contrast = (
            losses.decoupled_contrastive(unit, batch.labels, 0.3, "sum")
            if objective == "dcl"
            else losses.name_scaled_contrastive(unit, batch.labels, MATRIX, 0.3, "sum")
        )
        expected = 0.4 * F.cross_entropy(logits, batch.labels) + 0.6 * contrast
        assert model(batch).loss.item() == pytest.approx(expected.item(), rel=1e-5)
        assert parameters(model) == parameters(make(encoder, "scl")[0])


def test_lacon_is_equation_7_and_predicts_by_the_nearest_anchor(encoder):
    model, batch = make(encoder, "lacon", temperature=0.2)
    assert len(batch.labels) == 5, "the originals alone"
    features, logits = model.primary(batch.rows)
    anchors = model.primary.anchors
    cosines = F.normalize(features, dim=1) @ F.normalize(anchors, dim=1).T
    assert torch.allclose(logits, cosines / 0.2, atol=1e-5)
    expected = (
        losses.instance_to_label(features, anchors, batch.labels, 0.2, heads=2)  # the hidden size of tiny is 128
        + losses.label_to_instance(features, anchors, batch.labels, 0.2)
        + LACON_REGULARIZER * losses.label_regularizer(anchors)
    )
    outcome = model(batch)
    assert outcome.loss.item() == pytest.approx(expected.item(), rel=1e-5)
    outcome.loss.backward()
    assert anchors.grad.abs().sum() > 0, "the anchors are learnt"


def test_two_stages_learn_the_features_by_contrast_alone_and_then_a_classifier_on_features_that_stand_still(encoder):
    model, batch = make(encoder, "scl_two_stage", dropout=True, temperature=0.3)
    outcome = model(batch)
    outcome.loss.backward()
    assert set(outcome.parts) == {"contrastive"}
    assert any(parameter.grad is not None for parameter in model.primary.body.parameters())
    head = [*model.primary.dense.parameters(), *model.primary.out.parameters()]
    assert all(parameter.grad is None for parameter in head)
    model.zero_grad()
    model.begin(1)
    model.train()
    outcome = model(batch)
    outcome.loss.backward()
    assert set(outcome.parts) == {"ce"}
    assert all(parameter.grad is None for parameter in model.primary.body.parameters())
    assert all(parameter.grad is not None for parameter in head)
    first, again = (model.primary(batch.rows)[0] for _ in range(2))
    assert torch.equal(first, again), "features that stand still have no dropout"


# The follow-up report's settings


def test_raw_features_are_contrasted_as_they_are(encoder):
    model, batch = make(encoder, "scl", protocol="released,features=raw", temperature=10)
    features, _ = model.primary(batch.rows)
    expected = losses.supervised_contrastive(features, batch.labels, 10.0)
    assert model(batch).parts["contrastive"].item() == pytest.approx(expected.item(), rel=1e-6)
    assert not torch.allclose(features.norm(dim=1), torch.ones(len(features)))


def test_a_temperature_by_positives_multiplies_that_of_the_spec(encoder):
    model, batch = make(encoder, "scl", protocol="released,temperature_scale=positives", temperature=0.3)
    unit, _ = unit_and_logits(model, batch)
    counts = (batch.labels[:, None] == batch.labels).sum(dim=1) - 1
    assert len(set(counts.tolist())) > 1
    expected = losses.supervised_contrastive(unit, batch.labels, 0.3 * counts)
    assert model(batch).parts["contrastive"].item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_reports_protocol_is_its_equations():
    protocol = Protocol.parse("report")
    assert (protocol.weight_place, protocol.reduction, protocol.features) == ("outside", "sum", "raw")
    assert protocol.weight_gradient and protocol.weights == "joint" and not protocol.logit_dropout and not protocol.drop_last
