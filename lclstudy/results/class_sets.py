"""The case study of Section 5.3: which class subsets a profile asks for, and the runs on them.

Published subsets are data. Others are found by the search in the confusions of a profile's own cross-entropy runs on all
classes, so they are known only when those have run. `runs` is where these are: a `RunStore`, or `FrozenRuns`.
"""

import itertools
import math
from collections.abc import Mapping
from string import ascii_lowercase

import numpy as np

from lclstudy.errors import StudyError, unknown
from lclstudy.plan.profiles import Profile
from lclstudy.plan.spec import RunSpec
from lclstudy.statistics import metrics, subsets

from . import published

ALL = "all"
Classes = tuple[str, ...] | None  # None: every class of the corpus


def named_sets(profile: Profile) -> dict[str, Classes]:
    """The published subsets that a profile asks for, by name. Raises StudyError on a name that is not published."""
    if profile.case_study is None:
        return {}
    known = {ALL: None, **published.class_sets()}
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


def confusion(profile: Profile, runs) -> tuple[np.ndarray, tuple[str, ...], int]:
    """Validation counts [C,C] added up over the finished runs of `searched`, their class names, and how many runs.

    Raises StudyError if none is finished.
    """
    records = [runs.load(spec) for spec in finished(profile, runs)]
    if not records:
        raise StudyError(
            f"No finished cross-entropy run on all classes of {profile.case_study.corpus}, so no confusions to search; train "
            f"one: lclstudy run {profile.name} --corpora {profile.case_study.corpus} --objectives ce"
        )
    classes = records[0].classes
    counts = [metrics.confusion_matrix(record.validation_labels, record.validation_probabilities.argmax(axis=1), classes)
              for record in records]  # fmt: skip
    return sum(counts), classes, len(records)


def found_sets(profile: Profile, runs) -> dict[str, tuple[str, ...]]:
    """The most confusable disjoint subsets that the profile asks for, by name: `found-a` is the most confusable.

    Empty if the profile asks for none. Raises StudyError if no run is there to search.
    """
    if not searched(profile):
        return {}
    counts, classes, _ = confusion(profile, runs)
    return picked(counts, classes, profile.case_study.size, profile.case_study.found)


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
    """The runs on `sets`, each once, the seed varying slowest: cut short, all sets and objectives have the first seeds."""
    study = profile.case_study
    every = itertools.product(study.seed, sets.values(), study.objective) if study else ()
    return list(dict.fromkeys(profile.spec(study.corpus, objective, seed=seed, classes=classes)
                              for seed, classes, objective in every))  # fmt: skip


def all_specs(profile: Profile, runs) -> list[RunSpec]:
    """Every run of a profile, each once: its grid, the case study on published sets, and on found ones where they are known."""
    known = any(runs.has(spec) for spec in searched(profile))
    sets = all_sets(profile, runs) if known else named_sets(profile)
    return list(dict.fromkeys([*profile.specs(), *searched(profile), *specs(profile, sets)]))


def frozen_sets(results, corpus: str) -> dict[str, tuple[str, ...]]:
    """The class subsets of a corpus in `Frozen` results, by name: published ones first, then `found-a`, ... as the search finds
    them, then, by their classes, any that it no longer finds.
    """
    here = results.runs[(results.runs["corpus"] == corpus) & (results.runs["classes"] != "")]
    present = {frozenset(text.split("|")): tuple(text.split("|")) for text in here["classes"]}
    known = published.class_sets() if corpus in set(published.table("suresh2021", 3)["corpus"]) else {}
    named = {name: present.pop(frozenset(members)) for name, members in known.items() if frozenset(members) in present}
    identities = searched_runs(results, corpus) if present else []
    counts, classes = results.confusion(identities, "validation") if identities else (None, ())
    for size in sorted({len(members) for members in present}):
        if not size < len(classes) or math.comb(len(classes), size) > subsets.MOST_SUBSETS:
            continue
        for name, members in picked(counts, classes, size, len(classes) // size).items():
            if frozenset(members) in present:
                named[name] = present.pop(frozenset(members))
    return named | {", ".join(members): members for members in present.values()}


def searched_runs(results, corpus: str) -> list[str]:
    """Identities of the finished cross-entropy runs on all classes of a corpus in frozen results, with the first encoder."""
    runs = results.done.query("corpus == @corpus and classes == '' and objective == 'ce'")
    return next((group["identity"].tolist() for _, group in runs.groupby("encoder", sort=False)), [])
