"""A training step on a GPU: is it that of the CPU, how many steps a second do 1, 2, 4 and 8 runs at a time take, what is slow.

python benchmarks/gpu.py [--encoder minilm,tiny] [--corpus embedded] [--device cuda] [--quick]

Second views are the texts themselves, so that it needs no WordNet; nothing is downloaded. Ends with 1 if a check fails, with 2
where there is no GPU. Processes are forked from this one, so it begins no CUDA itself. `--device cpu` tries all without a GPU.
"""

import argparse
import sys
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.connection import Connection

from run import table  # first, because it sets what must be set before transformers is loaded

# isort: split
import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from versions import Ours, apart, per_step, serve, since, turn, working

from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.spec import RunSpec, make_spec
from lclstudy.training import loop, prepare
from lclstudy.training.optimizer import AdamW

RUNS, STEPS, WARM_UP, TOP = (1, 2, 4, 8), 50, 5, 15
LIMITS = {"fp32": 1e-3, "bf16": 0.1}  # how far gradients may be from those of the CPU in fp32, over their length


def check(spec: RunSpec, place: torch.device) -> list[list[str]]:
    """Rows: objective, precision, losses and how far gradients are apart, `same` or `DIFFERS`."""
    rows = []
    for precision, limit in LIMITS.items():
        fp32, found = replace(spec, precision="fp32"), replace(spec, precision=precision)
        cpu, gpu, gradients = apart((Ours, fp32), (Ours, found, place))
        verdict = "same" if gradients <= limit and abs(gpu - cpu) <= limit * abs(cpu) else "DIFFERS"
        rows.append([spec.objective, precision, f"{cpu:.6f}", f"{gpu:.6f}", f"{gradients:.1e}", f"{limit:g}", verdict])
    return rows


def speed(spec: RunSpec, place: torch.device, runs: int, steps: int) -> tuple[float, float]:
    """Steps a second of so many runs at a time, all together, and the peak memory of one in MiB."""
    with ExitStack() as stack:
        crew = [stack.enter_context(working(serve, Ours, spec, place)) for _ in range(runs)]
        for each in crew:
            each.send("train")
        turn(crew, WARM_UP)
        wall, _ = per_step(crew, steps)
        return 1 / wall, max(turn(crew, None)) / 2**20


def profiled(connection: Connection, spec: RunSpec, place: torch.device) -> None:
    """Sends, for the device and for the CPU, the operations of one step: (name, calls, seconds), longest first."""
    made = Ours(spec, prepare.prepare(spec), place)
    made.objective.train()
    optimizer = AdamW(made.objective, spec.learning_rate, fused=True)
    if place.type == "cpu":
        optimizer.save_traffic(made.objective, spec.precision)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer)
    batch = next(iter(made.batches)).to(place)
    for _ in range(WARM_UP):
        loop.step(made.objective, batch, optimizer, schedule, spec.precision)
    since((0, 0), place)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if place.type == "cuda" else [])]
    with profile(activities=activities) as found:
        loop.step(made.objective, batch, optimizer, schedule, spec.precision)
        since((0, 0), place)
    events = [event for event in found.key_averages() if not event.is_user_annotation]
    gpu = [(e.key, e.count, e.self_device_time_total / 1e6) for e in events if e.device_type == DeviceType.CUDA]
    cpu = [(e.key, e.count, e.self_cpu_time_total / 1e6) for e in events if e.device_type == DeviceType.CPU]
    connection.send([sorted(kind, key=lambda row: -row[2]) for kind in (gpu or cpu, cpu)])


def report(encoder: str, corpus: str, place: torch.device, quick: bool) -> tuple[str, bool]:
    """Markdown, and whether the checks hold."""
    checks, speeds, slow = [], [], []
    for objective in ("lcl",) if quick else ("lcl", "scl", "ce"):
        spec = make_spec(corpus, objective, encoder=encoder, augment="dropout", precision="bf16", epochs=1)
        try:
            prepare.prepare(spec)  # which keeps it for the processes
        except StudyError as missing:
            return f"## {encoder}\n\nSkipped: {missing}", True
        checks += check(spec, place)
        by_runs = {runs: speed(spec, place, runs, 2 if quick else STEPS) for runs in (RUNS[:2] if quick else RUNS)}
        speeds += [[objective, str(runs), f"{speed:.1f}", f"{peak:.0f}"] for runs, (speed, peak) in by_runs.items()]
        alone, _ = by_runs[1]
        with working(profiled, spec, place) as connection:
            by_device, by_cpu = connection.recv()
        busy = sum(seconds for *_, seconds in by_device)
        slow.append(
            f"One step of {objective}, alone: {1e3 / alone:.1f} ms, of which {place.type} works {busy * 1e3:.1f} ms and idles "
            f"{max(0, 1 - busy * alone):.0%}."
        )
        for kind, rows in ((place.type, by_device), ("CPU", by_cpu)):
            top = [[name[:80], str(calls), f"{seconds * 1e3:.2f}"] for name, calls, seconds in rows[:TOP]]
            slow.append(table([f"{objective}: operation, by {kind} time", "calls", "ms"], top))
    parts = [
        f"## {encoder} on {corpus}, {place.type}, torch {torch.__version__}",
        table(["objective", "precision", "loss, CPU", f"loss, {place.type}", "gradients apart", "limit", "verdict"], checks),
        table(["objective", "runs at a time", "steps a second", "peak MiB of a run"], speeds),
        *slow,
    ]
    return "\n\n".join(parts), all(row[-1] == "same" for row in checks)


def main() -> int:
    """Prints the report; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", default="minilm,tiny", help="catalogue names with commas between (default: %(default)s)")
    parser.add_argument("--corpus", default="embedded", help="a catalogue name (default: %(default)s)")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="LCL alone, few steps, to try it out")
    arguments = parser.parse_args()
    names = [catalog.encoder(name).name for name in arguments.encoder.split(",")]
    with working(lambda connection: connection.send(getattr(torch, arguments.device).is_available())) as connection:
        if not connection.recv():
            print("No CUDA here: this needs a GPU and a torch built for it; --device cpu tries it out.", file=sys.stderr)
            return 2
    same = True
    for name in names:
        text, holds = report(name, arguments.corpus, torch.device(arguments.device), arguments.quick)
        same &= holds
        print(text, end="\n\n", flush=True)
    return 0 if same else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StudyError as error:
        sys.exit(str(error))
