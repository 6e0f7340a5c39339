"""How runs are executed: one after another, in worker processes, or on a Ray cluster. The same spec gives the same record.

Each executor yields the record of every run that `take` hands it, as it finishes; `tell` hears how far one is. Closing it ends
what it started. Worker processes are our own: to pebble's we would still add progress, a GPU each and the end with the parent.
"""

import logging
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.spec import RunSpec
from lclstudy.results.records import Record

from .progress import Teller, lock_bars

RETRIES = 2  # of a run whose node is lost, and of the start of Ray

Take = Callable[[bool], RunSpec | None]  # whether to wait for what other commands train
Tell = Callable[[RunSpec, int, int, str], None]


def attempt(
    spec: RunSpec, executor: str, device: str | None, tell: Callable[[int, int, str], None], folder: Path | None, data=None
) -> Record:
    """The record of one run: a failed one, with the reason, whatever it died of. In `folder` its state is kept meanwhile."""
    from lclstudy.training import THREADS, train

    try:
        state = folder and folder / spec.identity()
        return train(spec, device, partial(Teller, tell), executor, data, threads=THREADS, state=state)
    except Exception as error:
        reason = str(error) if isinstance(error, StudyError) else f"{type(error).__name__}: {error}"
        return failure(spec, executor, reason, traceback.format_exc(limit=-8))


def failure(spec: RunSpec, executor: str, reason: str, trace: str = "") -> Record:
    """A failed record: the reason in one line, and the traceback without the place of the repository."""
    reason = next(iter(reason.strip().splitlines()), "")
    trace = trace.replace(f"{paths.ROOT}{os.sep}", "")
    return Record(spec, (), status="failed", failure=reason, traceback=trace, executor=executor)


def cores() -> int:
    """How many of the machine's cores this process may use."""
    import joblib  # sees the quota of a container as well

    return joblib.cpu_count()


def places(specs: list[RunSpec], device: str | None, workers: int | None) -> list[str | None]:
    """What each worker process sees: a GPU's name, as many times as the largest encoder has room on it, or None on a CPU.

    Raises StudyError if the device is not there.
    """
    import torch

    from lclstudy.training import loop

    place = loop.choose_device(device)
    if place.type != "cuda":
        return [None] * (workers or (cores() if place.type == "cpu" else 1))
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = seen.split(",") if seen else [str(number) for number in range(torch.cuda.device_count())]
    if not all(name.startswith("MIG-") for name in names):  # of these CUDA counts one, but each worker may have its own
        names = names[: torch.cuda.device_count()]  # it stops at the first that is not there
    names = names if place.index is None else [names[place.index]]
    each = int(1 / (max((catalog.encoder(spec.encoder).gpu_share for spec in specs), default=1) or 1))  # 0: a bag of words
    return [names[number % len(names)] for number in range(workers or each * len(names))]


def choose(specs: list[RunSpec], device: str | None, workers: int | None) -> str:
    """The executor that suits. Raises as `places` does."""
    if specs and cluster_is_here():
        return "ray"
    return "processes" if min(len(specs), len(places(specs, device, workers))) > 1 else "serial"


def serial(take: Take, tell: Tell, specs, device, workers, folder) -> Generator[Record]:
    while spec := take(True):
        yield attempt(spec, "serial", device, partial(tell, spec), folder)


# Neither Ray's agents nor a worker that is just starting would see the death of the process that started them.
_MARK = "LCLSTUDY_STARTED_BY"
_WATCH = f"""
import contextlib, psutil, sys
def kill(process):
    with contextlib.suppress(psutil.Error):
        if process.environ().get({_MARK!r}) == sys.argv[1] and process.status() != "zombie":
            return process.kill() is None
while not sys.stdin.read() and any([kill(process) for process in psutil.process_iter()]):
    pass
"""


@contextmanager
def _ending_with_us() -> Iterator[None]:
    """What is started within ends with this process, however that dies: another one watches, and kills what has our mark."""
    own = str(os.getpid())
    watch = subprocess.Popen([sys.executable, "-c", _WATCH, own], stdin=subprocess.PIPE, text=True, start_new_session=True)
    os.environ |= {_MARK: own, "SPT_NOENV": "1"}  # the other: Ray's processes rename themselves, but keep the mark
    try:
        yield
    finally:
        os.environ.pop(_MARK, None)
        watch.communicate("all is well")


def processes(take: Take, tell: Tell, specs, device, workers, folder) -> Generator[Record]:
    free = list(reversed(places(specs, device, workers)))
    idle, busy = [], {}  # idle: (pipe, worker, place); busy: pipe -> (worker, place, spec)
    with _ending_with_us(), ExitStack() as hired:
        while True:
            for dead in [each for each in idle if not each[1].is_alive()]:
                idle.remove(dead)
                free.append(dead[2])
            while (idle or free) and (spec := take(not busy)):
                pipe, worker, place = idle.pop() if idle else _hire(device, free.pop(), folder, hired)
                busy[pipe] = worker, place, spec
                settings = {name: value for name, value in os.environ.items() if name.startswith("LCLSTUDY_")}
                with suppress(OSError):  # the worker is dead: reading its answer tells
                    pipe.send((spec, settings))  # type: ignore[union-attr]
            if not busy:
                return
            for pipe in wait(list(busy)):
                worker, place, spec = busy[pipe]
                try:
                    told = pipe.recv()  # type: ignore[union-attr]
                except (EOFError, OSError):
                    worker.join()
                    reason = f"its worker process ended with status {worker.exitcode} (killed for memory? try fewer workers)"
                    told = failure(spec, "processes", reason)
                if not isinstance(told, Record):
                    tell(spec, *told)
                    continue
                del busy[pipe]
                if worker.exitcode is not None or (place is not None and told.failure):  # a fault of CUDA's outlives the run
                    worker.kill()
                    worker.join()
                    free.append(place)
                else:
                    idle.append((pipe, worker, place))
                yield told


def _hire(device: str | None, place: str | None, folder: Path, hired: ExitStack):
    """A new worker process, which `hired` ends: (our end of its pipe, the process, its place)."""
    # A fork of this process would copy torch's threads and locks. One of a server that has only imported it costs no import.
    context = multiprocessing.get_context("spawn" if sys.platform == "darwin" else "forkserver")
    context.set_forkserver_preload(["lclstudy.training.prepare"])
    ours, theirs = context.Pipe()
    worker = context.Process(target=_work, args=(theirs, device, place, folder), daemon=True)  # type: ignore[attr-defined]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited: an interrupt is the parent's to handle
    try:
        worker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    hired.callback(worker.join)
    hired.callback(worker.kill)
    theirs.close()  # so that the end of the worker closes the pipe
    return ours, worker, place


def _work(pipe, device: str | None, place: str | None, folder: Path) -> None:
    """A worker process: trains what comes through the pipe."""
    lock_bars()
    logging.getLogger("lclstudy").setLevel(logging.ERROR)  # the check before all runs has warned
    if place is not None:
        os.environ["CUDA_VISIBLE_DEVICES"], device = place, "cuda"
    with suppress(EOFError, OSError):
        while True:
            spec, settings = pipe.recv()
            os.environ |= settings  # a notebook may set one after the server of workers has started
            pipe.send(attempt(spec, "processes", device, lambda *told: pipe.send(told), folder))


def cluster_is_here() -> bool:
    """Whether RAY_ADDRESS is set, or this machine belongs to a cluster, as `ray start` notes. Starts and imports nothing."""
    if os.environ.get("RAY_ADDRESS"):
        return True
    noted = Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir()), "ray", "ray_current_cluster")
    with suppress(OSError, ValueError):
        host, _, port = noted.read_text().strip().rpartition(":")
        socket.create_connection((host, int(port)), timeout=2).close()
        return True
    return False


def on_ray(take: Take, tell: Tell, specs, device, workers, _folder) -> Generator[Record]:
    """On the cluster that is there, else on a local one. The driver prepares; nodes need the environment alone, and share no
    folder in which a run could go on."""
    import ray
    import ray.util.queue
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    shipped, running = {}, {}  # running: a task's reference -> (spec, its share of a GPU, or 1 core)
    with _ending_with_us(), ExitStack() as ending:
        if not ray.is_initialized():
            _join_or_start(workers)
            ending.callback(ray.shutdown)
        ending.callback(lambda: [ray.cancel(job, force=True) for job in running])
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        board = ray.util.queue.Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        task = ray.remote(max_retries=RETRIES, retry_exceptions=False)(_on_node)
        while True:
            there = ray.cluster_resources()  # each time, because nodes come and go
            gpus = 0 if device == "cpu" else there.get("GPU", 0)
            room = (gpus or there.get("CPU", 1)) - sum(share for _, share in running.values())
            while room > 0.01 and len(running) < (workers or len(running) + 1) and (spec := take(not running)):
                share = catalog.encoder(spec.encoder).gpu_share if gpus else 0
                job = task.options(num_gpus=share).remote(spec, device, *_ship(spec, shipped), board)
                running[job] = spec, share or 1
                room -= share or 1
            if not running:
                return
            ended, _ = ray.wait(list(running), timeout=1)
            for spec, *told in board.get_nowait_batch(board.qsize()):
                tell(spec, *told)
            for job in ended:
                spec, _ = running.pop(job)
                try:
                    yield ray.get(job)
                except ray.exceptions.RayError as error:
                    yield failure(spec, "ray", f"{type(error).__name__}: {error}", str(error))


def _join_or_start(workers: int | None):
    import psutil
    import ray

    children = psutil.Process().children
    before = set(children(recursive=True))
    environment = {"py_modules": [str(paths.PACKAGE)], "excludes": ["__pycache__"]}
    how = {"runtime_env": environment, "log_to_driver": False, "logging_level": "warning"}
    address = "auto" if cluster_is_here() else "local"
    if address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        how |= {"num_cpus": workers or cores(), "include_dashboard": False}
    for left in reversed(range(RETRIES + 1)):
        try:
            return ray.init(address=address, **how)
        except Exception as error:  # Ray raises plain ones
            ray.shutdown()
            for left_over in set(children(recursive=True)) - before:  # would slow the next start, and outlive this one
                with suppress(psutil.Error):
                    left_over.kill()
            if left and "timed out" in str(error):  # after 30 s, which a busy machine needs
                continue
            reason = str(error).partition("\n")[0]
            raise StudyError(f"Ray did not start: {reason} Start a cluster with 'ray start', or use 'processes'.") from error


def _ship(spec: RunSpec, shipped: dict) -> tuple:
    """References of what the run trains on and of its encoder, each put on the cluster once: corpora share a large encoder."""
    import ray

    from lclstudy.training import prepare

    key = prepare.prepared_from(spec)
    if key not in shipped:
        data = prepare.prepare(spec)
        weights = data.encoder.weights if data.encoder else ""
        weights = weights if weights.startswith("sha256:") else (weights, key)  # others depend on the corpus
        if weights not in shipped:
            shipped[weights] = ray.put(data.encoder)
        shipped[key] = ray.put(replace(data, encoder=None)), shipped[weights]
    return shipped[key]


def _on_node(spec: RunSpec, device: str | None, data, encoder, board) -> Record:
    """A task on a node, to which Ray gives what the references of `_ship` stand for."""
    data = replace(data, encoder=encoder)
    record = attempt(spec, "ray", device, lambda *told: board.put_nowait((spec, *told)), None, data)
    if record.failure:
        record.failure = f"on node {socket.gethostname()}: {record.failure}"
    return record


EXECUTORS = {"serial": serial, "processes": processes, "ray": on_ray}
