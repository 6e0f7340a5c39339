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
from lclstudy import __main__
from lclstudy.plan.profiles import load_profile
from lclstudy.training import prepare
from lclstudy.runs.store import RunStore
from tests.material import fork

profile = sys.argv[1]
store, specs = RunStore(), load_profile(profile).specs()
for spec in specs:
    prepare.prepare(spec)  # once for all children

def attempt(*more):
    return fork(lambda: __main__.main(["run", profile, "--device", "cpu", "--executor", "serial", *more]))

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
child = attempt("--seeds", ",".join(map(str, range(30))))  # more than can be finished before the interrupt comes
while not finished():
    time.sleep(0.01)
os.kill(child, signal.SIGINT)
assert status(child) == 130
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


@pytest.mark.parametrize(
    ("executor", "number"), [("processes", signal.SIGTERM), ("processes", signal.SIGKILL), ("ray", signal.SIGKILL)]
)
def test_what_a_command_started_ends_with_it(profile, executor, number):
    command = [sys.executable, "-m", "lclstudy", "run", profile, "--executor", executor, "--workers", "1"]
    Path(profile).write_text(PROFILE.replace("epochs = 1", "epochs = 10000"))
    environment = os.environ | {"JPY_SESSION_NAME": "test"}  # so that it soon says how far it is
    parent = psutil.Popen(command, stderr=subprocess.PIPE, text=True, cwd=paths.ROOT, env=environment)
    assert any("steps" in line for line in parent.stderr), "a worker trains"
    started = parent.children(recursive=True)
    assert len(started) >= 2
    parent.send_signal(number)
    said = parent.communicate(timeout=30)[1]
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    assert "Traceback" not in said
    assert parent.returncode == (130 if number == signal.SIGTERM else -9)
    assert ("lclstudy: interrupted; finished runs are kept" in said) == (number == signal.SIGTERM)


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
