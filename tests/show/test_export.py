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
    {"Corpus": ["a_b & c", "50 % {x} #1 $5 ~^\\"], "Mean (%)": ["94.5 (0.2)", "not run"], "p": ["< 0.001", "–"]}
)


def test_csv_keeps_numbers_in_full_and_says_na():
    text = export.to_csv(NUMBERS)
    assert text == "corpus,mean,n\nsst2,94.4567,5\nemoint,NA,0\n"
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text)), NUMBERS, check_dtype=False)


def test_latex_is_balanced_and_escaped():
    latex = export.to_latex(SHOWN, "100 % of a_b & {c}", "tab:x_y")
    assert [name for _, name in re.findall(r"\\(begin|end)\{(\w+)\}", latex)] == ["table", "tabular", "tabular", "table"]
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
