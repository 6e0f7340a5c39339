"""The losses against a naive double loop in float64, at their edges, and by finite differences."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.nn import functional as F

from lclstudy.models import losses


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


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 10), st.integers(2, 4), st.integers(0, 10_000), st.sampled_from(losses.REDUCTIONS))
def test_a_temperature_for_each_anchor_is_that_of_its_own_row(rows, classes, seed, reduction):
    features, labels, weights = batch(rows, 4, classes, seed)
    features = 3 * features  # as they are, not unit vectors
    counts = losses.positive_counts(labels)
    assert counts.tolist() == [sum(int(a == b) for b in labels) - 1 for a in labels]
    temperature = 0.7 * counts.clamp(min=1)
    total = {"scl": [], "lcl": []}
    for i in [i for i in range(rows) if counts[i]]:
        only = [naive_of_anchor(i, features, labels, float(temperature[i]), given) for given in (None, weights)]
        total["scl"].append(only[0])
        total["lcl"].append(only[1])
    count = len(total["scl"]) if reduction == "mean" else 1
    found = losses.supervised_contrastive(features, labels, temperature, reduction)
    assert found.item() == pytest.approx(sum(total["scl"]) / max(count, 1), abs=1e-9)
    found = losses.label_aware_contrastive(features, labels, weights, temperature, reduction=reduction)
    assert found.item() == pytest.approx(sum(total["lcl"]) / max(count, 1), abs=1e-9)


def naive_of_anchor(i, features, labels, temperature, weights):
    """The sum over one anchor's positives alone, by the loops of `naive`."""
    scores = [math.exp(float(features[i] @ row) / temperature) for row in features]
    weight = [1.0 if weights is None else float(weights[i][label]) for label in labels]
    below = sum(weight[k] * scores[k] for k in range(len(scores)) if k != i)
    positives = [p for p in range(len(scores)) if p != i and labels[p] == labels[i]]
    return -sum((1.0 if weights is None else weight[i]) * math.log(scores[p] / below) for p in positives) / len(positives)


def test_temperatures_that_do_not_fit_the_rows_are_named():
    features, labels, _ = batch(4)
    with pytest.raises(ValueError, match=r"temperature must be a number or .K. with K = 4; given .3,"):
        losses.supervised_contrastive(features, labels, torch.ones(3))


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


# The later objectives


def naive_against_negatives(features, labels, temperature, similarity=None, reduction="mean"):
    """The decoupled and the name-scaled loss as they are written: the denominator holds the rows of other labels alone."""
    rows, labels = [[float(x) for x in row] for row in features], [int(label) for label in labels]
    inner = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in rows] for x in rows]
    per_anchor = []
    for i in range(len(rows)):
        positives = [p for p in range(len(rows)) if p != i and labels[p] == labels[i]]
        negatives = [k for k in range(len(rows)) if labels[k] != labels[i]]
        if not positives or not negatives:
            continue
        scale = {k: 1.0 if similarity is None else float(similarity[labels[i]][labels[k]]) for k in negatives}
        denominator = sum(math.exp(inner[i][k] / (temperature * scale[k])) for k in negatives)
        terms = [math.log(math.exp(inner[i][p] / temperature) / denominator) for p in positives]
        per_anchor.append(-sum(terms) / len(positives))
    if not per_anchor:
        return 0.0
    return sum(per_anchor) / (len(per_anchor) if reduction == "mean" else 1)


def naive_cosine(one, other):
    one, other = [float(x) for x in one], [float(x) for x in other]
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))


def naive_lacon(features, anchors, labels, temperature):
    """Eqs. 3, 5 and 6 of Zhang et al. (2022) as they are written."""
    labels, classes = [int(label) for label in labels], range(len(anchors))
    near = [[math.exp(naive_cosine(h, anchor) / temperature) for anchor in anchors] for h in features]
    to_label = [-math.log(near[i][label] / sum(near[i])) for i, label in enumerate(labels)]
    to_instance = []
    for c in classes:
        own = [near[i][c] for i, label in enumerate(labels) if label == c]
        others = sum(near[i][c] for i, label in enumerate(labels) if label != c)
        if own and others:
            to_instance.append(-sum(math.log(value / others) for value in own))
    pairs = [math.exp(1 + naive_cosine(anchors[i], anchors[j])) - 1 for i in classes for j in classes if i != j]
    return sum(to_label) / len(labels), sum(to_instance) / max(len(to_instance), 1), sum(pairs) / len(pairs)


def anchors_for(classes, hidden, seed=0, dtype=torch.float64):
    return torch.randn(classes, hidden, generator=torch.Generator().manual_seed(100 + seed), dtype=dtype)


def similarities(classes, seed=0, dtype=torch.float64):
    drawn = torch.rand(classes, classes, generator=torch.Generator().manual_seed(200 + seed), dtype=dtype)
    return (0.2 + 0.4 * (drawn + drawn.T)).fill_diagonal_(1)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(2, 10), st.integers(2, 5), st.integers(0, 10_000), st.sampled_from([0.1, 0.3, 1.0, 7.0]),
    st.sampled_from(losses.REDUCTIONS),
)  # fmt: skip
def test_the_later_losses_agree_with_the_double_loop(rows, classes, seed, temperature, reduction):
    features, labels, _ = batch(rows, 4, classes, seed)
    found = losses.decoupled_contrastive(features, labels, temperature, reduction)
    assert found.item() == pytest.approx(naive_against_negatives(features, labels, temperature, None, reduction), abs=1e-9)
    similarity = similarities(classes, seed)
    found = losses.name_scaled_contrastive(features, labels, similarity, temperature, reduction)
    expected = naive_against_negatives(features, labels, temperature, similarity, reduction)
    assert found.item() == pytest.approx(expected, abs=1e-9)
    anchors = anchors_for(classes, 4, seed)
    found = (
        losses.instance_to_label(3 * features, anchors, labels, temperature),  # lengths do not count
        losses.label_to_instance(3 * features, anchors, labels, temperature),
        losses.label_regularizer(anchors),
    )
    assert [term.item() for term in found] == pytest.approx(naive_lacon(features, anchors, labels, temperature), abs=1e-9)


def test_heads_are_slices_of_the_vectors_and_their_losses_are_summed():
    features, labels, _ = batch(7, 6)
    anchors = anchors_for(3, 6)
    each = [naive_lacon(features[:, a : a + 2], anchors[:, a : a + 2], labels, 0.3)[0] for a in (0, 2, 4)]
    assert losses.instance_to_label(features, anchors, labels, 0.3, heads=3).item() == pytest.approx(sum(each), abs=1e-9)


def later_losses(features, labels, classes, temperature=0.3):
    anchors, similarity = (
        anchors_for(classes, features.shape[1], dtype=features.dtype),
        similarities(classes, dtype=features.dtype),
    )
    yield losses.decoupled_contrastive(features, labels, temperature)
    yield losses.name_scaled_contrastive(features, labels, similarity, temperature)
    yield losses.label_to_instance(features, anchors, labels, temperature)


@pytest.mark.parametrize("rows", [1, 4])
def test_without_positives_the_later_contrasts_of_rows_are_zero_with_a_gradient_path(rows):
    features, _, _ = batch(rows)
    labels = torch.arange(rows)
    for loss in list(later_losses(features.requires_grad_(), labels, max(rows, 2)))[:2]:
        (gradient,) = torch.autograd.grad(loss, features)
        assert loss.item() == 0
        assert torch.equal(gradient, torch.zeros_like(features))


def test_with_one_class_there_is_no_negative_so_the_later_losses_are_zero_with_a_gradient_path():
    features, _, _ = batch(5)
    labels = torch.zeros(5, dtype=torch.long)
    for loss in later_losses(features.requires_grad_(), labels, 3):
        (gradient,) = torch.autograd.grad(loss, features)
        assert loss.item() == 0
        assert torch.equal(gradient, torch.zeros_like(features))


def test_decoupling_leaves_out_exactly_the_positives():
    """Adding the positives' terms back to each denominator gives the coupled loss."""
    features, _, _ = batch(4)
    labels = torch.tensor([0, 0, 1, 1])
    similarity = (features @ features.T / 0.3).exp()
    coupled = decoupled = 0.0
    for i, p in ((0, 1), (1, 0), (2, 3), (3, 2)):
        others = sum(similarity[i, k] for k in range(4) if labels[k] != labels[i])
        coupled -= (similarity[i, p] / (others + similarity[i, p])).log() / 4
        decoupled -= (similarity[i, p] / others).log() / 4
    assert losses.supervised_contrastive(features, labels, 0.3).item() == pytest.approx(coupled.item(), abs=1e-12)
    assert losses.decoupled_contrastive(features, labels, 0.3).item() == pytest.approx(decoupled.item(), abs=1e-12)


def test_similarities_of_one_give_the_decoupled_loss():
    features, labels, _ = batch(9)
    ones = torch.ones(3, 3, dtype=torch.float64)
    found = losses.name_scaled_contrastive(features, labels, ones, 0.3).item()
    assert found == pytest.approx(losses.decoupled_contrastive(features, labels, 0.3).item(), abs=1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_gradients_of_the_later_losses_by_finite_differences(seed):
    raw, labels, _ = batch(6, 6, seed=seed)
    raw, anchors = raw.requires_grad_(), anchors_for(3, 6, seed).requires_grad_()
    similarity = similarities(3, seed)
    assert gradcheck(lambda x: losses.decoupled_contrastive(F.normalize(x, dim=1), labels, 0.3), raw)
    assert gradcheck(lambda x: losses.name_scaled_contrastive(F.normalize(x, dim=1), labels, similarity, 0.3), raw)
    assert gradcheck(lambda x, a: losses.instance_to_label(x, a, labels, 0.3, heads=2), (raw, anchors))
    assert gradcheck(lambda x, a: losses.label_to_instance(x, a, labels, 0.3), (raw, anchors))
    assert gradcheck(losses.label_regularizer, anchors)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_later_losses_are_computed_in_float32_from_half_precision(dtype):
    features, labels, _ = batch(dtype=torch.float32)
    half, anchors = features.to(dtype), anchors_for(3, 5, dtype=torch.float32).to(dtype)
    similarity = similarities(3, dtype=torch.float32).to(dtype)
    pairs = [
        (losses.decoupled_contrastive(half, labels, 0.05), losses.decoupled_contrastive(half.float(), labels, 0.05)),
        (
            losses.name_scaled_contrastive(half, labels, similarity, 0.05),
            losses.name_scaled_contrastive(half.float(), labels, similarity.float(), 0.05),
        ),
        (
            losses.instance_to_label(half, anchors, labels, 0.05),
            losses.instance_to_label(half.float(), anchors.float(), labels, 0.05),
        ),
        (
            losses.label_to_instance(half, anchors, labels, 0.05),
            losses.label_to_instance(half.float(), anchors.float(), labels, 0.05),
        ),
        (losses.label_regularizer(anchors), losses.label_regularizer(anchors.float())),
    ]
    for found, expected in pairs:
        assert found.dtype == torch.float32 and torch.isfinite(found)
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_regulariser_goes_from_zero_to_e_squared_less_one():
    direction = torch.tensor([[1.0, 0.0]])
    assert losses.label_regularizer(torch.cat([direction, -direction])).item() == pytest.approx(0, abs=1e-6)
    assert losses.label_regularizer(torch.cat([direction, 5 * direction])).item() == pytest.approx(math.e**2 - 1, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, y: losses.decoupled_contrastive(f, y, 0.0), "temperature must be above 0"),
        (lambda f, y: losses.name_scaled_contrastive(f, y, torch.ones(2, 3), 0.3), r"similarity must be \[C, C\]"),
        (lambda f, y: losses.instance_to_label(f, torch.ones(3, 4), y, 0.3), r"anchors must be \[C, H\] with H = 5"),
        (lambda f, y: losses.instance_to_label(f, torch.ones(3, 5), y, 0.3, heads=2), "H = 5 must be a multiple of heads"),
        (lambda f, y: losses.label_to_instance(f, torch.ones(3, 5), y[:-1], 0.3), r"labels \[K\]"),
    ],
)
def test_bad_input_of_the_later_losses_is_named(call, words):
    features, labels, _ = batch()
    with pytest.raises(ValueError, match=words):
        call(features, labels)
