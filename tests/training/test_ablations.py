"""The runs of the ablations: each on a few texts of the embedded corpus, and what stands still, is redrawn or comes first."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lclstudy.models import label_weights
from lclstudy.models.objectives import FIXED_WEIGHTS, RECIPES, Objective
from lclstudy.plan import names
from lclstudy.plan.profiles import load_profile
from lclstudy.plan.spec import AUGMENTS, OBJECTIVES, Protocol, make_spec
from lclstudy.training import loop

SPECS = [spec for spec in load_profile("ablations").specs() if spec.seed == 0]
SMALL = {"corpus": "embedded", "encoder": "tiny", "train_limit": 20, "epochs": 1, "max_length": 16}


def spec(objective="lcl", protocol="released", **settings):
    quick = {**SMALL, "learning_rate": 1e-3, "seed": 0}
    return make_spec(objective=objective, protocol=protocol, **{**quick, **settings})


def run(spec):
    return loop.run(spec, device="cpu", progress=False)


def title(spec):
    return f"{spec.objective} {names.protocol(spec.protocol)} {spec.augment}"


def test_the_profile_has_every_setting_and_every_objective_for_three_seeds():
    specs = load_profile("ablations").specs()
    assert {spec.seed for spec in specs} == {0, 1, 2} and len(specs) == 3 * len(SPECS)
    changes = {change for spec in SPECS for change in spec.protocol.split(",")[1:]}
    # EmoInt's last batch is dropped in every run here; the follow-up report's settings are those of its own profile.
    of_report = {"features=raw", "temperature_scale=positives"}
    assert changes == {*names.SETTINGS} - {"drop_last=false"} - of_report
    assert {spec.objective for spec in SPECS} == {*OBJECTIVES} - {"simclr"}
    assert {spec.augment for spec in SPECS if spec.objective == "lcl"} == set(AUGMENTS)
    assert {spec.corpus for spec in SPECS} == {"emoint"} and {spec.encoder for spec in SPECS} == {"minilm"}


@pytest.mark.parametrize("spec", SPECS, ids=title)
def test_each_run_of_the_profile_in_small(spec):
    small = replace(spec, **SMALL)
    record = run(small)
    stages = 2 if spec.objective == "scl_two_stage" or "pretrained" in spec.protocol or "confusion" in spec.protocol else 1
    assert record.status == "done"
    assert [epoch["epoch"] for epoch in record.epochs] == list(range(1, stages + 1))
    assert [epoch.get("stage") for epoch in record.epochs] == ([None] if stages == 1 else [1, 2])
    assert record.best_epoch == stages, "of the last stage"
    assert record.measures["steps"] == stages * 2
    assert np.allclose(record.test_probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite([value for epoch in record.epochs for value in epoch.values()]).all()
    two = RECIPES[spec.objective].weighting and Protocol.parse(spec.protocol).weights not in FIXED_WEIGHTS
    assert (record.measures["parameters"] > 1e6) == (two or spec.objective == "ce_ensemble"), "of one network, or of two"


def states_of_networks(monkeypatch, spec):
    """The state of all networks when each stage begins, and at the end of the run."""
    found, objectives = [], []
    begin = Objective.begin

    def watched(self, number):
        begin(self, number)
        objectives.append(self)
        found.append({name: value.clone() for name, value in self.state_dict().items()})

    monkeypatch.setattr(Objective, "begin", watched)
    record = run(spec)
    found.append({name: value.clone() for name, value in objectives[-1].state_dict().items()})
    return record, found[1:]  # without that of making it


STAGES = {
    "scl_two_stage": ({"objective": "scl_two_stage"}, "loss_contrastive", {"loss_ce"},
                      [{"primary.body"}, {"primary.dense", "primary.out"}]),
    "pretrained": ({"protocol": "released,weights=pretrained"}, "loss_weighting", {"loss_ce", "loss_contrastive"},
                   [{"weighting.model"}, {"primary.body", "primary.dense", "primary.out"}]),
}  # fmt: skip


@pytest.mark.parametrize("name", STAGES)
def test_each_of_two_stages_trains_what_it_says_and_freezes_the_rest(monkeypatch, name):
    settings, first_loss, second_losses, trained = STAGES[name]
    record, states = states_of_networks(monkeypatch, spec(**settings, epochs=2))
    assert [epoch["stage"] for epoch in record.epochs] == [1, 1, 2, 2] and record.best_epoch in (3, 4)
    assert first_loss in record.epochs[0] and "loss_ce" not in record.epochs[0]
    assert second_losses <= set(record.epochs[2]) and first_loss not in set(record.epochs[2])
    for parts, before, after in zip(trained, states, states[1:], strict=False):
        moved = {".".join(key.split(".")[:2]) for key in before if not torch.equal(before[key], after[key])}
        assert moved == parts


def test_weights_from_confusion_are_those_of_the_cross_entropy_run_of_the_same_spec(monkeypatch):
    wanted = spec(protocol="released,weights=confusion", epochs=2)
    ce = run(replace(wanted, objective="ce"))
    given = []
    original = Objective.__init__

    def watched(self, spec, encoder, classes, matrix=None):
        given.append(matrix)
        original(self, spec, encoder, classes, matrix)

    monkeypatch.setattr(Objective, "__init__", watched)
    record = run(wanted)
    assert given[0] is None
    expected = label_weights.from_confusion(ce.validation_labels, ce.validation_probabilities)
    assert torch.equal(given[1], expected)
    told = [{key: epoch[key] for key in ("loss", "validation_accuracy")} for epoch in ce.epochs]
    assert [{key: epoch[key] for key in told[0]} for epoch in record.epochs[:2]] == told
    assert [epoch["stage"] for epoch in record.epochs] == [1, 1, 2, 2]
    assert record.best_epoch in (3, 4)


def views_of_run(monkeypatch, spec):
    """The token ids of the second views in each epoch of a run."""
    found = []
    original = loop._train_epoch

    def watched(spec, objective, batches, *more):
        used = loop.prepare(spec).used  # whose places the tokens are
        found.append([used[ids].tolist() for ids in batches.collate_fn.views.ids])
        return original(spec, objective, batches, *more)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "_train_epoch", watched)
        return run(spec), found


def test_views_anew_differ_from_epoch_to_epoch_and_not_from_call_to_call(monkeypatch):
    anew = spec("scl", "released,views=each_epoch", epochs=3, max_length=32)
    record, first = views_of_run(monkeypatch, anew)
    again_record, again = views_of_run(monkeypatch, anew)
    _, once = views_of_run(monkeypatch, replace(anew, protocol="released"))
    assert again == first
    assert np.array_equal(record.test_probabilities, again_record.test_probabilities)
    assert first[0] == once[0] == once[1] == once[2], "the first epoch has the views that others keep"
    assert len(first) == 3 and first[0] != first[1] != first[2] != first[0]
    _, other = views_of_run(monkeypatch, replace(anew, augment_seed=1))
    assert other[1] not in first


def test_fixed_weights_leave_the_first_step_of_the_primary_network_as_it_was():
    """The seed is set after whatever is trained or encoded for the weights."""
    epochs = [run(spec(protocol=f"released,weights={name}", train_limit=10)).epochs[-1] for name in FIXED_WEIGHTS]
    assert len({epoch["loss_ce"] for epoch in epochs}) == 1, "one step: the same batch, networks and dropout"
    assert len({epoch["loss_contrastive"] for epoch in epochs}) == len(FIXED_WEIGHTS)
