"""The plain version of the benchmark does the same as ours, and the commands print their rows. No time is asserted."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from lclstudy import paths
from lclstudy.models import dropout
from lclstudy.plan.spec import make_spec
from lclstudy.statistics import subsets
from lclstudy.training import loop, prepare
from tests.material import refused

FOLDER = paths.ROOT / "benchmarks"
sys.path.append(str(FOLDER))

import gpu  # noqa: E402
import run as benchmark  # noqa: E402
import versions  # noqa: E402


@pytest.mark.parametrize("objective", ["lcl", "ce"])
def test_plain_equals_ours_and_takes_nothing_of_what_makes_it_fast(objective):
    """From the same weights, without dropout: probabilities; loss, its parts and logits of three batches, with steps of the
    optimiser between them; then the weights."""
    spec = make_spec("embedded", objective, encoder="tiny", learning_rate=1e-3, epochs=1)
    data = prepare.prepare(spec)
    assert data.used is not None, "ours has fewer embeddings"
    pair = versions.Ours(spec, data), versions.Plain(spec, data)
    kinds = [set(map(type, version.objective.primary.modules())) for version in pair]
    assert [dropout.Dropout in each for each in kinds] == [True, False]
    for version in pair:
        version.objective.eval()
    np.testing.assert_allclose(pair[1].evaluate(), pair[0].evaluate(), rtol=1e-4)
    optimizers = [loop.adamw(version.objective, 1e-3, fused=False) for version in pair]
    for batches in zip(*(version.batches for version in pair), range(3), strict=False):
        outcomes = []
        for version, batch, optimizer in zip(pair, batches, optimizers, strict=False):
            schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)
            outcomes.append(loop.step(version.objective, batch, optimizer, schedule, "fp32"))
        ours, plain = outcomes
        torch.testing.assert_close((plain.loss, plain.parts), (ours.loss, ours.parts), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(plain.logits, ours.logits, rtol=1e-4, atol=1e-5)
    ours, plain = (dict(version.objective.named_parameters()) for version in pair)
    plain = {name: value[data.used] if "word_embeddings" in name else value for name, value in plain.items()}
    # AdamW divides by the gradient's size, so rounding weighs most where a gradient is nearly nothing.
    assert ours.keys() == plain.keys()
    assert torch.cat([(ours[name] - plain[name]).detach().abs().flatten() for name in ours]).mean() < 1e-6


@pytest.mark.parametrize("objective", ["lcl", "scl"])
def test_gradients_are_those_of_the_plain_one_and_others_are_seen(objective):
    """At a low temperature: random weights give features so alike that at 0.3 even a wrong temperature changes nothing."""
    spec, other = (make_spec("embedded", objective, encoder="tiny", temperature=value) for value in (0.01, 0.02))
    assert versions.apart((versions.Ours, spec), (versions.Plain, spec))[2] < 4e-6
    assert versions.apart((versions.Ours, spec), (versions.Ours, other))[2] > 5e-5


def test_a_search_that_finds_something_else_is_not_timed(monkeypatch):
    monkeypatch.setattr(subsets, "most_confusable", lambda confusion, size, count: [((0, 1, 2, 3), 0.0)] * count)
    with refused("The two ways differ: hard subsets"):
        benchmark.alone_report(12)


def table_rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def test_the_report_has_its_rows(tmp_path):
    """Where there are no encoders but `tiny`; of a process at a time, as two at once are in the next test."""
    code = "import run; run.MODES = {'serial': 1}; run.main()"
    places = {"PYTHONPATH": f"{FOLDER}:{paths.ROOT}", "LCLSTUDY_MODELS": str(tmp_path), "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, "--quick", "--encoder", "minilm,tiny", "--out", tmp_path / "out" / "report.md"],
        capture_output=True, text=True, env=os.environ | places,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.md").read_text("utf-8") == done.stdout
    assert "Traceback" not in done.stderr and "leaked" not in done.stderr
    rows = table_rows(done.stdout)
    timed = [row for row in rows if len(row) == 7][2:]
    names = ["ours, bf16", "ours, fp32", "plain, batch padding"]
    for work in (("lcl", "evaluation"), ("lcl", "serial"), ("ce", "serial")):
        of_work = [row for row in timed if (row[0], row[1]) == work]
        assert [row[2] for row in of_work] == names + [benchmark.LIBRARY] * (work[0] == "ce")
        assert of_work[2][4] == "1.00 (CPU 1.00)" and all(int(row[6]) > 100 for row in of_work)
    assert len([row for row in rows if len(row) == 4][2:]) == 3
    checks = re.findall(r"loss (\S+) \(ours\), (\S+) \(plain\), gradients apart by ([\de.-]+)", done.stdout)
    assert len(checks) == 2
    for ours, plain, gradients in checks:
        assert float(ours) == pytest.approx(float(plain), rel=1e-5) and float(gradients) < 1e-5
    assert re.search(r"## minilm\n\nSkipped: .*'minilm'", done.stdout)


def test_all_of_gpu_but_cuda_itself_and_a_check_that_fails_is_its_exit_status(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "LIMITS", gpu.LIMITS | {"bf16": 1e-6})
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", "--encoder", "tiny", "--quick"])
    assert gpu.main() == 1
    printed = capsys.readouterr().out
    rows = table_rows(printed)
    checks = [row for row in rows if len(row) == 7][2:]
    assert [[*row[:2], row[6]] for row in checks] == [["lcl", "fp32", "same"], ["lcl", "bf16", "DIFFERS"]]
    assert [row[:2] for row in rows if len(row) == 4][2:] == [["lcl", "1"], ["lcl", "2"]]
    slow = [row for row in rows if len(row) == 3]
    assert len(slow) == 2 * (2 + gpu.TOP) and any(row[0] == "aten::mm" for row in slow)
    assert re.search(r"alone: [\d.]+ ms, of which cpu works [\d.]+ ms and idles \d+%", printed)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_without_one_says_so_in_a_line(monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    assert gpu.main() == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("No CUDA here") and len(err.splitlines()) == 1


@pytest.mark.parametrize("script", [benchmark, gpu])
def test_an_unknown_encoder_stops_before_any_work(monkeypatch, capfd, script):
    monkeypatch.setattr(sys, "argv", ["script", "--encoder", "huge"])
    with refused("huge"):
        script.main()
    assert capfd.readouterr() == ("", "")
