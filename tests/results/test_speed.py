"""How long runs would take is said in words, by the speed of the study's own."""

import re

from lclstudy.plan.profiles import load_profile
from lclstudy.results.speed import time_said


def runs(profile, seeds, **settings):
    return [load_profile(profile).spec("embedded", name, seed=seed, **settings) for seed in seeds for name in ("ce", "lcl")]


def test_the_time_it_takes_is_said_before_it_starts():
    assert time_said(runs("quick", [0])[:1], 100).startswith("1 run would take about 1 minute on a machine")
    long, short = (time_said(runs("minilm", [0, 1], epochs=5000, train_limit=limit), 720) for limit in (None, 10))
    minutes = [re.match(r"4 runs would take about ([\d,]+) minutes one after another on", said)[1] for said in (long, short)]
    assert int(minutes[0].replace(",", "")) > 60 and minutes[0] != minutes[1]
    assert "not known" in time_said(runs("paper", [0]), 720)
