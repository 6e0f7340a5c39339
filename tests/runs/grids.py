"""Grids of runs of seconds, for the tests of this folder."""

from lclstudy.plan.spec import make_spec

TINY = {"encoder": "tiny", "epochs": 1, "max_length": 16, "train_limit": 30, "augment": "dropout"}  # loads no WordNet


def specs_of(objectives=("ce",), seeds=(0, 1), **settings):
    return [make_spec("embedded", name, seed=seed, **TINY | settings) for seed in seeds for name in objectives]


def bursting(seed=0):
    """A run whose loss really stops being finite: similarities divided by a temperature that float32 cannot hold."""
    return make_spec("embedded", "scl", seed=seed, temperature=1e-45, **TINY)
