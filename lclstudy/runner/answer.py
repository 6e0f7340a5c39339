"""The study's answer in five sentences: facts for `templates/answer.md.j2`, of whatever has run so far."""

import numpy as np
import pandas as pd

from lclstudy.analyses.case_study import tables as case_study
from lclstudy.plan import catalog
from lclstudy.plan.profiles import load_profile
from lclstudy.results.comparisons import ENTROPY, PRIMARY, SYNONYMS, Pairs, claimed, over_corpora
from lclstudy.results.frozen import Frozen
from lclstudy.show import text
from lclstudy.statistics import tests
from lclstudy.statistics.judge import LEVEL, UNDECIDED

CASE_STUDY = "empathetic_dialogues"


def answer(results: Frozen) -> dict:
    """`gains` and `entropies` by pair of objectives, of `told`; `confusable`, of `case_study.correlations`; `surer`: corpora
    on which the paper claims a lower entropy of LCL than of CE; `planned_corpora`, each with the number of its classes, and
    `planned_seeds` of the profile."""
    specs = load_profile(results.name).specs()
    return {
        "gains": told(results, PRIMARY) | told(results, SYNONYMS),
        "entropies": told(results, PRIMARY, ENTROPY) | told(results, SYNONYMS, ENTROPY),
        "confusable": case_study.correlations(case_study.gains(results, CASE_STUDY)),
        "surer": [corpus for corpus, _, a, b in claimed(ENTROPY) if (a, b) == ("lcl", "ce")],
        "planned_corpora": {spec.corpus: len(catalog.corpora()[spec.corpus].labels) for spec in specs},
        "planned_seeds": len({spec.seed for spec in specs}),
    }


def told(results: Frozen, pairs: Pairs, metric: str = "accuracy") -> dict[tuple[str, str], dict | None]:
    """By pair of a family, of `over_corpora`: `places`, its rows; `words`, these by what is judged of them; `undecided`, of
    which corpora nothing is; their `mean`, and the `expected` one as published; `p` of the mean after Holm over those of the
    family; its `sign`, 1 or -1, if that is below 0.05, else 0; `n`, the least and the greatest number of runs. None if there is
    no row."""
    found = {pair: over_corpora(results, *pair, metric) for pair in pairs}
    adjusted = tests.holm([mean.p if mean else np.nan for _, mean in found.values()])
    return {pair: _told(rows, mean, p) if len(rows) else None
            for (pair, (rows, mean)), p in zip(found.items(), adjusted, strict=True)}  # fmt: skip


def _told(rows: pd.DataFrame, mean: tests.TTest | None, p: float) -> dict:
    places, counts = rows.to_dict("records"), rows[["n_a", "n_b"]]
    judged = [text.judged(row) for row in places]
    return {
        "places": places,
        "words": {said: [row for row, own in zip(places, judged, strict=True) if own == said] for said in judged},
        "undecided": [row["corpus"] for row in places if row["word"] == UNDECIDED],
        "mean": mean,
        "p": p,
        "sign": int(np.sign(mean.difference)) if p < LEVEL else 0,
        "expected": rows["expected"].mean(),
        "n": sorted({counts.min(axis=None), counts.max(axis=None)}),
    }
