"""Tables of the case study: sets, published beside ours, and the words, from frozen runs made by hand."""

import numpy as np
import pandas as pd
import pytest

from lclstudy.analyses.case_study import tables
from lclstudy.results import class_sets, published
from lclstudy.results.frozen import Frozen
from tests.material import make_runs

CORPUS = "empathetic_dialogues"
HARD = "|".join(sorted(published.class_sets()["4-hard-a"], reverse=True))
OTHER = "caring|faithful|grateful|proud"
OTHER_NAME = "caring, faithful, grateful, proud"  # no run to search in, so the search does not name it


class Results:
    """What a frozen folder gives: a table of runs, and here no predictions, so that a set has no confusion."""

    def __init__(self, runs: pd.DataFrame):
        self.runs = runs.assign(identity=[f"run{number}" for number in range(len(runs))])


@pytest.fixture
def results():
    parts = [
        make_runs({"ce": [58.0, 58.4], "scl": [58.5, 58.6], "lcl": [60.0, 60.3], "ce_aug": [57.0]}, CORPUS),
        make_runs({"ce": [56.0, 56.2, 56.1], "scl": ["not run"], "lcl": [57.0, 57.5, 57.4]}, CORPUS, classes=HARD),
        make_runs({"ce": [70.0], "scl": ["not run"], "lcl": [71.0]}, CORPUS, classes=OTHER),
        make_runs({"ce": [85.0, 86.0]}, "emoint"),
    ]
    frame = pd.concat(parts, ignore_index=True)
    found = Results(frame)
    return Frozen("mine", _without_all_classes_ce(found.runs), frame.iloc[:0])


def _without_all_classes_ce(runs):
    """Runs on all classes count as failed for the search, which here has no predictions to read."""
    return runs.assign(status=runs["status"].mask((runs["objective"] == "ce") & (runs["classes"] == ""), "failed"))


def test_sets_have_their_published_names_whatever_the_order_of_their_classes(results):
    sets = class_sets.frozen_sets(results, CORPUS)
    assert list(sets) == ["4-hard-a", OTHER_NAME]
    assert set(sets["4-hard-a"]) == set(published.class_sets()["4-hard-a"])
    assert tables.case_corpora(results) == [CORPUS]


def test_a_row_per_set_and_objective_beside_table_3(results):
    table = tables.results_by_set(results, CORPUS)
    assert list(dict.fromkeys(table["classes"])) == ["all", "4-hard-a", OTHER_NAME, "16", "8", "4-easy", "4-hard-b", "4-hard-c",
                                                     "4-hard-d"]  # fmt: skip
    assert set(table["objective"]) == {"ce", "scl", "lcl"}
    row = table[(table["classes"] == "4-hard-a") & (table["objective"] == "lcl")].squeeze()
    assert (row["n"], row["published_mean"], row["published_sd"], row["published_n"]) == (3, 57.5, 0.7, 10)
    assert row["mean"] == pytest.approx(np.mean([57.0, 57.5, 57.4]))
    assert table[table["classes"] == "16"]["status"].eq("not run").all()
    assert np.isnan(table[table["classes"] == OTHER_NAME]["published_mean"]).all()


def test_the_readable_table_has_n_beside_every_mean_and_no_blank(results):
    shown = tables.readable(tables.results_by_set(results, CORPUS)).set_index("Classes")
    assert shown.loc["4-hard-a", "LCL, ours"] == "57.3 (0.3), n = 3"
    assert shown.loc["4-hard-a", "LCL, published"] == "57.5 (0.7), n = 10"
    assert shown.loc[OTHER_NAME, "CE, ours"] == "70.0, n = 1"
    assert shown.loc[OTHER_NAME, "CE, published"] == "–"
    assert shown.loc["8", "SCL, ours"] == "not run"
    assert not (shown == "").any().any() and not shown.isna().any().any()


def test_comparisons_are_one_family_and_one_run_is_no_test(results):
    ours = tables.comparisons_by_set(results, CORPUS)
    pair = ours[(ours["a"] == "lcl") & (ours["b"] == "ce")].set_index("classes")
    assert pair.loc["4-hard-a", "difference"] == pytest.approx(57.3 - 56.1)
    assert pair.loc["4-hard-a", "p_holm"] >= pair.loc["4-hard-a", "p"]
    assert pair.loc[OTHER_NAME, "note"] == "one run: no test"
    theirs = tables.published_by_set(CORPUS)
    assert len(theirs) == 8 * len(tables.PAIRS)
    assert tables.published_by_set("emoint").empty


def test_the_finding_follows_from_the_numbers(results):
    made = tables.results_by_set(results, CORPUS)
    ours, theirs = tables.comparisons_by_set(results, CORPUS), tables.published_by_set(CORPUS)
    said = tables.findings(made, ours, theirs)
    assert any(line.startswith("4-hard-a: test accuracy (%) CE 56.1 (0.1), n = 3; LCL 57.3 (0.3), n = 3") for line in said)
    assert any(line.startswith("4-hard-a, LCL − CE: +1.20 points [") and line.endswith("published +1.40.") for line in said)
    assert any(line.startswith(f"{OTHER_NAME}, LCL − CE: +1.00 points (one run: no test)") for line in said)
    assert any(line.startswith("Published: over 8 sets") for line in said)
    assert not any(line.startswith("Ours: over") for line in said), "three sets or fewer give no correlation"
    assert said[-1] == "Not run: 16, 8, 4-easy, 4-hard-b, 4-hard-c, 4-hard-d."


def test_a_found_set_that_is_published_is_said_to_be():
    sets = {"all": None, "hard": ("x", "y"), "found-b": ("p", "q")}
    said = tables.found_said({"found-a": ("y", "x"), "found-b": ("p", "q")}, sets)
    assert said == ["found-a: y, x (the published set hard).", "found-b: p, q."]


def test_classes_that_two_sets_share_are_told():
    table = tables.class_sets({"all": None, "a": ("x", "y"), "b": ("y", "z"), "c": ("p", "q"), "big": ("x", "p", "r")})
    told = table.set_index("set")["shared with sets of its size"].to_dict()
    assert told == {"a": "y in b", "b": "y in a", "c": "none", "big": "none"}


def test_runs_on_sets_in_words(results):
    sets = {"all": None, "4-hard-a": HARD.split("|")}
    frame = results.runs[results.runs["classes"].isin(["", HARD]) & (results.runs["corpus"] == CORPUS)]
    said = tables.run_findings(frame, sets)
    assert said[0] == f"{(frame['status'] == 'done').sum()} of {len(frame)} runs finished, 2 failed."
    assert said[-1] == "4-hard-a: test accuracy (%) CE 56.1 (0.1), n = 3; LCL 57.3 (0.3), n = 3."
