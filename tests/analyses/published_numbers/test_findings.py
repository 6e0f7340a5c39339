"""The findings: each stands on the facts as they are, types no number, quotes what is printed, and reaches its letter."""

import json
import os
import re
from pathlib import Path

import jinja2
import pytest

from lclstudy import paths
from lclstudy.analyses.published_numbers import findings
from lclstudy.show.report import Report

FILE = findings.read()
FINDINGS = FILE["finding"]
# Names with digits in them, of corpora, tables, equations and sets, and the symbols of formulas.
NAMES = r"F1|SST-\d|4-(easy|hard-[a-d])|(Tables?|Eq\.|Sections?) [\d.]+|the (8|16)\b|choose 4"
NAMES += r"|10\^|1/C|1/\|P\||2/τ|2A|1 \+ A|[nK] − 1"


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda found: found["id"])
def test_it_stands_on_the_facts_and_types_no_number(finding, known):
    if finding["id"] not in ("best_of_some", "rows_summed"):  # these two need no fact
        assert findings.environment(known).compile_expression(finding["holds"], undefined_to_none=False)()
    typed = f"{finding.get('said', '')} {finding['follows']}"
    for filled in (r"\{\{.*?\}\}", r"\{%.*?%\}", NAMES):
        typed = re.sub(filled, "", typed)
    assert not re.findall(r"\d", typed), typed


def test_every_quote_is_printed():
    folder = os.environ.get("LCLSTUDY_PAPERS", "").strip()
    texts = [path.read_text("utf-8") for path in sorted((paths.ROOT / Path(folder)).glob("*.txt"))] if folder else []
    titles = {name: title.partition(":")[0] for name, title in FILE["titles"].items()}
    printed = {name: re.sub(r"\s+", " ", text) for name, title in titles.items() for text in texts if title in text[:250]}
    if set(printed) != set(titles):
        pytest.skip("needs the texts of both papers: set LCLSTUDY_PAPERS to their folder")
    for found in FINDINGS:
        whose = "modarres" if found["paper"] == "both" else found["paper"]
        assert found.get("quote", "") in printed[whose], found["id"]
        assert found.get("beside", "") in printed["suresh2021"], found["id"]


def test_the_table_is_complete_and_what_does_not_add_up_stands_first(found):
    assert len(found) == len(FINDINGS) >= 54 and found["id"].is_unique
    assert list(dict.fromkeys(found["kind"])) == list(FILE["kinds"])
    assert set(found["rests"]) == set(FILE["grounds"]) and set(found["paper"]) == set(FILE["whose"])
    assert found[["place", "said", "follows"]].apply(lambda column: column.str.strip().ne("")).all(axis=None)
    assert not (found["said"] + found["follows"]).str.contains(r"\bnan\b|\binf\b|\{\{|Undefined").any()
    sure = found.set_index("id")["sure"][["goemotions_p", "excluding", "size_of_emoint", "combinations"]]
    assert sure.tolist() == ["cannot tell", "cannot tell", "likely", "certain"]


def test_grades_that_rounding_alone_would_get_wrong(known, found):
    """A number that was cut, not rounded, a notice, and a second reading are no contradictions."""
    test = known["tests"]["GoEmotions: LCL vs CE"]
    assert (test["possible"]["rounded"], test["possible"]["cut"]) == (False, True)
    assert known["told"]["ELECTRA base on SST-5"] == {"told": 55, "table": 55.6, "rounded": False, "cut": True}
    kinds = found.set_index("id")["kind"]
    assert set(kinds[["goemotions_p", "cut_accuracy", "high_sd_hard_b"]]) == {"rounding"}
    assert set(kinds[["persian_encoder", "scl_not_better", "all_tasks", "partition", "softmax_index"]]) == {"explained"}
    assert kinds[kinds == "contradiction"].index.tolist() == ["weight_place"]


def test_a_fact_that_is_missing_is_told(known):
    without = {name: value for name, value in known.items() if name != "f1"}
    with pytest.raises(jinja2.UndefinedError, match="'f1' is undefined"):
        findings.table(without)


def test_numbers_and_quotes_as_they_are_shown(found):
    assert (findings.number(0.0498), findings.number(12.3), findings.number(-0.0498, 3)) == ("0.05", "12.30", "−0.0498")
    assert (findings.signed(0.7), findings.signed(-1731, 0)) == ("+0.7", "−1,731")
    said = found.set_index("id")["said"]
    assert said["partition"] == "“We randomly sampled a partition of 16 emotions, and 8 emotions.”"
    assert said["softmax_index"].startswith("`\\boldsymbol{w_i}") and said["excluding"].endswith("were” b, c, d")
    assert said["repeated_value"] == "ELECTRA base + SCL: 56.8 on EmpatheticDialogues and GoEmotions"


@pytest.mark.parametrize("paper", FILE["titles"])
def test_a_letter_has_every_finding_about_its_paper(paper, found):
    page = findings.letter(found, paper)
    assert page.startswith(f"# Notes on “{FILE['titles'][paper]}”\n")
    for row in found.itertuples():
        assert (row.follows in page) == (row.paper in (paper, "both")), row.id


def test_what_is_said_counts_what_the_table_holds_and_all_is_saved_with_what_made_it(found, known, tmp_path, monkeypatch):
    said = findings.said(found, known)
    assert f"**{len(found)} findings: 1 contradiction" in said and f"{(found['kind'] == 'open').sum()} open" in said
    monkeypatch.setattr(paths, "figures", lambda profile: tmp_path / profile)
    findings.save(found, Report("00_published", "quick", ["data/published/findings.toml"]), [])
    letters = {f"00_letter_{name}.md" for name in FILE["titles"]}
    assert set(json.loads((tmp_path / "quick" / "00_letters.json").read_text())["files"]) == letters
    tables = {f"00_findings.{ending}" for ending in ("csv", "md", "tex", "json")}
    assert {path.name for path in (tmp_path / "quick").iterdir()} == letters | tables | {"00_letters.json"}
