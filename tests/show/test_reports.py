"""What notebooks say of runs: small tables by hand, and sentences that follow from the numbers."""

import numpy as np
import pandas as pd
import pytest

from lclstudy.plan.spec import make_spec
from lclstudy.results import published
from lclstudy.results.records import Record
from lclstudy.runs import store
from lclstudy.runs.store import RunStore
from lclstudy.show import reports, tables
from tests.material import EMOINT, make_runs

CLASSES = ("joyful", "proud", "angry")


def record_of(objective="lcl", seed=0, **settings):
    """Six test texts, four right; one is taken for another class with confidence 0.9, one with 0.5."""
    spec = make_spec("embedded", objective, encoder="tiny", seed=seed, **settings)
    test = np.array([[8, 1, 1], [1, 8, 1], [1, 1, 8], [1, 9, 0], [5, 2, 3], [1, 1, 8]], np.float32) / 10
    epochs = [{"epoch": 1, "loss": 1.0, "validation_accuracy": 1.0}]
    measures = dict(seconds=2.5, train_seconds=2, texts_per_second=1234.5, peak_memory_bytes=5e8, steps=72, parameters=912_000)
    return Record(spec, CLASSES, epochs=epochs, best_epoch=1, validation_probabilities=np.eye(3, dtype=np.float32),
                  validation_labels=np.arange(3), test_probabilities=test, test_labels=np.array([0, 1, 2, 0, 1, 2]),
                  measures=measures, device="cpu")  # fmt: skip


def value_of(table, key, column):
    found = table[table.iloc[:, 0] == key]
    assert len(found) == 1, f"{len(found)} rows of {key}"
    return found[column].item()


def test_every_setting_is_told_with_its_meaning():
    spec = make_spec("embedded", "scl", encoder="tiny", classes=["joyful", "proud"])
    table = reports.settings(spec)
    assert list(table["setting"]) == list(vars(spec))
    assert value_of(table, "classes", "value") == "joyful, proud"
    assert value_of(table, "train_limit", "value") == "all"
    assert value_of(table, "alpha", "value") == str(spec.alpha)
    assert table["what it is"].str.len().min() > 0


def test_a_setting_that_the_objective_never_reads_says_so():
    table = reports.settings(make_spec("embedded", "ce"))
    assert value_of(table, "temperature", "value") == "not used by CE"
    assert value_of(table, "learning_rate", "value") == "2e-05"


def test_a_corpus_of_ones_own_is_told_without_its_folder(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\nhello,a\n")
    assert value_of(reports.settings(make_spec(str(path), "ce")), "corpus", "value") == "mine"


def test_scores_by_hand():
    table = reports.scores(record_of())
    assert value_of(table, "accuracy (%)", "test") == f"{100 * 4 / 6:.1f}"
    assert value_of(table, "accuracy (%)", "validation") == "100.0"
    assert value_of(table, "mean confidence (%)", "test") == f"{100 * (4 * 0.8 + 0.9 + 0.5) / 6:.1f}"
    assert value_of(table, "texts", "test") == "6"
    assert value_of(table, "calibration error (points)", "validation") == "0.0"


def test_confused_pairs_by_hand():
    confusion = np.array([[6, 3, 1], [1, 8, 1], [0, 0, 10]])
    table = reports.confused(confusion, CLASSES, count=2)
    assert table.iloc[0].tolist() == ["joyful", "proud", 3, 1, 20.0]
    assert len(table) == 2
    assert list(reports.confused(np.eye(3), CLASSES)) == list(table), "no confusion, and still a table"


def test_confident_errors_by_hand():
    texts = ["a", "b", "c", "word " * 100, "e", "f"]
    table = reports.confident_errors(record_of(), texts, width=20)
    assert table.iloc[1].tolist() == ["e", "proud", "joyful", 50.0]
    assert (table["true class"][0], table["predicted class"][0], table["confidence (%)"][0]) == ("joyful", "proud", 90.0)
    assert len(table["text"][0]) <= 20 and table["text"][0].endswith(" …")


def test_cost_by_hand():
    table = reports.cost(record_of())
    assert table["value"].tolist() == ["cpu", "2.5", "2.0", "1,234", "500", "72", "0.91"]


def test_the_finding_of_a_run():
    said = reports.run_findings(record_of())
    assert said[0].startswith("embedded lcl tiny seed 0: 66.7% of 6 test texts right")
    assert "33.3%" in said[1]
    assert said[2] == "Nearest classes: joyful and proud, with 2 of 2 errors."


@pytest.fixture
def frame(tmp_path):
    """Two finished runs, one failed, one never run."""
    runs = RunStore(tmp_path)
    specs = [make_spec("embedded", "lcl", encoder="tiny", seed=seed) for seed in range(4)]
    for seed in (0, 1):
        runs.save(record_of(seed=seed))
    runs.save(Record(specs[2], (), status="failed", failure="NonFiniteLoss: loss became nan"))
    return runs.frame(specs)


def test_runs_show_a_status_and_no_number_without_a_result(frame):
    table = reports.runs(frame)
    assert table["status"].tolist() == ["done", "done", "failed", "not run"]
    assert table["test accuracy (%)"].tolist()[:2] == [66.7, 66.7]
    assert table["test accuracy (%)"].isna().tolist() == [False, False, True, True]
    assert table["best epoch"].tolist() == ["1 of 5", "1 of 5", "–", "–"]
    assert "classes" not in table
    subset = reports.runs(frame.assign(classes=["joyful|proud", "", "", ""]))
    assert subset["classes"].tolist() == ["joyful|proud", "all", "all", "all"]


def test_runs_that_never_ran_are_shown_too(tmp_path):
    table = reports.runs(RunStore(tmp_path).frame([make_spec("embedded", "ce")]))
    assert table["status"].tolist() == ["not run"]
    assert table["seconds"].isna().all()


def test_failures_are_a_line_each(frame):
    assert reports.failures(frame) == ["Embedded, LCL, tiny, seed 2: NonFiniteLoss: loss became nan"]
    assert reports.failures(frame[frame["status"] == "done"]) == []


def test_the_finding_of_a_grid(frame):
    assert reports.grid_findings(frame) == [
        "2 of 4 runs finished, 1 failed.",
        "Embedded, tiny: test accuracy (%) LCL 66.7 (0.0); n = 2.",
    ]


def test_holdings_say_what_is_there_and_that_the_encoder_is_another(tmp_path):
    runs = RunStore(tmp_path / "runs")
    specs = [make_spec(corpus, "ce", encoder="minilm", seed=0) for corpus in ("emoint", "isear")]
    done = record_of()
    done.spec = specs[0]
    runs.save(done)
    said = reports.holdings(store.read_frozen(runs.freeze(tmp_path / "mine", specs), specs))
    assert said[:3] == [
        "Results shown: mine, 1 of 2 planned runs on all classes finished.",
        "EmoInt with MiniLM, runs per objective: CE (1).",
        "Planned, but not run: ISEAR.",
    ]
    assert "are of ELECTRA base, not of MiniLM" in said[3]


def test_holdings_of_the_papers_encoder_or_of_a_corpus_of_ours_warn_of_nothing(tmp_path):
    runs = RunStore(tmp_path / "runs")
    ours, papers = record_of(), record_of()
    papers.spec = make_spec("emoint", "ce", seed=0)
    for record in (ours, papers):
        runs.save(record)
    said = reports.holdings(store.read_frozen(runs.freeze(tmp_path / "mine", [ours.spec, papers.spec])))
    assert len(said) == 3


@pytest.mark.parametrize(
    ("corpus", "pair", "said"),
    [
        ("emoint", ("lcl", "scl"), "LCL > SCL: t = 5.34, p < .001"),
        ("emoint", ("lcl", "ce"), "LCL > CE: t = 2.25, p = .078"),
        ("isear", ("scl", "ce"), "CE > SCL: t = 3.34, p = .02"),
        ("sst2", ("lcl", "ce"), "LCL > CE: p = .78"),
        ("emoint", ("lcl", "ce_aug"), "not reported"),
        ("embedded", ("lcl", "ce"), "not reported"),
    ],
)
def test_published_tests_are_told_as_printed(corpus, pair, said):
    assert reports.published_tests(published.significance_tests(), corpus, *pair) == said


SCORES = {"ce": [84.0, 84.2, 84.1], "scl": [84.0, 85.0, 84.6], "lcl": [86.0, 86.1, 86.3]}


def test_differences_have_the_published_ones_beside_them():
    ours = tables.comparisons(make_runs(SCORES), [("lcl", "ce"), ("lcl", "scl")])
    shown = reports.differences(ours, tables.published_comparisons(EMOINT), published.significance_tests())
    assert shown["Published difference"].tolist() == ["+1.10", "–"]
    assert shown["Published test"][0] == "LCL > CE: t = 2.25, p = .078"
    nothing = reports.differences(ours, tables.published_comparisons(EMOINT.iloc[:0]), published.significance_tests())
    assert list(nothing) == list(tables.readable_comparisons(ours))


def test_the_findings_follow_from_the_numbers():
    runs = pd.concat([make_runs(SCORES), make_runs({"lcl": ["not run"]}, corpus="isear")])
    results, ours = tables.main_results(EMOINT, runs), tables.comparisons(runs)
    said = reports.findings(results, ours, tables.published_comparisons(EMOINT))
    assert said[1] == "EmoInt, MiniLM: test accuracy (%) LCL 86.1 (0.2), SCL 84.5 (0.5), CE 84.1 (0.1); n = 3."
    assert said[2].startswith("  LCL − CE: +2.03 points [")
    assert said[2].endswith(", p (Holm) < 0.001, a difference; published +1.10 (ELECTRA base).")
    assert said[3].startswith("  LCL − SCL: ") and "published" not in said[3]
    assert said[-1] == "Planned, but not run: ISEAR."
    assert len(said) == 5, "no line for what is not tested"


def test_a_difference_that_chance_explains_is_not_called_one():
    runs = make_runs({"ce": [84.0, 86.0], "lcl": [85.0, 86.0]})
    said = reports.findings(tables.main_results(EMOINT, runs), tables.comparisons(runs), tables.published_comparisons(EMOINT))
    assert "no difference shown" in said[2]


def test_unequal_counts_are_told():
    runs = make_runs({"ce": [84.0, 86.0], "lcl": [85.0]})
    said = reports.findings(tables.main_results(EMOINT, runs), tables.comparisons(runs), tables.published_comparisons(EMOINT))
    assert said[1].endswith("n from 1 to 2.")
