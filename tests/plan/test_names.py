"""Names as shown: complete, distinct, and from the catalogues."""

from lclstudy.plan import catalog, names
from lclstudy.plan.spec import OBJECTIVES, PROTOCOL_VALUES, Protocol


def test_every_objective_and_encoder_has_a_name_of_its_own():
    assert list(names.OBJECTIVES) == list(OBJECTIVES)
    assert set(catalog.encoders()) == set(names.ENCODERS)
    for known in (names.OBJECTIVES, names.ENCODERS, names.METRICS):
        assert len(set(known.values())) == len(known)


def test_a_corpus_is_called_by_its_title_and_ones_own_by_its_name():
    assert names.corpus("emoint") == catalog.corpora()["emoint"].title
    assert names.corpus("my_corpus") == "my_corpus"
    assert names.encoder("mine") == names.objective("mine") == names.metric("mine") == "mine"


def test_every_change_of_the_released_protocol_has_a_name_of_its_own():
    changes = [
        f"{name}={value}"
        for name, values in PROTOCOL_VALUES.items()
        for value in values
        if Protocol.parse(f"released,{name}={value}") != Protocol()
    ]
    assert sorted(changes) == sorted(names.SETTINGS)
    assert len(set(names.SETTINGS.values())) == len(changes)
    assert names.protocol("released,weights=uniform") == "uniform weights"
    assert names.protocol("released, views=each_epoch,reduction=sum") == "new synonyms each epoch, summed over the batch"
    assert (names.protocol("released"), names.protocol("printed")) == ("released", "printed")
    assert names.protocol("printed,reduction=mean") == "printed, mean over the batch"
