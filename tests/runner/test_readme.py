"""README.md and RESULTS.md: up to date, true to what is there, and the README's examples tried."""

import re
import subprocess
from types import SimpleNamespace

import pytest

from lclstudy import paths
from lclstudy.__main__ import main
from lclstudy.plan import catalog
from lclstudy.plan.profiles import profile_names
from lclstudy.results import published
from lclstudy.runner import readme
from tests.material import refused

TEXTS = {name: (paths.ROOT / name).read_text("utf-8") for name in readme.FILES}
README, RESULTS = TEXTS.values()


@pytest.fixture(autouse=True)
def tracked(tmp_path, monkeypatch):
    """What is tracked alone: no folder of results or figures of one's own."""
    for name in ("RESULTS", "FIGURES"):
        monkeypatch.delenv(f"LCLSTUDY_{name}", raising=False)
    monkeypatch.setenv("LCLSTUDY_BUILD", str(tmp_path / "build"))


@pytest.mark.parametrize("name", readme.FILES)
def test_it_is_what_the_command_writes_of_the_tracked_results(name):
    assert readme.render(name) == TEXTS[name], "run: python -m lclstudy.runner.readme"


def test_the_first_screen_is_short_and_no_result_is_typed():
    assert len(README.splitlines()) <= 120
    template = (paths.PACKAGE / "runner" / "templates" / "README.md.j2").read_text("utf-8")
    typed = re.sub(r"\{[{%].*?[%}]\}|```.*?```|Python 3.11|95 % intervals", "", template, flags=re.DOTALL)
    assert not re.findall(r"\d\.\d|\d ?%|\d (?:points|hours|runs|claims)", typed)


@pytest.mark.parametrize(("best", "rows"), [("minilm", 8), ("quick", 4), ("ablations", 8), ("baselines", 0)])
def test_the_first_screen_has_a_row_for_each_question_that_runs_can_answer(monkeypatch, best, rows):
    monkeypatch.setattr(readme.frozen, "best_frozen", lambda: best)
    header, _, found = readme.render("README.md").partition("| --- | --- | --- | --- |\n")
    table = found.split("\n\n")[0].splitlines() if not found.startswith("\n") else []
    assert header.rstrip().endswith("| Question | So far | Ours | Published |")
    assert len(table) == rows and all(row.count("|") == 5 and "nan" not in row and "None" not in row for row in table), table


def test_every_link_leads_to_a_tracked_file():
    done = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=paths.ROOT)
    if done.returncode:
        pytest.skip("not a git checkout: what is tracked cannot be told")
    tracked = set(done.stdout.splitlines())
    folders = {parent.as_posix() for path in tracked for parent in (paths.ROOT / path).relative_to(paths.ROOT).parents}
    links = {path for text in TEXTS.values() for path in re.findall(r"\]\(([^)#:]+)\)", text)}
    assert len(links) > 30
    assert sorted(links - tracked - folders) == []


def test_everything_is_in_the_results():
    has = re.findall(r"^\| ((?:Table|Figure) \d+)", RESULTS, re.MULTILINE)
    numbers = published.table()
    assert len(has) >= len(numbers[["paper", "table"]].drop_duplicates()) + 3, "every table and figure of both papers"
    assert all(word in RESULTS for word in ("RNN", "GRU", "search on SST-5", "changing temperature", "EmoInt"))
    assert all(f"](notebooks/{path.name})" in RESULTS for path in (paths.ROOT / "notebooks").glob("*.ipynb"))
    assert all(f"| `{name}` |" in RESULTS for name in profile_names())


def test_every_command_of_the_map_names_a_profile_and_notebooks_that_are_there(capsys):
    commands = sorted(set(re.findall(r"`\./run_all\.sh (\w+ [^`]+)`", README + RESULTS)))
    assert len(commands) > 8
    for command in commands:
        assert main(["notebooks", *command.split(), "--check"]) == 0, capsys.readouterr().err


def test_what_is_not_there_is_refused(tmp_path, monkeypatch):
    with refused("link to figures/none.png, which is not there"):
        readme.link("a figure", "figures/none.png")
    with refused("figures/ has no 06_none"):
        readme.place("Table 1", {"accuracy": "06_none"})
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "02_two.ipynb").write_text('{"cells": [{"source": ["# Two"]}]}')
    with refused("02_two asks no question"):
        readme.notebooks()


def test_hours_to_come_follow_texts_and_epochs_of_like_runs():
    rates = {("minilm", "ce"): 0.5, ("minilm", "lcl"): 1.0}
    texts = catalog.corpora()["emoint"].counts["train"]
    run = dict(corpus="emoint", classes="", encoder="minilm", objective="ce", epochs=5, train_limit=None)
    longer = run | {"objective": "lcl", "epochs": 10}
    hours = (0.5 * texts * 5 + 1.0 * texts * 10) / 3600
    assert readme.to_come([run, longer, run | {"objective": "dcl"}], rates) == f"about {hours:.0f} for 2 runs; 1 not measured"
    assert readme.to_come([run | {"train_limit": 10}], rates) == "less than 1 for 1 run"
    assert readme.to_come([run | {"encoder": "gru"}], rates) == "not measured"
    assert readme.to_come([], rates) == "none"
    assert 0 < readme._training_texts([run | {"classes": "anger|fear"}])[0] < texts


# The examples of the section on adding: each is tried as it stands.


def code(language: str) -> list[str]:
    """The code blocks of the README in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_example_of_an_objective_learns():
    import torch

    from lclstudy.models import objectives

    module = {**vars(objectives), "RECIPES": {}}
    exec(compile(code("python")[0], "README.md", "exec"), module)
    ((_, recipe),) = module["RECIPES"].items()
    weight = torch.zeros(3, 2, requires_grad=True)
    line = SimpleNamespace(primary=lambda rows: (rows, rows @ weight))
    (stage,) = recipe.stages(line)
    outcome = stage.compute(line, SimpleNamespace(rows=torch.eye(3), labels=torch.tensor([0, 1, 0])))
    outcome.loss.backward()
    assert outcome.loss > 0 and (weight.grad[:, 0] * torch.tensor([1, -1, 1]) < 0).all(), "towards the true classes"
