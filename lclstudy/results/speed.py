"""How long runs would take, by how fast the study's own were. No torch."""

from collections.abc import Sequence

import pandas as pd

from lclstudy.plan import names
from lclstudy.plan.spec import RunSpec

from .frozen import frozen_names, read_frozen


def time_said(specs: Sequence[RunSpec], texts: int) -> str:
    """A sentence on how long runs of one encoder on so many training texts would take."""
    done = pd.concat([pd.DataFrame(columns=["encoder", "objective", "texts_per_second"]),
                      *(read_frozen(name).done for name in frozen_names())])  # fmt: skip
    done = done[done["encoder"] == specs[0].encoder]
    speeds = done.groupby("objective")["texts_per_second"].median()
    if not {spec.objective for spec in specs} <= set(speeds.index):
        return f"How long this takes is not known: the study has no such run with {names.encoder(specs[0].encoder)}."
    seconds = sum(min(texts, spec.train_limit or texts) * spec.epochs * spec.stages / speeds[spec.objective] for spec in specs)
    minutes, runs, devices = max(1, round(seconds / 60)), len(specs), ", ".join(dict.fromkeys(done["device"]))
    return (
        f"{runs} run{'s' * (runs != 1)} would take about {minutes:,} minute{'s' * (minutes != 1)}"
        f"{' one after another' * (runs != 1)} on a machine as fast as that of the study's runs ({devices})."
    )
