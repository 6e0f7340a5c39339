"""The training loop: what is the same twice, what is chosen, what is clipped and decayed, and what stops a run."""

import copy
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from lclstudy.errors import StudyError
from lclstudy.models import encoders
from lclstudy.models.batching import TwoViews, tokenize
from lclstudy.models.objectives import Objective, probabilities
from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec
from lclstudy.training import loop


def spec(objective="ce", **settings):
    quick = {"encoder": "tiny", "learning_rate": 5e-4, "epochs": 2, "max_length": 64, "train_limit": 120, "seed": 0}
    return make_spec("embedded", objective, **{**quick, **settings})


def run(*args, **settings):
    return loop.run(spec(*args, **settings), device="cpu", progress=False)


@pytest.fixture(scope="module")
def lcl():
    return run("lcl")


def test_the_same_spec_gives_identical_probabilities(lcl):
    torch.manual_seed(99)  # what came before must not matter
    again = run("lcl")
    assert np.array_equal(again.test_probabilities, lcl.test_probabilities)
    assert np.array_equal(again.validation_probabilities, lcl.validation_probabilities)
    timeless = [[{**epoch, "seconds": 0} for epoch in record.epochs] for record in (again, lcl)]
    assert timeless[0] == timeless[1]


def test_another_seed_gives_other_probabilities(lcl):
    assert not np.array_equal(run("lcl", seed=1).test_probabilities, lcl.test_probabilities)


def test_a_run_leaves_the_global_generator_as_it_was():
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    run("ce", epochs=1, train_limit=20)
    assert torch.equal(torch.rand(3), expected)


def test_a_record_says_what_it_should(lcl):
    assert lcl.status == "done"
    assert lcl.classes == tuple(catalog.corpora()["embedded"].labels)
    assert lcl.test_probabilities.shape == (len(lcl.test_labels), len(lcl.classes))
    assert lcl.test_probabilities.dtype == np.float32
    assert np.allclose(lcl.test_probabilities.sum(axis=1), 1, atol=1e-5)
    assert [epoch["epoch"] for epoch in lcl.epochs] == [1, 2]
    for name in ("loss", "loss_ce", "loss_weighting", "loss_contrastive", "train_accuracy", "validation_accuracy", "seconds"):
        assert all(np.isfinite(epoch[name]) for epoch in lcl.epochs), name
    assert lcl.measures["steps"] == 2 * (120 // 10)
    assert all(lcl.measures[name] > 0 for name in ("seconds", "train_seconds", "texts_per_second", "peak_memory_bytes"))
    assert lcl.versions["torch"] == torch.__version__
    assert lcl.device == "cpu"


def test_the_loss_is_the_sum_of_its_parts_as_equation_6_weighs_them(lcl):
    for epoch in lcl.epochs:
        both = epoch["loss_ce"] + epoch["loss_weighting"]
        assert epoch["loss"] == pytest.approx(0.5 * both + 0.5 * epoch["loss_contrastive"], rel=1e-5)


def test_the_reported_epoch_is_the_first_with_the_best_validation_accuracy():
    record = run("ce", epochs=4, learning_rate=2e-3)
    accuracies = [epoch["validation_accuracy"] for epoch in record.epochs]
    assert record.best_epoch == 1 + accuracies.index(max(accuracies))
    at_best = (record.validation_probabilities.argmax(axis=1) == record.validation_labels).mean()
    assert at_best == pytest.approx(max(accuracies))


def test_it_learns():
    record = run("ce", epochs=4, train_limit=400, learning_rate=1e-3)
    accuracy = (record.test_probabilities.argmax(axis=1) == record.test_labels).mean()
    assert accuracy > 3 / len(record.classes), "well above chance"
    assert record.epochs[-1]["loss"] < record.epochs[0]["loss"]


@pytest.fixture(scope="module")
def network():
    texts = ["i was afraid", "she left early in the morning", "no", "so happy to see them"] * 3
    encoder = encoders.load("tiny", texts)
    torch.manual_seed(0)
    return Objective(spec("lcl"), encoder, 4), tokenize(texts, encoder.tokenizer, 16), encoder


def test_evaluation_in_batches_gives_the_texts_in_order_whatever_the_batch(network, monkeypatch):
    objective, texts, _ = network
    together = loop.evaluate(objective.primary, texts, objective.spec, torch.device("cpu"))
    monkeypatch.setitem(loop.TOKENS_PER_BATCH, "cpu", 1)
    one_by_one = loop.evaluate(objective.primary, texts, objective.spec, torch.device("cpu"))
    assert np.allclose(together, one_by_one, atol=1e-6)
    from lclstudy.models.batching import pack

    third = probabilities(objective.primary, pack([texts.ids[2]])).numpy()[0]
    assert np.allclose(together[2], third, atol=1e-6)


def test_weight_decay_spares_biases_and_layer_norms_and_nothing_else(network):
    objective = network[0]
    optimizer = loop.adamw(objective, 1e-3, fused=True)
    names = {id(parameter): name for name, parameter in objective.named_parameters()}
    spared = {names[id(p)] for group in optimizer.param_groups if not group["weight_decay"] for p in group["params"]}
    decayed = {names[id(p)] for group in optimizer.param_groups if group["weight_decay"] == 0.01 for p in group["params"]}
    assert spared | decayed == set(names.values())
    assert all(name.endswith("bias") or "LayerNorm" in name for name in spared)
    assert not any(name.endswith("bias") or "LayerNorm" in name for name in decayed)
    assert all(group["betas"] == (0.9, 0.999) and group["eps"] == 1e-6 for group in optimizer.param_groups)


def test_each_networks_gradient_is_clipped_by_itself(network):
    objective, texts, _ = copy.deepcopy(network[0]), network[1], network[2]
    with torch.no_grad():  # a very wrong, very sure weighting network: a large gradient in one network only
        objective.weighting.model.classifier.weight.mul_(300)
    norms = []

    class Spy(torch.optim.SGD):
        def step(self):
            for one in objective.networks():
                gradients = [p.grad.flatten() for p in one.parameters() if p.grad is not None]
                norms.append(torch.cat(gradients).norm().item())

    optimizer = Spy(objective.parameters(), lr=0.0)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer)
    loop.step(objective, TwoViews(texts, texts, [0, 1, 2, 3] * 3)(list(range(8))), optimizer, schedule, "fp32")
    primary, weighting = norms
    assert weighting == pytest.approx(1.0, abs=1e-3)
    assert 0.05 < primary <= 1.0 + 1e-3, "together with the other it would be scaled to nearly nothing"


def test_the_learning_rate_falls_linearly_to_zero_without_warm_up():
    rates = []
    real = loop.step

    def watched(objective, batch, optimizer, schedule, precision):
        rates.append(optimizer.param_groups[0]["lr"])
        return real(objective, batch, optimizer, schedule, precision)

    loop.step = watched
    try:
        run("ce", epochs=2, train_limit=40, learning_rate=8e-4)
    finally:
        loop.step = real
    assert rates == pytest.approx([8e-4 * (1 - step / 8) for step in range(8)])


def test_a_loss_that_stops_being_finite_ends_the_run_with_step_and_batch():
    with pytest.raises(loop.NonFiniteLoss, match=r"^loss became nan at step 1 of epoch 1, on training texts \d+(, \d+){9}\.$"):
        run("scl", temperature=1e-39, train_limit=20)  # similarities divided by it overflow


def test_truncated_texts_are_counted_and_reported(caplog):
    with caplog.at_level(logging.WARNING, logger="lclstudy"):
        record = run("ce", epochs=1, train_limit=20, max_length=8)
    assert record.notes["truncated_train"] > 0
    assert record.notes["truncated_test"] > 0
    said = f"{record.notes['truncated_train']} of 20 train texts are longer than max_length 8"
    assert said in caplog.text
    caplog.clear()
    run("ce", epochs=1, train_limit=20, max_length=8, seed=1)
    assert said not in caplog.text, "once for all seeds"


def test_bf16_runs_and_stays_near_fp32():
    half, full = (run("scl", precision=precision, epochs=1, train_limit=60) for precision in ("bf16", "fp32"))
    assert half.test_probabilities.dtype == np.float32
    assert np.abs(half.test_probabilities - full.test_probabilities).max() < 0.05
    assert not np.array_equal(half.test_probabilities, full.test_probabilities)


def test_class_subsets_reindex():
    classes = catalog.corpora()["embedded"].labels[2:6]
    record = run("ce", epochs=1, train_limit=40, classes=classes)
    assert record.classes == classes
    assert record.test_probabilities.shape[1] == 4
    assert set(record.test_labels) == {0, 1, 2, 3}


def test_a_batch_larger_than_the_training_set_is_refused_before_training():
    with pytest.raises(StudyError, match="batch_size 50 exceeds the 20 training texts"):
        run("ce", batch_size=50, train_limit=20)


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(StudyError, match=r"Device 'tpu' is not here; allowed: .*cpu"):
        loop.choose_device("tpu")


def test_a_file_that_changed_is_read_again(tmp_path):
    table = tmp_path / "own.csv"
    settings = {"encoder": "tiny", "seed": 0, "max_length": 16, "epochs": 1}
    table.write_text("text,label\n" + "so happy,joy\nso angry,anger\n" * 20)
    before = loop.prepare(make_spec(str(table), "ce", **settings))
    table.write_text("text,label\n" + "so happy,joy\nso sad,sorrow\n" * 20)
    after = loop.prepare(make_spec(str(table), "ce", **settings))
    assert (before.classes, after.classes) == (("anger", "joy"), ("joy", "sorrow"))


def test_check_finds_what_cannot_be_had(tmp_path):
    table = tmp_path / "one.csv"
    table.write_text("text,label\n" + "hello there,a\n" * 10)
    with pytest.raises(StudyError):
        loop.check(make_spec(str(table), "ce", encoder="tiny", seed=0))


def own_numbers(tokens, used):
    return replace(tokens, ids=[used[row] for row in tokens.ids])


@pytest.mark.parametrize("objective", ["ce", "lcl"])
def test_a_table_of_the_used_tokens_alone_trains_what_the_whole_one_trains(objective):
    this = spec(objective)
    cut = loop.prepare(this)
    texts = {split: own_numbers(tokens, cut.used) for split, tokens in cut.texts.items()}
    whole = replace(cut, used=None, texts=texts, views=cut.views and own_numbers(cut.views, cut.used))
    found, sizes = [], []
    for data in (cut, whole):
        with torch.random.fork_rng():
            model, _, _, validation = loop._fit(this, data, None, torch.device("cpu"), progress=False)
        found.append(validation)
        sizes.append(model.primary.body.get_input_embeddings().num_embeddings)
    np.testing.assert_allclose(*found, atol=1e-5)
    assert sizes == [len(cut.used), len(cut.encoder.tokenizer)] and sizes[0] < sizes[1]


def test_a_layer_norm_of_any_name_is_not_decayed():
    """DistilBERT's is called `sa_layer_norm`, ModernBERT's `attn_norm`."""
    network = torch.nn.ModuleDict({"dense": torch.nn.Linear(3, 3), "sa_layer_norm": torch.nn.LayerNorm(3)})
    decayed, kept = (group["params"] for group in loop.adamw(network, 1e-3, fused=True).param_groups)
    assert [id(weight) for weight in decayed] == [id(network["dense"].weight)] and len(kept) == 3
