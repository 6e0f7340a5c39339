"""The losses against a naive double loop in float64, another library, at their edges, and by finite differences."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import SupConLoss
from torch.autograd import gradcheck
from torch.nn import functional as F

from lclstudy.models import losses


def naive(features, labels, temperature, weights=None, variant="released", reduction="mean", decoupled=False, scales=None):
    """Each contrast of rows as it is written: loops over i, p and k, plain exp and log, Python floats."""
    rows, labels = features.tolist(), labels.tolist()
    everyone = range(len(rows))
    temperatures = temperature.tolist() if torch.is_tensor(temperature) else [temperature for _ in everyone]
    per_anchor = []
    for i in everyone:
        s = [sum(a * b for a, b in zip(rows[i], row, strict=True)) / temperatures[i] for row in rows]
        w = [1.0 if weights is None else float(weights[i][label]) for label in labels]
        m = [1.0 if scales is None else float(scales[labels[i]][label]) for label in labels]
        positives = [p for p in everyone if p != i and labels[p] == labels[i]]
        others = [k for k in everyone if (labels[k] != labels[i] if decoupled else k != i)]
        if not positives or not others:
            continue
        below = sum(w[k] * math.exp(s[k] / m[k]) for k in others)
        if weights is not None and variant == "released":
            terms = [w[i] * math.log(math.exp(s[p]) / below) for p in positives]
        else:
            terms = [math.log(w[p] * math.exp(s[p]) / below) for p in positives]
        per_anchor.append(-sum(terms) / len(positives))
    return sum(per_anchor) / (len(per_anchor) if reduction == "mean" and per_anchor else 1)


def naive_lacon(features, anchors, labels, temperature):
    """Eqs. 3, 5 and 6 of Zhang et al. (2022) as they are written."""

    def cosine(one, other):
        product = sum(a * b for a, b in zip(one, other, strict=True))
        return product / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))

    features, anchors, labels = features.tolist(), anchors.tolist(), labels.tolist()
    near = [[math.exp(cosine(h, anchor) / temperature) for anchor in anchors] for h in features]
    to_label = [-math.log(near[i][label] / sum(near[i])) for i, label in enumerate(labels)]
    to_instance = []
    for c in range(len(anchors)):
        own = [near[i][c] for i, label in enumerate(labels) if label == c]
        others = sum(near[i][c] for i, label in enumerate(labels) if label != c)
        if own and others:
            to_instance.append(-sum(math.log(value / others) for value in own))
    pairs = [math.exp(1 + cosine(one, other)) - 1 for one in anchors for other in anchors if one is not other]
    return sum(to_label) / len(labels), sum(to_instance) / max(len(to_instance), 1), sum(pairs) / len(pairs)


def batch(rows=8, hidden=5, classes=3, seed=0, dtype=torch.float64):
    """Unit features, labels, weights, similarities of classes, LaCon's anchors."""
    generator = torch.Generator().manual_seed(seed)
    features, anchors = (torch.randn(n, hidden, generator=generator, dtype=dtype) for n in (rows, classes))
    labels = torch.randint(classes, (rows,), generator=generator)
    weights = torch.randn(rows, classes, generator=generator, dtype=dtype).softmax(dim=1)
    drawn = torch.rand(classes, classes, generator=generator, dtype=dtype)
    similarity = (0.2 + 0.4 * (drawn + drawn.T)).fill_diagonal_(1)
    return F.normalize(features, dim=1), labels, weights, similarity, anchors


def contrasts(features, labels, weights, similarity, temperature=0.3, reduction="mean"):
    """Every contrast of rows by name, and what `naive` needs to be told for it."""
    more = temperature, reduction
    yield losses.supervised_contrastive(features, labels, *more), {}
    for variant in losses.VARIANTS:
        found = losses.label_aware_contrastive(features, labels, weights, temperature, variant, reduction)
        yield found, {"weights": weights, "variant": variant}
    yield losses.decoupled_contrastive(features, labels, *more), {"decoupled": True}
    found = losses.name_scaled_contrastive(features, labels, similarity, *more)
    yield found, {"decoupled": True, "scales": similarity}


def lacon(features, anchors, labels, temperature=0.3):
    yield losses.instance_to_label(features, anchors, labels, temperature)
    yield losses.label_to_instance(features, anchors, labels, temperature)
    yield losses.label_regularizer(anchors)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(2, 12), st.integers(2, 5), st.integers(0, 10_000), st.sampled_from([0.1, 0.3, 1.0, 7.0]),
    st.sampled_from(losses.REDUCTIONS), st.booleans(),
)  # fmt: skip
def test_all_agree_with_the_double_loop(rows, classes, seed, temperature, reduction, by_anchor):
    features, labels, weights, similarity, anchors = batch(rows, 4, classes, seed)
    counts = torch.tensor([sum(int(a == b) for b in labels) - 1 for a in labels])
    one = temperature * counts.clamp(min=1) if by_anchor else temperature
    for found, told in contrasts(features, labels, weights, similarity, one, reduction):
        assert found.item() == pytest.approx(naive(features, labels, one, reduction=reduction, **told), abs=1e-9), told
    pairs = torch.arange(rows) % max(rows // 2, 1)
    found = losses.simclr(features, pairs, temperature, reduction)
    assert found.item() == pytest.approx(naive(features, pairs, temperature, reduction=reduction), abs=1e-9)
    found = [term.item() for term in lacon(3 * features, anchors, labels, temperature)]  # lengths do not count
    assert found == pytest.approx(naive_lacon(features, anchors, labels, temperature), abs=1e-9)
    halves = [naive_lacon(features[:, half], anchors[:, half], labels, temperature)[0] for half in (slice(2), slice(2, 4))]
    assert losses.instance_to_label(features, anchors, labels, temperature, 2).item() == pytest.approx(sum(halves), abs=1e-9)


def test_pytorch_metric_learning_finds_the_same():
    """An implementation that is not ours; it too leaves anchors without a positive out of the mean."""
    features, labels, *_ = batch(20, 16, 6)
    expected = SupConLoss(temperature=0.3)(5 * features, labels).item()
    assert losses.SupervisedContrastiveLoss(0.3)(5 * features, labels).item() == pytest.approx(expected, rel=1e-9)


def test_the_modules_are_the_functions_of_unit_features_and_softmaxed_logits():
    features, labels, weights, *_ = batch()
    logits = (weights.log() + 3).requires_grad_()  # a constant is nothing to a softmax
    raw = (7 * features).requires_grad_()
    for variant in losses.VARIANTS:
        found = losses.LabelAwareContrastiveLoss(0.2, variant, "sum")(raw, labels, logits)
        expected = losses.label_aware_contrastive(features, labels, weights, 0.2, variant, "sum")
        assert found.item() == pytest.approx(expected.item(), rel=1e-12)
        assert all(gradient.abs().sum() > 0 for gradient in torch.autograd.grad(found, (raw, logits)))


@pytest.mark.parametrize("labels", [torch.arange(1), torch.arange(4), torch.zeros(5, dtype=torch.long)])
def test_without_positives_or_without_the_negatives_it_needs_a_loss_is_zero_with_a_gradient_path(labels):
    rows = len(labels)
    features, _, weights, similarity, anchors = batch(rows, classes=max(rows, 2))
    alike = rows > 1 and not labels.any()
    found = contrasts(features.requires_grad_(), labels, weights, similarity)
    found = [loss for loss, told in found if not alike or "decoupled" in told]
    for loss in (*found, *([losses.label_to_instance(features, anchors, labels, 0.3)] if alike else [])):
        (gradient,) = torch.autograd.grad(loss, features, retain_graph=True)
        assert loss.item() == 0 and torch.equal(gradient, torch.zeros_like(features))


def test_gradients_by_finite_differences():
    raw, labels, weights, similarity, anchors = batch(6, 6)
    raw, logits, anchors = (given.requires_grad_() for given in (raw, weights.log(), anchors))

    def every(features, logits):
        return tuple(loss for loss, _ in contrasts(F.normalize(features, dim=1), labels, logits.softmax(dim=1), similarity))

    assert gradcheck(every, (raw, logits))
    assert gradcheck(lambda features, given: tuple(lacon(features, given, labels)), (raw, anchors))


def test_large_logits_and_weights_of_zero_stay_finite_and_right():
    """At temperature 0.001 the logits reach 1000, whose exp overflows float64's neighbours; the limit is known."""
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    labels, weights = torch.tensor([0, 0, 1]), torch.tensor([[0.5, 0.5]] * 3)
    found = [loss for loss, _ in contrasts(features, labels, weights, torch.ones(2, 2), temperature=0.001)]
    assert found[0].item() == pytest.approx(0.0, abs=1e-6)
    # released LCL in that limit: -w log(1/w) = w log w per anchor with a positive
    assert found[1].item() == pytest.approx(0.5 * math.log(0.5), abs=1e-4)  # float32 resolves 6e-5 at logits of 1000
    underflown = F.one_hot(1 - labels, 2).float().requires_grad_()
    found += [losses.label_aware_contrastive(features, labels, underflown, 0.3, variant) for variant in losses.VARIANTS]
    for loss in found:
        gradients = torch.autograd.grad(loss, (features, underflown), retain_graph=True, allow_unused=True)
        assert torch.isfinite(loss) and all(torch.isfinite(each).all() for each in gradients if each is not None)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_half_precision_and_autocast_are_computed_in_float32(dtype):
    """The reference gets the same rounded input, so what differs is the arithmetic alone."""
    features, labels, *more = batch(20, 16, 4)

    def every(features, weights, similarity, anchors):
        return [*(loss for loss, _ in contrasts(features, labels, weights, similarity)), *lacon(features, anchors, labels)]

    given = [each.to(dtype) for each in (features, *more)]
    expected = [loss.item() for loss in every(*(each.double() for each in given))]
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.float32):
        found = every(*given)
    assert {loss.dtype for loss in found} == {torch.float32}
    assert [loss.item() for loss in found] == pytest.approx(expected, rel=1e-5)


BAD = {
    "temperature must be above 0": lambda f, y, w: losses.supervised_contrastive(f, y, float("nan")),
    r"number or \[K\] with K = 8; given \(3,\)": lambda f, y, w: losses.supervised_contrastive(f, y, torch.ones(3)),
    r"features must be \[K, H\]": lambda f, y, w: losses.supervised_contrastive(f, y[:-1], 0.3),
    "Unknown reduction": lambda f, y, w: losses.supervised_contrastive(f, y, 0.3, "max"),
    "Unknown variant": lambda f, y, w: losses.label_aware_contrastive(f, y, w, 0.3, "press"),
    r"weights must be \[K, C\]": lambda f, y, w: losses.label_aware_contrastive(f, y, w[:-1], 0.3),
    r"similarity must be \[C, C\]": lambda f, y, w: losses.name_scaled_contrastive(f, y, torch.ones(2, 3), 0.3),
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_named(words):
    with pytest.raises(ValueError, match=words):
        BAD[words](*batch()[:3])
