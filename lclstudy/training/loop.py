"""The one training loop. Read `fit` from top to bottom: batches, steps, evaluation, record. No corpus is read here."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from transformers import get_linear_schedule_with_warmup

from lclstudy import __version__
from lclstudy.errors import StudyError
from lclstudy.models import label_weights
from lclstudy.models.batching import Batch, Tokens, TwoViews, evaluation_batches, training_batches
from lclstudy.models.encoders import Encoder
from lclstudy.models.objectives import FIXED_WEIGHTS, RECIPES, Objective, PrimaryNetwork
from lclstudy.plan.spec import RunSpec
from lclstudy.results.records import Record

from . import bag_of_words
from .checkpoint import Checkpoint
from .optimizer import AdamW, release

SPLITS = ("train", "validation", "test")
# Evaluation fits any memory with these; larger batches were no faster.
TOKENS_PER_BATCH = {"cpu": 4096, "mps": 16384, "cuda": 65536}
# On an accelerator, reading a loss waits for the device, so losses are read this many steps at a time.
STEPS_BETWEEN_READS = 50


class NonFiniteLoss(RuntimeError):
    """The loss stopped being finite; the message says at which step, on which training texts."""


@dataclass(frozen=True)
class Prepared:
    """A corpus ready to train on: token ids per split (the texts, for a bag of words), labels [N] per split.

    `views`: second views of the training texts, none or one; with `views=each_epoch` one for each epoch. `wordnet` is the
    version of the one that gave them. `used` [V]: the tokens that the ids number, ascending; None if they are the tokenizer's.
    """

    classes: tuple[str, ...]
    texts: dict[str, Any]
    labels: dict[str, np.ndarray]
    encoder: Encoder | None = None
    views: tuple[Tokens, ...] = ()
    wordnet: str = ""
    used: torch.Tensor | None = None

    def trained(self) -> Encoder:
        """The encoder that reads these ids."""
        return self.encoder if self.used is None else self.encoder.reading(self.used)

    def truncated(self, split: str) -> int:
        return self.texts[split].truncated if self.encoder else 0


def fit(data: Prepared, spec: RunSpec, device: str | None = None, progress=True, executor="serial", state: Path | None = None):
    """Trains one spec and tests it at its best epoch: (record, primary network of that epoch or None for a bag of words). The
    other arguments, and errors: as for `train`."""
    place = choose_device(device if data.encoder else "cpu")
    versions = _versions() | ({"wordnet": data.wordnet} if data.wordnet else {})
    if data.encoder:
        versions["encoder_weights"] = data.encoder.weights
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else place.type
    told = {**versions, "spec": state and spec.identity(), "device": name, "threads": torch.get_num_threads()}
    checkpoint = Checkpoint(state, told)
    if data.encoder:
        network, epochs, found, facts = _fit_networks(data, spec, place, progress, checkpoint)
    else:
        epochs, found, facts = bag_of_words.fit(data.texts, data.labels, len(data.classes), progress is True, spec.label())
        network = None
    last_stage = [epoch["validation_accuracy"] for epoch in epochs if epoch.get("stage") == epochs[-1].get("stage")]
    train_seconds = sum(epoch["seconds"] for epoch in epochs)
    record = Record(
        spec=spec,
        classes=data.classes,
        epochs=epochs,
        best_epoch=len(epochs) - len(last_stage) + 1 + int(np.argmax(last_stage)),
        **{f"{split}_probabilities": found[split] for split in SPLITS[1:]},
        **{f"{split}_labels": data.labels[split] for split in SPLITS[1:]},
        measures={
            "seconds": checkpoint.spent(),
            "train_seconds": train_seconds,
            "texts_per_second": facts.pop("texts") / train_seconds,
            "peak_memory_bytes": _peak_memory(place),
            **facts,
            "threads": torch.get_num_threads(),
        },
        notes={f"truncated_{split}": data.truncated(split) for split in SPLITS},
        versions=versions,
        device=name,
        executor=executor,
    )
    return record, network


def choose_device(name: str | None = None) -> torch.device:
    """The named device, or the first that is there of cuda, mps, cpu. Raises StudyError if the named one is not there."""
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    counts = {"cuda": cuda, "mps": int(torch.backends.mps.is_available()), "cpu": 1}
    there = [device for device, count in counts.items() if count]
    numbered = [f"{device}:{number}" for device in there for number in range(counts[device])]
    if name is not None and name not in there + numbered:
        raise StudyError(f"Device {name!r} is not here; allowed: {', '.join(there + numbered)}.")
    return torch.device(name or there[0])


def _fit_networks(data: Prepared, spec: RunSpec, place: torch.device, progress: bool | Callable, checkpoint: Checkpoint):
    """(primary network at its best, a dict per epoch, probabilities by split, counts for the record)."""
    if place.type == "cuda":
        torch.cuda.init()  # which a numbered device does not by itself
        torch.cuda.reset_peak_memory_stats(place)
    # Dropout and new layers draw from torch's global generator, so it is set here and given back as it was.
    with _fast_arithmetic(place), torch.random.fork_rng(devices=[place.index or 0] if place.type == "cuda" else []):
        torch.manual_seed(spec.seed)  # label names may be read by an encoder whose weights are drawn
        matrix, before = _matrix(spec, data, place, progress, checkpoint)
        objective, after, validation = _fit(spec, data, matrix, place, progress, checkpoint)
        found = {"validation": validation, "test": evaluate(objective.primary, data.texts["test"], spec.precision, place)}
    epochs = [{**epoch, "epoch": number} for number, epoch in enumerate([*before, *after], start=1)]
    if len(epochs) > spec.epochs:  # of several stages, or of a run that came before: each says its own
        epochs = [{**epoch, "stage": 1 + (epoch["epoch"] - 1) // spec.epochs} for epoch in epochs]
    steps = sum(epoch.pop("steps") for epoch in epochs)
    parameters = sum(parameter.numel() for parameter in objective.parameters())
    return objective.primary, epochs, found, {"steps": steps, "parameters": parameters, "texts": steps * spec.batch_size}


def _matrix(spec: RunSpec, data: Prepared, *how) -> tuple[torch.Tensor | None, list[dict]]:
    """What the objective takes as its matrix [C, C], and the epochs of a run that was trained for it."""
    recipe, weights = RECIPES[spec.objective], spec.rules.weights
    if recipe.name_similarity:
        return label_weights.name_similarity(data.classes, data.encoder), []
    if not recipe.weighting or weights not in FIXED_WEIGHTS:
        return None, []
    if weights == "confusion":
        _, epochs, found = _fit(replace(spec, objective="ce"), data, None, *how)
        return label_weights.from_confusion(data.labels["validation"], found), epochs
    if weights == "names":
        return label_weights.from_names(data.classes, data.encoder), []
    return torch.full((len(data.classes),) * 2, 1 / len(data.classes)), []


def _fit(spec: RunSpec, data: Prepared, matrix: torch.Tensor | None, place: torch.device, progress, checkpoint: Checkpoint):
    """From the seed to the best epoch: (objective as it was there, a dict per epoch, validation probabilities)."""
    torch.manual_seed(spec.seed)
    objective = Objective(spec, data.trained(), len(data.classes), matrix).to(place)
    views = data.views[0] if RECIPES[spec.objective].two_views and data.views else None
    collate = TwoViews(data.texts["train"], views, data.labels["train"])
    generator = torch.Generator().manual_seed(spec.seed)
    batches = training_batches(collate, spec.batch_size, generator, spec.rules.drop_last, pin_memory=place.type == "cuda")
    at = learn(spec, objective, batches, data, place, progress, checkpoint)
    objective.primary.load_state_dict(at.best_state)
    release(objective)
    return objective, at.epochs, at.best.numpy()


@dataclass
class Reached:
    """How far a training is: `epochs` that are finished, a dict each; `best` [N, C], validation probabilities at the best of
    this stage, and `best_state`, the weights of the primary network there. Of the epoch that has begun: `order`, the state of
    the generator that shuffled it, `step`s taken, `sums` over them, `rows` seen, `seconds`."""

    epochs: list[dict] = field(default_factory=list)
    best: Any = None
    best_state: Any = None
    order: Any = None
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    seconds: float = 0.0


def learn(spec: RunSpec, objective: Objective, batches, data: Prepared, place: torch.device, progress, checkpoint: Checkpoint):
    """All stages, from their beginning or from what `checkpoint` has: `Reached`, with the best of the last one."""
    kept = checkpoint.load(spec)
    at = Reached(**kept["reached"]) if kept else Reached()
    if kept:
        objective.load_state_dict(kept["objective"])
    steps = {"total": len(batches) * spec.epochs * len(objective.stages), "initial": len(batches) * len(at.epochs) + at.step}
    make = progress if callable(progress) else tqdm
    with make(**steps, desc=spec.label(), unit="step", leave=False, disable=not progress) as bar:
        for stage in range(len(at.epochs) // spec.epochs, len(objective.stages)):
            objective.begin(stage)
            rate = objective.stage.learning_rate or spec.learning_rate
            optimizer = AdamW(objective, rate, fused=place.type in ("cuda", "cpu"))
            if place.type == "cpu":
                optimizer.save_traffic(objective, spec.precision)
            schedule = get_linear_schedule_with_warmup(optimizer, 0, len(batches) * spec.epochs)
            parts = {"objective": objective, "optimizer": optimizer, "schedule": schedule}
            if kept:
                _go_on(kept, parts, batches, place)
                kept = None
            while len(at.epochs) < spec.epochs * (stage + 1):
                if batches.collate_fn.views is not None and len(data.views) > 1:
                    batches.collate_fn.views = data.views[len(at.epochs)]
                means = _train_epoch(spec, batches, place, bar, at, parts, checkpoint)
                found = evaluate(objective.primary, data.texts["validation"], spec.precision, place)
                accuracy = float((found.argmax(axis=1) == data.labels["validation"]).mean())
                if accuracy > max((epoch["validation_accuracy"] for epoch in at.epochs[spec.epochs * stage :]), default=-1):
                    at.best = torch.from_numpy(found)  # each stage chooses anew, so the last one's choice stays
                    at.best_state = {name: value.clone() for name, value in objective.primary.state_dict().items()}
                told = {"validation_accuracy": accuracy, "seconds": at.seconds, "steps": len(batches)}
                at.epochs.append({"epoch": len(at.epochs) + 1, **means, **told})
                at.step, at.sums, at.rows, at.seconds = 0, {}, 0, 0.0
                bar.set_postfix(epoch=len(at.epochs), loss=f"{means['loss']:.3f}", validation=f"{accuracy:.1%}")
    return at


def _state(at: Reached, parts: dict, place: torch.device) -> dict:
    drawn = [torch.get_rng_state()]
    if place.type != "cpu":
        drawn.append(torch.get_device_module(place).get_rng_state(place))
    return {"reached": vars(at), "generators": drawn, **{name: part.state_dict() for name, part in parts.items()}}


def _go_on(kept: dict, parts: dict, batches, place: torch.device) -> None:
    """From what `_state` gave, save the weights, of which the optimiser has made its copies already."""
    for name in ("optimizer", "schedule"):
        parts[name].load_state_dict(kept[name])
    batches.generator.set_state(kept["reached"]["order"])
    torch.set_rng_state(kept["generators"][0])
    if place.type != "cpu":
        torch.get_device_module(place).set_rng_state(kept["generators"][1], place)


def step(objective: Objective, batch: Batch, optimizer: AdamW, schedule, precision: str):
    """One optimiser step on one batch; returns the objective's outcome."""
    with autocast(precision, batch.labels.device):
        outcome = objective(batch)
    outcome.loss.backward()
    for parameters in objective.learning:  # each by itself, so that neither network's gradient scales the other's
        optimizer.clip(parameters)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    return outcome


def _train_epoch(spec, batches, place, bar, at: Reached, parts: dict, checkpoint: Checkpoint) -> dict:
    """Means over the epoch's steps of the loss and its parts, and the accuracy on the batches as they were trained."""
    objective, optimizer, schedule = parts.values()
    objective.train()
    between = 1 if place.type == "cpu" else STEPS_BETWEEN_READS
    unread, epoch, begun = [], len(at.epochs) + 1, time.perf_counter() - at.seconds
    at.order = batches.generator.get_state()
    for cpu_batch in islice(batches, at.step, None):
        at.step += 1
        batch = cpu_batch.to(place)
        outcome = step(objective, batch, optimizer, schedule, spec.precision)
        found = {"loss": outcome.loss, **{f"loss_{name}": part for name, part in outcome.parts.items()}}
        found["train_accuracy"] = (outcome.logits.argmax(dim=1) == batch.labels).sum()
        unread.append((at.step, cpu_batch.pairs, {name: value.detach() for name, value in found.items()}))
        at.rows += len(batch.labels)
        bar.update()
        if len(unread) == between or at.step == len(batches):
            _read(unread, at.sums, epoch, bar)
            unread.clear()
            at.seconds = time.perf_counter() - begun
            if checkpoint.due():
                checkpoint.save(spec, _state(at, parts, place))
                begun = time.perf_counter() - at.seconds  # to save is not to train
    return {name: value / (at.rows if name == "train_accuracy" else len(batches)) for name, value in at.sums.items()}


def _read(unread: list, sums: dict[str, float], epoch: int, bar) -> None:
    for name in unread[0][2]:
        for (number, texts, _), value in zip(unread, torch.stack([row[2][name] for row in unread]).tolist(), strict=True):
            if not np.isfinite(value):
                numbers = ", ".join(map(str, sorted(set(texts.tolist()))))
                raise NonFiniteLoss(f"{name} became {value} at step {number} of epoch {epoch}, on training texts {numbers}.")
            sums[name] = sums.get(name, 0.0) + value
    bar.set_postfix(epoch=epoch, loss=f"{unread[-1][2]['loss'].item():.3f}", refresh=False)


def evaluate(network: PrimaryNetwork, texts: Tokens, precision: str, place: torch.device, progress: bool = False) -> np.ndarray:
    """[N, C] float32 probabilities of the primary network, in the order of the texts."""
    network.eval()
    numbers, found = [], []
    bar = tqdm(total=len(texts), unit="text", leave=False, disable=not progress)
    with bar, torch.inference_mode(), autocast(precision, place):
        for batch, rows in evaluation_batches(texts, TOKENS_PER_BATCH[place.type]):
            _, logits = network(rows.to(place))
            found.append(logits.float().softmax(dim=1).cpu().numpy())
            numbers += batch
            bar.update(len(batch))
    return np.concatenate(found)[np.argsort(numbers)]


def autocast(precision: str, place: torch.device):
    return torch.autocast(place.type, dtype=torch.bfloat16, enabled=precision == "bf16")


@contextmanager
def _fast_arithmetic(place: torch.device) -> Iterator[None]:
    """On CUDA TF32 in products of fp32. On a CPU no denormals: moments of embeddings that were seen once decay to such numbers,
    with which AdamW is twenty times slower."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if place.type == "cuda" else before)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_float32_matmul_precision(before)


def _peak_memory(place: torch.device) -> int:
    """Bytes: the device's peak on CUDA, else the process's peak resident set so far."""
    if place.type == "cuda":
        return torch.cuda.max_memory_allocated(place)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _versions() -> dict[str, str]:
    packages = ("torch", "transformers", "tokenizers", "datasets", "nltk", "numpy", "scikit-learn")
    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python, "lclstudy": __version__, **{name: version(name) for name in packages}}
