"""Commands that are killed, interrupted or started twice: records stay whole, each run is trained once, and nothing goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lclstudy import paths
from tests.material import run_program
from tests.runs.grids import PROFILE

# One import, then a process per attempt: killed at random moments, then interrupted, then two at a time, left to finish.
PROGRAM = """
import os, random, signal, sys, time
import psutil
from lclstudy import __main__
from lclstudy.plan.profiles import load_profile
from lclstudy.training import prepare
from lclstudy.runs.store import RunStore
from tests.material import fork

profile = sys.argv[1]
store, specs = RunStore(), load_profile(profile).specs()
for spec in specs:
    prepare.prepare(spec)  # once for all children

def attempt(executor="serial", *more):
    return fork(lambda: __main__.main(["run", profile, "--device", "cpu", "--executor", executor, *more]))

def finished():
    return [spec for spec in specs if store.has(spec)]

def status(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

draw = random.Random(0)
for longest in (0.5, 1, 2):
    child = attempt()
    time.sleep(draw.uniform(0, longest))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(store.frame()) == len(finished())

for path in store.path.glob("*"):
    path.unlink()
many = ",".join(map(str, range(30)))  # more runs than can be finished before the interrupt comes
child = attempt("processes", "--workers", "1", "--seeds", many)
while not finished():
    time.sleep(0.01)
workers = psutil.Process(child).children(recursive=True)
os.kill(child, signal.SIGTERM)
assert status(child) == 130 and workers
assert not psutil.wait_procs(workers, timeout=10)[1], "they end with it"
first = {spec: store.load(spec).test_probabilities for spec in finished()}

print("left:", len(specs) - len(first), flush=True)
assert [status(child) for child in [attempt(), attempt()]] == [0, 0]
assert finished() == specs
assert all((store.load(spec).test_probabilities == found).all() for spec, found in first.items())
assert {path.suffix for path in store.path.iterdir()} == {".npz"}
"""


def test_training_that_is_killed_or_interrupted_leaves_whole_records_and_two_commands_share_the_rest(profile):
    ran = run_program(PROGRAM, profile)
    assert ran.stderr.count("interrupted; finished runs are kept, and the same command goes on from here.\n") == 1
    assert "Traceback" not in ran.stderr
    left, *told = [line.split() for line in ran.stdout.partition("left: ")[2].splitlines()]
    assert sum(int(words[0]) for words in told) == int(left[0]), "each run is trained once"
    assert [int(words[0]) + int(words[2]) for words in told] == [4, 4]


@pytest.mark.parametrize("executor", ["processes", "ray"])
def test_what_a_command_started_ends_when_it_is_killed(profile, executor):
    command = [sys.executable, "-m", "lclstudy", "run", profile, "--executor", executor, "--workers", "1"]
    Path(profile).write_text(PROFILE.replace("epochs = 1", "epochs = 10000"))
    environment = os.environ | {"JPY_SESSION_NAME": "test"}  # so that it soon says how far it is
    parent = psutil.Popen(command, stderr=subprocess.PIPE, text=True, cwd=paths.ROOT, env=environment)
    assert any("steps" in line for line in parent.stderr), "a worker trains"
    started = parent.children(recursive=True)
    assert len(started) >= 2
    parent.kill()
    assert "Traceback" not in parent.communicate(timeout=30)[1]
    assert not psutil.wait_procs(started, timeout=10)[1]


@pytest.mark.parametrize("seconds", [0.3, 1.5])
def test_an_interrupt_while_it_starts_is_one_line(profile, seconds):
    command = [sys.executable, "-m", "lclstudy", "run", profile, "--executor", "serial"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=paths.ROOT)
    time.sleep(seconds)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=30)[1]
    assert child.returncode == 130
    assert said.count("interrupted") == 1
    assert "Traceback" not in said
