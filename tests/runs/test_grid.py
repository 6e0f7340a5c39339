"""Executing a grid: what is missing is trained once, a failure or a kill costs one run, a wrong setting costs nothing."""

import io
import multiprocessing
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from lclstudy import paths
from lclstudy.__main__ import main
from lclstudy.corpora import wordnet
from lclstudy.plan.profiles import load_profile
from lclstudy.plan.spec import make_spec
from lclstudy.runs import claims, executors, progress
from lclstudy.runs.claims import Queue
from lclstudy.runs.grid import obtain, run_missing
from lclstudy.runs.progress import Board
from lclstudy.runs.store import RunStore
from lclstudy.training import loop
from tests.material import refused, saved
from tests.runs.grids import TINY, bursting, specs_of


def test_what_is_missing_is_trained_once(runs, capsys):
    first, both = specs_of(seeds=(0,)), specs_of(seeds=(0, 1))
    before = obtain(first[0], runs)
    assert run_missing([*both, *both], runs)[:3] == (1, 1, 0)
    assert obtain(first[0], runs).measures["seconds"] == before.measures["seconds"], "not trained again"
    assert runs.frame(both)[["status", "executor"]].to_numpy().tolist() == [["done", "serial"]] * 2
    shown = capsys.readouterr().err
    assert "embedded ce tiny seed 1" in shown
    assert f"validation accuracy {runs.frame(both)['validation_accuracy'][1]:.3f}" in shown


def test_a_run_that_fails_is_recorded_and_the_grid_goes_on(runs, caplog):
    grid = [bursting(), *specs_of(seeds=(0,))]
    summary = run_missing(grid, runs, "serial")
    failed = runs.load(grid[0])
    assert (summary[:3], summary.failures[0].failure) == ((1, 0, 1), failed.failure)
    assert failed.failure.startswith("NonFiniteLoss: ") and "step 1 of epoch 1" in failed.failure and "\n" not in failed.failure
    assert failed.traceback.endswith(f"{failed.failure}\n") and str(paths.ROOT) not in failed.traceback
    assert f"embedded scl tiny seed 0 failed: {failed.failure}" in caplog.text
    caplog.clear()
    with refused(f"embedded scl tiny seed 0 failed: {failed.failure}"):
        obtain(grid[0], runs)
    assert "failed" in caplog.text, "a failed run is tried again"


def test_a_wrong_setting_or_what_cannot_be_read_stops_before_training(runs, tmp_path, monkeypatch):
    for settings, message in (
        ({"executor": "threads"}, "Unknown executor 'threads'; allowed: auto, serial, processes, ray"),
        ({"workers": 0}, "workers must be a whole number, 1 or more; given 0"),
        ({"workers": 1.5}, "workers must be a whole number, 1 or more; given 1.5"),
        ({"device": "abacus"}, "abacus"),
    ):
        with refused(message):
            run_missing(specs_of(), runs, **settings)
    path = tmp_path / "mine.csv"
    path.write_text("text,emotion\nhello,a\nbye,b\n")
    with refused("label"):
        run_missing([*specs_of(), make_spec(str(path), "ce", **TINY)], runs)
    monkeypatch.setattr(wordnet, "ensure", wordnet.ensure.__wrapped__)  # which forgets what was found
    monkeypatch.setattr(wordnet, "_find", lambda: None)  # what a machine without it gives
    with refused("There is no WordNet."):
        run_missing(specs_of(("ce", "lcl"), augment="wordnet"), runs)
    assert not runs.path.exists()


def test_a_store_that_cannot_be_written_stops_before_training(runs, monkeypatch):
    runs.path.symlink_to("gone/away")
    with refused("Records cannot be written (", "LCLSTUDY_RUNS"):
        run_missing(specs_of(), runs)
    runs.path.unlink()
    queue = claims.Queue(runs, specs_of())
    runs.path.rmdir()
    runs.path.symlink_to("gone/away")
    with refused("Records cannot be written (", "LCLSTUDY_RUNS"):
        queue.take()  # later, too
    runs.path.unlink()
    monkeypatch.setattr(claims, "FREE_BYTES", 2**62)  # more than any disk has
    with refused("Fewer than ", " MB are free in ", "LCLSTUDY_RUNS"):
        run_missing(specs_of(), runs)


class _KillsOne(RunStore):
    """A store that, as the first record is saved, kills a worker process: that which is still training, or the idle one."""

    killed = None

    def save(self, record):
        super().save(record)
        if self.killed is None:
            self.killed = multiprocessing.active_children()[0]
            self.killed.kill()


def test_processes_survive_a_killed_worker_agree_with_serial_and_hear_of_what_a_notebook_sets(tmp_path, monkeypatch, capsys):
    grid = specs_of(seeds=(0, 1, 2))
    runs = _KillsOne(tmp_path / "runs")
    done, _, failed, *_ = run_missing(grid, runs, executor="processes", workers=2)
    assert (done, failed) in ((2, 1), (3, 0)), "an idle worker takes no run with it"
    lost = "its worker process ended with status -9 (killed for memory? try fewer workers)"
    assert [*filter(None, runs.frame()["failure"])] == [lost] * failed
    assert not multiprocessing.active_children()
    assert "Runs: 3/3 runs" in capsys.readouterr().err
    finished = next(spec for spec in grid if runs.has(spec))
    serial, before = RunStore(tmp_path / "serial"), torch.get_num_threads()
    run_missing([finished], serial)
    assert torch.get_num_threads() == before, "given back as it was"
    both = [store.load(finished) for store in (runs, serial)]
    np.testing.assert_array_equal(*(record.test_probabilities for record in both))
    assert [(record.executor, record.measures["threads"]) for record in both] == [("processes", 1), ("serial", 1)]
    monkeypatch.setenv("LCLSTUDY_CALLER", str(tmp_path))  # after the server of workers has started
    (tmp_path / "mine.csv").write_text("text,label\n" + 20 * "good,a\nbad,b\n")
    assert run_missing([make_spec("mine.csv", "ce", **TINY)], serial, "processes")[:3] == (1, 0, 0)


def test_a_mistake_that_only_a_run_meets_fails_that_run(runs, monkeypatch):
    """Such as a device that no node of Ray, which is slow to start, has: the command that asks knows nothing of them."""
    monkeypatch.setitem(executors.EXECUTORS, "ray", executors.serial)
    summary = run_missing(specs_of(seeds=(0,)), runs, "ray", device="cuda:63")
    assert summary[:3] == (0, 0, 1)
    assert summary.failures[0].failure.startswith("Device 'cuda:63' is not here")
    assert {path.suffix for path in runs.path.iterdir()} == {".npz"}, "its claim is given back"


@pytest.mark.parametrize("change", [Path.unlink, lambda mine: mine.write_text("text,label\n")])
def test_runs_whose_own_file_changes_meanwhile_fail_and_the_others_go_on(runs, tmp_path, monkeypatch, caplog, change):
    texts = "".join(f"text {number},{'ab'[number % 2]}\n" for number in range(40))
    (mine := tmp_path / "mine.csv").write_text(f"text,label\n{texts}")
    theirs = [make_spec(str(mine), "ce", seed=seed, batch_size=5, **TINY) for seed in (0, 1)]
    (other,) = specs_of(seeds=(0,))

    def changing(*given):
        """Trains; the file changes as the first run ends."""
        for number, record in enumerate(executors.serial(*given)):
            if number == 0:
                assert record.status == "done"
                change(mine)
            yield record

    monkeypatch.setitem(executors.EXECUTORS, "serial", changing)
    summary = run_missing([*theirs, other], runs, "serial", device="cpu")
    assert summary[:3] == (1, 0, 2) and [failed.spec for failed in summary.failures] == theirs
    for seed in (0, 1):
        assert f"mine ce tiny seed {seed} failed: its file changed since the start; not kept" in caplog.text
    assert [path.name for path in runs.path.iterdir()] == [f"{other.identity()}.npz"]


def test_a_worker_whose_run_failed_on_a_gpu_is_replaced(runs, monkeypatch):
    """A fault of CUDA's fails each later run of its process. Here the GPU is not there, or the loss bursts."""
    hired, hire = [], executors._hire
    monkeypatch.setattr(executors, "places", lambda *_: ["0"])
    monkeypatch.setattr(executors, "_hire", lambda *given: hired.append(hire(*given)) or hired[-1])
    assert run_missing([bursting(0), bursting(1)], runs, "processes")[:3] == (0, 0, 2)
    assert [place for *_, place in hired] == ["0", "0"]


@pytest.mark.parametrize(("encoder", "each"), [("tfidf", 1), ("minilm", 5), ("electra-base", 2)])
def test_a_gpu_has_as_many_places_as_the_largest_encoder_has_room(monkeypatch, encoder, each):
    monkeypatch.setattr(loop, "choose_device", lambda device: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,-1,7")
    spec = make_spec("embedded", "ce", encoder=encoder)
    assert sorted(executors.places([spec], None, None)) == ["3"] * each + ["5"] * each


def test_a_claim_is_one_process_own_until_it_is_given_back(runs):
    first, second = specs_of()
    one, other = Queue(runs, [first, second]), Queue(runs, [first, second])
    assert (one.take(), other.take(), other.take(wait=False)) == (first, second, None)
    assert (one.left(), other.left()) == (2, 2)
    one.close()
    assert other.take(wait=False) == first
    other.close()
    (runs.path / f"{second.identity()}.claim").touch()  # as a killed command leaves it
    Queue(runs, [first])
    assert not list(runs.path.iterdir())


def test_a_terminal_shows_a_bar_per_run_with_its_epoch_and_loss(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    board = Board(total=2, done=0)
    for spec in specs_of():
        board.tell(spec, 1, 40, "epoch 1, loss 2.345")
    board.finish(spec, "validation accuracy 0.500", 1)
    board.close()
    said = terminal.getvalue()
    assert all(part in said for part in ("embedded ce tiny seed 0: ", "embedded ce tiny seed 1:", "epoch 1, loss 2.345", "1/2"))


def test_a_log_gets_few_lines(monkeypatch, capsys):
    for name in ("FIRST_LINE_SECONDS", "TELL_SECONDS"):
        monkeypatch.setattr(progress, name, 0)
    (spec,) = specs_of(seeds=(0,))
    board = Board(total=1, done=0)
    with progress.Teller(partial(board.tell, spec), total=100, desc="what tqdm takes", leave=False) as bar:
        for step in range(100):
            bar.set_postfix(epoch=step, loss="2.345")
            bar.update()
    board.finish(spec, "validation accuracy 0.500", 1)
    board.close()
    first, last = capsys.readouterr().err.splitlines()
    assert "embedded ce tiny seed 0: 0/100 steps" in first
    assert last.endswith("embedded ce tiny seed 0: validation accuracy 0.500")
    assert bar.n == 100 and bar.postfix == "epoch=99, loss=2.345"


def test_the_time_left_is_by_the_mean_of_all_runs_and_the_line_that_is_written_over_is_closed(monkeypatch, capsys):
    monkeypatch.setenv("JPY_SESSION_NAME", "test")
    clock = [0.0]
    monkeypatch.setattr("tqdm.std.time", lambda: clock[0])
    board = Board(total=6, done=1)
    for clock[0], done in ((1, 2), (2, 3), (30, 4)):
        board.finish(specs_of(seeds=(done,))[0], "done", done)
    board.count(5)  # by another command
    board.close()
    told = capsys.readouterr().err
    assert "Runs: 5/6 runs, 00:07 left" in told and told.endswith("\n"), "30 s for 4 runs"
    Board(total=6, done=6).close()
    assert not capsys.readouterr().err, "nothing to train, nothing to tell"


def test_a_bar_counts_what_another_command_trains_meanwhile(runs, monkeypatch, capsys):
    first, second = specs_of()

    def other_trains_the_second(*given):
        saved(runs, second)
        yield from executors.serial(*given)

    monkeypatch.setitem(executors.EXECUTORS, "serial", other_trains_the_second)
    assert run_missing([first, second], runs, "serial", device="cpu")[:3] == (1, 1, 0)
    assert "Runs: 2/2 runs" in capsys.readouterr().err.splitlines()[-1]


def test_a_dry_run_lists_what_is_missing_and_trains_nothing(profile, capsys):
    assert main(["run", profile, "--dry-run", "--seeds", "1", "--objectives", "lcl"]) == 0
    (spec,) = load_profile(profile).restrict(objectives=["lcl"], seeds=[1]).specs()
    assert capsys.readouterr().out == f"{spec.identity()} embedded lcl tiny seed 1\n1 of 1 runs would be trained\n"
    assert not RunStore().path.exists()


def test_a_command_that_will_not_do_is_refused_before_anything_is_trained_or_frozen(profile, capsys):
    for command, said in (
        (["freeze", "quick", "--retrain"], "Unrecognized arguments: --retrain"),
        (["freeze", "quick", "--objectives", "ce"], "No record of profile quick, as restricted, in "),
    ):
        assert main(command) == 2 and said in capsys.readouterr().err
    assert not RunStore().path.exists()


def test_the_command_trains_what_is_asked_for_and_failed_runs_give_status_1(profile, capsys):
    Path(profile).write_text(Path(profile).read_text().replace('["ce", "lcl"]', '["ce", "scl"]\ntemperature = 1e-45'))
    command = ["run", profile, "--seeds", "2", "--device", "cpu", "--executor", "serial"]
    assert main(command) == 1
    told = capsys.readouterr()
    assert told.out.startswith("1 trained, 0 there already, 1 failed, in ")
    assert "\nembedded scl tiny seed 2 failed: NonFiniteLoss: " in told.err
    assert 'lclstudy/training/loop.py", line ' in told.err, "the traceback is shown"
    assert main([*command, "--objectives", "ce"]) == 0
    assert capsys.readouterr().out.startswith("0 trained, 1 there already, 0 failed, in ")
    assert RunStore().frame()["seed"].tolist() == [2, 2]
