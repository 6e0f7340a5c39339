"""The audit of the paper's tests, and every fact, computed once for all tests of the folder."""

import pytest

from lclstudy.analyses.published_numbers import facts, findings, rounding, set_d
from lclstudy.results.frozen import read_frozen


@pytest.fixture(scope="session")
def audited():
    return rounding.audit(rounding.printed_tests())


@pytest.fixture(scope="session")
def followed_up():
    return set_d.follow_up(read_frozen("minilm"))


@pytest.fixture(scope="session")
def known(audited, followed_up):
    return facts.facts(audited, followed_up)


@pytest.fixture(scope="session")
def found(known):
    return findings.table(known)
