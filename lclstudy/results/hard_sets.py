"""The paper's hard sets among all sets of their size, by rank and with texts drawn again: judged once for whoever shows it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lclstudy.errors import StudyError
from lclstudy.statistics import judge, subsets

from . import class_sets, published
from .frozen import Frozen

SPLIT = "validation"
DRAWS = 1000
ENDS = (2.5, 97.5)  # percent: a 95 % interval over draws
COLUMNS = ["set", "rank", "low", "high", "first_share", "last_share", "word", "runs"]


def published_hard() -> dict[str, tuple[str, ...]]:
    """The hard sets of Section 5.3, by name."""
    return {name: members for name, members in published.class_sets().items() if "hard" in name}


def ranked(
    results: Frozen, corpus: str, sets: Mapping[str, Sequence[str]] | None = None, drawn: np.ndarray | None = None
) -> pd.DataFrame:
    """The rank of each set (1: the most confusable) among all of its size in the validation confusions of the finished
    cross-entropy runs on all classes, added up, and the word of `judge.judge_ranks`.

    `sets` by name, all of one size; default: `published_hard`. `low` and `high` hold 95 % of the ranks when the texts are drawn
    again, each with the predictions of all runs; `first_share` is the share of draws that rank the set among the first 0.1 % of
    all sets, `last_share` that rank it outside the first 1 %. `drawn`: of `resampled`, else of seed 0. Without runs: `not run`.
    """
    sets = published_hard() if sets is None else sets
    runs = class_sets.searched_runs(results, corpus)
    if not runs:
        return pd.DataFrame([{"set": name, "word": judge.NOT_RUN, "runs": 0} for name in sets], columns=COLUMNS)
    confusion, classes = results.confusion(runs, SPLIT)
    chosen = [sorted(map(classes.index, members)) for members in sets.values()]
    drawn = resampled(results, runs, DRAWS, np.random.default_rng(0)) if drawn is None else drawn
    ranks = subsets.resampled_ranks(drawn, chosen)
    _, scores = subsets.scored(confusion, len(chosen[0]))
    first, last = judge.rank_limits(len(scores))
    low, high = np.percentile(ranks, ENDS, axis=0, method="inverted_cdf")
    return pd.DataFrame({
        "set": list(sets),
        "rank": [subsets.rank_of(scores, subsets.confusion_within(confusion, members))[0] for members in chosen],
        "low": low,
        "high": high,
        "first_share": (ranks <= first).mean(axis=0),
        "last_share": (ranks > last).mean(axis=0),
        "word": [judge.judge_ranks(each, len(scores), len(runs)) for each in ranks.T],
        "runs": len(runs),
    })  # fmt: skip


def resampled(results: Frozen, runs: Sequence[str], draws: int, generator: np.random.Generator) -> np.ndarray:
    """`subsets.resample_texts` of some runs, int [draws,C,C]. Raises StudyError if they are not of the same texts."""
    labels = results.labels(runs[0], SPLIT)
    if not all(np.array_equal(labels, results.labels(run, SPLIT)) for run in runs):
        raise StudyError(f"Texts are drawn again for runs of the same {SPLIT} texts; these runs of {results.name} differ.")
    predictions = np.stack([results.predictions(run, SPLIT) for run in runs])
    classes = len(results.classes(runs[0]))
    return subsets.resample_texts(labels, predictions, classes, draws, generator=generator)
