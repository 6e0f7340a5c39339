"""The store: a record is whole or not there, whatever happens, and a frozen run counts as finished."""

import hashlib
import io
import json
import math
import resource
import subprocess
import sys
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec
from lclstudy.results import records
from lclstudy.results.records import Record
from lclstudy.runs import store
from lclstudy.runs.store import RunStore

CLASSES = ("joy", "colère", "fear, or dread", "surprise")


def spec_of(objective="lcl", seed=0, **settings):
    return make_spec("embedded", objective, encoder="tiny", seed=seed, **settings)


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


@pytest.fixture(autouse=True)
def nothing_frozen(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("LCLSTUDY_BUILD", str(tmp_path / "build"))


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
    labels = tuple(catalog.corpora()["embedded"].labels[:2])
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


def _sealed(content: dict) -> bytes:
    """Arrays in the container of a record, with a checksum that holds."""
    buffer = io.BytesIO()
    np.savez(buffer, **content)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = bytes(64)
    body = buffer.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def parts_of(spec, /, **changed):
    """The facts and arrays of a record, of which some are changed, or left out where they are None."""
    facts, arrays = records.apart(record_of(spec))
    whole = {**facts, "format": 1, **{name: value for name, value in changed.items() if name not in arrays}}
    text = json.dumps({name: value for name, value in whole.items() if value is not None}, default=lambda number: number.item())
    arrays |= {name: value for name, value in changed.items() if name in arrays}
    kept = {name: value for name, value in arrays.items() if value is not None}
    return {"record": np.frombuffer(text.encode(), np.uint8), **kept}


ODD = {
    "no array": {"test_labels": None},
    "an array of other rows": {"test_labels": np.zeros(3, np.int64)},
    "an array of texts": {"test_labels": np.array(["a"] * 24)},
    "no status": {"status": None},
    "a format that is a text": {"format": "one"},
    "no format": {"format": None},
    "epochs that are a text": {"epochs": "five"},
    "epochs that are numbers": {"epochs": [1, 2]},
    "classes that are numbers": {"classes": [1, 2, 3, 4]},
    "a spec without seed": {"spec": {"corpus": "embedded", "classes": None, "objective": "ce", "encoder": "tiny"}},
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_odd_content_is_damage(runs, caplog, change):
    spec = spec_of()
    runs.path.mkdir()
    path = runs.path / f"{spec.identity()}.npz"
    path.write_bytes(_sealed(parts_of(spec)))
    assert runs.has(spec), "unchanged, it is a record"
    path.write_bytes(_sealed(parts_of(spec, **change)))
    assert not runs.has(spec) and len(runs.frame()) == 0
    assert path.with_name(path.name + ".corrupt").exists() and "is damaged (" in caplog.text


@pytest.mark.parametrize(
    "content", [{"record": np.frombuffer(b"[1]", np.uint8)}, {"record": np.frombuffer(b"{", np.uint8)}, {"a": 1}]
)
def test_what_is_no_record_is_damage(runs, content):
    spec = spec_of()
    runs.path.mkdir()
    (runs.path / f"{spec.identity()}.npz").write_bytes(_sealed(content))
    assert runs.missing([spec]) == [spec]


@pytest.mark.parametrize("seal", [True, False], ids=["sealed as today", "sealed in another way"])
def test_a_record_of_a_newer_format_is_refused_and_stays(runs, seal):
    spec = spec_of()
    runs.path.mkdir()
    path = runs.path / f"{spec.identity()}.npz"
    data = _sealed(parts_of(spec, format=7, test_labels=None))
    path.write_bytes(data if seal else data[:-64] + bytes(64))
    before = path.read_bytes()
    for ask in (runs.has, runs.load, lambda spec: runs.missing([spec]), lambda spec: runs.frame(),
                lambda spec: runs.save(failed_record(spec)), lambda spec: runs.save(record_of(spec))):  # fmt: skip
        with pytest.raises(StudyError, match=r"npz has format 7, but this lclstudy knows formats up to 1; update lclstudy\.$"):
            ask(spec)
    assert files_in(runs.path) == {path.name: before}


def test_a_record_that_was_written_before_still_reads(runs):
    """Not compressed, a failed one with arrays of no rows: as the store wrote them at first."""
    finished, failed = spec_of(seed=0), spec_of(seed=1)
    runs.path.mkdir()
    (runs.path / f"{finished.identity()}.npz").write_bytes(_sealed(parts_of(finished)))
    none = {name: np.zeros((0, 0) if name.endswith("probabilities") else 0, kind) for name, kind in records.FULL.items()}
    content = {**parts_of(failed, status="failed", classes=[]), **none}
    (runs.path / f"{failed.identity()}.npz").write_bytes(_sealed(content))
    assert runs.has(finished) and runs.load(failed).status == "failed"
    np.testing.assert_array_equal(runs.load(finished).test_probabilities, record_of(finished).test_probabilities)


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


def test_leftovers_go_when_their_record_is_written(runs):
    spec = spec_of()
    runs.path.mkdir()
    part = runs.path / f".{spec.identity()}.npz.0123abcd.part"
    part.write_bytes(b"half a rec")
    assert len(runs.frame()) == 0
    runs.save(record_of(spec))
    assert list(files_in(runs.path)) == [f"{spec.identity()}.npz"]
    ignored = ["git", "check-ignore", "-q", f"data/results/quick/{part.name}"]
    assert subprocess.run(ignored, cwd=paths.ROOT, check=False).returncode == 0


# Processes. Each program forks its writers after one import, so that many moments are tried in little time.

PROGRAM = """
import os, random, signal, sys, time
import numpy as np
from lclstudy.plan.spec import make_spec
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore

store = RunStore(sys.argv[1])

def record(seed, mark, rows=20_000):
    table = np.full((rows, 4), mark % 256, np.float32)
    return Record(
        make_spec("embedded", "lcl", encoder="tiny", seed=seed), ("a", "b", "c", "d"), measures={"mark": mark % 256},
        validation_probabilities=table, validation_labels=np.zeros(rows), test_probabilities=table, test_labels=np.zeros(rows),
    )

def whole(seed):
    found = store.load(make_spec("embedded", "lcl", encoder="tiny", seed=seed))
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
    assert len(list(store.path.glob(".*.part"))) <= 2, "the next save of a record removes what kills left of it"
for seed in (0, 1):
    store.save(record(seed, 1))
assert sorted(path.suffix for path in store.path.iterdir()) == [".npz"] * 2, list(store.path.iterdir())
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
