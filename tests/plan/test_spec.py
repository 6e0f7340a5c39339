"""Specs: an identity says exactly what is trained, and a wrong setting is one line."""

from dataclasses import fields, replace

import pytest

from lclstudy import paths
from lclstudy.plan import catalog
from lclstudy.plan.spec import Protocol, RunSpec, make_spec
from lclstudy.results import records
from tests.material import refused

LABELS = catalog.corpora()["embedded"].labels


def spec_of(objective="lcl", **settings):
    return make_spec(**{"corpus": "embedded", "objective": objective, "seed": 0, "encoder": "tiny", **settings})


def test_defaults_are_the_papers():
    """Appendix B and the released code; learning rate, alpha and temperature differ for three corpora."""
    spec = make_spec("emoint", "lcl", seed=0)
    assert (spec.encoder, spec.alpha, spec.temperature, spec.learning_rate) == ("electra-base", 0.5, 0.3, 2e-5)
    assert (spec.batch_size, spec.epochs, spec.augment, spec.augment_rate, spec.protocol) == (10, 5, "wordnet", 0.3, "released")
    assert make_spec("isear", "lcl").learning_rate == 3e-5
    assert make_spec("goemotions", "lcl").alpha == 0.1
    assert [make_spec("sst5", "lcl", **own).temperature for own in ({}, {"temperature": 0.7})] == [0.1, 0.7]


OTHER = dict(corpus="emoint", classes=LABELS[:2], objective="scl", encoder="minilm", seed=1, alpha=0.25, temperature=0.25,
             learning_rate=1e-3, batch_size=11, epochs=6, max_length=65, augment="dropout", augment_rate=0.25, augment_seed=1,
             pooling="mean", protocol="printed", precision="bf16", train_limit=100)  # fmt: skip
CHANGES = dict(weight_place="inside", reduction="sum", weight_gradient="false", logit_dropout="false", drop_last="false",
               weights="uniform", views="each_epoch", features="raw", temperature_scale="positives")  # fmt: skip
AUGMENT = {"augment", "augment_rate", "augment_seed"}
WEIGHTS = {"weight_place", "weight_gradient", "weights"}
PAIRS = {"reduction", "features", "temperature_scale"}


@pytest.mark.parametrize(("objective", "unread", "unread_protocol", "encoder"), [
    ("lcl", set(), set(), "tiny"),
    ("ce", {"alpha", "temperature", *AUGMENT}, {*PAIRS, "views", *WEIGHTS}, "tiny"),
    ("ce_aug", {"alpha", "temperature"}, {*PAIRS, *WEIGHTS}, "tiny"),
    ("ce_ensemble", {"alpha", "temperature"}, {*PAIRS, *WEIGHTS}, "tiny"),
    ("scl", set(), WEIGHTS, "tiny"),
    ("scl_two_stage", {"alpha"}, WEIGHTS, "tiny"),
    ("simclr", set(), WEIGHTS, "tiny"),
    ("lacon", {"alpha", *AUGMENT}, {*PAIRS, "logit_dropout", "views", *WEIGHTS}, "tiny"),
    ("lascl", set(), WEIGHTS, "tiny"),
    ("dcl", set(), WEIGHTS, "tiny"),
    ("ce", {*OTHER} - {"corpus", "classes", "encoder", "seed", "train_limit"}, {*CHANGES}, "tfidf"),  # a bag of words
])  # fmt: skip
def test_an_identity_holds_what_the_run_reads_and_nothing_else(objective, unread, unread_protocol, encoder):
    base, others = spec_of(objective, encoder=encoder), {name: OTHER[name] for name in OTHER if name != "objective"}
    same = {name for name, value in others.items() if replace(base, **{name: value}).identity() == base.identity()}
    changed = {name: replace(base, protocol=f"released,{name}={value}") for name, value in CHANGES.items()}
    assert same == unread - {"objective"}
    assert {name for name, spec in changed.items() if spec.identity() == base.identity()} == unread_protocol
    assert {*OTHER} == {field.name for field in fields(RunSpec)} and {*CHANGES} == {*vars(Protocol())}


def test_identities_of_runs_that_are_frozen_stay_as_they_are():
    """Whatever settings came later, and in other processes, of other hash seeds."""
    files = list((paths.ROOT / "data" / "results").glob("*/*.npz"))
    for path in files:
        facts, _ = records.decode(path.read_bytes(), path)
        assert RunSpec(**facts["spec"]).identity() == path.stem
    assert len(files) > 200


ALL_SAID = "printed, weight_place=outside,reduction=mean,weight_gradient=true,logit_dropout=true,drop_last=true"


@pytest.mark.parametrize(
    ("settings", "others"),
    [
        ({"alpha": 1}, {"alpha": 1.0}),
        ({"classes": list(LABELS[3:0:-1])}, {"classes": LABELS[1:4]}),
        ({"classes": LABELS[::-1]}, {}),
        ({"protocol": ALL_SAID}, {}),
        *(({"protocol": f"released,weights={way},weight_gradient=false"}, {"protocol": f"released,weights={way}"})
          for way in ("pretrained", "confusion", "names", "uniform")),  # of which none learns by the contrast
        ({"augment": "dropout", "augment_rate": 0.9, "augment_seed": 5}, {"augment": "dropout"}),
        *(({"objective": name, "augment": "none", "protocol": "released,views=each_epoch"}, {"objective": name})
          for name in ("ce", "lacon")),  # which have no second views
    ],
)  # fmt: skip
def test_what_trains_the_same_has_one_identity_however_it_is_said(settings, others):
    one, other = spec_of(**settings), spec_of(**others)
    assert one.identity() == other.identity() and one.classes == other.classes


def test_a_corpus_is_its_content_wherever_it_lies_and_a_record_is_read_without_it(tmp_path, monkeypatch):
    specs = []
    for folder, text in (("one", "hello"), ("two", "hello"), ("three", "goodbye")):
        path = tmp_path / folder / "mine.csv"
        path.parent.mkdir()
        path.write_text(f"text,label\n{text},a\nbye,b\n")
        specs.append(make_spec(str(path), "ce", seed=0))
    one, two, three = (spec.identity() for spec in specs)
    assert one == two != three
    path.unlink()
    assert RunSpec(**vars(specs[2])) == specs[2]
    before, corpus = spec_of().identity(), catalog.corpora()["embedded"]
    files = (corpus.files[0]._replace(sha256="0" * 64), *corpus.files[1:])
    monkeypatch.setitem(catalog.corpora(), "embedded", replace(corpus, files=files))
    assert spec_of().identity() != before


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"corpus": "emoInt"}, "Unknown corpus 'emoInt'; ... Did you mean 'emoint'?"),
        ({"objective": "lcd"}, "Unknown objective 'lcd'; ...ce, ce_aug, scl, simclr, lcl"),
        ({"seed": True}, "seed must be a whole number; given True"),
        ({"alpha": float("nan")}, "alpha must be from 0 to 1; given nan"),
        ({"learning_rate": 1}, "learning_rate must be above 0 and at most 0.1; given 1.0"),
        ({"learning_rate": "2e-5"}, "learning_rate must be a number; given '2e-5'... write 2.0e-5"),
        ({"augment": "back_translation"}, "Unknown augment 'back_translation'; allowed: wordnet, dropout, none"),
        ({"objective": "simclr", "augment": "none"}, "objective 'simclr' needs second views"),
        ({"objective": "scl", "encoder": "tfidf"}, "encoder 'tfidf' is a bag of words"),
        ({"train_limit": 0}, "train_limit must be 1 or more, or none for all; given 0"),
        ({"classes": [LABELS[0], LABELS[0]]}, "classes must be two or more different class names"),
        ({"classes": [LABELS[0], "boredom"]}, "Unknown class of embedded 'boredom'"),
        ({"classes": [0, 1]}, "classes must be a list of class names"),
        ({"protocol": "final"}, "Unknown protocol 'final'; allowed: released, printed"),
        ({"protocol": "released,reduction=max"}, "Unknown value of protocol setting reduction 'max'; allowed: mean, sum"),
        ({"protocol": "released,dropout=0.1"}, "Unknown protocol setting 'dropout'"),
        ({"protocol": "released,views=each_epoch", "augment": "none"}, "views=each_epoch ... use augment 'wordnet'"),
        ({"temprature": 0.1}, "Unknown setting 'temprature'; ... Did you mean 'temperature'?"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line_that_names_it(settings, said):
    with refused(*said.split("...")):
        spec_of(**settings)


def test_a_notebook_shows_an_error_of_the_user_as_one_line(capsys):
    """IPython asks the error itself, by `_render_traceback_`."""
    from IPython.core.interactiveshell import InteractiveShell

    with refused("Unknown objective 'lcd'") as raised:
        spec_of("lcd")
    InteractiveShell().showtraceback((raised.type, raised.value, raised.tb))
    assert capsys.readouterr().out == f"StudyError: {raised.value}\n"
