"""The plain version of the benchmark does the same as ours, and the commands print their rows. No time is asserted."""

import itertools
import re
import sys

import numpy as np
import pytest
import torch

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.models import dropout
from lclstudy.plan.spec import make_spec
from lclstudy.training import loop, prepare
from lclstudy.training.optimizer import AdamW
from tests.material import refused

sys.path.append(str(paths.ROOT / "benchmarks"))

import gpu
import run as benchmark
import versions


@pytest.mark.parametrize("objective", ["lcl", "ce"])
def test_plain_equals_ours_and_takes_nothing_of_what_makes_it_fast(objective):
    """From the same weights, without dropout: probabilities, and the weights after three steps of the optimiser."""
    spec = make_spec("embedded", objective, encoder="tiny", learning_rate=1e-3, epochs=1)
    data = prepare.prepare(spec)
    assert data.used is not None, "ours has fewer embeddings"
    pair = versions.Ours(spec, data), versions.Plain(spec, data)
    kinds = [set(map(type, version.objective.primary.modules())) for version in pair]
    assert [dropout.Dropout in each for each in kinds] == [True, False]
    np.testing.assert_allclose(*(version.evaluate() for version in pair), rtol=1e-4)
    losses = []
    for version in pair:
        optimizer = AdamW(version.objective.eval(), 1e-3, fused=False)
        if version is pair[0]:
            optimizer.save_traffic(version.objective, "fp32")
        schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)
        steps = (loop.step(version.objective, batch, optimizer, schedule, "fp32") for batch in version.batches)
        losses.append([outcome.loss.item() for outcome in itertools.islice(steps, 3)])
    np.testing.assert_allclose(*losses, rtol=1e-5)
    ours, plain = (dict(version.objective.named_parameters()) for version in pair)
    plain = {name: value[data.used] if "word_embeddings" in name else value for name, value in plain.items()}
    # AdamW divides by the gradient's size, so rounding weighs most where a gradient is nearly nothing.
    assert ours.keys() == plain.keys()
    assert torch.cat([(ours[name] - plain[name]).detach().abs().flatten() for name in ours]).mean() < 1e-6


def test_the_report_has_its_rows(monkeypatch, tmp_path, capfd):
    """Where there are no encoders but `tiny`; of a process at a time, as two at once are in the next test."""
    whole = benchmark.encoder_report

    def report(encoder, *how):
        if encoder == "minilm":
            raise StudyError("No files of 'minilm'.")
        return whole(encoder, *how)

    monkeypatch.setattr(benchmark, "encoder_report", report)
    monkeypatch.setattr(benchmark, "MODES", {"serial": 1})
    out = tmp_path / "out" / "report.md"
    monkeypatch.setattr(sys, "argv", ["run.py", "--quick", "--encoder", "minilm,tiny", "--out", str(out)])
    benchmark.main()
    printed, told = capfd.readouterr()
    assert out.read_text("utf-8") == printed and "Traceback" not in told
    assert "## minilm\n\nSkipped: No files of 'minilm'." in printed
    names = ["ours, bf16", "ours, fp32", "plain, batch padding"]
    of_ce = [*names, benchmark.LIBRARY]
    wanted = [("lcl", "serial", names), ("lcl", "evaluation", names), ("ce", "serial", of_ce)]
    timed = re.findall(r"^\| (lcl|ce) +\| (\w+) +\| (.+?) +\| .* (\d+) +\|$", printed, re.MULTILINE)
    assert [row[:3] for row in timed] == [(*work, name) for *work, versions in wanted for name in versions]
    assert all(int(peak) > 100 for *_, peak in timed) and printed.count("1.00 (CPU 1.00)") >= 4
    assert all(f"\n| {work}" in printed for work in ("LCL alone, ", "second views of 720 ", "hard subsets of 4 among 12 "))
    checks = re.findall(r"loss (\S+) \(ours\), (\S+) \(plain\), gradients apart by ([\de.-]+)", printed)
    assert len(checks) == 2
    for ours, plain, gradients in checks:
        assert float(ours) == pytest.approx(float(plain), rel=1e-5) and float(gradients) < 1e-5


def test_ways_that_differ_are_not_timed(monkeypatch):
    monkeypatch.setattr(benchmark.losses, "label_aware_contrastive", lambda features, *_: features.sum())
    with refused("The two ways differ: LCL alone"):
        benchmark.alone_report(12)


def test_all_of_gpu_but_cuda_itself_and_a_check_that_fails_is_its_exit_status(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "LIMITS", gpu.LIMITS | {"bf16": 1e-6})
    monkeypatch.setattr(gpu, "WARM_UP", 1)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", "--encoder", "tiny", "--quick"])
    assert gpu.main() == 1
    printed = capsys.readouterr().out
    checks = re.findall(r"^\| lcl +\| (fp32|bf16) .* (same|DIFFERS) +\|$", printed, re.MULTILINE)
    assert checks == [("fp32", "same"), ("bf16", "DIFFERS")]
    assert re.findall(r"^\| lcl +\| (\d) +\| [\d.]+ +\| \d+ +\|$", printed, re.MULTILINE) == ["1", "2"]
    assert "\n| aten::mm" in printed
    assert re.search(r"alone: [\d.]+ ms, of which cpu works [\d.]+ ms and idles \d+%", printed)


def test_an_unknown_encoder_and_a_gpu_that_is_not_there_are_told_before_any_work(monkeypatch, capfd):
    for script in (benchmark, gpu):
        monkeypatch.setattr(sys, "argv", ["script", "--encoder", "huge"])
        with refused("huge"):
            script.main()
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    if not torch.cuda.is_available():
        assert gpu.main() == 2
        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1) and err.startswith("No CUDA here")
