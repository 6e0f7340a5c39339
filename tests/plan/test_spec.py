"""Specs and profiles: an identity says exactly what is trained, and a wrong setting is one line."""

import os
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.profiles import load_profile, profile_names
from lclstudy.plan.spec import OBJECTIVES, Protocol, RunSpec, make_spec
from lclstudy.results import records

CORPUS = "embedded"
LABELS = catalog.corpora()[CORPUS].labels


def spec_of(objective="lcl", **settings):
    return make_spec(CORPUS, objective, **{"seed": 0, "encoder": "tiny", **settings})


def one_line(raised, *parts):
    message = str(raised.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


# Defaults


def test_defaults_are_the_papers():
    """Appendix B and the released code; learning rate, alpha and temperature differ for three corpora."""
    spec = make_spec("emoint", "lcl", seed=0)
    assert (spec.encoder, spec.alpha, spec.temperature, spec.learning_rate) == ("electra-base", 0.5, 0.3, 2e-5)
    assert (spec.batch_size, spec.epochs, spec.augment, spec.augment_rate, spec.protocol) == (10, 5, "wordnet", 0.3, "released")
    assert make_spec("isear", "lcl").learning_rate == 3e-5
    assert make_spec("goemotions", "lcl").alpha == 0.1
    assert make_spec("sst5", "lcl").temperature == 0.1
    assert make_spec("sst5", "lcl", temperature=0.7).temperature == 0.7


def test_whole_numbers_and_lists_are_taken_for_numbers_and_tuples():
    assert spec_of(alpha=1) == spec_of(alpha=1.0)
    assert spec_of(alpha=1).identity() == spec_of(alpha=1.0).identity()
    assert spec_of(classes=list(LABELS[:2])) == spec_of(classes=LABELS[:2])


# Identity

OTHER = {
    "corpus": "emoint",
    "classes": LABELS[:2],
    "objective": "scl",
    "encoder": "minilm",
    "seed": 1,
    "alpha": 0.25,
    "temperature": 0.25,
    "learning_rate": 1e-3,
    "batch_size": 11,
    "epochs": 6,
    "max_length": 65,
    "augment": "dropout",
    "augment_rate": 0.25,
    "augment_seed": 1,
    "pooling": "mean",
    "protocol": "printed",
    "precision": "bf16",
    "train_limit": 100,
}
PROTOCOL_CHANGES = ("weight_place=inside", "reduction=sum", "weight_gradient=false", "logit_dropout=false", "drop_last=false")
PROTOCOL_CHANGES += ("weights=uniform", "views=each_epoch", "features=raw", "temperature_scale=positives")


AUGMENT = {"augment", "augment_rate", "augment_seed"}
WEIGHTS = {"weight_place", "weight_gradient", "weights"}
PAIRS = {"reduction", "features", "temperature_scale"}


def identities(objective):
    """The fields of a spec, and the points of the protocol, that change the identity of a run of that objective."""
    base = spec_of(objective)
    changed = {name for name in OTHER if replace(base, **{name: OTHER[name]}).identity() != base.identity()}
    changes = {
        change for change in PROTOCOL_CHANGES if spec_of(objective, protocol=f"released,{change}").identity() != base.identity()
    }
    return changed, {change.partition("=")[0] for change in changes}


def test_every_field_of_a_label_aware_run_is_in_its_identity():
    assert set(OTHER) == {field.name for field in fields(RunSpec)}
    assert identities("lcl") == (set(OTHER), {change.partition("=")[0] for change in PROTOCOL_CHANGES})


@pytest.mark.parametrize(
    ("objective", "unread", "unread_protocol"),
    [
        ("ce", {"alpha", "temperature", *AUGMENT}, {*PAIRS, "views", *WEIGHTS}),
        ("ce_aug", {"alpha", "temperature"}, {*PAIRS, *WEIGHTS}),
        ("ce_ensemble", {"alpha", "temperature"}, {*PAIRS, *WEIGHTS}),
        ("scl", set(), WEIGHTS),
        ("scl_two_stage", {"alpha"}, WEIGHTS),
        ("simclr", set(), WEIGHTS),
        ("lacon", {"alpha", *AUGMENT}, {*PAIRS, "logit_dropout", "views", *WEIGHTS}),
        ("lascl", set(), WEIGHTS),
        ("dcl", set(), WEIGHTS),
    ],
)
def test_what_an_objective_never_reads_is_not_in_its_identity(objective, unread, unread_protocol):
    read, read_protocol = identities(objective)
    assert set(OTHER) - read - {"objective"} == unread
    assert {change.partition("=")[0] for change in PROTOCOL_CHANGES} - read_protocol == unread_protocol


def test_identities_of_runs_that_are_frozen_stay_as_they_are():
    """Settings that came later are in no identity of a run that does not use them: each frozen run, read back, has its own."""
    files = list((paths.ROOT / "data" / "results").glob("*/*.npz"))
    for path in files:
        facts, _ = records.decode(path.read_bytes(), path)
        assert RunSpec(**facts["spec"]).identity() == path.stem
    assert len(files) > 200


def test_every_way_to_weigh_has_an_identity_of_its_own_and_reads_no_gradient_unless_it_learns():
    ways = ("joint", "pretrained", "confusion", "names", "uniform")
    specs = {way: spec_of(protocol=f"released,weights={way}") for way in ways}
    assert len({spec.identity() for spec in specs.values()}) == len(ways)
    assert specs["joint"].identity() == spec_of().identity()
    for way in ways:
        stopped = spec_of(protocol=f"released,weights={way},weight_gradient=false")
        assert (stopped.identity() == specs[way].identity()) == (way != "joint")


@pytest.mark.parametrize("augment", ["dropout", "none"])
def test_views_anew_are_refused_where_none_are_drawn(augment):
    with pytest.raises(StudyError) as raised:
        spec_of("scl", augment=augment, protocol="released,views=each_epoch")
    one_line(raised, "views=each_epoch", f"augment '{augment}' draws none", "use augment 'wordnet'")
    for objective in ("ce", "lacon"):  # which have no second views, so nothing is asked of them
        assert (
            spec_of(objective, augment=augment, protocol="released,views=each_epoch").identity()
            == spec_of(objective).identity()
        )


@pytest.mark.parametrize("augment", ["dropout", "none"])
def test_without_synonyms_their_rate_and_seed_are_not_read(augment):
    base = spec_of(augment=augment)
    assert replace(base, augment_rate=0.9, augment_seed=5).identity() == base.identity()
    assert base.identity() != spec_of().identity()


@pytest.mark.parametrize("name", ["quick", "minilm", "paper", "ablations"])
def test_all_runs_of_a_profile_have_an_identity_of_their_own(name):
    specs = load_profile(name).specs()
    assert len({spec.identity() for spec in specs}) == len(set(specs)) == len(specs)


def test_a_subset_of_classes_has_one_identity_in_any_order():
    found = spec_of(classes=LABELS[3:0:-1])
    assert found.classes == tuple(LABELS[1:4])
    assert found.identity() == spec_of(classes=LABELS[1:4]).identity()
    assert spec_of(classes=LABELS[::-1]).classes is None, "every class is no subset"


def test_a_restricted_profile_searches_as_the_whole_one():
    whole = load_profile("paper")
    part = whole.restrict(objectives="lcl", seeds="3,17").case_study
    assert (part.objective, part.seed) == (("lcl",), (3, 17))
    assert part.search_seed == (*whole.case_study.search_seed, 17)
    assert whole.restrict(corpora="emoint").case_study is None
    assert whole.restrict(objectives="ce_aug").case_study is None
    assert whole.restrict(encoders="bert-base").case_study is None


def test_identity_is_the_same_in_every_process():
    program = (
        "from lclstudy.plan.profiles import load_profile; print(*(spec.identity() for spec in load_profile('quick').specs()))"
    )
    here = [spec.identity() for spec in load_profile("quick").specs()]
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
        assert ran.stdout.split() == here


def test_a_protocol_said_another_way_is_the_same_run():
    said = "printed,weight_place=outside,reduction=mean,weight_gradient=true,logit_dropout=true,drop_last=true"
    assert spec_of(protocol=said).identity() == spec_of().identity()
    assert Protocol.parse(said) == Protocol()


def test_an_own_corpus_is_its_name_and_content_wherever_it_lies(tmp_path):
    files = [tmp_path / folder / "mine.csv" for folder in ("one", "two", "three")]
    for path, text in zip(files, ("hello", "hello", "goodbye"), strict=True):
        path.parent.mkdir()
        path.write_text(f"text,label\n{text},a\nbye,b\n")
    one, two, three = (make_spec(str(path), "ce", seed=0).identity() for path in files)
    assert one == two
    assert one != three


def test_the_encoders_revision_and_the_corpus_checksum_count(monkeypatch):
    before = spec_of().identity()
    entry = catalog.encoders()["tiny"]
    monkeypatch.setitem(catalog.encoders(), "tiny", replace(entry, revision=entry.revision + "x"))
    assert spec_of().identity() != before
    monkeypatch.setitem(catalog.encoders(), "tiny", entry)
    assert spec_of().identity() == before
    corpus = catalog.corpora()[CORPUS]
    files = (replace(corpus.files[0], sha256="0" * 64), *corpus.files[1:])
    monkeypatch.setitem(catalog.corpora(), CORPUS, replace(corpus, files=files))
    assert spec_of().identity() != before


@given(
    alpha=st.floats(0, 1),
    temperature=st.floats(1e-3, 10),
    seed=st.integers(0, 2**32 - 1),
    objective=st.sampled_from(OBJECTIVES),
)
def test_identities_are_16_hex_digits_and_a_function_of_the_spec(alpha, temperature, seed, objective):
    first, again = (spec_of(objective, alpha=alpha, temperature=temperature, seed=seed) for _ in range(2))
    assert first.identity() == again.identity()
    assert len(first.identity()) == 16
    int(first.identity(), 16)


# Wrong settings


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"corpus": "emoInt"}, ("Unknown corpus 'emoInt'", "Did you mean 'emoint'?")),
        ({"corpus": "nowhere.csv"}, ("No corpus file 'nowhere.csv'",)),
        ({"corpus": 3}, ("corpus must be a text; given 3",)),
        ({"objective": "lcd"}, ("Unknown objective 'lcd'", "ce, ce_aug, scl, simclr, lcl")),
        ({"encoder": "elektra-base"}, ("Unknown encoder 'elektra-base'", "Did you mean 'electra-base'?")),
        ({"encoder": None}, ("encoder must be a text; given None",)),
        ({"seed": -1}, ("seed must be from 0 to 4294967295; given -1",)),
        ({"seed": 2**32}, ("seed must be from 0 to 4294967295",)),
        ({"seed": 0.5}, ("seed must be a whole number; given 0.5",)),
        ({"seed": True}, ("seed must be a whole number; given True",)),
        ({"alpha": 1.5}, ("alpha must be from 0 to 1; given 1.5",)),
        ({"alpha": -0.1}, ("alpha must be from 0 to 1",)),
        ({"alpha": float("nan")}, ("alpha must be from 0 to 1; given nan",)),
        ({"alpha": "0.5"}, ("alpha must be a number; given '0.5'",)),
        ({"alpha": False}, ("alpha must be a number; given False",)),
        ({"temperature": 0.0}, ("temperature must be above 0; given 0.0",)),
        ({"temperature": float("inf")}, ("temperature must be above 0; given inf",)),
        ({"learning_rate": 0.0}, ("learning_rate must be above 0 and at most 0.1; given 0.0",)),
        ({"learning_rate": 0.11}, ("learning_rate must be above 0 and at most 0.1; given 0.11",)),
        ({"learning_rate": "2e-5"}, ("learning_rate must be a number; given '2e-5'", "write 2.0e-5")),
        ({"batch_size": 0}, ("batch_size must be 1 or more; given 0",)),
        ({"epochs": 0}, ("epochs must be 1 or more; given 0",)),
        ({"epochs": 5.0}, ("epochs must be a whole number; given 5.0",)),
        ({"max_length": 7}, ("max_length must be 8 or more; given 7",)),
        ({"augment": "back_translation"}, ("Unknown augment 'back_translation'; allowed: wordnet, dropout, none",)),
        ({"objective": "simclr", "augment": "none"}, ("objective 'simclr' needs second views",)),
        ({"augment_rate": 1.1}, ("augment_rate must be from 0 to 1",)),
        ({"augment_seed": -1}, ("augment_seed must be from 0 to 4294967295",)),
        ({"pooling": "max"}, ("Unknown pooling 'max'; allowed: cls, mean",)),
        ({"precision": "fp16"}, ("Unknown precision 'fp16'; allowed: fp32, bf16",)),
        ({"train_limit": 0}, ("train_limit must be 1 or more, or none for all; given 0",)),
        ({"classes": [LABELS[0]]}, ("classes must be two or more different class names",)),
        ({"classes": [LABELS[0], LABELS[0]]}, ("classes must be two or more different class names",)),
        ({"classes": [LABELS[0], "boredom"]}, ("Unknown class of embedded 'boredom'",)),
        ({"classes": LABELS[0]}, ("classes must be a list of class names",)),
        ({"classes": [0, 1]}, ("classes must be a list of class names",)),
        ({"protocol": "final"}, ("Unknown protocol 'final'; allowed: released, printed",)),
        ({"protocol": "released,reduction=max"}, ("Unknown value of protocol setting reduction 'max'; allowed: mean, sum",)),
        ({"protocol": "released,dropout=0.1"}, ("Unknown protocol setting 'dropout'",)),
        ({"protocol": ""}, ("Unknown protocol ''",)),
        (
            {"protocol": "released,weights=fixed"},
            ("setting weights 'fixed'; allowed: joint, pretrained, confusion, names, uniform",),
        ),
        ({"protocol": "released,views=twice"}, ("setting views 'twice'; allowed: once, each_epoch",)),
        ({"temprature": 0.1}, ("Unknown setting 'temprature'", "Did you mean 'temperature'?")),
        ({"device": "cpu"}, ("Unknown setting 'device'",)),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(settings, parts):
    settings = {"corpus": CORPUS, "objective": "lcl", "encoder": "tiny", **settings}
    with pytest.raises(StudyError) as raised:
        make_spec(**settings)
    one_line(raised, *parts)


# Profiles

PAPER_CORPORA = ("emoint", "isear", "sst5", "sst2", "empathetic_dialogues", "goemotions")


@pytest.mark.parametrize(
    ("name", "corpora", "encoders", "objectives", "seeds", "runs"),
    [
        ("quick", ("embedded",), {"tiny"}, {"ce", "scl", "lcl"}, 3, 9),
        ("minilm", PAPER_CORPORA, {"minilm"}, {"ce", "ce_aug", "scl", "lcl"}, 5, 6 * 4 * 5),
        ("paper", PAPER_CORPORA, {"electra-base", "bert-base"}, {"ce", "ce_aug", "scl", "lcl"}, 5, 6 * (4 + 1) * 5),
    ],
)
def test_profiles_hold_the_runs_that_the_design_gives_them(name, corpora, encoders, objectives, seeds, runs):
    specs = load_profile(name).specs()
    assert len(specs) == runs
    assert {spec.corpus for spec in specs} == set(corpora)
    assert {spec.encoder for spec in specs} == encoders
    assert {spec.objective for spec in specs} == objectives
    assert {spec.seed for spec in specs} == set(range(seeds))


def test_a_profile_keeps_what_the_paper_chose_for_a_corpus():
    by_corpus = {spec.corpus: spec for spec in load_profile("minilm").specs()}
    assert by_corpus["isear"].learning_rate == 3e-5
    assert by_corpus["goemotions"].alpha == 0.1
    assert by_corpus["sst5"].temperature == 0.1
    assert by_corpus["emoint"].learning_rate == 2e-5


def test_the_seed_varies_slowest_so_a_profile_cut_short_compares_all_objectives():
    assert [spec.objective for spec in load_profile("quick").specs()[:3]] == ["ce", "scl", "lcl"]
    assert [spec.seed for spec in load_profile("quick").specs()] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_restricting_keeps_the_order_and_only_what_is_named():
    whole = load_profile("paper")
    part = whole.restrict(corpora=["sst2", "emoint"], objectives=["lcl", "ce"], seeds=[0, 9])
    assert len(part.specs()) == 2 * (2 + 1) * 2
    assert {spec.seed for spec in part.specs()} == {0, 9}
    kept = [spec for spec in whole.specs() if spec in part.specs()]
    assert kept == [spec for spec in part.specs() if spec.seed == 0]
    assert {spec.objective for spec in whole.restrict(encoders=["bert-base"]).specs()} == {"ce"}
    assert len(whole.restrict(corpora="emoint", seeds=3).specs()) == 5
    assert whole.restrict().specs() == whole.specs()


def test_a_restriction_may_be_a_text_with_commas_as_papermill_gives_it():
    whole = load_profile("minilm")
    assert whole.restrict("emoint, isear", "lcl", "0,7") == whole.restrict(["emoint", "isear"], ["lcl"], [0, 7])
    assert whole.restrict("", "", "").specs() == whole.specs()
    with pytest.raises(StudyError) as raised:
        whole.restrict(seeds="0,one").specs()
    one_line(raised, "seed must be a whole number", "'one'")


def test_a_spec_starts_from_the_profile_and_may_leave_its_grid():
    quick = load_profile("quick")
    assert quick.spec("embedded", "lcl", seed=0, alpha=None) in quick.specs()
    for name, value in quick.settings.items():
        assert getattr(quick.spec("isear", "ce_aug"), name) == value, (
            "the profile's choice stands above the paper's for a corpus"
        )
    assert load_profile("minilm").spec("isear", "ce").learning_rate == 3e-5, "which counts where the profile has none"
    given = quick.spec("embedded", "lcl", temperature=0.7, classes=f"{LABELS[0]}, {LABELS[1]}")
    assert (given.temperature, given.classes) == (0.7, LABELS[:2])
    with pytest.raises(StudyError) as raised:
        quick.spec("embedded", "lcl", temprature=0.7)
    one_line(raised, "Unknown setting 'temprature'", "Did you mean 'temperature'?")


@pytest.mark.parametrize(
    ("profile", "restriction", "part"),
    [
        ("quick", {"corpora": ["emoint"]}, "Unknown corpus of profile quick 'emoint'; allowed: embedded"),
        ("quick", {"objectives": ["simclr"]}, "Unknown objective of profile quick 'simclr'"),
        ("minilm", {"encoders": ["electra-base"]}, "Unknown encoder of profile minilm 'electra-base'; allowed: minilm"),
        ("paper", {"encoders": ["bert-base"], "objectives": ["lcl"]}, "Profile paper has no run with these"),
        ("quick", {"seeds": []}, "Profile quick has no run with these"),
        ("quick", {"corpora": []}, "Profile quick has no run with these"),
    ],
)
def test_a_restriction_to_nothing_is_one_line(profile, restriction, part):
    with pytest.raises(StudyError) as raised:
        load_profile(profile).restrict(**restriction)
    one_line(raised, part)


GRID = '[[grid]]\ncorpus = "embedded"\nobjective = "ce"\nseed = 0\n'
CASE_STUDY = (
    GRID + '[case_study]\ncorpus = "embedded"\nsets = ["all"]\nfound = 3\nsize = 4\nobjective = ["ce"]\nseed = [0, 1]\n'
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("grid = [", ("Profile mine.toml is not valid TOML",)),
        ('title = "empty"', ("Profile mine has no [[grid]]",)),
        ("grid = 3", ("'grid' of profile mine has the wrong form; write it as [[grid]]",)),
        ("grid = [3]", ("lacks 'corpus'",)),
        ("defaults = 3\n" + GRID, ("'defaults' of profile mine has the wrong form; write it as [defaults]",)),
        ("title = 3\n" + GRID, ("'title' of profile mine has the wrong form",)),
        (GRID.replace("seed", "sead"), ("lacks 'seed'",)),
        (GRID.replace("0", "[]"), ("has no value for 'seed'",)),
        (GRID.replace("0", '"0"'), ("seed must be a whole number; given '0'",)),
        (GRID.replace('"embedded"', '[["embedded"]]'), ("corpus must be a text",)),
        (GRID.replace('"embedded"', '"embeded"'), ("Unknown corpus 'embeded'",)),
        (GRID + "alpha = [0.5, 2]\n", ("alpha must be from 0 to 1; given 2.0",)),
        ("[default]\nalpha = 0.5\n" + GRID, ("Unknown key in profile mine 'default'", "Did you mean 'defaults'?")),
        ("[defaults]\nalfa = 0.5\n" + GRID, ("Unknown setting 'alfa'", "Did you mean 'alpha'?")),
        ("[corpus.embeded]\nalpha = 0.5\n" + GRID, ("Unknown corpus in profile mine 'embeded'",)),
        ("[corpus]\nembedded = 0.5\n" + GRID, ("write it as [corpus.embedded]",)),
        ("case_study = 3\n" + GRID, ("'case_study' of profile mine has the wrong form; write it as [case_study]",)),
        (CASE_STUDY.replace("found = 3\n", ""), ("[case_study] of profile mine needs 'found', a whole number; given None",)),
        (CASE_STUDY.replace("found", "fund"), ("Unknown key in [case_study] of profile mine 'fund'", "Did you mean 'found'?")),
        (CASE_STUDY.replace("size = 4", "size = true"), ("needs 'size', a whole number; given True",)),
        (CASE_STUDY.replace("size = 4", "size = 1"), ("needs found 0 or more and size 2 or more; given 3 and 1",)),
        (CASE_STUDY.replace("seed = [0, 1]", "seed = []"), ("needs at least one objective and one seed",)),
    ],
)
def test_a_malformed_profile_is_one_line(tmp_path, text, parts):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(StudyError) as raised:
        load_profile(str(tmp_path / "mine.toml")).specs()
    one_line(raised, *parts)


def test_a_profile_of_ones_own(tmp_path):
    (tmp_path / "mine.toml").write_text(
        '[defaults]\nencoder = "tiny"\n[corpus.embedded]\nalpha = 0.25\n'
        '[[grid]]\ncorpus = "embedded"\nobjective = ["ce", "lcl"]\nseed = [0, 1]\n'
        f"classes = [{list(LABELS[:2])}, {list(LABELS[2:5])}]\n"
        '[[grid]]\ncorpus = "embedded"\nobjective = "lcl"\nseed = 0\ntemperature = [0.1, 0.3]\n'
    )
    profile = load_profile(str(tmp_path / "mine.toml"))
    specs = profile.specs()
    assert profile.name == "mine"
    assert len(specs) == 2 * 2 * 2 + 2
    assert {spec.alpha for spec in specs} == {0.25}
    assert {spec.classes for spec in specs} == {tuple(LABELS[:2]), tuple(LABELS[2:5]), None}
    assert [spec.temperature for spec in specs[8:]] == [0.1, 0.3]


@pytest.mark.parametrize("name", ["nope", "protocol", "nope.toml", "", 3])
def test_an_unknown_profile_is_one_line(name):
    with pytest.raises(StudyError) as raised:
        load_profile(name)
    one_line(raised, "Unknown profile", ", ".join(profile_names()), "a path ending in .toml")


def test_a_label_is_short_and_has_no_folder(tmp_path):
    (tmp_path / "mine.csv").write_text("text,label\nhello,a\nbye,b\n")
    assert make_spec(str(tmp_path / "mine.csv"), "ce", encoder="tiny", seed=4).label() == "mine ce tiny seed 4"
    assert spec_of(classes=LABELS[:4]).label() == "embedded[4 classes] lcl tiny seed 0"


def test_a_notebook_shows_an_error_of_the_user_as_one_line():
    """IPython asks the error itself, by `_render_traceback_`."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    with pytest.raises(StudyError) as raised:
        load_profile("quik")
    shown = []
    shell._showtraceback = lambda kind, error, lines: shown.append(lines)
    shell.showtraceback((raised.type, raised.value, raised.tb))
    assert shown == [[f"StudyError: {raised.value}"]]
