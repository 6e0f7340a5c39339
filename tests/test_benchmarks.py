"""The plain version of the benchmark does the same as ours, and the command prints its rows. No time is asserted."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from lclstudy import config, paths, subsets, train
from lclstudy.errors import StudyError

FOLDER = paths.ROOT / "benchmarks"


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import worker

    return worker


@pytest.fixture
def spec():
    return config.spec("embedded", "lcl", encoder="tiny", learning_rate=1e-3, epochs=1)


def without_dropout(worker, spec, whole_corpus):
    data = train.prepare(spec)
    versions = worker.Ours(spec, data, 5), worker.Plain(spec, data, 5, whole_corpus)
    for version in versions:
        version.objective.eval()
    return versions


@pytest.mark.parametrize("whole_corpus", [True, False])
def test_plain_steps_equal_ours(worker, spec, whole_corpus):
    """Loss, its parts, logits and gradients of a batch; and the weights after three steps of the optimiser."""
    versions = without_dropout(worker, spec, whole_corpus)
    for _ in range(3):
        batches = [next(version.batches) for version in versions]
        ours, plain = (version.objective(batch) for version, batch in zip(versions, batches, strict=True))
        torch.testing.assert_close(plain.loss, ours.loss, rtol=1e-5, atol=0)
        torch.testing.assert_close(plain.parts, ours.parts, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(plain.logits, ours.logits, rtol=1e-4, atol=1e-5)
        ours.loss.backward()
        plain.loss.backward()
        gradients = [{name: p.grad for name, p in version.objective.named_parameters()} for version in versions]
        assert max(gradient.abs().max() for gradient in gradients[0].values()) > 0.01
        torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-4, atol=1e-6)
        for version, batch in zip(versions, batches, strict=True):
            version.optimizer.zero_grad()
            train.step(version.objective, batch, version.optimizer, version.schedule, "fp32")
    # AdamW divides by the gradient's size, so rounding weighs most where a gradient is nearly nothing.
    ours, plain = (torch.cat([p.detach().flatten() for p in version.objective.parameters()]) for version in versions)
    assert (ours - plain).abs().mean() < 1e-6


@pytest.mark.parametrize("whole_corpus", [True, False])
def test_plain_evaluation_equals_ours(worker, spec, whole_corpus):
    ours, plain = without_dropout(worker, spec, whole_corpus)
    expected = train.evaluate(ours.objective.primary, ours.data.texts["validation"], spec, worker.CPU)
    found = worker.plain.evaluate(plain.objective, plain.data.texts["validation"], *plain.padding)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_plain_rows_have_one_length_per_corpus_or_per_batch(worker, spec):
    data = train.prepare(spec)
    by_corpus, by_batch = (worker.Plain(spec, data, 1, whole_corpus) for whole_corpus in (True, False))
    lengths = {next(by_corpus.batches).input_ids.shape[1] for _ in range(5)}
    assert lengths == {worker.longest(data)}
    for _ in range(5):
        batch = next(by_batch.batches)
        assert batch.attention_mask.sum(dim=1).max() == batch.input_ids.shape[1]
        assert batch.input_ids.shape[0] == 2 * spec.batch_size


def test_the_double_loop_equals_our_loss(worker):
    ours, loop = (worker.Loss(function) for function in worker.LOSSES.values())
    for version in (ours, loop):
        version.loss()
    torch.testing.assert_close(loop.features.grad, ours.features.grad)
    torch.testing.assert_close(loop.logits.grad, ours.logits.grad)
    assert ours.logits.grad.abs().max() > 0


def test_the_short_epoch_keeps_the_proportion_of_the_splits(worker, spec):
    data = train.prepare(spec)
    short = worker.shortened(data, 72)
    assert {split: len(tokens) for split, tokens in short.texts.items()} == {"train": 72, "validation": 24, "test": 24}
    assert len(short.views) == 72
    assert short.labels["validation"] == data.labels["validation"][:24]
    assert len(worker.shortened(data, 10**6).texts["train"]) == len(data.texts["train"])


@pytest.fixture
def subset_speed(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import subset_speed

    return subset_speed


def test_the_plain_search_equals_ours(subset_speed):
    for size, count in ((2, 4), (3, 2), (4, 2)):
        confusion = np.random.default_rng(size).poisson(1.0, (8, 8))  # with ties
        assert subset_speed.brute_force(confusion, size, count) == subsets.most_confusable(confusion, size, count)
    assert {*subset_speed.times(8, 3)} == {"itertools", "ours", "bootstrap"}


def test_a_search_that_finds_something_else_is_not_timed(subset_speed, monkeypatch):
    monkeypatch.setattr(subsets, "most_confusable", lambda confusion, size, count: [((0, 1, 2), 0.0)] * count)
    with pytest.raises(StudyError, match="brute force"):
        subset_speed.times(8, 3)


def command(tmp_path, *arguments: str) -> subprocess.CompletedProcess:
    """The benchmark where there are no encoders but `tiny`."""
    environment = os.environ | {"LCLSTUDY_MODELS": str(tmp_path), "HF_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, FOLDER / "run.py", "--out", tmp_path / "out" / "report.md", *arguments],
        capture_output=True, text=True, env=environment, cwd=tmp_path,
    )  # fmt: skip


def test_the_command_prints_its_rows(tmp_path):
    done = command(tmp_path, "--encoder", "minilm,tiny", "--steps", "2", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.md").read_text("utf-8") == done.stdout
    assert "Traceback" not in done.stderr and "leaked" not in done.stderr
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if line.startswith("|")]
    versions = ["ours, fp32", "ours, bf16", "plain", "plain, batch padding"]
    for work in ("step", "epoch", "evaluation"):
        of_work = [row for row in rows if row[0].startswith(work)]
        assert [row[1] for row in of_work] == versions
        for row in of_work:
            assert all(re.fullmatch(r"[\d.e+]+ m?s", cell) for cell in row[2:4]), row
            assert all(re.fullmatch(r"[\d.]+ \(CPU [\d.]+\)", cell) for cell in row[4:6]), row
            assert int(row[6]) > 0
        assert [row[4] for row in of_work if row[1] == "plain"] == ["1.00 (CPU 1.00)"]
    assert [row[0] for row in rows if len(row) == 4][2:] == ["ours", "double loop"]
    assert [row[0] for row in rows if len(row) == 3][2:] == ["looked up anew", "first pass", "second pass"]
    assert [row[:2] for row in rows if len(row) == 5][2:] == [
        ["ours", "4 picks"], ["itertools", "4 picks"], ["ours", "bootstrap, 1000 draws"]]  # fmt: skip
    losses = re.search(r"loss (\S+) \(ours\), (\S+) \(plain\)", done.stdout)
    assert float(losses[1]) == pytest.approx(float(losses[2]), rel=1e-5)
    assert re.search(r"## minilm\n\nSkipped: .*'minilm'", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--encoder", "huge"), "huge"),
        (("--steps", "0"), "a whole number from 1; given '0'"),
        (("--rounds", "few"), "a whole number from 1; given 'few'"),
    ],
)
def test_a_wrong_argument_stops_before_any_work(tmp_path, arguments, says):
    done = command(tmp_path, *arguments)
    assert done.returncode != 0
    assert says in done.stderr.splitlines()[-1]
    assert "preparing" not in done.stderr and not (tmp_path / "out").exists()
