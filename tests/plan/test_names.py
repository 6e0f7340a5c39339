"""Names as shown: complete, distinct, and from the catalogues."""

from dataclasses import fields

from lclstudy.plan import catalog, names
from lclstudy.plan.spec import Protocol, RunSpec

SETTINGS = [field.name for kind in (RunSpec, Protocol) for field in fields(kind)]


def test_what_is_shown_has_a_name_of_its_own_and_every_setting_is_explained():
    for entries in (catalog.objectives(), catalog.encoders(), catalog.corpora()):
        titles = [entry.title for entry in entries.values()]
        assert all(titles) and len(set(titles)) == len(titles)
    assert sorted(catalog.read("settings.toml")) == sorted(SETTINGS)
    assert all(names.meaning(name) for name in SETTINGS)
    assert {show("mine") for show in (names.corpus, names.encoder, names.objective, names.metric)} == {"mine"}
    assert (names.objective("ce_aug"), names.metric("weighted_f1")) == ("CE + aug.", "weighted F1")


def test_settings_and_protocols_as_shown():
    assert [names.setting(change) for change in ("batch_size=32", "weights={}")] == ["batch size 32", "weights={}"]
    protocols = {
        "released, views=each_epoch,reduction=sum": "new synonyms each epoch, summed over the batch",
        "released": "released",
        "printed,reduction=mean": "printed, mean over the batch",
    }
    assert {protocol: names.protocol(protocol) for protocol in protocols} == protocols
