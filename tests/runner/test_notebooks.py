"""The rules of the design for notebooks, held on every one: pairs in step, a question first, findings from data."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import jupytext
import nbformat
import pytest

from lclstudy import paths
from lclstudy.plan.profiles import profile_names
from lclstudy.plan.spec import OBJECTIVES
from lclstudy.runner import execute, readme
from tests.material import refused

FOLDER = paths.ROOT / "notebooks"
COMPUTING = {"02_augmentation", "03_losses", "04_train_one", "05_run", "14_your_corpus"}
READING = {"00_published", "01_corpora", "06_main_results", "07_hard_subsets", "09_case_study", "10_entropy", "11_ablations"}
READING |= {"12_followup_report", "13_verdicts", "15_later_work"}
FOUND = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
every_notebook = pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)


@lru_cache
def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


@every_notebook
def test_the_pair_is_in_step_one_cell_holds_the_parameters_and_what_computes_starts_small(path):
    pair = read(path), jupytext.read(path.with_suffix(".py"))
    parts, source = ([(cell.cell_type, cell.source, tags(cell)) for cell in each.cells] for each in pair)
    assert parts == source, f"run: lclstudy notebooks --refresh {path.stem[:2]}"
    assert sum("parameters" in its for *_, its in parts) == 1
    notebook = execute.Notebook(path)
    profile = notebook.parameters.get("profile", "quick")
    if path.stem in COMPUTING:
        assert profile == "quick"
    else:
        assert profile in ("", *profile_names()), "empty: the best frozen results that there are"
        assert not re.search(r"lclstudy\.(corpora|models|runs|training) |import torch", notebook.code)


def test_which_notebooks_there_are_which_train_and_which_wait_for_them():
    kinds = {path.stem: execute.Notebook(path) for path in FOUND}
    assert kinds.keys() == {path.stem for path in FOLDER.glob("*.py")} >= COMPUTING | READING
    assert [name for name, notebook in kinds.items() if notebook.trains] == ["04_train_one", "05_run", "14_your_corpus"]
    assert [name for name, notebook in kinds.items() if notebook.trains_profile] == ["05_run"]
    assert {name for name, notebook in kinds.items() if notebook.reads_results} >= READING - {"00_published", "01_corpora"}
    assert all(re.search(rf"\b{name}\b", kinds["04_train_one"].code) for name in OBJECTIVES), "it offers every one"


@pytest.mark.parametrize("name", ["04_train_one", "14_your_corpus"])
def test_a_folder_to_keep_a_classifier_in_that_will_not_do_is_refused_before_training(own_folders, tmp_path, name):
    (tmp_path / "there").touch()
    parameters, first, *_ = code_cells(FOLDER / f"{name}.ipynb")
    exec(parameters.source, given := {})
    with refused("is there already and not empty; name a new folder"):
        exec(first.source, given | {"keep": str(tmp_path)})


@every_notebook
def test_a_question_first_and_a_finding_from_data(path):
    """The finding stands right after the question or at the end, where the writer of RESULTS.md finds it as well."""
    cells = read(path).cells
    assert cells[0].cell_type == "markdown" and "?" in cells[0].source
    assert readme.finding([dict(cell) for cell in cells])
    said = next(cell for cell in cells if "said(" in cell.source and cell.cell_type == "code")
    shown = [node for node in ast.walk(ast.parse(said.source)) if isinstance(node, ast.Call | ast.FormattedValue)]
    names = {node.id for call in shown for node in ast.walk(call) if isinstance(node, ast.Name)}
    assert names - {"report"}, "the finding must come from variables"


@every_notebook
def test_every_cell_is_short_and_ran_once_in_order_without_complaint(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert all(out.output_type != "error" and out.get("name") != "stderr" for out in cell.outputs)
        assert not {"raises-exception", "nbval-skip"} & set(tags(cell))
        lines = [line for line in cell.source.splitlines() if not re.match(r"\s*(#.*)?$|from |import ", line)]
        assert len(lines) <= 12 or "parameters" in tags(cell), cell.source


@every_notebook
def test_nothing_that_changes_by_itself_is_tracked(path):
    """No absolute path, no time of day, and no metadata of whoever saved it last."""
    metadata, cells = read(path).metadata, read(path).cells
    assert set(metadata) <= {"kernelspec", "language_info"} and metadata["language_info"] == {"name": "python"}
    assert all(set(cell.metadata) <= {"tags"} for cell in cells)
    seen = []
    for output in (output for cell in code_cells(path) for output in cell.outputs):
        seen += [output.get("text", ""), *(text for kind, text in output.get("data", {}).items() if kind.startswith("text/"))]
    absolute = re.compile(r"(?<![\w./:<-])/(home|root|work|tmp|var|mnt|opt|usr|Users)/|\b[A-Z]:\\\w")
    for text in [*(cell.source for cell in cells), *seen]:
        assert not absolute.search(text) and str(paths.ROOT) not in text, text
    for text in seen:  # folders differ between a person's run and the tracked one, and nbval compares text
        assert not re.search(r"\b(figures|build)/\w|\b\d{1,2}:\d{2}:\d{2}\b|\b20\d\d-[01]\d-[0-3]\d\b", text), text
