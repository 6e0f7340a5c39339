"""`run_all.sh` with its set-up, and `.ci/run`: which environment, what is installed when, what is said when it cannot."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lclstudy import paths

ROOT = paths.ROOT


def shell(*command, cwd=ROOT, **variables) -> subprocess.CompletedProcess:
    """Runs a command without an active environment, unless `variables` name one."""
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    how = dict(cwd=cwd, env=kept | variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return subprocess.run([str(part) for part in command], **how)


@pytest.fixture
def tools(tmp_path) -> str:
    """A folder with the few tools that the script calls, to be the whole PATH."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "cat", "cp", "dirname", "mkdir", "rm", "sleep"):
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of what the script needs to set up."""
    for name in ("run_all.sh", ".ci/run", "requirements.txt", "constraints.txt", "pyproject.toml", "scripts/jupyterlab.json"):
        (tmp_path / "study" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "study" / name)
    return tmp_path / "study"


def test_help_needs_no_python_and_what_does_says_so_in_a_line(tools, checkout):
    done = shell(checkout / "run_all.sh", "--help", cwd="/", PATH=tools)
    assert (done.returncode, done.stderr) == (0, "") and "Usage: ./run_all.sh [PROFILE]" in done.stdout
    none = "No Python 3.11 or newer found; install one, or activate an environment that has it.\n"
    gone = "The active environment gone has no Python 3.11 or newer; deactivate it, or activate another.\n"
    for where, said in (({"PATH": tools}, none), ({"VIRTUAL_ENV": "gone"}, gone)):
        done = shell(checkout / "run_all.sh", cwd="/", **where)
        assert (done.returncode, done.stderr) == (1, f"run_all: {said}")


def test_before_the_set_up_wrong_names_stop_it_and_a_dry_run_makes_nothing(tmp_path):
    """In the real checkout, with an environment that is not set up."""
    environment = str(tmp_path / "bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    for wrong in ("quik", "--frce"):
        done = shell(ROOT / "run_all.sh", wrong, cwd=tmp_path, VIRTUAL_ENV=environment)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith("lclstudy: ") and wrong in done.stderr
    done = shell(ROOT / "run_all.sh", "quick", "--dry-run", VIRTUAL_ENV=environment)
    assert done.returncode == 0, done.stderr
    assert "run_all: would install requirements.txt and lclstudy" in done.stdout
    assert "Runs of profile quick: not counted before the packages are installed." in done.stdout
    assert not (Path(environment) / ".lclstudy-setup").exists()


# The set-up itself needs the network, so here a stand-in for Python writes down what it is asked for, and does the rest.

PYTHON = """\
#!/bin/bash
line="$*"
case "$line" in
    *"-m pip install"*) echo "pip install ${line##* }" >>"$LOG"; exit "${PIP_STATUS:-0}" ;;
    *"-m pip --version"*) exit 0 ;;
    *"-m venv"*) mkdir -p "${@: -1}/bin" && cp "$0" "${@: -1}/bin/python"; echo venv >>"$LOG" ;;
    *"-m pytest"*) echo "pytest $LCLSTUDY_DATA ${LCLSTUDY_MODELS-unset} ${*:4}" >>"$LOG"; exit "${PYTEST_STATUS:-0}" ;;
    *"-m lclstudy "*) echo "${*:3}" >>"$LOG"; exec sleep "${SLEEP:-0}" ;;
    *) exec REAL "$@" ;;
esac
"""


@pytest.fixture
def set_up(tmp_path, monkeypatch, tools, checkout):
    """Runs `run_all.sh` of a copy with the stand-in; gives what was asked for, in order."""
    for name in ("LCLSTUDY_DATA", "LCLSTUDY_MODELS"):
        monkeypatch.delenv(name, raising=False)
    python = Path(tools) / "python3"
    python.write_text(PYTHON.replace("REAL", sys.executable))
    python.chmod(0o755)
    log = tmp_path / "log"

    def run(*arguments: str, command: str = "run_all.sh", **variables: str) -> tuple[subprocess.CompletedProcess, list[str]]:
        log.write_text("")
        done = shell(checkout / command, *arguments, cwd=tmp_path, PATH=tools, LOG=str(log), **variables)
        return done, log.read_text().splitlines()

    run.installs = [f"pip install {checkout}/requirements.txt", f"pip install {checkout}"]
    return run


def test_the_first_run_sets_up_and_another_only_what_failed_or_has_changed(set_up, checkout):
    done, asked = set_up(PIP_STATUS="1")
    assert (done.returncode, asked[-1]) == (1, set_up.installs[0])
    assert done.stderr == "run_all: Could not install requirements.txt; see above, and run again.\n"
    assert asked[1] == "venv"
    done, asked = set_up("quick", "--only", "05")
    assert done.returncode == 0, done.stderr
    check, ran = "lclstudy notebooks quick --only 05 --check", "lclstudy notebooks quick --only 05"
    assert asked == [check, *set_up.installs, ran]
    settings = checkout / ".venv" / "etc" / "jupyter" / "labconfig" / "default_setting_overrides.json"
    assert not json.loads(settings.read_text())["@jupyterlab/docmanager-extension:plugin"]["autosave"]
    assert set_up("quick", "--only", "05")[1] == [check, ran], "which needs no network"
    for name in ("requirements.txt", "constraints.txt"):
        with (checkout / name).open("a") as file:
            file.write("\n# another\n")
        assert set_up()[1][1:3] == set_up.installs
    assert set_up()[1][1:] == ["lclstudy notebooks"]


def test_an_active_environment_is_used(set_up, tools, checkout, tmp_path):
    environment = tmp_path / "active"
    (environment / "bin").mkdir(parents=True)
    shutil.copy(Path(tools) / "python3", environment / "bin" / "python")
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        assert "venv" not in set_up(**{variable: str(environment)})[1]
        assert not (checkout / ".venv").exists()
        assert not (environment / "etc").exists(), "JupyterLab of a person's own environment is left alone"
    set_up(CONDA_PREFIX=str(environment), CONDA_DEFAULT_ENV="base")
    assert (checkout / ".venv").exists(), "conda's base environment is left alone"


def test_an_interrupt_of_the_script_is_one_line_and_ends_what_it_started(set_up, tools, checkout, tmp_path):
    (log := tmp_path / "log").write_text("")
    how = dict(env={"PATH": tools, "LOG": str(log), "SLEEP": "600"}, text=True, start_new_session=True)
    how |= dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([checkout / "run_all.sh"], **how) as process:
        while "lclstudy" not in log.read_text():
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)  # the pipes are closed only when all that it started has ended
    assert process.returncode == 130
    assert err == "run_all: interrupted; what is finished is kept, and the same command goes on from here.\n"


def test_the_second_command_gives_the_status_of_pytest_and_ci_names_the_shared_folders(set_up, tmp_path):
    done, asked = set_up("test", "-k", "losses", PYTEST_STATUS="5")
    assert done.returncode == 5
    assert asked[-1].endswith("--nbval --nbval-current-env --durations=15 tests notebooks -k losses")
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert set_up(command=".ci/run")[1][-1].startswith("pytest ../shared/data unset -n")
