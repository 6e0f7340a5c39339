"""Tokens, packed rows, two views side by side, and evaluation batches."""

import pytest
import torch

from lclstudy.models import encoders
from lclstudy.models.batching import Tokens, TwoViews, evaluation_batches, tokenize, training_batches

TEXTS = ["i was afraid of the dark", "she left", "we were so happy to see them all again after years", ""]


def tokens(lengths):
    return Tokens([torch.full((length,), number + 1) for number, length in enumerate(lengths)], 0)


def test_a_text_longer_than_max_length_is_cut_and_counted_once():
    tokenizer = encoders.load("tiny", TEXTS).tokenizer
    whole, cut = tokenize(TEXTS, tokenizer, 64), tokenize(TEXTS, tokenizer, 5)
    assert whole.truncated == 0 and whole.ids[3].tolist() == [tokenizer.cls_token_id, tokenizer.sep_token_id]
    assert cut.truncated == sum(len(row) > 5 for row in whole.ids) > 0
    for row, full in zip(cut.ids, whole.ids, strict=True):
        assert row.tolist() == (full.tolist() if len(full) <= 5 else [*full[:4].tolist(), tokenizer.sep_token_id])


def test_two_views_lie_side_by_side_and_the_generator_alone_decides_the_order():
    batch = TwoViews(tokens([3, 5, 2]), tokens([4, 1, 6]), labels=[7, 8, 9])([2, 0])
    assert batch.labels.tolist() == [9, 7, 9, 7] and batch.pairs.tolist() == [2, 0, 2, 0]
    assert batch.rows.mask.sum(dim=1).tolist() == [2, 3, 6, 4]

    def order(seed, drop_last=True):
        generator = torch.Generator().manual_seed(seed)
        return [each.pairs.tolist() for each in training_batches(collate, 4, generator, drop_last)]

    collate = TwoViews(tokens([2] * 11), None, labels=list(range(11)))
    torch.manual_seed(1)
    first = order(0)
    torch.manual_seed(2)
    assert order(0) == first != order(1)
    assert [len(numbers) for numbers in first] == [4, 4], "the last batch is dropped"
    assert sorted(number for numbers in order(0, drop_last=False) for number in numbers) == list(range(11)), "or kept"


@pytest.mark.parametrize("budget", [1, 30, 200])
def test_evaluation_batches_hold_every_text_once_within_the_budget(budget):
    lengths = [9, 1, 30, 2, 2, 17, 5, 1, 30, 11]
    found = []
    for numbers, rows in evaluation_batches(tokens(lengths), budget):
        assert rows.mask.numel() <= budget or len(numbers) == 1
        assert rows.mask.sum(dim=1).tolist() == [lengths[number] for number in numbers]
        found += numbers
    assert sorted(found) == list(range(len(lengths)))
