"""The findings: every check on numbers made wrong and made right, the rule of certainty, and the quotes against the papers."""

import math
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lclstudy import paths
from lclstudy.analyses.published_numbers import finding, paper, report, rounding
from lclstudy.analyses.published_numbers.finding import Finding
from lclstudy.analyses.published_numbers.rounding import Side
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.results import corpus_facts, published

PAPER, REPORT = "suresh2021", "modarres"


@pytest.fixture(scope="module")
def audited():
    return rounding.audit(rounding.printed_tests())


@pytest.fixture(scope="module")
def found(audited):
    return finding.frame([*paper.findings(audited), *report.findings()])


def one(findings):
    (only,) = findings
    return only


# --- the rule


@pytest.mark.parametrize("kind", finding.KINDS)
@pytest.mark.parametrize("rests", finding.RESTS_ON)
def test_certainty_follows_its_rule(kind, rests):
    expected = "cannot tell" if kind in ("open", "rounding") else "certain" if rests == "printed" else "likely"
    assert finding.certainty(kind, rests) == expected


def test_unknown_kinds_are_told():
    with pytest.raises(StudyError, match="Unknown kind of finding 'contradicts'"):
        finding.certainty("contradicts", "printed")
    with pytest.raises(StudyError, match="Unknown ground of a finding 'data'"):
        finding.frame([Finding(PAPER, "", "", "", "open", "data")])


def test_what_does_not_add_up_stands_first():
    table = finding.frame(
        Finding(PAPER, str(n), "", "", kind) for n, kind in enumerate(("open", "consistent", "contradiction", "open"))
    )
    assert table["place"].tolist() == ["2", "1", "0", "3"]
    assert table["sure"].tolist() == ["certain", "certain", "cannot tell", "cannot tell"]


def test_numbers_are_said_with_a_minus_sign():
    assert (finding.number(0.0498), finding.number(12.3), finding.number(-0.0498, 3)) == ("0.05", "12.30", "−0.0498")
    assert (finding.signed(0.7), finding.signed(-0.2)) == ("+0.7", "−0.2")


def test_quotes_are_shown_without_mark_up():
    assert finding.quoted("a set<sup>2</sup>, and another<sup>3</sup>") == "“a set, and another”"
    assert finding.quoted(r"\frac{1}{2}") == r"`\frac{1}{2}`"


def test_every_statement_stands_in_its_paper():
    folder = os.environ.get("LCLSTUDY_PAPERS", "").strip()
    texts = [path.read_text("utf-8") for path in sorted((paths.ROOT / Path(folder)).glob("*.txt"))] if folder else []
    squeezed = [re.sub(r"\s+", " ", text) for text in texts]
    titles = {PAPER: "Not All Negatives are Equal", REPORT: "Happy is Farther From Sad Than Joyful"}
    by_paper = {name: text for name, title in titles.items() for text in squeezed if title in text[:250]}
    if set(by_paper) != set(titles):
        pytest.skip("needs the texts of both papers: set LCLSTUDY_PAPERS to their folder")
    for key, row in finding.statements().items():
        assert re.sub(r"\s+", " ", row["quote"]) in by_paper[row["paper"]], key


def test_statements_are_named_once_and_all_used():
    table = pd.read_csv(paths.published() / "statements.csv")
    assert table["key"].is_unique and table.notna().all(axis=None)
    folder = paths.PACKAGE / "analyses" / "published_numbers"
    source = "".join((folder / f"{name}.py").read_text("utf-8") for name in ("paper", "report"))
    assert [key for key in table["key"] if f'"{key}"' not in source and f"'{key}'" not in source] == []


# --- the paper


def test_shared_classes_are_found():
    sets = published.class_sets()
    assert "guilty in both 4-hard-c and 4-hard-d" in one(paper.disjoint_sets(sets)).follows
    apart = {**sets, "4-hard-d": ("anticipating", "excited", "hopeful", "grateful")}
    assert one(paper.disjoint_sets(apart)).kind == "consistent"


def test_overlap_of_the_random_sets_is_found():
    sets = published.class_sets()
    kind, follows = one(paper.partition(sets))[4], one(paper.partition(sets)).follows
    assert kind == "contradiction" and "these share 6 (afraid, angry, disgusted, proud, sad, surprised)" in follows
    assert "ashamed, guilty of the 8 are not in the 16" in follows
    draws = np.random.default_rng(0).permuted(np.tile(np.arange(32), (20_000, 1)), axis=1)[:, :8]
    chance = float(re.search(r"probability (\d\.\d+)", follows)[1])
    assert chance == pytest.approx(((draws < 16).sum(axis=1) >= 6).mean(), abs=0.02)
    assert one(paper.partition({**sets, "8": sets["16"][:8]})).kind == "consistent"


def test_wrong_members_and_counts_are_found():
    sets = published.class_sets()
    assert one(paper.membership(sets)).kind == "consistent"
    wrong = one(paper.membership({**sets, "8": (*sets["8"][:6], "bored")}))
    assert wrong.kind == "contradiction" and "8: bored" in wrong.follows and "8 has 7" in wrong.follows


def test_combinations_and_sizes():
    assert (one(paper.combinations()).kind, "35,960" in one(paper.combinations()).follows) == ("consistent", True)
    sizes = {row.said.partition(":")[0]: row for row in paper.split_sizes()}
    assert "−1,731, −9, −6" in sizes["EmpatheticDialogues"].follows
    assert "+1, +1, +1. The same in every split" in sizes["EmoInt"].follows
    assert sizes["Sizes of the splits of GoEmotions, ISEAR, SST-5, SST-2"].kind == "consistent"


def test_neutral_sentences_are_counted():
    labels = corpus_facts.table("labels")
    assert one(paper.neutral_sentences(labels)).kind == "consistent"
    more = labels.assign(rows=labels["rows"] + (labels["label"] == "neutral"))
    assert one(paper.neutral_sentences(more)).kind == "contradiction"


def test_five_runs_among_ten():
    rng = np.random.default_rng(1)
    for _ in range(50):
        runs = rng.normal(60, 0.5, 10)
        few, many = (Side(round(x.mean(), 1), round(x.std(ddof=1), 1), len(x), 0.05, 0.05) for x in (runs[:5], runs))
        assert paper.could_be_among(few, many)
    assert not paper.could_be_among(Side(61.0, 0.5, 5, 0.05, 0.05), Side(60.0, 0.5, 10, 0.05, 0.05))
    assert not paper.could_be_among(Side(60.0, 1.0, 5, 0.05, 0.05), Side(60.0, 0.5, 10, 0.05, 0.05))
    assert not paper.could_be_among(Side(60.0, 0.5, 12), Side(60.0, 0.5, 10))
    assert paper.could_be_among(Side(60.0, 0.5, 10), Side(60.0, 0.5, 10))


def test_the_same_system_twice_is_compared():
    cells = published.table(PAPER)
    assert one(paper.same_system(cells)).kind == "consistent"
    moved = cells.assign(value=cells["value"] + 3 * (cells["table"] == 3))
    assert one(paper.same_system(moved)).kind == "contradiction"
    assert "cannot be among" in one(paper.same_system(moved)).follows


def test_reversed_orders_are_found():
    told = [row.follows for row in paper.orders(published.table(PAPER))]
    assert any(text.startswith("GoEmotions, LCL − CE: validation −0.2 points") and "test +0.7 points" in text for text in told)
    assert any(text.startswith("ISEAR, SCL − CE: validation +0.5") for text in told)
    assert told[-1].startswith("2 more pairs")


def test_validation_against_test():
    cells = published.table(PAPER)
    usual = one(paper.between_splits(cells))
    assert usual.kind == "consistent" and "17 of 18 pairs" in usual.follows and "SST-5 CE +3.8 points" in usual.follows
    higher = cells.assign(value=cells["value"] + 5 * (cells["split"] == "test"))
    assert one(paper.between_splits(higher)).kind == "open"


def test_weighted_f1_bound():
    rng = np.random.default_rng(0)
    from sklearn.metrics import accuracy_score, f1_score

    for _ in range(200):  # the bound that the check uses holds for any labels and predictions
        labels, predictions = rng.integers(0, 4, 12), rng.integers(0, 4, 12)
        accuracy = accuracy_score(labels, predictions)
        assert f1_score(labels, predictions, average="weighted", zero_division=0) <= 2 * accuracy / (1 + accuracy) + 1e-12
    cells = published.table(PAPER)
    assert one(paper.weighted_f1(cells)).kind == "consistent"
    high = cells.assign(value=cells["value"].where(cells["metric"] != "weighted_f1", 99.0))
    assert one(paper.weighted_f1(high)).kind == "contradiction"


def test_the_tests_that_nothing_explains(audited):
    row = one(paper.unexplained(audited))
    assert row.said == "GoEmotions: LCL vs CE: t = 4.32, p = 0.002" and "more than 8" in row.follows
    fitting = audited.assign(probability=1.0)
    assert paper.unexplained(fitting) == []


def test_statements_that_only_rounding_saves(audited):
    told = {row.said: row for row in paper.only_by_rounding(audited)}
    assert told["4-easy: CE vs SCL: p > 0.15"].kind == "rounding"
    assert not any(said.startswith("4-hard") for said in told)
    never = audited.assign(p_fits="never", p_at_printed=False)
    assert {row.kind for row in paper.only_by_rounding(never)} == {"not derivable"}


def test_decisions_that_hang_on_the_reading(audited):
    told = {row.said.partition(": t")[0]: row.follows for row in paper.decisions(audited)}
    assert "0.0498 (Welch, SD over n − 1)" in told["EmoInt: LCL vs CE"]
    assert "ISEAR: LCL vs CE" not in told


def test_sentences_against_their_own_tests(audited):
    assert "p = 0.02" in one(paper.same_sentence(audited)).follows
    assert re.findall(r"(\S+): LCL vs CE", one(paper.all_tasks(audited)).follows) == ["EmoInt", "SST-5"]
    assert paper.all_tasks(audited.assign(claim="significant")) == []


def test_high_deviations_as_a_reason(audited):
    hard, sst5 = paper.reasons_of_spread(audited)
    assert (hard.kind, sst5.kind) == ("not derivable", "consistent")


def test_likelihoods_are_compared_where_both_explain():
    frame = pd.DataFrame(
        {"test": list("xxyyzz"), "reading": list("abababab")[:6], "probability": [0.1, 0.01, 0.2, 0.2, 0.0, 0.5]}
    )
    assert paper.likelihood_ratio(frame, "a", "b") == (pytest.approx(1.0), 2)


def test_published_differences_and_printed_tables():
    rows = paper.published_differences()
    assert rows["label"].nunique() == 14 and len(rows) == 28
    row = rows[(rows["label"] == "EmoInt, 4 classes (n = 5)") & (rows["b"] == "ce")].iloc[0]
    assert row["difference"] == pytest.approx(1.1) and row["ci_low"] > 0
    table = paper.as_printed(published.table(PAPER, 2)).set_index("trained or cited")
    assert table.loc["ELECTRA base + LCL (Ours)", "SST-5, Acc"] == "58.5 (0.2)"
    assert table.loc["SKEP (Tian et al., 2020a)", "SST-5, Acc"] == ""
    assert paper.as_printed(published.table(REPORT, 2)).iloc[0, -1] == "76"


# --- the report


def test_text_against_table():
    cells, numbers = published.table(REPORT), published.text_numbers(REPORT)
    wrong, right = report.text_against_table(cells, numbers)
    assert wrong.said == "55 % for ELECTRA base on SST-5" and wrong.kind == "contradiction"
    assert right.kind == "consistent" and "BERT base on EmoInt" in right.said
    mended = numbers.assign(
        value=numbers["value"].where(numbers["quantity"] + numbers["subject"] != "accuracy_electra-basesst5", 55.6)
    )
    assert [row.kind for row in report.text_against_table(cells, mended)] == ["consistent"]


@pytest.mark.parametrize(("value", "half"), [(55.0, 0.5), (56.4, 0.05), (0.07, 0.005), (100, 0.5)])
def test_half_units(value, half):
    assert report.half_unit(value) == pytest.approx(half)


def test_repeated_values_are_found():
    cells = published.table(REPORT)
    assert one(report.repeated_values(cells)).said == "ELECTRA base + SCL: 56.8 on EmpatheticDialogues and GoEmotions"
    assert report.repeated_values(cells.assign(value=np.arange(len(cells), dtype=float))) == []


def test_the_largest_class():
    table = report.majority(published.table(REPORT), corpus_facts.table("labels")).set_index(["corpus", "objective", "encoder"])
    row = table.loc[("emoint", "scl", "electra-base")]
    assert (row["largest"], row["texts"]) == ("fear", 3142) and row["share"] == pytest.approx(100 * 995 / 3142)
    assert row["low"] < 33.1 < row["high"]
    from scipy.stats import binomtest

    exact = binomtest(round(0.331 * 3142), 3142, 995 / 3142, alternative="greater").pvalue
    assert row["p"] == pytest.approx(exact)
    assert "twitter_sentiment" not in table.index.get_level_values("corpus")  # no labels at hand


def test_accuracies_near_the_largest_class():
    table = report.majority(published.table(REPORT), corpus_facts.table("labels"))
    told = report.near_majority(table)
    assert [row.said.partition(":")[0] for row in told[:-1]] == [
        "SCL with ELECTRA base on EmoInt",
        "LCL with ELECTRA base on EmoInt",
        "CE with mBERT on ParsiNLU sentiment",
        "LCL with mBERT on ParsiNLU sentiment",
    ]
    assert all("No class has this share" in row.follows for row in told[:-1]) and told[-1].kind == "consistent"
    stuck = table.assign(value=table["share"].round(1), value_rounding=0.05, nearest_share=table["share"])
    assert all("equals the share" in row.follows for row in report.near_majority(stuck))


def test_possible_means_against_all_counts():
    for texts, runs in ((13, 1), (7, 5), (31, 2)):
        means = {round(100 * right / (texts * runs), 1) for right in range(texts * runs + 1)}
        for tenth in range(1001):
            value = tenth / 10
            near = any(abs(100 * right / (texts * runs) - value) <= 0.05 + 1e-9 for right in range(texts * runs + 1))
            assert report.can_be(value, 0.05, texts, runs) == near
            assert report.can_be(value, 0.05, texts, runs) or value not in means


def test_granularity_says_when_it_can_exclude_nothing():
    row = one(report.granularity(published.table()))
    assert row.kind == "consistent" and row.follows.endswith("the check can exclude none.")
    few = published.table(PAPER, 5).assign(n=1, value=70.05, value_rounding=0.001)
    assert one(report.granularity(few)).kind == "contradiction"


def test_the_loss_findings_hold_on_the_example():
    assert [row.kind for row in report.weight_softmax()] == ["contradiction"]
    assert "6 of 6 terms are logarithms of negative numbers" in one(report.weight_logits()).follows
    assert "moves the sum by 0.00" in one(report.weight_place()).follows
    low, high = re.search(r"from ([\d.]+) to ([\d.]+) nats", one(report.own_positive()).follows).groups()
    assert float(high) < float(low)
    widest, best = report.temperatures(published.text_numbers(REPORT))
    assert "0.002 at 1000" in widest.follows and "0.2 nats" in best.follows


def test_other_checks_of_the_report():
    cells, numbers = published.table(REPORT), published.text_numbers(REPORT)
    assert "127,600" in one(report.articles(numbers)).follows
    assert sum(catalog.corpora()["ag_news"].counts.values()) == 127_600
    assert one(report.stuck(cells, numbers)).kind == "rounding"
    assert one(report.other_encoder(cells)).kind == "contradiction"
    assert report.other_encoder(cells[cells["encoder"] != "mbert"]) == []


# --- all together


def test_every_finding_is_complete(found):
    assert len(found) > 40 and set(found["kind"]) == set(finding.KINDS)
    assert not found.duplicated(["place", "said", "follows"]).any()
    for column in ("paper", "place", "said", "follows", "sure"):
        assert found[column].str.strip().ne("").all(), column
    assert not found["follows"].str.contains("nan|inf ").any()
    assert set(found["paper"]) == {PAPER, REPORT, "both"}


def test_the_words_count_what_the_tables_hold(audited, found):
    readings, degrees = rounding.compare_readings(audited), rounding.degrees_of_freedom(audited)
    lines = finding.in_words(found, readings, degrees, rounding.multiplicity(audited, readings.iloc[0]["reading"]))
    assert lines[0].startswith(f"{len(found)} findings: {(found['kind'] == 'contradiction').sum()} contradiction")
    assert f"in {readings.iloc[0]['t_inside']} of 15 tests" in lines[1]
    assert len(lines) == 4 + found["kind"].isin(["contradiction", "not derivable"]).sum()
    assert math.isfinite(readings["log10_probability"].iloc[0])
