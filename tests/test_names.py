"""Names as shown: complete, distinct, and from the catalogues."""

from lclstudy import catalog, config, names


def test_every_objective_and_encoder_has_a_name_of_its_own():
    assert list(names.OBJECTIVES) == list(config.OBJECTIVES)
    assert set(catalog.encoders()) == set(names.ENCODERS)
    for known in (names.OBJECTIVES, names.ENCODERS, names.METRICS):
        assert len(set(known.values())) == len(known)


def test_a_corpus_is_called_by_its_title_and_ones_own_by_its_name():
    assert names.corpus("emoint") == catalog.corpora()["emoint"].title
    assert names.corpus("my_corpus") == "my_corpus"
    assert names.encoder("mine") == names.objective("mine") == names.metric("mine") == "mine"
