"""What notebooks say of runs: small tables by hand, and sentences that follow from the numbers."""

import numpy as np
import pandas as pd
import pytest

from lclstudy.plan.spec import make_spec
from lclstudy.results.records import Record
from lclstudy.show import runs as show_runs
from tests.material import failed_record, make_runs, spec_of

CLASSES = ("joyful", "proud", "angry")


def record_of(seed=0):
    """Six test texts, four right; one is taken for another class with confidence 0.9, one with 0.5."""
    test = np.array([[8, 1, 1], [1, 8, 1], [1, 1, 8], [1, 9, 0], [5, 2, 3], [1, 1, 8]], np.float32) / 10
    epochs = [{"epoch": 1, "loss": 1.0, "validation_accuracy": 1.0}]
    measures = dict(seconds=2.5, train_seconds=2, texts_per_second=1234.5, peak_memory_bytes=5e8, steps=72, parameters=912_000)
    return Record(spec_of(seed=seed), CLASSES, validation_probabilities=np.eye(3, dtype=np.float32), device="cpu",
                  validation_labels=np.arange(3), test_probabilities=test, test_labels=np.array([0, 1, 2, 0, 1, 2]),
                  measures=measures, epochs=epochs, best_epoch=1)  # fmt: skip


def test_every_setting_is_told_with_its_meaning(tmp_path):
    spec = spec_of("scl", classes=["joyful", "proud"])
    table = show_runs.settings(spec).set_index("setting")
    assert list(table.index) == list(vars(spec))
    assert table["value"][["classes", "train_limit", "alpha"]].tolist() == ["joyful, proud", "all", str(spec.alpha)]
    path = tmp_path / "my texts.csv"
    path.write_text("text,label\nhello,a\n")
    values = show_runs.settings(make_spec(str(path), "ce", classes=("a", "b"))).set_index("setting")["value"]
    assert values["temperature"] == "not used by CE"
    assert values["corpus"] == "my texts", "without its folder"


def test_scores_errors_cost_findings_and_confused_pairs_by_hand():
    table = show_runs.scores(record_of()).set_index("measure")
    assert table.loc["accuracy (%)"].tolist() == ["100.0", f"{100 * 4 / 6:.1f}"]
    assert table["test"][["mean confidence (%)", "texts"]].tolist() == [f"{100 * (4 * 0.8 + 0.9 + 0.5) / 6:.1f}", "6"]
    assert table["validation"]["calibration error (points)"] == "0.0"
    table = show_runs.confident_errors(record_of(), ["a", "b", "c", "word " * 100, "e", "f"], width=20)
    assert table.iloc[1].tolist() == ["e", "proud", "joyful", 50.0]
    assert table.iloc[0, 1:].tolist() == ["joyful", "proud", 90.0]
    assert len(table["text"][0]) <= 20 and table["text"][0].endswith(" …")
    assert show_runs.cost(record_of())["value"].tolist() == ["cpu", "2.5", "2.0", "1,234", "500", "72", "0.91"]
    said = show_runs.run_findings(record_of())
    assert said[0].startswith("embedded lcl tiny seed 0: 66.7% of 6 test texts right")
    assert "33.3%" in said[1]
    assert said[2] == "Nearest classes: joyful and proud, with 2 of 2 errors."
    table = show_runs.confused(np.array([[6, 3, 1], [1, 8, 1], [0, 0, 10]]), CLASSES, count=2)
    assert table.iloc[0].tolist() == ["joyful", "proud", 3, 1, 20.0] and len(table) == 2
    assert list(show_runs.confused(np.eye(3), CLASSES)) == list(table), "no confusion, and still a table"


@pytest.fixture
def frame(runs):
    """Two finished runs, one failed, one never run."""
    specs = [spec_of(seed=seed) for seed in range(4)]
    for one in (record_of(0), record_of(1), failed_record(specs[2])):
        runs.save(one)
    return runs.frame(specs)


def test_runs_show_a_status_and_no_number_without_a_result(frame, runs):
    table = show_runs.runs(frame)
    assert table["status"].tolist() == ["done", "done", "failed", "not run"]
    assert table["test accuracy (%)"].fillna(-1).tolist() == [66.7, 66.7, -1, -1]
    assert table["best epoch"].tolist() == ["1 of 5", "1 of 5", "–", "–"]
    assert "classes" not in table
    subset = show_runs.runs(frame.assign(classes=["joyful|proud", "", "", ""]))
    assert subset["classes"].tolist() == ["joyful|proud", "all", "all", "all"]
    never = show_runs.runs(runs.frame([spec_of("ce")]))
    assert never["status"].tolist() == ["not run"] and never["seconds"].isna().all()


def test_failures_the_finding_of_a_grid_and_runs_beside_those_trained_again(frame):
    (failure,) = show_runs.failures(frame)
    assert failure.startswith("Embedded, LCL, tiny, seed 2: NonFiniteLoss: loss is nan")
    assert show_runs.grid_findings(frame) == [
        "2 of 4 runs finished, 1 failed.",
        "Embedded, tiny: test accuracy (%) LCL 66.7 (0.0), n = 2.",
    ]
    (row,) = show_runs.retrained(frame[:1].assign(test_accuracy=0.5, test_accuracy_own=0.75)).to_dict("records")
    assert list(row.values()) == ["Embedded", "all", "LCL", 0, 50.0, 75.0, 25.0]


def test_of_several_settings_the_first_speaks_not_the_best_on_the_test_texts_and_class_sets_are_told_apart():
    first, better = make_runs({"lcl": [80, 81], "ce": [70, 71]}), make_runs({"lcl": [85], "ce": [72]}, temperature=1.0)
    on_set = make_runs({"lcl": [90, "failed"], "ce": ["not run"]}, classes="joy|fear", temperature=1.0)
    assert show_runs.grid_findings(pd.concat([first, better, on_set])) == [
        "7 of 9 runs finished, 1 failed.",
        "EmoInt, MiniLM: test accuracy (%) LCL 80.5 (0.7), n = 2, first of 2 settings; CE 71.0 (1.0), n = 3.",
        "EmoInt (joy, fear), MiniLM: test accuracy (%) LCL 90.0, n = 1.",
    ]
