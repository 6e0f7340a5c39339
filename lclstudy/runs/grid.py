"""Trains the runs of a grid that have no result yet."""

import logging
import time
from collections.abc import Collection
from itertools import chain
from typing import NamedTuple

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from lclstudy.errors import StudyError, unknown
from lclstudy.plan.profiles import Profile
from lclstudy.plan.spec import EXECUTORS as NAMES
from lclstudy.plan.spec import RunSpec
from lclstudy.results import class_sets
from lclstudy.results.records import Record

from .claims import Queue
from .executors import EXECUTORS, choose
from .progress import Board
from .store import RunStore

log = logging.getLogger("lclstudy")


class Summary(NamedTuple):
    """What was done: runs trained, runs that were there already, runs that failed, seconds in all, the failed ones."""

    done: int
    skipped: int
    failed: int
    seconds: float
    failures: tuple[Record, ...] = ()

    def __add__(self, other: "Summary") -> "Summary":  # type: ignore[override]
        return Summary(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __str__(self) -> str:
        return f"{self.done} trained, {self.skipped} there already, {self.failed} failed, in {self.seconds:.0f} s"


def run_missing(
    specs: list[RunSpec],
    store: RunStore,
    executor: str = "auto",
    workers: int | None = None,
    device: str | None = None,
    retrain: bool | Collection[int] = False,
) -> Summary:
    """Trains each spec that has no finished record in `store` and saves it as soon as it is finished.

    `executor`: `serial`; `processes`, N `workers` (default: one per core; on GPUs as many as have room); `ray`; or `auto`,
    Ray where a cluster is, else processes, or serial for a single run. `device`: as for `training.train`. `retrain` trains
    what is frozen, too, or that of these seeds. Other commands may work on the same store: each run is trained by one. A
    run that fails is recorded as failed, and the others go on. An interrupt keeps what is finished; a run of more than ten
    minutes goes on from its last `Checkpoint` beside the records, but on Ray.

    Raises StudyError before any training if a setting is wrong, and later if a record cannot be saved.
    """
    if executor not in NAMES:
        raise unknown("executor", executor, NAMES)
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise StudyError(f"workers must be a whole number, 1 or more; given {workers!r}.")
    from lclstudy.training import loop, prepare

    started = time.monotonic()
    missing = store.missing(specs, retrain)
    total = len({spec.identity() for spec in specs})
    if executor == "auto" or not missing:
        executor = choose(missing, device, workers)
    if executor != "ray":  # whose nodes have devices of their own
        loop.choose_device(device)
    # What a check reads, once each: a profile has many runs of few corpora.
    read = ("corpus", "classes", "objective", "encoder", "train_limit", "batch_size", "protocol", "augment", "max_length")
    for spec in {tuple(getattr(spec, name) for name in read): spec for spec in missing}.values():
        prepare.check(spec)
    queue = Queue(store, missing, retrain)
    board = Board(total, total - len(missing))
    done, failures = 0, []

    def take(wait: bool) -> RunSpec | None:
        board.count(total - queue.left())  # what other commands have finished, too
        return queue.take(wait)

    outcomes = EXECUTORS[executor](take, board.tell, missing, device, workers, store.path)
    try:
        with logging_redirect_tqdm(tqdm_class=tqdm):
            for trained in chain(outcomes, queue.lost):
                record = queue.finish(trained)
                if record.status == "done":
                    done += 1
                    said = f"validation accuracy {record.epochs[record.best_epoch - 1]['validation_accuracy']:.3f}"
                else:
                    failures.append(record)
                    said = "failed"
                    log.warning("%s failed: %s", record.spec.label(), record.failure)
                board.finish(record.spec, said, total - queue.left())
            board.count(total - queue.left())
    finally:
        outcomes.close()  # ends the workers
        queue.close()
        board.close()
    skipped = total - done - len(failures)
    return Summary(done, skipped, len(failures), time.monotonic() - started, tuple(failures))


def obtain(spec: RunSpec, store: RunStore, **how) -> Record:
    """The finished record of one run, trained first unless `store` has it; `how`: as `run_missing`.

    Raises StudyError if a setting is wrong, or if the run fails, with its reason.
    """
    for record in run_missing([spec], store, **how).failures:
        raise StudyError(f"{spec.label()} failed: {record.failure}")
    return store.load(spec)


def run_profile(profile: Profile, store: RunStore, retrain: bool = False, **how) -> Summary:
    """Trains what a profile lacks: its grid, then of its case study cross-entropy on all classes, which the search reads, then
    the class sets.

    `retrain` trains what is frozen, too; of its grid a profile may ask for that itself. `how`: `executor`, `workers` and
    `device`, as for `run_missing`. Raises StudyError as that does.
    """
    first = profile.specs()
    summary = run_missing(first, store, retrain=retrain or profile.retrain, **how)
    if profile.case_study is None:
        return summary
    read = class_sets.searched(profile)
    second = [spec for spec in read if spec.seed in profile.case_study.seed and spec not in first]
    summary += run_missing(second, store, retrain=retrain, **how)
    there = class_sets.finished(profile, store)
    if not there:
        log.warning("No sets of classes are searched: none of the %d cross-entropy runs has finished.", len(read))
    elif len(there) < len(read):
        log.warning("The search reads %d of %d runs; with all of them it may find other sets.", len(there), len(read))
    third = [spec for spec in class_sets.all_specs(profile, store) if spec not in (*first, *second)]
    return summary + run_missing(third, store, retrain=retrain, **how)
