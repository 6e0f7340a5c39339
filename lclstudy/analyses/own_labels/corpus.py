"""A corpus of one's own before anything is trained: what it holds, what would make an answer weak, what so many runs can see.

Accuracies and differences are in percent and points, of the test texts at the best epoch.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from lclstudy.errors import StudyError
from lclstudy.plan import catalog, names
from lclstudy.plan.profiles import Profile, load_profile, profile_names
from lclstudy.plan.spec import RunSpec
from lclstudy.results.comparisons import ALL_CLASSES, scored
from lclstudy.results.frozen import frozen_names, read_frozen
from lclstudy.show import text
from lclstudy.show.markdown import plain
from lclstudy.show.style import is_drawable
from lclstudy.statistics import judge as judging
from lclstudy.statistics import tests

OBJECTIVES = ("ce", "lcl")
TINY_CLASS = 10  # training texts below which a class is too small to learn or to judge
IMBALANCE = 10  # the largest class has so many times the texts of the smallest
HIGH_RATE = 2e-4  # a learning rate above this suits a network trained from nothing, and spoils a pre-trained one
SHOWN = 5  # names in a sentence, and rows in a table of examples


class Corpus(NamedTuple):
    """What a corpus holds. `counts`: texts by class (row, in label order) and split (column).

    `repeated`: rows whose text and label came before; `conflicting`: texts that have two or more labels; `leaked`: test texts
    that are training texts too.
    """

    name: str
    counts: pd.DataFrame
    repeated: int
    conflicting: int
    leaked: int


def plan(profile: Profile, corpus: str, seeds: object, **settings) -> list[RunSpec]:
    """The runs of CE and LCL on a corpus, seed by seed; settings that are None are the profile's.

    `seeds` is a text with commas between, a number, or a list. Raises StudyError on a wrong setting.
    """
    given = seeds.split(",") if isinstance(seeds, str) else np.atleast_1d(seeds).tolist()
    numbers = [text.strip() for text in map(str, given) if text.strip()]
    if not numbers or not all(text.isdecimal() for text in numbers) or len(set(map(int, numbers))) < len(numbers):
        raise StudyError(f"seeds must be different whole numbers with commas between, such as 0,1,2; given {seeds!r}.")
    return [profile.spec(corpus, name, seed=int(seed), **settings) for seed in numbers for name in OBJECTIVES]


def check_gain(gain: object) -> float:
    """The gain as a number of points. Raises StudyError unless it is above 0 and at most 100."""
    if isinstance(gain, bool) or not isinstance(gain, int | float) or not 0 < gain <= 100:
        raise StudyError(f"gain must be a number of points, above 0 and at most 100, such as 1.0; given {gain!r}.")
    return float(gain)


def describe(corpus: Mapping, name: str) -> Corpus:
    """What is in a corpus of `load_corpus`: any mapping of splits with `text` and `label` whose `train` knows the names."""
    classes = corpus["train"].features["label"].names
    rows = pd.concat(
        [pd.DataFrame({"text": list(rows["text"]), "label": list(rows["label"]), "split": split})
         for split, rows in corpus.items()], ignore_index=True)  # fmt: skip
    counts = pd.crosstab(rows["label"], rows["split"]).reindex(index=range(len(classes)), columns=list(corpus), fill_value=0)
    counts = counts.set_axis(pd.Index(classes, name="class"), axis="index").rename_axis(None, axis="columns")
    trained = set(rows.loc[rows["split"] == "train", "text"])
    return Corpus(
        name=name,
        counts=counts,
        repeated=int(rows.duplicated(["text", "label"]).sum()),
        conflicting=int((rows.groupby("text")["label"].nunique() > 1).sum()),
        leaked=int(rows.loc[rows["split"] == "test", "text"].isin(trained).sum()),
    )


def largest_share(corpus: Corpus) -> float:
    """The accuracy (%) of always naming the class that is largest in training."""
    return float(100 * corpus.counts["test"][corpus.counts["train"].idxmax()] / corpus.counts["test"].sum())


def corpus_table(corpus: Corpus) -> pd.DataFrame:
    """The corpus in a few rows: texts, classes, the smallest and the largest, what is double."""
    train, sizes = corpus.counts["train"], corpus.counts.sum()
    rows = {f"{split} texts": f"{count:,}" for split, count in sizes.items()}
    rows |= {
        "classes": f"{len(train):,}",
        "smallest class": f"{short(train.idxmin())} ({train.min():,} training texts)",
        "largest class": f"{short(train.idxmax())} ({train.max():,} training texts)",
        "accuracy of always naming the largest class": f"{largest_share(corpus):.1f} %",
        "rows that repeat a text with its label": f"{corpus.repeated:,}",
        "texts that have two or more labels": f"{corpus.conflicting:,}",
        "test texts that are also training texts": f"{corpus.leaked:,}",
    }
    return pd.DataFrame(rows.items(), columns=["", "value"])


def class_table(corpus: Corpus, most: int = 15) -> pd.DataFrame:
    """Texts by class and split, numbered as a figure numbers a name it cannot draw; of many classes these and the smallest."""
    table = corpus.counts.reset_index()
    table.insert(0, "no.", range(1, len(table) + 1))
    if len(table) <= most:
        return table
    table = table.sort_values("train", kind="stable")
    undrawn = [not is_drawable(name) for name in table["class"]]
    return table[undrawn | (np.arange(len(table)) < most)]


def cautions(corpus: Corpus, specs: Sequence[RunSpec]) -> list[str]:
    """What makes an answer on this corpus weak, in plain words, before anything is trained; no line if nothing does."""
    train, test = corpus.counts["train"], corpus.counts["test"]
    facts = {
        "corpus": corpus,
        "spec": specs[0],
        "tiny": _classes_have(train.index[train < TINY_CLASS]),
        "unseen": _classes_have(test.index[test == 0]),
        "times": train.max() / max(1, train.min()),
        "few_seeds": len(specs) < judging.FEWEST * len(OBJECTIVES),
        "pretrained": catalog.encoder(specs[0].encoder).kind == "transformer",
    }
    limits = {"tiny_class": TINY_CLASS, "imbalance": IMBALANCE, "fewest": judging.FEWEST, "high_rate": HIGH_RATE}
    return text.words("analyses/own_labels/cautions.md.j2", **facts, **limits).splitlines()


def _classes_have(classes: Sequence[str]) -> str:
    """`2 classes (a, b) have`; empty for none."""
    more = f" and {len(classes) - SHOWN:,} more" if len(classes) > SHOWN else ""
    named = ", ".join(plain(short(name)) for name in classes[:SHOWN]) + more
    have = f"1 class ({named}) has" if len(classes) == 1 else f"{len(classes):,} classes ({named}) have"
    return have if len(classes) else ""


def short(text: str, width: int = 40) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def sampling_reach(accuracy: float, texts: int) -> float:
    """Points by which an accuracy (0 to 1) over so many test texts, which are a sample, may be off, with 95 % confidence."""
    return 100 * norm.ppf(0.975) * math.sqrt(accuracy * (1 - accuracy) / texts)


def usual_spread(encoder: str) -> float:
    """The standard deviation over seeds in points that frozen runs of the study have with this encoder, pooled over CE and LCL
    on all classes of the corpora; NaN if none has two seeds."""
    profiles = [name for name in frozen_names() if name not in profile_names()
                or encoder in {spec.encoder for spec in load_profile(name).specs()}]  # fmt: skip
    if not profiles:
        return math.nan
    runs = pd.concat([scored(read_frozen(name)).assign(profile=name) for name in profiles]).drop_duplicates("identity")
    like = (runs["encoder"] == encoder) & runs["objective"].isin(OBJECTIVES) & (runs["set"] == ALL_CLASSES)
    systems = runs[like].groupby(["profile", "corpus", "objective"])["value"]
    free = systems.count() - 1
    return math.sqrt((systems.var() * free).sum() / free.sum()) if free.sum() else math.nan


def foresight(specs: Sequence[RunSpec], corpus: Corpus, gain: float) -> str:
    """What so many seeds and test texts can see, said before anything is trained."""
    seeds, texts = len(specs) // len(OBJECTIVES), int(corpus.counts["test"].sum())
    spread, encoder = usual_spread(specs[0].encoder), names.encoder(specs[0].encoder)
    reach = sampling_reach(0.5, texts)
    said = f"An accuracy near 50 % over {texts:,} test texts is known to ±{reach:.1f} points, whatever the seeds."
    if not spread > 0 or seeds < judging.FEWEST:
        return said
    smallest = brentq(lambda each: tests.power(each, spread, seeds, spread, seeds) - tests.DETECTED, 0, 100 * spread)
    return (
        f"{seeds} seeds of each loss, if they vary as the study's own runs with {encoder} do ({spread:.2f} points), see a true "
        f"gain of {smallest:.1f} points in 8 of 10 studies, and one of {text.count(gain, 'point')} in "
        f"{10 * tests.power(gain, spread, seeds, spread, seeds):.0f} of 10. {said}"
    )
