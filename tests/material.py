"""What several tests are made of: records, runs and published numbers in small, processes, and an eye for figures."""

import importlib.util
import itertools
import math
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec
from lclstudy.results import frozen
from lclstudy.results.frozen import Frozen
from lclstudy.results.records import Record
from lclstudy.runs.store import RunStore

PAPER = "empathetic_dialogues"  # the corpus of the paper's case study
CLASSES = ("joy", "colère", "fear, or dread", "surprise")


def spec_of(objective="lcl", seed=0, **settings):
    return make_spec("embedded", objective, encoder="tiny", seed=seed, **settings)


def record_of(spec, rows=12, classes=CLASSES, seed=None, sharpness=1.0):
    """A finished record with probabilities drawn from a Dirichlet distribution; `sharpness` below 1 makes them extreme."""
    rng = np.random.default_rng(spec.seed if seed is None else seed)
    validation, test = (rng.dirichlet(np.full(len(classes), sharpness), size).astype(np.float32) for size in (rows, 2 * rows))
    epochs = [{"epoch": 1, "loss": np.float32(1.25), "validation_accuracy": 0.5}, {"epoch": 2, "loss": math.nan}]
    labels = np.arange(2 * rows) % len(classes)
    return Record(spec, classes, epochs=epochs, best_epoch=1, validation_probabilities=validation,
                  validation_labels=labels[:rows], test_probabilities=test, test_labels=labels,
                  measures={"seconds": 1.5, "steps": np.int64(7)}, notes={"truncated": 3}, versions={"torch": "2.13.0"},
                  device="cpu", executor="serial")  # fmt: skip


def failed_record(spec):
    return Record(spec, (), status="failed", failure="NonFiniteLoss: loss is nan at step 3, batch 3")


def saved(runs, *specs, **how):
    """The specs, of each a finished record in the store `runs`; `how` as for `record_of`."""
    for spec in specs:
        runs.save(record_of(spec, **how))
    return list(specs)


@contextmanager
def refused(*parts):
    """What is done within ends in a StudyError of one line, which holds the parts, and no chain of tracebacks."""
    with pytest.raises(StudyError) as caught:
        yield caught
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ or not caught.value.__context__
    for part in parts:
        assert part in str(caught.value), str(caught.value)


def script(name, folder="scripts"):
    """The module of a file that is in no package."""
    spec = importlib.util.spec_from_file_location(name, paths.ROOT / folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@contextmanager
def full_disk(after=1000):
    """A real refusal of the kernel: no file of this process may grow beyond `after` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fork(work):
    """The number of a child process that calls `work` and ends, with its result as status. For programs of `run_program`."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            status = work()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status or 0)
    return child


def run_program(text, *arguments):
    """What a Python program printed, which must end well. It forks after one import, so that many moments are tried soon."""
    command = [sys.executable, "-c", text, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment, cwd=paths.ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "damaged" not in ran.stderr
    return ran


def cut_off(monkeypatch, every):
    """From now on training keeps its state after each step, and is interrupted in place of every so many-th of those asked for,
    which the list that this gives counts."""
    from lclstudy.training import checkpoint, loop  # here, because torch takes a while

    asked, step = [], loop.step

    def cut(*given):
        asked.append(len(asked))
        if len(asked) % every == 0:
            raise KeyboardInterrupt
        return step(*given)

    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0)
    monkeypatch.setattr(loop, "step", cut)
    return asked


def make_runs(scores, corpus="emoint", encoder="minilm", classes="", **settings):
    """A row per run: `scores` has per objective a list of test accuracies in percent, or of `failed` and `not run`."""
    place = dict(corpus=corpus, classes=classes, encoder=encoder, alpha=0.5, temperature=0.3) | settings
    rows = []
    for objective, values in scores.items():
        for seed, value in enumerate(values):
            failed = isinstance(value, str)
            found = dict(status=value if failed else "done", test_accuracy=np.nan if failed else value / 100)
            rows.append({**place, "objective": objective, "seed": seed, **found})
    return pd.DataFrame(rows)


def printed(*rows):
    """Published numbers: (corpus, objective, encoder, value, spread, n) each."""
    table = pd.DataFrame(rows, columns=["corpus", "objective", "encoder", "value", "spread", "n"])
    return table.assign(classes="all", split="test", metric="accuracy", n=table["n"].astype("Int64"))


def record(spec, wrong, each=10):
    """A finished run with `each` validation and test texts a class; of class a, `wrong[a, b]` are taken for b."""
    classes = catalog.corpora()[spec.corpus].labels
    labels = np.repeat(np.arange(len(classes)), each)
    predicted, next_of = labels.copy(), {name: number * each for number, name in enumerate(classes)}
    for (a, b), times in wrong.items():
        predicted[next_of[a] : next_of[a] + times] = classes.index(b)
        next_of[a] += times
    sure = np.eye(len(classes), dtype=np.float32)[predicted]
    return Record(spec, classes, validation_probabilities=sure, validation_labels=labels, test_probabilities=sure,
                  test_labels=labels, epochs=[{"epoch": 1, "loss": 1.0, "validation_accuracy": 0.5}], best_epoch=1)  # fmt: skip


def froze(tmp_path, *runs, objective="ce"):
    """Frozen results of runs on all classes, (corpus, seed, wrong) or (corpus, seed, wrong, each) of `record`."""
    store, specs = RunStore(tmp_path / "runs"), []
    for corpus, seed, *told in runs:
        specs.append(make_spec(corpus, objective, encoder="tiny", seed=seed))
        store.save(record(specs[-1], *told))
    store.freeze(tmp_path / "results", specs)
    return frozen.read_frozen(tmp_path / "results")


class Made(Frozen):
    """Frozen runs without files: of a run, as many of 1,000 test texts are right as its accuracy says."""

    def labels(self, identity, split="test"):
        return np.arange(1000) % 4

    def predictions(self, identity, split="test"):
        wrong = np.arange(1000) >= 1000 * self.runs.set_index("identity").loc[identity, "test_accuracy"]
        return (self.labels(identity) + wrong) % 4

    def classes(self, identity):
        return ("anger", "fear", "joy", "sadness")


def made(*frames, name="paper"):
    """Frozen results of frames of `make_runs`, whose scores are all the same."""
    runs = pd.concat(frames, ignore_index=True)
    others = ("test_weighted_f1", "validation_accuracy", "validation_weighted_f1")
    runs = runs.assign(identity=runs.index.map(str), batch_size=10, **dict.fromkeys(others, runs["test_accuracy"]))
    return Made(name, runs, pd.DataFrame(columns=["identity", "epoch", "validation_accuracy"]))


def within(members, times):
    """Each class of a set is taken `times` times for each other one."""
    return {(a, b): times for a in members for b in members if a != b}


def row_of(table, **wanted):
    """The one row of a table with these values."""
    found = table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]
    assert len(found) == 1, f"{len(found)} rows for {wanted}"
    return found.iloc[0]


def check_readable(figure):
    """Every text that is drawn has 7 points or more, lies inside the figure, and overlaps no other text."""
    drawn, draw = {}, Text.draw

    def seen(text, renderer):
        if text.get_visible() and text.get_text().strip():
            drawn[text] = Text.get_window_extent(text, renderer)
        draw(text, renderer)

    with mock.patch.object(Text, "draw", seen):
        figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    assert drawn
    for text, box in drawn.items():
        assert text.get_fontsize() >= 7, text.get_text()
        assert box.x0 > -2 and box.y0 > -2 and box.x1 < width + 2 and box.y1 < height + 2, f"{text.get_text()!r} is cut off"
    for (one, its), (other, others) in itertools.combinations(drawn.items(), 2):
        overlap = min(its.x1, others.x1) - max(its.x0, others.x0), min(its.y1, others.y1) - max(its.y0, others.y0)
        assert min(overlap) < 2, f"{one.get_text()!r} overlaps {other.get_text()!r}"
