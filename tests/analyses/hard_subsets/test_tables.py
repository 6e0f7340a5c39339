"""Our picks beside the sets of others, from small frozen results made by hand and from the tracked ones."""

import numpy as np
import pandas as pd
import pytest

from lclstudy import paths
from lclstudy.analyses.hard_subsets import search as subsets
from lclstudy.analyses.hard_subsets import tables
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec
from lclstudy.results import frozen, published
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore

PAPER = "empathetic_dialogues"


def record(spec, wrong, each=10):
    """A finished run with `each` validation texts a class; of class a, `wrong[a, b]` are taken for b."""
    classes = catalog.corpora()[spec.corpus].labels
    labels = np.repeat(np.arange(len(classes)), each)
    predicted = labels.copy()
    for a in range(len(classes)):
        taken = [classes.index(b) for (one, b), times in wrong.items() if classes.index(one) == a for _ in range(times)]
        predicted[np.flatnonzero(labels == a)[: len(taken)]] = taken
    sure = np.eye(len(classes), dtype=np.float32)[predicted]
    return Record(spec, classes, validation_probabilities=sure, validation_labels=labels, test_probabilities=sure,
                  test_labels=labels, epochs=[{"epoch": 1, "loss": 1.0, "validation_accuracy": 0.5}], best_epoch=1)  # fmt: skip


def froze(tmp_path, *runs, each=10):
    """Frozen results of (corpus, seed, wrong) each."""
    store = RunStore(tmp_path / "runs")
    for corpus, seed, wrong in runs:
        store.save(record(make_spec(corpus, "ce", encoder="tiny", seed=seed), wrong, each))
    store.freeze(tmp_path / "results")
    return frozen.read_frozen(tmp_path / "results")


def within(members, times):
    """Each class of a set is taken `times` times for each other one."""
    return {(a, b): times for a in members for b in members if a != b}


SETS = {name: members for name, members in published.class_sets().items() if len(members) == 4}
ANGER = ("angry", "annoyed", "furious", "disgusted")


@pytest.fixture
def paper_like(tmp_path):
    """Confusions in which ours are 4-hard-a, another set of angry classes, 4-hard-b, and 4-hard-d without `guilty`."""
    wrong = within(SETS["4-hard-a"], 6) | within(ANGER, 5) | within(SETS["4-hard-b"], 4)
    wrong |= within(("anticipating", "excited", "hopeful", "joyful"), 2)
    return froze(tmp_path, (PAPER, 0, wrong), (PAPER, 1, wrong), ("embedded", 0, {}), each=20)


def test_the_paper_corpus_comes_first(paper_like):
    found = tables.source(paper_like)
    assert (found.corpus, found.size, found.count, found.note) == (PAPER, 4, 4, "")
    assert found.confusions.shape == (2, 32, 32) and found.predictions.shape == (2, 640)
    assert found.confusion.sum() == 1280
    assert found.said() == "EmpatheticDialogues: CE with tiny on all 32 classes, 2 runs, 640 validation texts."
    assert list(tables.others(found)) == ["4-hard-a", "4-hard-b", "4-hard-c", "4-hard-d", "4-easy"]


def test_the_published_sets_are_compared_with_ours(paper_like):
    found = tables.source(paper_like)
    table = tables.compared(found, tables.others(found)).set_index("set")
    assert [{*members} for members in table["classes"][:4]] == [
        {*SETS["4-hard-a"]}, {*ANGER}, {*SETS["4-hard-b"]}, {"anticipating", "excited", "hopeful", "joyful"}]  # fmt: skip
    assert table["confusion"].tolist()[:4] == [144, 120, 96, 48]  # 2 runs, 12 ordered pairs
    assert table["confusion"].tolist()[4:] == [144, 96, 20, 24, 0]
    assert table["share"].iloc[0] == pytest.approx(144 / 408)
    assert table["same"].to_dict() == dict.fromkeys(table.index, "") | {
        "found-a": "4-hard-a", "found-c": "4-hard-b", "4-hard-a": "found-a", "4-hard-b": "found-c"}  # fmt: skip
    assert (table.loc["4-hard-d", "nearest"], table.loc["4-hard-d", "shared"]) == ("found-d", 3)
    assert (table.loc["found-b", "nearest"], table.loc["found-b", "shared"]) == ("4-hard-c", 2)
    assert table["in_pairs"].tolist()[:4] == pytest.approx([1 / 3] * 4)
    assert {*table.loc["4-hard-c", "pairs"]} == {"ashamed/guilty", "furious/angry"} and table.loc["4-hard-c", "in_pairs"] == 1
    assert table["rank_left"].isna().tolist() == [True] * 4 + [False] * 4 + [True]


def test_the_rank_when_picked_leaves_out_what_was_taken(paper_like):
    found = tables.source(paper_like)
    table = tables.compared(found, tables.others(found)).set_index("set")
    members, scores = subsets.ranked(found.confusion)
    ids = {name: [found.classes.index(one) for one in SETS[name]] for name in SETS}
    assert table.loc["4-hard-a", "rank_left"] == 1 == table.loc["4-hard-a", "best_rank"]
    left = ~np.isin(members, ids["4-hard-a"]).any(axis=1)
    assert table.loc["4-hard-b", "rank_left"] == 1 + (scores[left] > 96).sum()
    # `guilty` is in 4-hard-c as well, so it cannot be what is left out
    taken = {*ids["4-hard-a"], *ids["4-hard-b"], *ids["4-hard-c"]} - {found.classes.index("guilty")}
    left = ~np.isin(members, list(taken)).any(axis=1)
    assert table.loc["4-hard-d", "rank_left"] == 1 + (scores[left] > 24).sum()


def test_the_finding_says_which_are_found_and_which_class_is_shared(paper_like):
    found = tables.source(paper_like)
    table = tables.compared(found, tables.others(found))
    drawn = tables.resampled(found, 20, 0)
    said = tables.findings(found, table, tables.stability(found, drawn), tables.rank_intervals(table, found, drawn))
    assert said[0] == found.said()
    assert said[1].startswith("found-a: ") and said[1].endswith("; 144 of 408 errors (35.3%), rank 1 of 35,960.")
    text = "\n".join(said)
    assert (
        "Of the 4 published hard sets, our search for 4 disjoint sets of 4 finds 2: 4-hard-a as found-a, 4-hard-b as found-c."
        in text
    )
    assert "As printed, guilty stands in 4-hard-c and 4-hard-d: these are not disjoint." in text
    assert "4-hard-a 56.1, 4-hard-b 63.2, 4-hard-c 54.3, 4-hard-d 67.4" in text
    assert "(33% if all are equally alike): 4-hard-c 100% (ashamed/guilty, furious/angry), " in text
    assert "found-a in 100.0%" in text and "of 20 draws of 640 texts" in text and "of 20 draws of 2 runs" in text
    assert "4-hard-a (" not in text, "a set that is found needs no line of its own"


def test_classes_that_stand_in_several_hard_sets():
    assert tables.shared_classes(SETS) == {"guilty": ["4-hard-c", "4-hard-d"]}
    assert tables.shared_classes({"4-easy": ("a", "b"), "4-hard-a": ("a", "c")}) == {}


def test_planted_groups_are_recovered(tmp_path):
    groups = pd.read_csv(paths.embedded() / "groups.csv").groupby("group")["class"].apply(tuple)
    wrong = {pair: times for times, members in enumerate(groups, 1) for pair, times in within(members, times).items()}
    found = tables.source(froze(tmp_path, ("embedded", 0, wrong)))
    assert (found.size, found.count, tables.whose(found)) == (4, 3, "planted")
    assert "no finished CE run on all classes of EmpatheticDialogues" in found.note and found.note.endswith("shown instead.")
    table = tables.compared(found, tables.others(found))
    assert table[table["ours"]]["same"].tolist() == list(groups.index)[::-1]
    assert table["rank_left"].isna().all(), "planted groups have no order"


def test_the_tracked_quick_results_recover_the_planted_groups():
    found = tables.source(frozen.read_frozen("quick"))
    table = tables.compared(found, tables.others(found))
    assert len(found.confusions) == 3 and {*table["same"]} == {"anger", "fear", "joy", "found-a", "found-b", "found-c"}


def test_four_classes_are_searched_by_pairs_and_say_so(tmp_path):
    results = froze(tmp_path, ("emoint", 0, {("anger", "fear"): 3, ("sadness", "fear"): 1}))
    found = tables.source(results)
    assert (found.size, found.count) == (2, 2)
    assert found.note.endswith("EmoInt is shown instead, by pairs: 4 classes are too few for two sets of four.")
    assert tables.others(found) == {} and tables.files(found) == []
    table = tables.compared(found, {})
    assert [sorted(members) for members in table["classes"]] == [["anger", "fear"], ["joy", "sadness"]]
    assert table["nearest"].tolist() == ["", ""]
    drawn = tables.resampled(found, 10, 0)
    stability, intervals = tables.stability(found, drawn), tables.rank_intervals(table, found, drawn)
    said = tables.findings(found, table, stability, intervals)
    assert said[-1] == "Picked again, runs drawn again: one run: no bootstrap over runs."
    assert "nearest set" not in tables.readable(table, intervals)


def test_tables_to_read(paper_like):
    found = tables.source(paper_like)
    table = tables.compared(found, tables.others(found))
    drawn = [tables.resampled(found, 30, 0)[0], subsets.Resampled(np.empty((0, 496)), "runs", 1, subsets.ONE_RUN)]
    intervals, stability = tables.rank_intervals(table, found, drawn), tables.stability(found, drawn)
    shown = tables.readable(table, intervals)
    assert shown["rank"][0] == "1" and " to " in shown["rank"][8]
    first = intervals.iloc[0]
    assert shown["95 % of the ranks, texts drawn again"][0] == f"{first['low']:.0f} to {first['high']:.0f}"
    assert first["low"] == 1 and first["draws"] == 30
    assert {*shown["95 % of the ranks, runs drawn again"]} == {subsets.ONE_RUN}
    assert (intervals["low"] <= intervals["high"])[intervals["draws"] > 0].all()
    told = tables.readable_stability(stability)
    assert told["drawn again"].tolist() == ["640 texts"] * 4 + ["1 run"] * 4
    assert told.iloc[0, 3:].tolist() == [f"{100 * stability[name][0]:.1f}" for name in ("picked", "same_place", "overlap")]
    assert told.iloc[0, 3] == "100.0" and told.iloc[4, 3:].tolist() == ["–"] * 3
    assert shown["rank when picked"].tolist()[3:5] == ["–", "1"]
    assert told["draws"].tolist() == ["30"] * 4 + [subsets.ONE_RUN] * 4
    assert tables.plain(table)["classes"][4] == "anxious|apprehensive|afraid|terrified"


def test_the_same_seed_gives_the_same_draws(paper_like):
    found = tables.source(paper_like)
    one, other = (tables.resampled(found, 5, 3) for _ in range(2))
    assert all((a.pairs == b.pairs).all() for a, b in zip(one, other, strict=True))
    assert [sample.over for sample in one] == ["texts", "runs"]


def test_results_without_such_a_run_are_told(tmp_path):
    store = RunStore(tmp_path / "runs")
    store.save(record(make_spec("embedded", "lcl", encoder="tiny"), {}))
    store.freeze(tmp_path / "results")
    with pytest.raises(StudyError, match="no finished cross-entropy run on all classes of a corpus; train one"):
        tables.source(frozen.read_frozen(tmp_path / "results"))
