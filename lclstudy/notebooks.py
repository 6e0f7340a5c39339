"""Executes the notebooks of a profile with papermill, headless: `python -m lclstudy.notebooks quick`.

Executed notebooks go to `build/PROFILE/`. A notebook that succeeded gets a mark beside it, `NN_name.done`, which says what it
was made from; it is executed again when that changes. The mark is ours because papermill calls the cells that it never
reached "completed" when a kernel dies. What is checked before anything runs needs the standard library alone, so that
`run_all.sh` can refuse a wrong name before it installs anything.
"""

import argparse
import ast
import hashlib
import json
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import config, paths
from .errors import StudyError, unknown

RESTRICTIONS = ("corpora", "objectives", "seeds", "executor", "workers")
TRAINS = ("batching", "encoders", "execute", "losses", "objectives", "torch", "train")
_OURS = ("papermill-error-cell-tag", "injected-parameters")  # cells that papermill adds
_BAR = re.compile(r"\r[^\r\n]*|\x1b\[A")  # a progress bar as tqdm draws it
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
    def parameters(self) -> tuple[str, ...]:
        """The names that the cell tagged `parameters` assigns."""
        source = "\n".join(cell["source"] for cell in self.cells if "parameters" in cell["metadata"].get("tags", ()))
        targets = [getattr(line, "target", None) or getattr(line, "targets", [None])[0] for line in _parse(source).body]
        return tuple(target.id for target in targets if isinstance(target, ast.Name))

    @cached_property
    def imports(self) -> frozenset[str]:
        """Every dotted part of what its code imports: `from lclstudy import train` gives `lclstudy` and `train`."""
        found = []
        for line in (line for cell in self.cells if cell["cell_type"] == "code" for line in ast.walk(_parse(cell["source"]))):
            if isinstance(line, ast.Import | ast.ImportFrom):
                found += [getattr(line, "module", None) or "", *(alias.name for alias in line.names)]
        return frozenset(part for name in found for part in name.split("."))

    @property
    def computing(self) -> bool:
        """Whether it trains or computes with torch; else it reads tracked files alone."""
        return not self.imports.isdisjoint(TRAINS)


def _parse(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except SyntaxError:
        return ast.parse("")  # it fails when it runs, and is then reported with its cell


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

    profile: config.Profile
    notebooks: tuple[Notebook, ...]
    given: dict[str, object]  # parameters by name; a notebook gets those that it declares
    folder: Path
    build: Path

    def parameters(self, notebook: Notebook) -> dict[str, object]:
        """The parameters that a notebook gets."""
        return {name: value for name, value in self.given.items() if name in notebook.parameters}

    def output(self, notebook: Notebook) -> Path:
        """Where the executed notebook goes."""
        return self.build / self.profile.name / notebook.path.name

    def mark(self, notebook: Notebook) -> Path:
        """Where the mark of its success goes."""
        return self.output(notebook).with_suffix(".done")

    def missing(self, case_study: bool = True) -> tuple[int, int] | None:
        """How many runs of the profile have no finished record, and how many it has; None before pandas is installed.

        Without `case_study` its grid alone. Subsets that a search has yet to find are not counted.
        """
        try:
            from . import casestudy
            from .store import RunStore
        except ModuleNotFoundError:
            return None
        store = RunStore()
        specs = casestudy.all_specs(self.profile, store) if case_study else self.profile.specs()
        return len(store.missing(specs)), len(specs)

    def stale(self, notebook: Notebook) -> str:
        """Why a notebook must be executed, in words; empty if it is up to date."""
        try:
            mark = json.loads(self.mark(notebook).read_text("utf-8"))
        except (OSError, ValueError):
            return "not executed yet"
        made = [self.output(notebook), *(paths.figures(name) for name in mark["figures"])]
        if not all(path.is_file() for path in made):
            return "an output is gone"
        now = self.inputs(notebook)
        changed = [words for name, words in _WHY.items() if mark["inputs"].get(name) != now[name]]
        if changed:
            return f"{' and '.join(changed)} changed"
        if notebook.computing and "profile" in notebook.parameters:
            count = self.missing(case_study="casestudy" in notebook.imports)
            return "runs are missing" if count and count[0] else ""
        return ""

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
        """The tracked files that a notebook may read."""
        if notebook.computing:
            return [*paths.embedded().rglob("*"), *paths.published().rglob("*")]
        tracked = {path for path in paths.published().parent.iterdir() if path.name not in _UNTRACKED} | {paths.results("")}
        return [file for path in tracked for file in ([path] if path.is_file() else path.rglob("*"))]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hash_files(files: list[Path]) -> str:
    lines = [f"{paths.relative(path)} {_hash(path.read_bytes())}" for path in sorted(files) if path.is_file()]
    return _hash("\n".join(lines).encode())


def _own_python():
    """A kernel manager that starts the interpreter which runs this, whatever kernels the user has installed.

    It speaks over sockets in the file system: nothing on the network can listen, and the kernel warns of nothing.
    """
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec
    from traitlets import default

    class OwnPython(AsyncKernelManager):
        kernel_spec = property(lambda self: KernelSpec(resource_dir="", **get_kernel_dict()))

        @default("transport")
        def _transport(self):
            return "ipc"

    return OwnPython


def _papermill(notebook, output: Path, parameters: dict, folder: Path, stderr) -> None:
    import logging

    import papermill

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what goes wrong is told once, by us
    output.parent.mkdir(parents=True, exist_ok=True)
    papermill.execute_notebook(
        notebook,
        output,
        parameters=parameters,
        cwd=folder,
        kernel_name="python3",
        language="python",
        kernel_manager_class=_own_python(),
        progress_bar=False,
        stderr_file=stderr,
        shutdown_kernel="immediate",
    )


def execute(name: str, notebook, output: Path, parameters: dict, folder: Path, stderr) -> None:
    """Executes a notebook (a path or a node) in `folder`; `output` is kept also when it fails.

    `stderr` is written to while cells run: there the progress bars go. Raises NotebookFailed unless every cell has run.
    """
    output.unlink(missing_ok=True)
    error = None
    try:
        _papermill(notebook, output, parameters, folder, stderr)
    except Exception as failure:  # whatever stopped it, the notebook failed; which cell, the output tells
        error = failure
    failed = _failed_cell(output, error) if output.is_file() else f" before its first cell: {_describe(error)}"
    if failed:
        raise NotebookFailed(f"{name} failed{failed}; see {paths.relative(output)}.")


def _failed_cell(output: Path, error: Exception | None) -> str:
    """` in cell 4 (x = 1 / 0): ZeroDivisionError: ...`; empty if all cells ran. Cells count from 1 as in the source."""
    cells = [cell for cell in Notebook(output).cells if not set(_OURS) & set(cell["metadata"].get("tags", ()))]
    reached = 0
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] != "code" or not cell["source"].strip():
            continue
        for out in cell["outputs"]:
            if out["output_type"] == "error":
                return _place(number, cell, ": ".join(filter(None, (out["ename"], _last_line(out["evalue"])))))
        if cell["metadata"].get("papermill", {}).get("start_time"):
            reached = number
        if error is None and cell["execution_count"] is None:
            return _place(number, cell, "it never ran")
    if error is None:
        return ""
    died = type(error).__name__ == "DeadKernelError"
    what = "its Python process died (killed, or out of memory)" if died else _describe(error)
    return _place(reached, cells[reached - 1], what) if reached else f" before its first cell: {what}"


def _place(number: int, cell: dict, what: str) -> str:
    first = next(line for line in cell["source"].splitlines() if line.strip())
    return f" in cell {number} ({first.strip()[:60]}): {what}"


def _describe(error: Exception | None) -> str:
    return _last_line(error) or type(error).__name__


def _last_line(error: object) -> str:
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".") if lines else ""


class _Progress:
    """The line of one notebook: `[3/6] 03_losses ... 12 s`. What the notebook writes meanwhile is shown below it."""

    def __init__(self, title: str):
        self.title, self.tail = title, ""
        self._show(f"{title} ... ")

    def _show(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def write(self, text: str) -> None:
        """Passes on the notebook's standard error. Papermill calls this."""
        self._show(text if self.tail else f"\n{text}")
        self.tail = text or self.tail

    def flush(self) -> None:
        """Papermill calls this; each text is shown at once."""

    def end(self, result: str) -> None:
        """Ends the line, said again in full when something was shown below it."""
        if self.tail:
            self._show(("" if self.tail.endswith("\n") else "\n") + f"{self.title} ... ")
        self._show(f"{result}\n")


def run(plan: Plan, force: bool = False) -> None:
    """Executes what is not up to date, in order, to the first failure. Raises NotebookFailed."""
    for number, notebook in enumerate(plan.notebooks, 1):
        progress = _Progress(f"[{number}/{len(plan.notebooks)}] {notebook.name}")
        if not force and not plan.stale(notebook):
            progress.end("up to date")
            continue
        try:
            progress.end(f"{_run_one(plan, notebook, progress):.0f} s")
        except NotebookFailed:
            progress.end("failed")
            raise
        except KeyboardInterrupt:
            progress.end("interrupted")
            raise


def _run_one(plan: Plan, notebook: Notebook, progress: _Progress) -> float:
    mark = plan.mark(notebook)
    mark.unlink(missing_ok=True)
    started = time.time()
    execute(notebook.name, notebook.path, plan.output(notebook), plan.parameters(notebook), plan.folder, progress)
    seconds = time.time() - started
    root = paths.figures("")
    figures = [path for path in root.rglob("*") if path.is_file() and path.stat().st_mtime >= started]
    told = {
        "inputs": plan.inputs(notebook),
        "figures": sorted(path.relative_to(root).as_posix() for path in figures),
        "seconds": round(seconds, 1),
    }
    part = mark.with_suffix(".part")
    part.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    part.replace(mark)
    return seconds


def show(plan: Plan, force: bool = False) -> None:
    """Prints what `run` would do, and how many runs are missing. Changes nothing."""
    for number, notebook in enumerate(plan.notebooks, 1):
        reason = "forced" if force else plan.stale(notebook)
        print(f"[{number}/{len(plan.notebooks)}] {notebook.name} ... {f'to execute: {reason}' if reason else 'up to date'}")
    count = plan.missing()
    missing = f"{count[0]} of {count[1]} missing" if count else "not counted before the packages are installed"
    print(f"Runs of profile {plan.profile.name}: {missing}.")


def refresh(folder: Path, build: Path, only: str | None = None) -> None:
    """For developers: makes each `NN_name.ipynb` anew from its `NN_name.py`, executed with its default parameters.

    What differs from one execution to the next (times, versions, progress bars) is left out of the file.
    Raises StudyError on an unknown name, NotebookFailed if one fails; its old file then stays as it was.
    """
    import jupytext
    import nbformat

    names = [path.stem for path in sorted(folder.glob("[0-9][0-9]_*.py"))]
    wanted = names if not only else [name for name in names if {name, name[:2]} & set(only.split(","))]
    if not wanted:
        raise unknown("notebook", only, names)
    for number, name in enumerate(wanted, 1):
        progress = _Progress(f"[{number}/{len(wanted)}] {name}")
        source = jupytext.read(folder / f"{name}.py")
        source.metadata = nbformat.from_dict({"kernelspec": _KERNEL, "language_info": {"name": "python"}})
        output, started = build / "refresh" / f"{name}.ipynb", time.time()
        execute(name, source, output, {}, folder, progress)
        nbformat.write(_steady(nbformat.read(output, as_version=4)), folder / f"{name}.ipynb")
        progress.end(f"{time.time() - started:.0f} s")


_KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def _steady(executed):
    """An executed notebook without what changes by itself."""
    from nbval.plugin import coalesce_streams

    executed.metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(executed.cells, 1):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {name: value for name, value in cell.metadata.items() if name == "tags" and value}
        if cell.cell_type == "code":
            complaints = "".join(out.text for out in cell.outputs if out.get("name") == "stderr")
            only_bars = not _BAR.sub("", complaints).strip()
            kept = [out for out in cell.outputs if not (only_bars and out.get("name") == "stderr")]
            cell.outputs = coalesce_streams(kept)
    return executed


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise StudyError(f"{message[0].upper()}{message[1:]}; see --help.")


def _parser() -> _Parser:
    parser = _Parser(prog="python -m lclstudy.notebooks", description=__doc__.partition("\n\n")[0], allow_abbrev=False)
    parser.add_argument("profile", nargs="?", default="quick", help="a profile's name or TOML file (default: quick)")
    parser.add_argument("--only", metavar="NN", help="these notebooks alone: 05, 05_run_grid, or a list with commas")
    parser.add_argument("--force", action="store_true", help="execute also what is up to date; finished runs are kept")
    parser.add_argument("--dry-run", action="store_true", help="say what would be executed, and stop")
    parser.add_argument("--check", action="store_true", help="check the names given, and stop")
    for name in RESTRICTIONS[:3]:
        parser.add_argument(f"--{name}", metavar="LIST", help=f"these {name} of the profile alone, with commas")
    parser.add_argument("--executor", help="how runs are executed: serial, processes or ray")
    parser.add_argument("--workers", type=int, metavar="N", help="how many runs at a time")
    parser.add_argument("--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
                        help="a parameter of the notebooks; may be given again")  # fmt: skip
    parser.add_argument("--refresh", nargs="?", const="", metavar="NN",
                        help="for developers: make the tracked notebooks anew from their .py files")  # fmt: skip
    return parser


def _value(text: str) -> object:
    """A parameter as Python writes it (`2e-5`, `None`, `['a', 'b']`), else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _split(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def make_plan(options: argparse.Namespace, folder: Path, build: Path) -> Plan:
    """Checks every name given and returns the plan. Raises StudyError on one that is not known."""
    profile = config.load_profile(options.profile)
    chosen = find(folder, options.only)
    seeds = _split(options.seeds)
    if seeds is not None and not all(seed.isdecimal() for seed in seeds):
        raise StudyError(f"seeds must be whole numbers with commas between; given {options.seeds!r}.")
    if options.workers is not None and options.workers < 1:
        raise StudyError(f"workers must be 1 or more; given {options.workers}.")
    limits = {"corpora": _split(options.corpora), "objectives": _split(options.objectives)}
    profile = profile.restrict(**limits, seeds=seeds and [int(seed) for seed in seeds])
    profile.specs()
    own_file = options.profile.endswith(".toml")
    given = {"profile": str(Path(options.profile).resolve()) if own_file else options.profile}
    wanted = {name: getattr(options, name) for name in RESTRICTIONS if getattr(options, name) is not None}
    wanted |= {name: _value(value) for name, value in options.parameter}
    for name in wanted:
        declared = sorted({known for notebook in chosen for known in notebook.parameters})
        if name not in declared:
            raise unknown("parameter of these notebooks", name, declared)
    # Those that compute come first: the others show what these freeze.
    ordered = sorted(chosen, key=lambda notebook: not notebook.computing)
    return Plan(profile, tuple(ordered), {**given, **wanted}, folder, build)


def main(arguments: list[str] | None = None, folder: Path | None = None, build: Path | None = None) -> int:
    """The command line. Returns its exit status: 0, 1 a notebook failed, 2 a wrong name or value, 130 interrupted."""
    folder, build = folder or paths.ROOT / "notebooks", build or paths.ROOT / "build"
    try:
        options = _parser().parse_args(arguments)
        if options.refresh is not None and not options.check:
            refresh(folder, build, options.refresh)
            return 0
        plan = make_plan(options, folder, build)
        if options.check:
            return 0
        if options.dry_run:
            show(plan, options.force)
        else:
            run(plan, options.force)
            made = paths.relative(plan.build / plan.profile.name)
            print(f"Executed notebooks: {made}; figures: {paths.relative(paths.figures(plan.profile.name))}.")
    except StudyError as error:
        print(f"lclstudy: {error}", file=sys.stderr)
        return 2
    except NotebookFailed as error:
        print(f"lclstudy: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lclstudy: interrupted; finished runs are kept, and the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _bar_settings(columns: int | None) -> dict[str, str]:
    """What tqdm reads in the notebooks' processes: one frame a second, as wide as the terminal; a frame a minute in a log.

    Each frame is also kept in the executed notebook, so ten a second over hours would be felt.
    """
    return {"TQDM_MININTERVAL": "1", "TQDM_NCOLS": str(columns - 1)} if columns else {"TQDM_MININTERVAL": "60"}


if __name__ == "__main__":
    os.environ |= _bar_settings(shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
    sys.exit(main())
