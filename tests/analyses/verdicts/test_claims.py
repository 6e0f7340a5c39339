"""The claims: every name is known, every rule is complete, and every quote stands in the papers."""

import re

import pytest

from lclstudy.analyses.verdicts import tables
from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec
from lclstudy.results import published

CLAIMS = published.claims()


def test_claims_are_numbered_once_and_in_order():
    for paper, letter in (("suresh2021", "S"), ("modarres", "M")):
        numbers = CLAIMS["claim"][CLAIMS["paper"] == paper].tolist()
        assert numbers == [f"{letter}{number:02d}" for number in range(1, len(numbers) + 1)]
    assert not CLAIMS.duplicated(["paper", "place", "kind", "corpus", "classes", "a", "b", "metric", "encoder"]).any()


@pytest.mark.parametrize("claim", CLAIMS.to_dict("records"), ids=lambda claim: claim["claim"])
def test_every_name_is_known_and_every_rule_complete(claim):
    assert claim["kind"] in tables.RULES
    corpora, sets = (re.split(r"\||\ over ", claim[name]) for name in ("corpus", "classes"))
    assert set(corpora) <= set(catalog.corpora()) and set(sets) <= {"all", *published.class_sets()}
    for side in filter(None, (claim["a"], claim["kind"] != "level" and claim["b"])):
        objective, *changes = side.split()
        assert make_spec(corpora[0], objective, **dict(change.split("=", 1) for change in changes))
    assert claim["metric"] in ("accuracy", "weighted_f1", "entropy", "") and claim["split"] in ("test", "validation")
    assert claim["criterion"].endswith(".") and claim["quote"] and claim["place"]
    needs_margin = claim["kind"] in ("same", "not better", "same entropy", "level", "near chance", "settings")
    assert (claim["margin"] > 0) == needs_margin


def test_a_level_is_a_printed_number():
    levels = [(claim["encoder"], tables.printed_level(claim)) for claim in CLAIMS.query("kind == 'level'").to_dict("records")]
    of_text = {"rnn": 25.0, "gru": 30.0, "bert-base-cased": 50.0}
    assert {encoder: level for encoder, level in levels if encoder in of_text} == of_text
    assert all(0 < level < 100 for _, level in levels)


def test_quotes_stand_in_the_papers(papers):
    for claim in CLAIMS.itertuples():
        assert " ".join(claim.quote.split()) in papers[claim.paper], claim.claim
