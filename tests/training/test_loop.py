"""The training loop: what is the same twice, chosen, clipped and decayed, stands still, is redrawn or stops a run."""

import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from unittest import mock

import numpy as np
import pytest
import torch

from lclstudy.models import label_weights
from lclstudy.models.objectives import FIXED_WEIGHTS, RECIPES, Objective
from lclstudy.plan import catalog, names
from lclstudy.plan.profiles import load_profile
from lclstudy.plan.spec import make_spec
from lclstudy.training import loop, prepare, train
from tests.material import cut_off, full_disk, refused

SMALL = {"corpus": "embedded", "encoder": "tiny", "train_limit": 25, "epochs": 1, "max_length": 16, "learning_rate": 1e-3}
ABLATIONS = [spec for spec in load_profile("ablations").specs() if spec.seed == 0 and spec.corpus == "emoint"]


AGAIN = [("lcl", "released"), ("scl_two_stage", "released,views=each_epoch"), ("lcl", "released,weights=confusion")]


def spec(objective="ce", protocol="released", **settings):
    return make_spec(objective=objective, protocol=protocol, **{**SMALL, **settings})


def run(spec):
    return train(spec, device="cpu", progress=False)


def accuracy(record, split="test"):
    found, labels = (getattr(record, f"{split}_{name}") for name in ("probabilities", "labels"))
    return (found.argmax(axis=1) == labels).mean()


@pytest.fixture(scope="module")
def lcl():
    return run(spec("lcl", epochs=2))


def test_the_same_spec_gives_identical_probabilities_and_leaves_the_generator_alone(lcl):
    torch.manual_seed(99)  # what came before must not matter
    expected = torch.rand(3)
    torch.manual_seed(99)
    again = run(lcl.spec)
    assert torch.equal(torch.rand(3), expected)
    assert np.array_equal(again.test_probabilities, lcl.test_probabilities)
    assert [epoch["loss"] for epoch in again.epochs] == [epoch["loss"] for epoch in lcl.epochs]
    assert not np.array_equal(run(replace(lcl.spec, seed=1)).test_probabilities, lcl.test_probabilities)


def test_a_record_says_what_it_should(lcl):
    assert (lcl.status, lcl.device, lcl.versions["torch"]) == ("done", "cpu", version("torch"))
    assert lcl.classes == catalog.corpora()["embedded"].labels
    assert np.allclose(lcl.test_probabilities.sum(axis=1), 1, atol=1e-5)
    told = {"loss", "loss_ce", "loss_weighting", "loss_contrastive", "train_accuracy", "validation_accuracy", "seconds"}
    for epoch in lcl.epochs:
        assert set(epoch) == told | {"epoch"} and np.isfinite([*epoch.values()]).all()
        both = epoch["loss_ce"] + epoch["loss_weighting"]  # Equation 6
        assert epoch["loss"] == pytest.approx(0.5 * both + 0.5 * epoch["loss_contrastive"], rel=1e-5)
    assert lcl.measures["steps"] == 2 * (25 // 10)
    assert all(lcl.measures[name] > 0 for name in ("seconds", "train_seconds", "texts_per_second", "peak_memory_bytes"))


def test_it_learns_two_classes_and_reports_the_first_epoch_with_the_best_validation_accuracy():
    settings = {"epochs": 3, "train_limit": 120, "learning_rate": 2e-3, "max_length": 32}
    record = run(spec(classes=("afraid", "content"), **settings))
    assert record.classes == ("afraid", "content") and set(record.test_labels) == {0, 1}
    assert accuracy(record) > 0.8 and record.epochs[-1]["loss"] < record.epochs[0]["loss"]
    accuracies = [epoch["validation_accuracy"] for epoch in record.epochs]
    assert record.best_epoch == 1 + accuracies.index(max(accuracies))
    assert accuracy(record, "validation") == pytest.approx(max(accuracies))


def test_the_learning_rate_falls_linearly_to_zero_without_warm_up(monkeypatch):
    rates, real = [], loop.step

    def watched(objective, batch, optimizer, *more):
        rates.append(optimizer.param_groups[0]["lr"])
        return real(objective, batch, optimizer, *more)

    monkeypatch.setattr(loop, "step", watched)
    run(spec(epochs=2, train_limit=40, learning_rate=8e-4))
    assert rates == pytest.approx([8e-4 * (1 - step / 8) for step in range(8)])


@pytest.mark.parametrize(("objective", "protocol"), AGAIN)
def test_a_run_that_is_cut_off_again_and_again_ends_as_it_would_have_ended(tmp_path, monkeypatch, caplog, objective, protocol):
    wanted = spec(objective, protocol, epochs=2, precision="bf16")

    def to_the_end():
        with suppress(KeyboardInterrupt):
            return train(wanted, "cpu", progress=False, state=tmp_path / "run")
        return to_the_end()

    whole, asked = run(wanted), cut_off(monkeypatch, every=3)
    record = to_the_end()
    assert len(asked) == whole.measures["steps"] + len(asked) // 3, "no step was taken twice"
    assert np.array_equal(record.test_probabilities, whole.test_probabilities) and record.best_epoch == whole.best_epoch
    one, other = ([{**epoch, "seconds": 0} for epoch in each.epochs] for each in (record, whole))
    assert one == other
    states = list(tmp_path.iterdir())
    for spoil in (lambda: monkeypatch.setattr(loop, "__version__", "0"), lambda: [one.write_bytes(b"half") for one in states]):
        spoil()
        asked.clear()
        assert np.array_equal(to_the_end().test_probabilities, whole.test_probabilities)
        assert len(asked) >= whole.measures["steps"], "begun anew"
    assert caplog.text.count("cannot be read") >= len(states)


def test_a_disk_without_room_for_its_state_and_the_state_of_another_run_change_nothing(lcl, tmp_path, monkeypatch, caplog):
    cut_off(monkeypatch, every=99)
    keep = partial(train, device="cpu", progress=False, state=tmp_path / "run")
    with full_disk():
        found = [keep(lcl.spec)]
    assert "could not be kept" in caplog.text and not any(tmp_path.iterdir())
    keep(replace(lcl.spec, seed=1))
    for record in [*found, keep(lcl.spec)]:
        assert np.array_equal(record.test_probabilities, lcl.test_probabilities)


def test_a_loss_that_stops_being_finite_ends_the_run_with_step_and_batch():
    with pytest.raises(loop.NonFiniteLoss, match=r"^loss became nan at step 1 of epoch 1, on training texts \d+(, \d+){9}\.$"):
        run(spec("scl", temperature=1e-39))  # similarities divided by it overflow


def test_truncated_texts_are_counted_and_reported_once_for_all_seeds(caplog):
    with caplog.at_level(logging.WARNING, logger="lclstudy"):
        notes = run(spec(max_length=8)).notes
        prepare.prepare(spec(max_length=8, seed=1))
    assert notes["truncated_train"] > 0 and notes["truncated_test"] > 0
    assert caplog.text.count(f"{notes['truncated_train']} of 25 train texts are longer than max_length 8") == 1


def test_bf16_runs_and_stays_near_fp32():
    wanted = spec("scl", precision="bf16")
    record, network = loop.fit(prepare.prepare(wanted), wanted, "cpu", progress=False)
    half, full = record.test_probabilities, run(spec("scl", precision="fp32")).test_probabilities
    assert not any("half" in vars(part) for part in network.modules()), "which are of the last step"
    assert half.dtype == np.float32 and 0 < np.abs(half - full).max() < 0.05


def test_a_device_that_is_not_here_and_fewer_texts_than_a_batch_are_refused_before_training(monkeypatch):
    with refused("batch_size 50 exceeds the 25 training texts", "use a smaller batch_size"):
        run(spec(batch_size=50))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("cpu:x", "cuda:9", "gpu", ""):
        with refused(f"Device {name!r} is not here; allowed: cuda, ", "cuda:0, cuda:1"):
            loop.choose_device(name)
    assert (loop.choose_device("cuda:1").index, loop.choose_device("cpu").type) == (1, "cpu")


@pytest.mark.parametrize("spec", ABLATIONS, ids=lambda spec: f"{spec.objective} {names.protocol(spec.protocol)} {spec.augment}")
def test_each_run_of_the_ablations_in_small(spec):
    record = run(replace(spec, **SMALL))
    stages = 2 if spec.objective == "scl_two_stage" or "pretrained" in spec.protocol or "confusion" in spec.protocol else 1
    assert [epoch.get("stage") for epoch in record.epochs] == ([None] if stages == 1 else [1, 2])
    assert stages == spec.stages + ("confusion" in spec.protocol), "whose first one is another run"
    assert record.best_epoch == stages, "of the last stage"
    assert np.isfinite([value for epoch in record.epochs for value in epoch.values()]).all()
    two = RECIPES[spec.objective].weighting and spec.rules.weights not in FIXED_WEIGHTS
    assert (record.measures["parameters"] > 1e6) == (two or spec.objective == "ce_ensemble"), "of one network, or of two"


@pytest.mark.parametrize(
    ("objective", "protocol", "losses", "moves"),
    [
        ("scl_two_stage", "released", ({"contrastive"}, {"ce"}), ({"primary.body"}, {"primary.dense", "primary.out"})),
        ("lcl", "released,weights=pretrained", ({"weighting"}, {"ce", "contrastive"}),
         ({"weighting.bert", "weighting.classifier"}, {"primary.body", "primary.dense", "primary.out"})),
    ],
)  # fmt: skip
def test_two_stages_freeze_what_they_say(monkeypatch, objective, protocol, losses, moves):
    states, objectives, begin = [], [], Objective.begin

    def watched(self, number):
        begin(self, number)
        objectives.append(self)
        states.append({name: value.clone() for name, value in self.state_dict().items()})
        learns = {name for name, part in self.train().named_modules() if part.training}
        assert moves[number] == learns & {*moves[0], *moves[1]}, "what is held still has no dropout"

    monkeypatch.setattr(Objective, "begin", watched)
    record = run(spec(objective, protocol, epochs=2))
    _, first, second = states  # without that of making it
    for before, after, wanted in zip((first, second), (second, objectives[-1].state_dict()), moves, strict=True):
        assert {".".join(name.split(".")[:2]) for name in before if not torch.equal(before[name], after[name])} == wanted
    assert [epoch["stage"] for epoch in record.epochs] == [1, 1, 2, 2] and record.best_epoch in (3, 4)
    for epoch, told in zip(record.epochs[::2], losses, strict=True):
        assert {name.removeprefix("loss_") for name in epoch if name.startswith("loss_")} == told


def test_weights_from_confusion_are_those_of_the_cross_entropy_run_of_the_same_spec():
    wanted = spec("lcl", "released,weights=confusion", epochs=2)
    ce = run(replace(wanted, objective="ce"))
    with mock.patch.object(Objective, "__init__", autospec=True, side_effect=Objective.__init__) as made:
        record = run(wanted)
    (*_, none), (*_, matrix) = (call.args for call in made.call_args_list)
    assert none is None
    assert torch.equal(matrix, label_weights.from_confusion(ce.validation_labels, ce.validation_probabilities))
    for mine, its in zip(record.epochs[:2], ce.epochs, strict=True):
        assert (mine["loss"], mine["validation_accuracy"]) == (its["loss"], its["validation_accuracy"])
    assert [epoch["stage"] for epoch in record.epochs] == [1, 1, 2, 2] and record.best_epoch in (3, 4)


def test_views_anew_differ_from_epoch_to_epoch_and_not_from_call_to_call(monkeypatch):
    original, seen = loop._train_epoch, []

    def views(spec):
        """The token ids of each set of second views."""
        data = prepare.prepare(spec)
        return [[data.used[row].tolist() for row in view.ids] for view in data.views]

    def watched(spec, batches, *more):
        used = prepare.prepare(spec).used  # whose places the tokens are
        seen.append([used[row].tolist() for row in batches.collate_fn.views.ids])
        return original(spec, batches, *more)

    monkeypatch.setattr(loop, "_train_epoch", watched)
    anew = spec("scl", "released,views=each_epoch", epochs=3, max_length=32)
    run(anew)
    first, second, third = seen
    assert [first] == views(replace(anew, protocol="released")), "the first epoch has the views that others keep"
    assert first != second != third != first
    prepare._prepare.cache_clear()
    assert views(anew) == seen
    assert len(views(replace(anew, objective="scl_two_stage"))) == 6
    assert views(replace(anew, augment_seed=1))[1] not in seen


def test_fixed_weights_leave_the_first_step_of_the_primary_network_as_it_was():
    """The seed is set after whatever is trained or encoded for the weights."""
    epochs = [run(spec("lcl", f"released,weights={name}", train_limit=10)).epochs[-1] for name in FIXED_WEIGHTS]
    assert len({epoch["loss_ce"] for epoch in epochs}) == 1, "one step: the same batch, networks and dropout"
    assert len({epoch["loss_contrastive"] for epoch in epochs}) == len(FIXED_WEIGHTS)


def test_fast_arithmetic_is_given_back():
    before = torch.get_float32_matmul_precision()
    with pytest.raises(KeyboardInterrupt), loop._fast_arithmetic(torch.device("cuda")):
        assert torch.get_float32_matmul_precision() == "high"  # TF32
        raise KeyboardInterrupt
    assert torch.get_float32_matmul_precision() == before
