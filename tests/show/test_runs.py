"""What notebooks say of runs: small tables by hand, and sentences that follow from the numbers."""

import numpy as np
import pandas as pd
import pytest

from lclstudy.plan.spec import make_spec
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore
from lclstudy.show import runs as show_runs
from tests.material import make_runs

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


def test_every_setting_is_told_with_its_meaning(tmp_path):
    spec = make_spec("embedded", "scl", encoder="tiny", classes=["joyful", "proud"])
    table = show_runs.settings(spec)
    assert list(table["setting"]) == list(vars(spec))
    assert value_of(table, "classes", "value") == "joyful, proud"
    assert value_of(table, "train_limit", "value") == "all"
    assert value_of(table, "alpha", "value") == str(spec.alpha)
    assert value_of(table, "batch_size", "what it is") == "texts per step, second views not counted"
    table = show_runs.settings(make_spec("embedded", "ce"))
    assert value_of(table, "temperature", "value") == "not used by CE"
    assert value_of(table, "learning_rate", "value") == "2e-05"
    path = tmp_path / "mine.csv"
    path.write_text("text,label\nhello,a\n")
    assert value_of(show_runs.settings(make_spec(str(path), "ce")), "corpus", "value") == "mine", "without its folder"


def test_scores_by_hand():
    table = show_runs.scores(record_of())
    assert value_of(table, "accuracy (%)", "test") == f"{100 * 4 / 6:.1f}"
    assert value_of(table, "accuracy (%)", "validation") == "100.0"
    assert value_of(table, "mean confidence (%)", "test") == f"{100 * (4 * 0.8 + 0.9 + 0.5) / 6:.1f}"
    assert value_of(table, "texts", "test") == "6"
    assert value_of(table, "calibration error (points)", "validation") == "0.0"


def test_confused_pairs_by_hand():
    confusion = np.array([[6, 3, 1], [1, 8, 1], [0, 0, 10]])
    table = show_runs.confused(confusion, CLASSES, count=2)
    assert table.iloc[0].tolist() == ["joyful", "proud", 3, 1, 20.0]
    assert len(table) == 2
    assert list(show_runs.confused(np.eye(3), CLASSES)) == list(table), "no confusion, and still a table"


def test_errors_cost_and_findings_by_hand():
    table = show_runs.confident_errors(record_of(), ["a", "b", "c", "word " * 100, "e", "f"], width=20)
    assert table.iloc[1].tolist() == ["e", "proud", "joyful", 50.0]
    assert (table["true class"][0], table["predicted class"][0], table["confidence (%)"][0]) == ("joyful", "proud", 90.0)
    assert len(table["text"][0]) <= 20 and table["text"][0].endswith(" …")
    assert show_runs.cost(record_of())["value"].tolist() == ["cpu", "2.5", "2.0", "1,234", "500", "72", "0.91"]
    said = show_runs.run_findings(record_of())
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
    table = show_runs.runs(frame)
    assert table["status"].tolist() == ["done", "done", "failed", "not run"]
    assert table["test accuracy (%)"].tolist()[:2] == [66.7, 66.7]
    assert table["test accuracy (%)"].isna().tolist() == [False, False, True, True]
    assert table["best epoch"].tolist() == ["1 of 5", "1 of 5", "–", "–"]
    assert "classes" not in table
    subset = show_runs.runs(frame.assign(classes=["joyful|proud", "", "", ""]))
    assert subset["classes"].tolist() == ["joyful|proud", "all", "all", "all"]


def test_runs_that_never_ran_are_shown_too(tmp_path):
    table = show_runs.runs(RunStore(tmp_path).frame([make_spec("embedded", "ce")]))
    assert table["status"].tolist() == ["not run"]
    assert table["seconds"].isna().all()


def test_failures_and_the_finding_of_a_grid(frame):
    assert show_runs.failures(frame) == ["Embedded, LCL, tiny, seed 2: NonFiniteLoss: loss became nan"]
    assert show_runs.grid_findings(frame) == [
        "2 of 4 runs finished, 1 failed.",
        "Embedded, tiny: test accuracy (%) LCL 66.7 (0.0), n = 2.",
    ]


def test_retrained_runs_stand_beside_the_frozen_ones(frame):
    found = dict(frozen_accuracy=0.5, own_accuracy=0.75, difference=25, same_predictions=0.6, greatest_difference=0.12345)
    (row,) = show_runs.retrained(frame[:1].assign(**found)).to_dict("records")
    assert list(row.values()) == ["Embedded", "all", "LCL", 0, 50.0, 75.0, 25.0, 60.0, 0.123]


def test_of_several_settings_the_finding_of_a_grid_names_the_best():
    frame = pd.concat([make_runs({"lcl": [80, 81], "ce": [70, 71]}), make_runs({"lcl": [85], "ce": [72]}, temperature=1.0)])
    assert show_runs.grid_findings(frame)[1] == (
        "EmoInt, MiniLM: test accuracy (%) LCL 85.0, n = 1, best of 2 settings; CE 71.0 (1.0), n = 3."
    )
