"""Dropout with masks from 16-bit slices of random 64-bit words; torch draws a double for each element, far slower."""

import torch
from torch import Tensor, nn


def keep_mask(like: Tensor, p: float) -> Tensor:
    """Of the shape and dtype of `like`: 0 with probability `p` (to 1/65536), else 1 / (1 - p). Draws from torch's generator."""
    words = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    keep = words.view(torch.int16)[: like.numel()].view(like.shape).ge_(round(p * 2**16) - 2**15)  # 0 or 1, in place
    scale = torch.tensor(1 / (1 - p), dtype=like.dtype)
    if like.dtype == torch.bfloat16:  # the bits of the scale times 0 or 1: no pass to convert
        return keep.mul_(scale.view(torch.int16)).view(torch.bfloat16)
    return keep.to(like.dtype).mul_(scale)


class Dropout(nn.Dropout):
    """`nn.Dropout` with `keep_mask`."""

    def forward(self, given: Tensor) -> Tensor:
        fast = self.training and self.p and given.is_cpu
        return given * keep_mask(given, self.p) if fast else super().forward(given)


def speed_up(network: nn.Module) -> None:
    """Makes every `nn.Dropout` of a network a `Dropout`."""
    for module in network.modules():
        if type(module) is nn.Dropout:
            module.__class__ = Dropout
