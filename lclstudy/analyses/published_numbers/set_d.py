"""Can the printed 4-hard-d have its printed accuracy? It holds `guilty`, which stands in 4-hard-c too and is like none of it.

A cross-entropy run on all 32 classes is asked to tell the classes of a set apart: of its probabilities those of the set are
kept, on the test texts of the set. That is not training on these classes alone, so what it says is read against the other
printed sets, for which the same is done.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from lclstudy.results import class_sets, published
from lclstudy.results.comparisons import scored
from lclstudy.results.frozen import Frozen
from lclstudy.statistics import subsets

CORPUS, SET, DOUBTED = "empathetic_dialogues", "4-hard-d", "guilty"


class FollowUp(NamedTuple):
    """What our runs say of the set.

    `sets`: a row per published set: `set`, `classes`, and accuracies of CE in percent: `restricted` (ours on 32 classes),
    `alone` (ours trained on the set alone, where there is a run), `printed`; `gap` = printed - restricted. `fourth`: a row per
    class that could stand in the place of the doubted one because it is in no hard set before, and the doubted one, by
    distance from the printed accuracy: `class`, `restricted`, `expected` with `low` and `high` (95 % prediction interval, from
    the gaps of the other sets), `confusion` (validation errors within the set), `added` (of these, with the class), `rank`
    among all sets of four by confusion, and `rank_left` (`subsets.rank_when_picked`). `printed`: the accuracy in question;
    `runs` on 32 classes.
    """

    sets: pd.DataFrame
    fourth: pd.DataFrame
    printed: float
    runs: int


def follow_up(results: Frozen) -> FollowUp:
    """See `FollowUp`; from the finished CE runs on all classes of the corpus."""
    identities, members = class_sets.searched_runs(results, CORPUS), published.class_sets()
    confusion, classes = results.confusion(identities, "validation")
    probabilities = [results.probabilities(identity, "test") for identity in identities]
    labels = results.labels(identities[0], "test")

    def numbers(names: Iterable[str]) -> list[int]:
        return [classes.index(name) for name in names]

    def restricted(ids: list[int]) -> float:
        texts = np.isin(labels, ids)
        picked = np.array([np.take(ids, scores[texts][:, ids].argmax(axis=1)) for scores in probabilities])
        return 100 * float(np.mean(picked == labels[texts]))

    printed = published.table("suresh2021", 3).query("objective == 'ce'").set_index("classes")["value"]
    alone = scored(results).query("corpus == @CORPUS and objective == 'ce'").groupby("set")["value"].mean()
    sets = pd.DataFrame({"set": list(members), "classes": list(members.values())})
    sets["restricted"] = [restricted(numbers(names)) for names in sets["classes"]]
    sets["alone"] = sets["set"].map(alone)
    sets["printed"] = sets["set"].map(printed)
    sets["gap"] = sets["printed"] - sets["restricted"]
    gaps = sets.loc[sets["set"] != SET, "gap"]
    reach = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std() * math.sqrt(1 + 1 / len(gaps))

    kept = numbers(name for name in members[SET] if name != DOUBTED)
    every, scores = subsets.scored(confusion, len(kept) + 1)
    before = numbers(name for hard in ("4-hard-a", "4-hard-b", "4-hard-c") for name in members[hard])
    rows = []
    for one in sorted({*range(len(classes))} - {*kept} - ({*before} - {classes.index(DOUBTED)})):
        errors = int(subsets.confusion_within(confusion, [*kept, one]))
        row = {"class": classes[one], "restricted": restricted([*kept, one]), "confusion": errors}
        row["added"] = errors - int(subsets.confusion_within(confusion, kept))
        when_picked = subsets.rank_when_picked(every, scores, [*kept, one], errors, before)
        rows.append(row | {"rank": subsets.rank_of(scores, errors)[0], "rank_left": when_picked})
    fourth = pd.DataFrame(rows)
    fourth["expected"] = fourth["restricted"] + gaps.mean()
    fourth = fourth.assign(low=fourth["expected"] - reach, high=fourth["expected"] + reach)
    order = (fourth["expected"] - printed[SET]).abs().sort_values(kind="stable").index
    return FollowUp(sets, fourth.loc[order].reset_index(drop=True), float(printed[SET]), len(identities))
