"""The losses against a naive double loop in float64, at their edges, and by finite differences."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.nn import functional as F

from lclstudy import losses


def naive(features, labels, temperature, weights=None, variant="released", reduction="mean"):
    """Eqs. 2, 3 and 4 as they are written: loops over i, p and k, plain exp and log, Python floats."""
    rows = [[float(x) for x in row] for row in features]
    labels = [int(label) for label in labels]
    similarity = [[sum(a * b for a, b in zip(x, y, strict=True)) / temperature for y in rows] for x in rows]
    per_anchor = []
    for i in range(len(rows)):
        weight = [1.0 if weights is None else float(weights[i][label]) for label in labels]
        denominator = sum(weight[k] * math.exp(similarity[i][k]) for k in range(len(rows)) if k != i)
        positives = [p for p in range(len(rows)) if p != i and labels[p] == labels[i]]
        if not positives:
            continue
        if weights is not None and variant == "released":
            terms = [weight[i] * math.log(math.exp(similarity[i][p]) / denominator) for p in positives]
        else:
            terms = [math.log(weight[p] * math.exp(similarity[i][p]) / denominator) for p in positives]
        per_anchor.append(-sum(terms) / len(positives))
    if not per_anchor:
        return 0.0
    return sum(per_anchor) / (len(per_anchor) if reduction == "mean" else 1)


def batch(rows=8, hidden=5, classes=3, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    features = F.normalize(torch.randn(rows, hidden, generator=generator, dtype=dtype), dim=1)
    labels = torch.randint(classes, (rows,), generator=generator)
    weights = torch.randn(rows, classes, generator=generator, dtype=dtype).softmax(dim=1)
    return features, labels, weights


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 12), st.integers(2, 5), st.integers(0, 10_000), st.sampled_from([0.1, 0.3, 1.0, 7.0]),
    st.sampled_from(losses.REDUCTIONS),
)  # fmt: skip
def test_all_agree_with_the_double_loop(rows, classes, seed, temperature, reduction):
    features, labels, weights = batch(rows, 4, classes, seed)
    found = losses.supervised_contrastive(features, labels, temperature, reduction)
    assert found.item() == pytest.approx(naive(features, labels, temperature, reduction=reduction), abs=1e-10)
    pairs = torch.arange(rows) % max(rows // 2, 1)
    found = losses.simclr(features, pairs, temperature, reduction)
    assert found.item() == pytest.approx(naive(features, pairs, temperature, reduction=reduction), abs=1e-10)
    for variant in losses.VARIANTS:
        found = losses.label_aware_contrastive(features, labels, weights, temperature, variant, reduction)
        expected = naive(features, labels, temperature, weights, variant, reduction)
        assert found.item() == pytest.approx(expected, abs=1e-10)


def every_loss(features, labels, weights, temperature=0.3):
    yield losses.simclr(features, labels, temperature)
    yield losses.supervised_contrastive(features, labels, temperature)
    for variant in losses.VARIANTS:
        yield losses.label_aware_contrastive(features, labels, weights, temperature, variant)


@pytest.mark.parametrize("rows", [1, 4])
def test_no_positives_gives_zero_with_a_gradient_path(rows):
    features, _, _ = batch(rows)
    labels, weights = torch.arange(rows), torch.full((rows, rows), 1 / rows, dtype=torch.float64)
    for loss in every_loss(features.requires_grad_(), labels, weights.requires_grad_()):
        (gradient,) = torch.autograd.grad(loss, features)
        assert loss.item() == 0
        assert torch.equal(gradient, torch.zeros_like(features))


def test_an_anchor_without_positives_still_stands_among_the_negatives_and_not_in_the_mean():
    features, _, _ = batch(3)
    labels = torch.tensor([0, 0, 1])
    similarity = (features @ features.T / 0.3).exp()
    by_hand = -0.5 * (
        (similarity[0, 1] / (similarity[0, 1] + similarity[0, 2])).log()
        + (similarity[1, 0] / (similarity[1, 0] + similarity[1, 2])).log()
    )
    assert losses.supervised_contrastive(features, labels, 0.3).item() == pytest.approx(by_hand.item(), abs=1e-12)


def test_one_class_is_the_mean_log_share_of_each_other_row():
    features, _, weights = batch(6)
    labels = torch.zeros(6, dtype=torch.long)
    for loss, expected in zip(
        every_loss(features, labels, weights),
        [naive(features, labels, 0.3)] * 2 + [naive(features, labels, 0.3, weights, v) for v in losses.VARIANTS],
        strict=True,
    ):
        assert loss.item() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("classes", [2, 4, 32])
def test_uniform_weights_give_scl_with_the_constants_worked_out(classes):
    """With w = 1/C: released = (SCL - log C)/C, because log sum_k (1/C) e^s = log sum_k e^s - log C, and the factor is 1/C;
    printed = SCL, because the two 1/C cancel."""
    features, labels, _ = batch(12, classes=min(classes, 3))
    uniform = torch.full((12, classes), 1 / classes, dtype=torch.float64)
    scl = losses.supervised_contrastive(features, labels, 0.3).item()
    released = losses.label_aware_contrastive(features, labels, uniform, 0.3, "released").item()
    printed = losses.label_aware_contrastive(features, labels, uniform, 0.3, "printed").item()
    assert released == pytest.approx((scl - math.log(classes)) / classes, abs=1e-12)
    assert printed == pytest.approx(scl, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_gradients_by_finite_differences(seed):
    raw, labels, weights = batch(6, seed=seed)
    logits = weights.log().requires_grad_()
    raw = raw.requires_grad_()
    assert gradcheck(lambda x: losses.supervised_contrastive(F.normalize(x, dim=1), labels, 0.3), raw)
    assert gradcheck(lambda x: losses.simclr(F.normalize(x, dim=1), torch.arange(6) % 3, 0.3), raw)
    for variant in losses.VARIANTS:
        assert gradcheck(
            lambda x, w, variant=variant: losses.label_aware_contrastive(
                F.normalize(x, dim=1), labels, w.softmax(dim=1), 0.3, variant
            ),
            (raw, logits),
        )


def test_large_logits_stay_finite_and_right():
    """At temperature 0.001 the logits reach 1000, whose exp overflows float64's neighbours; the limit is known."""
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    labels = torch.tensor([0, 0, 1])
    weights = torch.tensor([[0.5, 0.5]] * 3)
    for loss in every_loss(features, labels, weights, temperature=0.001):
        (gradient,) = torch.autograd.grad(loss, features, retain_graph=True)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()
    assert losses.supervised_contrastive(features, labels, 0.001).item() == pytest.approx(0.0, abs=1e-6)
    # released LCL in that limit: -w log(1/w) = w log w per anchor with a positive
    lcl = losses.label_aware_contrastive(features, labels, weights, 0.001).item()
    assert lcl == pytest.approx(0.5 * math.log(0.5), abs=1e-4)  # float32 resolves 6e-5 at logits of 1000


def test_weights_that_underflow_to_zero_stay_finite():
    features, labels, _ = batch(6, dtype=torch.float32)
    weights = F.one_hot((labels + 1) % 3, 3).float().requires_grad_()
    for variant in losses.VARIANTS:
        loss = losses.label_aware_contrastive(features, labels, weights, 0.3, variant)
        (gradient,) = torch.autograd.grad(loss, weights)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    features, labels, weights = batch(20, 16, 4)
    half, half_weights = features.to(dtype), weights.to(dtype)
    # The reference gets the same rounded input, so what differs is the arithmetic alone.
    for found, expected in zip(
        every_loss(half, labels, half_weights), every_loss(half.double(), labels, half_weights.double()), strict=True
    ):
        assert found.dtype == torch.float32
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_autocast_does_not_bring_the_similarities_back_to_half_precision():
    features, labels, weights = batch(20, 16, 4, dtype=torch.float32)
    expected = list(every_loss(features, labels, weights))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = list(every_loss(features, labels, weights))
    for one, other in zip(found, expected, strict=True):
        assert one.item() == pytest.approx(other.item(), rel=1e-6)


def test_confusable_negatives_push_harder():
    """What the method is for: raising w[i, c] of a negative's class raises the gradient between that negative and row i."""
    features = F.normalize(torch.tensor([[1.0, 0.1], [1.0, 0.2], [0.8, 0.6], [0.8, -0.6]]), dim=1).requires_grad_()
    labels = torch.tensor([0, 0, 1, 2])

    def pull_on(row, weights):
        loss = losses.label_aware_contrastive(features, labels, torch.tensor([weights] * 4), 0.3, "printed")
        return torch.autograd.grad(loss, features)[0][row].norm().item()

    assert pull_on(2, [0.4, 0.5, 0.1]) > pull_on(2, [0.4, 0.1, 0.5])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, y, w: losses.simclr(f, y, 0.0), "temperature must be above 0"),
        (lambda f, y, w: losses.supervised_contrastive(f, y, float("nan")), "temperature must be above 0"),
        (lambda f, y, w: losses.supervised_contrastive(f, y[:-1], 0.3), r"features must be \[K, H\]"),
        (lambda f, y, w: losses.supervised_contrastive(f, y, 0.3, "max"), "Unknown reduction"),
        (lambda f, y, w: losses.label_aware_contrastive(f, y, w, 0.3, "press"), "Unknown variant"),
        (lambda f, y, w: losses.label_aware_contrastive(f, y, w[:-1], 0.3), r"weights must be \[K, C\]"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(*batch())
