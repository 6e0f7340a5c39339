"""A fixture of the tests of runs."""

import pytest

PROFILE = """
title = "A grid of seconds"
[defaults]
encoder = "tiny"
epochs = 1
max_length = 16
train_limit = 30
augment = "dropout"
[[grid]]
corpus = "embedded"
objective = ["ce", "lcl"]
seed = [0, 1]
"""


@pytest.fixture
def profile(own_folders, tmp_path):
    """The path of a small profile, with runs and frozen results in the test's own folder."""
    path = tmp_path / "small.toml"
    path.write_text(PROFILE)
    return str(path)
