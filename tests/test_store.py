"""The store: a record is whole or not there, whatever happens; frozen results are the same bytes, and read back exactly."""

import hashlib
import json
import math
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lclstudy import config, frozen, paths, store
from lclstudy.errors import StudyError
from lclstudy.records import Record
from lclstudy.store import RunStore

CLASSES = ("joy", "colère", "fear, or dread", "surprise")


def spec_of(objective="lcl", seed=0, **settings):
    return config.spec("embedded", objective, encoder="tiny", seed=seed, **settings)


def record_of(spec, rows=12, classes=CLASSES, seed=None, sharpness=1.0):
    """A finished record with probabilities drawn from a Dirichlet distribution; `sharpness` below 1 makes them extreme."""
    rng = np.random.default_rng(spec.seed if seed is None else seed)
    validation, test = (rng.dirichlet(np.full(len(classes), sharpness), size).astype(np.float32) for size in (rows, 2 * rows))
    return Record(
        spec=spec,
        classes=classes,
        epochs=[{"epoch": 1, "loss": np.float32(1.25), "validation_accuracy": 0.5}, {"epoch": 2, "loss": math.nan}],
        best_epoch=1,
        validation_probabilities=validation,
        validation_labels=np.arange(rows) % len(classes),
        test_probabilities=test,
        test_labels=np.arange(2 * rows) % len(classes),
        measures={"seconds": 1.5, "steps": np.int64(7)},
        notes={"truncated": 3},
        versions={"torch": "2.13.0"},
        device="cpu",
        executor="serial",
    )


def failed_record(spec):
    return Record(spec, (), status="failed", failure="NonFiniteLoss: loss is nan at step 3, batch 3")


@pytest.fixture
def runs(tmp_path):
    return RunStore(tmp_path / "runs")


@contextmanager
def full_disk(after=1000):
    """A real refusal of the kernel: no file of this process may grow beyond `after` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# Records


def test_a_record_comes_back_as_it_was_saved(runs):
    saved = record_of(spec_of())
    runs.save(saved)
    loaded = runs.load(saved.spec)
    for name in ("validation_probabilities", "validation_labels", "test_probabilities", "test_labels"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(saved, name))
        assert getattr(loaded, name).dtype == (np.float32 if name.endswith("probabilities") else np.int64)
    for name in ("spec", "classes", "status", "failure", "best_epoch", "measures", "notes", "versions", "device", "executor"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert loaded.epochs[0] == saved.epochs[0]
    assert math.isnan(loaded.epochs[1]["loss"])


def test_the_record_of_a_class_subset_comes_back(runs):
    labels = tuple(config.catalog.corpora()["embedded"].labels[:2])
    saved = record_of(spec_of(classes=labels), classes=labels)
    runs.save(saved)
    assert runs.load(saved.spec).spec.classes == labels
    assert runs.frame()["classes"].tolist() == ["|".join(labels)]


def test_only_a_finished_record_counts(runs):
    finished, failed, absent = (spec_of(seed=seed) for seed in range(3))
    runs.save(record_of(finished))
    runs.save(failed_record(failed))
    assert [runs.has(spec) for spec in (finished, failed, absent)] == [True, False, False]
    assert runs.missing([absent, finished, failed, absent]) == [absent, failed]
    assert runs.load(failed).failure.startswith("NonFiniteLoss")
    assert runs.failed()["identity"].tolist() == [failed.identity()]


def test_a_failed_record_gives_way_to_a_finished_one_and_never_the_other_way(runs):
    spec = spec_of()
    runs.save(failed_record(spec))
    runs.save(record_of(spec))
    runs.save(failed_record(spec))
    assert runs.load(spec).status == "done"


def test_a_run_that_reads_no_temperature_is_found_for_every_temperature(runs):
    runs.save(record_of(spec_of("ce", temperature=0.3)))
    other = spec_of("ce", temperature=0.1)
    assert runs.has(other)
    assert runs.load(other).spec == other


def test_loading_what_is_not_there_says_so(runs):
    with pytest.raises(StudyError, match=r"^No record of embedded lcl tiny seed 0 \(\w{16}\) in .*runs; train it first\.$"):
        runs.load(spec_of())


def test_arrays_that_do_not_fit_are_refused(runs):
    record = record_of(spec_of())
    record.test_labels = record.test_labels[:-1]
    with pytest.raises(ValueError, match=r"test_probabilities has shape \(24, 4\)"):
        runs.save(record)
    assert not runs.path.exists()


def test_nothing_is_pickled(runs):
    record = record_of(spec_of())
    record.test_labels = np.array([object()] * 24, dtype=object)
    with pytest.raises(TypeError):
        runs.save(record)
    assert not runs.path.exists()


# Damage


def test_every_flipped_byte_is_found(runs, caplog):
    spec = spec_of()
    runs.save(record_of(spec))
    path = runs.path / f"{spec.identity()}.npz"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        assert not runs.has(spec), f"byte {place} of {len(whole)}"
        assert not path.exists()
    path.write_bytes(whole)
    assert runs.has(spec)


@pytest.mark.parametrize("keep", [0, 1, 63, 64, 65, 0.5, -64, -1])
def test_a_cut_record_is_found_reported_and_set_aside(runs, caplog, keep):
    spec = spec_of()
    runs.save(record_of(spec))
    path = runs.path / f"{spec.identity()}.npz"
    whole = path.read_bytes()
    cut = whole[: int(len(whole) * keep)] if isinstance(keep, float) else whole[:keep]
    path.write_bytes(cut)
    assert runs.missing([spec]) == [spec]
    (message,) = [entry.getMessage() for entry in caplog.records]
    assert (
        message
        == f"Record {path.name} is damaged (its checksum does not hold): set aside as {path.name}.corrupt, counts as not run."
    )
    assert path.with_name(path.name + ".corrupt").read_bytes() == cut
    runs.save(record_of(spec))
    assert runs.has(spec)


def test_foreign_files_are_set_aside_and_the_others_still_read(runs, caplog):
    mine, other = spec_of(seed=0), spec_of(seed=1)
    runs.save(record_of(mine))
    np.savez(runs.path / "notes.npz", a=np.arange(3))
    (runs.path / f"{other.identity()}.npz").write_bytes((runs.path / f"{mine.identity()}.npz").read_bytes())
    assert runs.frame()["identity"].tolist() == [mine.identity()]
    assert not runs.has(other)
    assert len(caplog.records) == 2
    assert f"it is the record of {mine.identity()}" in caplog.text
    assert sorted(path.name for path in runs.path.glob("*.corrupt")) == sorted(
        ["notes.npz.corrupt", f"{other.identity()}.npz.corrupt"]
    )


def test_a_disk_that_refuses_leaves_nothing_behind_and_loses_no_record(runs):
    kept, refused = record_of(spec_of(seed=0)), record_of(spec_of(seed=1))
    runs.save(kept)
    with full_disk(), pytest.raises(store.SaveError) as raised:
        runs.save(refused)
    assert "\n" not in str(raised.value)
    assert "File too large" in str(raised.value)
    assert "LCLSTUDY_RUNS" in str(raised.value)
    assert list(files_in(runs.path)) == [f"{kept.spec.identity()}.npz"]
    assert runs.has(kept.spec)
    runs.save(raised.value.record)
    assert runs.has(refused.spec)


def test_a_refused_record_leaves_the_earlier_one(runs):
    first = record_of(spec_of())
    runs.save(first)
    with full_disk(), pytest.raises(store.SaveError):
        runs.save(record_of(spec_of(), seed=9))
    np.testing.assert_array_equal(runs.load(first.spec).test_probabilities, first.test_probabilities)


def test_a_store_that_is_a_file_is_said_in_one_line(tmp_path):
    (tmp_path / "runs").write_text("not a folder")
    with pytest.raises(StudyError, match=r"^Could not (read|save) .*runs"):
        RunStore(tmp_path / "runs").save(record_of(spec_of()))


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not(runs):
    runs.save(record_of(spec_of(seed=0)))
    part, file = store._open_part(runs.path / "0123456789abcdef.npz")
    file.write(b"half a rec")
    file.flush()
    runs.save(record_of(spec_of(seed=1)))
    assert part.exists()
    file.close()  # the lock ends with its process, or here with the file
    runs.save(record_of(spec_of(seed=2)))
    assert not part.exists()


# Processes. Each program forks its writers after one import, so that many moments are tried in little time.

PROGRAM = """
import os, random, signal, sys, time
import numpy as np
from lclstudy import config
from lclstudy.records import Record
from lclstudy.store import RunStore

store = RunStore(sys.argv[1])

def record(seed, mark, rows=20_000):
    table = np.full((rows, 4), mark % 256, np.float32)
    return Record(
        config.spec("embedded", "lcl", encoder="tiny", seed=seed), ("a", "b", "c", "d"), measures={"mark": mark % 256},
        validation_probabilities=table, validation_labels=np.zeros(rows), test_probabilities=table, test_labels=np.zeros(rows),
    )

def whole(seed):
    found = store.load(config.spec("embedded", "lcl", encoder="tiny", seed=seed))
    tables = (found.validation_probabilities, found.test_probabilities)
    assert all((table == found.measures["mark"]).all() and len(table) == 20_000 for table in tables)

def fork(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return child
"""

KILLED = """
begun, begin = os.pipe()

def forever():
    for mark in range(10**9):
        store.save(record(mark % 2, mark))
        if mark == 0:
            os.write(begin, b"!")

for seed in (0, 1):
    store.save(record(seed, 0))
draw, halves = random.Random(0), 0
for _ in range(60):
    child = fork(forever)
    os.read(begun, 1)  # it has saved once, and goes on
    time.sleep(draw.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    halves += len(list(store.path.glob(".*.part")))
    whole(0), whole(1)
    assert len(list(store.path.glob(".*.part"))) <= 1, "the next save removes what the last kill left"
store.save(record(2, 1))
assert sorted(path.suffix for path in store.path.iterdir()) == [".npz"] * 3, list(store.path.iterdir())
print("kills that hit a write:", halves)
assert halves > 0
"""

TOGETHER = """
def some(own):
    for mark in range(15):
        store.save(record(0, mark + own))  # all write this one
        store.save(record(own, mark))
    os._exit(0)

children = [fork(lambda own=own: some(own)) for own in (1, 2, 3)]
while children:
    done, status = os.waitpid(-1, os.WNOHANG)
    if done:
        assert status == 0
        children.remove(done)
    elif store.path.exists():
        store.frame()  # a reader meanwhile
for seed in range(4):
    whole(seed)
assert sorted(path.suffix for path in store.path.iterdir()) == [".npz"] * 4, list(store.path.iterdir())
"""


@pytest.mark.parametrize("program", [KILLED, TOGETHER], ids=["killed at random moments", "several writers and a reader"])
def test_processes_leave_only_whole_records(runs, program):
    ran = subprocess.run([sys.executable, "-c", PROGRAM + program, runs.path], capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "damaged" not in ran.stderr


# Tables


def test_the_frame_has_a_row_per_spec_with_exact_scores(runs):
    finished, failed, absent = (spec_of(seed=seed) for seed in range(3))
    record = record_of(finished)
    record.test_labels = np.array([0] * 6 + [1] * 12 + [2] * 6)
    record.test_probabilities = np.eye(4, dtype=np.float32)[[0] * 3 + [1] * 15 + [2] * 6]
    runs.save(record)
    runs.save(failed_record(failed))
    frame = runs.frame([absent, failed, finished])
    assert frame["status"].tolist() == ["not run", "failed", "done"]
    assert frame["seed"].tolist() == [2, 1, 0]
    assert frame["failure"].tolist()[1] == "NonFiniteLoss: loss is nan at step 3, batch 3"
    row = frame.iloc[2]
    assert row["test_accuracy"] == pytest.approx(21 / 24)
    # F1 of class 0: 2*3/(3+6); of class 1: 2*12/(15+12); of class 2: 1; class 3 has no text
    assert row["test_weighted_f1"] == pytest.approx((6 * 6 / 9 + 12 * 24 / 27 + 6 * 1) / 24)
    assert (row["seconds"], row["note_truncated"], row["device"]) == (1.5, 3, "cpu")
    assert frame.loc[:1, "test_accuracy"].isna().all()
    assert runs.epochs_frame([absent, failed, finished])["epoch"].tolist() == [1, 2]


def test_an_empty_store_has_empty_tables(runs):
    assert len(runs.frame()) == len(runs.epochs_frame()) == len(runs.failed()) == 0
    assert {"identity", "status", "test_accuracy"} <= set(runs.frame().columns)


# Frozen results


def grid(seeds=(0, 1)):
    return [spec_of(objective, seed) for objective in ("ce", "lcl") for seed in seeds]


def test_the_same_records_freeze_to_the_same_bytes(tmp_path):
    specs = grid()
    stores = [RunStore(tmp_path / name) for name in ("one", "two")]
    for runs, order in zip(stores, (specs, specs[::-1]), strict=True):
        for spec in order:
            runs.save(record_of(spec))
    folders = [runs.freeze(tmp_path / f"frozen {number}" / "quick", specs) for number, runs in enumerate(stores)]
    first, second = (files_in(folder) for folder in folders)
    assert first == second
    stores[0].freeze(folders[0], specs)
    assert files_in(folders[0]) == first
    assert set(first) == {"runs.csv", "epochs.csv", "manifest.json", "predictions/embedded.npz"}


def test_frozen_results_read_back_as_the_records_were(runs, tmp_path):
    specs = [*grid(), spec_of(seed=7), spec_of(seed=8)]
    records = {spec.identity(): record_of(spec, rows=200, sharpness=0.05) for spec in specs[:4]}
    for record in records.values():
        runs.save(record)
    runs.save(failed_record(specs[4]))
    results = store.read_frozen(runs.freeze(tmp_path / "quick", specs))
    pd.testing.assert_frame_equal(results.runs, runs.frame(specs), check_exact=True)
    pd.testing.assert_frame_equal(results.epochs, runs.epochs_frame(specs), check_exact=True)
    assert results.runs["status"].tolist() == ["done"] * 4 + ["failed", "not run"]
    assert results.manifest["counts"] == {"done": 4, "failed": 1, "not run": 1}
    assert results.manifest["settings"]["encoder"] == "tiny"
    assert "objective" not in results.manifest["settings"]
    assert results.manifest["versions"] == {"torch": ["2.13.0"]}
    for identity, record in records.items():
        for split in ("validation", "test"):
            given = getattr(record, f"{split}_probabilities")
            read = results.probabilities(identity, split)
            np.testing.assert_allclose(read.sum(axis=1), 1)
            np.testing.assert_allclose(read, given / given.sum(axis=1, keepdims=True), atol=5e-4)
            seen = given > 1e-30  # half-precision logarithms keep even these to a few per cent
            np.testing.assert_allclose(read[seen], given[seen], rtol=0.05)
            np.testing.assert_array_equal(results.predictions(identity, split), given.argmax(axis=1))
            np.testing.assert_array_equal(results.labels(identity, split), getattr(record, f"{split}_labels"))
        assert results.classes(identity) == CLASSES
        accuracy = (results.predictions(identity) == results.labels(identity)).mean()
        assert results.runs.set_index("identity").loc[identity, "test_accuracy"] == accuracy


def test_the_confusion_of_seeds_is_the_sum_of_theirs(runs, tmp_path):
    specs = [spec_of(seed=seed) for seed in (0, 1)] + [spec_of(seed=2, classes=("joyful", "proud"))]
    for spec in specs:
        runs.save(record_of(spec, classes=spec.classes or CLASSES))
    results = store.read_frozen(runs.freeze(tmp_path / "quick", specs))
    first, second, other = (spec.identity() for spec in specs)
    confusion, classes = results.confusion([first, second])
    assert classes == CLASSES
    np.testing.assert_array_equal(confusion, results.confusion([first])[0] + results.confusion([second])[0])
    assert confusion.sum() == 2 * len(results.labels(first))
    assert np.trace(confusion) == sum((results.predictions(one) == results.labels(one)).sum() for one in (first, second))
    assert results.confusion([first], "validation")[0].sum() == len(results.labels(first, "validation"))
    for identities in ([first, other], []):
        with pytest.raises(StudyError, match="runs of the same classes"):
            results.confusion(identities)


def test_a_frozen_file_that_was_altered_or_lost_is_named(runs, tmp_path):
    runs.save(record_of(spec_of()))
    folder = runs.freeze(tmp_path / "quick")
    for name in ("runs.csv", "epochs.csv", "predictions/embedded.npz"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole + b"\n")
        with pytest.raises(StudyError, match=rf"{Path(name).name} is not as it was frozen; freeze again or restore"):
            store.read_frozen(folder)
        (folder / name).unlink()
        with pytest.raises(StudyError, match="is not as it was frozen"):
            store.read_frozen(folder)
        (folder / name).write_bytes(whole)
    assert store.read_frozen(folder).runs["status"].tolist() == ["done"]
    (folder / "manifest.json").write_text("{")
    with pytest.raises(StudyError, match=r"manifest\.json is damaged"):
        store.read_frozen(folder)


def test_asking_for_what_was_not_frozen_says_what_there_is(runs, tmp_path):
    spec = spec_of()
    runs.save(record_of(spec))
    results = store.read_frozen(runs.freeze(tmp_path / "quick"))
    with pytest.raises(StudyError, match="No finished run 'ffff'"):
        results.probabilities("ffff")
    with pytest.raises(StudyError, match="Unknown split 'dev'; allowed: validation, test"):
        results.predictions(spec.identity(), "dev")
    with pytest.raises(StudyError, match="Unknown frozen results 'nope'"):
        store.read_frozen("nope")


def test_freezing_again_removes_what_is_no_longer_there(runs, tmp_path):
    subset = tuple(config.catalog.corpora()["embedded"].labels[:2])
    whole, part = spec_of(), spec_of(classes=subset)
    runs.save(record_of(whole))
    runs.save(record_of(part, classes=subset))
    folder = runs.freeze(tmp_path / "quick", [whole, part])
    names = {name for name in files_in(folder) if name.startswith("predictions/")}
    digest = hashlib.sha256("|".join(subset).encode()).hexdigest()[:8]
    assert names == {"predictions/embedded.npz", f"predictions/embedded-2-{digest}.npz"}
    (folder / "README.md").write_text("mine")
    runs.freeze(folder, [whole])
    assert set(files_in(folder)) == {"README.md", "epochs.csv", "manifest.json", "predictions/embedded.npz", "runs.csv"}


def test_a_big_group_is_split_by_objective_then_by_number(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(frozen, "_FILE_LIMIT", 2 * 36 * 4 * 2)  # two runs of 12 + 24 rows and 4 classes in half precision
    specs = grid(seeds=(0, 1, 2))
    for spec in specs:
        runs.save(record_of(spec))
    results = store.read_frozen(runs.freeze(tmp_path / "quick", specs))
    assert list(results.manifest["predictions"]) == [
        f"predictions/embedded-{objective}-tiny-{number}.npz" for objective in ("ce", "lcl") for number in (1, 2)
    ]
    for spec in specs:
        np.testing.assert_array_equal(results.predictions(spec.identity()), record_of(spec).test_probabilities.argmax(axis=1))


def test_corpora_of_ones_own_freeze_without_their_path_and_apart(runs, tmp_path):
    specs = []
    for number in (1, 2):
        path = tmp_path / str(number) / "mine.csv"
        path.parent.mkdir()
        path.write_text(f"text,label\nhello {number},a\nbye,b\n")
        specs.append(config.spec(str(path), "lcl", encoder="tiny", seed=0))
    for rows, spec in zip((12, 16), specs, strict=True):
        runs.save(record_of(spec, rows=rows))
    folder = runs.freeze(tmp_path / "frozen", specs)
    results = store.read_frozen(folder)
    assert [len(results.labels(spec.identity(), "validation")) for spec in specs] == [12, 16]
    assert results.runs["corpus"].tolist() == ["mine", "mine"]
    assert all(str(tmp_path).encode() not in content for content in files_in(folder).values())


def test_records_of_a_corpus_that_is_gone_still_show(runs, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\nhello,a\nbye,b\n")
    runs.save(record_of(config.spec(str(path), "ce", encoder="tiny", seed=0)))
    path.unlink()
    assert runs.frame()["corpus"].tolist() == ["mine"]


def test_a_freeze_that_the_disk_refuses_is_one_line_and_is_seen_later(runs, tmp_path):
    specs = grid()
    runs.save(record_of(specs[0], rows=300))
    folder = runs.freeze(tmp_path / "quick", specs)
    runs.save(record_of(specs[1], rows=300))
    with full_disk(after=2500), pytest.raises(StudyError, match=r"Could not freeze to .*File too large") as raised:
        runs.freeze(folder, specs)
    assert "\n" not in str(raised.value)
    assert not list(folder.rglob(".*.part"))
    with pytest.raises(StudyError, match="is not as it was frozen"):
        store.read_frozen(folder)
    runs.freeze(folder, specs)
    assert store.read_frozen(folder).manifest["counts"]["done"] == 2


def test_the_best_frozen_results_are_the_most_telling_that_hold_a_run(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_RESULTS", str(tmp_path / "results"))
    with pytest.raises(StudyError, match="No frozen results"):
        store.best_frozen()
    finished, absent = spec_of(seed=0), spec_of(seed=1)
    runs.save(record_of(finished))
    for name, spec in (("ablations", finished), ("quick", finished), ("minilm", finished), ("paper", absent)):
        runs.freeze(paths.results(name), [spec])
    assert store.frozen_names() == ["ablations", "minilm", "paper", "quick"]
    assert store.best_frozen() == "minilm"
    assert store.read_frozen("minilm").manifest["name"] == "minilm"


def test_the_manifest_lists_every_file_with_its_hash(runs, tmp_path):
    runs.save(record_of(spec_of()))
    folder = runs.freeze(tmp_path / "quick")
    content = files_in(folder)
    listed = json.loads(content.pop("manifest.json"))["files"]
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
