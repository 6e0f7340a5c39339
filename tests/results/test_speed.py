"""How long runs would take is said in words, by the speed of the study's own."""

import re

from lclstudy.plan.profiles import load_profile
from lclstudy.results.speed import time_said


def runs(profile, seeds, **settings):
    return [load_profile(profile).spec("embedded", name, seed=seed, **settings) for seed in seeds for name in ("ce", "lcl")]


def test_the_time_it_takes_is_said_before_it_starts():
    one, four = time_said(runs("quick", [0])[:1], 100), time_said(runs("quick", [0, 1]), 100)
    assert one.startswith("1 run would take about 1 minute on a machine")
    assert re.match(r"4 runs would take about \d+ minutes? one after another on", four)
    hours = time_said(runs("minilm", [0, 1, 2], epochs=5000), 720)
    assert int(re.search(r"about ([\d,]+) minutes", hours)[1].replace(",", "")) > 60
    assert time_said(runs("minilm", [0], epochs=5000, train_limit=10), 720) != time_said(runs("minilm", [0], epochs=5000), 720)
    assert "not known" in time_said(runs("paper", [0]), 720)
