"""requirements.txt, environment.yml, the lock and what is installed tell one story."""

import importlib.metadata
import re
import sys

import grimp
import yaml

from lclstudy import paths
from scripts import lock

LINES = (paths.ROOT / "requirements.txt").read_text("utf-8").splitlines()
PINS = dict(line.split("==") for line in LINES if line and not line.startswith("#"))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


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


def test_every_import_of_the_package_is_a_requirement():
    graph = grimp.build_graph("lclstudy", include_external_packages=True)
    outside = {name for name in graph.modules if not name.startswith("lclstudy")} - sys.stdlib_module_names
    distributions, pinned = importlib.metadata.packages_distributions(), {normal(name) for name in PINS}
    assert {"torch", "pandas"} <= outside
    assert not [name for name in outside if not {normal(each) for each in distributions.get(name, [name])} & pinned]
