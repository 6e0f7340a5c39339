"""Published beside reproduced: which number stands beside which, what is missing, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from lclstudy.plan.spec import make_spec
from lclstudy.results import published
from lclstudy.results.comparisons import published_comparisons
from lclstudy.results.main_table import main_results
from lclstudy.statistics import tests
from tests.material import make_runs, printed, record, row_of

EMOINT = printed(
    ("emoint", "ce", "electra-base", 85.5, 0.9, 5),
    ("emoint", "lcl", "electra-base", 86.6, 0.3, 5),
    ("emoint", "ce", "bert-base", 85.0, 0.6, 5),
)


def test_runs_beside_the_published_number_of_their_own_encoder_or_else_of_the_papers():
    scores = {"lcl": [86.0, "failed", 88.0, "not run", 87.0], "ce": ["failed", "failed"]}
    others = make_runs({"ce": [84.0]}, encoder="bert-base"), make_runs({"lcl": [60], "ce": [58]}, corpus="isear")
    table = main_results(EMOINT, pd.concat([others[1], make_runs(scores), others[0]]))
    assert list(table["corpus"]) == ["emoint"] * 3 + ["isear"] * 2
    assert list(table["objective"]) == ["ce", "lcl", "ce", "ce", "lcl"]
    failed, row, other = (table.iloc[number] for number in range(3))
    assert (failed["status"], failed["n"], failed["scores"]) == ("failed", 0, ())
    shown = ["encoder", "status", "n", "failed", "planned", "mean", "sd", "scores", "published_encoder", "published_mean"]
    ours = ["minilm", "done", 3, 1, 5, pytest.approx(87), pytest.approx(1), (86.0, 88.0, 87.0), "electra-base", 86.6]
    assert row[shown].tolist() == ours and (row["published_n"], row["difference"]) == (5, pytest.approx(0.4))
    assert (other["encoder"], other["published_mean"]) == ("bert-base", 85.0)


def test_nothing_printed_or_nothing_run():
    ran = main_results(EMOINT.iloc[:0], make_runs({"lcl": [86.0]}))
    assert (ran["published_encoder"].item(), ran["published_n"].item()) == ("", 0)
    assert np.isnan(ran["sd"].item()) and np.isnan(ran["difference"].item())
    assert main_results(EMOINT, make_runs({"lcl": [86.0]}).iloc[:0])["status"].tolist() == ["not run"] * 3


def test_the_papers_tables_and_the_stores_frame_fit_together(runs):
    specs = [make_spec("emoint", "lcl", encoder="minilm", seed=seed) for seed in range(3)]
    for seed, spec in enumerate(specs):
        runs.save(record(spec, {("anger", "fear"): 8 - seed}))  # of 40 texts
    frame = runs.frame([*specs, make_spec("emoint", "ce", encoder="minilm")])
    papers = published.table("suresh2021")
    results = main_results(papers[papers["table"].isin([1, 2])], frame)
    row = row_of(results, corpus="emoint", objective="lcl")
    assert (row["mean"], row["n"], row["published_mean"]) == (pytest.approx(82.5), 3, 86.6)
    assert row_of(results, corpus="emoint", objective="ce", encoder="minilm")["status"] == "not run"
    validation = main_results(papers, frame, "weighted_f1", "validation")  # Table 5, and none of the tests
    assert row_of(validation, corpus="emoint", objective="lcl")["published_mean"] == 88.9
    with pytest.raises(pd.errors.MergeError):
        main_results(papers, frame)  # Tables 1 and 3 both have all classes


def test_a_seed_counts_once_whatever_the_objective_does_not_read():
    runs = pd.concat([make_runs({"ce": [84.0]}), make_runs({"ce": [84.0, 86.0]}, temperature=0.1)])
    row = row_of(main_results(EMOINT, runs), objective="ce", encoder="minilm")
    assert (row["n"], row["mean"]) == (2, 85.0)


def test_published_comparisons_are_tests_from_the_printed_summary():
    table = published_comparisons(published.table("suresh2021", 1).query("metric == 'accuracy'"))
    row = row_of(table, corpus="emoint", a="lcl", b="ce")
    expected = tests.welch_from_summary(86.6, 0.3, 5, 85.5, 0.9, 5)
    assert (row["t"], row["p"], row["difference"], row["set"]) == (expected.t, expected.p, expected.difference, "all")
    assert len(table) == 3 * 4
    assert published_comparisons(EMOINT.assign(spread=np.nan)).empty
