"""Names as shown: complete, distinct, and from the catalogues."""

from dataclasses import fields

import pytest

from lclstudy.plan import catalog, names
from lclstudy.plan.spec import Protocol, RunSpec

SETTINGS = [field.name for kind in (RunSpec, Protocol) for field in fields(kind)]


def test_what_is_shown_has_a_name_of_its_own_and_every_setting_is_explained():
    for entries in (catalog.objectives(), catalog.encoders(), catalog.corpora()):
        titles = [entry.title for entry in entries.values()]
        assert all(titles) and len(set(titles)) == len(titles)
    assert sorted(catalog.read("settings.toml")) == sorted(SETTINGS)
    assert all(names.meaning(name) for name in SETTINGS)


@pytest.mark.parametrize(
    ("show", "given", "said"),
    [
        (names.objective, "ce_aug", "CE + aug."),
        (names.metric, "weighted_f1", "weighted F1"),
        *((show, "mine", "mine") for show in (names.corpus, names.encoder, names.objective, names.metric)),
        (names.protocol, "released, views=each_epoch,reduction=sum", "new synonyms each epoch, summed over the batch"),
        (names.protocol, "released", "released"),
        (names.protocol, "printed,reduction=mean", "printed, mean over the batch"),
        (names.setting, "batch_size=32", "batch size 32"),
        (names.setting, "weights={}", "weights={}"),
    ],
)
def test_names_and_settings_as_shown(show, given, said):
    assert show(given) == said
