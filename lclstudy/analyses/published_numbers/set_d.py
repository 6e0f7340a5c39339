"""Can the printed 4-hard-d have its printed accuracy? It holds `guilty`, which stands in 4-hard-c too and is like none of it.

A cross-entropy run on all 32 classes is asked to tell the classes of a set apart: of its probabilities those of the set are
kept, on the test texts of the set. That is not training on these classes alone, so what it says is read against the other
printed sets, for which the same is done.
"""

import math
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from lclstudy.results import class_sets, published
from lclstudy.results.frozen import Frozen

CORPUS, SET, DOUBTED = "empathetic_dialogues", "4-hard-d", "guilty"


class FollowUp(NamedTuple):
    """What our runs say of the set.

    `sets`: a row per published set: `set`, `classes`, and accuracies of CE in percent: `restricted` (ours on 32 classes),
    `alone` (ours trained on the set alone, where there is a run), `printed`; `gap` = printed - restricted. `fourth`: a row per
    class that could stand in the place of the doubted one, by distance from the printed accuracy: `class`, `restricted`,
    `expected` with `low` and `high` (95 % prediction interval, from the gaps of the other sets), `confusion` (validation errors
    within the set), `added` (of these, with the class), `rank` among all sets of four by confusion, and `rank_left` among those
    that share no class with the hard sets before. `printed`: the accuracy in question; `runs` on 32 classes.
    """

    sets: pd.DataFrame
    fourth: pd.DataFrame
    printed: float
    runs: int


def follow_up(results: Frozen) -> FollowUp:
    """See `FollowUp`; from the finished CE runs on all classes of the corpus."""
    identities, members = class_sets.searched_runs(results, CORPUS), published.class_sets()
    classes = list(results.classes(identities[0]))
    probabilities = [results.probabilities(identity, "test") for identity in identities]
    labels = results.labels(identities[0], "test")

    def restricted(names: tuple[str, ...]) -> float:
        places = np.array([classes.index(name) for name in names])
        texts = np.isin(labels, places)
        return 100 * float(
            np.mean([places[scores[texts][:, places].argmax(axis=1)] == labels[texts] for scores in probabilities])
        )

    printed = published.table("suresh2021", 3).query("objective == 'ce'").set_index("classes")["value"]
    ours = results.done.query("corpus == @CORPUS and objective == 'ce'").groupby("classes")["test_accuracy"].mean() * 100
    alone = {frozenset(names.split("|")): accuracy for names, accuracy in ours.items()}
    sets = pd.DataFrame(
        {"set": list(members), "classes": list(members.values()), "restricted": map(restricted, members.values())}
    )
    sets["alone"] = [alone.get(frozenset(names), math.nan) for names in sets["classes"]]
    sets["printed"] = sets["set"].map(printed)
    sets["gap"] = sets["printed"] - sets["restricted"]
    gaps = sets.loc[sets["set"] != SET, "gap"]
    reach = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std() * math.sqrt(1 + 1 / len(gaps))

    kept = [name for name in members[SET] if name != DOUBTED]
    before = [name for hard in ("4-hard-a", "4-hard-b", "4-hard-c") for name in members[hard]]
    fourth = _ranked(results.confusion(identities, "validation")[0], classes, kept, before)
    fourth["restricted"] = [restricted((*kept, name)) for name in fourth["class"]]
    fourth["expected"] = fourth["restricted"] + gaps.mean()
    fourth = fourth.assign(low=fourth["expected"] - reach, high=fourth["expected"] + reach)
    fourth = fourth.sort_values("expected", key=lambda expected: (expected - printed[SET]).abs(), kind="stable")
    return FollowUp(sets, fourth.reset_index(drop=True), float(printed[SET]), len(identities))


def _ranked(confusion: np.ndarray, classes: list[str], kept: list[str], before: list[str]) -> pd.DataFrame:
    """The sets of `kept` and one more class among all sets of as many, by their confusion as in Section 5.3 of the paper."""
    both = confusion + confusion.T - 2 * np.diag(np.diag(confusion))
    everything = np.array(list(combinations(range(len(classes)), len(kept) + 1)))
    scores = both[everything[:, :, None], everything[:, None, :]].sum(axis=(1, 2)) // 2
    left = ~np.isin(everything, [classes.index(name) for name in before]).any(axis=1)
    ids = [classes.index(name) for name in kept]
    rows = pd.DataFrame({"class": [name for name in classes if name not in kept]})
    rows["added"] = [int(both[classes.index(name), ids].sum()) for name in rows["class"]]
    rows["confusion"] = rows["added"] + int(both[np.ix_(ids, ids)].sum()) // 2
    for column, some in (("rank", scores), ("rank_left", scores[left])):
        rows[column] = [1 + int((some > confusion).sum()) for confusion in rows["confusion"]]
    return rows
