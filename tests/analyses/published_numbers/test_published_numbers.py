"""The audit of what the two papers print: t and p values on known samples, by hand, and against a search of the rounding box;
the printed losses; the facts, also on numbers made wrong; the findings, which stand on the facts and quote what is printed."""

import itertools
import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats as scipy_stats
from scipy.special import softmax

from lclstudy import paths
from lclstudy.analyses.losses.circle import CONTRASTIVE
from lclstudy.analyses.published_numbers import facts, findings, loss_forms, rounding, set_d, tables
from lclstudy.analyses.published_numbers.rounding import READINGS, Side
from lclstudy.results import class_sets, corpus_facts, published
from lclstudy.results.frozen import read_frozen
from lclstudy.show.report import Report
from lclstudy.statistics import subsets
from lclstudy.statistics.tests import holm
from tests.material import row_of

FILE = findings.read()
FINDINGS = FILE["finding"]
CELLS, REPORT = published.table("suresh2021"), published.table("modarres")
# Names with digits in them, of corpora, tables, equations and sets, and the symbols of formulas.
NAMES = r"F1|SST-\d|4-(easy|hard-[a-d])|(Tables?|Eq\.|Sections?) [\d.]+|the (8|16)\b|choose 4"
NAMES += r"|10\^|1/C|1/\|P\||2/τ|2A|1 \+ A|[nK] − 1"


@pytest.fixture(scope="module")
def audited():
    return rounding.audit(rounding.printed_tests())


@pytest.mark.parametrize("key", ["welch_sample", "student_population"])
def test_the_ends_are_those_of_a_search_of_the_whole_box(key):
    a, b = Side(58.5, 0.2, 3, 0.05, 0.05), Side(57.1, 1.2, 12, 0.05, 0.05)
    found, reading = rounding.allowed(a, b, READINGS[key]), READINGS[key]
    to_sample = [1 if reading.ddof else math.sqrt(side.n / (side.n - 1)) for side in (a, b)]
    m, x, y = (grid.ravel() for grid in np.meshgrid(*[np.linspace(-0.05, 0.05, 9)] * 3))
    inside = scipy_stats.ttest_ind_from_stats(
        a.mean + m, (a.sd + x) * to_sample[0], a.n, b.mean - m, (b.sd + y) * to_sample[1], b.n, reading.pooled
    )
    assert (found.t_low, found.t_high) == pytest.approx((inside.statistic.min(), inside.statistic.max()))
    assert found.p_low <= inside.pvalue.min() * (1 + 1e-9) and found.p_low == pytest.approx(inside.pvalue.min(), rel=0.02)
    assert found.p_high >= inside.pvalue.max() * (1 - 1e-9) and found.p_high == pytest.approx(inside.pvalue.max(), rel=0.02)


def test_means_that_rounding_makes_equal_allow_p_of_1_and_a_cited_side_makes_a_one_sample_test():
    found = rounding.allowed(Side(88.8, 0.5, 10, 0.05, 0.05), Side(88.8, 0.6, 10, 0.05, 0.05), READINGS["welch_sample"])
    assert found.t == 0 and found.p_high == 1
    sample = np.array([58.2, 58.4, 58.5, 58.6, 58.8])
    true = scipy_stats.ttest_1samp(sample, 58.9)
    for key in ("welch_sample", "student_sample"):
        found = rounding.allowed(Side(58.9, 0.0, math.inf), Side(sample.mean(), sample.std(ddof=1), 5), READINGS[key])
        assert (found.t, found.df, found.p) == pytest.approx((-true.statistic, 4, true.pvalue))


def cut(value, digits):
    """A number cut after so many decimals."""
    return math.trunc(value * 10**digits) / 10**digits


def as_row(a, b, **printed):
    sides = {f"{letter}_{field}": value for letter, side in zip("ab", (a, b), strict=True)
             for field, value in side._asdict().items()}  # fmt: skip
    return {**printed, **sides}


def printed_from(key, shorten, count=25):
    """Tests as a paper that follows a reading would print them, its numbers rounded or cut."""
    reading, rows = READINGS[key], []
    rng = np.random.default_rng(5)
    for number in range(count):
        samples = rng.normal(60.4, 0.25, 5), rng.normal(59.4, 0.6, 5)
        sides = [Side(shorten(x.mean(), 1), shorten(x.std(ddof=reading.ddof), 1), 5, 0.05, 0.05) for x in samples]
        true = scipy_stats.ttest_ind(*samples, equal_var=reading.pooled)
        small = true.pvalue < 0.001
        rows.append(as_row(*sides, table=1, test=str(number), claim="significant", p_relation="<" if small else "=",
                           t_printed=shorten(true.statistic, 2), t_printed_rounding=0.005,
                           p_printed=0.001 if small else shorten(true.pvalue, 3), p_printed_rounding=0.0005))  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("key", "kind", "shorten"), [("welch_sample", "rounded", round), ("student_population", "cut", cut)])
def test_the_true_reading_explains_everything_printed_as_it_was(key, kind, shorten):
    audited = rounding.audit(printed_from(key, shorten))
    true, other = audited[audited["reading"] == key], {"rounded": "cut", "cut": "rounded"}[kind]
    here = true[true["print"] != other]
    assert (here["probability"] > 0).all() and here["t_fits"].all() and here["p_fits"].all()
    assert not (true[true["print"] == other]["probability"] > 0).all()
    compared = rounding.compare_readings(audited).set_index("reading")
    assert compared.loc[key, [f"joint_{kind}", "joint_either", "tests"]].tolist() == [25, 25, 25]
    if kind == "rounded":
        assert compared.index[0] == key
        fits = rounding.degrees_of_freedom(audited)[["fits_welch", "fits_student"]].mean()
        assert fits["fits_welch"] == 1 and fits["fits_student"] < 0.9


def test_the_probability_of_print_is_that_of_a_simulation():
    test = as_row(Side(94.5, 0.2, 5, 0.05, 0.05), Side(94.1, 0.3, 5, 0.05, 0.05), t_printed=math.nan,
                  t_printed_rounding=math.nan, p_printed=0.05, p_printed_rounding=0.005, p_relation="<")  # fmt: skip
    shifts = np.random.default_rng(0).uniform(-0.05, 0.05, (4, 200_000))
    sides = [94.5 + shifts[0], 0.2 + shifts[1], 5, 94.1 + shifts[2], 0.3 + shifts[3], 5]
    p = scipy_stats.ttest_ind_from_stats(*sides, equal_var=False).pvalue
    welch = READINGS["welch_sample"]
    found = rounding.probability_of_print(test, welch)
    assert 0.1 < found < 0.9 and found == pytest.approx((p < 0.05).mean(), abs=0.005)
    assert found + rounding.probability_of_print({**test, "p_relation": ">"}, welch) == pytest.approx(1)
    exact = rounding.probability_of_print({**test, "p_relation": "=", "p_printed": 0.1}, welch)
    assert exact == pytest.approx((abs(p - 0.1) < 0.005).mean(), abs=0.003)


def test_implied_degrees_of_freedom_hold_the_true_ones_up_to_the_ends():
    for t, df in ((2.25, 4.7), (6.42, 17.2), (2.0, 60)):
        p = 2 * scipy_stats.t.sf(t, df)
        low, high = rounding.implied_df(t - 0.005, t + 0.005, round(p, 4) - 0.00005, round(p, 4) + 0.00005)
        assert low <= df <= high
        assert rounding.implied_df(t, t, p, p) == pytest.approx((df, df), rel=1e-6)
    low, high = rounding.implied_df(7.695, 7.705, 0, 0.001)
    assert 2 * scipy_stats.t.sf(7.705, low) == pytest.approx(0.001) and high == math.inf
    assert all(map(math.isnan, rounding.implied_df(1.995, 2.005, 0.0095, 0.0105)))  # the normal distribution has .0455 there
    assert rounding.implied_df(1.955, 1.965, 0.045, 0.055)[1] == math.inf


def test_both_sides_of_every_test_values_worked_by_hand_and_holm_within_each_table(audited):
    printed = rounding.printed_tests()
    assert len(printed) == 33 and printed["test"].is_unique and len(audited) == 33 * len(READINGS) * len(rounding.PRINTS)
    assert printed["a_mean"].notna().all() and printed["b_n"].notna().all() and {*printed.query("table == 3")["a_n"]} == {10}
    assert set(printed.loc[np.isinf(printed["a_n"]), "better"]) == {"sentilare", "skep"}, "those are cited"
    rows = audited[audited["print"] == "rounded"].set_index(["test", "reading"])
    for place, t, p in (
        (("ISEAR: LCL vs CE", "welch_sample"), 7.91, 0.0),
        (("EmoInt: LCL vs CE", "welch_sample"), 2.59, 0.0498),
        (("EmoInt: LCL vs CE", "student_sample"), 2.59, 0.0320),
        (("ISEAR: LCL vs CE", "welch_population"), math.sqrt(50), 0.0001),  # 1.0 / sqrt(2 * 0.2^2 / 4)
    ):
        assert (rows.loc[place, "t"], rows.loc[place, "p"]) == (pytest.approx(t, abs=0.005), pytest.approx(p, abs=0.00006))
    welch = rows.xs("welch_sample", level="reading")
    assert welch.loc["4-hard-a: LCL vs CE", ["p_fits", "p_at_print"]].tolist() == [True, True]
    assert welch.loc["4-easy: CE vs SCL", ["p_fits", "p_at_print"]].tolist() == [True, False]  # p > .15, computed .047
    assert welch.loc["GoEmotions: SCL vs CE", "t"] < 0  # SCL is below cross-entropy there
    # p = .007 printed, .0006 to .004 allowed
    assert not rows.loc[("EmpatheticDialogues: LCL vs SCL", "student_sample"), "p_fits"]
    assert welch["t_fits"].notna().sum() == 15
    adjusted = rounding.multiplicity(audited, "welch_sample")
    for _, family in adjusted.groupby("table"):
        assert family["p_holm"].to_numpy() == pytest.approx(holm(family["p"]))
        assert (family["family"] == len(family)).all()
    assert adjusted["p_holm"].between(adjusted["p_holm_low"], adjusted["p_holm_high"]).all()
    assert (adjusted.loc[adjusted["survives"] == "yes", "p_holm_high"] < 0.05).all()


def test_what_is_needed_and_different_is_shown(audited):
    kinds = {"welch": "Welch's", "student": "Student's", "paired": "paired"}
    degrees, rows = rounding.degrees_of_freedom(audited), tables.differences()
    shown, first = tables.readable_degrees(degrees).iloc[0], degrees.iloc[0]
    assert shown["implied if cut"] == f"{first['cut_low']:.2f} to {first['cut_high']:.2f}"
    assert shown["fits, if rounded"].split(", ") == [said for kind, said in kinds.items() if first[f"fits_{kind}"]]
    assert len(rows) == 14 and rows.iloc[0].tolist()[:3] == ["EmpatheticDialogues", "all", 5]
    assert rows["LCL − CE"].iloc[0].startswith("+1.80 [") and rows.notna().all(axis=None)


def random_rows(rows=9, classes=3, size=4):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, size))
    weights = rng.dirichlet(np.ones(classes), rows)
    return features / np.linalg.norm(features, axis=1, keepdims=True), rng.integers(0, classes, rows), weights


def test_the_printed_terms_are_those_of_the_losses_that_train():
    features, labels, logits = loss_forms.example()
    batches = random_rows(), (features, labels, softmax(logits, axis=1))
    places = zip(loss_forms.PLACES, CONTRASTIVE.values(), strict=True)
    for rows, (place, loss) in itertools.product(batches, places):
        terms = loss_forms.contrastive_terms(*rows, 0.3, place)
        assert np.nanmean(terms) == pytest.approx(loss(*map(torch.as_tensor, rows), 0.3).item())
        alone = [int((rows[1] == label).sum()) == 1 for label in rows[1]]
        assert np.isnan(terms).tolist() == alone, "only a row without positives has no term"


def test_a_row_among_its_own_positives_adds_a_term():
    features, labels, weights = random_rows()
    terms, more = (loss_forms.contrastive_terms(features, labels, weights, 0.3, "none", itself) for itself in (False, True))
    similarity = np.exp(features @ features.T / 0.3)
    own = -np.log(similarity.diagonal() / (similarity.sum(axis=1) - similarity.diagonal()))
    count = (labels[:, None] == labels).sum(axis=1)
    assert more == pytest.approx((np.nan_to_num(terms) * (count - 1) + own) / count)


def test_no_term_is_farther_from_equal_shares_than_the_findings_say():
    features = np.array([[1.0, 0], [1, 0]] + [[-1.0, 0]] * 6)
    for rows, temperature in itertools.product((features, features[::-1]), (0.07, 7, 1000)):
        terms = loss_forms.contrastive_terms(rows, np.arange(8) // 2, np.ones((8, 4)), temperature, "none")  # one positive each
        assert np.abs(terms - math.log(7)).max() <= 2 / temperature


@pytest.fixture(scope="module")
def followed_up():
    return set_d.follow_up(read_frozen("minilm"))


@pytest.fixture(scope="module")
def known(audited, followed_up):
    return facts.facts(audited, followed_up)


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


def test_tables_against_each_other_and_five_runs_among_ten(known):
    rng = np.random.default_rng(1)
    for _ in range(50):
        runs = rng.normal(60, 0.5, 10)
        few, many = (Side(round(x.mean(), 1), round(x.std(ddof=1), 1), len(x), 0.05, 0.05) for x in (runs[:5], runs))
        assert facts.could_be_among(few, many)
    for mean, sd in ((61.0, 0.5), (60.0, 1.0)):
        assert not facts.could_be_among(Side(mean, sd, 5, 0.05, 0.05), Side(60.0, 0.5, 10, 0.05, 0.05))
    assert [one["objective"] for one in known["same_system"]] == ["CE", "SCL", "LCL"]
    moved = facts.table_facts(CELLS.assign(value=CELLS["value"] + 3 * (CELLS["table"] == 3)))["same_system"]
    assert all(one["p"] < 0.05 and not one["among"] for one in moved)
    higher = facts.table_facts(CELLS.assign(value=CELLS["value"] + 5 * (CELLS["split"] == "test")))
    assert higher["splits"]["beyond_all"] and not known["splits"]["beyond_all"]
    high = facts.table_facts(CELLS.assign(value=CELLS["value"].where(CELLS["metric"] != "weighted_f1", 99.0)))
    assert high["f1"]["impossible"] > 0, "no accuracy allows such a weighted F1"


def test_the_largest_class_and_the_steps_of_accuracies_of_few_runs_or_many_digits():
    labels = corpus_facts.table("labels")
    table = facts.majority(REPORT, labels)
    row = row_of(table, system="SCL with ELECTRA base on EmoInt")
    assert (row["largest"], row["texts"], row["near"]) == ("fear", 3142, True)
    assert row["share"] == pytest.approx(100 * 995 / 3142)
    assert row["p"] == pytest.approx(scipy_stats.binomtest(round(0.331 * 3142), 3142, 995 / 3142, alternative="greater").pvalue)
    assert "twitter_sentiment" not in set(table["corpus"])  # no labels at hand
    share = facts.majority(REPORT.query("corpus == 'emoint'").assign(value=31.6), labels)
    assert not share["near"].any()  # 31.67, cut: the share of a class
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
    texts = {name: " ".join(text.split()) for name, text in papers.items()}
    for found in FINDINGS:
        whose = "modarres" if found["paper"] == "both" else found["paper"]
        assert found.get("quote", "") in texts[whose], found["id"]
        assert found.get("beside", "") in texts["suresh2021"], found["id"]


def test_the_table_is_complete_and_what_does_not_add_up_stands_first(found):
    assert len(found) == len(FINDINGS) >= 54 and found["id"].is_unique
    assert list(dict.fromkeys(found["kind"])) == [kind for kind in FILE["kinds"] if kind in set(found["kind"])]
    assert set(found["rests"]) == set(FILE["grounds"]) and set(found["paper"]) == set(FILE["whose"])
    assert found[["place", "said", "follows"]].apply(lambda column: column.str.strip().ne("")).all(axis=None)
    assert not (found["said"] + found["follows"]).str.contains(r"\bnan\b|\binf\b|\{\{|Undefined").any()
    assert "contradiction" not in set(found["kind"]), "a second reading is none, nor what the released code explains"


def test_a_letter_has_every_finding_about_its_paper_and_all_is_saved_with_what_made_it(found, known, tmp_path, monkeypatch):
    said = findings.said(found, known)
    assert f"**{len(found)} findings: 0 contradiction" in said and f"{(found['kind'] == 'open').sum()} open" in said
    monkeypatch.setattr(paths, "figures", lambda profile: tmp_path)
    Report("00_published", "quick", ["data/published/findings.toml"]).save("letter", findings.letters(found))
    letters = {name: f"00_letter_{name}.md" for name in FILE["titles"]}
    for paper, file in letters.items():
        page = (tmp_path / file).read_text("utf-8")
        assert page.startswith(f"# Notes on “{FILE['titles'][paper]}”\n")
        for row in found.itertuples():
            assert (row.follows in page) == (row.paper in (paper, "both")), row.id
    assert set(json.loads((tmp_path / "00_letter.json").read_text())["files"]) == {*letters.values()}
    assert {path.name for path in tmp_path.iterdir()} == {*letters.values(), "00_letter.json"}
