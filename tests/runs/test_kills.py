"""Commands that are killed, interrupted or started twice: records stay whole, each run is trained once, and nothing goes on."""

import signal
import subprocess
import sys
import time

import pytest

from lclstudy import paths
from tests.material import run_program

# One import, then a process per attempt: killed at random moments, then while others train for it, then interrupted, then two
# at a time, left to finish.
PROGRAM = """
import os, random, signal, sys, time
import psutil
from lclstudy import __main__
from lclstudy.plan.profiles import load_profile
from lclstudy.training import checkpoint, prepare
from lclstudy.runs.store import RunStore
from tests.material import fork

os.environ["RAY_prestart_worker_first_driver"] = "0"  # it would be of another environment than the tasks are
profile = sys.argv[1]
store, specs = RunStore(), load_profile(profile).specs()
many = ",".join(map(str, range(30)))  # more runs than can be finished before the end comes
for spec in specs:
    prepare.prepare(spec)  # once for all children

def attempt(executor="serial", *more):
    return fork(lambda: __main__.main(["run", profile, "--device", "cpu", "--executor", executor, *more]))

def finished():
    return [spec for spec in specs if store.has(spec)]

def end(child, how):
    os.kill(child, how)
    return status(child)

def status(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

checkpoint.SECONDS_BETWEEN = 0  # the next one goes on from each step
draw = random.Random(0)
for longest in (0.5, 1, 2):
    child = attempt()
    time.sleep(draw.uniform(0, longest))
    end(child, signal.SIGKILL)
    assert len(store.frame()) == len(finished())

for executor, how, left in (("ray", signal.SIGKILL, -9), ("processes", signal.SIGKILL, -9), ("processes", signal.SIGTERM, 130)):
    for path in store.path.glob("*"):
        path.unlink()
    child = attempt(executor, "--workers", "1", "--seeds", many)
    while not any(store.path.glob("*.npz")):  # one after another: beside others Ray's start may time out
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        time.sleep(0.1)
    started = psutil.Process(child).children(recursive=True)
    assert end(child, how) == left and len(started) > 1
    assert not psutil.wait_procs(started, timeout=10)[1], f"{executor}: they end with it"

first = {spec: store.load(spec).test_probabilities for spec in finished()}
print("left:", len(specs) - len(first), flush=True)
assert [status(child) for child in [attempt(), attempt()]] == [0, 0]
assert finished() == specs
assert all((store.load(spec).test_probabilities == found).all() for spec, found in first.items())
assert {path.suffix for path in store.path.iterdir()} == {".npz"}
"""


def test_what_is_killed_or_interrupted_leaves_whole_records_and_no_process_and_two_commands_share_the_rest(profile):
    ran = run_program(PROGRAM, profile)
    assert ran.stderr.count("interrupted; finished runs are kept, and the same command goes on from here.\n") == 1
    assert "Traceback" not in ran.stderr
    left, *told = [line.split() for line in ran.stdout.partition("left: ")[2].splitlines()]
    assert sum(int(words[0]) for words in told) == int(left[0]), "each run is trained once"
    assert [int(words[0]) + int(words[2]) for words in told] == [4, 4]


@pytest.mark.parametrize("seconds", [0.3, 1.5])
def test_an_interrupt_while_it_starts_is_one_line(profile, seconds):
    command = [sys.executable, "-m", "lclstudy", "run", profile, "--executor", "serial"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=paths.ROOT)
    time.sleep(seconds)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=30)[1]
    assert (child.returncode, said.count("interrupted"), "Traceback" in said) == (130, 1, False)
