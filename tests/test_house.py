"""Who may import whom: import-linter's rules in pyproject.toml, no torch in what analyses among them; and types that fit."""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import lclstudy
from lclstudy import paths

MODULES = [module.name for module in pkgutil.walk_packages(lclstudy.__path__, "lclstudy.")]
RULES = (paths.ROOT / "pyproject.toml").read_text("utf-8").partition("[tool.importlinter]")[2]


@pytest.mark.parametrize("command", ["lint-imports --no-cache --no-logo", f"mypy --cache-dir {os.devnull}"])
def test_the_rules_of_the_rooms_and_types_hold(command):
    program, *options = command.split()
    done = subprocess.run([Path(sys.executable).with_name(program), *options], capture_output=True, text=True, cwd=paths.ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_has_a_rule_and_no_name_repeats_its_folder():
    """A module in no layer would be bound by none."""
    for name in MODULES:
        *_, folder, own = name.split(".")
        assert any(f"{before}lclstudy.{name.split('.')[1]}" in RULES for before in ('"', "| ")), name
        assert folder.rstrip("s") not in own or folder == "lclstudy", name
