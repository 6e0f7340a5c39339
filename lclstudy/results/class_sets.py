"""The case study of Section 5.3: which class subsets a profile asks for, the runs on them, and the paper's hard sets by rank.

Published subsets are data. Others are found by the search in the confusions of a profile's own cross-entropy runs on all
classes, so they are known only when those have run. `runs` is where these are: a `RunStore`, or `FrozenRuns`.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from string import ascii_lowercase

import numpy as np
import pandas as pd

from lclstudy.errors import StudyError, unknown
from lclstudy.plan.profiles import Profile
from lclstudy.plan.spec import RunSpec
from lclstudy.statistics import judge, metrics, subsets

from . import published

Classes = tuple[str, ...] | None  # None: every class of the corpus
SPLIT = "validation"  # whose confusions are searched
DRAWS = 1000
COLUMNS = ["set", "rank", "low", "high", "first_share", "last_share", "word", "runs"]


def named_sets(profile: Profile) -> dict[str, Classes]:
    """The published subsets that a profile asks for, by name. Raises StudyError on a name that is not published."""
    if profile.case_study is None:
        return {}
    known = {"all": None, **published.class_sets()}
    for name in profile.case_study.sets:
        if name not in known:
            raise unknown(f"class set in [case_study] of profile {profile.name}", name, known)
    return {name: known[name] for name in profile.case_study.sets}


def searched(profile: Profile) -> list[RunSpec]:
    """The runs whose validation confusions the search adds up: cross-entropy on all classes, every seed of the case study.

    The paper used one such model and does not name the split (Section 5.3); validation leaves the test texts unseen.
    """
    study = profile.case_study
    return [profile.spec(study.corpus, "ce", seed=seed) for seed in study.search_seed] if study and study.found else []


def finished(profile: Profile, runs) -> list[RunSpec]:
    """Those of `searched` that are finished."""
    return [spec for spec in searched(profile) if runs.has(spec)]


def found_sets(profile: Profile, runs) -> dict[str, tuple[str, ...]]:
    """The most confusable disjoint subsets that the profile asks for, by name, in the validation confusions of the finished
    runs of `searched`, added up; empty before one is finished."""
    records = [runs.load(spec) for spec in finished(profile, runs)]
    if not records:
        return {}
    classes = records[0].classes
    counts = [metrics.confusion_matrix(record.validation_labels, record.validation_probabilities.argmax(axis=1), classes)
              for record in records]  # fmt: skip
    return picked(sum(counts), classes, profile.case_study.size, profile.case_study.found)


def picked(counts: np.ndarray, classes: tuple[str, ...], size: int, count: int) -> dict[str, tuple[str, ...]]:
    """The picks of `subsets.most_confusable` by name, as many as there are: `found-a` is the most confusable."""
    picks = subsets.most_confusable(counts, size, min(count, len(classes) // size))
    return {f"found-{letter}": tuple(classes[index] for index in members)
            for letter, (members, _) in zip(ascii_lowercase, picks, strict=False)}  # fmt: skip


def all_sets(profile: Profile, runs) -> dict[str, Classes]:
    """`named_sets`, then those `found_sets` that are none of them: a set that is published and found has its published name."""
    named = named_sets(profile)
    known = {frozenset(members) for members in named.values() if members}
    return named | {name: members for name, members in found_sets(profile, runs).items() if frozenset(members) not in known}


def specs(profile: Profile, sets: Mapping[str, Classes]) -> list[RunSpec]:
    """The runs on `sets`, the seed varying slowest: cut short, all sets and objectives have the first seeds."""
    study = profile.case_study
    every = itertools.product(study.seed, sets.values(), study.objective) if study else ()
    return [profile.spec(study.corpus, objective, seed=seed, classes=classes) for seed, classes, objective in every]


def all_specs(profile: Profile, runs) -> list[RunSpec]:
    """Every run of a profile, each once: its grid, the case study on published sets, and on found ones where they are known."""
    read = [spec for spec in searched(profile) if spec.seed in profile.case_study.seed]
    return list(dict.fromkeys([*profile.specs(), *read, *specs(profile, all_sets(profile, runs))]))


def frozen_sets(results, corpus: str) -> dict[str, tuple[str, ...]]:
    """The class subsets of a corpus in `Frozen` results, by name: published ones first, then `found-a`, ... as the search finds
    them, lettered on from one size to the next, then, by their classes, any that it no longer finds.
    """
    here = results.runs[(results.runs["corpus"] == corpus) & (results.runs["classes"] != "")]
    present = {frozenset(text.split("|")): tuple(text.split("|")) for text in here["classes"]}
    known = published.class_sets() if corpus in set(published.table("suresh2021", 3)["corpus"]) else {}
    named = {name: present.pop(frozenset(members)) for name, members in known.items() if frozenset(members) in present}
    identities = searched_runs(results, corpus) if present else []
    counts, classes = results.confusion(identities, SPLIT) if identities else (None, ())
    letters = ascii_lowercase
    for size in sorted({len(members) for members in present}):
        if not size < len(classes) or math.comb(len(classes), size) > subsets.MOST_SUBSETS:
            continue
        picks = picked(counts, classes, size, len(classes) // size).values()
        for letter, members in zip(letters, picks, strict=False):
            if frozenset(members) in present:
                named[f"found-{letter}"] = present.pop(frozenset(members))
                letters = ascii_lowercase[ascii_lowercase.index(letter) + 1 :]  # of the next size
    return named | {", ".join(members): members for members in present.values()}


def searched_runs(results, corpus: str) -> list[str]:
    """Identities of the finished cross-entropy runs on all classes of a corpus in frozen results, with the first encoder."""
    runs = results.done.query("corpus == @corpus and classes == '' and objective == 'ce'")
    return next((group["identity"].tolist() for _, group in runs.groupby("encoder", sort=False)), [])


def published_hard() -> dict[str, tuple[str, ...]]:
    """The hard sets of Section 5.3, by name."""
    return {name: members for name, members in published.class_sets().items() if "hard" in name}


def ranked(
    results, corpus: str, sets: Mapping[str, Sequence[str]] | None = None, drawn: np.ndarray | None = None
) -> pd.DataFrame:
    """The rank of each set (1: the most confusable) among all of its size in the validation confusions of the finished
    cross-entropy runs on all classes, added up, and the word of `judge.judge_ranks`.

    `sets` by name, all of one size; default: `published_hard`. `low` and `high` hold 95 % of the ranks when the texts are drawn
    again, each with the predictions of all runs; `first_share` is the share of draws that rank the set among the first 0.1 % of
    all sets, `last_share` that rank it outside the first 1 %. `drawn`: of `resampled`, else of seed 0. Without runs: `not run`.
    """
    sets = published_hard() if sets is None else sets
    runs = searched_runs(results, corpus)
    if not runs:
        return pd.DataFrame([{"set": name, "word": judge.NOT_RUN, "runs": 0} for name in sets], columns=COLUMNS)
    confusion, classes = results.confusion(runs, SPLIT)
    chosen = [sorted(map(classes.index, members)) for members in sets.values()]
    drawn = resampled(results, runs, DRAWS, np.random.default_rng(0)) if drawn is None else drawn
    ranks = subsets.resampled_ranks(drawn, chosen)
    every = math.comb(len(classes), len(chosen[0]))
    first, last = judge.rank_limits(every)
    low, high = np.percentile(ranks, (2.5, 97.5), axis=0, method="inverted_cdf")
    return pd.DataFrame({
        "set": list(sets),
        "rank": subsets.resampled_ranks(confusion[np.newaxis], chosen)[0],
        "low": low,
        "high": high,
        "first_share": (ranks <= first).mean(axis=0),
        "last_share": (ranks > last).mean(axis=0),
        "word": [judge.judge_ranks(each, every, len(runs)) for each in ranks.T],
        "runs": len(runs),
    })  # fmt: skip


def resampled(results, runs: Sequence[str], draws: int, generator: np.random.Generator) -> np.ndarray:
    """`subsets.resample_texts` of some runs, int [draws,C,C]. Raises StudyError if they are not of the same texts."""
    labels = results.labels(runs[0], SPLIT)
    if not all(np.array_equal(labels, results.labels(run, SPLIT)) for run in runs):
        raise StudyError(f"Texts are drawn again for runs of the same {SPLIT} texts; these runs of {results.name} differ.")
    predictions = np.stack([results.predictions(run, SPLIT) for run in runs])
    classes = len(results.classes(runs[0]))
    return subsets.resample_texts(labels, predictions, classes, draws, generator=generator)
