"""Frozen results: a file per run that is whole whatever happens, tables as they were, and a plan that tells what is not run."""

import itertools
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lclstudy import paths
from lclstudy.plan.profiles import load_profile
from lclstudy.plan.spec import make_spec
from lclstudy.results import frozen, records
from lclstudy.runs import store
from lclstudy.runs.store import RunStore
from tests.material import CLASSES, failed_record, files_in, full_disk, record_of, refused, run_program, saved, spec_of

pytestmark = pytest.mark.usefixtures("own_folders")


def grid(seeds=(0, 1)):
    return [spec_of(objective, seed) for objective in ("ce", "lcl") for seed in seeds]


def test_frozen_results_read_back_as_the_records_were(runs, tmp_path):
    specs = [*grid(), spec_of(seed=7), spec_of(seed=8)]
    saved(runs, *specs[:4], rows=200, sharpness=0.05)
    runs.save(failed_record(specs[4]))
    results = frozen.read_frozen(runs.freeze(tmp_path / "quick", specs), specs)
    again = [*specs, replace(specs[0], temperature=0.7)]  # which cross-entropy does not read
    assert len(frozen.read_frozen(tmp_path / "quick", again).runs) == len(specs)
    pd.testing.assert_frame_equal(results.runs, runs.frame(specs), check_exact=True)
    pd.testing.assert_frame_equal(results.epochs, runs.epochs_frame(specs), check_exact=True)
    assert results.runs["status"].tolist() == ["done"] * 4 + ["failed", "not run"]
    assert (results.name, len(results.done)) == ("quick", 4)
    for spec, split in itertools.product(specs[:4], records.SPLITS):
        identity, record = spec.identity(), runs.load(spec)
        given, read = getattr(record, f"{split}_probabilities"), results.probabilities(identity, split)
        np.testing.assert_allclose(read, given / given.sum(axis=1, keepdims=True), atol=5e-4)
        seen = given > 1e-30  # half-precision logarithms keep even these to a few per cent
        np.testing.assert_allclose(read[seen], given[seen], rtol=0.05)
        np.testing.assert_array_equal(results.predictions(identity, split), given.argmax(axis=1))
        np.testing.assert_array_equal(results.labels(identity, split), getattr(record, f"{split}_labels"))
        assert results.classes(identity) == CLASSES
    same = [spec.identity() for spec in specs[:2]]
    confusion, classes = results.confusion(same)
    assert (classes, confusion.sum()) == (CLASSES, 2 * 400)
    assert np.trace(confusion) == sum((results.predictions(one) == results.labels(one)).sum() for one in same)
    with refused("A confusion matrix needs runs of the same classes; given 0 sets"):
        results.confusion([])
    with refused(f"No finished run '{specs[4].identity()}' in frozen 'quick'"):
        results.probabilities(specs[4].identity())
    with refused("Unknown frozen results 'nope'"):
        frozen.read_frozen("nope")


def test_freezing_gives_the_same_bytes_adds_and_replaces_and_never_removes(runs, tmp_path):
    first, second, third = specs = grid()[:3]
    folder = runs.freeze(tmp_path / "quick", saved(runs, first, second))
    before, times = files_in(folder), {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert set(before) == {f"{spec.identity()}.npz" for spec in (first, second)}
    again = RunStore(tmp_path / "again")
    assert files_in(again.freeze(tmp_path / "one", saved(again, second, first))) == before, "in any order"
    for nothing_new in (again, RunStore(tmp_path / "empty")):
        nothing_new.freeze(folder, [first, second])
        assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times, "what is the same is not written"
    other = RunStore(tmp_path / "other")
    other.freeze(folder, saved(other, second, third, seed=9))
    after = files_in(folder)
    assert set(after) == {f"{spec.identity()}.npz" for spec in specs}
    assert [after[name] == data for name, data in before.items()].count(True) == 1
    other.save(failed_record(first))
    other.freeze(folder, specs)
    assert files_in(folder) == after, "a failed run never takes the place of a finished one"


def test_corpora_of_ones_own_freeze_without_their_path_apart_and_never_to_a_tracked_folder(runs, tmp_path):
    (tmp_path / "mine.toml").write_text('[[grid]]\ncorpus = "embedded"\nencoder = "tiny"\nobjective = "ce"\nseed = [0, 1]\n')
    profile, own = load_profile(str(tmp_path / "mine.toml")), []
    for rows in (12, 16):
        (tmp_path / str(rows)).mkdir()
        (path := tmp_path / str(rows) / "mine.csv").write_text(f"text,label\nhello {rows},a\nbye,b\n")
        own += saved(runs, make_spec(str(path), "lcl", encoder="tiny", seed=0), rows=rows)
    with refused("Unknown profile to freeze into data/results 'mine'; allowed: ablations, "):
        store.publish(profile)
    with refused("No record of profile quick, as restricted, in ", "; train its runs first: lclstudy run quick --retrain"):
        store.publish(load_profile("quick"))
    folder = runs.freeze(paths.build("mine") / "results", [*own, *profile.specs()])
    assert not paths.results("").exists() and frozen.frozen_names() == ["mine"]
    results = frozen.read_frozen("mine")
    assert results.runs[["corpus", "status"]].to_numpy().tolist() == [["mine", "done"]] * 2
    assert [len(results.labels(spec.identity(), "validation")) for spec in own] == [12, 16]
    assert all(records.decode(path.read_bytes(), path)[0]["spec"]["corpus"] == "mine" for path in folder.iterdir())


def test_a_frozen_file_that_was_altered_is_named_and_stays(runs, tmp_path):
    (spec,) = saved(runs, spec_of())
    folder = runs.freeze(paths.results("quick"), [spec])
    results = frozen.read_frozen("quick")
    path = folder / f"{spec.identity()}.npz"
    whole = path.read_bytes()
    for data in (b"", whole[:-1], whole + b"\n", whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], b"not a run"):
        path.write_bytes(data)
        for ask in (lambda: frozen.read_frozen("quick"), lambda: RunStore(tmp_path / "none").missing([spec]),
                    lambda: results.predictions(spec.identity())):  # fmt: skip
            with refused(f"{path.name} is not as it was frozen; restore it with git or freeze again"):
                ask()
        assert path.read_bytes() == data
    runs.freeze(folder, [spec])
    assert path.read_bytes() == whole
    runs.freeze(folder, saved(runs, spec, seed=9))
    with refused("was frozen anew while it was read"):
        results.predictions(spec.identity())
    assert len(frozen.read_frozen("quick").predictions(spec.identity())) == 24


def test_a_newer_format_is_refused_and_stays(runs, monkeypatch):
    """Records and frozen runs."""
    (spec,) = saved(runs, spec_of())
    newer = RunStore(paths.runs().with_name("newer"))
    with monkeypatch.context() as patch:
        patch.setattr(records, "_FORMAT", 7)
        folder = newer.freeze(paths.results("quick"), saved(newer, spec, seed=9))
    before = files_in(folder), files_in(newer.path)
    for ask in (lambda: frozen.read_frozen("quick"), lambda: runs.freeze(folder, [spec]), frozen.best_frozen,
                lambda: newer.missing([spec]), lambda: newer.load(spec), newer.frame, lambda: saved(newer, spec)):  # fmt: skip
        with refused("has format 7, but this lclstudy knows formats up to 1; update lclstudy."):
            ask()
    assert (files_in(folder), files_in(newer.path)) == before


def test_a_full_disk_leaves_what_was_there(runs):
    folder = runs.freeze(paths.results("quick"), saved(runs, *grid()[:2], rows=300))
    before = files_in(folder)
    specs = saved(runs, *grid(), rows=300, seed=9)
    with full_disk(after=2500), refused("Could not freeze to ", "File too large"):
        runs.freeze(folder, specs)
    assert files_in(folder) == before
    runs.freeze(folder, specs)
    assert len(frozen.read_frozen("quick").done) == 4


def test_the_best_frozen_results_are_the_most_telling_that_hold_a_run(runs):
    with refused("No frozen results"):
        frozen.best_frozen()
    (finished,) = saved(runs, spec_of(seed=0))
    runs.save(failed_record(failed := spec_of(seed=1)))
    for name, spec in (("ablations", finished), ("quick", finished), ("minilm", finished), ("paper", failed)):
        runs.freeze(paths.results(name), [spec])
    assert (frozen.best_frozen(), frozen.frozen_names()) == ("minilm", ["ablations", "minilm", "paper", "quick"])


def test_ones_own_runs_stand_beside_the_tracked_ones_and_for_those_that_failed(runs):
    profile = load_profile("quick")
    first, second, third, fourth = (spec for spec in profile.specs()[:6] if spec.objective != "ce")
    saved(runs, first, second)
    runs.save(failed_record(fourth))
    tracked = store.publish(profile)
    before = files_in(tracked)
    mine = RunStore(paths.runs().with_name("mine"))
    assert mine.missing([fourth]) == [fourth]
    saved(mine, second, third, fourth, seed=9)
    own = mine.freeze(paths.build("quick") / "results", profile.specs())
    assert files_in(tracked) == before
    results = frozen.read_frozen("quick")
    assert results.folders == (tracked.resolve(), own.resolve())
    assert results.runs["identity"].tolist() == [spec.identity() for spec in profile.specs()], "as planned"
    assert results.done["identity"].tolist() == [spec.identity() for spec in (first, second, third, fourth)]
    for record in (record_of(second), record_of(third, seed=9)):
        np.testing.assert_array_equal(results.predictions(record.spec.identity()), record.test_probabilities.argmax(axis=1))


def test_a_frozen_run_counts_as_finished(runs):
    done, failed, absent, tied = (spec_of(seed=seed) for seed in range(4))
    saved(runs, done, sharpness=0.05)
    runs.save(failed_record(failed))
    equal = record_of(tied)
    equal.test_probabilities[:] = [0.25, 0.25, 0.25001, 0.24999]
    runs.save(equal)
    runs.freeze(paths.results("ablations"), [done, failed])
    runs.freeze(paths.build("mine") / "results", [tied])
    fresh = RunStore(paths.runs().with_name("fresh"))
    wanted = (False, [failed, absent]), (True, [done, failed, absent, tied]), ([done.seed], [done, failed, absent])
    for retrain, missing in wanted:
        assert fresh.missing([done, failed, absent, tied, done], retrain) == missing
    (facts, arrays), (told, given) = (records.apart(where.load(done)) for where in (fresh, runs))
    np.testing.assert_equal(facts, told)
    for name in records.FULL:
        np.testing.assert_allclose(arrays[name], given[name], atol=5e-4)
    np.testing.assert_array_equal(arrays["test_probabilities"].argmax(axis=1), given["test_probabilities"].argmax(axis=1))
    assert (fresh.load(tied).test_probabilities.argmax(axis=1) == 2).all(), "classes that half precision cannot tell apart"
    pd.testing.assert_frame_equal(fresh.frame([done, absent]), runs.frame([done, absent]))
    assert len(fresh.frame()) == 0, "without specs, the own records alone"
    fresh.save(failed_record(done))
    assert fresh.load(done).status == "done" and fresh.frame([done])["status"].tolist() == ["done"]


def test_retrained_runs_stand_beside_the_frozen_ones(runs):
    first, second, third = grid()[:3]
    runs.freeze(paths.results("mine"), saved(runs, first, second))
    assert runs.retrained("mine").empty, "these records are what was frozen"
    record = record_of(second)
    record.measures |= {"seconds": 2.5, "threads": 1}
    record.test_probabilities[0] = np.roll(record.test_probabilities[0], 1)
    runs.save(record)
    saved(runs, third)
    (row,) = runs.retrained("mine").to_dict("records")
    was, now = frozen.read_frozen("mine").runs["test_accuracy"][1], runs.frame([second])["test_accuracy"][0]
    wanted = dict(identity=second.identity(), objective="ce", seed=1, test_accuracy=was, test_accuracy_own=now, seconds_own=2.5)
    assert {name: row[name] for name in wanted} == wanted


PROGRAM = """
import os, random, signal, time
from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.results.frozen import read_frozen
from lclstudy.runs.store import RunStore
from tests.material import fork, saved, spec_of

folder, stores = paths.results("mine"), [RunStore(paths.runs() / str(seed)) for seed in (0, 1)]
specs, predicted = [spec_of(seed=seed) for seed in range(6)], {}
for seed, store in enumerate(stores):  # of a store, all runs are the same, but for their specs
    saved(store, *specs, rows=2000, seed=seed)
    predicted[store.frame()["test_accuracy"][0]] = store.load(specs[0]).test_probabilities.argmax(axis=1)
assert len(predicted) == 2

def whole():
    results = read_frozen("mine")
    for run in results.done.to_dict("records"):
        try:
            assert (results.predictions(run["identity"]) == predicted[run["test_accuracy"]]).all()
        except StudyError as error:
            assert "frozen anew while it was read" in str(error), error
    return len(results.done)

begun, begin = os.pipe()

def forever(first):
    os.write(begin, b"!")
    for number in range(10**9):
        stores[(first + number) % 2].freeze(folder, specs)

stores[0].freeze(folder, specs)
draw, halves = random.Random(0), 0
for number in range(8):
    children = [fork(lambda mark=mark: forever(mark)) for mark in (0, 1)]
    os.read(begun, 2)
    assert whole() == 6, "while two write"
    time.sleep(draw.uniform(0, 0.05))
    while number % 2 and not list(folder.glob(".*.part")):  # every other one is aimed at a write
        pass
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    halves += bool(list(folder.glob(".*.part")))
    assert whole() == 6
for store in stores:
    store.freeze(folder, specs)
assert sorted(path.suffix for path in folder.iterdir()) == [".npz"] * 6, list(folder.iterdir())
assert halves > 0
"""


def test_every_frozen_run_is_whole_whatever_happens():
    """Two processes freeze while a third reads, and are killed at random moments. What they leave is ignored by git."""
    run_program(PROGRAM)
    ignored = ["git", "check-ignore", "-q", "data/results/quick/.0123.npz.0123abcd.part"]
    assert subprocess.run(ignored, cwd=paths.ROOT).returncode == 0


def test_a_notebook_shows_its_own_choice_where_a_profile_cannot_answer(monkeypatch, capsys):
    monkeypatch.setattr(frozen, "read_frozen", lambda name: name)
    assert frozen.fitting("", len) == "" and frozen.fitting("mine", lambda results: results == "mine") == "mine"
    assert not capsys.readouterr().out
    assert frozen.fitting("mine", lambda results: []) == "" and "results of mine" in capsys.readouterr().out
