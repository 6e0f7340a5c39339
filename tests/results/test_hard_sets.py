"""Hard sets by rank, on the tracked results and on some made by hand."""

import numpy as np

from lclstudy.results import hard_sets
from lclstudy.statistics import judge
from tests.material import PAPER, froze, refused, within

HARD = hard_sets.published_hard()


def test_three_runs_decide(tmp_path):
    """Set a is the most confused; set d, never confused, ties with all others below the 6 confused pairs' sets."""
    wrong = within(HARD["4-hard-a"], 3)
    results = froze(tmp_path, *[(PAPER, seed, wrong) for seed in range(3)])
    runs = results.done["identity"].tolist()
    table = hard_sets.ranked(results, PAPER, drawn=hard_sets.resampled(results, runs, 40, np.random.default_rng(0)))
    table = table.set_index("set")
    assert table["runs"].tolist() == [3] * 4 and judge.rank_limits(35_960) == (36, 360)
    assert tuple(table.loc["4-hard-a"])[:6] == (1, 1, 1, 1.0, 0.0, judge.REPRODUCED)
    sets_with_a_pair = 1 + 4 * 28 + 6 * 378  # of four classes: all of a, three, or two of it
    assert table.loc["4-hard-d", "rank"] == 1 + sets_with_a_pair
    assert (table.loc["4-hard-d", "last_share"], table.loc["4-hard-d", "word"]) == (1.0, judge.CONTRADICTED)
    drawn = hard_sets.resampled(results, runs, 20, np.random.default_rng(1))
    own = hard_sets.ranked(results, PAPER, {"pair": ("anxious", "afraid")}, drawn)
    assert own["set"].tolist() == ["pair"] and own["rank"].item() <= 6


def test_without_runs_a_set_is_not_run_and_runs_of_other_texts_are_told(tmp_path):
    table = hard_sets.ranked(froze(tmp_path / "none", ("embedded", 0, {})), PAPER)
    assert {*table["word"]} == {judge.NOT_RUN} and table["rank"].isna().all() and len(table) == 4
    with refused("runs of the same validation texts"):
        hard_sets.ranked(froze(tmp_path, (PAPER, 0, {}), (PAPER, 1, {}, 7)), PAPER)
