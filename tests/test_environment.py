"""requirements.txt, environment.yml, what is installed and what is imported tell one story."""

import ast
import importlib.metadata
import re
import sys

import yaml

from lclstudy import paths
from scripts import lock

LINES = (paths.ROOT / "requirements.txt").read_text("utf-8").splitlines()
PINS = dict(line.split("==") for line in LINES if line and not line.startswith("#"))
OWN = {"lclstudy", "tests", "conftest", "scripts"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> dict[str, set[str]]:
    """Each package from outside that Python files of the repository import, with the files."""
    folders = ("lclstudy", "tests", "notebooks", "scripts", "benchmarks")
    files = [file for folder in folders for file in (paths.ROOT / folder).rglob("*.py")]
    found: dict[str, set[str]] = {}
    for file in [*files, paths.ROOT / "conftest.py"]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(file.name)
    local = {file.stem for file in files} | OWN | sys.stdlib_module_names
    return {name: where for name, where in found.items() if name not in local}


def test_the_pinned_versions_are_installed_and_conda_installs_them_too():
    installed = {name: importlib.metadata.version(name).partition("+")[0] for name in PINS}
    assert installed == PINS and len(PINS) > 20
    environment = yaml.safe_load((paths.ROOT / "environment.yml").read_text("utf-8"))
    pip = ["--requirement requirements.txt", "--constraint constraints.txt"]
    assert environment["dependencies"] == ["python=3.11", "pip", {"pip": pip}]


def test_the_lock_has_what_the_requirements_need_in_turn():
    lines = (paths.ROOT / "constraints.txt").read_text("utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert {normal(name): version for name, version in PINS.items()}.items() <= locked.items()
    needed = {name for name in lock.needed(list(PINS)) if not name.startswith(("nvidia", "cuda", "triton"))}
    assert len(needed) > 120
    assert not needed - locked.keys(), "run: .venv/bin/python scripts/lock.py"


def test_every_import_is_a_requirement():
    distributions = importlib.metadata.packages_distributions()
    pinned, packages = {normal(name) for name in PINS}, imported()
    assert {"torch", "pandas", "pytest"} <= set(packages)
    for package, files in packages.items():
        names = {normal(name) for name in distributions.get(package, [package])}
        assert names & pinned, f"{package}, imported by {sorted(files)}, is not in requirements.txt"
