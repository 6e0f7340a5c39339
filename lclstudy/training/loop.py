"""The one training loop. Read `run` from top to bottom: corpus, two views, batches, steps, evaluation, record."""

import logging
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version

import numpy as np
import torch
from torch import nn
from tqdm import tqdm
from transformers import get_linear_schedule_with_warmup

from lclstudy import __version__
from lclstudy.corpora import synonyms, wordnet
from lclstudy.corpora.load import load_corpus
from lclstudy.errors import StudyError
from lclstudy.models import encoders, label_weights
from lclstudy.models.batching import Batch, Tokens, TwoViews, evaluation_batches, tokenize, training_batches
from lclstudy.models.encoders import Encoder
from lclstudy.models.objectives import RECIPES, Objective, PrimaryNetwork, needs_matrix, probabilities
from lclstudy.plan import catalog
from lclstudy.plan.spec import Protocol, RunSpec
from lclstudy.results.records import Record

from . import bag_of_words

log = logging.getLogger("lclstudy")

BETAS, EPSILON, WEIGHT_DECAY, MAX_GRADIENT_NORM = (0.9, 0.999), 1e-6, 0.01, 1.0  # Appendix B and the released code
SPLITS = ("train", "validation", "test")
# Evaluation fits any memory with these; larger batches were no faster.
TOKENS_PER_BATCH = {"cpu": 4096, "mps": 16384, "cuda": 65536}
# On an accelerator, reading a loss waits for the device, so losses are read this many steps at a time.
STEPS_BETWEEN_READS = 50


class NonFiniteLoss(RuntimeError):
    """The loss stopped being finite; the message says at which step, on which training texts."""


@dataclass(frozen=True)
class Prepared:
    """A corpus ready to train on: token ids per split, second views of the training texts, labels per split.

    `later_views` are those of the epochs from the second on, where each has its own; `wordnet` is the version of the one that
    gave them. `used` [V]: the tokens that the ids number, ascending; None if they are the tokenizer's own.
    """

    classes: tuple[str, ...]
    texts: dict[str, Tokens]
    views: Tokens | None
    labels: dict[str, list[int]]
    encoder: Encoder
    later_views: tuple[Tokens, ...] = ()
    wordnet: str = ""
    used: torch.Tensor | None = None

    def trained(self) -> Encoder:
        """The encoder that reads these ids."""
        return self.encoder if self.used is None else self.encoder.reading(self.used)


def run(
    spec: RunSpec, device: str | None = None, progress: bool | Callable = True, executor: str = "serial", data=None
) -> Record:
    """Trains one spec and tests it at its best epoch. The same spec on the same machine gives the same record.

    `device` is `cuda`, `mps` or `cpu`; without it the first of these that is there. `progress`: whether to show a bar, or what
    makes one like tqdm's. `data` is what `prepare` gave, if somebody has called it: nothing else is then read. Raises
    StudyError on a setting that cannot be met, before any training, and NonFiniteLoss.
    """
    if _is_bag_of_words(spec):
        return _run_bag_of_words(spec, progress is True, executor, data or prepare(spec))
    started = time.perf_counter()
    place = choose_device(device)
    if data is None:
        check(spec)
        data = prepare(spec)
    if place.type == "cuda":
        torch.cuda.reset_peak_memory_stats(place)
        torch.set_float32_matmul_precision("high")  # TF32 in products of fp32
    # Dropout and new layers draw from torch's global generator, so it is set here and given back as it was.
    with _flushed_denormals(), torch.random.fork_rng(devices=[place.index or 0] if place.type == "cuda" else []):
        matrix, before = _matrix(spec, data, place, progress)
        objective, batches, after, validation = _fit(spec, data, matrix, place, progress)
        test = evaluate(objective.primary, data.texts["test"], spec, place)
    epochs = _in_one_row(before, after, spec.epochs)
    last_stage = [epoch["validation_accuracy"] for epoch in epochs[-spec.epochs :]]
    best_epoch = len(epochs) - spec.epochs + 1 + int(np.argmax(last_stage))
    steps = len(batches) * len(epochs)
    train_seconds = sum(epoch["seconds"] for epoch in epochs)
    return Record(
        spec=spec,
        classes=data.classes,
        epochs=epochs,
        best_epoch=best_epoch,
        validation_probabilities=validation,
        validation_labels=np.array(data.labels["validation"], dtype=np.int64),
        test_probabilities=test,
        test_labels=np.array(data.labels["test"], dtype=np.int64),
        measures={
            "seconds": time.perf_counter() - started,
            "train_seconds": train_seconds,
            "texts_per_second": steps * spec.batch_size / train_seconds,
            "peak_memory_bytes": _peak_memory(place),
            "steps": steps,
            "parameters": sum(parameter.numel() for parameter in objective.parameters()),
            "threads": torch.get_num_threads(),
        },
        notes={f"truncated_{split}": data.texts[split].truncated for split in SPLITS},
        versions=_versions(data.wordnet) | {"encoder_weights": data.encoder.weights},
        device=torch.cuda.get_device_name(place) if place.type == "cuda" else place.type,
        executor=executor,
    )


def _is_bag_of_words(spec: RunSpec) -> bool:
    return catalog.encoder(spec.encoder).kind == "bagofwords"


def _run_bag_of_words(spec: RunSpec, progress: bool, executor: str, dataset) -> Record:
    """The record of the baseline without a network: an "epoch" is one fit, told apart by its `C`."""
    started = time.perf_counter()
    texts, labels = ({split: list(dataset[split][name]) for split in SPLITS} for name in ("text", "label"))
    classes = tuple(dataset["train"].features["label"].names)
    fits, best, parameters = bag_of_words.fit(texts, labels, len(classes), progress, spec.label())
    train_seconds = sum(epoch["seconds"] for epoch in fits)
    return Record(
        spec=spec,
        classes=classes,
        epochs=fits,
        best_epoch=1 + int(np.argmax([epoch["validation_accuracy"] for epoch in fits])),
        validation_probabilities=best["validation"],
        validation_labels=np.array(labels["validation"], dtype=np.int64),
        test_probabilities=best["test"],
        test_labels=np.array(labels["test"], dtype=np.int64),
        measures={
            "seconds": time.perf_counter() - started,
            "train_seconds": train_seconds,
            "texts_per_second": len(fits) * len(texts["train"]) / train_seconds,
            "peak_memory_bytes": _peak_memory(torch.device("cpu")),
            "steps": len(fits),
            "parameters": parameters,
            "threads": torch.get_num_threads(),
        },
        notes=dict.fromkeys((f"truncated_{split}" for split in SPLITS), 0),
        versions=_versions(),
        device="cpu",
        executor=executor,
    )


def choose_device(name: str | None = None) -> torch.device:
    """The named device, or the first that is there of cuda, mps, cpu. Raises StudyError if the named one is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name is None:
        name = next(device for device, is_there in there.items() if is_there)
    if not there.get(name.partition(":")[0], False):
        allowed = ", ".join(device for device, is_there in there.items() if is_there)
        raise StudyError(f"Device {name!r} is not here; allowed: {allowed}.")
    return torch.device(name)


def check(spec: RunSpec) -> None:
    """Raises StudyError if the spec's corpus, classes, encoder or WordNet cannot be had or cannot do what is asked, or no batch
    can be filled; trains nothing."""
    if _is_bag_of_words(spec):
        prepare(spec)
        return
    if _augmentation(spec)[0] == "wordnet":
        wordnet.ensure()
    dataset, encoder = _load(*_source(spec))
    if encoder.most_tokens is not None and spec.max_length > encoder.most_tokens:
        raise StudyError(
            f"max_length {spec.max_length} is more than encoder {spec.encoder!r} can read; allowed: 8 to {encoder.most_tokens}."
        )
    if spec.batch_size > dataset.num_rows["train"] and Protocol.parse(spec.protocol).drop_last:
        raise StudyError(
            f"batch_size {spec.batch_size} exceeds the {dataset.num_rows['train']} training texts of {spec.label()}, and an "
            "incomplete batch is dropped: nothing is left to train on; use a smaller batch_size."
        )


def prepare(spec: RunSpec):
    """The `Prepared` of a spec; of a bag of words the `datasets.DatasetDict`. Seeds share it, so the last one made is kept."""
    if _is_bag_of_words(spec):
        return _limited(spec.corpus, spec.classes, spec.train_limit)
    return _prepare(*prepared_from(spec))


def prepared_from(spec: RunSpec) -> tuple:
    """What `prepare` depends on: specs with the same share what it gives."""
    each_epoch = RECIPES[spec.objective].two_views and Protocol.parse(spec.protocol).views == "each_epoch"
    epochs = 2 * spec.epochs if each_epoch else 1  # of two stages at most
    return _source(spec), spec.max_length, _augmentation(spec), epochs


def _augmentation(spec: RunSpec) -> tuple:
    kind = spec.augment if RECIPES[spec.objective].two_views else "none"
    return kind, spec.augment_rate, spec.augment_seed


def _source(spec: RunSpec) -> tuple:
    """What `_load` is kept by. With checksums, because files of one's own may change between two runs of a notebook."""
    checksums = catalog.corpus_checksum(spec.corpus), catalog.encoder_checksum(spec.encoder)
    return spec.corpus, spec.classes, spec.encoder, spec.train_limit, checksums


def _limited(corpus, classes, train_limit):
    dataset = load_corpus(corpus, classes)
    if train_limit is not None and train_limit < len(dataset["train"]):
        dataset["train"] = dataset["train"].shuffle(seed=0).select(range(train_limit))
    return dataset


@lru_cache(maxsize=2)
def _load(corpus, classes, encoder, train_limit, _checksums):
    dataset = _limited(corpus, classes, train_limit)
    return dataset, encoders.load(encoder, list(dataset["train"]["text"]))


@lru_cache(maxsize=2)
def _prepare(source, max_length, augmentation, epochs) -> Prepared:
    dataset, encoder = _load(*source)
    texts = {split: tokenize(dataset[split]["text"], encoder.tokenizer, max_length) for split in SPLITS}
    for split in SPLITS:  # here, where the result is kept, so that it is said once for all seeds
        _report_truncation(source[0], split, texts[split], max_length)
    kind, rate, seed = augmentation
    views, *later = [_views(source, max_length, kind, rate, _epoch_seed(seed, epoch)) for epoch in range(1, epochs + 1)]
    labels = {split: list(dataset[split]["label"]) for split in SPLITS}
    classes = tuple(dataset["train"].features["label"].names)
    version = wordnet.version() if kind == "wordnet" else ""
    prepared = Prepared(classes, texts, views, labels, encoder, tuple(later), version)
    return _of_used_tokens(prepared) if encoder.packed else prepared


def _of_used_tokens(data: Prepared) -> Prepared:
    """The same, its ids numbering the tokens that its texts and views use: see `Encoder.reading`."""
    every = [tokens for tokens in (*data.texts.values(), data.views, *data.later_views) if tokens]
    used = torch.cat([row for tokens in every for row in tokens.ids]).unique()
    return replace(
        data,
        texts={split: tokens.numbered(used) for split, tokens in data.texts.items()},
        views=data.views and data.views.numbered(used),
        later_views=tuple(tokens.numbered(used) for tokens in data.later_views),
        used=used,
    )


def _views(source, max_length, kind, rate, seed) -> Tokens | None:
    if kind == "none":
        return None
    dataset, encoder = _load(*source)
    return tokenize(synonyms.second_views(list(dataset["train"]["text"]), kind, rate, seed), encoder.tokenizer, max_length)


def _epoch_seed(seed: int, epoch: int) -> int:
    """For `views=each_epoch`: the second views of the first epoch are those that others keep."""
    return seed if epoch == 1 else int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])


def _matrix(
    spec: RunSpec, data: Prepared, place: torch.device, progress: bool | Callable
) -> tuple[torch.Tensor | None, list[dict]]:
    """What the objective takes as its matrix [C, C], and the epochs of a run that was trained for it."""
    if not needs_matrix(spec):
        return None, []
    if RECIPES[spec.objective].name_similarity:
        return label_weights.name_similarity(data.classes, data.encoder), []
    weights = Protocol.parse(spec.protocol).weights
    if weights == "uniform":
        return label_weights.uniform(len(data.classes)), []
    if weights == "names":
        return label_weights.from_names(data.classes, data.encoder), []
    _, _, epochs, found = _fit(replace(spec, objective="ce"), data, None, place, progress)
    return label_weights.from_confusion(np.array(data.labels["validation"]), found), epochs


def _fit(spec: RunSpec, data: Prepared, matrix: torch.Tensor | None, place: torch.device, progress: bool | Callable):
    """From the seed to the best epoch: (objective as it was there, batches, a dict per epoch, validation probabilities)."""
    torch.manual_seed(spec.seed)
    objective = Objective(spec, data.trained(), len(data.classes), matrix).to(place)
    order = torch.Generator().manual_seed(spec.seed)
    views = data.views if RECIPES[spec.objective].two_views else None
    batches = training_batches(
        TwoViews(data.texts["train"], views, data.labels["train"]),
        spec.batch_size,
        order,
        drop_last=Protocol.parse(spec.protocol).drop_last,
        pin_memory=place.type == "cuda",
    )
    epochs, best, best_state = _train(spec, objective, batches, data, place, progress)
    objective.primary.load_state_dict(best_state)
    return objective, batches, epochs, best


def _in_one_row(before: list[dict], after: list[dict], length: int) -> list[dict]:
    """The epochs numbered on from a run that came before; where there is more than one stage of `length`, each says its own."""
    epochs = [{**epoch, "epoch": number} for number, epoch in enumerate([*before, *after], start=1)]
    if len(epochs) == length:
        return epochs
    return [{**epoch, "stage": 1 + (epoch["epoch"] - 1) // length} for epoch in epochs]


def _train(spec: RunSpec, objective: Objective, batches, data: Prepared, place: torch.device, progress: bool | Callable):
    """All stages: (a dict per epoch, validation probabilities and weights of the primary network at the last one's best)."""
    stages = len(objective.stages)
    truth = np.array(data.labels["validation"])
    epochs, best, best_state = [], None, None
    total = len(batches) * spec.epochs * stages
    make = progress if callable(progress) else tqdm
    with make(total=total, desc=spec.label(), unit="step", leave=False, disable=not progress) as bar:
        for stage in range(stages):
            objective.begin(stage)
            optimizer = adamw(objective, objective.stage.learning_rate or spec.learning_rate, place.type in ("cuda", "cpu"))
            schedule = get_linear_schedule_with_warmup(optimizer, 0, len(batches) * spec.epochs)
            best_accuracy = -1.0  # each stage chooses anew, so the last one's choice stays
            for number in range(len(epochs) + 1, len(epochs) + spec.epochs + 1):
                if number > 1 and batches.collate_fn.views is not None and data.later_views:
                    batches.collate_fn.views = data.later_views[number - 2]
                begun = time.perf_counter()
                means = _train_epoch(spec, objective, batches, optimizer, schedule, place, number, bar)
                seconds = time.perf_counter() - begun
                found = evaluate(objective.primary, data.texts["validation"], spec, place)
                accuracy = float((found.argmax(axis=1) == truth).mean())
                if accuracy > best_accuracy:
                    best, best_accuracy = found, accuracy
                    best_state = {name: value.clone() for name, value in objective.primary.state_dict().items()}
                epochs.append({"epoch": number, **means, "validation_accuracy": accuracy, "seconds": seconds})
                bar.set_postfix(epoch=number, loss=f"{means['loss']:.3f}", validation=f"{accuracy:.1%}")
    return epochs, best, best_state


def adamw(objective: Objective, learning_rate: float, fused: bool) -> torch.optim.AdamW:
    """AdamW over all that learns, weight decay 0.01 except on biases and LayerNorm."""
    groups = {WEIGHT_DECAY: [], 0.0: []}
    norms = {id(weight) for part in objective.modules() if isinstance(part, nn.LayerNorm) for weight in part.parameters()}
    for name, parameter in objective.named_parameters():
        if not parameter.requires_grad:
            continue
        groups[0.0 if "bias" in name or id(parameter) in norms else WEIGHT_DECAY].append(parameter)
    parameters = [{"params": group, "weight_decay": decay} for decay, group in groups.items()]
    return torch.optim.AdamW(parameters, lr=learning_rate, betas=BETAS, eps=EPSILON, fused=fused)


def step(objective: Objective, batch: Batch, optimizer, schedule, precision: str):
    """One optimiser step on one batch; returns the objective's outcome."""
    with _autocast(precision, batch.labels.device):
        outcome = objective(batch)
    outcome.loss.backward()
    for network in objective.networks():  # each by itself, so that neither network's gradient scales the other's
        _clip([parameter for parameter in network.parameters() if parameter.grad is not None])
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    return outcome


def _clip(parameters: list[nn.Parameter]) -> None:
    """`torch.nn.utils.clip_grad_norm_` without its pass over gradients that are short enough, where asking costs nothing."""
    norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in parameters])
    if not norm.is_cpu or not norm + 1e-6 <= MAX_GRADIENT_NORM:
        torch.nn.utils.clip_grads_with_norm_(parameters, MAX_GRADIENT_NORM, norm)


def _train_epoch(spec, objective, batches: Iterable[Batch], optimizer, schedule, place, epoch: int, bar) -> dict:
    """Means over the epoch's steps of the loss and its parts, and the accuracy on the batches as they were trained."""
    objective.train()
    between = 1 if place.type == "cpu" else STEPS_BETWEEN_READS
    unread, sums, rows = [], {}, 0
    for number, cpu_batch in enumerate(batches, start=1):
        batch = cpu_batch.to(place)
        outcome = step(objective, batch, optimizer, schedule, spec.precision)
        found = {"loss": outcome.loss, **{f"loss_{name}": part for name, part in outcome.parts.items()}}
        found["train_accuracy"] = (outcome.logits.argmax(dim=1) == batch.labels).sum()
        unread.append((number, cpu_batch.pairs, {name: value.detach() for name, value in found.items()}))
        rows += len(batch.labels)
        bar.update()
        if len(unread) == between or number == len(batches):
            _read(unread, sums, epoch, bar)
            unread.clear()
    return {name: value / (rows if name == "train_accuracy" else len(batches)) for name, value in sums.items()}


def _read(unread: list, sums: dict[str, float], epoch: int, bar) -> None:
    for name in unread[0][2]:
        for (number, texts, _), value in zip(unread, torch.stack([row[2][name] for row in unread]).tolist(), strict=True):
            if not np.isfinite(value):
                numbers = ", ".join(map(str, sorted(set(texts.tolist()))))
                raise NonFiniteLoss(f"{name} became {value} at step {number} of epoch {epoch}, on training texts {numbers}.")
            sums[name] = sums.get(name, 0.0) + value
    bar.set_postfix(epoch=epoch, loss=f"{unread[-1][2]['loss'].item():.3f}", refresh=False)


def evaluate(network: PrimaryNetwork, texts: Tokens, spec: RunSpec, place: torch.device) -> np.ndarray:
    """[N, C] float32 probabilities of the primary network, in the order of the texts."""
    network.eval()
    found: list[np.ndarray | None] = [None] * len(texts)
    with torch.inference_mode(), _autocast(spec.precision, place):
        for numbers, rows in evaluation_batches(texts, TOKENS_PER_BATCH[place.type]):
            for number, row in zip(numbers, probabilities(network, rows.to(place)).cpu().numpy(), strict=True):
                found[number] = row
    return np.stack(found)


def _autocast(precision: str, place: torch.device):
    return torch.autocast(place.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def _report_truncation(corpus: str, split: str, tokens: Tokens, max_length: int) -> None:
    if tokens.truncated:
        log.warning(
            "%s: %d of %d %s texts are longer than max_length %d and were cut.",
            corpus, tokens.truncated, len(tokens), split, max_length,
        )  # fmt: skip


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Moments of embeddings that were seen once decay to denormal numbers, with which AdamW is twenty times slower on a CPU."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _peak_memory(place: torch.device) -> int:
    """Bytes: the device's peak on CUDA, else the process's peak resident set so far."""
    if place.type == "cuda":
        return torch.cuda.max_memory_allocated(place)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _versions(wordnet_version: str = "") -> dict[str, str]:
    packages = ("torch", "transformers", "tokenizers", "datasets", "nltk", "numpy", "scikit-learn")
    found = {name: version(name) for name in packages}
    if wordnet_version:
        found["wordnet"] = wordnet_version
    return {"python": ".".join(map(str, sys.version_info[:3])), "lclstudy": __version__, **found}
