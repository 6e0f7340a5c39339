"""Who may import whom: import-linter's rules in pyproject.toml, no torch in what analyses among them; and types that fit."""

import ast
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


def run(*command) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, cwd=paths.ROOT)


@pytest.mark.parametrize(
    "command",
    [
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        [sys.executable, "-m", "mypy", "--cache-dir", os.devnull],
    ],
    ids=["rules of the rooms", "types"],
)
def test_what_is_checked_without_running_holds(command):
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_has_a_rule_and_no_name_repeats_its_folder():
    """A module in no layer would be bound by none."""
    for name in MODULES:
        *_, folder, own = name.split(".")
        assert any(f"{before}lclstudy.{name.split('.')[1]}" in RULES for before in ('"', "| ")), name
        assert folder.rstrip("s") not in own or folder == "lclstudy", name


def test_names_are_checked_before_anything_is_installed():
    """`run_all.sh` checks a profile and its runs with a bare Python: `-S` hides every installed package."""
    code = "import lclstudy.__main__, lclstudy.plan.profiles as p; print(len(p.load_profile('quick').specs()))"
    done = run(sys.executable, "-S", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 0


def test_progress_bars_are_text():
    """A widget is seen neither on the terminal of `run_all.sh` nor in a tracked notebook."""
    for file in [*paths.PACKAGE.rglob("*.py"), *(paths.ROOT / "notebooks").glob("*.py")]:
        bars = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom | ast.Import)]
        names = {getattr(node, "module", None) for node in bars} | {alias.name for node in bars for alias in node.names}
        assert names.isdisjoint({"tqdm.auto", "tqdm.autonotebook", "tqdm.notebook"}), file.name
