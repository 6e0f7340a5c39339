"""Executing a grid: what is missing is trained once, a failure or a kill costs one run, a wrong setting costs nothing."""

import io
import multiprocessing
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from lclstudy import paths
from lclstudy.__main__ import main
from lclstudy.corpora import wordnet
from lclstudy.errors import StudyError
from lclstudy.models import encoders
from lclstudy.plan.profiles import load_profile
from lclstudy.plan.spec import make_spec
from lclstudy.runs import claims, progress
from lclstudy.runs.claims import Queue
from lclstudy.runs.grid import obtain, run_missing
from lclstudy.runs.progress import Board
from lclstudy.runs.store import RunStore
from tests.material import run_program

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
    return [make_spec("embedded", name, seed=seed, **TINY, **settings) for seed in seeds for name in objectives]


def bursting(seed=0):
    """A run whose loss really stops being finite: similarities divided by a temperature that float32 cannot hold."""
    return make_spec("embedded", "scl", seed=seed, temperature=1e-45, **TINY)


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
    assert run_missing(first, runs, progress=False)[:3] == (1, 0, 0)
    before = runs.load(first[0]).test_probabilities
    assert run_missing([*second, *second], runs)[:3] == (1, 1, 0)
    np.testing.assert_array_equal(runs.load(first[0]).test_probabilities, before)
    assert run_missing(second, runs, progress=False)[:3] == (0, 2, 0)
    assert runs.frame(second)[["status", "executor"]].to_numpy().tolist() == [["done", "serial"]] * 2
    shown = capsys.readouterr().err
    assert "embedded ce tiny seed 1" in shown
    assert f"validation accuracy {runs.frame(second)['validation_accuracy'][1]:.3f}" in shown


def test_a_run_that_fails_is_recorded_and_the_grid_goes_on(runs, caplog):
    grid = [bursting(), *specs_of(seeds=(0,))]
    summary = run_missing(grid, runs, "serial", progress=False)
    assert summary[:3] == (1, 0, 1)
    failure = runs.load(grid[0]).failure
    assert summary.failures[0].failure == failure
    assert runs.load(grid[0]).traceback.endswith(f"{failure}\n")
    assert str(paths.ROOT) not in runs.load(grid[0]).traceback
    assert failure.startswith("NonFiniteLoss: ")
    assert "step 1 of epoch 1" in failure
    assert "\n" not in failure
    assert f"embedded scl tiny seed 0 failed: {failure}" in caplog.text
    assert run_missing(grid, runs, progress=False)[:3] == (0, 1, 1), "a failed run is tried again at the next start"


def test_one_run_is_trained_once_and_its_failure_is_one_line(runs):
    (spec,) = specs_of(seeds=(0,))
    first = obtain(spec, runs, progress=False)
    assert first.status == "done"
    assert obtain(spec, runs, progress=False).measures["seconds"] == first.measures["seconds"], "not trained again"
    with pytest.raises(StudyError, match=r"^embedded scl tiny seed 0 failed: NonFiniteLoss: .* step 1 of epoch 1") as raised:
        obtain(bursting(), runs, progress=False)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"executor": "threads"}, "Unknown executor 'threads'; allowed: auto, serial, processes, ray"),
        ({"workers": 0}, "workers must be a whole number, 1 or more; given 0"),
        ({"workers": 1.5}, "workers must be a whole number, 1 or more; given 1.5"),
        ({"device": "abacus"}, "abacus"),
    ],
)
def test_a_wrong_setting_stops_before_training(runs, settings, message):
    with pytest.raises(StudyError, match=message) as raised:
        run_missing(specs_of(), runs, progress=False, **settings)
    assert "\n" not in str(raised.value)
    assert not runs.path.exists()


def test_what_cannot_be_read_stops_before_training(runs, tmp_path, monkeypatch):
    path = tmp_path / "mine.csv"
    path.write_text("text,emotion\nhello,a\nbye,b\n")
    with pytest.raises(StudyError, match="label"):
        run_missing([*specs_of(), make_spec(str(path), "ce", **TINY)], runs, progress=False)
    monkeypatch.setattr(wordnet, "_find", lambda: None)  # what a machine without it gives
    wordnet.ensure.cache_clear()
    try:
        with pytest.raises(StudyError, match=r"^There is no WordNet\."):
            run_missing(specs_of(("ce", "lcl"), augment="wordnet"), runs, progress=False)
    finally:
        wordnet.ensure.cache_clear()
    assert not runs.path.exists()


def test_a_store_that_cannot_be_written_stops_before_training(runs, monkeypatch):
    runs.path.symlink_to("gone/away")
    with pytest.raises(StudyError, match=r"^Records cannot be written \(.*\) in .*LCLSTUDY_RUNS"):
        run_missing(specs_of(), runs, progress=False)
    runs.path.unlink()
    monkeypatch.setattr(claims, "FREE_BYTES", 2**62)  # more than any disk has
    with pytest.raises(StudyError, match=r"^Fewer than \d+ MB are free in .*LCLSTUDY_RUNS"):
        run_missing(specs_of(), runs, progress=False)


class _KillsOne(RunStore):
    """A store that, as the first record is saved, kills a worker process that is still training."""

    killed = None

    def save(self, record):
        super().save(record)
        if self.killed is None:
            self.killed = multiprocessing.active_children()[0]
            self.killed.kill()


def test_processes_survive_a_killed_worker_and_agree_with_serial(tmp_path, capsys):
    grid = specs_of(seeds=(0, 1, 2, 3))
    runs = _KillsOne(tmp_path / "runs")
    assert run_missing(grid, runs, executor="processes", workers=2)[:3] == (3, 0, 1)
    (failure,) = filter(None, runs.frame()["failure"])
    assert failure == "its worker process ended with status -9 (killed for memory? try fewer workers)"
    assert not multiprocessing.active_children()
    assert "Runs: 4/4 runs" in capsys.readouterr().err
    finished = next(spec for spec in grid if runs.has(spec))
    serial, before = RunStore(tmp_path / "serial"), torch.get_num_threads()
    run_missing([finished], serial, progress=False)
    assert torch.get_num_threads() == before, "given back as it was"
    np.testing.assert_array_equal(runs.load(finished).test_probabilities, serial.load(finished).test_probabilities)
    assert (runs.load(finished).executor, serial.load(finished).executor) == ("processes", "serial")
    assert runs.load(finished).measures["threads"] == serial.load(finished).measures["threads"] == 1


class _Spoils(RunStore):
    """A store that, as the first record is saved, spoils a corpus that passed all checks."""

    def save(self, record):
        super().save(record)
        self.corpus.write_text("text,label\n,\n")


def test_a_mistake_that_only_a_run_meets_fails_that_run_alone(tmp_path):
    runs = _Spoils(tmp_path / "runs")
    runs.corpus = tmp_path / "mine.csv"
    runs.corpus.write_text("text,label\n" + "".join(f"some text {number},{'ab'[number % 2]}\n" for number in range(60)))
    spoilt = make_spec(str(runs.corpus), "ce", **TINY)
    first, last = specs_of()
    summary = run_missing([first, spoilt, last], runs, "serial", progress=False)
    assert summary[:3] == (2, 0, 1)
    assert "mine.csv" in summary.failures[0].failure
    assert {path.suffix for path in runs.path.iterdir()} == {".npz"}, "its claim is given back"


# Claims


def test_a_claim_is_one_process_own_until_it_is_given_back(runs):
    first, second = specs_of()
    one, other = Queue(runs, [first, second]), Queue(runs, [first, second])
    assert (one.take(), other.take(), other.take(wait=False)) == (first, second, None)
    assert (one.left(), other.left()) == (2, 2)
    one.close()
    assert other.take(wait=False) == first
    other.close()
    assert not list(runs.path.iterdir())
    (runs.path / f"{second.identity()}.claim").touch()  # as a killed command leaves it
    Queue(runs, [first])
    assert not list(runs.path.iterdir())


# Progress


def test_a_terminal_shows_a_bar_per_run_with_its_epoch_and_loss(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    board = Board(total=2, done=0, shown=True)
    first, second = specs_of()
    for spec in (first, second):
        board.tell(spec, 1, 40, "epoch 1, loss 2.345")
    board.finish(first, "validation accuracy 0.500", 1)
    board.close()
    for said in ("embedded ce tiny seed 0: ", "embedded ce tiny seed 1:", "epoch 1, loss 2.345", "1/2"):
        assert said in terminal.getvalue()


def test_a_log_gets_few_lines(monkeypatch, capsys):
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 0)
    monkeypatch.setattr(progress, "TELL_SECONDS", 0)
    (spec,) = specs_of(seeds=(0,))
    board = Board(total=1, done=0, shown=True)
    with progress.Teller(lambda *told: board.tell(spec, *told), total=100, desc="what tqdm takes", leave=False) as bar:
        for step in range(100):
            bar.set_postfix(epoch=step, loss="2.345")
            bar.update()
    board.finish(spec, "validation accuracy 0.500", 1)
    board.close()
    first, last = capsys.readouterr().err.splitlines()
    assert "embedded ce tiny seed 0: 0/100 steps" in first
    assert last.endswith("embedded ce tiny seed 0: validation accuracy 0.500")
    assert bar.n == 100 and bar.postfix == "epoch=99, loss=2.345"


# Kills


# One import, then a process per attempt: killed at random moments, then interrupted, then left to finish.
KILLED = """
import contextlib, os, random, signal, sys, time
import psutil
from lclstudy import __main__
from lclstudy.plan.profiles import load_profile
from lclstudy.training import prepare
from lclstudy.runs.store import RunStore
from tests.material import fork

profile, times = sys.argv[1], int(sys.argv[2])
store, specs = RunStore(), load_profile(profile).specs()
for spec in specs:
    prepare.prepare(spec)  # once for all children

def attempt(*more):
    return fork(lambda: __main__.main(["run", profile, "--device", "cpu", "--executor", "serial", *more]))

def finished():
    return [spec for spec in specs if store.has(spec)]

draw = random.Random(0)
for _ in range(times):
    child = attempt()
    time.sleep(draw.uniform(0, 4))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(store.frame()) == len(finished())

for path in store.path.glob("*"):
    path.unlink()
child = attempt("--seeds", ",".join(map(str, range(30))))  # more than can be finished before the interrupt comes
while not finished():
    time.sleep(0.01)
os.kill(child, signal.SIGINT)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
first = {spec: store.load(spec).test_probabilities for spec in finished()}

assert os.waitstatus_to_exitcode(os.waitpid(attempt(), 0)[1]) == 0
assert finished() == specs
assert all((store.load(spec).test_probabilities == found).all() for spec, found in first.items())
assert {path.suffix for path in store.path.iterdir()} == {".npz"}
"""


def test_training_that_is_killed_or_interrupted_leaves_whole_records_and_goes_on(profile):
    ran = run_program(KILLED, profile, 4)
    assert ran.stderr.count("interrupted; finished runs are kept, and the same command goes on from here.\n") == 1
    assert "Traceback" not in ran.stderr


# Two commands at a time on one store.
TWICE = """
import os, sys
from lclstudy import __main__
from lclstudy.plan.profiles import load_profile
from lclstudy.training import prepare
from lclstudy.runs.store import RunStore
from tests.material import fork

specs = load_profile(sys.argv[1]).specs()
for spec in specs:
    prepare.prepare(spec)  # once for both children
children = [fork(lambda: __main__.main(["run", sys.argv[1], "--device", "cpu", "--executor", "serial"])) for _ in range(2)]
assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
assert all(map(RunStore().has, specs))
assert {path.suffix for path in RunStore().path.iterdir()} == {".npz"}
"""


def test_two_commands_on_one_store_share_the_work(profile):
    told = [line.split() for line in run_program(TWICE, profile).stdout.splitlines()]
    assert sum(int(words[0]) for words in told) == 4, "each run is trained once"
    assert [int(words[0]) + int(words[2]) for words in told] == [4, 4]


@pytest.mark.parametrize(
    ("executor", "number"), [("processes", signal.SIGTERM), ("processes", signal.SIGKILL), ("ray", signal.SIGKILL)]
)
def test_what_a_command_started_ends_with_it(profile, executor, number):
    command = [sys.executable, "-m", "lclstudy", "run", profile, "--executor", executor, "--workers", "1"]
    Path(profile).write_text(PROFILE.replace("epochs = 1", "epochs = 10000"))
    parent = psutil.Popen(command, stderr=subprocess.PIPE, text=True, cwd=paths.ROOT)
    for line in parent.stderr:  # the first says how far a run is: a worker trains
        if "steps" in line:
            break
    started = parent.children(recursive=True)
    assert len(started) >= 2
    parent.send_signal(number)
    said = parent.communicate(timeout=30)[1]
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    if number == signal.SIGKILL:
        assert (parent.returncode, said) == (-9, "")
    else:
        assert parent.returncode == 130
        assert said.endswith("lclstudy: interrupted; finished runs are kept, and the same command goes on from here.\n")
        assert "Traceback" not in said


@pytest.mark.parametrize("seconds", [0.3, 2])
def test_an_interrupt_while_it_starts_is_one_line(profile, seconds):
    command = [sys.executable, "-m", "lclstudy", "run", profile, "--executor", "serial"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=paths.ROOT)
    time.sleep(seconds)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=30)[1]
    assert child.returncode == 130
    assert said.count("interrupted") == 1
    assert "Traceback" not in said


# The command line


def test_a_dry_run_lists_what_is_missing_and_trains_nothing(profile, capsys):
    assert main(["run", profile, "--dry-run", "--seeds", "1", "--objectives", "lcl"]) == 0
    (spec,) = load_profile(profile).restrict(objectives=["lcl"], seeds=[1]).specs()
    assert capsys.readouterr().out == f"{spec.identity()} embedded lcl tiny seed 1\n1 of 1 runs would be trained\n"
    assert not RunStore().path.exists()


def test_the_command_trains_what_is_asked_for(profile, capsys):
    assert main(["run", profile, "--objectives", "ce", "--seeds", "1,2", "--device", "cpu"]) == 0
    assert capsys.readouterr().out.startswith("2 trained, 0 there already, 0 failed, in ")
    assert RunStore().frame()["seed"].tolist() == [1, 2]


def test_a_wrong_argument_is_one_line_and_status_2(capsys):
    assert main(["run", "quick", "--corpora", "embeded"]) == 2
    error = "lclstudy: Unknown corpus of profile quick 'embeded'; allowed: embedded. Did you mean 'embedded'?\n"
    assert capsys.readouterr().err == error


def test_failed_runs_give_status_1(tmp_path, profile, capsys):
    path = tmp_path / "burst.toml"
    path.write_text(PROFILE.replace('["ce", "lcl"]', '"scl"\ntemperature = 1e-45').replace("[0, 1]", "0"))
    assert main(["run", str(path), "--device", "cpu"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("0 trained, 0 there already, 1 failed")
    assert "\nembedded scl tiny seed 0 failed: NonFiniteLoss: " in told.err
    assert 'lclstudy/training/loop.py", line ' in told.err, "the traceback is shown"


# Ray, at the end, because what runs beside a cluster joins it


@pytest.fixture(scope="module")
def head():
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        yield cluster
        cluster.shutdown()


@pytest.fixture
def cluster(head, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", head.address)
    return head


class _LosesANode(RunStore):
    """A store that, as the first record is saved, takes away a node that trains."""

    lost = False

    def save(self, record):
        super().save(record)
        if not self.lost:
            self.lost = True
            self.cluster.remove_node(self.node, allow_graceful=False)


def test_a_cluster_that_loses_a_node_trains_every_run_as_serial_does(tmp_path, cluster):
    grid = [bursting(), *specs_of(("ce", "lcl"), (0, 1))]
    serial, runs = RunStore(tmp_path / "serial"), _LosesANode(tmp_path / "runs")
    assert run_missing(grid, serial, "serial", progress=False)[:3] == (4, 0, 1)
    runs.cluster, runs.node = cluster, cluster.add_node(num_cpus=1)
    assert run_missing(grid, runs, progress=False)[:3] == (4, 0, 1), "auto finds the cluster"
    assert runs.lost
    assert set(runs.frame()["executor"]) == {"ray"}
    assert max(runs.frame()["failure"]).startswith(f"on node {socket.gethostname()}: NonFiniteLoss: ")
    for spec in grid[1:]:
        np.testing.assert_array_equal(runs.load(spec).test_probabilities, serial.load(spec).test_probabilities)


def test_a_mistake_on_a_node_fails_its_run_and_names_the_node(runs, cluster):
    summary = run_missing(specs_of(seeds=(0,)), runs, "ray", device="cuda:63", progress=False)
    assert summary[:3] == (0, 0, 1)
    assert summary.failures[0].failure.startswith(f"on node {socket.gethostname()}: Device 'cuda:63' is not here")


def test_an_encoder_goes_to_a_node_with_its_files(minilm_folder, tmp_path, monkeypatch):
    from ray import cloudpickle

    here = encoders.load("minilm", [])
    sent = cloudpickle.dumps(here)
    monkeypatch.setattr(paths, "ROOT", tmp_path)  # a node's
    arrived = cloudpickle.loads(sent)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["models"]
    assert arrived.tokenizer("a text")["input_ids"] == here.tokenizer("a text")["input_ids"]
    weights = here.body().state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in arrived.body().state_dict().items())
