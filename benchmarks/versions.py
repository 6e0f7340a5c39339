"""Ways to train the same spec, each in a process of its own, which takes as many steps as it is told and says how long."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection

import plain
import torch
from torch.utils.data import DataLoader

from lclstudy.models.batching import Tokens, TwoViews, training_batches
from lclstudy.models.objectives import Objective
from lclstudy.plan.spec import RunSpec
from lclstudy.training import loop, optimizer, prepare
from lclstudy.training.checkpoint import Checkpoint
from lclstudy.training.loop import Prepared

CPU = torch.device("cpu")
SCHEDULE = 10**5  # steps over which learning rates fall: no benchmark takes as many


@contextmanager
def working(work: Callable, *arguments) -> Iterator[Connection]:
    """A forked process that calls `work(connection, *arguments)` on one thread, and ends with the block. It has what is
    prepared here, and none of what others do: this process sets no allocator and begins no CUDA."""
    context = multiprocessing.get_context("fork")
    connection, other = context.Pipe()
    process = context.Process(target=_on_one_thread, args=(work, other, *arguments), daemon=True)
    process.start()
    other.close()  # so that its end ends the connection: EOFError here, after its own traceback
    try:
        yield connection
    finally:
        process.kill()
        process.join()


def _on_one_thread(work: Callable, *arguments) -> None:
    torch.set_num_threads(1)  # also because a fork has none of the threads that were begun before it
    work(*arguments)


class Done(Exception):
    """No more steps are asked for."""


class Pace:
    """Batches without end for a training loop, which waits after each turn of steps until the next one is asked for.

    A step is a batch made, forward, backward, clipping, optimiser, and its loss read.
    """

    def __init__(self, connection: Connection, batches: DataLoader | None, place: torch.device):
        self.connection, self.batches, self.place = connection, batches, place
        self.collate_fn, self.generator = (getattr(batches, name, None) for name in ("collate_fn", "generator"))
        self.left, self.begun = 0, None

    def __len__(self) -> int:
        return SCHEDULE

    def __iter__(self) -> Iterator:
        while True:
            for batch in self.batches:
                self.wait()
                yield batch

    def wait(self) -> None:
        """Comes before each step. Raises Done at the end."""
        if self.left == 0:
            if self.begun:
                self.connection.send(since(self.begun, self.place))
            self.left = self.connection.recv()
            if self.left is None:
                raise Done
            self.begun = since((0, 0), self.place)
        self.left -= 1


def since(begun: tuple[float, float], place: torch.device) -> tuple[float, float]:
    """Wall and CPU seconds since `begun`, when the device has done what it was told."""
    if place.type == "cuda":
        torch.cuda.synchronize(place)
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def serve(connection: Connection, version: type, spec: RunSpec, place: torch.device = CPU) -> None:
    """Evaluations until `train` is asked for, then turns of steps, at the end the peak memory in bytes."""
    made = version(spec, prepare.prepare(spec), place)
    for _ in iter(connection.recv, "train"):
        begun = since((0, 0), place)
        made.evaluate()
        connection.send(since(begun, place))
    with suppress(Done):
        made.train(Pace(connection, made.batches, place))
    connection.send(loop._peak_memory(place))


def turn(crew: Sequence[Connection], message) -> list:
    """Tells all of them at once, and waits for the answers."""
    for each in crew:
        each.send(message)
    return [each.recv() for each in crew]


def per_step(crew: Sequence[Connection], steps: int) -> tuple[float, float]:
    """Wall and CPU seconds per step of the machine, when each of the crew takes so many steps at once."""
    walls, cpus = zip(*turn(crew, steps), strict=True)
    return max(walls) / steps / len(crew), sum(cpus) / steps / len(crew)


def _batches(spec: RunSpec, collate: Callable) -> DataLoader:
    """Those of every version hold the same texts."""
    return training_batches(collate, spec.batch_size, torch.Generator().manual_seed(spec.seed), drop_last=True)


def _views(data: Prepared) -> Tokens | None:
    return data.views[0] if data.views else None


def _as_tokenized(tokens: Tokens | None, data: Prepared) -> Tokens | None:
    return tokens if tokens is None or data.used is None else replace(tokens, ids=[data.used[row] for row in tokens.ids])


class Ours:
    """`lclstudy.training.loop` as it is."""

    def __init__(self, spec: RunSpec, data: Prepared, place: torch.device = CPU):
        torch.manual_seed(spec.seed)
        self.spec, self.data, self.place = spec, data, place
        self.objective = Objective(spec, data.trained(), len(data.classes)).to(place)
        self.batches = _batches(spec, TwoViews(data.texts["train"], _views(data), data.labels["train"]))

    def train(self, pace: Pace) -> None:
        with loop._fast_arithmetic(self.place):
            loop.learn(self.spec, self.objective, pace, self.data, self.place, False, Checkpoint(None, {}))

    def evaluate(self):
        return loop.evaluate(self.objective.primary, self.data.texts["validation"], self.spec.precision, self.place)


class Plain:
    """What the released code does: `plain.py`, with an embedding of every token there is. CPU alone, as `Library`."""

    def __init__(self, spec: RunSpec, data: Prepared, _place: torch.device = CPU):
        torch.manual_seed(spec.seed)
        self.spec, self.data, self.padding = spec, data, data.encoder.tokenizer.pad_token_id
        self.objective = plain.PlainObjective(Objective(spec, data.encoder, len(data.classes)))
        texts, views = (_as_tokenized(tokens, data) for tokens in (data.texts["train"], _views(data)))
        self.batches = _batches(spec, plain.PaddedViews(texts, views, data.labels["train"], self.padding))

    def train(self, pace: Pace) -> None:
        plain.epoch(self.objective, pace, self.spec.learning_rate)

    def evaluate(self):
        return plain.evaluate(self.objective, _as_tokenized(self.data.texts["validation"], self.data), self.padding)


class Library:
    """What a user would pick instead for ce: `transformers.Trainer`, bf16, each batch padded to its longest row."""

    def __init__(self, spec: RunSpec, data: Prepared, _place: torch.device = CPU):
        torch.manual_seed(spec.seed)
        self.spec, self.batches, self.tokenizer = spec, None, data.encoder.tokenizer
        self.model = data.encoder.classifier(len(data.classes))  # the library's own ...ForSequenceClassification,
        self.model.set_attn_implementation("sdpa")  # with its default attention
        rows = zip(_as_tokenized(data.texts["train"], data).ids, data.labels["train"], strict=True)
        self.rows = [{"input_ids": row.tolist(), "labels": int(label)} for row, label in rows]

    def train(self, pace: Pace) -> None:
        from transformers import DataCollatorWithPadding, Trainer, TrainerCallback, TrainingArguments  # they load much

        class Steps(TrainerCallback):
            def on_step_begin(self, *_, **__):
                pace.wait()

        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder, use_cpu=True, bf16=True, per_device_train_batch_size=self.spec.batch_size, max_steps=len(pace),
                learning_rate=self.spec.learning_rate, weight_decay=optimizer.WEIGHT_DECAY, save_strategy="no",
                logging_strategy="no", report_to="none", disable_tqdm=True, dataloader_pin_memory=False,
            )  # fmt: skip
            collate = DataCollatorWithPadding(self.tokenizer)
            Trainer(self.model, arguments, collate, self.rows, callbacks=[Steps()]).train()


def first_step(connection: Connection, version: type, spec: RunSpec, place: torch.device = CPU) -> None:
    """Sends loss and gradients of the first batch without dropout; those of embeddings only for the tokens that are used."""
    data = prepare.prepare(spec)
    made = version(spec, data, place)
    torch.set_float32_matmul_precision("highest")  # no TF32
    batch = next(iter(made.batches))
    with loop.autocast(spec.precision, place):
        loss = made.objective.eval()(batch.to(place) if version is Ours else batch).loss
    loss.backward()
    gradients = {name: parameter.grad.cpu() for name, parameter in made.objective.named_parameters()}
    if version is Plain and data.used is not None:
        gradients = {name: value[data.used] if "word_emb" in name else value for name, value in gradients.items()}
    connection.send((loss.item(), {name: value.numpy() for name, value in gradients.items()}))


def apart(*ways: tuple) -> tuple[float, float, float]:
    """The losses of two `first_step`s with their arguments, and the length of their gradients' difference over the first's."""
    found = []
    for way in ways:
        with working(first_step, *way) as connection:
            found.append(connection.recv())
    (one, ours), (other, theirs) = found
    squares = [sum(float((a**2).sum()) for a in given) for given in ((ours[n] - theirs[n] for n in ours), ours.values())]
    return one, other, (squares[0] / squares[1]) ** 0.5
