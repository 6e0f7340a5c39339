import json

import jinja2
import pandas as pd
import pytest

from lclstudy import paths
from lclstudy.show import plots, text
from lclstudy.show.report import Report
from lclstudy.show.text import bullets, words


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_FIGURES", str(tmp_path))
    return Report("06_main_results", "quick", ["data/published/numbers.csv"])


def test_a_figure_is_saved_under_the_notebooks_number_with_what_made_it(report):
    figure, _ = plots.subplots()
    report.figure(figure, "gains", "data/published/claims.csv")
    made = json.loads((paths.figures("quick") / "06_gains.json").read_text("utf-8"))
    assert made["notebook"] == "06_main_results"
    assert list(made["inputs"]) == ["data/published/claims.csv", "data/published/numbers.csv"]
    assert (paths.figures("quick") / "06_gains.png").is_file()


def test_a_table_is_saved_in_numbers_and_shown_in_words(report, capsys):
    report.table(pd.DataFrame({"p": [0.0421]}), "tests", "Tests.", pd.DataFrame({"p": ["0.042"]}))
    assert (paths.figures("quick") / "06_tests.csv").read_text() == "p\n0.0421\n"
    assert "0.042" in (paths.figures("quick") / "06_tests.md").read_text()


def test_of_a_long_table_a_part_is_shown_and_all_is_saved(report, monkeypatch):
    seen = []
    monkeypatch.setattr("lclstudy.show.report.display", seen.append)
    whole = pd.DataFrame({"p": ["0.042", "0.5"]})
    report.table(whole, "tests", "Tests.", whole, whole[:1])
    assert "0.042" in seen[0].data and "0.5" not in seen[0].data
    assert "0.5" in (paths.figures("quick") / "06_tests.md").read_text()


def test_findings_are_markdown(report, capsys):
    report.said("**Yes**, it holds.", ["One.", "Two."])
    assert "Markdown" in capsys.readouterr().out
    assert bullets(["One.", "Two."]) == "- One.\n- Two."


def test_a_template_without_one_of_its_values_is_an_error(monkeypatch):
    monkeypatch.setattr(text._TEMPLATES, "loader", jinja2.DictLoader({"said": "{{ gain }} points of {{ n }} runs\n"}))
    assert words("said", gain="+1.0", n=3) == "+1.0 points of 3 runs"
    with pytest.raises(jinja2.UndefinedError, match="n"):
        words("said", gain="+1.0")
