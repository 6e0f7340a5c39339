"""A corpus of one's own: what is said of it, whether LCL helps, and the card that shows it."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from lclstudy.analyses.own_labels import corpus as corpora
from lclstudy.analyses.own_labels import figures, tables
from lclstudy.corpora.load import load_corpus
from lclstudy.plan.profiles import load_profile
from lclstudy.runs import grid, store
from lclstudy.show import text
from lclstudy.statistics import tests
from tests.analyses.helpers import scored_record, yticks
from tests.material import check_readable, made, make_runs, refused

QUICK = load_profile("quick")
LABELS = np.repeat([0, 1, 2], 6)
TEXTS = [f"{('cat', 'dog', 'fox')[label]} text {number}" for number, label in enumerate(LABELS)]


def frame(ce, lcl, **columns) -> pd.DataFrame:
    """Runs as `RunStore.frame` gives them: test accuracies in percent, or `failed`."""
    usual = {"max_length": 64, "parameters": 1e6, "texts_per_second": 50.0, "device": "cpu", "train_limit": pd.NA}
    runs = make_runs({"ce": ce, "lcl": lcl}, "mine", "tiny", failure="the loss became nan", **usual)
    runs["train_seconds"] = runs["objective"].map({"ce": 10.0, "lcl": 30.0})
    return runs.assign(test_weighted_f1=runs["test_accuracy"], **columns).astype({"train_limit": "Int64"})


def record(objective, seed, predictions, classes=("cat", "dog", "fox")):
    """A finished record on `LABELS` whose model gives 0.8 to each of its predictions."""
    return scored_record(QUICK.spec("embedded", objective, seed=seed), classes, LABELS, 0.1 + 0.7 * np.eye(3)[predictions])


def some_records():
    """CE takes two cats for dogs and a fox for a cat; LCL takes one cat for a dog."""
    ce, lcl = [1, 1, *LABELS[2:17], 0], [1, *LABELS[1:]]
    return [record("ce", 0, ce), record("ce", 1, ce), record("lcl", 0, lcl)]


def corpus_of(*classes, train=20):
    counts = pd.DataFrame({"train": train, "validation": 5, "test": 5}, pd.Index(classes, name="class"))
    return corpora.Corpus("mine", counts, repeated=0, conflicting=0, leaked=0)


CATS_AND_DOGS = corpus_of("cat", "dog")


def test_a_run_of_each_loss_per_seed_and_wrong_seeds_and_gains():
    for seeds, numbers in ((" 0, 1,2 ", range(3)), ([0, 1, 2], range(3)), (7, [7])):
        wanted = [QUICK.spec("embedded", name, seed=seed, epochs=2) for seed in numbers for name in ("ce", "lcl")]
        assert corpora.plan(QUICK, "embedded", seeds, epochs=2, encoder=None) == wanted
    wanted = {spec.identity() for spec in corpora.plan(QUICK, "embedded", "0,1,2")}
    assert wanted <= {spec.identity() for spec in QUICK.specs()}, "the default runs are those of the quick profile"
    for seeds in ("", "0,1,1", "0,x", "-1", None, []):
        with refused("seeds must be different whole numbers"):
            corpora.plan(QUICK, "embedded", seeds)
    for gain in (0, 101, "1", True, math.nan):
        with refused("gain must be a number of points"):
            corpora.check_gain(gain)


def test_what_is_in_a_corpus_and_cautions_in_plain_words_but_none_of_a_sound_one(tmp_path):
    sound, fast = (corpora.plan(profile, "embedded", "0,1,2", encoder="minilm") for profile in (load_profile("minilm"), QUICK))
    assert corpora.cautions(CATS_AND_DOGS, sound) == []
    assert "too high for the pre-trained MiniLM" in " ".join(corpora.cautions(CATS_AND_DOGS, fast))
    counts = {("train", "cat"): 102, ("train", "dog"): 12, ("train", "rare"): 1, ("validation", "cat"): 3,
              ("validation", "dog"): 3, ("test", "cat"): 4, ("test", "dog"): 4}  # fmt: skip
    rows = [(f"{split} {label} {number}", label, split) for (split, label), n in counts.items() for number in range(n)]
    rows += [("train cat 3", "cat", "test"), ("train dog 3", "cat", "train")]
    pd.DataFrame(rows, columns=["text", "label", "split"]).to_csv(tmp_path / "mine.csv", index=False)
    corpus = corpora.describe(load_corpus(str(tmp_path / "mine.csv")), "mine")
    assert corpus.counts.loc[["cat", "dog", "rare"]].to_numpy().tolist() == [[103, 3, 5], [12, 3, 4], [1, 0, 0]]
    assert (corpus.repeated, corpus.conflicting, corpus.leaked) == (1, 1, 1)
    assert dict(corpora.corpus_table(corpus).to_numpy())["train texts"] == "116"
    said = "\n".join(corpora.cautions(corpus, corpora.plan(QUICK, "embedded", 0, train_limit=50)))
    for part in ("1 class (rare) has fewer than 10 training texts", "1 class (rare) has no test text", "starts from nothing",
                 "103 times the training texts of the smallest", "Test texts that are training texts too: 1.",
                 "Texts that have two or more labels: 1.", "Fewer than 3 seeds decide",
                 "train_limit keeps at most 50"):  # fmt: skip
        assert part in said


def test_of_many_classes_the_smallest_are_shown():
    corpus = corpus_of("غضب", *(f"c{n}" for n in range(1, 100)), train=np.arange(100, 0, -1))
    shown = corpora.class_table(corpus)
    assert list(shown["class"]) == [*(f"c{n}" for n in range(99, 84, -1)), "غضب"], "and one that a figure calls by its number"
    caution = corpora.cautions(corpus, corpora.plan(QUICK, "embedded", "0,1,2"))[0]
    assert "9 classes (c91, c92, c93, c94, c95 and 4 more) have" in caution


def test_foresight_says_what_the_seeds_and_the_texts_can_see(monkeypatch):
    parts = [make_runs(scores, corpus, "tiny") for corpus, scores in
             (("emoint", {"ce": [60, 61, 62], "lcl": [64, 66]}), ("isear", {"ce": [50]}))]  # fmt: skip
    monkeypatch.setattr(corpora, "frozen_names", lambda: ["mine"])
    monkeypatch.setattr(corpora, "read_frozen", lambda name: made(*parts, name=name))
    spread = corpora.usual_spread("tiny")
    assert spread == pytest.approx(math.sqrt((1 + 1 + 2) / (2 + 1))) and math.isnan(corpora.usual_spread("electra-base"))
    said = corpora.foresight(corpora.plan(QUICK, "embedded", "0,1,2"), CATS_AND_DOGS, 1.0)
    told = re.search(rf"\({spread:.2f} points\), see a true gain of (.+?) points", said)
    assert tests.power(float(told[1]), spread, 3, spread, 3) == pytest.approx(0.8, abs=0.03)
    assert "±31.0" in said
    assert "seeds of each loss" not in corpora.foresight(corpora.plan(QUICK, "embedded", 0), CATS_AND_DOGS, 1.0)


def test_the_answer_in_plain_words():
    for ce, lcl, said in (
        ((60, 61, 62), (70, 71, 72), "LCL is better than CE (3 runs each)."),
        ((70, 71, 72), (60, 61, 62), "LCL is worse than CE (3 runs each)."),
        ((60.0, 60.1, 60.2), (60.1, 60.0, 60.2), "LCL does not gain the 1 point that would matter (3 runs each)."),
        ((60, 61, 62), (70, 71, "failed"), "Whether LCL is better than CE is undecided (3 and 2 runs)."),
        ((60,), ("failed",), "Not both losses have run (1 and 0 runs)."),
    ):
        assert tables.answer(frame(ce, lcl), 1.0) == said


def test_the_results_are_those_of_welch_and_each_interval_is_named():
    ce, lcl = (60, 61, 63), (64, 66, 65)
    test, shown = tests.welch(lcl, ce), tables.results_table(frame(ce, lcl), some_records(), 1.0)
    first = shown.iloc[0]
    assert first["CE: mean (SD), n"] == "61.3 (1.5), 3"
    assert first["LCL − CE (points) over seeds"] == f"+3.67 [{test.ci_low:.2f}, {test.ci_high:.2f}]"
    assert first["p"] == f"{test.p:.3f}" and first["paired by seed"] == text.difference(tests.paired(lcl, ce))
    assert first["over test texts"].startswith("+11.11 [") and shown.iloc[1]["over test texts"] == "–"


def test_one_loss_alone_is_not_compared_and_what_went_wrong_is_said():
    half = frame((60, 61), ("failed", "failed"))
    assert tables.judged(half, 1.0).word == "not run" and tables.cost(half) is None
    shown = tables.results_table(half, some_records()[:2], 1.0).iloc[0]
    assert shown["LCL: mean (SD), n"] == "not run" and shown["p"] == "–"
    assert tables.notes(half) == [f"LCL, seed {seed} failed: the loss became nan" for seed in (0, 1)]
    cut = frame((60,), (61,), note_truncated_train=1200, note_truncated_test=0)
    assert tables.notes(cut) == ["1,200 train texts are longer than 64 tokens and were cut: give a larger max_length."]


def test_cost_is_of_the_median_run():
    runs = frame((60, 61, 62), (63, 64, 65))
    runs.loc[runs["objective"] == "ce", "train_seconds"] = [10.0, 10.0, 100.0]
    assert tables.cost(runs) == 3


def test_confusions_and_pairs():
    found = some_records()
    assert tables.confusion(found).tolist() == [[13, 5, 0], [0, 18, 0], [2, 0, 16]]
    assert tables.confusion(found, "lcl").tolist() == [[5, 1, 0], [0, 6, 0], [0, 0, 6]]
    nearest = tables.pairs(found)
    assert nearest.drop(columns="share").to_numpy().tolist() == [["cat", "dog", 2, 1], ["cat", "fox", 1, 0]]
    assert nearest["share"].tolist() == pytest.approx([100 * 5 / 36, 100 * 2 / 36])
    shown = tables.pairs_table(found, TEXTS)
    assert shown[["an example", "its label"]].to_numpy().tolist() == [["cat text 0", "cat"], ["fox text 17", "fox"]]
    right = [record(name, 0, LABELS) for name in ("ce", "lcl")]
    assert tables.pairs_table(right, TEXTS).empty and tables.over_texts(right).difference == 0


def said(runs, found=None, corpus=CATS_AND_DOGS):
    facts = tables.facts(corpus, runs, found or some_records(), 1.0)
    return text.words("analyses/own_labels/said.md.j2", **facts)


def test_findings():
    told = said(frame((80, 81, 82), (80, 84, 85)))
    for part in ("undecided (3 runs each)", "CE 81.0 %, LCL 83.0 %", "+2.00 [", "Most confused: cat and dog",
                 "roughly 3.0 times as long", "in 8 of 10 studies", "largest class would"):  # fmt: skip
        assert part in told
    assert told.index("starts from nothing") < told.index("undecided"), "the caution stands before the headline"
    clear = said(frame((80, 81, 82), (90, 91, 92), encoder="minilm"))
    assert clear.startswith("**LCL is better than CE (3 runs each).**")
    assert said(frame((50, 51), (52, 53))).startswith("**Nothing was learnt yet:**")
    found = some_records()
    for one, ends in zip(found, ((0.5, 0.7), (0.5, 0.71), (0.7, 0.7)), strict=True):
        one.epochs[:] = [{"epoch": epoch, "validation_accuracy": value} for epoch, value in enumerate(ends, 1)]
    assert tables.not_converged(found) == ["CE"]
    assert said(frame((80, 81, 82), (90, 91, 92)), found).startswith("**Not converged:**")


def test_labels_are_shown_letter_by_letter():
    """In sentences, too, they are neither Markdown nor HTML."""
    found = [record(name, 0, [1, 1, *LABELS[2:]], ("<b>cat", "a|b", "fox")) for name in ("ce", "lcl")]
    assert r"Most confused: &lt;b>cat and a\|b (" in said(frame((80, 81), (82, 83)), found)
    caution = corpora.cautions(corpus_of("cat", "<i>", train=[20, 1]), corpora.plan(QUICK, "embedded", 0))[0]
    assert "1 class (&lt;i>) has fewer" in caution


def card(classes, confusion, ce=(60, 61, 63), lcl=(64, 66, 65)):
    facts = tables.card_facts(corpus_of(*classes), frame(ce, lcl), some_records(), 1.0)
    return figures.card(**{**facts, "classes": classes, "confusion": {"ce": confusion, "lcl": confusion.T}})


def test_the_card_can_be_read_of_many_classes_a_failed_loss_any_characters_and_a_thousand_classes(recwarn):
    for classes, ce, lcl in (
        ([f"a rather long class name {n}" for n in range(15)], (60, 61, 63), (64, 66, 65)),
        (["cat", "dog", "fox"], (60, 60.2), ("failed", "failed")),
        (["$5", "_x_ $", "🦊", "غضب", "怒り", "{a}"], (60.0, 60.1, 60.2), (60.1, 60.1, 60.3)),
    ):
        confusion = 30 * np.eye(len(classes), dtype=int) + np.random.default_rng(0).integers(0, 4, [len(classes)] * 2)
        confusion[1] = 0  # a class without texts
        check_readable(card(classes, confusion, ce, lcl))
    confusion = 5 * np.eye(1000, dtype=int)
    confusion[3, 4] = 2
    figure = card([f"a rather long class name {n}" for n in range(1000)], confusion)
    check_readable(figure)
    assert yticks(figure.axes[-1]) == ["a rather long cla…\na rather long cla…"], "the pairs most often confused"
    assert not [str(warning.message) for warning in recwarn if "Glyph" in str(warning.message)]


def test_from_a_file_with_emoji_and_arabic_to_the_answer(tmp_path):
    texts = {"🦊": "what a lovely day 😀 number {}", "غضب": "هذا سيئ جدا {}", 'blue, and "odd"': "rain, rain {}"}
    path = tmp_path / "feelings.jsonl"
    rows = [{"text": text.format(number), "label": label} for number in range(12) for label, text in texts.items()]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    specs = corpora.plan(QUICK, str(path), 0, epochs=1, augment="dropout", train_limit=20)
    runs = store.RunStore(tmp_path / "runs")
    with refused("No run finished"):
        tables.records(specs, runs)
    assert grid.run_missing(specs, runs, "serial", device="cpu").done == 2
    corpus, table, found = corpora.describe(load_corpus(str(path)), "feelings"), runs.frame(specs), tables.records(specs, runs)
    assert "undecided (1 run each)" in said(table, found, corpus)
    facts = tables.card_facts(corpus, table, found, 1.0)
    what = "36 texts (at most 20 to train on), 3 classes; tiny encoder (from nothing), 1 seed per loss"
    assert facts["title"] == f"feelings: {what}"
    check_readable(figures.card(**facts))
