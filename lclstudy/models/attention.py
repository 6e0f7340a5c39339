"""Attention within the rows of a packed batch, as one of the attention functions of transformers' models."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AttentionInterface

from .batching import Packed
from .dropout import keep_mask

NAME = "packed"


def packed_attention(module, query, key, value, attention_mask, dropout=0.0, scaling=None, rows: Packed | None = None, **_):
    """Attention within each row of a packed batch: query, key, value [1, heads, T, D] -> [1, T, heads, D].

    The tokens are laid out as the padded [K, L] square for the product only, so no row sees another and none sees padding.
    """
    heads, tokens, size = query.shape[1:]
    flat = [given[0].transpose(0, 1).reshape(-1, size) for given in (query, key, value)]  # [T * heads, D], mostly views
    if dropout and query.is_cpu:
        return _Attention.apply(*flat, rows, heads, dropout, scaling).view(1, tokens, heads, size), None
    out, back, mask = _layout(rows, heads)
    square = [given[out].view(len(mask), heads, -1, size) for given in flat]
    mask = mask[:, None, None, :]
    mixed = F.scaled_dot_product_attention(*square, attn_mask=mask, dropout_p=dropout, scale=scaling)
    mixed = mixed.reshape(-1, size)[back]
    return F.pad(mixed, (0, 0, 0, len(flat[0]) - len(back))).view(1, tokens, heads, size), None


def filled(count: int, multiple: int) -> int:
    """The least multiple that is not below `count`.

    A CPU's library makes a kernel for each shape of a product and keeps a thousand of them: with few shapes a step spends no
    time on that, and a process does not grow by gigabytes.
    """
    return -(-count // multiple) * multiple


@lru_cache(maxsize=2)  # all layers of the networks that see a batch share it
def _layout(rows: Packed, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where the vectors of the packed tokens stand in the square [K * heads * L], L filled up to a multiple of 8.

    `out` [K * heads * L] takes them there (padding takes the first), `back` [T * heads] takes them back; `mask` [K, L].
    """
    mask = F.pad(rows.mask, (0, filled(rows.mask.shape[1], 8) - rows.mask.shape[1]))
    row, place = rows.slots // rows.mask.shape[1], rows.slots % rows.mask.shape[1]
    head = torch.arange(heads, device=rows.slots.device)
    back = ((row[:, None] * heads + head) * mask.shape[1] + place[:, None]).flatten()
    out = torch.zeros(mask.numel() * heads, dtype=torch.int64, device=back.device)
    out[back] = torch.arange(len(back), device=back.device)
    return out, back, mask


class _Attention(torch.autograd.Function):
    """softmax(query key^T scaling) value with dropout on the softmax, for a CPU: there torch has no fused kernel with dropout.

    Written out because autograd's own backward of each step would fill, copy and mask squares that nobody reads.
    """

    @staticmethod
    def forward(ctx, query, key, value, rows, heads, dropout, scaling):
        out, _, mask = _layout(rows, heads)
        ctx.rows, ctx.heads, ctx.scaling, ctx.shape = rows, heads, scaling, query.shape
        query, key, value = (
            given.index_select(0, out).view(len(mask) * heads, -1, given.shape[1]) for given in (query, key, value)
        )
        bias = torch.zeros_like(mask, dtype=query.dtype).masked_fill_(~mask, float("-inf"))
        bias = bias[:, None, None].expand(-1, heads, 1, -1).reshape(len(query), 1, -1)
        weights = torch.baddbmm(bias, query, key.mT, alpha=scaling).softmax(-1)
        kept = keep_mask(weights, dropout)
        ctx.save_for_backward(query, key, value, weights, kept)
        return _Attention._packed(ctx, torch.bmm(weights * kept, value))

    @staticmethod
    def backward(ctx, gradient):
        query, key, value, weights, kept = ctx.saved_tensors
        out, _, mask = _layout(ctx.rows, ctx.heads)
        real = mask[:, None].expand(-1, ctx.heads, -1).flatten()
        gradient = gradient.index_select(0, out).mul_(real[:, None]).view_as(value)  # padding gets none
        of_value = torch.bmm((weights * kept).mT, gradient)  # made again: a long text's squares fill the memory
        of_weights = torch.bmm(gradient, value.mT).mul_(kept)
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_query = torch.bmm(of_scores, key).mul_(ctx.scaling)
        of_key = torch.bmm(of_scores.mT, query).mul_(ctx.scaling)
        return *(_Attention._packed(ctx, given) for given in (of_query, of_key, of_value)), None, None, None, None

    @staticmethod
    def _packed(ctx, square: Tensor) -> Tensor:
        """[K * heads, L, D] -> the shape that the packed vectors have; 0 for those that only fill it up."""
        back = _layout(ctx.rows, ctx.heads)[1]
        flat = square.new_empty(ctx.shape)
        flat[len(back) :].zero_()
        torch.index_select(square.view(-1, ctx.shape[1]), 0, back, out=flat[: len(back)])
        return flat


AttentionInterface.register(NAME, packed_attention)
