"""Tables as Markdown, csv and LaTeX, and the sidecar that says what made them."""

import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from lclstudy.errors import StudyError
from lclstudy.show import export, provenance

NUMBERS = pd.DataFrame({"corpus": ["sst2", "emoint"], "mean": [94.4567, np.nan], "n": [5, 0]})
SHOWN = pd.DataFrame(
    {"Corpus": ["a_b & c|d", "50 % {x} #1 $5 ~^\\"], "Mean (%)": ["94.5 (0.2)", "not run"], "p": ["< 0.001", "–"]}
)


def test_csv_keeps_numbers_in_full_and_says_na():
    text = export.to_csv(NUMBERS)
    assert text == "corpus,mean,n\nsst2,94.4567,5\nemoint,NA,0\n"
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text)), NUMBERS, check_dtype=False)


def test_latex_is_balanced_and_escaped():
    latex = export.to_latex(SHOWN.replace({"a_b & c|d": "a_b & c"}), "100 % of a_b & {c}", "tab:x_y")
    assert re.findall(r"\\(begin|end)\{(\w+)\}", latex) == [
        ("begin", "table"), ("begin", "tabular"), ("end", "tabular"), ("end", "table")]  # fmt: skip
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
    source = tmp_path / "in" / "runs.csv"
    source.parent.mkdir()
    source.write_text("a\n1\n")
    made = [export.save(NUMBERS, "main", tmp_path / name, "Caption.", SHOWN, "06_main_results", [source]) for name in "ab"]
    assert [path.name for path in made[0]] == ["main.csv", "main.md", "main.tex", "main.json"]
    for first, second in zip(*made, strict=True):
        assert first.read_bytes() == second.read_bytes()
    sidecar = json.loads((tmp_path / "a" / "main.json").read_text())
    assert (sidecar["caption"], sidecar["notebook"]) == ("Caption.", "06_main_results")
    assert sidecar["inputs"] == {"in/runs.csv": provenance.sha256(source.read_bytes())}
    assert sidecar["files"]["main.csv"] == provenance.sha256((tmp_path / "a" / "main.csv").read_bytes())
    assert str(tmp_path) not in (tmp_path / "a" / "main.json").read_text()
    assert (tmp_path / "a" / "main.md").read_text().startswith("Caption.\n\n| Corpus | Mean (%) |")


def test_save_refuses_an_empty_table(tmp_path):
    with pytest.raises(StudyError, match="no rows"):
        export.save(NUMBERS[:0], "main", tmp_path, "Caption.")
    assert not list(tmp_path.iterdir())
