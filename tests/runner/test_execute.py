"""`lclstudy notebooks` on small notebooks: what is executed, in which order, what is said when something fails."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import nbformat
import psutil
import pytest

from lclstudy import paths
from lclstudy.__main__ import bar_settings, main
from lclstudy.plan import catalog
from lclstudy.plan.profiles import load_profile
from lclstudy.results import class_sets
from lclstudy.runner import execute
from lclstudy.runs.store import RunStore
from tests.material import record_of, refused

TRAINS = "# parameters\nprofile = 'quick'\nobjectives = ''\nx = 1", "if 0:\n    from lclstudy.runs import grid"
READS = "# parameters\nprofile = ''"
LABELS = catalog.corpora()["embedded"].labels


def write(path: Path, *sources: str) -> Path:
    """A notebook with a question, then a code cell per source; one that begins with `# parameters` gets that tag."""
    cells = [nbformat.v4.new_markdown_cell("What happens?")]
    for source in sources:
        tags = ["parameters"] if source.startswith("# parameters\n") else []
        cells.append(nbformat.v4.new_code_cell(source.removeprefix("# parameters\n"), metadata={"tags": tags}))
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def study(own_folders, tmp_path, monkeypatch, capsys):
    """Runs the command line on the notebooks of `tmp_path`; gives the exit status, standard output and standard error."""
    monkeypatch.setenv("LCLSTUDY_FIGURES", "")
    for name, value in (("TQDM_MININTERVAL", "1"), ("LCLSTUDY_CALLER", "")):  # which the command changes
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["notebooks", *arguments], tmp_path / "notebooks")
        return status, *capsys.readouterr()

    run.folder, run.build = tmp_path / "notebooks", tmp_path / "build"
    return run


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "".join(out.get("text", "") for cell in cells if cell.cell_type == "code" for out in cell.outputs)


DRAW = """from lclstudy import paths
paths.figures(profile).mkdir(parents=True, exist_ok=True)
(paths.figures(profile) / '01_a.svg').write_text('a')
for run in tqdm(range(3), 'runs'): pass
"""


def test_executes_once_and_again_only_when_something_changed(study, tmp_path, monkeypatch):
    show = "import os, sys\nfrom tqdm import tqdm\nprint(profile, seeds, x, sys.executable, os.getcwd())"
    one = write(study.folder / "01_one.ipynb", "# parameters\nprofile = 'paper'\nseeds = ''\nx = 1", show, DRAW)
    parameters = "# parameters\nprofile = 'quick'\ncorpus = 'embedded'\nkeep = None"
    seeks = "from lclstudy.plan.catalog import own_file\nprint(corpus, own_file('my.csv').path, keep)"
    two = write(study.folder / "02_two.ipynb", parameters, seeks)
    three = write(study.folder / "03_reads.ipynb", READS)
    (own := tmp_path / "my.csv").write_text("text,label\n")
    monkeypatch.chdir(tmp_path)
    given = ("quick", "--seeds", "0,1", "--parameter", "x", "2e-5", "--parameter", "corpus", "my.csv")
    given += ("--parameter", "keep", "model/")

    status, out, _ = study(*given)
    assert status == 0
    assert out.index("[1/3] 01_one ...\n") < out.index("runs: 100%") < re.search(r"\[1/3\] 01_one ... \d+ s\n", out).start()
    words = printed(study.build / "quick" / "01_one.ipynb").split()
    assert words[:5] == ["quick", "0,1", "2e-05", sys.executable, str(study.folder.resolve())]
    found = printed(study.build / "quick" / "02_two.ipynb").split()
    assert found == [str(own), str(own), str(tmp_path / "model")], "what a profile names is sought from here, too"
    assert study(*given)[1].count("up to date") == 3

    def reasons(*more: str) -> dict[str, str]:
        """Of the notebooks that a dry run would execute."""
        return dict(re.findall(r"(\w+) \.\.\. to execute: (.+)", study(*given, *more, "--dry-run")[1]))

    assert set(reasons("--force").values()) == {"forced"}
    assert reasons("--parameter", "x", "1") == {one.stem: "a parameter changed"}
    paths.figures("quick").joinpath("01_a.svg").unlink()
    assert reasons() == {one.stem: "an output is gone"}
    (study.build / "quick" / "01_one.done").write_text("{")
    assert reasons() == {one.stem: "not executed yet"}
    own.write_text("text,label\nthe day,dull\n")
    assert reasons() == {one.stem: "not executed yet", two.stem: "the data changed"}
    write(two, parameters, "2")
    for folder in (tmp_path / "results" / "quick", study.build / "mine" / "results"):
        assert three.stem not in reasons()
        folder.mkdir(parents=True)
        (folder / "run.npz").write_text("accuracy\n")
        assert reasons()[three.stem] == "the data changed", "of those that show results alone"
        shutil.rmtree(folder)
    assert reasons()[two.stem] == "the notebook and the data changed"


FAILS = """import os, signal
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "wrong":
    raise ValueError("first\\nno such label")"""


def test_a_cell_that_fails_is_named_and_its_traceback_kept(study):
    write(study.folder / "05_bad.ipynb", TRAINS[0] + "\nhow = ''", TRAINS[1], FAILS)
    write(study.folder / "06_later.ipynb", READS)
    for how, error in (("wrong", "ValueError: no such label; see "), ("killed", "its Python process died")):
        status, out, err = study("--parameter", "how", how)
        assert (status, err.count("\n")) == (1, 1)
        assert err.startswith(f"lclstudy: 05_bad failed in cell 4 (import os, signal): {error}")
        assert "[1/2] 05_bad ... failed" in out and "06_later" not in out
        assert ("Traceback" in (study.build / "quick" / "05_bad.ipynb").read_text("utf-8")) == (how == "wrong")
        assert not (study.build / "quick" / "05_bad.done").exists()


STAMPS = """import time
from pathlib import Path
print(time.time())
Path(mine).touch()
end = time.time() + 60
while not Path(other).exists():
    assert time.time() < end, "it is not begun while this one runs"
    time.sleep(0.05)
print(time.time())"""


def test_side_by_side_but_not_two_that_train_nor_before_what_is_read(study, monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    alone, free, grid = (f"mine, other = {names!r}\n{STAMPS}" for names in ("aa", "fg", "gf"))  # two wait for each other
    write(study.folder / "01_free.ipynb", free)
    write(study.folder / "04_one.ipynb", TRAINS[1], alone)
    write(study.folder / "05_grid.ipynb", *TRAINS, grid)
    write(study.folder / "06_shows.ipynb", READS, alone)
    status, _, err = study()
    assert (status, err) == (1, "lclstudy: 9 of 9 runs of quick are missing; quick/05_grid.ipynb says why.\n")
    names = ("05_grid", "04_one", "06_shows")
    grid, *later = ([*map(float, printed(study.build / "quick" / f"{name}.ipynb").split())] for name in names)
    assert all(grid[1] < begun for begun, _ in later)


def test_wrong_names_and_files_stop_before_anything_runs(study):
    parameter = "Unknown parameter of these notebooks"
    write(study.folder / "01_one.ipynb", "# parameters\nprofile = 'quick'\nseeds = ''\nkeep = None")
    write(study.folder / "02_two.ipynb", "# parameters\nkeep = None")
    for arguments, message in (
        ("quik", "Unknown profile 'quik'; allowed: "),
        ("--refresh --only 02", "--refresh names its notebooks itself: --refresh 02; leave --only out."),
        ("--only 7", "Unknown notebook '7'; allowed: 01_one, 02_two"),
        ("--only ,", "Unknown notebook ','; allowed: 01_one, 02_two"),
        ("--parameter sed 1", f"{parameter} 'sed'; allowed: keep, profile, seeds. Did you mean 'seeds'?"),
        ("--parameter keep model", "keep is a folder for one classifier, which 01_one and 02_two each make; name one: --only."),
        ("--only 02, --seeds 1", "--seeds is for notebooks that train; --only 02 takes none: leave it out, or --only 05,02."),
        ("--workers 0", "workers must be 1 or more; given 0"),
        ("--objectives lc", "Unknown objective of profile quick 'lc'; allowed: "),
        ("--executor slurm", "Argument --executor: invalid choice: 'slurm' (choose from "),
        ("--frce", "Unrecognized arguments: --frce; see --help"),
    ):
        status, out, err = study(*arguments.split())
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"lclstudy: {message}")
    (study.folder / "01_one.ipynb").write_text('{"cells": [')
    assert "01_one.ipynb is not a notebook" in study()[2] and not study.build.exists()
    shutil.rmtree(study.folder)
    with refused("No notebook NN_name.ipynb in "):
        execute.find(study.folder)


OWN = """
grid = [{ corpus = "embedded", objective = "lcl", encoder = "tiny", seed = 0 }]
case_study = { corpus = "embedded", sets = ["all"], found = 1, size = 4, objective = ["scl"], seed = [0] }
defaults = { encoder = "tiny" }
"""


def test_the_notebook_that_trains_a_profile_is_not_up_to_date_while_runs_are_missing(study, tmp_path):
    (own := tmp_path / "mine.toml").write_text(OWN)
    write(study.folder / "04_train_one.ipynb", "# parameters\nprofile = ''", TRAINS[1])
    write(study.folder / "05_run.ipynb", *TRAINS)
    assert study(str(own))[0] == 1
    out = study(str(own), "--dry-run")[1]
    assert "05_run ... to execute: runs are missing" in out
    assert "Runs of profile mine: 3 of 3 missing." in out, "LCL, SCL of the case study, and CE, whose confusions it searches"
    assert "04_train_one ... up to date" in out, "its run is no run of the profile"
    for _ in range(2):  # the set that the search finds is known when the others have run
        specs = class_sets.all_specs(load_profile(str(own)), RunStore())
        for spec in specs:
            RunStore().save(record_of(spec, classes=spec.classes or LABELS))
    out = study(str(own), "--dry-run")[1]
    assert "[1/1] 05_run ... up to date" in study(str(own), "--only", "05,")[1]
    assert "05_run ... up to date" in out and f"Runs of profile mine: 0 of {len(specs)} missing." in out and len(specs) == 4


def test_an_interrupt_ends_it_in_one_line_and_leaves_no_kernel(study, tmp_path):
    began = tmp_path / "began"
    wait = f"import os, time\nfrom pathlib import Path\nPath({str(began)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    write(study.folder / "01_long.ipynb", wait)
    code = "import sys, pathlib, lclstudy.__main__ as study; sys.exit(study.main(['notebooks'], pathlib.Path(sys.argv[1])))"
    command, pipe = [sys.executable, "-c", code, str(study.folder)], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        wait_for(lambda: began.exists() and began.read_text())
        os.killpg(process.pid, signal.SIGINT)  # what the terminal does with Ctrl-C
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "[1/1] 01_long ...\n")
    assert err == "lclstudy: interrupted; finished runs are kept, and the same command goes on from here.\n"
    wait_for(lambda: not psutil.pid_exists(int(began.read_text())))
    assert [path.name for path in study.folder.iterdir()] == ["01_long.ipynb"], "no socket stays"


def test_an_interrupt_of_what_keeps_nothing_promises_nothing():
    code = "import os; from lclstudy import __main__\n"
    code += "__main__.classifiers.predict_command = lambda options: os.kill(os.getpid(), 2)\n"
    code += "__main__.main(['predict', 'folder'])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (130, "lclstudy: interrupted.\n")


def wait_for(happened) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


STEADY = """\
# %% [markdown]
# Does it stay the same?

# %% tags=["parameters"]
profile = "quick"

# %% tags=["nbval-ignore-output"]
import sys

from lclstudy import paths
from tqdm import tqdm

total = sum(number for number in tqdm(range(4)))

# %%
print("label missing", file=sys.stderr)

# %%
paths.figures(profile).mkdir(parents=True)
print(f"On {profile}: {total}")
"""


def test_refresh_makes_a_notebook_that_stays_the_same_and_keeps_warnings(study):
    study.folder.mkdir()
    (study.folder / "01_new.py").write_text(STEADY)
    assert study("--refresh", "01")[0] == 0
    (study.folder.parent / "figures" / "quick").rmdir()  # here alone the tracked figures change
    notebook = study.folder / "01_new.ipynb"
    first = notebook.read_bytes()
    assert study("--refresh")[0] == 0
    assert notebook.read_bytes() == first
    made = nbformat.read(notebook, as_version=4)
    nbformat.validate(made)
    assert [cell.execution_count for cell in made.cells if cell.cell_type == "code"] == [1, 2, 3, 4]
    assert printed(notebook) == "label missing\nOn quick: 6\n", "no bar, but what warns"
    assert made.cells[1].metadata == {"tags": ["parameters"]}


def test_a_bar_fits_the_terminal_and_a_log_is_not_flooded():
    command = [sys.executable, "-c", "from tqdm import tqdm; [None for _ in tqdm(range(10**5), 'runs')]"]
    for columns in (60, None):
        drawn = subprocess.run(command, env=os.environ | bar_settings(columns), capture_output=True, text=True).stderr
        first, *_, last = frames = drawn.strip().splitlines()
        assert "runs: 100%" in last
        assert max(map(len, frames)) < 60 if columns else frames == [first, last], "in a log a minute is between two frames"
