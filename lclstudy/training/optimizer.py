"""AdamW as in Appendix B and the released code, gradients clipped; on a CPU without most of what it moves in memory."""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.adamw import adamw

BETAS, EPSILON, WEIGHT_DECAY, MAX_GRADIENT_NORM = (0.9, 0.999), 1e-6, 0.01, 1.0


@cache
def slow_in_bf16() -> bool:
    """Whether this CPU multiplies fp32 faster than bf16: of x86 those without AMX, unless AVX-512 does it as well as AMD's."""
    cpu = torch.cpu.get_capabilities()
    return cpu["architecture"] == "x86_64" and not (cpu["amx_bf16"] or (cpu["avx512_bf16"] and "AMD" in cpu["cpu_name"]))


class Linear(nn.Linear):
    """`nn.Linear` for autocast on a CPU. While it learns it multiplies with `half`, a bf16 copy of its weight, which gets the
    gradient. Where bf16 is slow the same numbers are multiplied in fp32, which differs in the order of sums alone.
    """

    half: Tensor | None = None

    def forward(self, given: Tensor) -> Tensor:
        half = self.half if torch.is_grad_enabled() else None
        if not (torch.is_autocast_enabled("cpu") and slow_in_bf16()):
            return super().forward(given) if half is None else F.linear(given, half, self.bias)
        used = (given, self.weight if half is None else half, self.bias)
        with torch.autocast("cpu", enabled=False):
            return F.linear(*(each if each is None else each.bfloat16().float() for each in used)).bfloat16()


def release(network: nn.Module) -> None:
    """Drops the copies, which are of the last step's weights."""
    for module in network.modules():
        vars(module).pop("half", None)


class AdamW(torch.optim.AdamW):
    """`torch.optim.AdamW` over all that learns, weight decay 0.01 except on biases and LayerNorm."""

    def __init__(self, network: nn.Module, learning_rate: float, fused: bool):
        norms = {id(weight) for part in network.modules() if isinstance(part, nn.LayerNorm) for weight in part.parameters()}
        groups: dict[float, list[nn.Parameter]] = {WEIGHT_DECAY: [], 0.0: []}
        for name, weight in network.named_parameters():
            if weight.requires_grad:
                groups[0.0 if "bias" in name or id(weight) in norms else WEIGHT_DECAY].append(weight)
        parameters = [{"params": group, "weight_decay": decay} for decay, group in groups.items()]
        super().__init__(parameters, lr=learning_rate, betas=BETAS, eps=EPSILON, fused=fused)
        self.halves: dict[nn.Parameter, Tensor] = {}
        self.scales: dict[nn.Parameter, Tensor] = {}

    def save_traffic(self, network: nn.Module, precision: str) -> None:
        """For a CPU: the same updates, of fp32 weights in fp32, but gradients stay as small as backward has them.

        Under autocast each matrix is copied to bf16 at each step and its gradient, which is bf16, written in fp32: here the
        copy stays and the gradient is widened a matrix at a time, in the cache. That of an embedding table has the rows that
        the batch read, in place of a table of zeros.
        """
        release(network)  # of an earlier stage
        learning = {weight for group in self.param_groups for weight in group["params"]}
        for module in network.modules():
            if type(module) is nn.Embedding:
                module.sparse = True
            elif type(module) in (nn.Linear, Linear):
                module.__class__ = Linear
                if precision == "bf16" and module.weight in learning:
                    module.half = self.halves.setdefault(module.weight, module.weight.detach().bfloat16().requires_grad_())
        longest = max(map(len, map(torch.flatten, learning)))
        self.wide, self.zeros = torch.empty(longest), torch.zeros(longest)

    @torch.no_grad()
    def clip(self, weights: list[nn.Parameter]) -> None:
        """Scales the gradients of one network so that their norm, all together, is 1 at most."""
        whole, narrow = [], [weight for weight in weights if self._half_gradient(weight) is not None]
        for weight in weights:
            if weight.grad is not None and weight.grad.is_sparse:
                weight.grad = weight.grad.coalesce()
            if weight.grad is not None:
                whole.append(weight.grad.values() if weight.grad.is_sparse else weight.grad)
        norms = [torch.nn.utils.get_total_norm(whole), *(self._widened(weight).norm() for weight in narrow)]
        scale = MAX_GRADIENT_NORM / (torch.stack(norms).norm() + 1e-6)
        if whole and (not scale.is_cpu or scale < 1):  # where asking costs nothing
            torch._foreach_mul_(whole, scale.clamp(max=1))
        self.scales |= dict.fromkeys(narrow, scale.clamp(max=1))

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if self._half_gradient(weight) is not None:
                    self._update(group, weight, self._widened(weight).mul_(self.scales[weight]))
                    self.halves[weight].copy_(weight).grad = None
                elif weight.grad is not None and weight.grad.is_sparse:
                    rows, gradient = weight.grad.indices()[0], self.zeros[: weight.numel()].view_as(weight)
                    gradient[rows] = weight.grad.values()
                    self._update(group, weight, gradient)
                    gradient[rows] = 0
                    weight.grad = None
        super().step()

    def _half_gradient(self, weight: nn.Parameter) -> Tensor | None:
        return self.halves[weight].grad if weight in self.halves else None

    def _widened(self, weight: nn.Parameter) -> Tensor:
        return self.wide[: weight.numel()].view_as(weight).copy_(self.halves[weight].grad)

    def _update(self, group: dict, weight: nn.Parameter, gradient: Tensor) -> None:
        if not (state := self.state[weight]):
            state |= {"step": torch.tensor(0.0), "exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}
        moments = [state["exp_avg"]], [state["exp_avg_sq"]], [], [state["step"]]
        settings = {name: group[name] for name in ("lr", "weight_decay", "eps", "amsgrad", "maximize")}
        beta1, beta2 = group["betas"]
        adamw([weight], [gradient], *moments, fused=True, beta1=beta1, beta2=beta2, **settings)
