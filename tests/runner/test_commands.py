"""The two commands: `run_all.sh` with its set-up, `.ci/run`, and the runner of the notebooks on small notebooks."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lclstudy import paths
from lclstudy.__main__ import bar_settings, main
from lclstudy.errors import StudyError
from lclstudy.plan.profiles import load_profile
from lclstudy.results.records import Record
from lclstudy.runner import execute, refresh
from lclstudy.runs.store import RunStore

ROOT = paths.ROOT


# --- the runner -----------------------------------------------------------------------------------------------------------


def write(path: Path, *sources: str) -> Path:
    """A notebook with a question, then a code cell per source; one that begins with `# parameters` gets that tag."""
    cells = [nbformat.v4.new_markdown_cell("What happens?")]
    for source in sources:
        first, _, rest = source.partition("\n")
        marked = first == "# parameters"
        cells.append(nbformat.v4.new_code_cell(rest if marked else source, metadata={"tags": ["parameters"] if marked else []}))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def study(tmp_path, monkeypatch, capsys):
    """Runs the command line on the notebooks of `tmp_path`; gives the exit status, standard output and standard error."""
    monkeypatch.setenv("LCLSTUDY_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("LCLSTUDY_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("LCLSTUDY_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("LCLSTUDY_FIGURES", "")
    monkeypatch.setenv("TQDM_MININTERVAL", "1")

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["notebooks", *arguments], tmp_path / "notebooks")
        return status, *capsys.readouterr()

    run.folder, run.build = tmp_path / "notebooks", tmp_path / "build"
    return run


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "".join(out.get("text", "") for cell in cells if cell.cell_type == "code" for out in cell.outputs)


def test_executes_once_and_again_only_when_something_changed(study, tmp_path):
    show = (
        "import os, sys\nfrom pathlib import Path\nfrom tqdm import tqdm\nprint(profile, seeds, x, sys.executable, os.getcwd())"
    )
    draw = "from tqdm import tqdm\nfrom lclstudy import paths\npaths.figures(profile).mkdir(parents=True, exist_ok=True)\n"
    draw += "(paths.figures(profile) / '01_a.svg').write_text('a')\nfor run in tqdm(range(3), 'runs'): pass"
    write(study.folder / "01_one.ipynb", "# parameters\nprofile = 'paper'\nseeds = ''\nx = 1", show, draw)
    write(study.folder / "02_two.ipynb", "y = 2", "y")

    status, out, _ = study("quick", "--seeds", "0,1", "--parameter", "x", "2e-5")
    assert status == 0
    assert out.index("[1/2] 01_one ...\n") < out.index("runs: 100%") < re.search(r"\[1/2\] 01_one ... \d+ s\n", out).start()
    words = printed(study.build / "quick" / "01_one.ipynb").split()
    assert words[:3] == ["quick", "0,1", "2e-05"]
    assert Path(words[3]) == Path(sys.executable)
    assert Path(words[4]) == study.folder.resolve()

    again = ("quick", "--seeds", "0,1", "--parameter", "x", "2e-5")
    assert study(*again)[1].count("up to date") == 2
    assert "01_one ... to execute: a parameter changed" in study("quick", "--dry-run")[1]
    assert "02_two ... to execute: forced" in study(*again, "--dry-run", "--force")[1]
    paths.figures("quick").joinpath("01_a.svg").unlink()
    assert "01_one ... to execute: an output is gone" in study(*again, "--dry-run")[1]
    write(study.folder / "02_two.ipynb", "y = 2", "y + 1")
    before = (study.build / "quick" / "01_one.done").stat().st_mtime_ns
    assert "02_two ... to execute: the notebook changed" in study(*again, "--dry-run")[1]
    assert (study.build / "quick" / "01_one.done").stat().st_mtime_ns == before, "a dry run changes nothing"

    status, out, _ = study("quick", "--only", "2", "--force")
    assert (status, out.count("[1/1] 02_two ... ")) == (0, 1)
    assert "up to date" not in out


TRAINS = "# parameters\nprofile = 'quick'\nobjectives = ''\nx = 1", "if 0:\n    from lclstudy.runs import grid"
READS = "# parameters\nprofile = ''"


def test_a_failing_cell_is_named_and_its_traceback_kept(study):
    write(study.folder / "05_bad.ipynb", *TRAINS, "good = 1", "good\nraise ValueError('first\\nno such label')")
    write(study.folder / "06_later.ipynb", READS, "1")
    status, out, err = study("--parameter", "x", "2")
    assert status == 1
    assert err.startswith("lclstudy: 05_bad failed in cell 5 (good): ValueError: no such label; see ")
    assert err.count("\n") == 1
    assert "[1/2] 05_bad ... failed" in out
    assert "06_later" not in out
    kept = (study.build / "quick" / "05_bad.ipynb").read_text("utf-8")
    assert "Traceback" in kept
    assert not (study.build / "quick" / "05_bad.done").exists()


def test_side_by_side_but_not_two_that_train_nor_before_what_is_read(study, monkeypatch):
    monkeypatch.setattr(execute, "_cores", lambda: 2)
    stamp = "import time\nprint(time.time())\ntime.sleep(2)\nprint(time.time())"
    write(study.folder / "01_free.ipynb", stamp)
    write(study.folder / "04_one.ipynb", TRAINS[1], stamp)
    write(study.folder / "05_grid.ipynb", *TRAINS, stamp)
    write(study.folder / "06_shows.ipynb", READS, stamp)
    assert study()[0] == 0
    names = ("01_free", "04_one", "05_grid", "06_shows")
    free, one, grid, shows = ([*map(float, printed(study.build / "quick" / f"{name}.ipynb").split())] for name in names)
    assert free[0] < one[1] and one[0] < free[1], "side by side"
    assert one[1] < grid[0] and grid[1] < shows[0]


def test_a_killed_kernel_fails_in_the_cell_that_ran_and_not_at_the_end(study):
    kill = "import os, signal\nif kill: os.kill(os.getpid(), signal.SIGKILL)"
    write(study.folder / "01_killed.ipynb", "# parameters\nkill = True", "1", kill, "2", "3")
    status, _, err = study("quick", "--only", "01")
    assert status == 1
    assert "01_killed failed in cell 4 (import os, signal): its Python process died" in err
    assert "not executed yet" in study("quick", "--dry-run")[1]
    assert study("quick", "--parameter", "kill", "False")[0] == 0


def test_a_cell_that_never_ran_is_a_failure(tmp_path):
    path = write(tmp_path / "01_half.ipynb", "1", "2")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].execution_count = 1
    nbformat.write(notebook, path)
    assert execute._failed_cell(path, None) == "in cell 3 (2): it never ran"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quik"], "Unknown profile 'quik'; allowed: "),
        (["none.toml"], "Unknown profile 'none.toml'; allowed: "),
        (["--only", "7"], "Unknown notebook '7'; allowed: 01_one, 02_two"),
        (["--only", ""], "Unknown notebook ''; allowed: 01_one, 02_two"),
        (
            ["--parameter", "sed", "1"],
            "Unknown parameter of these notebooks 'sed'; allowed: profile, seeds. Did you mean 'seeds'?",
        ),
        (["--only", "02", "--seeds", "1"], "Unknown parameter of these notebooks 'seeds'; allowed: "),
        (["--workers", "2"], "Unknown parameter of these notebooks 'workers'; allowed: "),
        (["--workers", "0"], "workers must be 1 or more; given 0"),
        (["--workers", "two"], "Argument --workers: invalid int value: 'two'"),
        (["--seeds", "0,one"], "seed must be a whole number; given 'one'"),
        (["--corpora", "emotint"], "Unknown corpus of profile quick 'emotint'; allowed: "),
        (["--objectives", "lc"], "Unknown objective of profile quick 'lc'; allowed: "),
        (["--executor", "slurm"], "Unknown executor 'slurm'; allowed: auto, serial, processes, ray."),
        (["--frce"], "Unrecognized arguments: --frce; see --help"),
        (["quick", "05"], "Unrecognized arguments: 05; see --help"),
        (["--refresh", "09"], "Unknown notebook '09'; allowed: "),
    ],
)
def test_wrong_names_stop_before_anything_runs(study, arguments, message):
    write(study.folder / "01_one.ipynb", "# parameters\nprofile = 'quick'\nseeds = ''")
    write(study.folder / "02_two.ipynb", "1")
    status, out, err = study(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"lclstudy: {message}")
    assert err.count("\n") == 1
    assert not study.build.exists()


def test_a_file_that_is_no_notebook(study):
    study.folder.mkdir()
    (study.folder / "01_cut.ipynb").write_text('{"cells": [')
    status, _, err = study("quick")
    assert status == 2
    assert err.startswith("lclstudy: 01_cut.ipynb is not a notebook")
    with pytest.raises(StudyError, match=r"No notebook NN_name\.ipynb in "):
        execute.find(study.build)


def plan_of(study, profile: str = "quick") -> execute.Plan:
    return execute.make_plan(load_profile(profile), profile, {}, study.folder)


def test_a_notebook_that_trains_is_not_up_to_date_while_runs_are_missing(study, tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text('[[grid]]\ncorpus = "embedded"\nobjective = ["ce", "lcl"]\nencoder = "tiny"\nseed = 0\n')
    write(study.folder / "04_train_one.ipynb", "# parameters\nprofile = ''", TRAINS[1])
    write(study.folder / "05_run_grid.ipynb", *TRAINS)
    assert study(str(own))[0] == 0
    assert "05_run_grid ... to execute: runs are missing" in study(str(own), "--dry-run")[1]
    assert "04_train_one ... up to date" in study(str(own), "--dry-run")[1], "its run is no run of the profile"
    first, second = load_profile(str(own)).specs()
    whole = dict(validation_probabilities=np.ones((1, 1)), validation_labels=np.zeros(1, int))
    whole |= dict(test_probabilities=np.ones((1, 1)), test_labels=np.zeros(1, int))
    RunStore().save(Record(first, ("a",), **whole))
    assert "Runs of profile mine: 1 of 2 missing." in study(str(own), "--dry-run")[1]
    RunStore().save(Record(second, ("a",), **whole))
    assert "05_run_grid ... up to date" in study(str(own), "--dry-run")[1]


def test_what_is_frozen_counts_for_the_notebooks_that_read(study, tmp_path):
    trains = write(study.folder / "05_run_grid.ipynb", "import torch")
    reads = write(study.folder / "06_reads.ipynb", READS)
    plan = plan_of(study)
    parts = [plan.inputs(execute.Notebook(path)) for path in (trains, reads)]
    (tmp_path / "results" / "quick").mkdir(parents=True)
    (tmp_path / "results" / "quick" / "runs.csv").write_text("accuracy\n")
    frozen = [plan.inputs(execute.Notebook(path)) for path in (trains, reads)]
    assert frozen[0] == parts[0]
    assert frozen[1]["data"] != parts[1]["data"]
    assert frozen[1] | {"data": parts[1]["data"]} == parts[1]


CASE_STUDY = """[[grid]]
corpus = "embedded"
objective = "lcl"
encoder = "tiny"
seed = 0
[case_study]
corpus = "embedded"
sets = ["all"]
found = 1
size = 4
objective = ["scl"]
seed = [0]
[defaults]
encoder = "tiny"
"""


def test_runs_of_the_case_study_count_for_its_notebook_alone(study, tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text(CASE_STUDY)
    write(study.folder / "05_run_grid.ipynb", *TRAINS)
    write(study.folder / "08_run_subsets.ipynb", TRAINS[0], TRAINS[1] + "\n    from lclstudy.results import class_sets")
    assert study(str(own))[0] == 0
    (grid,) = load_profile(str(own)).specs()
    whole = dict(validation_probabilities=np.ones((1, 1)), validation_labels=np.zeros(1, int))
    RunStore().save(Record(grid, ("a",), **whole, test_probabilities=np.ones((1, 1)), test_labels=np.zeros(1, int)))
    out = study(str(own), "--dry-run")[1]
    assert "05_run_grid ... up to date" in out
    assert "08_run_subsets ... to execute: runs are missing" in out
    assert "Runs of profile mine: 2 of 3 missing." in out, "SCL and, for the search, CE on all classes"


def test_an_interrupt_ends_it_in_one_line_and_leaves_no_kernel(study, tmp_path):
    began = tmp_path / "began"
    wait = f"import os, time\nfrom pathlib import Path\nPath({str(began)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    write(study.folder / "01_long.ipynb", wait)
    code = "import sys; from pathlib import Path; from lclstudy.__main__ import main\n"
    code += "sys.exit(main(['notebooks'], Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(study.folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        wait_for(lambda: began.exists() and began.read_text())
        os.killpg(process.pid, signal.SIGINT)  # what the terminal does with Ctrl-C
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "lclstudy: interrupted; finished runs are kept, and the same command goes on from here.\n"
    assert out == "[1/1] 01_long ...\n"
    wait_for(lambda: not alive(int(began.read_text())))
    assert sorted(path.name for path in study.folder.iterdir()) == ["01_long.ipynb"], "no socket stays"


def test_files_that_parameters_name_count(study, tmp_path, monkeypatch):
    own = tmp_path / "my.csv"
    own.write_text("text,label\n")
    monkeypatch.chdir(tmp_path)
    write(
        study.folder / "14_own.ipynb", "# parameters\ncorpus = 'embedded'", "from pathlib import Path\nPath(corpus).read_text()"
    )
    command = "--parameter", "corpus", "my.csv"
    assert study(*command)[0] == 0
    assert "14_own ... up to date" in study(*command, "--dry-run")[1]
    own.write_text("text,label\nthe day,dull\n")
    assert "14_own ... to execute: the data changed" in study(*command, "--dry-run")[1]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(happened) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_refresh_makes_a_notebook_that_stays_the_same_and_passes_nbval(study):
    study.folder.mkdir()
    (study.folder / "01_new.py").write_text(
        textwrap.dedent("""\
            # %% [markdown]
            # Does it stay the same?

            # %% tags=["parameters"]
            profile = "quick"

            # %% tags=["nbval-ignore-output"]
            from tqdm import tqdm

            total = sum(number for number in tqdm(range(4)))

            # %%
            from lclstudy import paths
            from lclstudy.show import provenance

            made = provenance.write(paths.figures(profile), {"01_a.svg": b""}, {}, "01_a.json")
            print(f"On {profile}: {total}")
            """)
    )
    assert study("--refresh", "01")[0] == 0
    assert (study.folder.parent / "figures" / "quick" / "01_a.svg").exists(), "here alone the tracked figures change"
    first = (study.folder / "01_new.ipynb").read_bytes()
    assert study("--refresh")[0] == 0
    assert (study.folder / "01_new.ipynb").read_bytes() == first
    made = nbformat.read(study.folder / "01_new.ipynb", as_version=4)
    nbformat.validate(made)
    assert [cell.execution_count for cell in made.cells if cell.cell_type == "code"] == [1, 2, 3]
    assert printed(study.folder / "01_new.ipynb") == "On quick: 6\n"
    assert made.cells[1].metadata == {"tags": ["parameters"]}

    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider", "."]
    check = subprocess.run(command, cwd=study.folder, capture_output=True, text=True)
    assert "3 passed" in check.stdout, check.stdout


def test_what_a_person_makes_goes_to_a_folder_that_git_ignores(monkeypatch):
    for name in ("BUILD", "FIGURES"):
        monkeypatch.delenv(f"LCLSTUDY_{name}", raising=False)
    assert paths.figures("quick") == ROOT / "build" / "quick" / "figures"
    assert "build/" in (ROOT / ".gitignore").read_text().splitlines()


def test_refresh_keeps_warnings_for_the_tests_to_see():
    bar = nbformat.v4.new_output("stream", name="stderr", text="\rruns:  50%|#  | 1/2 [00:01<00:01]\n\rsteps: 1\x1b[A\n")
    warning = nbformat.v4.new_output("stream", name="stderr", text="UserWarning: label missing\n")
    cells = [
        nbformat.v4.new_code_cell("1", outputs=[nbformat.from_dict(out) for out in outs]) for outs in ([bar], [bar, warning])
    ]
    quiet, loud = refresh._steady(nbformat.v4.new_notebook(cells=cells)).cells
    assert quiet.outputs == []
    assert "label missing" in loud.outputs[0].text


def test_a_bar_fits_the_terminal_and_a_log_is_not_flooded():
    draw = "import io; from tqdm import tqdm; out = io.StringIO(); [None for _ in tqdm(range(10**5), 'runs', file=out)]\n"
    for columns in (60, None):
        done = shell(sys.executable, "-c", draw + "print(out.getvalue())", **bar_settings(columns))
        frames = done.stdout.strip().splitlines()
        assert "runs: 100%" in frames[-1]
        if columns:
            assert max(map(len, frames)) < columns
        else:
            assert len(frames) == 2, "the first and the last: the minute between two frames has not passed"


# --- run_all.sh -----------------------------------------------------------------------------------------------------------


def shell(*command, cwd=ROOT, **variables) -> subprocess.CompletedProcess:
    """Runs a command without an active environment, unless `variables` name one."""
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=kept | variables, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def test_help_needs_no_python(tmp_path):
    done = shell(ROOT / "run_all.sh", "--help", cwd=tmp_path, PATH=tools(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("PROFILE", "test", "--only", "--force", "--dry-run", "--corpora", "--seeds", "--parameter", "--help"):
        assert word in done.stdout


def test_no_python_is_one_line(tmp_path):
    checkout = make_checkout(tmp_path)
    done = shell(checkout / "run_all.sh", cwd=tmp_path, PATH=tools(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "run_all: No Python 3.11 or newer found; install one, or activate an environment that has it.\n"


def test_an_active_environment_that_is_too_old_or_gone(tmp_path):
    done = shell(ROOT / "run_all.sh", VIRTUAL_ENV=str(tmp_path / "gone"))
    assert done.returncode == 1
    assert "has no Python 3.11 or newer" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["quik"], "profile 'quik'"),
        (["--only", "77"], "notebook '77'"),
        (["--frce"], "--frce"),
        (["--seeds", "x"], "seed must be"),
        (["--parameter", "nonsense", "1"], "parameter of these notebooks 'nonsense'"),
    ],
)
def test_wrong_names_stop_before_the_set_up(tmp_path, arguments, named):
    """In the real checkout, with an environment that is not set up: nothing is installed or made."""
    done = shell(ROOT / "run_all.sh", *arguments, cwd=tmp_path, VIRTUAL_ENV=bare_environment(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lclstudy: ")
    assert named in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_dry_run_lists_the_notebooks_and_the_missing_runs(tmp_path):
    done = shell(ROOT / "run_all.sh", "quick", "--dry-run", cwd=tmp_path, VIRTUAL_ENV=sys.prefix)
    assert done.returncode == 0, done.stderr
    names = {notebook.name for notebook in execute.find(ROOT / "notebooks")}
    assert {line.split()[1] for line in done.stdout.splitlines() if line.startswith("[")} == names
    count = int(re.search(r" of (\d+) missing\.", done.stdout)[1])
    assert count >= len(load_profile("quick").specs())


def test_a_dry_run_before_the_set_up_makes_nothing(tmp_path):
    done = shell(ROOT / "run_all.sh", "quick", "--dry-run", VIRTUAL_ENV=(environment := bare_environment(tmp_path)))
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
    *"-m pytest"*) echo "pytest ${*:4}" >>"$LOG"; exit "${PYTEST_STATUS:-0}" ;;
    *"-m lclstudy "*) echo "${*:3}" >>"$LOG"; exec sleep "${SLEEP:-0}" ;;
    *) exec REAL "$@" ;;
esac
"""


def tools(tmp_path: Path) -> str:
    """A folder with the few tools that the script calls, to be the whole PATH."""
    folder = tmp_path / "tools"
    folder.mkdir(exist_ok=True)
    for name in ("bash", "cat", "cp", "dirname", "mkdir", "rm", "sleep"):
        if not (folder / name).exists():
            (folder / name).symlink_to(shutil.which(name))
    return str(folder)


def bare_environment(tmp_path: Path) -> str:
    """A virtual environment with nothing in it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    return str(tmp_path / "bare")


def make_checkout(tmp_path: Path) -> Path:
    checkout = tmp_path / "study"
    (checkout / ".ci").mkdir(parents=True)
    for name in ("run_all.sh", ".ci/run", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout / name)
    return checkout


@pytest.fixture
def set_up(tmp_path):
    """Runs `run_all.sh` of a copy with the stand-in; gives what was asked for, in order."""
    checkout = make_checkout(tmp_path)
    python = Path(tools(tmp_path)) / "python3"
    python.write_text(PYTHON.replace("REAL", sys.executable))
    python.chmod(0o755)
    log = tmp_path / "log"

    def run(*arguments: str, command: str = "run_all.sh", **variables: str) -> tuple[subprocess.CompletedProcess, list[str]]:
        log.write_text("")
        done = shell(checkout / command, *arguments, cwd=tmp_path, PATH=tools(tmp_path), LOG=str(log), **variables)
        return done, log.read_text().splitlines()

    run.checkout = checkout
    return run


def installs(checkout: Path) -> list[str]:
    return [f"pip install {checkout}/requirements.txt", f"pip install {checkout}"]


def test_the_first_run_sets_up_and_the_second_needs_no_network(set_up):
    done, asked = set_up("quick", "--only", "05")
    assert done.returncode == 0, done.stderr
    check, ran = "lclstudy notebooks quick --only 05 --check", "lclstudy notebooks quick --only 05"
    assert asked == [check, "venv", *installs(set_up.checkout), ran]
    assert set_up("quick", "--only", "05")[1] == [check, ran]


def test_changed_pins_are_installed(set_up):
    set_up()
    with (set_up.checkout / "requirements.txt").open("a") as file:
        file.write("attrs==26.1.0\n")
    assert set_up()[1][1:3] == installs(set_up.checkout)
    assert "venv" not in set_up()[1]


def test_an_installation_that_failed_is_taken_up_again(set_up):
    done, asked = set_up(PIP_STATUS="1")
    assert done.returncode == 1
    assert done.stderr == "run_all: Could not install requirements.txt; see above, and run again.\n"
    assert asked[-1] == installs(set_up.checkout)[0]
    assert set_up()[1][1:3] == installs(set_up.checkout)
    assert set_up()[1][1:] == ["lclstudy notebooks"]


def test_an_active_environment_is_used(set_up, tmp_path):
    environment = tmp_path / "active"
    (environment / "bin").mkdir(parents=True)
    shutil.copy(Path(tools(tmp_path)) / "python3", environment / "bin" / "python")
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        _, asked = set_up(**{variable: str(environment)})
        assert "venv" not in asked
        assert not (set_up.checkout / ".venv").exists()
    set_up(CONDA_PREFIX=str(environment), CONDA_DEFAULT_ENV="base")
    assert (set_up.checkout / ".venv").exists(), "conda's base environment is left alone"


def test_an_interrupt_of_the_script_is_one_line_and_ends_what_it_started(set_up, tmp_path):
    log = tmp_path / "log"
    log.write_text("")
    variables = {"PATH": tools(tmp_path), "LOG": str(log), "SLEEP": "600"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [set_up.checkout / "run_all.sh"], env=variables, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        wait_for(lambda: "lclstudy" in log.read_text())
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)  # the pipes are closed only when all that it started has ended
    assert process.returncode == 130
    assert err == "run_all: interrupted; what is finished is kept, and the same command goes on from here.\n"


def test_the_second_command_gives_the_status_of_pytest(set_up):
    done, asked = set_up("test", "-k", "losses", PYTEST_STATUS="5")
    assert done.returncode == 5
    assert asked[-1] == "pytest -n logical --dist loadfile --nbval --nbval-current-env --durations=15 tests notebooks -k losses"


def test_continuous_integration_names_the_shared_folders(set_up, tmp_path, monkeypatch):
    (tmp_path / "shared" / "data").mkdir(parents=True)
    python = Path(tools(tmp_path)) / "python3"
    python.write_text(python.read_text().replace('echo "pytest ', 'echo "$LCLSTUDY_DATA ${LCLSTUDY_MODELS-unset} '))
    for name in ("LCLSTUDY_DATA", "LCLSTUDY_MODELS"):
        monkeypatch.delenv(name, raising=False)
    _, asked = set_up(command=".ci/run")
    assert asked[-1].startswith("../shared/data unset -n")


def test_marks_tell_what_a_notebook_was_made_from(study):
    write(study.folder / "01_one.ipynb", "1")
    assert study("quick")[0] == 0
    mark = json.loads((study.build / "quick" / "01_one.done").read_text("utf-8"))
    assert set(mark["inputs"]) == {"notebook", "parameters", "package", "data"}
    (study.build / "quick" / "01_one.done").write_text("{")
    assert "not executed yet" in study("quick", "--dry-run")[1]
