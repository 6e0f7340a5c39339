"""The attention of packed rows with dropout against plain attention row by row, with its gradients; without: test_encoders."""

import math

import torch

from lclstudy.models import attention
from lclstudy.models.batching import pack

HEADS, SIZE, LENGTHS = 3, 8, (4, 1, 13, 7, 2)


def plain(query, key, value, masks):
    """[T, heads, D]: each row by itself; `masks` has a dropout mask [heads, n, n] for each."""
    found = []
    pieces = zip(*(given[0].split(LENGTHS, dim=1) for given in (query, key, value)), masks, strict=True)
    for its_query, its_key, its_value, mask in pieces:
        weights = (its_query @ its_key.mT / math.sqrt(SIZE)).softmax(-1) * mask
        found.append((weights @ its_value).transpose(0, 1))
    return torch.cat(found)


def test_packed_attention_is_attention_row_by_row(monkeypatch):
    torch.manual_seed(0)
    kept = torch.rand(len(LENGTHS), HEADS, 16, 16, dtype=torch.float64).gt(0.4) / 0.6
    parts = iter(sorted(range(len(LENGTHS)), key=LENGTHS.__getitem__))  # the shorter rows first, then the longer ones

    def mask(like, p):
        part, side = [next(parts) for _ in range(len(like) // HEADS)], like.shape[1]
        return kept[part, :, :side, :side].view_as(like)

    monkeypatch.setattr(attention, "keep_mask", mask)
    rows = pack([torch.arange(length) for length in LENGTHS])
    masks = [kept[row, :, :length, :length] for row, length in enumerate(LENGTHS)]
    ours = [torch.randn(1, HEADS, sum(LENGTHS), SIZE, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    reference = [given.detach().requires_grad_() for given in ours]
    found, _ = attention.packed_attention(None, *ours, None, dropout=0.4, scaling=SIZE**-0.5, rows=rows)
    expected = plain(*reference, masks)
    assert torch.allclose(found[0], expected)
    assert attention._layout(rows, HEADS).out.bincount().max() <= 4, "padding takes from all over: CUDA sums one index serially"
    weight = torch.randn(expected.shape, dtype=torch.float64)
    (found[0] * weight).sum().backward()
    (expected * weight).sum().backward()
    for mine, theirs in zip(ours, reference, strict=True):
        assert torch.allclose(mine.grad, theirs.grad)
