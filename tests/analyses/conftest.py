"""The papers, for tests of what is quoted from them."""

import pytest


@pytest.fixture(scope="session")
def papers(papers):
    """Each text on one line."""
    return {name: " ".join(text.split()) for name, text in papers.items()}
