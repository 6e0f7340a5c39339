"""Our LCL step, epoch and evaluation beside a plain version of the same mathematics, the loss alone, the second views, and the
search for hard subsets.

python benchmarks/run.py [--encoder minilm,tiny] [--steps 20] [--rounds 3] [--out build/benchmarks.md]

The versions take turns, each in a process of its own, and the median of the turns counts, because other work on the machine
comes and goes. CPU, one run. `minilm` trains on EmoInt where its raw files are at hand (`LCLSTUDY_DATA`), else, as `tiny`
always, on the embedded corpus.
"""

import argparse
import multiprocessing
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from lclstudy import catalog, config, paths, rawfiles
from lclstudy.errors import StudyError

# The precision of each version, and of the plain ones whether rows are padded to the longest of the corpus, or of the batch.
VERSIONS = {
    "ours, fp32": ("fp32", None),
    "ours, bf16": ("bf16", None),
    "plain": ("fp32", True),
    "plain, batch padding": ("fp32", False),
}
BASES = ("plain", "plain, batch padding")
LOSS_TIMES, LOSS_LIMIT = 20, 1e-3  # calls that are timed together; seconds that forward and backward may take
BUSY = 0.5  # load average for each CPU from which wall times say little


class Timing(NamedTuple):
    """Medians of wall and CPU seconds, and the peak memory in bytes of the version's process so far."""

    wall: float
    cpu: float
    peak: int


class Worker:
    """The other end of a process that does one job of `worker.py`. `libraries`: its memory in bytes before the job."""

    def __init__(self, context, job: str, *arguments):
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_start, args=(other, job, *arguments), daemon=True)
        self.process.start()
        other.close()  # so that the end of the process ends the connection
        self.libraries = self.receive()

    def receive(self):
        """What it sends next. Raises the StudyError that ended its job."""
        try:
            answer = self.connection.recv()
        except EOFError:
            raise StudyError("A process of the benchmark ended before its work was done; its last lines say why.") from None
        if isinstance(answer, StudyError):
            raise answer
        return answer

    def time(self, work: str, times: int) -> tuple[float, float, int]:
        self.connection.send((work, times))
        return self.receive()

    def end(self) -> None:
        """Lets it go when it is idle; one that is at work when an error or an interrupt ends the benchmark is stopped."""
        with suppress(OSError):
            self.connection.send(None)
        self.process.join(timeout=2)
        self.process.terminate()
        self.process.join()


def _start(connection, job: str, *arguments) -> None:
    import worker  # here, because it loads torch, which this process can do without

    worker.run(connection, job, *arguments)


@contextmanager
def workers(context, jobs: dict[str, tuple]) -> Iterator[dict[str, Worker]]:
    """One worker per name, from its job and arguments; all end with the block."""
    begun: dict[str, Worker] = {}
    try:
        for name, job in jobs.items():
            begun[name] = Worker(context, *job)
        yield begun
    finally:
        for each in begun.values():
            each.end()


def take_turns(crew: dict[str, Worker], work: str, rounds: int, warm_up: int = 0, times: int = 1) -> dict[str, Timing]:
    """Each version does `work` in turn, `warm_up` + `rounds` times; the first `warm_up` do not count."""
    found = {name: [] for name in crew}
    for number in range(warm_up + rounds):
        _say(f"{work} {number + 1} of {warm_up + rounds}")
        for name, each in crew.items():
            found[name].append(each.time(work, times))
    return {
        name: Timing(*(median(column) for column in list(zip(*turns[warm_up:], strict=True))[:2]), turns[-1][2])
        for name, turns in found.items()
    }


class Found(NamedTuple):
    """What one encoder showed. `works`: for each piece of work a timing per version; `libraries`: bytes."""

    facts: dict
    check: dict[str, float]
    views: dict[str, float]
    works: dict[str, dict[str, Timing]]
    libraries: int


def measure(context, spec: config.RunSpec, steps: int, rounds: int) -> Found:
    """Raises StudyError if the encoder or the corpus cannot be had without a network."""
    _say(f"{spec.encoder} on {spec.corpus}: preparing")
    with workers(context, {"prepare": ("prepare", spec)}) as crew:
        preparing = crew["prepare"]
        facts, material = preparing.receive(), preparing.connection.recv_bytes()
        check, views = preparing.receive(), preparing.receive()
    jobs = {
        version: ("train", replace(spec, precision=precision), material, steps, whole_corpus)
        for version, (precision, whole_corpus) in VERSIONS.items()
    }
    with workers(context, jobs) as crew:
        # In the order of need, because a peak is the largest so far.
        evaluation = take_turns(crew, "evaluation", rounds)
        step = take_turns(crew, "step", steps, warm_up=1)
        epoch = take_turns(crew, "epoch", rounds)
        libraries = max(each.libraries for each in crew.values())
    works = {
        f"step, {spec.batch_size} texts and their views": step,
        f"epoch, {min(steps, facts['train'] // spec.batch_size)} steps and the evaluation": epoch,
        f"evaluation, {facts['validation']} texts": evaluation,
    }
    return Found(facts, check, views, works, libraries)


def encoder_report(spec: config.RunSpec, found: Found) -> str:
    """Markdown: the facts, the check, the table of the versions, and that of the second views."""
    facts, check, slowest = found.facts, found.check, found.views["looked up anew"]
    return "\n\n".join(
        (
            f"## {spec.encoder} on {spec.corpus}",
            f"{facts['classes']} classes; {facts['train']} training texts of {facts['mean']:.1f} tokens on average; the "
            f"longest text of the corpus has {facts['longest']}. torch {facts['torch']}, threads: {facts['threads']}.",
            f"Check: one batch, the same weights, no dropout: loss {check['ours']:.6f} (ours), {check['plain']:.6f} (plain); "
            f"gradients differ by at most {check['gradient']:.0e} of the largest.",
            _table(
                ["work", "version", "wall", "CPU", *(f"speed over `{base}`" for base in BASES), "peak MiB"],
                [_row(work, version, timings) for work, timings in found.works.items() for version in timings],
            ),
            f"Of each peak, {found.libraries / 2**20:.0f} MiB are Python and the libraries.",
            _table(
                ["second views", "texts per CPU second", "speed"],
                [[way, f"{speed:.0f}", f"{speed / slowest:.1f}"] for way, speed in found.views.items()],
            ),
        )
    )


def loss_report(context, rounds: int) -> str:
    """Markdown: the table of the loss alone, and whether it keeps its limit."""
    _say("the loss alone")
    with workers(context, {name: ("loss", name) for name in ("ours", "double loop")}) as crew:
        found = take_turns(crew, "loss", rounds, warm_up=1, times=LOSS_TIMES)
    ours, loop = found["ours"], found["double loop"]
    wall, cpu = ("within" if seconds <= LOSS_LIMIT else "above" for seconds in (ours.wall, ours.cpu))
    return "\n\n".join(
        (
            "## LCL alone",
            "Forward and backward, 20 rows, 32 classes, 384 features.",
            _table(
                ["version", "wall", "CPU", "speed over `double loop`"],
                [[name, _time(timing.wall), _time(timing.cpu), _ratio(loop, timing)] for name, timing in found.items()],
            ),
            f"The limit is {_time(LOSS_LIMIT)}: our wall time is {wall} it, our CPU time {cpu} it.",
        )
    )


def subset_report() -> str:
    """Markdown: the table of the search for hard subsets, its bootstrap, and whether it keeps its limit."""
    import subset_speed

    _say("the search for hard subsets")
    found, limit = subset_speed.times(), subset_speed.LIMIT
    picks = f"{subset_speed.PICKS} picks"
    rows = [
        [name, picks, "4 of 32", _time(found[name]), f"{found['itertools'] / found[name]:.1f}"]
        for name in ("ours", "itertools")
    ]
    rows.append(["ours", f"bootstrap, {subset_speed.DRAWS} draws", "4 of 32", _time(found["bootstrap"]), ""])
    return "\n\n".join(
        (
            "## Hard subsets",
            "The most confusable disjoint subsets, all 35,960 scored; CPU time on one core, both searches find the same.",
            _table(["search", "work", "classes", "CPU", "speed over `itertools`"], rows),
            f"The limit of the picks is {_time(limit)}: our CPU time is {'within' if found['ours'] <= limit else 'above'} it.",
        )
    )


def _corpus(encoder: str) -> str:
    """EmoInt for a pre-trained encoder where its raw files are at hand, else the embedded corpus."""
    at_hand = all(rawfiles.location(file).is_file() for file in catalog.corpora()["emoint"].files)
    return "emoint" if at_hand and catalog.encoder(encoder).kind != "tiny" else "embedded"


def _row(work: str, version: str, found: dict[str, Timing]) -> list[str]:
    timing = found[version]
    ratios = [_ratio(found[base], timing) for base in BASES]
    return [work, version, _time(timing.wall), _time(timing.cpu), *ratios, f"{timing.peak / 2**20:.0f}"]


def _ratio(base: Timing, timing: Timing) -> str:
    return f"{base.wall / timing.wall:.2f} (CPU {base.cpu / timing.cpu:.2f})"


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _table(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


def _machine() -> str:
    """What it is, and its load before the run, which says how far to trust the wall times."""
    load = os.getloadavg()[0]
    busy = " Other work was running: compare CPU times, not wall times." if load > BUSY * os.cpu_count() else ""
    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}), {platform.system()}, Python {platform.python_version()}, "
        f"load average {load:.1f} before the run.{busy}"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    def count(text: str) -> int:
        if not text.isdecimal() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"a whole number from 1; given {text!r}")
        return int(text)

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", default="minilm,tiny", help="catalogue names with commas between (default: %(default)s)")
    parser.add_argument("--steps", type=count, default=20, help="steps that are timed, and steps of the epoch (%(default)s)")
    parser.add_argument("--rounds", type=count, default=3, help="epochs and evaluations of each version (%(default)s)")
    parser.add_argument("--out", type=Path, default=paths.ROOT / "build" / "benchmarks.md", help="file of the report")
    return parser.parse_args()


def main() -> None:
    """Prints the report and writes it to a file."""
    arguments = _arguments()
    names = arguments.encoder.split(",")
    for name in names:
        catalog.encoder(name)
    os.environ["HF_HUB_OFFLINE"] = "1"  # a benchmark uses what is at hand and downloads nothing
    # Forked from a server that has loaded the libraries once. A process begun from a large one would inherit its peak memory.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lclstudy.train"])
    parts = [_machine()]
    for name in names:
        spec = config.spec(_corpus(name), "lcl", encoder=name, epochs=1)
        try:
            parts.append(encoder_report(spec, measure(context, spec, arguments.steps, arguments.rounds)))
        except StudyError as error:
            parts.append(f"## {name}\n\nSkipped: {error}")
    parts.append(loss_report(context, arguments.steps))
    parts.append(subset_report())
    report = "\n\n".join(["# Benchmarks", *parts])
    print(report)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(report + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except StudyError as error:
        sys.exit(str(error))
