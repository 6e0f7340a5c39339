"""Executes the notebooks of a profile with papermill, headless, side by side where none waits for another.

Executed notebooks go to `build/PROFILE/`. A notebook that succeeded gets a mark beside it, `NN_name.done`, which says what it
was made from; it is executed again when that changes. The mark is ours because papermill calls the cells that it never
reached "completed" when a kernel dies. Finding notebooks and checking names needs the standard library alone.
"""

import ast
import glob
import hashlib
import json
import os
import queue
import re
import signal
import sys
import tempfile
import threading
import time
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError, unknown
from lclstudy.plan.profiles import Profile

TRAINS = "lclstudy.runs.grid"
COMPUTES = {"lclstudy.corpora", "lclstudy.models", TRAINS, "torch"}
_OURS = {"papermill-error-cell-tag", "injected-parameters"}  # cells that papermill adds
_UNTRACKED = ("models", "raw", "runs", "wordnet")  # folders of data/ that git ignores
_WHY = {"notebook": "the notebook", "parameters": "a parameter", "package": "the package", "data": "the data"}


class NotebookFailed(Exception):
    """A notebook that did not run to its end. The message names the notebook, the cell and the error."""


@dataclass(frozen=True)
class Notebook:
    """A notebook of the study, read without any library of Jupyter's."""

    path: Path

    @property
    def name(self) -> str:
        """`05_run_grid`."""
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
    def parameters(self) -> dict[str, object]:
        """What the cell tagged `parameters` assigns: the parameters with their default values."""
        source = "\n".join(cell["source"] for cell in self.cells if "parameters" in cell["metadata"].get("tags", ()))
        lines = [line for line in ast.parse(source).body if isinstance(line, ast.Assign)]
        return {line.targets[0].id: ast.literal_eval(line.value) for line in lines}

    @cached_property
    def imports(self) -> frozenset[str]:
        """What its lines import, and the packages around it: `from lclstudy.runs import grid` has `lclstudy.runs` and
        `lclstudy.runs.grid`."""
        lines = "\n".join(cell["source"] for cell in self.cells if cell["cell_type"] == "code")
        found = re.findall(r"^ *(?:from ([\w.]+) )?import (.*)", lines, re.MULTILINE)
        whole = [
            f"{package}.{name}".strip(".").split(".")
            for package, names in found
            for name in re.findall(r"(?:^|, )([\w.]+)", names)
        ]
        return frozenset(".".join(parts[:count]) for parts in whole for count in range(1, len(parts) + 1))

    @property
    def computing(self) -> bool:
        """Whether it reads texts or computes with torch; else it reads tracked files alone."""
        return not self.imports.isdisjoint(COMPUTES)

    @property
    def trains(self) -> bool:
        """Whether it trains runs."""
        return TRAINS in self.imports

    @property
    def trains_profile(self) -> bool:
        """Whether it trains the runs of its profile, and freezes them."""
        return self.trains and "objectives" in self.parameters

    @property
    def reads_results(self) -> bool:
        """Whether it shows frozen results: its profile is one of these, by default often the best that there are."""
        return not self.computing and self.parameters.get("profile", "quick") != "quick"


def find(folder: Path, only: str | None = None) -> list[Notebook]:
    """The notebooks `NN_*.ipynb` of a folder in order, or those named: `5`, `05`, `05_run_grid`, or a list with commas.

    Raises StudyError on a name that fits no notebook.
    """
    every = [Notebook(path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]
    chosen = []
    for wanted in (only or "").split(",") if only is not None else ():
        wanted = wanted.strip().removesuffix(".ipynb")
        fits = [notebook for notebook in every if wanted.zfill(2) in (notebook.name, notebook.name[:2])]
        if not fits:
            raise unknown("notebook", wanted, [notebook.name for notebook in every])
        chosen += fits
    if not every:
        raise StudyError(f"No notebook NN_name.ipynb in {paths.relative(folder)}; restore the folder.")
    return every if only is None else [notebook for notebook in every if notebook in chosen]


@dataclass(frozen=True)
class Plan:
    """What a command asks for: the profile with its restrictions, and the notebooks with the parameters of each."""

    profile: Profile
    source: str  # the name of the profile, or the path of its file
    notebooks: tuple[Notebook, ...]
    given: dict[str, object]  # parameters by name; a notebook gets those that it declares
    folder: Path

    def parameters(self, notebook: Notebook) -> dict[str, object]:
        """The parameters that a notebook gets. One that shows frozen results knows a profile by its name alone."""
        given = {"profile": self.profile.name if notebook.reads_results else self.source, **self.given}
        return {name: value for name, value in given.items() if name in notebook.parameters}

    def output(self, notebook: Notebook) -> Path:
        """Where the executed notebook goes."""
        return paths.build(self.profile.name) / notebook.path.name

    def mark(self, notebook: Notebook) -> Path:
        """Where the mark of its success goes."""
        return self.output(notebook).with_suffix(".done")

    def missing(self, case_study: bool = True) -> tuple[int, int] | None:
        """How many runs of the profile have no finished record, and how many it has; None before pandas is installed.

        Without `case_study` its grid alone. Subsets that a search has yet to find are not counted.
        """
        try:
            from lclstudy.results import class_sets
            from lclstudy.runs.store import RunStore
        except ModuleNotFoundError:
            return None
        store = RunStore()
        specs = class_sets.all_specs(self.profile, store) if case_study else self.profile.specs()
        return len(store.missing(specs, self.given.get("retrain", self.profile.retrain))), len(specs)

    def stale(self, notebook: Notebook) -> str:
        """Why a notebook must be executed, in words; empty if it is up to date."""
        try:
            mark = json.loads(self.mark(notebook).read_text("utf-8"))
        except (OSError, ValueError):
            return "not executed yet"
        if not all(path.is_file() for path in (self.output(notebook), *map(Path, mark["figures"]))):
            return "an output is gone"
        now = self.inputs(notebook)
        changed = [words for name, words in _WHY.items() if mark["inputs"].get(name) != now[name]]
        if changed:
            return f"{' and '.join(changed)} changed"
        count = self.missing("lclstudy.results.class_sets" in notebook.imports) if notebook.trains_profile else None
        return "runs are missing" if count and count[0] else ""

    def inputs(self, notebook: Notebook) -> dict[str, str]:
        """What the result of a notebook follows from, each part as a hash."""
        source = [[cell["cell_type"], cell["source"], cell["metadata"].get("tags", [])] for cell in notebook.cells]
        package = [*paths.PACKAGE.rglob("*.py"), *paths.PACKAGE.rglob("*.toml"), paths.ROOT / "requirements.txt"]
        return {
            "notebook": _hash(json.dumps(source).encode()),
            "parameters": _hash(json.dumps(self.parameters(notebook), sort_keys=True, default=str).encode()),
            "package": _hash_files(package),
            "data": _hash_files(self._data(notebook)),
        }

    def _data(self, notebook: Notebook) -> list[Path]:
        """The files that a notebook may read: those that its parameters name, and what is tracked or frozen."""
        named = [Path(value) for value in self.parameters(notebook).values() if isinstance(value, str) and value]
        if notebook.computing:
            folders = [paths.embedded(), paths.published()]
        else:
            folders = [path for path in paths.published().parent.iterdir() if path.name not in _UNTRACKED]
            folders += [paths.results(""), *map(Path, glob.glob(str(paths.build("*") / "results")))]
        return [*named, *{file for folder in folders for file in ([folder] if folder.is_file() else folder.rglob("*"))}]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hash_files(files: list[Path]) -> str:
    lines = [f"{paths.relative(path)} {_hash(path.read_bytes())}" for path in sorted(files) if path.is_file()]
    return _hash("\n".join(lines).encode())


@contextmanager
def kernels_of_own():
    """A class of kernel managers; all kernels that it started end with the block.

    Each is the interpreter which runs this, whatever kernels the user has installed. They speak over sockets in a temporary
    folder: nothing on the network can listen, and two commands in one clone do not meet.
    """
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec
    from traitlets import default

    started = []

    class OwnPython(AsyncKernelManager):
        kernel_spec = property(lambda self: KernelSpec(resource_dir="", **get_kernel_dict()))

        @default("transport")
        def _transport(self):
            return "ipc"

        @default("connection_file")
        def _connection_file(self):
            started.append(self)
            return f"{folder}/{len(started)}.json"

    with tempfile.TemporaryDirectory(prefix="lclstudy-", ignore_cleanup_errors=True) as folder:
        try:
            yield OwnPython
        finally:
            for manager in started:
                with suppress(ProcessLookupError):  # its process group: the workers of a kernel end with it
                    if manager.has_kernel:
                        os.killpg(manager.provisioner.pid, signal.SIGKILL)


def execute(name: str, notebook, output: Path, parameters: dict, kernels: type, stderr) -> None:
    """Executes a notebook (a path or a node) in the working folder; `output` is kept also when it fails.

    `kernels`: a class of kernel managers. `stderr` is written to while cells run: there the progress bars go.
    Raises NotebookFailed unless every cell has run.
    """
    import logging

    import papermill

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what goes wrong is told once, by us
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    error = None
    try:
        papermill.execute_notebook(
            notebook,
            output,
            parameters=parameters,
            kernel_name="python3",
            language="python",
            kernel_manager_class=kernels,
            progress_bar=False,
            stderr_file=stderr,
            shutdown_kernel="immediate",
        )
    except Exception as failure:  # whatever stopped it, the notebook failed; which cell, the output tells
        error = failure
    if failed := _failed_cell(output, error):
        raise NotebookFailed(f"{name} failed {failed}; see {paths.relative(output)}.")


def _failed_cell(output: Path, error: Exception | None) -> str:
    """`in cell 4 (x = 1 / 0): ZeroDivisionError: ...`; empty if all cells ran. Cells count from 1 as in the source."""
    cells = [cell for cell in (Notebook(output).cells if output.is_file() else ()) if not _OURS & set(_tags(cell))]
    code = [(number, cell) for number, cell in enumerate(cells, 1) if cell["cell_type"] == "code" and cell["source"].strip()]
    if error is None:
        unrun = [place for place in code if place[1]["execution_count"] is None]
        return f"{_place(*unrun[0])}: it never ran" if unrun else ""
    begun = [place for place in code if place[1]["metadata"].get("papermill", {}).get("start_time")]
    return f"{_place(*begun[-1]) if begun else 'before its first cell'}: {_describe(error)}"


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def _place(number: int, cell: dict) -> str:
    first = next(line for line in cell["source"].splitlines() if line.strip())
    return f"in cell {number} ({first.strip()[:60]})"


def _describe(error: Exception) -> str:
    if type(error).__name__ == "DeadKernelError":
        return "its Python process died (killed, or out of memory)"
    said = ": ".join(filter(None, (error.ename, _last_line(error.evalue)))) if hasattr(error, "ename") else _last_line(error)
    return said or type(error).__name__


def _last_line(error: object) -> str:
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".") if lines else ""


class Screen:
    """Standard output of notebooks side by side: a line when one begins and ends, and what they write meanwhile between."""

    def __init__(self):
        self.lock, self.tail = threading.Lock(), "\n"

    def write(self, text: str) -> None:
        """Passes on the standard error of a notebook, as papermill asks; most of it is progress bars."""
        with self.lock:
            sys.stdout.write(text)
            sys.stdout.flush()
            self.tail = text or self.tail

    def flush(self) -> None:
        """Papermill calls this; each text is shown at once."""

    def say(self, line: str) -> None:
        """A line of its own."""
        self.write(line + "\n" if self.tail.endswith("\n") else f"\n{line}\n")


def run(plan: Plan, force: bool = False) -> None:
    """Executes what is not up to date: at most a notebook per core at a time, no two that train, and those that show results
    after those that make them. After a failure none is begun. Raises NotebookFailed.
    """
    titles = {notebook: f"[{place}/{len(plan.notebooks)}] {notebook.name}" for place, notebook in enumerate(plan.notebooks, 1)}
    waiting = sorted(plan.notebooks, key=lambda notebook: not notebook.trains)  # the longest chain first
    running, ended, failures = [], queue.SimpleQueue(), []
    screen = Screen()

    def work(notebook: Notebook) -> None:
        started = time.time()
        try:
            _run_one(plan, notebook, kernels, screen)
            ended.put((notebook, f"{time.time() - started:.0f} s", None))
        except Exception as error:
            ended.put((notebook, "failed", error))

    def ready(notebook: Notebook) -> bool:
        if notebook.reads_results:
            return not any(other.trains_profile for other in (*waiting, *running))
        return not (notebook.trains and any(other.trains for other in running))

    if any(notebook.trains or "lclstudy.corpora.synonyms" in notebook.imports for notebook in waiting):
        from lclstudy.corpora import wordnet

        wordnet.install()
    # Changed here and not by papermill, which would change it under the feet of the others.
    with chdir(plan.folder), kernels_of_own() as kernels:
        while True:
            notebook = next(filter(ready, waiting), None) if len(running) < _cores() and not failures else None
            if notebook:
                waiting.remove(notebook)
                if not force and not plan.stale(notebook):
                    screen.say(f"{titles[notebook]} ... up to date")
                    continue
                screen.say(f"{titles[notebook]} ...")
                running.append(notebook)
                threading.Thread(target=work, args=[notebook], daemon=True).start()
            elif running:
                notebook, result, failure = ended.get()
                running.remove(notebook)
                screen.say(f"{titles[notebook]} ... {result}")
                failures += filter(None, [failure])
            else:
                break
    if failures:
        raise failures[0]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_one(plan: Plan, notebook: Notebook, kernels: type, screen: Screen) -> None:
    mark = plan.mark(notebook)
    mark.unlink(missing_ok=True)
    started = time.time()
    execute(notebook.name, notebook.path, plan.output(notebook), plan.parameters(notebook), kernels, screen)
    made = map(Path, glob.glob(str(paths.figures("*") / f"{notebook.name[:2]}_*")))
    figures = sorted(str(path) for path in made if path.stat().st_mtime >= started)
    told = {"inputs": plan.inputs(notebook), "figures": figures, "seconds": round(time.time() - started, 1)}
    part = mark.with_suffix(".part")
    part.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    part.replace(mark)


def show(plan: Plan, force: bool = False) -> None:
    """Prints what `run` would do, and how many runs are missing. Changes nothing."""
    for number, notebook in enumerate(plan.notebooks, 1):
        reason = "forced" if force else plan.stale(notebook)
        print(f"[{number}/{len(plan.notebooks)}] {notebook.name} ... {f'to execute: {reason}' if reason else 'up to date'}")
    count = plan.missing()
    missing = f"{count[0]} of {count[1]} missing" if count else "not counted before the packages are installed"
    print(f"Runs of profile {plan.profile.name}: {missing}.")


def make_plan(profile: Profile, source: str, given: dict, folder: Path, only: str | None = None) -> Plan:
    """The plan of the notebooks of `folder` on a profile, read from `source`, with parameters by name.

    Raises StudyError on a notebook that is not there, or a parameter that none of those chosen has.
    """
    plan = Plan(profile, source, tuple(find(folder, only)), given, folder)
    declared = sorted({name for notebook in plan.notebooks for name in notebook.parameters})
    for name in given:
        if name not in declared:
            raise unknown("parameter of these notebooks", name, declared)
    return plan
