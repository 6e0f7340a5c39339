"""Trains the runs of a grid that the store lacks, and freezes them.

On a command line: `python -m lclstudy.execute PROFILE --help`.
"""

# ruff: noqa: E402

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


def _leave(*_) -> None:
    """An interrupt while nothing is at stake."""
    os.write(2, b"Interrupted.\n")
    os._exit(130)


if __name__ == "__main__":  # before the imports that take a second
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)

import logging

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from . import casestudy, config, paths
from .config import Profile, RunSpec
from .errors import StudyError, unknown
from .executors import EXECUTORS, choose
from .progress import Board
from .records import Record
from .runqueue import Queue
from .store import RunStore, publish
from .store import freeze as store_freeze

log = logging.getLogger("lclstudy")


class Summary(NamedTuple):
    """What `run_missing` did: runs trained, runs that were there already, runs that failed, seconds in all, the failed ones."""

    done: int
    skipped: int
    failed: int
    seconds: float
    failures: tuple[Record, ...] = ()

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __str__(self) -> str:
        return f"{self.done} trained, {self.skipped} there already, {self.failed} failed, in {self.seconds:.0f} s"


def run_missing(
    specs: list[RunSpec],
    store: RunStore | None = None,
    executor: str = "auto",
    workers: int | None = None,
    device: str | None = None,
    progress: bool = True,
    retrain: bool = False,
) -> Summary:
    """Trains each spec that has no finished record in `store` (default: the study's) and saves it as soon as it is finished.

    `executor`: `serial`; `processes`, N `workers` (default: one per core; on GPUs as many as have room); `ray`; or `auto`, Ray
    where a cluster is, else processes, or serial for a single run. `device`: as for `train.run`. `retrain` trains what is
    frozen, too. Other commands may work on the same store: each run is trained by one. A run that fails is recorded as failed,
    and the others go on. An interrupt keeps what is finished.

    Raises StudyError before any training if a setting is wrong, and later if a record cannot be saved.
    """
    if executor not in ("auto", *EXECUTORS):
        raise unknown("executor", executor, ("auto", *EXECUTORS))
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise StudyError(f"workers must be a whole number, 1 or more; given {workers!r}.")
    from . import train

    store = store or RunStore()
    started = time.monotonic()
    missing = store.missing(specs, retrain)
    total = len({spec.identity() for spec in specs})
    if executor == "auto" or not missing:
        executor = choose(missing, device, workers)
    if executor != "ray":  # whose nodes have devices of their own
        train.choose_device(device)
    # What a check reads, once each: a profile has many runs of few corpora.
    read = ("corpus", "classes", "objective", "encoder", "train_limit", "batch_size", "protocol", "augment", "max_length")
    for spec in {tuple(getattr(spec, name) for name in read): spec for spec in missing}.values():
        train.check(spec)
    queue = Queue(store, missing, retrain)
    board = Board(total, total - len(missing), progress)
    ended: list[Record] = []
    outcomes = EXECUTORS[executor](queue.take, board.tell, missing, device, workers)
    try:
        with logging_redirect_tqdm(tqdm_class=tqdm):
            for record in outcomes:
                queue.finish(record)
                ended.append(record)
                if record.status != "done":
                    log.warning("%s failed: %s", record.spec.label(), record.failure)
                board.finish(record.spec, _said(record), total - queue.left())
    finally:
        outcomes.close()  # ends the workers
        queue.close()
        board.close()
    failures = tuple(record for record in ended if record.status != "done")
    done = len(ended) - len(failures)
    return Summary(done, total - len(ended), len(failures), time.monotonic() - started, failures)


def obtain(spec: RunSpec, store: RunStore | None = None, device: str | None = None, progress: bool = True) -> Record:
    """The finished record of one run, trained first unless `store` (default: the study's) has it.

    Raises StudyError if a setting is wrong, or if the run fails, with its reason.
    """
    store = store or RunStore()
    run_missing([spec], store, device=device, progress=progress)
    record = store.load(spec)
    if record.status != "done":
        raise StudyError(f"{spec.label()} failed: {record.failure}")
    return record


def run_case_study(profile: Profile, store: RunStore | None = None, **how) -> Summary:
    """Trains what the case study of a profile lacks: cross-entropy on all classes, which the search reads, then the subsets.

    `how`: `executor`, `workers`, `device`, `progress` and `retrain`, as for `run_missing`. Raises StudyError as that does, and
    if the profile has no case study.
    """
    if profile.case_study is None:
        raise StudyError(f"Profile {profile.name}, as restricted, has no [case_study]; take one that has, or restrict less.")
    store = store or RunStore()
    needed = [spec for spec in casestudy.searched(profile) if spec.seed in profile.case_study.seed]
    first = run_missing(needed, store, **how)
    wanted = [spec for spec in casestudy.specs(profile, casestudy.all_sets(profile, store)) if spec not in needed]
    return first + run_missing(wanted, store, **how)


def freeze(profile: Profile, store: RunStore | None = None, also: Iterable[RunSpec] = ()) -> Path:
    """`store.publish` of a profile that comes with the package, `store.freeze` of one's own."""
    return (publish if profile.name in config.profile_names() else store_freeze)(profile, store, also)


def _said(record: Record) -> str:
    if record.status != "done":
        return "failed"
    return f"validation accuracy {record.epochs[record.best_epoch - 1]['validation_accuracy']:.3f}"


@contextmanager
def _signals(handler):
    """Handles Ctrl-C and SIGTERM alike."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)


def _interrupt(*_) -> None:
    """An interrupt while runs are trained: claims and bars are put away, and the process ends even if that cannot be done."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(130))
    timer = threading.Timer(10, os._exit, [130])
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns the exit status: 0, 1 if runs failed, 2 for a wrong setting, 130 for an interrupt."""
    with _signals(_leave):
        return _main(_parser().parse_args(arguments))


def _main(given: argparse.Namespace) -> int:
    try:
        profile = config.load_profile(given.profile)
        part = profile.restrict(given.corpora, given.objectives, given.seeds, given.encoders)
        chosen, store = part.specs(), RunStore()
        if given.dry_run:
            _list(casestudy.all_specs(part, store) if given.subsets else chosen, store, given.retrain)
            return 0
        from . import train  # noqa: F401, here because torch takes a second, in which an interrupt has nothing to put away

        how = {name: getattr(given, name) for name in ("executor", "workers", "device", "retrain")}
        with _signals(_interrupt):
            summary = run_missing(chosen, store, **how)
            if given.subsets:
                summary += run_case_study(part, store, **how)
        print(summary)
        for record in summary.failures:
            print(f"\n{record.spec.label()} failed: {record.failure}\n{record.traceback}".rstrip(), file=sys.stderr)
        if given.freeze:
            print(f"Frozen in {paths.relative(freeze(profile, store, chosen))}")
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: finished runs are kept; the same command goes on with the others.", file=sys.stderr)
        return 130
    return 1 if summary.failed else 0


def _list(specs: list[RunSpec], store: RunStore, retrain: bool) -> None:
    missing = store.missing(specs, retrain)
    for spec in missing:
        print(spec.identity(), spec.label())
    print(f"{len(missing)} of {len({spec.identity() for spec in specs})} runs would be trained")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lclstudy.execute", description="Train the missing runs of a profile.")
    parser.add_argument("profile", help=f"{', '.join(config.profile_names())}, or a path ending in .toml")
    for name in ("corpora", "objectives", "encoders"):
        parser.add_argument(f"--{name}", type=_names, metavar="A,B", help=f"only these {name}")
    parser.add_argument("--seeds", type=_numbers, metavar="0,1", help="these seeds instead of the profile's")
    parser.add_argument("--executor", default="auto", metavar="NAME", help=f"{', '.join(EXECUTORS)} (default: what suits)")
    parser.add_argument("--workers", type=int, metavar="N", help="runs at a time (default: one per core, or what a GPU holds)")
    parser.add_argument("--device", help="cuda, mps or cpu (default: the first of these that there is)")
    parser.add_argument("--retrain", action="store_true", help="train what is frozen as well, beside the frozen results")
    parser.add_argument("--subsets", action="store_true", help="train the class subsets of the case study as well")
    parser.add_argument("--dry-run", action="store_true", help="list what would be trained, and train nothing")
    parser.add_argument("--freeze", action="store_true", help="then write the results to data/results/PROFILE")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text: str) -> list[int]:
    try:
        return [int(name) for name in _names(text)]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be whole numbers separated by commas; given {text!r}") from None


if __name__ == "__main__":
    sys.exit(main())
