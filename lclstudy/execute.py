"""Trains the runs of a grid that the store lacks: one after another, in worker processes, or on Ray.

On a command line: `python -m lclstudy.execute PROFILE --help`.
"""

import argparse
import contextlib
import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from . import casestudy, config, paths
from .config import Profile, RunSpec
from .errors import StudyError, unknown
from .records import Record
from .store import RunStore

log = logging.getLogger("lclstudy")


class Summary(NamedTuple):
    """What `run_missing` did: runs trained, runs that were there already, runs that failed, and seconds in all."""

    done: int
    skipped: int
    failed: int
    seconds: float

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __str__(self) -> str:
        return f"{self.done} trained, {self.skipped} there already, {self.failed} failed, in {self.seconds:.0f} s"


def run_missing(
    specs: list[RunSpec],
    store: RunStore | None = None,
    executor: str = "serial",
    workers: int | None = None,
    device: str | None = None,
    progress: bool = True,
    retrain: bool = False,
) -> Summary:
    """Trains each spec that has no finished record in `store` (default: the study's) and saves it as soon as it is finished.

    `executor`: `serial`; `processes`, N `workers` (default: one per core) that share the cores; or `ray`. `device`: as for
    `train.run`; `retrain`: also what is frozen. A run that fails is recorded as failed, and the others go on. An interrupt
    keeps what is finished.

    Raises StudyError before any training if a setting is wrong, and later if a record cannot be saved.
    """
    if executor not in EXECUTORS:
        raise unknown("executor", executor, EXECUTORS)
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise StudyError(f"workers must be a whole number, 1 or more; given {workers!r}.")
    if executor == "ray":
        _import_ray()
    from . import train

    store = store or RunStore()
    started = time.monotonic()
    missing = store.missing(specs)
    skipped = len({spec.identity() for spec in specs}) - len(missing)
    train.choose_device(device)
    # What a check reads, once each: a profile has many runs of few corpora.
    read = ("corpus", "classes", "encoder", "train_limit", "batch_size", "protocol")
    for spec in {tuple(getattr(spec, name) for name in read): spec for spec in missing}.values():
        train.check(spec)
    workers = min(workers or _cores(), max(1, len(missing)))
    done = failed = 0
    bar = tqdm(total=skipped + len(missing), initial=skipped, unit="run", disable=not progress)
    with bar, logging_redirect_tqdm(tqdm_class=tqdm):
        outcomes = EXECUTORS[executor](missing, bar.set_description, workers, device, progress)
        try:
            for record in outcomes:
                store.save(record)
                done, failed = (done + 1, failed) if record.status == "done" else (done, failed + 1)
                bar.set_postfix_str(_telling(record), refresh=False)
                bar.update()
        except KeyboardInterrupt:
            left = len(missing) - done - failed
            log.warning("Interrupted: finished runs are kept; the same command goes on with the other %d.", left)
            raise
        finally:
            outcomes.close()  # ends the workers
    return Summary(done, skipped, failed, time.monotonic() - started)


def obtain(spec: RunSpec, store: RunStore | None = None, **how) -> Record:
    """The finished record of one run, trained first unless `store` (default: the study's) has it; `how`: as `run_missing`.

    Raises StudyError if a setting is wrong, or if the run fails, with its reason.
    """
    store = store or RunStore()
    run_missing([spec], store, **how)
    record = store.load(spec)
    if record.status != "done":
        raise StudyError(f"{spec.label()} failed: {record.failure}")
    return record


def run_case_study(profile: Profile, store: RunStore | None = None, **how) -> Summary:
    """Trains what the case study of a profile lacks: cross-entropy on all classes, which the search reads, then the subsets.

    `how`: `executor`, `workers`, `device`, `progress` and `retrain`, as for `run_missing`. Raises StudyError as that does,
    and if the profile has no case study.
    """
    if profile.case_study is None:
        raise StudyError(f"Profile {profile.name}, as restricted, has no [case_study]; take one that has, or restrict less.")
    store = store or RunStore()
    needed = [spec for spec in casestudy.searched(profile) if spec.seed in profile.case_study.seed]
    first = run_missing(needed, store, **how)
    wanted = [spec for spec in casestudy.specs(profile, casestudy.all_sets(profile, store)) if spec not in needed]
    return first + run_missing(wanted, store, **how)


def freeze(profile: Profile, store: RunStore | None = None, also: Iterable[RunSpec] = (), folder: Path | None = None) -> Path:
    """Freezes every run of a profile, its case study included, and `also` others, to `folder`, which it returns.

    By default that is a person's own, `build/NAME/results`.

    A run without record is frozen as `not run`, so that no table can hide it.
    """
    store = store or RunStore()
    folder = folder or paths.build(profile.name) / "results"
    return store.freeze(folder, list(dict.fromkeys([*casestudy.all_specs(profile, store), *also])))


def _telling(record: Record) -> str:
    if record.status != "done":
        return "failed"
    return f"validation accuracy {record.epochs[record.best_epoch - 1]['validation_accuracy']:.3f}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _attempt(spec: RunSpec, executor: str, device: str | None, progress: bool = False) -> Record | StudyError:
    """The record of one run, a failed one if it failed; the StudyError itself if the user can mend it."""
    from . import train

    try:
        return train.run(spec, device=device, progress=progress, executor=executor)
    except StudyError as error:
        return error
    except Exception as error:  # whatever a run dies of must not end the others
        log.debug("%s failed", spec.label(), exc_info=True)
        return _failure(spec, executor, device, f"{type(error).__name__}: {error}")


def _failure(spec: RunSpec, executor: str, device: str | None, reason: str) -> Record:
    reason = next(iter(reason.strip().splitlines()), "")
    log.warning("%s failed: %s", spec.label(), reason)
    return Record(spec, (), status="failed", failure=reason, device=device or "", executor=executor)


def _kept(outcome: Record | StudyError) -> Record:
    if isinstance(outcome, StudyError):
        raise outcome
    return outcome


# An executor yields the record of each spec as it finishes, and calls `tell` with the label of a run that begins.
# Closing it ends what it started.
Executor = Callable[[list[RunSpec], Callable[[str], None], int, str | None, bool], Iterator[Record]]


def _serial(specs, tell, workers, device, progress) -> Iterator[Record]:
    for spec in specs:
        tell(spec.label())
        yield _kept(_attempt(spec, "serial", device, progress))


def _processes(specs, tell, workers, device, progress) -> Iterator[Record]:
    """Each worker has its share of the cores: on small batches two threads for one run are slower than two runs."""
    context = multiprocessing.get_context("spawn")  # a fork would copy torch's threads and locks
    waiting = list(reversed(specs))
    hired, busy = [], {}  # busy: our end of the pipe -> (worker, spec)

    def begin(pipe, worker):
        spec = waiting.pop()
        tell(spec.label())
        busy[pipe] = worker, spec
        with contextlib.suppress(OSError):  # the worker is dead: reading its answer tells
            pipe.send(spec)

    def hire():
        ours, theirs = context.Pipe()
        worker = context.Process(target=_work, args=(theirs, device, max(1, _cores() // workers)), daemon=True)
        worker.start()
        hired.append(worker)
        theirs.close()  # so that the end of the worker closes the pipe
        begin(ours, worker)

    try:
        for _ in range(min(workers, len(waiting))):
            hire()
        while busy:
            pipe = wait(list(busy))[0]
            worker, spec = busy.pop(pipe)
            try:
                outcome = pipe.recv()
            except (EOFError, OSError):
                worker.join()
                reason = f"its worker process ended with status {worker.exitcode} (killed for memory? try fewer workers)"
                yield _failure(spec, "processes", device, reason)
                if waiting:
                    hire()
                continue
            if waiting:
                begin(pipe, worker)
            yield _kept(outcome)
    finally:
        for worker in hired:
            worker.terminate()
            worker.join()


def _work(pipe, device: str | None, threads: int) -> None:
    """A worker process: trains what comes through the pipe until the pipe ends."""
    import signal

    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to handle
    torch.set_num_threads(threads)
    try:
        while True:
            pipe.send(_attempt(pipe.recv(), "processes", device))
    except (EOFError, BrokenPipeError):
        return


def _import_ray():
    try:
        import ray
    except ImportError:
        raise StudyError("executor 'ray' needs Ray, which is not installed: pip install ray, or use 'serial'.") from None
    return ray


def _ray(specs, tell, workers, device, progress) -> Iterator[Record]:
    """On the Ray cluster that is running, else on a local one of `workers` tasks at a time."""
    ray = _import_ray()
    started = not ray.is_initialized()
    if started:
        try:
            ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
        except Exception as error:  # Ray raises plain ones
            reason = str(error).partition("\n")[0]
            raise StudyError(f"Ray did not start: {reason} Start a cluster with 'ray start', or use 'processes'.") from error
    try:
        gpus = 0 if device == "cpu" else min(1, ray.cluster_resources().get("GPU", 0) / workers)
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(_attempt)
        running = {task.remote(spec, "ray", device): spec for spec in specs}
        while running:
            (ready,), _ = ray.wait(list(running), num_returns=1)
            spec = running.pop(ready)
            tell(spec.label())
            try:
                outcome = ray.get(ready)
            except ray.exceptions.RayError as error:
                outcome = _failure(spec, "ray", device, f"{type(error).__name__}: {error}")
            yield _kept(outcome)
    finally:
        if started:
            ray.shutdown()


EXECUTORS: dict[str, Executor] = {"serial": _serial, "processes": _processes, "ray": _ray}


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns the exit status: 0, 1 if runs failed, 2 for a wrong setting, 130 for an interrupt."""
    given = _parser().parse_args(arguments)
    try:
        profile = config.load_profile(given.profile)
        part = profile.restrict(given.corpora, given.objectives, given.seeds, given.encoders)
        chosen, store = part.specs(), RunStore()
        if given.dry_run:
            _list(casestudy.all_specs(part, store) if given.subsets else chosen, store)
            return 0
        how = {"executor": given.executor, "workers": given.workers, "device": given.device}
        summary = run_missing(chosen, store, **how)
        if given.subsets:
            summary += run_case_study(part, store, **how)
        print(summary)
        if given.freeze:
            print(f"Frozen in {paths.relative(freeze(profile, store, chosen, paths.results(profile.name)))}")
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 1 if summary.failed else 0


def _list(specs: list[RunSpec], store: RunStore) -> None:
    missing = store.missing(specs)
    for spec in missing:
        print(spec.identity(), spec.label())
    print(f"{len(missing)} of {len({spec.identity() for spec in specs})} runs would be trained")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lclstudy.execute", description="Train the missing runs of a profile.")
    parser.add_argument("profile", help=f"{', '.join(config.profile_names())}, or a path ending in .toml")
    for name in ("corpora", "objectives", "encoders"):
        parser.add_argument(f"--{name}", type=_names, metavar="A,B", help=f"only these {name}")
    parser.add_argument("--seeds", type=_numbers, metavar="0,1", help="these seeds instead of the profile's")
    parser.add_argument("--executor", default="serial", metavar="NAME", help=f"{', '.join(EXECUTORS)} (default: serial)")
    parser.add_argument("--workers", type=int, metavar="N", help="runs at a time (default: one per core)")
    parser.add_argument("--device", help="cuda, mps or cpu (default: the first of these that there is)")
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
