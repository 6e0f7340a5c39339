"""Executing a grid: what is missing is trained once, a failure or a kill costs one run, a wrong setting costs nothing."""

import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from lclstudy import config, execute, paths
from lclstudy.errors import StudyError
from lclstudy.store import RunStore

TINY = {"encoder": "tiny", "epochs": 1, "max_length": 16, "train_limit": 30}

PROFILE = """
title = "A grid of seconds"
[defaults]
encoder = "tiny"
epochs = 1
max_length = 16
train_limit = 30
[[grid]]
corpus = "embedded"
objective = ["ce", "lcl"]
seed = [0, 1]
"""


def specs_of(objectives=("ce",), seeds=(0, 1), **settings):
    return [config.spec("embedded", name, seed=seed, **TINY, **settings) for seed in seeds for name in objectives]


def bursting(seed=0):
    """A run whose loss really stops being finite: similarities divided by a temperature that float32 cannot hold."""
    return config.spec("embedded", "scl", seed=seed, temperature=1e-45, **TINY)


@pytest.fixture
def runs(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """The path of a small profile, with runs and frozen results in the test's own folder."""
    monkeypatch.setenv("LCLSTUDY_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(paths, "results", lambda name: tmp_path / "results" / name)
    monkeypatch.setattr(paths, "build", lambda name: tmp_path / "build" / name)
    path = tmp_path / "small.toml"
    path.write_text(PROFILE)
    return str(path)


def test_what_is_missing_is_trained_once(runs, capsys):
    first, second = specs_of(seeds=(0,)), specs_of(seeds=(0, 1))
    assert execute.run_missing(first, runs, progress=False)[:3] == (1, 0, 0)
    before = runs.load(first[0]).test_probabilities
    assert execute.run_missing([*second, *second], runs)[:3] == (1, 1, 0)
    np.testing.assert_array_equal(runs.load(first[0]).test_probabilities, before)
    assert execute.run_missing(second, runs, progress=False)[:3] == (0, 2, 0)
    assert runs.frame(second)[["status", "executor"]].to_numpy().tolist() == [["done", "serial"]] * 2
    shown = capsys.readouterr().err
    assert "embedded ce tiny seed 1" in shown
    assert f"validation accuracy {runs.frame(second)['validation_accuracy'][1]:.3f}" in shown


def test_a_run_that_fails_is_recorded_and_the_grid_goes_on(runs, caplog):
    grid = [bursting(), *specs_of(seeds=(0,))]
    assert execute.run_missing(grid, runs, progress=False)[:3] == (1, 0, 1)
    failure = runs.load(grid[0]).failure
    assert failure.startswith("NonFiniteLoss: ")
    assert "step 1 of epoch 1" in failure
    assert "\n" not in failure
    assert f"embedded scl tiny seed 0 failed: {failure}" in caplog.text
    assert execute.run_missing(grid, runs, progress=False)[:3] == (0, 1, 1), "a failed run is tried again"


def test_one_run_is_trained_once_and_its_failure_is_one_line(runs):
    (spec,) = specs_of(seeds=(0,))
    first = execute.obtain(spec, runs, progress=False)
    assert first.status == "done"
    assert execute.obtain(spec, runs, progress=False).measures["seconds"] == first.measures["seconds"], "not trained again"
    with pytest.raises(StudyError, match=r"^embedded scl tiny seed 0 failed: NonFiniteLoss: .* step 1 of epoch 1") as raised:
        execute.obtain(bursting(), runs, progress=False)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"executor": "threads"}, "Unknown executor 'threads'; allowed: serial, processes, ray"),
        ({"workers": 0}, "workers must be a whole number, 1 or more; given 0"),
        ({"workers": 1.5}, "workers must be a whole number, 1 or more; given 1.5"),
        ({"device": "abacus"}, "abacus"),
    ],
)
def test_a_wrong_setting_stops_before_training(runs, settings, message):
    with pytest.raises(StudyError, match=message) as raised:
        execute.run_missing(specs_of(), runs, progress=False, **settings)
    assert "\n" not in str(raised.value)
    assert not runs.path.exists()


def test_a_wrong_corpus_at_the_end_of_a_grid_stops_before_training(runs, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,emotion\nhello,a\nbye,b\n")
    with pytest.raises(StudyError, match="label"):
        execute.run_missing([*specs_of(), config.spec(str(path), "ce", **TINY)], runs, progress=False)
    assert not runs.path.exists()


class _KillsOne(RunStore):
    """A store that, as the first record is saved, kills a worker process that is still training."""

    killed = None

    def save(self, record):
        super().save(record)
        if self.killed is None:
            self.killed = multiprocessing.active_children()[0]
            self.killed.kill()


def test_processes_survive_a_killed_worker_and_agree_with_serial(tmp_path):
    grid = specs_of(seeds=(0, 1, 2, 3))
    cores, before = execute._cores(), torch.get_num_threads()
    runs = _KillsOne(tmp_path / "runs")
    assert execute.run_missing(grid, runs, executor="processes", workers=2, progress=False)[:3] == (3, 0, 1)
    (failure,) = runs.failed()["failure"]
    assert failure == "its worker process ended with status -9 (killed for memory? try fewer workers)"
    assert not multiprocessing.active_children()
    finished = next(spec for spec in grid if runs.has(spec))
    serial = RunStore(tmp_path / "serial")
    torch.set_num_threads(max(1, cores // 2))  # the share of each of two workers
    try:
        execute.run_missing([finished], serial, progress=False)
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(runs.load(finished).test_probabilities, serial.load(finished).test_probabilities)
    assert runs.load(finished).executor == "processes"


# One import, then a process per attempt: killed at random moments, then interrupted, then left to finish.
KILLED = """
import os, random, signal, sys, time
from lclstudy import config, execute, train
from lclstudy.store import RunStore

profile, store = sys.argv[1], RunStore()
specs = config.load_profile(profile).specs()
train.check(specs[0])  # corpus and encoder once for all children

def attempt(*more):
    child = os.fork()
    if child == 0:
        status = 99
        try:
            status = execute.main([profile, "--device", "cpu", *more])
        finally:
            sys.stderr.flush()
            os._exit(status)
    return child

def finished():
    return [spec for spec in specs if store.has(spec)]

draw = random.Random(0)
for _ in range(4):
    child = attempt()
    time.sleep(draw.uniform(0, 2))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    kept = {spec: store.load(spec).test_probabilities for spec in finished()}
assert len(store.frame()) == len(kept)

for path in store.path.glob("*"):
    path.unlink()
child = attempt("--seeds", "0,1,2,3,4,5,6,7")  # more than can be finished before the interrupt comes
while not finished():
    time.sleep(0.01)
os.kill(child, signal.SIGINT)
interrupted = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
first = {spec: store.load(spec).test_probabilities for spec in finished()}
assert interrupted == 130, interrupted

assert os.waitstatus_to_exitcode(os.waitpid(attempt(), 0)[1]) == 0
assert finished() == specs
assert all((store.load(spec).test_probabilities == found).all() for spec, found in first.items())
assert {path.suffix for path in store.path.iterdir()} == {".npz"}
"""


def test_training_that_is_killed_or_interrupted_leaves_whole_records_and_goes_on(profile):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, "-c", KILLED, profile]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "damaged" not in ran.stderr
    assert ran.stderr.count("Interrupted: finished runs are kept; the same command goes on with the other ") == 1
    assert "Traceback" not in ran.stderr


def test_ray_trains_the_same_grid(runs):
    pytest.importorskip("ray")
    grid = [bursting(), *specs_of(seeds=(0, 1))]
    assert execute.run_missing(grid, runs, executor="ray", workers=2, progress=False)[:3] == (2, 0, 1)
    assert runs.failed()["failure"][0].startswith("NonFiniteLoss: ")
    assert set(runs.frame()["executor"]) == {"ray"}


def test_ray_that_is_not_installed_is_said_in_one_line(runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # what import then finds is what it finds where Ray is not installed
    with pytest.raises(StudyError, match=r"^executor 'ray' needs Ray, .* pip install ray, or use 'serial'\.$"):
        execute.run_missing(specs_of(), runs, executor="ray", progress=False)


# The command line


def test_a_dry_run_lists_what_is_missing_and_trains_nothing(profile, capsys):
    assert execute.main([profile, "--dry-run", "--seeds", "1", "--objectives", "lcl"]) == 0
    (spec,) = config.load_profile(profile).restrict(objectives=["lcl"], seeds=[1]).specs()
    assert capsys.readouterr().out == f"{spec.identity()} embedded lcl tiny seed 1\n1 of 1 runs would be trained\n"
    assert not RunStore().path.exists()


def test_the_command_trains_then_freezes_the_whole_profile(profile, capsys, tmp_path):
    assert execute.main([profile, "--objectives", "ce", "--seeds", "1,2", "--device", "cpu", "--freeze"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 trained, 0 there already, 0 failed, in ")
    assert "Frozen in " in out
    from lclstudy.store import read_frozen

    frozen = read_frozen(profile).runs
    told = frozen.set_index(["objective", "seed"])["status"].to_dict()
    assert told == {("ce", 0): "not run", ("lcl", 0): "not run", ("ce", 1): "done", ("lcl", 1): "not run", ("ce", 2): "done"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "Unknown profile 'nope'; allowed: "),
        (
            ["quick", "--corpora", "embeded"],
            "Unknown corpus of profile quick 'embeded'; allowed: embedded. Did you mean 'embedded'?",
        ),
        (["quick", "--objectives", "lcl,lcd"], "Unknown objective of profile quick 'lcd'; allowed: ce, lcl, scl."),
        (["quick", "--encoders", "minilm"], "Unknown encoder of profile quick 'minilm'; allowed: tiny."),
        (["quick", "--seeds", "-1"], "seed must be from 0 to 4294967295; given -1."),
        (["quick", "--executor", "slurm"], "Unknown executor 'slurm'; allowed: serial, processes, ray."),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(profile, capsys, arguments, message):
    if "--seeds" in arguments:
        arguments = [*arguments[:-2], f"--seeds={arguments[-1]}"]
    assert execute.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert error.count("\n") == 1


def test_failed_runs_give_status_1(tmp_path, profile, capsys):
    path = tmp_path / "burst.toml"
    path.write_text(PROFILE.replace('["ce", "lcl"]', '"scl"\ntemperature = 1e-45').replace("[0, 1]", "0"))
    assert execute.main([str(path), "--device", "cpu"]) == 1
    assert capsys.readouterr().out.startswith("0 trained, 0 there already, 1 failed")
