"""The main results from frozen runs made by hand: the table, the judged differences, the words, and what is drawn."""

import numpy as np
import pytest

from lclstudy.analyses.main_results import figures, tables
from lclstudy.analyses.main_results.hard_texts import hard_texts, readable
from lclstudy.results import corpus_facts
from lclstudy.results.frozen import read_frozen
from lclstudy.show.text import words
from tests.analyses.helpers import texts, yticks
from tests.material import PAPER, check_readable, froze, made, make_runs, row_of

SCORES = {"ce": [84.0, 84.2, 84.1], "scl": [84.0, 85.0, 84.6], "lcl": [86.0, 86.1, 86.3]}


@pytest.fixture(scope="module")
def results():
    some = make_runs({**SCORES, "ce_aug": [84.0, 84.1, 84.3]}), make_runs({"ce": [66.0, 67.0], "lcl": [67.0]}, "isear")
    return made(*some, make_runs({"ce": [53.0], "lcl": ["failed"]}, PAPER), make_runs({"lcl": ["not run"]}, "sst2"))


@pytest.fixture(scope="module")
def found(results):
    return tables.main_table(results), tables.differences(results)


def test_the_table_shows_published_beside_ours_with_n_and_never_a_blank(found):
    shown = tables.readable(found[0])
    assert list(shown["Corpus"].unique()) == ["EmpatheticDialogues", "ISEAR", "EmoInt"], "SST-2 has no run"
    lcl, augmented = (row_of(shown, Corpus="EmoInt", Objective=name) for name in ("LCL", "CE + aug."))
    assert (lcl["n"], lcl["Encoder"]) == ("5 / 3 of 3", "ELECTRA base / MiniLM")
    accuracy = ["test accuracy", "validation weighted F1"]
    assert lcl[accuracy].tolist() == ["86.6 (0.3) / 86.1 (0.2)", "88.9 (0.8) / 86.1 (0.2)"]
    assert (augmented["n"], augmented["test accuracy"]) == ("– / 3 of 3", "not reported / 84.1 (0.2)")
    assert row_of(shown, Corpus="EmpatheticDialogues", Objective="LCL")["test accuracy"] == "60.1 (0.3) / failed"
    assert shown.notna().all(axis=None) and (shown != "").all(axis=None)


def test_differences_are_judged_and_have_the_published_ones_beside_them(found):
    shown = tables.readable_differences(found[1])
    assert set(shown["Corpus"]) == {"EmoInt", "ISEAR"}
    row = row_of(shown, Corpus="EmoInt", Comparison="LCL − CE")
    assert row["Difference, interval over seeds"].startswith("+2.03 [1.")
    assert (row["Word"], row["p (Holm)"]) == ("reproduced", "< 0.001")
    assert row["Published difference"] == "+1.10 [0.00, 2.20]"
    assert row["Interval over test texts"].startswith("[1.") and row["Paired by seed"].endswith("3 pairs")
    single = row_of(shown, Corpus="ISEAR", Comparison="LCL − CE")
    assert single[["p", "Word"]].tolist() == ["one run: no test", "undecided"]
    assert row_of(shown, Comparison="LCL − (CE + aug.)")["Published difference"] == "–"
    figure = figures.forests(found[1])
    check_readable(figure)
    assert len(figure.axes) == 3 and len({ax.get_xlim() for ax in figure.axes}) == 1, "a panel per question"
    assert yticks(figure.axes[0]) == ["EmoInt", "ISEAR"]
    told = {"n = 3, “above” reproduced", "n = 1, 2, “above” undecided", "n = 5, published"}
    assert {*texts(figure.axes[0])} == told
    assert figures.forests(found[1].iloc[:0]) is None


def said(table, differences):
    facts = tables.facts(table, differences, differences[:0].assign(left_out=0))
    return words("analyses/main_results/said.md.j2", **facts, hard=[]).splitlines()


def test_texts_that_train_has_with_another_label_are_left_out_by_hand():
    minilm, places, means = read_frozen("minilm"), corpus_facts.relabelled("emoint"), {}
    assert len(places) == corpus_facts.table("duplicates").query("corpus == 'emoint'")["rows_other_label"].max() == 91
    for name, runs in minilm.done.query("corpus == 'emoint' and classes == ''").groupby("objective")["identity"]:
        right = [np.delete(minilm.predictions(run) == minilm.labels(run), places) for run in runs]
        means[name] = 100 * np.mean(right)
    row = row_of(tables.without_relabelled(minilm), corpus="emoint", a="lcl", b="ce")
    assert (row["left_out"], row["n_a"]) == (91, 3) and row["difference"] == pytest.approx(means["lcl"] - means["ce"])


def test_the_words_follow_from_the_numbers(found):
    first, second, _, encoder, absent = said(*found)
    assert first.startswith("- **EmoInt** (MiniLM, n = 3), test accuracy in percent: LCL 86.1 (0.2), SCL 84.5 (0.5), CE + aug.")
    assert "; LCL − CE +2.03 [1." in first and "(published +1.10), **“above” reproduced**; LCL − SCL" in first
    assert second.startswith("- **ISEAR** (MiniLM, n = 1 to 2)") and "not MiniLM" in encoder
    assert absent == "- Not run: LCL on EmpatheticDialogues; SST-2 at all."
    nothing = made(make_runs({"ce": [84.0]}, "embedded", "tiny"))
    told = said(tables.main_table(nothing), tables.differences(nothing))
    assert told == ["- No two objectives have run on all classes of a corpus."]


def test_the_best_runs_are_those_of_the_best_validation_accuracy(results, found):
    places = [(row["corpus"], row["objective"]) for row, _ in tables.best_runs(results, found[0])]
    assert places == [("empathetic_dialogues", "ce"), ("isear", "lcl"), ("emoint", "lcl")]


def test_what_all_runs_get_wrong_and_the_class_that_is_missed_most(tmp_path):
    """Of ten texts of anger the first three are always wrong, two of them always called fear; of joy one text in one run."""
    first, second = {("anger", "fear"): 2, ("anger", "joy"): 1, ("joy", "fear"): 1}, {("anger", "fear"): 4}
    results = froze(tmp_path, ("emoint", 0, first), ("emoint", 1, second), ("isear", 0, {}))
    (row,) = hard_texts(results).to_dict("records")  # of ISEAR there is one run: nothing that "every" run could say
    assert (row["corpus"], row["runs"], row["texts"]) == ("emoint", 2, 40)
    assert (row["hardest"], row["taken_for"]) == ("anger", "fear")
    shares = [row[name] for name in ("always_wrong", "one_answer", "recall", "share")]
    assert shares == pytest.approx([100 * 3 / 40, 100 * 2 / 3, 100 * (20 - 7) / 20, 100 * 6 / 7])
    shown = readable(hard_texts(froze(tmp_path / "none", ("emoint", 0, first), ("emoint", 1, {}))))
    assert shown.loc[0, ["Wrong in every run (%)", "of those with one answer (%)"]].tolist() == ["0.0", "–"]
