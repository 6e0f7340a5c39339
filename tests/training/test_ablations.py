"""The runs of the ablations: each on a few texts of the embedded corpus, and what stands still, is redrawn or comes first."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lclstudy.models import label_weights
from lclstudy.models.objectives import FIXED_WEIGHTS, RECIPES, Objective, stages_of
from lclstudy.plan import catalog, names
from lclstudy.plan.profiles import load_profile
from lclstudy.plan.spec import OBJECTIVES, Protocol, make_spec
from lclstudy.training import loop, prepare, train

SPECS = [spec for spec in load_profile("ablations").specs() if spec.seed == 0]
SMALL = {"corpus": "embedded", "encoder": "tiny", "train_limit": 20, "epochs": 1, "max_length": 16}


def spec(objective="lcl", protocol="released", **settings):
    return make_spec(objective=objective, protocol=protocol, **{**SMALL, "learning_rate": 1e-3, "seed": 0, **settings})


def run(spec):
    return train(spec, device="cpu", progress=False)


def test_the_profile_has_every_setting_and_every_objective_for_three_seeds():
    specs = load_profile("ablations").specs()
    assert {spec.seed for spec in specs} == {0, 1, 2} and len(specs) == 3 * len(SPECS)
    changes = {change for spec in SPECS for change in spec.protocol.split(",")[1:]}
    # EmoInt's last batch is dropped in every run here; the follow-up report's settings are those of its own profile.
    values = {name: about.get("values", ()) for name, about in catalog.read("settings.toml").items()}
    every = {f"{name}={value}" for name, own in vars(Protocol()).items() for value in values[name] if value != str(own).lower()}
    assert changes == every - {"drop_last=false", "features=raw", "temperature_scale=positives"}
    assert {spec.objective for spec in SPECS} == {*OBJECTIVES} - {"simclr"}
    assert {spec.augment for spec in SPECS if spec.objective == "lcl"} == {*values["augment"]}
    assert {spec.corpus for spec in SPECS} == {"emoint"} and {spec.encoder for spec in SPECS} == {"minilm"}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.objective} {names.protocol(spec.protocol)} {spec.augment}")
def test_each_run_of_the_profile_in_small(spec):
    record = run(replace(spec, **SMALL))
    stages = 2 if spec.objective == "scl_two_stage" or "pretrained" in spec.protocol or "confusion" in spec.protocol else 1
    assert [epoch.get("stage") for epoch in record.epochs] == ([None] if stages == 1 else [1, 2])
    assert stages == stages_of(spec) + ("confusion" in spec.protocol), "whose first one is another run"
    assert record.best_epoch == stages, "of the last stage"
    assert np.isfinite([value for epoch in record.epochs for value in epoch.values()]).all()
    two = RECIPES[spec.objective].weighting and Protocol.parse(spec.protocol).weights not in FIXED_WEIGHTS
    assert (record.measures["parameters"] > 1e6) == (two or spec.objective == "ce_ensemble"), "of one network, or of two"


@pytest.mark.parametrize(
    ("objective", "protocol", "losses", "moves"),
    [
        ("scl_two_stage", "released", ({"contrastive"}, {"ce"}), ({"primary.body"}, {"primary.dense", "primary.out"})),
        ("lcl", "released,weights=pretrained", ({"weighting"}, {"ce", "contrastive"}),
         ({"weighting.model"}, {"primary.body", "primary.dense", "primary.out"})),
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


def test_weights_from_confusion_are_those_of_the_cross_entropy_run_of_the_same_spec(monkeypatch):
    wanted, given, original = spec(protocol="released,weights=confusion", epochs=2), [], Objective.__init__
    ce = run(replace(wanted, objective="ce"))

    def watched(self, spec, encoder, classes, matrix=None):
        given.append(matrix)
        original(self, spec, encoder, classes, matrix)

    monkeypatch.setattr(Objective, "__init__", watched)
    record = run(wanted)
    assert given[0] is None
    assert torch.equal(given[1], label_weights.from_confusion(ce.validation_labels, ce.validation_probabilities))
    for mine, its in zip(record.epochs[:2], ce.epochs, strict=True):
        assert (mine["loss"], mine["validation_accuracy"]) == (its["loss"], its["validation_accuracy"])
    assert [epoch["stage"] for epoch in record.epochs] == [1, 1, 2, 2] and record.best_epoch in (3, 4)


def test_views_anew_differ_from_epoch_to_epoch_and_not_from_call_to_call(monkeypatch):
    original, seen = loop._train_epoch, []

    def views(spec):
        """The token ids of each set of second views."""
        data = prepare.prepare(spec)
        return [[data.used[row].tolist() for row in view.ids] for view in data.views]

    def watched(spec, objective, batches, *more):
        used = prepare.prepare(spec).used  # whose places the tokens are
        seen.append([used[row].tolist() for row in batches.collate_fn.views.ids])
        return original(spec, objective, batches, *more)

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
    epochs = [run(spec(protocol=f"released,weights={name}", train_limit=10)).epochs[-1] for name in FIXED_WEIGHTS]
    assert len({epoch["loss_ce"] for epoch in epochs}) == 1, "one step: the same batch, networks and dropout"
    assert len({epoch["loss_contrastive"] for epoch in epochs}) == len(FIXED_WEIGHTS)
