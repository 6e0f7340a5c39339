"""What the processes of the benchmark do. Each version is in a process of its own, so that peaks of memory do not mix."""

import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection

import augment_speed
import plain
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader
from transformers import get_linear_schedule_with_warmup

from lclstudy import corpora, encoders, losses, train
from lclstudy.batching import Tokens, TwoViews, training_batches
from lclstudy.config import RunSpec
from lclstudy.errors import StudyError
from lclstudy.objectives import Objective
from lclstudy.train import Prepared

CPU = torch.device("cpu")
LOSS_ROWS, LOSS_CLASSES, LOSS_FEATURES, LOSS_TEMPERATURE = 20, 32, 384, 0.3


def longest(data: Prepared) -> int:
    """Tokens of the longest text of a corpus, second views included."""
    return max(len(row) for tokens in (*data.texts.values(), data.views) for row in tokens.ids)


def shortened(data: Prepared, texts: int) -> Prepared:
    """The first `texts` training texts, and of the validation texts the same share."""
    share = min(1.0, texts / len(data.texts["train"]))
    kept = {split: max(1, round(share * len(tokens))) for split, tokens in data.texts.items()}
    return replace(
        data,
        texts={split: Tokens(tokens.ids[: kept[split]], 0) for split, tokens in data.texts.items()},
        views=Tokens(data.views.ids[: kept["train"]], 0),
        labels={split: labels[: kept[split]] for split, labels in data.labels.items()},
    )


def new_objective(spec: RunSpec, data: Prepared) -> Objective:
    """The same new networks in every process."""
    torch.manual_seed(spec.seed)
    return Objective(spec, data.encoder, len(data.classes))


def endless(batches: DataLoader) -> Iterator:
    """Batches without end, shuffled anew each time round; those of every version hold the same texts."""
    while True:
        yield from batches


class Version:
    """A way to train and evaluate: `step`, `epoch` and `evaluation` do a piece of work whose time counts."""

    def __init__(self, spec: RunSpec, data: Prepared, objective: torch.nn.Module, collate: Callable, steps: int, fused: bool):
        self.spec, self.data, self.short = spec, data, shortened(data, steps * spec.batch_size)
        self.objective, self.collate = objective, collate
        self.batches = endless(self.loader(data))
        self.optimizer = train.adamw(objective, spec.learning_rate, fused)
        self.schedule = get_linear_schedule_with_warmup(self.optimizer, 0, steps + 1)

    def loader(self, data: Prepared) -> DataLoader:
        order = torch.Generator().manual_seed(self.spec.seed)
        return training_batches(self.collate(data), self.spec.batch_size, order, drop_last=True)

    def step(self) -> None:
        """A batch made, forward, backward, clipping, optimiser."""
        self.objective.train()
        train.step(self.objective, next(self.batches), self.optimizer, self.schedule, self.spec.precision)

    def epoch(self) -> None:
        """A short epoch, and the evaluation of as large a share of the validation split; no `step` after it."""
        self.optimizer = self.schedule = None  # an epoch makes its own, and two would stand in the peak memory
        self.train_and_evaluate()


class Ours(Version):
    def __init__(self, spec: RunSpec, data: Prepared, steps: int):
        def collate(part: Prepared) -> TwoViews:
            return TwoViews(part.texts["train"], part.views, part.labels["train"])

        super().__init__(spec, data, new_objective(spec, data), collate, steps, fused=True)

    def train_and_evaluate(self) -> None:
        train._train(self.spec, self.objective, self.loader(self.short), self.short, CPU, progress=False)

    def evaluation(self) -> None:
        train.evaluate(self.objective.primary, self.data.texts["validation"], self.spec, CPU)


class Plain(Version):
    """The plain version, padded to the longest text of the corpus or (`whole_corpus` false) of the batch."""

    def __init__(self, spec: RunSpec, data: Prepared, steps: int, whole_corpus: bool):
        self.padding = data.encoder.tokenizer.pad_token_id, longest(data) if whole_corpus else None

        def collate(part: Prepared) -> plain.PaddedViews:
            return plain.PaddedViews(part.texts["train"], part.views, part.labels["train"], *self.padding)

        super().__init__(spec, data, plain.PlainObjective(new_objective(spec, data)), collate, steps, fused=False)

    def train_and_evaluate(self) -> None:
        plain.epoch(self.objective, self.loader(self.short), self.spec.learning_rate)
        plain.evaluate(self.objective, self.short.texts["validation"], *self.padding)

    def evaluation(self) -> None:
        plain.evaluate(self.objective, self.data.texts["validation"], *self.padding)


class Loss:
    """LCL alone, forward and backward, on random rows."""

    def __init__(self, function: Callable):
        draw = torch.Generator().manual_seed(0)
        self.function = function
        self.features = torch.randn(LOSS_ROWS, LOSS_FEATURES, generator=draw, requires_grad=True)
        self.logits = torch.randn(LOSS_ROWS, LOSS_CLASSES, generator=draw, requires_grad=True)
        self.labels = torch.randint(LOSS_CLASSES, (LOSS_ROWS // 2,), generator=draw).repeat(2)

    def loss(self) -> None:
        unit, weights = F.normalize(self.features, dim=1), self.logits.softmax(dim=1)
        self.function(unit, self.labels, weights, LOSS_TEMPERATURE).backward()


LOSSES = {"ours": losses.label_aware_contrastive, "double loop": plain.label_aware_contrastive}


def same_step(spec: RunSpec, data: Prepared) -> dict[str, float]:
    """One batch through the same weights without dropout: both losses, and the largest difference of a gradient, over the
    largest gradient."""
    found, gradients = {}, []
    for name, version in (("ours", Ours(spec, data, 1)), ("plain", Plain(spec, data, 1, whole_corpus=True))):
        loss = version.objective.eval()(next(version.batches)).loss
        loss.backward()
        found[name] = loss.item()
        gradients.append({key: parameter.grad for key, parameter in version.objective.named_parameters()})
    ours, others = gradients
    if ours.keys() != others.keys():
        raise StudyError(f"The two versions differ in parameters: {sorted(ours.keys() ^ others.keys())}.")
    apart = max((ours[name] - others[name]).abs().max().item() for name in ours)
    return found | {"gradient": apart / max(gradient.abs().max().item() for gradient in ours.values())}


def peak() -> int:
    """Bytes: the largest resident set of this process so far."""
    return train._peak_memory(CPU)


def prepare(connection: Connection, spec: RunSpec) -> None:
    """Sends, one after the other: facts, the material of the versions, the check, and the speeds of second views."""
    data = train.prepare(spec)
    texts = list(corpora.load(spec.corpus)["train"]["text"])
    lengths = [len(row) for row in data.texts["train"].ids]
    facts = {"classes": len(data.classes), "train": len(texts), "validation": len(data.texts["validation"])}
    tokens = {"mean": sum(lengths) / len(lengths), "longest": longest(data)}
    connection.send({**facts, **tokens, "threads": torch.get_num_threads(), "torch": torch.__version__})
    # Handed on, because WordNet and the readers would stand in the peak memory of every version.
    connection.send_bytes(pickle.dumps((replace(data, encoder=None), texts)))
    connection.send(same_step(spec, data))
    connection.send(augment_speed.speeds(texts))


def train_version(connection: Connection, spec: RunSpec, material: bytes, steps: int, whole_corpus: bool | None) -> None:
    """Serves a version: ours, or (`whole_corpus` given) the plain one."""
    data, texts = pickle.loads(material)
    data = replace(data, encoder=encoders.load(spec.encoder, texts))
    _serve(connection, Ours(spec, data, steps) if whole_corpus is None else Plain(spec, data, steps, whole_corpus))


def loss_version(connection: Connection, name: str) -> None:
    """Serves the loss alone: `ours` or `double loop`."""
    _serve(connection, Loss(LOSSES[name]))


def _serve(connection: Connection, version) -> None:
    """Does what it is told, as often as it is told, and answers with wall and CPU seconds of one time and the peak memory."""
    for work, times in iter(connection.recv, None):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(times):
            getattr(version, work)()
        connection.send(((time.perf_counter() - wall) / times, (time.process_time() - cpu) / times, peak()))


def run(connection: Connection, job: str, *arguments) -> None:
    """Sends the libraries' share of the memory, then does a job; a StudyError goes to the other end of the connection."""
    connection.send(peak())
    try:
        {"prepare": prepare, "train": train_version, "loss": loss_version}[job](connection, *arguments)
    except StudyError as error:
        connection.send(error)
