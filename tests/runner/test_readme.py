"""The README: up to date, true to what is there, and its examples tried."""

import io
import json
import re
import subprocess
import tarfile
import tomllib

import pytest

from lclstudy import paths
from lclstudy.__main__ import main
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.profiles import load_profile, profile_names
from lclstudy.plan.spec import make_spec
from lclstudy.results import published
from lclstudy.runner import readme

TEXT = readme.readme().read_text("utf-8")
BY_HAND = readme._MARKERS.sub("", TEXT)
LINKS = sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT)) - set(re.findall(r"\]\((https?://[^)]+)\)", TEXT)))
OVERRIDES = ("LCLSTUDY_RESULTS", "LCLSTUDY_FIGURES")


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A repository with nothing in it but an empty folder of notebooks."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return tmp_path


def touch(file, text="{}"):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def code(language):
    """The code blocks of the README in a language."""
    return re.findall(rf"```{language}\n(.*?)```", BY_HAND, re.DOTALL)


def test_the_readme_is_what_the_script_writes_of_the_tracked_results(tmp_path, monkeypatch):
    for name in OVERRIDES:
        monkeypatch.delenv(name, raising=False)
    # As they are tracked, because those of `quick` are made anew, with other seconds, when a user runs it.
    archive = subprocess.run(["git", "archive", "HEAD", "data/results"], capture_output=True, cwd=paths.ROOT)
    if archive.returncode:
        pytest.skip("not a git checkout: what is tracked cannot be told")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tracked:
        tracked.extractall(tmp_path, filter="data")
    monkeypatch.setenv("LCLSTUDY_RESULTS", str(tmp_path / "data" / "results"))
    parts = readme.changed(TEXT, readme.render(TEXT))
    assert not parts, f"README.md: {', '.join(parts)} not up to date; run: {readme.COMMAND}"


def test_no_result_is_typed():
    assert not re.findall(r"\d\.\d|\d ?%|\d (?:points|hours|runs|claims)", BY_HAND.replace("Python 3.11", ""))


def test_every_link_leads_to_a_tracked_file():
    done = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=paths.ROOT)
    if done.returncode:
        pytest.skip("not a git checkout: what is tracked cannot be told")
    tracked = set(done.stdout.splitlines())
    folders = {parent.as_posix() for path in tracked for parent in (paths.ROOT / path).relative_to(paths.ROOT).parents}
    assert len(LINKS) > 30
    assert [path for path in LINKS if path not in tracked | folders] == []


def test_the_map_has_every_table_and_figure_and_what_the_report_tells_in_words():
    has = {(row["paper"], row["place"].partition(" (")[0].partition(",")[0]) for row in readme.places()}
    numbers = published.table()
    wanted = {(row.paper, f"Table {row.table}") for row in numbers[["paper", "table"]].drop_duplicates().itertuples()}
    wanted |= {("suresh2021", "Figure 1"), ("suresh2021", "Figure 2"), ("modarres", "Figure 1")}
    assert len(wanted) == 10 and wanted <= has
    told = " ".join(f"{row['place']}: {row['what']}" for row in readme.places() if row["paper"] == "modarres")
    assert all(word in told for word in ("RNN", "GRU", "grid", "changing temperature", "EmoInt"))
    assert {row["paper"] for row in readme.places()} == set(readme.PAPERS)


def test_every_notebook_is_in_the_readme():
    files = list((paths.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    assert len(files) > 13
    assert all(f"](notebooks/{path.name})" in TEXT for path in files)


def test_what_a_figure_shows_is_made_by_the_notebook_of_its_number():
    for place in readme.places():
        folder = readme._first_with(place["profiles"], place["shows"].values())
        for stem in place["shows"].values():
            if folder and (path := readme._shown(folder, stem)):
                assert readme._sidecar(path)["notebook"].startswith(stem[:2])


def test_every_command_of_the_map_names_a_profile_and_notebooks_that_are_there(capsys):
    commands = sorted(set(re.findall(r"`\./run_all\.sh (\w+ [^`]+)`", TEXT)))
    assert len(commands) > 8
    for command in commands:
        assert main(["notebooks", *command.split(), "--check"]) == 0, capsys.readouterr().err


PLACE = {
    "paper": "suresh2021",
    "place": "Table 1",
    "what": "emotion",
    "shows": {"accuracy": "06_one", "table": "06_two"},
    "profiles": ["paper", "minilm"],
}


def test_a_row_of_the_map_without_files_says_not_yet(tree):
    assert readme.map_row(PLACE) == ["Table 1: emotion", *["not yet"] * 4]


def test_a_row_of_the_map_links_what_is_there(tree):
    touch(tree / "notebooks" / "06_main.ipynb")
    touch(tree / "figures" / "minilm" / "06_one.png")
    touch(tree / "data" / "results" / "minilm" / "runs.csv")
    inputs = {"data/results/minilm/runs.csv": "", "data/published/gone.csv": ""}
    touch(tree / "figures" / "minilm" / "06_one.json", json.dumps({"inputs": inputs}))
    assert readme.map_row(PLACE) == [
        "Table 1: emotion",
        "[accuracy](figures/minilm/06_one.png)",
        "[06](notebooks/06_main.ipynb)",
        "[minilm](data/results/minilm)",
        "`./run_all.sh minilm --only 06`",
    ]
    touch(tree / "figures" / "paper" / "06_two.md")
    touch(tree / "figures" / "paper" / "06_two.json", json.dumps({"inputs": {}}))
    assert readme.map_row(PLACE)[1] == "[table](figures/paper/06_two.md)", "the first profile that has one of them"


def test_a_link_to_what_is_not_there_is_refused(tree):
    with pytest.raises(StudyError, match=r"link to figures/none\.png, which is not there"):
        readme.link("a figure", "figures/none.png")


def test_a_notebook_without_a_question_is_refused(tree):
    touch(tree / "notebooks" / "01_one.ipynb", json.dumps({"cells": [{"source": ["# One\n", "**Question: why\n", "so?**"]}]}))
    assert "| [01_one](notebooks/01_one.ipynb) | Why so? |" in readme.notebooks()
    touch(tree / "notebooks" / "02_two.ipynb", json.dumps({"cells": [{"source": ["# Two"]}]}))
    with pytest.raises(StudyError, match="02_two asks no question"):
        readme.notebooks()


def test_without_frozen_results_nothing_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_RESULTS", str(tmp_path))
    said = readme.findings()
    assert "60 claims, 0 reproduced, 0 not reproduced, 0 contradicted, 0 underpowered, 60 not run" in said
    rows = [line for line in readme.difference_table().splitlines() if line.startswith("| SST-5")]
    assert len(rows) == 1 and rows[0].count("not run") == 2 and "+1.40" in rows[0]
    assert "Ablations: not run." in said and "report's settings: not run" in said
    profiles = readme.profiles()
    assert profiles.count("not measured |") >= 2 * len(profile_names())
    assert all(f"| `{name}` | {load_profile(name).title} | 0 of" in profiles for name in profile_names())


def run(**changes):
    return {
        "corpus": "emoint",
        "classes": "",
        "encoder": "minilm",
        "objective": "ce",
        "epochs": 5,
        "train_limit": None,
        **changes,
    }


def test_hours_to_come_follow_texts_and_epochs_of_like_runs():
    rates = {("minilm", "ce"): 0.5, ("minilm", "lcl"): 1.0}
    texts = catalog.corpora()["emoint"].counts["train"]
    assert readme.training_texts(run()) == texts
    assert readme.training_texts(run(train_limit=100)) == 100
    assert 0 < readme.training_texts(run(classes="anger|fear")) < texts
    both = [run(), run(objective="lcl", epochs=10)]
    hours = (0.5 * texts * 5 + 1.0 * texts * 10) / 3600
    assert readme._to_come(both, rates) == f"about {hours:.0f} for 2 runs (extrapolated)"
    assert readme._to_come([*both, run(objective="dcl")], rates).endswith("; 1 not measured")
    assert readme._to_come([run(train_limit=10)], rates).startswith("less than 1 for 1 runs")
    assert readme._to_come([run(encoder="gru")], rates) == "1 runs: not measured"
    assert readme._to_come([], rates) == "none"


@pytest.fixture
def own_readme(tmp_path, monkeypatch):
    """A README with one part, and what the script would write there."""
    file = tmp_path / "README.md"
    file.write_text("before\n<!-- begin one -->\nold\n<!-- end one -->\nafter\n", "utf-8")
    monkeypatch.setattr(readme, "readme", lambda: file)
    monkeypatch.setattr(readme, "SECTIONS", {"one": lambda: "new\n"})
    return file


def test_the_command_writes_the_marked_part_and_nothing_else(own_readme, capsys):
    assert readme.main(["--check"]) == 1
    assert "old" in own_readme.read_text("utf-8") and capsys.readouterr().out == "README.md: would change: one.\n"
    assert readme.main([]) == 0
    assert own_readme.read_text("utf-8") == "before\n<!-- begin one -->\nnew\n<!-- end one -->\nafter\n"
    assert capsys.readouterr().out == "README.md: changed: one.\n"
    assert readme.main(["--check"]) == 0 and capsys.readouterr().out == "README.md is up to date.\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<!-- begin one -->\n<!-- end two -->", "do not pair"),
        ("<!-- begin one -->\n", "do not pair"),
        ("<!-- begin one -->\n<!-- end one -->\n" * 2, "do not pair"),
        ("<!-- begin ona -->\n<!-- end ona -->", "Unknown part of README.md 'ona'; allowed: one. Did you mean 'one'"),
        ("nothing", "lacks the parts one"),
    ],
)
def test_markers_that_are_wrong_stop_the_command(own_readme, capsys, text, problem):
    own_readme.write_text(text, "utf-8")
    assert readme.main([]) == 2
    assert problem in capsys.readouterr().err
    assert own_readme.read_text("utf-8") == text


def test_minus_signs_are_for_numbers_alone():
    assert readme.bullets(["4-hard-a -0.5 [-1, 2]", "a - b"]) == "- 4-hard-a −0.5 [−1, 2]\n- a - b"


# The examples of the section on adding: each is tried as it stands.


def test_the_example_of_a_corpus_is_an_entry_of_the_catalogue():
    ((name, entry),) = tomllib.loads(code("toml")[0]).items()
    made = catalog.corpus_entry(name, **entry)
    assert made.files[0].path.startswith(f"{made.name}/") and len(made.labels) == 2


def test_the_example_of_an_encoder_is_an_entry_that_a_run_can_name(monkeypatch):
    ((name, entry),) = tomllib.loads(code("toml")[1]).items()
    with pytest.raises(StudyError, match="Unknown encoder"):
        make_spec("embedded", "ce", encoder=name)
    made = catalog.EncoderEntry(name=name, **entry)
    monkeypatch.setattr(catalog, "encoders", lambda: {name: made})
    assert make_spec("embedded", "ce", encoder=name).encoder == name


def test_the_example_of_an_objective_learns():
    import torch

    from lclstudy.models import objectives

    (text,) = code("python")
    module = {**vars(objectives), "RECIPES": {}}
    exec(compile(text, "README.md", "exec"), module)
    ((_, recipe),) = module["RECIPES"].items()
    weight = torch.zeros(3, 2, requires_grad=True)

    class Line:
        @staticmethod
        def primary(rows):
            return rows, rows @ weight

    class Rows:
        rows, labels = torch.eye(3), torch.tensor([0, 1, 0])

    (stage,) = recipe.stages(Line)
    outcome = stage.compute(Line, Rows)
    outcome.loss.backward()
    assert outcome.loss > 0 and (weight.grad[:, 0] * torch.tensor([1, -1, 1]) < 0).all(), "towards the true classes"
