"""How often the judgement gives each word if the truth is known: what three, five or ten seeds can tell."""

import itertools
from collections.abc import Iterable

import numpy as np
import pandas as pd

from lclstudy.results.comparisons import ALL_CLASSES, scored
from lclstudy.results.frozen import Frozen
from lclstudy.statistics import judge, tests
from lclstudy.statistics.judge import WORDS

TRUTHS = {"no difference": 0, "as published": 1, "the opposite": -1}  # what LCL gains, as a multiple of what is expected
WRONG = {"no difference": ("reproduced", "contradicted"), "as published": ("contradicted", "smaller than published"),
         "the opposite": ("reproduced",)}  # fmt: skip


def table(expected: float, sds: tuple[float, float, float], draws: int, seeds: Iterable[int] = (3, 5, 10)) -> pd.DataFrame:
    """Shares of the words for the claim that LCL lies `expected` above CE, a row per number n of seeds and truth, in the family
    of three that is judged: LCL - CE, LCL - SCL, SCL - CE.

    Runs are normal with the standard deviations `sds` of (LCL, CE, SCL) in points; SCL is as good as CE in each truth. Columns:
    `truth`, `n`, those of `WORDS`, and `wrong`: the share of the words that would be wrong there (`WRONG`).
    """
    generator, rows = np.random.default_rng(0), []
    for n, (truth, factor) in itertools.product(seeds, TRUTHS.items()):
        drawn = generator.normal([[factor * expected], [0], [0]], np.reshape(sds, (3, 1)), (draws, 3, n))
        words = pd.Series([_word(*runs, expected) for runs in drawn]).value_counts(normalize=True)
        shares = words.reindex(WORDS, fill_value=0.0)
        rows.append({"truth": truth, "n": n, **shares, "wrong": float(shares[list(WRONG[truth])].sum())})
    return pd.DataFrame(rows)


def _word(lcl: np.ndarray, ce: np.ndarray, scl: np.ndarray, expected: float) -> str:
    family = [tests.welch(a, b) for a, b in ((lcl, ce), (lcl, scl), (scl, ce))]
    p_holm = tests.holm([test.p for test in family])[0]
    return judge.judge_difference(family[0], len(lcl), expected, p_holm=p_holm).word


def deviations(results: Frozen) -> tuple[float, float, float]:
    """Standard deviations over seeds of LCL, CE and SCL in points, pooled over the corpora, with all classes; NaN where no
    corpus has two seeds."""
    runs = scored(results)
    groups = runs[runs["set"] == ALL_CLASSES].groupby(["objective", "corpus", "encoder"])["value"]
    free = groups.count() - 1
    sums = pd.DataFrame({"squares": groups.var() * free, "free": free}).groupby("objective").sum()
    return tuple(np.sqrt(sums["squares"] / sums["free"]).reindex(["lcl", "ce", "scl"]))


def can_tell(results: Frozen) -> bool:
    """Whether LCL, CE and SCL all have `deviations`."""
    return not np.isnan(deviations(results)).any()
