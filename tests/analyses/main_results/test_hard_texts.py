"""What every run gets wrong, on runs whose mistakes are made by hand."""

import pytest

from lclstudy.analyses.main_results.hard_texts import hard_texts, readable
from tests.material import froze

# Of ten texts of anger the first three are always wrong, two of them always called fear; of joy one text in one run.
FIRST = {("anger", "fear"): 2, ("anger", "joy"): 1, ("joy", "fear"): 1}
SECOND = {("anger", "fear"): 4}


def test_what_all_runs_get_wrong_and_the_class_that_is_missed_most(tmp_path):
    results = froze(tmp_path, ("emoint", 0, FIRST), ("emoint", 1, SECOND), ("isear", 0, {}))
    (row,) = hard_texts(results).to_dict("records")  # of ISEAR there is one run: nothing that "every" run could say
    assert (row["corpus"], row["runs"], row["texts"]) == ("emoint", 2, 40)
    assert (row["hardest"], row["taken_for"]) == ("anger", "fear")
    shares = [row[name] for name in ("always_wrong", "one_answer", "recall", "share")]
    assert shares == pytest.approx([100 * 3 / 40, 100 * 2 / 3, 100 * (20 - 7) / 20, 100 * 6 / 7])


def test_where_nothing_is_always_wrong_no_share_of_it_is_said(tmp_path):
    assert hard_texts(froze(tmp_path / "one", ("emoint", 0, FIRST))).empty
    shown = readable(hard_texts(froze(tmp_path, ("emoint", 0, FIRST), ("emoint", 1, {}))))
    assert shown.loc[0, ["Wrong in every run (%)", "of those with one answer (%)"]].tolist() == ["0.0", "–"]
