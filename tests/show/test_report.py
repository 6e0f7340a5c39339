"""What a notebook shows and keeps: tables as Markdown, csv and LaTeX, marked texts, figures, findings, and what made them."""

import hashlib
import html
import json
import re

import jinja2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lclstudy import __version__, paths
from lclstudy.corpora.synonyms import Replacement
from lclstudy.show import markdown, style, text
from lclstudy.show.report import Report, to_latex
from lclstudy.show.text import words
from tests.material import refused

NUMBERS = pd.DataFrame({"corpus": ["sst2", "emoint"], "mean": [94.4567, np.nan], "n": [5, 0]})
SHOWN = pd.DataFrame(
    {"Corpus": ["a_b & c", "50 % {x} #1 $5 ~^\\"], "Mean (%)": ["94.5 (0.2)", "not run"], "p": ["< 0.001", "–"]}
)


def test_latex_is_balanced_and_escaped():
    latex = to_latex(SHOWN, "100 % of a_b & {c}", "tab:x_y")
    bare = re.sub(r"\\[\\{}&%$#_]|\\label\{[^}]*\}", "", latex)
    assert bare.count("{") == bare.count("}") and not re.search(r"[%$#_~^<>|]", bare), "a special character is not escaped"
    header, first, second = (line for line in latex.split("\n") if line.endswith(r"\\"))
    assert header == r"Corpus & Mean (\%) & p \\"
    assert first == r"a\_b \& c & 94.5 (0.2) & \textless{} 0.001 \\"
    assert second.startswith(r"50 \% \{x\} \#1 \$5")
    assert r"\caption{100 \% of a\_b \& \{c\}}" in latex and r"\label{tab:x_y}" in latex
    assert "emoint & nan & 0" in to_latex(NUMBERS, "c", "l"), "no blank"


def test_a_table_is_saved_in_all_formats_with_a_sidecar_and_as_the_same_bytes_again(tmp_path, monkeypatch):
    made = []
    for folder in "ab":
        monkeypatch.setenv("LCLSTUDY_FIGURES", str(tmp_path / folder))
        Report("06_main", "quick", ["pyproject.toml"]).table(NUMBERS, "main", "Caption.", SHOWN)
        made.append({path.name: path.read_bytes() for path in paths.figures("quick").iterdir()})
    assert made[0] == made[1] and {*made[0]} == {f"06_main.{ending}" for ending in ("csv", "md", "tex", "json")}
    csv, markdown, told = made[0]["06_main.csv"], made[0]["06_main.md"], json.loads(made[0]["06_main.json"])
    assert csv == b"corpus,mean,n\nsst2,94.4567,5\nemoint,NA,0\n", "numbers in full"
    pd.testing.assert_frame_equal(pd.read_csv(paths.figures("quick") / "06_main.csv"), NUMBERS, check_dtype=False)
    assert markdown.decode().startswith("Caption.\n\n| Corpus | Mean (%) |")
    assert (told["caption"], told["notebook"], [*told["inputs"]]) == ("Caption.", "06_main", ["pyproject.toml"])
    assert told["files"]["06_main.csv"] == hashlib.sha256(csv).hexdigest()
    monkeypatch.setenv("LCLSTUDY_FIGURES", str(tmp_path / "c"))
    with refused("no rows"):
        Report("06_main", "quick", []).table(NUMBERS[:0], "main", "Caption.")
    assert not (tmp_path / "c").exists()
    monkeypatch.setattr(paths, "figures", lambda profile: tmp_path / "a" / "file")
    (tmp_path / "a" / "file").write_text("")
    with refused("Could not write"):
        Report("06_main", "quick", []).table(NUMBERS, "main", "Caption.")


def test_inputs_are_hashed_under_relative_paths_and_a_folder_by_its_files_but_not_half_written_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_FIGURES", str(tmp_path))

    def sidecar(notebook, *inputs) -> dict:
        (path,) = Report(notebook, "quick", inputs).save("made", {})
        return json.loads(path.read_text())

    told = sidecar("01_corpora", "pyproject.toml", paths.ROOT / "data" / "published" / "numbers.csv")
    assert list(told["inputs"]) == ["data/published/numbers.csv", "pyproject.toml"]
    assert told["inputs"]["pyproject.toml"] == hashlib.sha256((paths.ROOT / "pyproject.toml").read_bytes()).hexdigest()
    assert told["notebook"] == "01_corpora" and told["versions"]["lclstudy"] == __version__
    folder, found = tmp_path / "results" / "quick", []
    folder.mkdir(parents=True)
    for name in ("one.npz", ".two.npz.01234567.part", "two.npz"):
        (folder / name).write_text("a")
        found.append(sidecar("n", folder)["inputs"])
    assert list(found[0]) == ["results/quick"] and found[0] == found[1] != found[2]
    (tmp_path / "empty").mkdir()
    for missing in ("gone.csv", "empty"):
        with refused("No input", missing):
            sidecar("n", tmp_path / missing)


def test_a_report_saves_under_the_notebooks_number_with_what_made_it_and_shows_in_words(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setenv("LCLSTUDY_FIGURES", str(tmp_path))
    monkeypatch.setattr("lclstudy.show.report.display", seen.append)
    report = Report("06_main_results", "quick", ["data/published/numbers.csv"])
    report.figure(style.subplots()[0], "gains")
    numbers, readable = pd.DataFrame({"p": [0.0421, 0.5]}), pd.DataFrame({"p": ["0.042", "0.50"]})
    report.table(numbers, "tests", "Tests.", readable)
    report.table(numbers, "tests", "Tests.", readable, readable[:1], ["data/published/claims.csv"])
    report.said("**Yes**, it holds.", ["One.", "Two."])
    assert ["0.50" in shown.data for shown in seen[:2]] == [True, False] and "0.042" in seen[1].data
    assert seen[2].data == "**Yes**, it holds.\n\n- One.\n- Two."
    folder = paths.figures("quick")
    inputs = [[*json.loads((folder / f"06_{name}.json").read_text())["inputs"]] for name in ("gains", "tests")]
    assert inputs == [["data/published/numbers.csv"], ["data/published/claims.csv", "data/published/numbers.csv"]]
    assert (folder / "06_tests.csv").read_text() == "p\n0.0421\n0.5\n" and "0.50" in (folder / "06_tests.md").read_text()


def test_a_template_without_one_of_its_values_is_an_error(monkeypatch):
    monkeypatch.setattr(text._TEMPLATES, "loader", jinja2.DictLoader({"said": "{{ gain }} points of {{ n }} runs\n"}))
    assert words("said", gain="+1.0", n=3) == "+1.0 points of 3 runs"
    with pytest.raises(jinja2.UndefinedError, match="n"):
        words("said", gain="+1.0")


FRAME = pd.DataFrame({"name": ["a", "b|c"], "share": [12.345, np.nan], "rows": [1234567, -3], "done": [True, False]})


def lines(frame, columns=None):
    return markdown.lines(frame, columns).splitlines()


def test_numbers_stand_to_the_right_and_nothing_is_blank():
    head = ["| name | share | rows | done |", "| :--- | ---: | ---: | :--- |"]
    assert lines(FRAME) == [*head, "| a | 12.345 | 1,234,567 | True |", r"| b\|c | – | −3 | False |"]
    shown = lines(FRAME, {"rows": "texts", "share": ("share (%)", ".1f")})
    assert shown == ["| texts | share (%) |", "| ---: | ---: |", "| 1,234,567 | 12.3 |", "| −3 | – |"]
    with pytest.raises(KeyError, match="shares"):
        lines(FRAME, {"shares": "share"})


def test_a_label_or_a_text_is_shown_letter_by_letter():
    for name, shown in (
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("$5 and $6", "<span>&#36;</span>5 and <span>&#36;</span>6"),
        ("*bold* _it_ `code` ~~gone~~", r"\*bold\* \_it\_ \`code\` \~\~gone\~\~"),
        ("[a](http://b)", r"[a]\(http://b)"),
        ("a\\|b &lt; \n c < d & e", r"a&#92;\|b &amp;lt;   c < d & e"),
    ):
        assert lines(pd.DataFrame({"text": [name]}))[2] == f"| {shown} |"
        assert lines(pd.DataFrame({name: [1]}))[0] == f"| {shown} |", "a heading too"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_marked_texts_are_the_text_and_its_second_view_and_nothing_in_them_is_html(noise):
    text, view = (f"{noise} the {one} dog <home> {other}{noise}" for one, other in (("happy", "ran"), ("<glad>", "fled")))
    first, second = len(noise) + 5, len(text) - len(noise) - 3
    made = [Replacement(first, first + 5, "happy", "<glad>"), Replacement(second, second + 3, "ran", "fled")]
    shown = markdown.views([("<i>", text, made)], first="a < b").data
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown)
    assert [html.unescape(re.sub(r"</?(mark|b)>", "", cell)) for cell in cells] == ["<i>", text, view]
    marked = [re.findall(r"<mark><b>(.*?)</b></mark>", cell) for cell in cells[1:]]
    assert marked == [["happy", "ran"], ["&lt;glad&gt;", "fled"]]
    assert not {"<i>", "<home>", "<glad>"} & {*re.findall("<[^>]*>", shown)} and "a &lt; b" in shown
