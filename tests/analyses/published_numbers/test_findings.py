"""The facts, on printed numbers and on numbers made wrong; the findings, which stand on them and quote what is printed."""

import json
import re

import jinja2
import numpy as np
import pytest
from scipy import stats as scipy_stats

from lclstudy import paths
from lclstudy.analyses.published_numbers import facts, findings, rounding, set_d
from lclstudy.analyses.published_numbers.rounding import Side
from lclstudy.results import class_sets, corpus_facts, published
from lclstudy.results.frozen import read_frozen
from lclstudy.show.report import Report
from lclstudy.statistics import subsets
from tests.material import row_of

FILE = findings.read()
FINDINGS = FILE["finding"]
CELLS, REPORT = published.table("suresh2021"), published.table("modarres")
# Names with digits in them, of corpora, tables, equations and sets, and the symbols of formulas.
NAMES = r"F1|SST-\d|4-(easy|hard-[a-d])|(Tables?|Eq\.|Sections?) [\d.]+|the (8|16)\b|choose 4"
NAMES += r"|10\^|1/C|1/\|P\||2/τ|2A|1 \+ A|[nK] − 1"


@pytest.fixture(scope="module")
def followed_up():
    return set_d.follow_up(read_frozen("minilm"))


@pytest.fixture(scope="module")
def known(followed_up):
    return facts.facts(rounding.audit(rounding.printed_tests()), followed_up)


@pytest.fixture(scope="module")
def found(known):
    return findings.table(known)


def test_class_sets_as_they_are_and_made_wrong(known, monkeypatch):
    sets = known["sets"]
    draws = np.random.default_rng(0).permuted(np.tile(np.arange(32), (20_000, 1)), axis=1)[:, :8]
    assert sets["chance"] == pytest.approx(((draws < 16).sum(axis=1) >= 6).mean(), abs=0.02)
    sets = published.class_sets()
    monkeypatch.setattr(published, "class_sets", lambda: {**sets, "8": (*sets["16"][:6], "bored"), "4-hard-d": ("angry",)})
    wrong = facts.set_facts()
    assert (wrong["right"], wrong["outside"], wrong["shared"]) == (False, ["bored"], [("angry", "4-hard-c", "4-hard-d")])


def test_five_runs_among_ten():
    rng = np.random.default_rng(1)
    for _ in range(50):
        runs = rng.normal(60, 0.5, 10)
        few, many = (Side(round(x.mean(), 1), round(x.std(ddof=1), 1), len(x), 0.05, 0.05) for x in (runs[:5], runs))
        assert facts.could_be_among(few, many)
    for mean, sd in ((61.0, 0.5), (60.0, 1.0)):
        assert not facts.could_be_among(Side(mean, sd, 5, 0.05, 0.05), Side(60.0, 0.5, 10, 0.05, 0.05))


def test_the_follow_up_of_4_hard_d_is_that_of_naive_counts(followed_up):
    results, sets = read_frozen("minilm"), published.class_sets()
    runs = class_sets.searched_runs(results, set_d.CORPUS)
    counts, classes = results.confusion(runs, "validation")
    kept = [classes.index(name) for name in sets[set_d.SET] if name != set_d.DOUBTED]
    ids = [*kept, classes.index("joyful")]
    right = []
    for run in runs:
        texts = zip(results.probabilities(run), results.labels(run), strict=True)
        right += [ids[scores[ids].argmax()] == label for scores, label in texts if label in ids]
    errors, before = (sum(counts[a, b] for a in group for b in group if a != b) for group in (ids, kept))
    taken = {classes.index(name) for hard in "abc" for name in sets[f"4-hard-{hard}"]}
    left = [score for one, score in zip(*subsets.scored(counts), strict=True) if not taken & {*one}]
    row = row_of(followed_up.fourth, **{"class": "joyful"})
    assert row["restricted"] == pytest.approx(100 * np.mean(right))
    assert row[["confusion", "added"]].tolist() == [errors, errors - before]
    assert row["rank_left"] == 1 + sum(score > errors for score in left)
    gaps = followed_up.sets.set_index("set")["gap"].drop(set_d.SET)
    assert row["expected"] == pytest.approx(row["restricted"] + gaps.mean())
    reach = scipy_stats.t.ppf(0.975, len(gaps) - 1) * gaps.std() * (1 + 1 / len(gaps)) ** 0.5
    assert row["high"] - row["expected"] == pytest.approx(reach)


def test_tables_against_each_other(known):
    assert [one["objective"] for one in known["same_system"]] == ["CE", "SCL", "LCL"]
    moved = facts.table_facts(CELLS.assign(value=CELLS["value"] + 3 * (CELLS["table"] == 3)))["same_system"]
    assert all(one["p"] < 0.05 and not one["among"] for one in moved)
    higher = facts.table_facts(CELLS.assign(value=CELLS["value"] + 5 * (CELLS["split"] == "test")))
    assert higher["splits"]["beyond_all"] and not known["splits"]["beyond_all"]
    high = facts.table_facts(CELLS.assign(value=CELLS["value"].where(CELLS["metric"] != "weighted_f1", 99.0)))
    assert high["f1"]["impossible"] > 0, "no accuracy allows such a weighted F1"


def test_the_largest_class():
    labels = corpus_facts.table("labels")
    table = facts.majority(REPORT, labels)
    row = row_of(table, system="SCL with ELECTRA base on EmoInt")
    assert (row["largest"], row["texts"], row["near"]) == ("fear", 3142, True)
    assert row["share"] == pytest.approx(100 * 995 / 3142)
    assert row["p"] == pytest.approx(scipy_stats.binomtest(round(0.331 * 3142), 3142, 995 / 3142, alternative="greater").pvalue)
    assert "twitter_sentiment" not in set(table["corpus"])  # no labels at hand
    share = facts.majority(REPORT.query("corpus == 'emoint'").assign(value=31.6), labels)
    assert not share["near"].any()  # 31.67, cut: the share of a class


def test_steps_of_accuracies_of_few_runs_or_many_digits():
    cells = published.table("suresh2021", 5)
    coarsest = [facts.accuracy_steps(cells.assign(n=n, value_rounding=half))["coarsest"] for n, half in ((5, 0.05), (1, 0.001))]
    assert coarsest[0] == pytest.approx(100 / (346 * 5) / 0.1), "346 validation texts of EmoInt"
    assert coarsest[0] < 1 < coarsest[1]


def test_each_stands_on_the_facts_and_types_no_number(known):
    environment = findings.environment(known)
    for finding in FINDINGS:
        if finding["id"] not in ("best_of_some", "rows_summed"):  # these two need no fact
            assert environment.compile_expression(finding["holds"], undefined_to_none=False)(), finding["id"]
        typed = f"{finding.get('said', '')} {finding['follows']}"
        for filled in (r"\{\{.*?\}\}", r"\{%.*?%\}", NAMES):
            typed = re.sub(filled, "", typed)
        assert not re.findall(r"\d", typed), typed


def test_every_quote_is_printed(papers):
    for found in FINDINGS:
        whose = "modarres" if found["paper"] == "both" else found["paper"]
        assert found.get("quote", "") in papers[whose], found["id"]
        assert found.get("beside", "") in papers["suresh2021"], found["id"]


def test_the_table_is_complete_and_what_does_not_add_up_stands_first(found):
    assert len(found) == len(FINDINGS) >= 54 and found["id"].is_unique
    assert list(dict.fromkeys(found["kind"])) == list(FILE["kinds"])
    assert set(found["rests"]) == set(FILE["grounds"]) and set(found["paper"]) == set(FILE["whose"])
    assert found[["place", "said", "follows"]].apply(lambda column: column.str.strip().ne("")).all(axis=None)
    assert not (found["said"] + found["follows"]).str.contains(r"\bnan\b|\binf\b|\{\{|Undefined").any()
    assert found["id"][found["kind"] == "contradiction"].tolist() == ["weight_place"], "a second reading is none"
    uncertain = found["kind"].isin(("open", "rounding"))
    wanted = np.select([uncertain, found["rests"] == "printed"], ["cannot tell", "certain"], "likely")
    assert found["sure"].tolist() == wanted.tolist()


def test_a_fact_that_is_missing_is_told(known):
    with pytest.raises(jinja2.UndefinedError, match="'f1' is undefined"):
        findings.table({name: value for name, value in known.items() if name != "f1"})


def test_a_letter_has_every_finding_about_its_paper_and_all_is_saved_with_what_made_it(found, known, tmp_path, monkeypatch):
    said = findings.said(found, known)
    assert f"**{len(found)} findings: 1 contradiction" in said and f"{(found['kind'] == 'open').sum()} open" in said
    monkeypatch.setattr(paths, "figures", lambda profile: tmp_path)
    findings.save(found, Report("00_published", "quick", ["data/published/findings.toml"]), [])
    letters = {name: f"00_letter_{name}.md" for name in FILE["titles"]}
    for paper, file in letters.items():
        page = (tmp_path / file).read_text("utf-8")
        assert page.startswith(f"# Notes on “{FILE['titles'][paper]}”\n")
        for row in found.itertuples():
            assert (row.follows in page) == (row.paper in (paper, "both")), row.id
    assert set(json.loads((tmp_path / "00_letters.json").read_text())["files"]) == {*letters.values()}
    tables = {f"00_findings.{ending}" for ending in ("csv", "md", "tex", "json")}
    assert {path.name for path in tmp_path.iterdir()} == {*letters.values(), *tables, "00_letters.json"}
