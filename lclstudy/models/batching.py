"""Tokenised texts, and the one collator that lays two views of a text side by side, without padding.

A batch is packed: the tokens of all its rows stand one after another, and the linear layers, which cost most, see no padding.
Only attention needs rows again; `slots` says where each token stands in the padded [K, L] square.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader


@dataclass(frozen=True)
class Tokens:
    """Token ids of N texts, one int64 tensor each, and how many texts were cut at `max_length`."""

    ids: list[Tensor]
    truncated: int

    def __len__(self) -> int:
        return len(self.ids)

    def numbered(self, used: Tensor) -> "Tokens":
        """The same texts, each token by its place in `used` [V], which is ascending and holds them all."""
        return replace(self, ids=[torch.searchsorted(used, row) for row in self.ids])


class Packed(NamedTuple):
    """K rows with T tokens in all, the longest row having L.

    `input_ids`, `position_ids` [T]: tokens, and the place of each in its own row from 0; `slots` [T]: row * L + place;
    `starts` [K]: where each row begins, which is its [CLS]; `mask` [K, L]: True where a token stands.
    """

    input_ids: Tensor
    position_ids: Tensor
    slots: Tensor
    starts: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "Packed":
        return Packed(*(tensor.to(device, non_blocking=True) for tensor in self))


class Batch(NamedTuple):
    """Rows to learn from: `rows`; `labels` [K]; `pairs` [K]: the rows made from one text share an id."""

    rows: Packed
    labels: Tensor
    pairs: Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.rows.to(device), *(tensor.to(device, non_blocking=True) for tensor in self[1:]))


def tokenize(texts: Sequence[str], tokenizer, max_length: int) -> Tokens:
    """Token ids with the tokenizer's special tokens, cut at `max_length` tokens; counts the texts that were cut."""
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length, return_overflowing_tokens=True)
    _, firsts, pieces = np.unique(encoded["overflow_to_sample_mapping"], return_index=True, return_counts=True)
    return Tokens([torch.tensor(encoded["input_ids"][first]) for first in firsts], truncated=int((pieces > 1).sum()))


def pack(rows: Sequence[Tensor]) -> Packed:
    """Lays rows of token ids end to end."""
    lengths = torch.tensor([len(row) for row in rows])
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    slots = mask.flatten().nonzero()[:, 0]
    return Packed(torch.cat(list(rows)), slots % mask.shape[1], slots, lengths.cumsum(0) - lengths, mask)


class TwoViews:
    """Collates text numbers into a `Batch`: the B originals, then, if there are second views, the B views."""

    def __init__(self, texts: Tokens, views: Tokens | None, labels: Sequence[int]):
        self.texts, self.views, self.labels = texts, views, torch.tensor(labels)

    def __call__(self, numbers: Sequence[int]) -> Batch:
        sources = [self.texts] if self.views is None else [self.texts, self.views]
        pairs = torch.tensor(numbers).repeat(len(sources))
        return Batch(pack([tokens.ids[number] for tokens in sources for number in numbers]), self.labels[pairs], pairs)


def training_batches(
    collate: TwoViews, batch_size: int, generator: torch.Generator, drop_last: bool, pin_memory: bool = False
) -> DataLoader:
    """Shuffled batches of `batch_size` texts; `generator` alone decides the order."""
    how = {"shuffle": True, "generator": generator, "drop_last": drop_last, "pin_memory": pin_memory}
    return DataLoader(range(len(collate.texts)), batch_size, collate_fn=collate, **how)


def evaluation_batches(texts: Tokens, tokens_per_batch: int) -> Iterator[tuple[list[int], Packed]]:
    """(text numbers, rows) in length-sorted batches whose padded square holds at most `tokens_per_batch` tokens."""
    numbers: list[int] = []
    for number in sorted(range(len(texts)), key=lambda number: len(texts.ids[number])):
        if numbers and (len(numbers) + 1) * len(texts.ids[number]) > tokens_per_batch:
            yield numbers, pack([texts.ids[i] for i in numbers])
            numbers = []
        numbers.append(number)
    if numbers:
        yield numbers, pack([texts.ids[i] for i in numbers])
