"""Attention within the rows of a packed batch, as one of the attention functions of transformers' models."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AttentionInterface

from .batching import Packed
from .dropout import keep_mask

NAME = "packed"
PARTS = 2  # of a batch, by length, on a CPU: a padded row costs the square of the longest one's length


def packed_attention(module, query, key, value, attention_mask, dropout=0.0, scaling=None, rows: Packed | None = None, **_):
    """Attention within each row of a packed batch: query, key, value [1, heads, T, D] -> [1, T, heads, D].

    The tokens are laid out as padded squares for the product only, so no row sees another and none sees padding.
    """
    heads, tokens, size = query.shape[1:]
    flat = [given.squeeze(0).transpose(0, 1).reshape(-1, size) for given in (query, key, value)]  # [T * heads, D], mostly views
    if dropout and query.is_cpu:
        return _Attention.apply(*flat, rows, heads, dropout, scaling).view(1, tokens, heads, size), None
    out, back, real, parts = _layout(rows, heads)
    square = [given[out] for given in flat]
    mixed = []
    for part, longest in parts:
        *qkv, mask = (given[part].view(-1, heads, longest, given.shape[-1]) for given in (*square, real[:, None]))
        mixed.append(F.scaled_dot_product_attention(*qkv, attn_mask=mask.mT, dropout_p=dropout, scale=scaling))
    mixed = torch.cat([one.reshape(-1, size) for one in mixed])[back]
    return F.pad(mixed, (0, 0, 0, len(flat[0]) - len(back))).view(1, tokens, heads, size), None


def filled(count: int, multiple: int) -> int:
    """The least multiple that is not below `count`.

    A CPU's library makes a kernel for each shape of a product and keeps a thousand of them: with few shapes a step spends no
    time on that, and a process does not grow by gigabytes.
    """
    return -(-count // multiple) * multiple


class _Layout(NamedTuple):
    """Where the vectors of the packed tokens stand in squares [rows * heads * L], one for each part of the batch.

    `out` takes them there (padding takes any), `back` [T * heads] takes them back; `real` says what is no padding;
    `parts`: the place of each part's square and its L, a multiple of 8.
    """

    out: Tensor
    back: Tensor
    real: Tensor
    parts: list[tuple[slice, int]]


@lru_cache(maxsize=2)  # all layers of the networks that see a batch share it
def _layout(rows: Packed, heads: int) -> _Layout:
    mask = rows.mask
    if mask.device.type == "cpu":
        lengths = mask.sum(dim=1)
        by_length = [part for part in lengths.argsort().tensor_split(PARTS) if len(part)]
        sides = [filled(int(lengths[part[-1]]), 8) for part in by_length]
    else:  # to ask for a length would wait for the device
        by_length, sides = [torch.arange(len(mask), device=mask.device)], [filled(mask.shape[1], 8)]
    parts, start, first = [], 0, torch.zeros_like(mask[:, :2], dtype=torch.int64)
    for part, side in zip(by_length, sides, strict=True):
        first[part, 0] = start + torch.arange(len(part), device=mask.device) * heads * side
        first[part, 1] = side
        parts.append((slice(start, start := start + len(part) * heads * side), side))
    row, place = rows.slots // mask.shape[1], rows.slots % mask.shape[1]
    head = torch.arange(heads, device=mask.device)
    back = (first[row, :1] + head * first[row, 1:] + place[:, None]).flatten()
    # Padding takes any: one index for all of it would be summed serially on CUDA.
    out, real = torch.arange(start, device=mask.device) % len(back), torch.zeros(start, dtype=torch.bool, device=mask.device)
    out[back], real[back] = torch.arange(len(back), device=mask.device), True
    return _Layout(out, back, real, parts)


class _Attention(torch.autograd.Function):
    """softmax(query key^T scaling) value with dropout on the softmax, for a CPU: there torch has no fused kernel with dropout.

    Written out because autograd's own backward of each step would fill, copy and mask squares that nobody reads.
    """

    @staticmethod
    def forward(ctx, query, key, value, rows, heads, dropout, scaling):
        ctx.layout, ctx.scaling, ctx.shape = _layout(rows, heads), scaling, query.shape
        squares = [given.index_select(0, ctx.layout.out) for given in (query, key, value)]
        bias = torch.zeros_like(ctx.layout.real, dtype=query.dtype).masked_fill_(~ctx.layout.real, float("-inf"))
        mixed, kept = torch.empty_like(squares[2]), []
        for part, side in ctx.layout.parts:
            query, key, value, result = (given[part].view(-1, side, given.shape[1]) for given in (*squares, mixed))
            # In bf16 a softmax takes twice the time of one that is widened and narrowed, unless rows are multiples of 32 long.
            scores = torch.baddbmm(bias[part].view(-1, 1, side), query, key.mT, alpha=scaling)
            weights = scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32)).to(scores.dtype)
            kept += [weights, keep_mask(weights, dropout)]
            torch.bmm(weights * kept[-1], value, out=result)
        ctx.save_for_backward(*squares, *kept)
        return _Attention._packed(ctx, mixed)

    @staticmethod
    def backward(ctx, gradient):
        *squares, gradient_of_result = *ctx.saved_tensors[:3], gradient.index_select(0, ctx.layout.out)
        gradient_of_result.mul_(ctx.layout.real[:, None])  # padding gets none
        found = [torch.empty_like(square) for square in squares]
        for number, (part, side) in enumerate(ctx.layout.parts):
            weights, kept = ctx.saved_tensors[3 + 2 * number :][:2]
            views = (given[part].view(-1, side, given.shape[1]) for given in (*squares, gradient_of_result, *found))
            query, key, value, above, of_query, of_key, of_value = views
            torch.bmm((weights * kept).mT, above, out=of_value)  # made again: a long text's squares fill the memory
            of_weights = torch.bmm(above, value.mT).mul_(kept)
            of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype).mul_(ctx.scaling)
            torch.bmm(of_scores, key, out=of_query)
            torch.bmm(of_scores.mT, query, out=of_key)
        return *(_Attention._packed(ctx, given) for given in found), None, None, None, None

    @staticmethod
    def _packed(ctx, square: Tensor) -> Tensor:
        """The squares' vectors in the shape that the packed ones have; 0 for those that only fill it up."""
        back = ctx.layout.back
        flat = square.new_empty(ctx.shape)
        flat[len(back) :].zero_()
        torch.index_select(square, 0, back, out=flat[: len(back)])
        return flat


AttentionInterface.register(NAME, packed_attention)
