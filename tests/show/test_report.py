"""What a notebook shows and keeps: tables as Markdown, csv and LaTeX, figures, findings, and what made them."""

import hashlib
import io
import json
import re

import jinja2
import numpy as np
import pandas as pd
import pytest

from lclstudy import __version__, paths
from lclstudy.errors import StudyError
from lclstudy.show import export, plots, provenance, text
from lclstudy.show.report import Report
from lclstudy.show.text import words
from tests.material import refused

NUMBERS = pd.DataFrame({"corpus": ["sst2", "emoint"], "mean": [94.4567, np.nan], "n": [5, 0]})
SHOWN = pd.DataFrame(
    {"Corpus": ["a_b & c", "50 % {x} #1 $5 ~^\\"], "Mean (%)": ["94.5 (0.2)", "not run"], "p": ["< 0.001", "–"]}
)


def test_csv_keeps_numbers_in_full_and_says_na():
    text = export.to_csv(NUMBERS)
    assert text == "corpus,mean,n\nsst2,94.4567,5\nemoint,NA,0\n"
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text)), NUMBERS, check_dtype=False)


def test_latex_is_balanced_and_escaped():
    latex = export.to_latex(SHOWN, "100 % of a_b & {c}", "tab:x_y")
    bare = re.sub(r"\\[\\{}&%$#_]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"[%$#_~^<>|]", re.sub(r"\\label\{[^}]*\}", "", bare)), "a special character is not escaped"
    header, first, second = (line for line in latex.split("\n") if line.endswith(r"\\"))
    assert header == r"Corpus & Mean (\%) & p \\"
    assert first == r"a\_b \& c & 94.5 (0.2) & \textless{} 0.001 \\"
    assert second.startswith(r"50 \% \{x\} \#1 \$5")
    assert r"\caption{100 \% of a\_b \& \{c\}}" in latex and r"\label{tab:x_y}" in latex
    assert "emoint & nan & 0" in export.to_latex(NUMBERS, "c", "l"), "no blank"


def test_save_writes_all_formats_with_a_sidecar_and_the_same_bytes_again(tmp_path):
    made = [export.save(NUMBERS, "main", tmp_path / name, "Caption.", SHOWN, "06_main", ["pyproject.toml"]) for name in "ab"]
    assert [path.name for path in made[0]] == ["main.csv", "main.md", "main.tex", "main.json"]
    (csv, markdown, _, sidecar), again = ([path.read_bytes() for path in paths] for paths in made)
    assert again == [path.read_bytes() for path in made[0]]
    told = json.loads(sidecar)
    assert (told["caption"], told["notebook"], [*told["inputs"]]) == ("Caption.", "06_main", ["pyproject.toml"])
    assert told["files"]["main.csv"] == provenance.sha256(csv)
    assert markdown.decode().startswith("Caption.\n\n| Corpus | Mean (%) |")


def test_save_refuses_an_empty_table(tmp_path):
    with pytest.raises(StudyError, match="no rows"):
        export.save(NUMBERS[:0], "main", tmp_path, "Caption.")
    assert not list(tmp_path.iterdir())


def test_inputs_are_hashed_under_relative_paths():
    found = provenance.describe("01_corpora", ["pyproject.toml", paths.ROOT / "data" / "published" / "numbers.csv"])
    assert list(found["inputs"]) == ["data/published/numbers.csv", "pyproject.toml"]
    assert found["inputs"]["pyproject.toml"] == hashlib.sha256((paths.ROOT / "pyproject.toml").read_bytes()).hexdigest()
    assert found["notebook"] == "01_corpora" and found["versions"]["lclstudy"] == __version__


def test_a_folder_stands_for_its_files_but_not_for_half_written_ones(tmp_path):
    folder = tmp_path / "results" / "quick"
    folder.mkdir(parents=True)
    found = []
    for name in ("one.npz", ".two.npz.01234567.part", "two.npz"):
        (folder / name).write_text("a")
        found.append(provenance.describe("n", [folder])["inputs"])
    assert list(found[0]) == ["results/quick"]
    assert found[0] == found[1] != found[2]
    (tmp_path / "empty").mkdir()
    for missing in ("gone.csv", "empty"):
        with refused("No input", missing):
            provenance.describe("n", [tmp_path / missing])


def test_a_disk_that_refuses_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="Could not write"):
        provenance.write(tmp_path / "file", {"a.md": b""}, {}, "a.json")


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_FIGURES", str(tmp_path))
    return Report("06_main_results", "quick", ["data/published/numbers.csv"])


def test_a_figure_is_saved_under_the_notebooks_number_with_what_made_it(report):
    figure, _ = plots.subplots()
    report.figure(figure, "gains", "data/published/claims.csv")
    made = (paths.figures("quick") / "06_gains.json").read_text("utf-8")
    assert "data/published/claims.csv" in made and "data/published/numbers.csv" in made
    assert (paths.figures("quick") / "06_gains.png").is_file()


def test_a_table_is_saved_in_numbers_and_shown_in_words_or_a_part_of_it_and_findings_are_markdown(report, monkeypatch):
    seen = []
    monkeypatch.setattr("lclstudy.show.report.display", seen.append)
    numbers, readable = pd.DataFrame({"p": [0.0421, 0.5]}), pd.DataFrame({"p": ["0.042", "0.50"]})
    report.table(numbers, "tests", "Tests.", readable)
    report.table(numbers, "tests", "Tests.", readable, readable[:1])
    report.said("**Yes**, it holds.", ["One.", "Two."])
    assert ["0.50" in shown.data for shown in seen[:2]] == [True, False] and "0.042" in seen[1].data
    assert seen[2].data == "**Yes**, it holds.\n\n- One.\n- Two."
    assert (paths.figures("quick") / "06_tests.csv").read_text() == "p\n0.0421\n0.5\n"
    assert "0.50" in (paths.figures("quick") / "06_tests.md").read_text()


def test_a_template_without_one_of_its_values_is_an_error(monkeypatch):
    monkeypatch.setattr(text._TEMPLATES, "loader", jinja2.DictLoader({"said": "{{ gain }} points of {{ n }} runs\n"}))
    assert words("said", gain="+1.0", n=3) == "+1.0 points of 3 runs"
    with pytest.raises(jinja2.UndefinedError, match="n"):
        words("said", gain="+1.0")
