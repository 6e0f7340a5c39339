"""Comparisons of frozen runs: one family per place, the same numbers whoever asks, and what had not converged."""

import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from lclstudy.results.comparisons import PRIMARY, compare, published_differences, still_rises
from lclstudy.statistics import tests
from tests.material import make_runs, row_of

RUNS = {"lcl": [87.0, 87.2, 86.9], "ce": [85.0, 85.1, 84.9], "scl": [85.2, 85.5, 84.8]}


def _valued(scores, **place):
    runs = make_runs(scores, **place)
    return runs.assign(set="all", value=100 * runs["test_accuracy"])


def test_a_family_is_one_place():
    """Another corpus changes no number of the first."""
    alone = compare(_valued(RUNS))
    both = compare(pd.concat([_valued(RUNS), _valued({name: values[::-1] for name, values in RUNS.items()}, corpus="isear")]))
    pd.testing.assert_frame_equal(both[both["corpus"] == "emoint"], alone)
    wanted = multipletests([tests.welch(RUNS[a], RUNS[b]).p for a, b in PRIMARY], method="holm")[1]
    assert list(alone["p_holm"]) == pytest.approx(wanted)
    assert list(alone["word"]) == ["above", "above", "undecided"]


def test_a_pair_that_did_not_run_is_no_member_of_a_family_unless_it_is_planned():
    runs, pairs = _valued(RUNS), [("lcl", "ce"), ("lcl", "dcl"), ("lacon", "ce"), ("lascl", "ce")]
    alone, among = (compare(runs, pairs, planned=planned).set_index(["a", "b"]) for planned in (False, True))
    assert alone.loc[("lcl", "ce"), "p_holm"] == alone.loc[("lcl", "ce"), "p"]
    assert among.loc[("lcl", "ce"), "p_holm"] == pytest.approx(min(1, 4 * alone.loc[("lcl", "ce"), "p"]))
    assert set(among["word"][1:]) == {"not run"}


def test_the_paired_difference_is_over_shared_seeds_and_a_pair_without_runs_is_not_run():
    table = compare(_valued({**RUNS, "ce": RUNS["ce"][:2], "scl": []}))
    row, test = row_of(table, a="lcl", b="ce"), tests.paired(RUNS["lcl"][:2], RUNS["ce"][:2])
    assert (row["paired_n"], row["paired_difference"]) == (2, pytest.approx(test.difference))
    assert row["paired_low"] == pytest.approx(test.ci_low)
    absent = table[table["a"].eq("scl") | table["b"].eq("scl")]
    assert set(absent["word"]) == {"not run"} and absent["difference"].isna().all()


def test_published_differences_are_of_the_tables():
    assert published_differences()["emoint", "all", "lcl", "ce"] == pytest.approx(86.6 - 85.5)
    assert published_differences()["empathetic_dialogues", "4-easy", "lcl", "ce"] == pytest.approx(-0.4)
    for table, ce in ((None, 58.3), (1, 58.3), (3, 58.1)):  # Table 3 has runs of its own
        assert published_differences(table=table)["empathetic_dialogues", "all", "lcl", "ce"] == pytest.approx(60.1 - ce)


@pytest.mark.parametrize(("last", "rising"), [([0.80, 0.81, 0.80], True), ([0.71, 0.76, 0.74], False)])
def test_what_still_rises_by_more_than_its_spread_has_not_converged(last, rising):
    epochs = pd.DataFrame([{"identity": f"run{run}", "epoch": epoch, "validation_accuracy": value}
                           for run, end in enumerate(last) for epoch, value in enumerate((0.6, 0.72, end), 1)])  # fmt: skip
    assert still_rises(epochs) is rising
    assert not still_rises(epochs[epochs["identity"] == "run0"])
