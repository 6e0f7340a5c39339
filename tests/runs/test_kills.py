"""Commands that are killed, interrupted or started twice: records stay whole, each run is trained once, and nothing goes on."""

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
