"""Our picks beside the sets of others, from small frozen results made by hand and from the tracked ones; and the figures."""

import numpy as np
import pytest

from lclstudy.analyses.hard_subsets import figures, tables
from lclstudy.results import frozen, published
from lclstudy.show.plots import class_order
from lclstudy.statistics import subsets
from tests.analyses.helpers import drawn, texts
from tests.material import PAPER, froze, refused, within

SETS = {name: members for name, members in published.class_sets().items() if len(members) == 4}
DRAWS = 20


@pytest.fixture(scope="module")
def paper_like(tmp_path_factory):
    """Confusions in which ours are 4-hard-a, another set of angry classes, 4-hard-b, and 4-hard-d without `guilty`."""
    anger, hope = ("angry", "annoyed", "furious", "disgusted"), ("anticipating", "excited", "hopeful", "joyful")
    wrong = within(SETS["4-hard-a"], 6) | within(anger, 5) | within(SETS["4-hard-b"], 4) | within(hope, 2)
    runs = [(PAPER, seed, wrong, 20) for seed in (0, 1)]
    found = tables.source(froze(tmp_path_factory.mktemp("runs"), *runs, ("embedded", 0, {}, 20)))
    return found, tables.compared(found, DRAWS).set_index("set", drop=False)


def test_the_sets_of_the_papers_corpus_are_compared_with_ours(paper_like):
    found, table = paper_like
    assert (found.corpus, found.size, found.picks, found.confusion.sum()) == (PAPER, 4, 4, 1280)
    ours = [*table["classes"][:4]]
    assert ({*ours[0]}, {*ours[2]}) == ({*SETS["4-hard-a"]}, {*SETS["4-hard-b"]})
    assert table["confusion"].tolist() == [144, 120, 96, 48, 144, 96, 20, 24, 0]  # 2 runs, 12 ordered pairs
    assert table.loc["found-a", "share"] == pytest.approx(144 / 408)
    same = {"found-a": "4-hard-a", "found-c": "4-hard-b", "4-hard-a": "found-a", "4-hard-b": "found-c"}
    assert table["same"].to_dict() == dict.fromkeys(table.index, "") | same
    assert tuple(table.loc["4-hard-d", ["nearest", "shared"]]) == ("found-d", 3)
    assert table["in_pairs"].tolist()[:4] == pytest.approx([1 / 3] * 4)
    assert table.loc["found-a", "picked"] == 1 and table["picked"].isna().tolist() == [False] * 4 + [True] * 5
    # When 4-hard-d was picked, `guilty` of 4-hard-c cannot have been what is left out, as both have it.
    members, scores = subsets.scored(found.confusion)
    taken = {*SETS["4-hard-a"], *SETS["4-hard-b"], *SETS["4-hard-c"]} - {"guilty"}
    left = scores[~np.isin(members, [found.classes.index(one) for one in taken]).any(axis=1)]
    for name, among in (("4-hard-a", scores), ("4-hard-d", left)):
        assert table.loc[name, "rank_left"] == 1 + (among > table.loc[name, "confusion"]).sum()
    assert table["rank_left"].isna().tolist() == [True] * 4 + [False] * 4 + [True]


def test_the_finding_says_what_is_found_judged_shared_and_printed(paper_like):
    found, table = paper_like
    said = tables.said(found, table, DRAWS)
    assert "the search finds 2: 4-hard-a as found-a and 4-hard-b as found-c." in said
    low, high = table.loc["4-hard-a", ["low", "high"]]
    assert f"4-hard-a 1 [{low}, {high}] **undecided**" in said and "A verdict needs 3 runs; so far: 2." in said
    assert tables.readable(table)["verdict"].tolist() == ["–"] * 4 + ["undecided"] * 4 + ["–"]
    assert tables.plain(table).loc["4-hard-a", "classes"] == "anxious|apprehensive|afraid|terrified"


def test_the_tracked_quick_results_recover_the_planted_groups():
    found = tables.source(frozen.read_frozen("quick"))
    table = tables.compared(found, DRAWS)
    assert len(found.runs) == 3 and {*table["same"]} == {"anger", "fear", "joy", "found-a", "found-b", "found-c"}
    said = tables.said(found, table, DRAWS)
    assert "Of the 3 planted groups the search finds 3" in said and "no finished CE run on all classes of Empathetic" in said
    assert not {"verdict", "rank when picked"} & {*tables.readable(table)}


def test_four_classes_are_searched_by_pairs_and_say_so(tmp_path):
    found = tables.source(froze(tmp_path, ("emoint", 0, {("anger", "fear"): 2, ("fear", "anger"): 1, ("joy", "anger"): 1})))
    assert (found.size, found.picks, found.others, found.files) == (2, 2, {}, ())
    table = tables.compared(found, DRAWS)
    assert [sorted(members) for members in table["classes"]] == [["anger", "fear"], ["joy", "sadness"]]
    said = tables.said(found, table, DRAWS)
    assert "4 classes are too few for two sets of four" in said and "disjoint pairs" not in said
    assert "nearest set" not in tables.readable(table)
    ax = drawn(figures.class_dendrogram, found, table, height=3)
    forks = [max(np.asarray(line.get_xdata(), float)[1:3]) ** 2 for line in ax.lines if len(line.get_xdata()) == 4]
    assert forks == pytest.approx([15, 2.5, 0])  # percent: (20 + 10) / 2; joy with anger 5 and with fear 0; sadness with none
    assert [line.get_color() for line in ax.lines[:2]] == [figures.PICKS[0], figures.NEUTRAL]
    assert "published" not in texts(ax)
    with refused("no finished cross-entropy run on all classes of a corpus; train one"):
        tables.source(froze(tmp_path / "other", ("embedded", 0, {}), objective="lcl"))


def test_the_figures_have_every_class_subset_and_rank(paper_like):
    found, table = paper_like
    ax = drawn(figures.class_dendrogram, found, table, height=6.5)
    places = {text.get_text(): text.get_position()[1] for text in ax.texts if text.get_text() in found.classes}
    assert sorted(places, key=places.get) == [found.classes[leaf] for leaf in class_order(found.confusion)]
    assert [texts(ax).count(letter) for letter in "abcde"] == [4, 4, 4, 4, 0]
    assert texts(ax).count("hard-c, hard-d") == 1, "guilty is in both"
    ax = drawn(figures.rank_intervals, found, table, height=3)
    shown = table[table["ours"] | (table["same"] == "")]
    assert len(shown) == 7, "nine sets, of which two are the same as ours"
    spans = [tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    assert spans == [*zip(shown["low"], shown["high"], strict=True), (36, 36), (360, 360)]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"] == shown["rank"].tolist()
    assert texts(ax) == ["undecided"] * 4 + ["first 0.1 %", "first 1 %"]
