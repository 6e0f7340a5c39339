"""The optimiser: what decays, what is clipped, and that a CPU's shorter way gives the same updates."""

import pytest
import torch

from lclstudy.models import encoders
from lclstudy.models.batching import TwoViews, tokenize
from lclstudy.models.objectives import Objective
from lclstudy.plan.spec import make_spec
from lclstudy.training import loop, optimizer
from lclstudy.training.optimizer import AdamW, Linear

TEXTS = ["i was afraid", "she left early in the morning", "no", "so happy to see them"] * 3
RATE = 1e-3


def make():
    encoder = encoders.load("tiny", TEXTS)
    torch.manual_seed(0)
    texts = tokenize(TEXTS, encoder.tokenizer, 16)
    batch = TwoViews(texts, texts, [0, 1, 2, 3] * 3)(list(range(8)))
    return Objective(make_spec("embedded", "lcl", encoder="tiny"), encoder, 4).eval(), batch


def test_weight_decay_spares_biases_and_layer_norms_and_nothing_else():
    objective, _ = make()
    groups = AdamW(objective, RATE, fused=True).param_groups
    names = {id(parameter): name for name, parameter in objective.named_parameters()}
    by_decay = {group["weight_decay"]: {names[id(p)] for p in group["params"]} for group in groups}
    assert by_decay[0.0] | by_decay[0.01] == set(names.values())
    assert by_decay[0.0] == {name for name in names.values() if name.endswith("bias") or "LayerNorm" in name}
    assert all((group["betas"], group["eps"]) == ((0.9, 0.999), 1e-6) for group in groups)
    # A LayerNorm of any name: DistilBERT's is called `sa_layer_norm`, ModernBERT's `attn_norm`.
    other = torch.nn.ModuleDict({"dense": torch.nn.Linear(3, 3), "sa_layer_norm": torch.nn.LayerNorm(3)})
    decayed, kept = (group["params"] for group in AdamW(other, RATE, fused=True).param_groups)
    assert [id(weight) for weight in decayed] == [id(other["dense"].weight)] and len(kept) == 3


def steps(saves: bool, precision: str, count: int = 3) -> tuple[dict[str, torch.Tensor], list[list[float]]]:
    """The weights after some steps without dropout, and the norm of each network's gradient as it was applied."""
    objective, batch = make()
    with torch.no_grad():  # a very wrong, very sure weighting network: a large gradient in one network only
        objective.weighting.classifier.weight.mul_(300)
    adamw = AdamW(objective, RATE, fused=True)
    if saves:
        adamw.save_traffic(objective, precision)
        halves = [module.half for module in objective.modules() if isinstance(module, Linear)]
        assert [half is not None for half in halves] == [precision == "bf16"] * len(halves) and halves
    schedule = torch.optim.lr_scheduler.ConstantLR(adamw, 1.0)
    norms = []
    for _ in range(count):
        before = [{weight: adamw.state[weight].get("exp_avg", torch.zeros(1)).clone() for weight in network}
                  for network in objective.learning]  # fmt: skip
        loop.step(objective, batch, adamw, schedule, precision)
        applied = [[(adamw.state[weight]["exp_avg"] - 0.9 * old).flatten() / 0.1
                    for weight, old in network.items() if adamw.state[weight]] for network in before]  # fmt: skip
        norms.append([torch.cat(network).norm().item() for network in applied])
    assert not (saves and adamw.zeros.any()), "what the next table of embeddings begins with"
    assert all(weight.grad is None for weight in objective.parameters())
    return {name: value.detach() for name, value in objective.named_parameters()}, norms


@pytest.mark.parametrize(("precision", "slow", "near"), [("fp32", False, 1e-7), ("bf16", False, 1e-5), ("bf16", True, 1e-5)])
def test_less_traffic_gives_the_same_updates_with_each_networks_gradient_clipped_by_itself(precision, slow, near, monkeypatch):
    monkeypatch.setattr(optimizer, "slow_in_bf16", lambda: slow)
    (plain, norms), (saving, saved) = (steps(saves, precision) for saves in (False, True))
    for primary, weighting in (*norms, *saved):
        assert weighting == pytest.approx(1.0, abs=1e-3)
        assert 0.05 < primary <= 1.0 + 1e-3, "together with the other it would be scaled to nearly nothing"
    torch.testing.assert_close(saved, norms, rtol=1e-3 if precision == "fp32" else 0.03, atol=1e-3)
    # AdamW divides by the gradient's size, so rounding weighs most where a gradient is nearly nothing.
    assert torch.cat([(plain[name] - saving[name]).abs().flatten() for name in plain]).mean() < near
