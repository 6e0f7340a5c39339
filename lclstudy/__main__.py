"""The command `lclstudy`, or `python -m lclstudy`: trains runs, executes notebooks, freezes results.

What checks names needs the standard library alone, so that `run_all.sh` can refuse a wrong one before it installs anything.
"""

# ruff: noqa: E402

import argparse
import ast
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _leave(*_, said: str = "lclstudy: interrupted.") -> None:
    """Ends the process where nothing need be put away: while torch is loaded, or once notebooks run, whose kernels end by
    themselves."""
    os.write(2, f"{said}\n".encode())
    os._exit(130)


if __name__ == "__main__":  # before the imports that take a while
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan.profiles import Profile, load_profile, profile_names
from lclstudy.plan.spec import EXECUTORS, distinct
from lclstudy.runner import execute
from lclstudy.training import commands as classifiers

RESTRICTIONS = ("corpora", "objectives", "seeds", "encoders")
_KEPT = "lclstudy: interrupted; finished runs are kept, and the same command goes on from here."
_HOW = ("executor", "workers", "device", "retrain")


def main(arguments: list[str] | None = None, folder: Path | None = None) -> int:
    """Gives the exit status: 0, 1 something failed, 2 a wrong name or value, 130 an interrupt; each but 0 in one line.

    `folder`: of the notebooks, by default the study's.
    """
    try:
        with _signals(_leave):
            options = _parser().parse_args(arguments)
            options.folder = folder or paths.ROOT / "notebooks"
            status = options.command(options)
            if sys.stdout:  # it may be closed
                sys.stdout.flush()
            return status
    except (StudyError, execute.NotebookFailed) as error:
        print(f"lclstudy: {error}", file=sys.stderr)
        return 2 if isinstance(error, StudyError) else 1
    except KeyboardInterrupt:
        print(_KEPT, file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever reads, as `head`, has enough; what is left would be flushed at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"lclstudy: {error.strerror or error}{f': {error.filename}' if error.filename else ''}.", file=sys.stderr)
        return 1


@contextmanager
def _signals(handler) -> Iterator[None]:
    """Handles Ctrl-C and SIGTERM alike."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)


def _interrupt(*_) -> None:
    """An interrupt while something runs: it is put away, and the process ends even if that cannot be done."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(130))
    timer = threading.Timer(10, os._exit, [130])
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise StudyError(f"{message[0].upper()}{message[1:]}; see --help.")


def _parser() -> _Parser:
    parser = _Parser(prog="lclstudy", description=__doc__.partition("\n\n")[0], allow_abbrev=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, said: str, command) -> _Parser:
        added = commands.add_parser(name, help=said, description=said, allow_abbrev=False)
        added.set_defaults(command=command)
        return added

    run = add("run", "Train the missing runs of a profile, those of its case study as well.", _run)
    _add_profile(run, "quick")
    run.add_argument("--dry-run", action="store_true", help="list what would be trained, and stop")

    headless = add("notebooks", "Execute a profile's notebooks, headless; what they make goes to build/PROFILE.", _notebooks)
    _add_profile(headless, "quick")
    headless.add_argument("--only", metavar="NN", help="these notebooks alone: 05, 05_run, or a list with commas")
    headless.add_argument("--force", action="store_true", help="also what is up to date; finished runs are kept")
    headless.add_argument("--dry-run", action="store_true", help="say what would be executed, and stop")
    headless.add_argument("--check", action="store_true", help="check the names given, and stop")
    headless.add_argument("--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
                         help="a parameter of the notebooks; may be given again")  # fmt: skip
    headless.add_argument("--refresh", nargs="?", const="", metavar="NN",
                         help="for developers: make the tracked notebooks and figures anew from the .py files")  # fmt: skip

    freeze = add("freeze", "For developers: write what a profile's runs gave to the tracked data/results/PROFILE.", _freeze)
    _add_profile(freeze, None)
    add("wordnet", "Get WordNet, once.", _wordnet)
    book = add("site", "Make a site of the notebooks, RESULTS.md and figures, to read in a browser without a network.", _site)
    book.add_argument("--output", type=Path, default=paths.build("site"), help="its folder (default: build/site); made anew")
    classifiers.add(add)
    return parser


def _add_profile(parser: _Parser, default: str | None) -> None:
    said = f"{', '.join(profile_names())}, or a path ending in .toml"
    parser.add_argument("profile", nargs="?" if default else None, default=default, help=said)
    for name in RESTRICTIONS:
        parser.add_argument(f"--{name}", metavar="LIST", help=f"these {name} of the profile alone, with commas")
    if not default:  # nothing is trained
        return parser.set_defaults(workers=None)
    parser.add_argument("--executor", metavar="NAME", choices=EXECUTORS, help="how runs are executed: %(choices)s")
    parser.add_argument("--workers", type=int, metavar="N", help="how many runs at a time")
    parser.add_argument("--device", help="cuda, mps or cpu (default: the first of these that there is)")
    parser.add_argument("--retrain", action="store_true", default=None, help="train also what is frozen, beside it")


def _profile(options: argparse.Namespace) -> Profile:
    """The profile as restricted, every name checked. Raises StudyError on one that is not known."""
    profile = load_profile(options.profile).restrict(**{name: getattr(options, name) for name in RESTRICTIONS})
    if options.workers is not None and options.workers < 1:
        raise StudyError(f"workers must be 1 or more; given {options.workers}.")
    return profile


def _given(options: argparse.Namespace, names: tuple[str, ...]) -> dict:
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _run(options: argparse.Namespace) -> int:
    profile = _profile(options)
    from lclstudy.results import class_sets
    from lclstudy.runs import grid, store

    runs, how = store.RunStore(), _given(options, _HOW)
    if options.dry_run:
        missing = store.missing(profile, runs, bool(options.retrain))
        for spec in missing:
            print(spec.identity(), spec.label())
        more = "; sets that are yet to be found are not counted" if profile.case_study else ""
        print(f"{len(missing)} of {len(distinct(class_sets.all_specs(profile, runs)))} runs would be trained{more}")
        return 0
    from lclstudy.training import prepare  # noqa: F401, here: torch takes a second, in which an interrupt has nothing to put away

    with _signals(_interrupt):
        summary = grid.run_profile(profile, runs, **how)
    print(summary)
    for record in summary.failures:
        print(f"\n{record.spec.label()} failed: {record.failure}\n{record.traceback}".rstrip(), file=sys.stderr)
    return 1 if summary.failed else 0


def _notebooks(options: argparse.Namespace) -> int:
    os.environ |= bar_settings(shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
    if options.refresh is not None and options.only is not None:
        raise StudyError(f"--refresh names its notebooks itself: --refresh {options.only}; leave --only out.")
    if options.refresh is not None and not options.check:
        from lclstudy.runner import refresh

        refresh.refresh(options.folder, options.refresh)
        return 0
    chosen = dict(options.parameter)
    for name in chosen.keys() & {"profile", *RESTRICTIONS}:  # also of the runs that are counted
        text = chosen.pop(name)
        listed = name == "seeds" and isinstance(_value(name, text), list)
        setattr(options, name, _value(name, text) if listed else text)
    profile = _profile(options)
    steering = _given(options, (*RESTRICTIONS, *_HOW))
    given = {name: _value(name, text) for name, text in chosen.items()} | steering
    notebooks = execute.find(options.folder, options.only)
    for name in sorted(steering.keys() - {name for notebook in notebooks for name in notebook.parameters}):
        only = ",".join(notebook.name[:2] for notebook in notebooks)
        raise StudyError(f"--{name} is for notebooks that train; --only {only} takes none: leave it out, or --only 05,{only}.")
    plan = execute.Plan(profile, notebooks, given, options.folder)
    if options.check:
        return 0
    if options.dry_run:
        execute.show(plan, options.force)
    else:
        try:
            with _signals(_interrupt):
                execute.run(plan, options.force)
        except KeyboardInterrupt:
            _leave(said=_KEPT)  # and not by the way of what tidies up after kernels
        print(f"Executed notebooks, figures and tables: {paths.relative(paths.build(profile.name))}.")
        for notebook in plan.notebooks:
            if notebook.trains_profile and (count := plan.missing())[0]:
                missing = f"{count[0]} of {count[1]} runs of {profile.name} are missing"
                print(f"lclstudy: {missing}; {paths.relative(plan.output(notebook))} says why.", file=sys.stderr)
                return 1
    return 0


def _value(name: str, text: str) -> object:
    """A parameter as Python writes it (`2e-5`, `None`, `['a', 'b']`), the whole path of a file that is here or of the folder
    to keep, which notebooks in their own folder would miss, else the text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return str(Path(text).resolve()) if name == "keep" or os.path.isfile(text) else text


def bar_settings(columns: int | None) -> dict[str, str]:
    """What tqdm reads in the notebooks' processes: one frame a second, as wide as the terminal; a frame a minute in a log.

    Each frame is also kept in the executed notebook, so ten a second over hours would be felt.
    """
    return {"TQDM_MININTERVAL": "1", "TQDM_NCOLS": str(columns - 1)} if columns else {"TQDM_MININTERVAL": "60"}


def _freeze(options: argparse.Namespace) -> int:
    profile = _profile(options)
    from lclstudy.runs import store

    print(f"Frozen in {paths.relative(store.publish(profile))}")
    return 0


def _site(options: argparse.Namespace) -> int:
    from lclstudy.runner import site

    print(f"Open {paths.relative(site.build(options.output))} in a browser.")
    return 0


def _wordnet(options: argparse.Namespace) -> int:
    from lclstudy.corpora import wordnet

    wordnet.install()
    print(f"WordNet {wordnet.ensure().get_version()}: {wordnet.ensure().root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
