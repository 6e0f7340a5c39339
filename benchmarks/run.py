"""Our training step beside that of the released code and of transformers.Trainer, in one process and in two at once.

python benchmarks/run.py [--encoder minilm,tiny] [--quick] [--out build/benchmarks.md]

Each version has processes of its own, which take turns of some steps, because other work on the machine comes and goes. CPU
alone. `minilm` trains on EmoInt where its files are at hand (`LCLSTUDY_DATA`), else, as `tiny` always, on the embedded corpus.
"""

import argparse
import itertools
import os
import platform
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}  # downloads nothing, begins no threads

import numpy as np
import plain
import torch
from torch.nn import functional as F
from torch.utils.benchmark import Timer
from versions import Library, Ours, Plain, apart, per_step, serve, turn, working

from lclstudy import __version__, paths
from lclstudy.corpora import download, synonyms
from lclstudy.corpora.load import load_corpus
from lclstudy.errors import StudyError
from lclstudy.models import losses
from lclstudy.plan import catalog
from lclstudy.plan.spec import RunSpec, make_spec
from lclstudy.statistics import subsets
from lclstudy.training import optimizer, prepare

PLAIN, LIBRARY = "plain, batch padding", "transformers.Trainer"
VERSIONS = {"ours, bf16": (Ours, "bf16"), "ours, fp32": (Ours, "fp32"), PLAIN: (Plain, "fp32"), LIBRARY: (Library, "bf16")}
MODES = {"serial": 1, "processes": 2}  # processes at once, with a thread each
OBJECTIVES = ("lcl", "scl", "ce")
STEPS, ROUNDS, CLASSES = 5, 7, 32  # steps of a turn; turns of each version; classes of the search for hard subsets


def measure(spec: RunSpec, steps: int, rounds: int) -> list[list[str]]:
    """Rows of the table: objective, work, version, seconds, speed over each of the others, peak MiB."""
    names = [name for name in VERSIONS if name != LIBRARY or spec.objective == "ce"]
    with ExitStack() as stack:
        crews = {}
        for name in names:
            made, precision = VERSIONS[name]
            job = serve, made, replace(spec, precision=precision)
            crews[name] = [stack.enter_context(working(*job)) for _ in range(max(MODES.values()))]
        found = {work: {name: [] for name in names} for work in MODES}
        if spec.objective == "lcl":
            found["evaluation"] = {name: [turn(crews[name][:1], "evaluate")[0] for _ in range(rounds)] for name in names}
        for crew in crews.values():
            for each in crew:
                each.send("train")
            turn(crew, 1)  # the first step makes what later ones keep
        for number in range(rounds):
            _say(f"{spec.label()}: turn {number + 1} of {rounds}")
            for (work, count), name in itertools.product(MODES.items(), names):
                found[work][name].append(per_step(crews[name][:count], steps))
        peaks = {name: f"{max(turn(crew, None)) / 2**20:.0f}" for name, crew in crews.items()}
    return [
        [spec.objective, work, name, _time(median(wall for wall, _ in turns))]
        + [over(by_version.get(base), turns) for base in (PLAIN, LIBRARY)]
        + [peaks[name]]
        for work, by_version in found.items()
        for name, turns in by_version.items()
    ]


def over(base: list[tuple] | None, turns: list[tuple]) -> str:
    """The median over the turns of the time that `base` took over theirs, in wall and in CPU time."""
    if base is None:
        return ""
    wall, cpu = (median(b[k] / t[k] for b, t in zip(base, turns, strict=True)) for k in (0, 1))
    return f"{wall:.2f} (CPU {cpu:.2f})"


def encoder_report(encoder: str, objectives: tuple[str, ...], steps: int, rounds: int) -> str:
    """Markdown: facts, the checks, and the table of the versions. Raises StudyError on what needs a network."""
    rows, checks = [], []
    at_hand = all(download.location(file).is_file() for file in catalog.corpora()["emoint"].files)
    corpus = "emoint" if at_hand and catalog.encoder(encoder).kind != "tiny" else "embedded"
    for objective in objectives:
        spec = make_spec(corpus, objective, encoder=encoder, epochs=1)
        _say(f"{spec.label()}: preparing")
        data = prepare.prepare(spec)  # which keeps it for the processes
        ours, theirs, gradients = apart((Ours, spec), (Plain, spec))
        checks.append(f"{objective} loss {ours:.6f} (ours), {theirs:.6f} (plain), gradients apart by {gradients:.0e}")
        rows += measure(spec, steps, rounds)
    lengths = [len(row) for row in data.texts["train"].ids]
    header = ["objective", "work", "version", "wall", f"speed over `{PLAIN}`", f"speed over `{LIBRARY}`", "peak MiB"]
    return "\n\n".join(
        [
            f"## {encoder} on {corpus}",
            f"{len(lengths)} training texts of {mean(lengths):.1f} tokens on average, at most {max(lengths)}, in batches of "
            f"{spec.batch_size}. `serial`: a step of one process with one thread; `processes`: a step of the machine with "
            f"two such processes at once, half of a process's; `evaluation`: of {len(data.labels['validation'])} texts. "
            f"Medians of {rounds} turns of {steps} steps.",
            f"Check, one batch, the same weights, fp32, no dropout: {'; '.join(checks)} (of their length).",
            table(header, rows),
        ]
    )


def brute_force(confusion: np.ndarray, size: int, count: int) -> list[tuple[tuple[int, ...], float]]:
    """The picks of `subsets.most_confusable`, one subset after the other: its sub-matrix is cut out and added up."""
    picks, left = [], range(len(confusion))
    for _ in range(count):
        scored = ((members, confusion[np.ix_(members, members)]) for members in itertools.combinations(left, size))
        best, score = max(((members, inner.sum() - np.trace(inner)) for members, inner in scored), key=lambda pick: pick[1])
        picks.append((best, float(score)))
        left = [number for number in left if number not in best]
    return picks


def contrast(loss: Callable) -> list[torch.Tensor]:
    """LCL alone, forward and backward, of 20 rows, 32 classes, 384 features; gives the gradients of features and logits."""
    draw = torch.Generator().manual_seed(0)
    features, logits = (torch.randn(20, size, generator=draw, requires_grad=True) for size in (384, 32))
    labels = torch.randint(32, (10,), generator=draw).repeat(2)
    loss(F.normalize(features, dim=1), labels, logits.softmax(dim=1), 0.3).backward()
    return [features.grad, logits.grad]


def alone_report(classes: int) -> str:
    """Markdown: the table of what is no training. Raises StudyError if the two ways differ."""
    _say("what is no training")
    texts, confusion = list(load_corpus("embedded")["train"]["text"]), np.random.default_rng(0).poisson(9, (classes, classes))
    pairs = {
        "LCL alone, beside a double loop": (
            lambda: contrast(losses.label_aware_contrastive), lambda: contrast(plain.label_aware_contrastive)),
        f"second views of {len(texts)} texts, beside each looked up anew": (
            lambda: synonyms.second_views(texts, "wordnet", 0.3, 0),
            lambda: [synonyms._choices.cache_clear() or synonyms.synonyms(text, 0.3, 0) for text in texts]),
        f"hard subsets of 4 among {classes} classes, beside itertools": (
            lambda: subsets.most_confusable(confusion, 4, 3), lambda: brute_force(confusion, 4, 3)),
    }  # fmt: skip
    rows = []
    for work, ways in pairs.items():
        ours, theirs = (way() for way in ways)
        if not all(torch.allclose(a, b) if torch.is_tensor(a) else a == b for a, b in zip(ours, theirs, strict=True)):
            raise StudyError(f"The two ways differ: {work}.")
        ours, theirs = (Timer("way()", globals={"way": way}).blocked_autorange(min_run_time=0.2).median for way in ways)
        rows.append([work, _time(ours), _time(theirs), f"{theirs / ours:.1f}"])
    return "\n\n".join(["## What is no training", table(["work", "ours", "plain", "speed"], rows)])


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


def _machine(load: float) -> str:
    """What it is, and its load before the run and now, which says how far to trust the times."""
    busy = " Other work was running: read the ratios, not the times." if load > os.cpu_count() / 2 else ""
    own = f"lclstudy {__version__}"  # an installation for development says the version at which it was installed
    how = "bf16 multiplied in fp32" if optimizer.slow_in_bf16() else "bf16"  # what tells CPUs apart most
    made = ", ".join([own, *(f"{name} {version(name)}" for name in ("torch", "transformers"))])
    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}, {how}), {platform.system()}, Python {platform.python_version()}, "
        f"{made}. "
        f"Load average {load:.1f} before the run, {os.getloadavg()[0]:.1f} after it.{busy}"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Prints the report and writes it to a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", default="minilm,tiny", help="catalogue names with commas between (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one turn of one step, and no SCL, to try it out")
    parser.add_argument("--out", type=Path, default=paths.ROOT / "build" / "benchmarks.md", help="file of the report")
    parser.add_argument("--publish", action="store_true", help="for developers: to the tracked benchmarks/report.md")
    arguments = parser.parse_args()
    how = (("lcl", "ce"), 1, 1) if arguments.quick else (OBJECTIVES, STEPS, ROUNDS)
    names, load, parts = arguments.encoder.split(","), os.getloadavg()[0], []
    for name in names:
        catalog.encoder(name)
    for name in names:
        try:
            parts.append(encoder_report(name, *how))
        except StudyError as error:
            parts.append(f"## {name}\n\nSkipped: {error}")
    parts.append(alone_report(12 if arguments.quick else CLASSES))
    report = "\n\n".join(["# Benchmarks", _machine(load), *parts])
    print(report)
    out = Path(__file__).with_name("report.md") if arguments.publish else arguments.out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(report + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except StudyError as error:
        sys.exit(str(error))
