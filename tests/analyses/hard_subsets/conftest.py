"""Runs of the paper's case study, made by hand, for all tests of the folder."""

import pytest

from lclstudy.analyses.hard_subsets import tables
from lclstudy.results import published
from tests.material import PAPER, froze, within

DRAWS = 20


@pytest.fixture(scope="session")
def paper_like(tmp_path_factory):
    """Confusions in which ours are 4-hard-a, another set of angry classes, 4-hard-b, and 4-hard-d without `guilty`."""
    sets = published.class_sets()
    anger, hope = ("angry", "annoyed", "furious", "disgusted"), ("anticipating", "excited", "hopeful", "joyful")
    wrong = within(sets["4-hard-a"], 6) | within(anger, 5) | within(sets["4-hard-b"], 4) | within(hope, 2)
    runs = [(PAPER, seed, wrong, 20) for seed in (0, 1)]
    found = tables.source(froze(tmp_path_factory.mktemp("runs"), *runs, ("embedded", 0, {}, 20)))
    return found, tables.compared(found, DRAWS).set_index("set", drop=False)
