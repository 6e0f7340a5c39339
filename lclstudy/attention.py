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
    heads, _tokens, size = query.shape[1:]
    flat = [given[0].transpose(0, 1).reshape(-1, size) for given in (query, key, value)]  # [T * heads, D], mostly views
    if dropout and query.is_cpu:
        mixed = _Attention.apply(*flat, rows, heads, dropout, scaling)
    else:
        out, back, _ = _layout(rows, heads)
        square = [given[out].view(len(rows.mask), heads, -1, size) for given in flat]
        mask = rows.mask[:, None, None, :]
        mixed = F.scaled_dot_product_attention(*square, attn_mask=mask, dropout_p=dropout, scale=scaling)
        mixed = mixed.reshape(-1, size)[back]
    return mixed.view(1, -1, heads, size), None


@lru_cache(maxsize=2)  # all layers of the networks that see a batch share it
def _layout(rows: Packed, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where the [T * heads] vectors of a packed batch stand in the square [K * heads * L], and which are padding there.

    `out` [K * heads * L] takes them there (padding takes the first), `back` [T * heads] takes them back, `padding` as `out`.
    """
    longest = rows.mask.shape[1]
    row, place = rows.slots // longest, rows.slots % longest
    head = torch.arange(heads, device=rows.slots.device)
    back = ((row[:, None] * heads + head) * longest + place[:, None]).flatten()
    out = torch.zeros(rows.mask.numel() * heads, dtype=torch.int64, device=back.device)
    out[back] = torch.arange(len(back), device=back.device)
    return out, back, rows.mask[:, None].expand(-1, heads, -1).flatten()


class _Attention(torch.autograd.Function):
    """softmax(query key^T scaling) value with dropout on the softmax, for a CPU: there torch has no fused kernel with dropout.

    Written out because autograd's own backward of each step would fill, copy and mask squares that nobody reads.
    """

    @staticmethod
    def forward(ctx, query, key, value, rows, heads, dropout, scaling):
        out, back, _ = _layout(rows, heads)
        query, key, value = (given.index_select(0, out).view(len(rows.mask) * heads, -1, given.shape[1]) for given in
                             (query, key, value))  # fmt: skip
        bias = torch.zeros_like(rows.mask, dtype=query.dtype).masked_fill_(~rows.mask, float("-inf"))
        bias = bias[:, None, None].expand(-1, heads, 1, -1).reshape(len(query), 1, -1)
        scores = torch.baddbmm(bias, query, key.mT, alpha=scaling)
        weights = scores.softmax(-1)
        kept = keep_mask(weights, dropout)
        dropped = weights * kept
        ctx.save_for_backward(query, key, value, weights, kept, dropped)
        ctx.rows, ctx.heads, ctx.scaling = rows, heads, scaling
        return torch.bmm(dropped, value).view(-1, value.shape[2]).index_select(0, back)

    @staticmethod
    def backward(ctx, gradient):
        query, key, value, weights, kept, dropped = ctx.saved_tensors
        out, back, real = _layout(ctx.rows, ctx.heads)
        gradient = gradient.index_select(0, out).mul_(real[:, None]).view_as(value)  # padding gets none
        of_value = torch.bmm(dropped.mT, gradient)
        of_weights = torch.bmm(gradient, value.mT).mul_(kept)
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_query = torch.bmm(of_scores, key).mul_(ctx.scaling)
        of_key = torch.bmm(of_scores.mT, query).mul_(ctx.scaling)
        flat = (given.view(-1, given.shape[2]).index_select(0, back) for given in (of_query, of_key, of_value))
        return *flat, None, None, None, None


AttentionInterface.register(NAME, packed_attention)
