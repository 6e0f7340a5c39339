"""Masks have the right rate and scale, are independent, and follow the seed; the module is torch's where torch's is as fast."""

import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from lclstudy.models import dropout


@pytest.mark.parametrize(("dtype", "p"), [(torch.bfloat16, 0.1), (torch.float32, 0.1), (torch.float32, 0.015)])
def test_a_mask_drops_at_the_rate_and_scales_the_rest(dtype, p):
    torch.manual_seed(0)
    mask = dropout.keep_mask(torch.zeros(1000, 1000, dtype=dtype), p)
    assert mask.dtype == dtype and mask.shape == (1000, 1000)
    assert set(mask.unique().tolist()) == {0.0, torch.tensor(1 / (1 - p), dtype=dtype).item()}
    assert binomtest(int((mask == 0).sum()), mask.numel(), p).pvalue > 1e-3


def test_places_rows_and_masks_are_independent_and_the_seed_decides_them():
    like = torch.zeros(4, 100_000)
    torch.manual_seed(0)
    one, other = dropout.keep_mask(like, 0.5), dropout.keep_mask(like, 0.5)
    shifted = [one[:1].roll(places) for places in (1, 2, 3, 4, 64)]  # a random word holds four places
    assert torch.corrcoef(torch.cat([one, other, *shifted])).fill_diagonal_(0).abs().max() < 0.02
    torch.manual_seed(0)
    assert torch.equal(dropout.keep_mask(like, 0.5), one)


def test_modules_drop_in_training_alone_and_the_gradient_takes_the_same_mask():
    network = nn.Sequential(nn.Dropout(0.5), nn.Identity(), nn.Dropout(0.0))
    dropout.speed_up(network)
    given = torch.ones(64, 64, requires_grad=True)
    out = network(given)
    out.sum().backward()
    assert torch.equal(given.grad, out.detach()) and set(out.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(network.eval()(given), given)
