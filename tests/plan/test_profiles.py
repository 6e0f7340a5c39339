"""Profiles: the runs that the design gives them, restrictions, and files of one's own."""

import itertools
from dataclasses import replace

import pytest

from lclstudy.plan import catalog
from lclstudy.plan.profiles import load_profile, profile_names
from lclstudy.plan.spec import OBJECTIVES, Protocol, make_spec
from tests.material import refused

LABELS = catalog.corpora()["embedded"].labels


def test_profiles_hold_the_runs_that_the_design_gives_them():
    for name, encoders, runs in (("minilm", {"minilm"}, 6 * 4 * 5), ("paper", {"electra-base", "bert-base"}, 6 * (4 + 1) * 5)):
        specs = load_profile(name).specs()
        assert len(specs) == runs and {spec.encoder for spec in specs} == encoders
        assert {spec.corpus for spec in specs} == {"emoint", "isear", "sst5", "sst2", "empathetic_dialogues", "goemotions"}
        each = {*itertools.product(("ce", "ce_aug", "scl", "lcl"), range(5))}
        assert {(spec.objective, spec.seed) for spec in specs} == each


def test_the_ablations_have_every_setting_and_every_objective_for_three_seeds():
    three = load_profile("ablations").specs()
    specs = [spec for spec in three if spec.seed == 0 and spec.corpus == "emoint"]
    again = [spec for spec in three if spec.corpus == "isear"]
    assert {replace(spec, corpus="emoint", learning_rate=2e-5) for spec in again} <= {*three}, "in part on a second corpus"
    three = [spec for spec in three if spec not in again]
    assert {spec.seed for spec in three} == {0, 1, 2} and len(three) == 3 * len(specs)
    changes = {change for spec in specs for change in spec.protocol.split(",")[1:]}
    # EmoInt's last batch is dropped in every run here; the follow-up report's settings are those of its own profile.
    values = {name: about.get("values", ()) for name, about in catalog.read("settings.toml").items()}
    every = {f"{name}={value}" for name, own in vars(Protocol()).items() for value in values[name] if value != str(own).lower()}
    assert changes == every - {"drop_last=false", "features=raw", "temperature_scale=positives"}
    assert {spec.objective for spec in specs} == {*OBJECTIVES} - {"simclr"}
    assert {spec.augment for spec in specs if spec.objective == "lcl"} == {*values["augment"]}
    assert {spec.corpus for spec in three} == {"emoint"} and {spec.encoder for spec in specs} == {"minilm"}


def test_runs_have_an_identity_of_their_own_and_the_seed_varies_slowest():
    """So a profile that is cut short compares all objectives."""
    for name in profile_names():
        specs = load_profile(name).specs()
        assert len({spec.identity() for spec in specs}) == len(set(specs)) == len(specs)
    runs = [(spec.seed, spec.objective) for spec in load_profile("quick").specs()]
    assert runs == [(seed, name) for seed in range(3) for name in ("ce", "scl", "lcl")]


def test_restricting_keeps_the_order_and_only_what_is_named_and_searches_as_the_whole():
    """A restriction may be a list, a value, or a text with commas, as papermill gives it."""
    paper = load_profile("paper")
    whole, part = paper.specs(), paper.restrict(corpora=["sst2", "emoint"], objectives=["lcl", "ce"], seeds=[0, 9]).specs()
    assert len(part) == 2 * (2 + 1) * 2
    assert [spec for spec in whole if spec in part] == [spec for spec in part if spec.seed == 0]
    assert {spec.objective for spec in paper.restrict(encoders=["bert-base"]).specs()} == {"ce"}
    assert len(paper.restrict(corpora="emoint", seeds=3).specs()) == 5
    assert paper.restrict("", "", "").specs() == whole
    both = paper.restrict(["emoint", "isear"], ["lcl"], [0, 7])
    assert both == paper.restrict("emoint, isear", "lcl", "0,7")
    assert both.restrict(seeds=7) == paper.restrict("emoint,isear", "lcl", "7")
    study = paper.restrict(objectives="lcl", seeds="3,17").case_study
    assert (study.objective, study.seed, study.search_seed) == (("lcl",), (3, 17), (*paper.case_study.search_seed, 17))
    for other in ({"corpora": "emoint"}, {"objectives": "ce_aug"}, {"encoders": "bert-base"}):
        assert paper.restrict(**other).case_study is None


def test_a_spec_starts_from_the_profile_and_may_leave_its_grid():
    quick = load_profile("quick")
    assert quick.spec("embedded", "lcl", seed=0, alpha=None) in quick.specs()
    chosen = quick.spec("isear", "ce_aug")
    assert all(getattr(chosen, name) == value for name, value in quick.settings.items()), "above the paper's for a corpus"
    assert load_profile("minilm").spec("isear", "ce").learning_rate == 3e-5, "which counts where the profile has none"
    given = quick.spec("embedded", "lcl", temperature=0.7, classes=f"{LABELS[0]}, {LABELS[1]}")
    assert (given.temperature, given.classes) == (0.7, LABELS[:2])


@pytest.mark.parametrize(("name", "restriction", "said"), [
    *((name, {}, f"Unknown profile...{', '.join(profile_names())}, or a path") for name in ("protocol", 3)),
    ("nope.toml", {}, "No profile file 'nope.toml'"),
    ("quick", {"corpora": ["emoint"]}, "Unknown corpus of profile quick 'emoint'; allowed: embedded"),
    ("minilm", {"encoders": ["electra-base"]}, "Unknown encoder of profile minilm 'electra-base'; allowed: minilm"),
    ("paper", {"encoders": ["bert-base"], "objectives": ["lcl"]}, "Profile paper has no run with these"),
    ("quick", {"seeds": "0,one"}, "seed must be a whole number; given 'one'"),
])  # fmt: skip
def test_an_unknown_profile_or_a_restriction_to_nothing_is_one_line(name, restriction, said):
    with refused(*said.split("...")):
        load_profile(name).restrict(**restriction)


GRID = '[[grid]]\ncorpus = "embedded"\nobjective = "ce"\nseed = 0\n'
CASE_STUDY = GRID + '[case_study]\ncorpus = "embedded"\nsets = ["all"]\nfound = 3\nsize = 4\nobjective = ["ce"]\nseed = [1]\n'


@pytest.mark.parametrize(("text", "said", "name"), [
    ("grid = [", "Profile mine.toml is not valid TOML", "mine"),
    ('title = "empty"', "Profile mine has no [[grid]]", "mine"),
    ("defaults = 3\n" + GRID, "'defaults' of profile mine must be a table", "mine"),
    (GRID.replace("seed", "sead"), "lacks 'seed'", "mine"),
    (GRID.replace("0", "[]"), "has no value for 'seed'", "mine"),
    ("[default]\nalpha = 0.5\n" + GRID, "Unknown key in profile mine 'default'...Did you mean 'defaults'?", "mine"),
    ("[defaults]\nalfa = 0.5\n" + GRID, "Unknown setting 'alfa'...Did you mean 'alpha'?", "mine"),
    ("[corpus.embeded]\nalpha = 0.5\n" + GRID, "Unknown corpus in profile mine 'embeded'", "mine"),
    ("[corpus]\nembedded = 0.5\n" + GRID, "'embedded' of [corpus] of profile mine must be a table", "mine"),
    (CASE_STUDY.replace("found = 3\n", ""), "'found' of [case_study] of profile mine must be a whole number", "mine"),
    (CASE_STUDY.replace("found", "fund"), "Unknown key in [case_study] of profile mine 'fund'", "mine"),
    (CASE_STUDY.replace("size = 4", "size = 1"), "found from 0 to 26, and size 2 or more", "mine"),
    (CASE_STUDY.replace('["all"]', '[["joy", "sad"]]'), "must be names of published sets", "mine"),
    (CASE_STUDY.replace("seed = [1]", "seed = []"), "needs an objective, a seed", "mine"),
    (GRID, "rename it, say to my_quick.toml", "quick"),
    (GRID, "rename it, say to my_site.toml", "site"),
    (GRID, "must be of letters", "a b"),
])  # fmt: skip
def test_a_malformed_profile_or_name_of_it_is_one_line(tmp_path, text, said, name):
    (tmp_path / f"{name}.toml").write_text(text)
    with refused(*said.split("...")):
        load_profile(str(tmp_path / f"{name}.toml")).specs()


def test_what_tables_would_mix_up_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("rev.csv", "rev.tsv", "emoint.csv"):
        (tmp_path / name).write_text("text,label\n")
    (tmp_path / "mine.toml").write_text(GRID.replace('"embedded"', '["rev.csv", "rev.tsv"]'))
    with refused("Tables would call rev.csv and rev.tsv of profile mine 'rev' alike"):
        load_profile("mine.toml").specs()
    with refused("emoint.csv has the name of a corpus of the study"):
        make_spec("emoint.csv", "ce")
    with refused("Class 'a|b' cannot be one of a subset"):
        make_spec("rev.csv", "ce", classes=("a|b", "c"))


def test_a_profile_of_ones_own(tmp_path):
    (tmp_path / "mine.toml").write_text(
        '[defaults]\nencoder = "tiny"\n[corpus.embedded]\nalpha = 0.25\n'
        '[[grid]]\ncorpus = "embedded"\nobjective = ["ce", "lcl"]\nseed = [0, 1]\n'
        f"classes = [{list(LABELS[:2])}, {list(LABELS[2:5])}]\n"
        '[[grid]]\ncorpus = "embedded"\nobjective = "lcl"\nseed = 0\ntemperature = [0.1, 0.3]\n'
    )
    profile = load_profile(str(tmp_path / "mine.toml"))
    specs = profile.specs()
    assert (profile.name, len(specs), specs[0].label()) == ("mine", 2 * 2 * 2 + 2, "embedded[2 classes] ce tiny seed 0")
    assert {spec.alpha for spec in specs} == {0.25}
    assert {spec.classes for spec in specs} == {tuple(LABELS[:2]), tuple(LABELS[2:5]), None}
    assert [spec.temperature for spec in specs[8:]] == [0.1, 0.3]
