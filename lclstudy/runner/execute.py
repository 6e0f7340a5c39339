"""Executes the notebooks of a profile with papermill, headless, side by side where none waits for another.

Executed notebooks go to `build/PROFILE/`. A notebook that succeeded gets a mark beside it, `NN_name.done`, which says what it
was made from; it is executed again when that changes. Finding notebooks and checking names needs the standard library alone.
"""

import ast
import glob
import hashlib
import json
import os
import re
import threading
import time
from concurrent import futures
from contextlib import chdir, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from lclstudy import paths
from lclstudy.errors import StudyError, unknown
from lclstudy.plan.catalog import file_checksum
from lclstudy.plan.profiles import Profile

TRAINS = "from lclstudy.runs import"
NEED_WORDNET = (TRAINS, "from lclstudy.corpora.synonyms import")
_OURS = {"papermill-error-cell-tag", "injected-parameters"}  # cells that papermill adds


class NotebookFailed(Exception):
    """A notebook that did not run to its end. The message names the notebook, the cell and the error."""


@dataclass(frozen=True)
class Notebook:
    """A notebook of the study, read without any library of Jupyter's."""

    path: Path

    @property
    def name(self) -> str:
        """`05_run`."""
        return self.path.stem

    @cached_property
    def cells(self) -> list[dict]:
        """Its cells, `source` as one text. Raises StudyError if the file is not a notebook."""
        try:
            cells = json.loads(self.path.read_text("utf-8"))["cells"]
            return [{**cell, "source": "".join(cell["source"])} for cell in cells]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StudyError(f"{self.path.name} is not a notebook ({error}); restore it or make it again.") from None

    @cached_property
    def code(self) -> str:
        """All its code."""
        return "\n".join(cell["source"] for cell in self.cells if cell["cell_type"] == "code")

    @cached_property
    def parameters(self) -> dict[str, object]:
        """What the cell tagged `parameters` assigns: the parameters with their default values."""
        source = "\n".join(cell["source"] for cell in self.cells if "parameters" in _tags(cell))
        lines = [line for line in ast.parse(source).body if isinstance(line, ast.Assign)]
        return {ast.unparse(line.targets[0]): ast.literal_eval(line.value) for line in lines}

    @property
    def trains(self) -> bool:
        """Whether it trains runs."""
        return TRAINS in self.code

    @property
    def trains_profile(self) -> bool:
        """Whether it trains the runs of its profile, and freezes them."""
        return self.trains and "objectives" in self.parameters

    @property
    def reads_results(self) -> bool:
        """Whether it shows frozen results, those of its profile: by default often the best that there are."""
        return self.parameters.get("profile", "quick") != "quick"


def find(folder: Path, only: str | None = None) -> list[Notebook]:
    """The notebooks `NN_*.ipynb` of a folder in order, or those named; `only` as for `choose`.

    Raises StudyError on a name that fits no notebook.
    """
    every = {path.stem: Notebook(path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    if not every:
        raise StudyError(f"No notebook NN_name.ipynb in {paths.relative(folder)}; restore the folder.")
    return [every[name] for name in choose(list(every), only)]


def choose(names: list[str], only: str | None) -> list[str]:
    """Those of `names` that are named: `5`, `05`, `05_run`, or a list with commas; all for None."""
    if only is None:
        return names
    wanted = {part.strip().removesuffix(".ipynb").zfill(2): part.strip() for part in only.split(",") if part.strip()}
    for part, given in (wanted or {only: only}).items():
        if not any(part in (name, name[:2]) for name in names):
            raise unknown("notebook", given, names)
    return [name for name in names if {name, name[:2]} & wanted.keys()]


@dataclass(frozen=True)
class Plan:
    """What a command asks for: the profile with its restrictions, and the notebooks with the parameters of each.

    Raises StudyError on a parameter that none of the notebooks has.
    """

    profile: Profile
    notebooks: list[Notebook]
    given: dict[str, object]  # parameters by name; a notebook gets those that it declares
    folder: Path

    def __post_init__(self):
        declared = sorted({name for notebook in self.notebooks for name in notebook.parameters})
        for name in self.given:
            if name not in declared:
                raise unknown("parameter of these notebooks", name, declared)
        keeping = [notebook.name for notebook in self.notebooks if "keep" in notebook.parameters]
        if self.given.get("keep") and len(keeping) > 1:
            raise StudyError(f"keep is a folder for one classifier, which {' and '.join(keeping)} each make; name one: --only.")

    def parameters(self, notebook: Notebook) -> dict[str, object]:
        """The parameters that a notebook gets."""
        given = {"profile": self.profile.source, **self.given}
        return {name: value for name, value in given.items() if name in notebook.parameters}

    def output(self, notebook: Notebook) -> Path:
        """Where the executed notebook goes."""
        return paths.build(self.profile.name) / notebook.path.name

    def mark(self, notebook: Notebook) -> Path:
        """Where the mark of its success goes."""
        return self.output(notebook).with_suffix(".done")

    def missing(self) -> tuple[int, int] | None:
        """How many runs of the profile have no finished record, and how many it has; None before pandas is installed.

        Subsets that a search has yet to find are not counted.
        """
        try:
            from lclstudy.plan.spec import distinct
            from lclstudy.results import class_sets
            from lclstudy.runs.store import RunStore, missing
        except ModuleNotFoundError:
            return None
        store = RunStore()
        wanted = distinct(class_sets.all_specs(self.profile, store))
        return len(missing(self.profile, store, self.given.get("retrain", False))), len(wanted)

    def stale(self, notebook: Notebook) -> str:
        """Why a notebook must be executed, in words; empty if it is up to date."""
        try:
            mark = json.loads(self.mark(notebook).read_text("utf-8"))
            figures, inputs = [Path(figure) for figure in mark["figures"]], dict(mark["inputs"])
        except (OSError, ValueError, KeyError, TypeError):
            return "not executed yet"
        if not all(path.is_file() for path in (self.output(notebook), *figures)):
            return "an output is gone"
        if changed := [what for what, now in self.inputs(notebook).items() if inputs.get(what) != now]:
            return f"{' and '.join(changed)} changed"
        return "runs are missing" if notebook.trains_profile and (self.missing() or (0,))[0] else ""

    def inputs(self, notebook: Notebook) -> dict[str, str]:
        """What the result of a notebook follows from, each part as a hash."""
        package = [file for file in paths.PACKAGE.rglob("*") if file.suffix != ".pyc"]
        return {
            "the notebook": _hash([[cell["cell_type"], cell["source"], _tags(cell)] for cell in notebook.cells]),
            "a parameter": _hash(self.parameters(notebook)),
            "the package": _hash(_checksums([*package, paths.ROOT / "requirements.txt"])),
            "the data": _hash(_checksums(self._data(notebook))),
        }

    def _data(self, notebook: Notebook) -> list[Path]:
        """The files that a notebook may read: those that its parameters name, what is tracked, and results if it shows them."""
        named = [Path(value) for value in self.parameters(notebook).values() if isinstance(value, str) and value]
        folders = [paths.EMBEDDED, paths.PUBLISHED, paths.PUBLISHED.with_name("summary")]
        if notebook.reads_results:
            folders += [paths.results(""), *paths.build("").glob("*/results")]
        return [*named, *(file for folder in folders for file in folder.rglob("*") if file.suffix != ".part")]


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def _hash(facts) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _checksums(files: list[Path]) -> list[tuple[str, str]]:
    return sorted((paths.relative(path), file_checksum(path)) for path in files if os.path.isfile(path))


def execute(notebook, output: Path, parameters: dict, sockets: str, stderr) -> None:
    """Executes a notebook (a path or a node) in the working folder; `output` is kept also when it fails.

    The kernel speaks over files in the folder `sockets`: nothing on the network can listen. It ends with this process, however
    that ends. `stderr` is written to while cells run: there the progress bars go. Raises NotebookFailed unless all cells ran.
    """
    import logging

    import papermill
    from traitlets.config import Config

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what goes wrong is told once, by us
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    how = {"kernel_name": "python3", "language": "python", "shutdown_kernel": "immediate", "progress_bar": False}
    how["config"] = Config({"KernelManager": {"transport": "ipc", "connection_file": f"{sockets}/{output.stem}.json"}})
    how["extra_arguments"] = ["--log-level=CRITICAL"]  # a kernel that ends with us would say so on the terminal
    try:
        papermill.execute_notebook(notebook, output, parameters, stderr_file=stderr, **how)
    except Exception as error:  # whatever stopped it, the notebook failed
        said = f"{_place(output)}: {_described(error)}"
        raise NotebookFailed(f"{output.stem} failed {said}; see {paths.relative(output)}.") from None


def _place(output: Path) -> str:
    """`in cell 4 (x = 1 / 0)`: the last cell that began, counted from 1 as in the source."""
    cells = [cell for cell in (Notebook(output).cells if output.is_file() else ()) if not _OURS & set(_tags(cell))]
    begun = [place for place in enumerate(cells, 1) if place[1]["metadata"].get("papermill", {}).get("start_time")]
    if not begun:
        return "before its first cell"
    number, cell = begun[-1]
    return f"in cell {number} ({cell['source'].strip().partition(chr(10))[0][:60]})"


def _described(error: Exception) -> str:
    if type(error).__name__ == "DeadKernelError":
        return "its Python process died (killed, or out of memory)"
    said = re.sub(r"\x1b\[[0-9;]*m", "", getattr(error, "evalue", str(error))).strip()
    return f"{getattr(error, 'ename', type(error).__name__)}: {said.splitlines()[-1].rstrip('.') if said else ''}"


class Screen:
    """Standard output of notebooks side by side: a line when one begins and ends, and what they write meanwhile between."""

    tail = "\n"

    def write(self, text: str) -> None:
        """Passes on the standard error of a notebook, as papermill asks; most of it is progress bars."""
        print(text, end="", flush=True)
        self.tail = text or self.tail

    def flush(self) -> None:
        """Papermill calls this; each text is shown at once."""

    def say(self, line: str) -> None:
        """A line of its own."""
        self.write(line + "\n" if self.tail.endswith("\n") else f"\n{line}\n")


def run(plan: Plan, force: bool = False) -> None:
    """Executes what is not up to date: at most a notebook per core at a time, no two that train, and those that show results
    after the one that makes them. After a failure none is begun. Raises NotebookFailed.
    """
    import joblib  # sees the quota of a container as well

    titles = {notebook: f"[{place}/{len(plan.notebooks)}] {notebook.name}" for place, notebook in enumerate(plan.notebooks, 1)}
    screen, training = Screen(), threading.Lock()

    def work(notebook: Notebook) -> None:
        with training if notebook.trains else nullcontext():
            if not force and not plan.stale(notebook):
                return screen.say(f"{titles[notebook]} ... up to date")
            screen.say(f"{titles[notebook]} ...")
            try:
                screen.say(f"{titles[notebook]} ... {_run_one(plan, notebook, sockets, screen):.0f} s")
            except Exception:
                screen.say(f"{titles[notebook]} ... failed")
                raise

    if any(imported in notebook.code for notebook in plan.notebooks for imported in NEED_WORDNET):
        from lclstudy.corpora import wordnet

        wordnet.install()
    grid = [each for each in plan.notebooks if each.trains_profile]
    free = [each for each in plan.notebooks if not (each.trains or each.reads_results)]
    rest = [each for each in reversed(plan.notebooks) if each not in (*grid, *free)]  # 14, which takes long, soon
    os.environ["LCLSTUDY_CALLER"] = os.getcwd()  # where the files of one's own that a profile names are sought
    # Changed here and not by papermill, which would change it under the feet of the others.
    with chdir(plan.folder), TemporaryDirectory(prefix="lclstudy-", ignore_cleanup_errors=True) as sockets:
        pool = futures.ThreadPoolExecutor(joblib.cpu_count())  # and no `with`, which at an interrupt would wait
        for part in (grid + free, rest):
            begun = [pool.submit(work, notebook) for notebook in part]
            futures.wait(begun, return_when=futures.FIRST_EXCEPTION)
            kept = [each for each in begun if not each.cancel()]
            futures.wait(kept)
            for each in kept:
                each.result()


def _run_one(plan: Plan, notebook: Notebook, sockets: str, screen: Screen) -> float:
    """Executes a notebook and writes its mark; returns the seconds that it took."""
    mark, started, inputs = plan.mark(notebook), time.time(), plan.inputs(notebook)
    mark.unlink(missing_ok=True)
    execute(notebook.path, plan.output(notebook), plan.parameters(notebook), sockets, screen)
    made = glob.glob(str(paths.figures("*") / f"{notebook.name[:2]}_*"))
    figures = sorted(path for path in made if Path(path).stat().st_mtime >= started)
    part = mark.with_suffix(".part")
    part.write_text(json.dumps({"inputs": inputs, "figures": figures}, indent=1))
    part.replace(mark)
    return time.time() - started


def show(plan: Plan, force: bool = False) -> None:
    """Prints what `run` would do, and how many runs are missing. Changes nothing."""
    for number, notebook in enumerate(plan.notebooks, 1):
        reason = "forced" if force else plan.stale(notebook)
        print(f"[{number}/{len(plan.notebooks)}] {notebook.name} ... {f'to execute: {reason}' if reason else 'up to date'}")
    count = plan.missing()
    missing = f"{count[0]} of {count[1]} missing" if count else "not counted before the packages are installed"
    print(f"Runs of profile {plan.profile.name}: {missing}.")
