"""The case study: which sets and runs a profile asks for, from small trainings and from records made by hand; ranks of sets."""

from dataclasses import replace

import numpy as np
import pytest

from lclstudy import paths
from lclstudy.plan import catalog
from lclstudy.plan.profiles import Profile, load_profile
from lclstudy.results import class_sets, published
from lclstudy.results.frozen import read_frozen
from lclstudy.runs import grid
from lclstudy.runs.store import RunStore
from lclstudy.statistics import judge, subsets
from tests.material import PAPER, froze, record, refused, within

PROFILE = """
[defaults]
encoder = "tiny"
learning_rate = 1e-3
epochs = 1
train_limit = 60
augment = "dropout"
[[grid]]
corpus = "embedded"
objective = "lcl"
seed = 0
[case_study]
corpus = "embedded"
sets = ["all"]
found = 2
size = 3
objective = ["ce", "lcl"]
seed = [0, 1]
"""
LABELS = catalog.corpora()["embedded"].labels
HARD = class_sets.published_hard()


@pytest.fixture
def profile(own_folders, tmp_path):
    (tmp_path / "mine.toml").write_text(PROFILE)
    return load_profile(str(tmp_path / "mine.toml"))


def confusing(spec, members, errors=5):
    """A finished record of a run that takes each of the classes `members` for the next one."""
    return record(spec, dict.fromkeys(zip(members, (*members[1:], members[0]), strict=True), errors))


def test_the_papers_profile_asks_for_the_eight_columns_of_table_3_ten_times():
    paper, printed = load_profile("paper"), published.table("suresh2021", 3)
    sets = class_sets.named_sets(paper)
    wanted = class_sets.specs(paper, sets)
    assert set(sets) == set(printed["classes"]) and {spec.encoder for spec in wanted} == {"electra-base"}
    assert [spec.seed for spec in wanted] == [seed for seed in range(10) for _ in range(len(printed))]
    assert len(wanted) == len(set(wanted))


def test_the_search_adds_up_every_seed_and_the_plan_grows_when_it_can_be_made(profile, runs, monkeypatch):
    assert class_sets.found_sets(profile, runs) == {}
    before = class_sets.all_specs(profile, runs)
    assert {spec.classes for spec in before} == {None}
    assert len(before) == len(set(before)) == 2 * 2, "the grid is a part of the case study here"
    first, second = class_sets.searched(profile)
    assert (first.objective, first.classes, [first.seed, second.seed]) == ("ce", None, [0, 1])
    runs.save(confusing(first, LABELS[:3], errors=5))
    assert class_sets.found_sets(profile, runs)["found-a"] == LABELS[:3]
    after = class_sets.all_specs(profile, runs)
    assert set(before) < set(after) and len(after) == len(before) + 2 * 2 * 2
    runs.save(confusing(second, LABELS[6:9], errors=9))
    assert class_sets.found_sets(profile, runs) == {"found-a": LABELS[6:9], "found-b": LABELS[:3]}
    monkeypatch.setattr(class_sets, "named_sets", lambda profile: {"all": None, "theirs": LABELS[8:5:-1]})
    sets = class_sets.all_sets(profile, runs)
    assert list(sets) == ["all", "theirs", "found-b"], "published and found, it is run once, under its published name"
    assert len(class_sets.specs(profile, sets)) == 3 * 2 * 2


def test_a_profile_without_case_study_asks_for_nothing_and_an_unknown_set_is_told(profile, runs, tmp_path):
    none = Profile("none", "", profile.settings, {}, profile.grid)
    assert class_sets.all_specs(none, runs) == none.specs()
    (tmp_path / "mine.toml").write_text(PROFILE.replace("found = 2", "found = 0"))
    searching_none = load_profile(str(tmp_path / "mine.toml"))
    assert class_sets.all_sets(searching_none, runs) == {"all": None}, "and notebook 05 asks for no confusions"
    assert len(class_sets.all_specs(searching_none, runs)) == 2 * 2
    (tmp_path / "mine.toml").write_text(PROFILE.replace('"all"', '"4-hard-e"'))
    with refused("Unknown class set ", "'4-hard-e'; allowed: all, 16, 8, 4-easy, "):
        class_sets.named_sets(load_profile(str(tmp_path / "mine.toml")))


def test_found_sets_of_two_sizes_are_lettered_on(profile, runs):
    ce = class_sets.searched(profile)[0]
    runs.save(confusing(ce, LABELS[:4]))
    asked = [replace(profile, case_study=profile.case_study._replace(size=size, found=1)) for size in (3, 4)]
    found = [class_sets.found_sets(one, runs)["found-a"] for one in asked]
    specs = [ce, *(profile.spec("embedded", "ce", seed=0, classes=members) for members in found)]
    results = read_frozen(runs.freeze(paths.build("mine") / "results", specs), specs)
    assert class_sets.frozen_sets(results, "embedded") == dict(zip(("found-a", "found-b"), found, strict=True))


def test_training_on_subsets_then_freezing(own_folders, runs, tmp_path, monkeypatch):
    """Real trainings: cross-entropy, the search in what it confused, both objectives on what was found."""
    (tmp_path / "mine.toml").write_text(PROFILE.replace("found = 2", "found = 1"))
    profile = load_profile(str(tmp_path / "mine.toml"))
    part, how = profile.restrict(seeds="1"), {"executor": "serial", "device": "cpu"}
    assert grid.run_profile(part, runs, **how)[:3] == (2 + 2, 0, 0), "CE and LCL on all classes, then both on a found set"
    assert grid.run_profile(part, runs, **how)[:2] == (0, 4)
    runs.freeze(paths.build("mine") / "results", class_sets.all_specs(profile, runs))
    results, fresh = read_frozen(str(tmp_path / "mine.toml")), RunStore(tmp_path / "fresh")
    assert results.runs["status"].value_counts().to_dict() == {"done": 4, "not run": 4}
    assert fresh.missing(class_sets.all_specs(profile, fresh)) == runs.missing(class_sets.all_specs(profile, runs))
    sets = class_sets.frozen_sets(results, "embedded")
    assert sets == class_sets.found_sets(profile, runs) == class_sets.found_sets(profile, fresh), "of frozen runs as of records"
    (members,) = sets.values()
    monkeypatch.setattr(subsets, "MOST_SUBSETS", 10)  # sets of one's own may be of any size
    assert class_sets.frozen_sets(results, "embedded") == {", ".join(members): members}
    on_it = results.done[results.done["classes"] == "|".join(members)]
    assert set(on_it["objective"]) == {"ce", "lcl"}
    for done in on_it["identity"]:
        assert results.classes(done) == members and results.probabilities(done).shape[1] == 3


def test_three_runs_decide(tmp_path):
    """Set a is the most confused; set d, never confused, ties with all others below the 6 confused pairs' sets."""
    wrong = within(HARD["4-hard-a"], 3)
    results = froze(tmp_path, *[(PAPER, seed, wrong) for seed in range(3)])
    runs = results.done["identity"].tolist()
    table = class_sets.ranked(results, PAPER, drawn=class_sets.resampled(results, runs, 40, np.random.default_rng(0)))
    table = table.set_index("set")
    assert table["runs"].tolist() == [3] * 4 and judge.rank_limits(35_960) == (36, 360)
    assert tuple(table.loc["4-hard-a"])[:6] == (1, 1, 1, 1.0, 0.0, judge.REPRODUCED)
    sets_with_a_pair = 1 + 4 * 28 + 6 * 378  # of four classes: all of a, three, or two of it
    assert table.loc["4-hard-d", "rank"] == 1 + sets_with_a_pair
    assert (table.loc["4-hard-d", "last_share"], table.loc["4-hard-d", "word"]) == (1.0, judge.CONTRADICTED)
    drawn = class_sets.resampled(results, runs, 20, np.random.default_rng(1))
    own = class_sets.ranked(results, PAPER, {"pair": ("anxious", "afraid")}, drawn)
    assert own["set"].tolist() == ["pair"] and own["rank"].item() <= 6


def test_without_runs_a_set_is_not_run_and_runs_of_other_texts_are_told(tmp_path):
    table = class_sets.ranked(froze(tmp_path / "none", ("embedded", 0, {})), PAPER)
    assert {*table["word"]} == {judge.NOT_RUN} and table["rank"].isna().all() and len(table) == 4
    with refused("runs of the same validation texts"):
        class_sets.ranked(froze(tmp_path, (PAPER, 0, {}), (PAPER, 1, {}, 7)), PAPER)
