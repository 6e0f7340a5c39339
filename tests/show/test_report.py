"""What a notebook shows and keeps."""

import jinja2
import pandas as pd
import pytest

from lclstudy import paths
from lclstudy.show import plots, text
from lclstudy.show.report import Report
from lclstudy.show.text import words


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


def test_a_table_is_saved_in_numbers_and_shown_in_words_or_a_part_of_it(report, monkeypatch):
    seen = []
    monkeypatch.setattr("lclstudy.show.report.display", seen.append)
    numbers, readable = pd.DataFrame({"p": [0.0421, 0.5]}), pd.DataFrame({"p": ["0.042", "0.50"]})
    report.table(numbers, "tests", "Tests.", readable)
    report.table(numbers, "tests", "Tests.", readable, readable[:1])
    assert ["0.50" in shown.data for shown in seen] == [True, False] and "0.042" in seen[1].data
    assert (paths.figures("quick") / "06_tests.csv").read_text() == "p\n0.0421\n0.5\n"
    assert "0.50" in (paths.figures("quick") / "06_tests.md").read_text()


def test_findings_are_markdown(report, monkeypatch):
    seen = []
    monkeypatch.setattr("lclstudy.show.report.display", seen.append)
    report.said("**Yes**, it holds.", ["One.", "Two."])
    assert seen[0].data == "**Yes**, it holds.\n\n- One.\n- Two."


def test_a_template_without_one_of_its_values_is_an_error(monkeypatch):
    monkeypatch.setattr(text._TEMPLATES, "loader", jinja2.DictLoader({"said": "{{ gain }} points of {{ n }} runs\n"}))
    assert words("said", gain="+1.0", n=3) == "+1.0 points of 3 runs"
    with pytest.raises(jinja2.UndefinedError, match="n"):
        words("said", gain="+1.0")
