"""Objectives against each other on frozen runs, judged once for every notebook, figure, table and page that shows them."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from lclstudy.plan import catalog, names
from lclstudy.statistics import metrics, tests
from lclstudy.statistics.judge import CONTRADICTED, REPRODUCED, SMALLER, UNDECIDED, Judgement, judge, over_texts

from . import class_sets, published, selection
from .frozen import Frozen

PRIMARY = (("lcl", "ce"), ("lcl", "scl"), ("scl", "ce"))  # the papers' claims: one family of tests per place
SYNONYMS = (("lcl", "ce_aug"), ("ce_aug", "ce"))  # another question, and so another family: what do second views alone bring?
ALL_CLASSES = "all"
ENTROPY, CALIBRATION = "entropy", "calibration error"
# Kinds of claims about two objectives in one place, as `judge` takes them, and the same of the objectives exchanged.
CLAIMED = {"better": "above", "peakier": "below", "not better": "not above", "same": "same", "same entropy": "same"}
_EXCHANGED = {"above": "below", "below": "above", "same": "same"}
# Where no paper claims anything, nothing can be reproduced or contradicted.
_UNCLAIMED = {REPRODUCED: "above", CONTRADICTED: "below", SMALLER: UNDECIDED}
PLACE = ("corpus", "set", "encoder")
Pairs = Sequence[tuple[str, str]]


@lru_cache(maxsize=64)  # a page of verdicts asks for each claim
def comparisons(results: Frozen, pairs: Pairs = PRIMARY, metric: str = "accuracy") -> pd.DataFrame:
    """`compare` of the runs that stand for each objective, on each corpus, class set and encoder of frozen results.

    `metric` is `accuracy`, `weighted_f1` or `calibration error`, in points, or `entropy` of all scores, in bits; claims are of
    `claimed`. The published difference is of the paper's tables, with its own encoder. Beside the columns of `compare`, `mark`
    says what had not converged, and `texts_low` and `texts_high` are of accuracy the interval over test texts.
    """
    runs = scored(results, metric)
    table = compare(runs, pairs, expected=published_differences(metric), claims=claimed(metric))
    identities = {key: group["identity"].tolist() for key, group in runs.groupby([*PLACE, "objective"], sort=False)}
    beside = []
    for row in table.to_dict("records"):
        sides = {row[side]: identities.get((*(row[name] for name in PLACE), row[side]), []) for side in ("a", "b")}
        rising = sorted(name for name, its in sides.items() if still_rises(results.epochs.query("identity in @its")))
        mark = f"not converged: {', '.join(map(names.objective, rising))}" if rising else ""
        whole = metric == "accuracy" and all(sides.values())
        texts = over_test_texts(results, sides.values()) if whole else tests.TTest()
        beside.append((mark, texts.ci_low, texts.ci_high))
    return table.join(pd.DataFrame(beside, columns=["mark", "texts_low", "texts_high"]))


def over_corpora(results: Frozen, a: str, b: str, metric: str = "accuracy") -> tuple[pd.DataFrame, tests.TTest | None]:
    """Objective `a` less `b` on all classes: the rows of `comparisons` that have an interval, with the encoder that has most of
    them, by number of classes; and, from two corpora on, their mean with equal weights, a Welch-Satterthwaite contrast.
    """
    family = next(pairs for pairs in (PRIMARY, SYNONYMS) if (a, b) in pairs)
    sizes = {name: len(entry.labels) for name, entry in catalog.corpora().items()}  # one's own come last
    table = comparisons(results, family, metric)
    rows = table[(table["a"] == a) & (table["b"] == b) & (table["set"] == ALL_CLASSES) & table["ci_low"].notna()]
    rows = rows[rows["encoder"].isin(rows["encoder"].mode()[:1])]
    rows = rows.sort_values("corpus", key=lambda each: each.map(sizes), kind="stable")
    if len(rows) < 2:
        return rows, None
    groups = scored(results, metric).query("set == @ALL_CLASSES").groupby(["corpus", "encoder", "objective"])["value"]
    sides = [(sign / len(rows), groups.get_group((row.corpus, row.encoder, name)))
             for row in rows.itertuples() for sign, name in ((1, a), (-1, b))]  # fmt: skip
    return rows, tests.contrast(sides)


@lru_cache
def claimed(metric: str = "accuracy") -> dict[tuple, tuple[str, float | None]]:
    """What the paper claims of two objectives by (corpus, class set, a, b): the claim and the margin, as `judge` takes them."""
    found = {}
    for row in published.claims().query("paper == 'suresh2021' and metric == @metric and split == 'test'").itertuples():
        if said := CLAIMED.get(row.kind):
            margin = None if np.isnan(row.margin) else row.margin
            found[row.corpus, row.classes, row.a, row.b] = said, margin
            if said in _EXCHANGED:
                found[row.corpus, row.classes, row.b, row.a] = _EXCHANGED[said], margin
    return found


def over_test_texts(results: Frozen, sides: Iterable[Sequence[str]]) -> tests.TTest:
    """`judge.over_texts` of the runs of both sides, by identity."""
    return over_texts(*([results.predictions(run) == results.labels(run) for run in side] for side in sides))


def still_rises(epochs: pd.DataFrame) -> bool:
    """Whether validation accuracy rose at the last epoch, by more than its standard deviation over the runs; False for one run.

    `epochs` has a row per run and epoch: `identity`, `epoch`, `validation_accuracy`.
    """
    if epochs["identity"].nunique() < 2 or epochs["epoch"].nunique() < 2:
        return False
    accuracy = epochs.pivot(index="epoch", columns="identity", values="validation_accuracy")
    return bool(accuracy.diff().iloc[-1].mean() > accuracy.iloc[-1].std())


@lru_cache(maxsize=64)
def scored(results: Frozen, metric: str = "accuracy") -> pd.DataFrame:
    """`valued` of the runs that stand for each objective."""
    return valued(results, selection.runs(results), metric)


def valued(results: Frozen, runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The finished ones of rows of `results.runs`, with the name of their class `set` (`all` for every class) and as `value`
    their test score or calibration error in percent, or their mean entropy in bits."""
    done = runs[runs["status"] == "done"]
    called = {corpus: {"|".join(members): name for name, members in class_sets.frozen_sets(results, corpus).items()}
              for corpus in done["corpus"].unique()}  # fmt: skip
    sets = [called[run.corpus].get(run.classes, run.classes) or ALL_CLASSES for run in done.itertuples()]
    every = ((results.probabilities(identity), results.labels(identity)) for identity in done["identity"])
    if metric == ENTROPY:
        return done.assign(set=sets, value=[float(metrics.topk_entropies(scores)[:, -1].mean()) for scores, _ in every])
    if metric == CALIBRATION:
        return done.assign(set=sets, value=[100 * metrics.expected_calibration_error(*both) for both in every])
    return done.assign(set=sets, value=100 * done[f"test_{metric}"].astype(float))


def compare(
    runs: pd.DataFrame,
    pairs: Pairs = PRIMARY,
    by: Iterable[str] = PLACE,
    expected: Mapping[tuple, float] | None = None,
    claims: Mapping[tuple, tuple[str, float | None]] | None = None,
    planned: bool = False,
) -> pd.DataFrame:
    """Objective `a` against `b` in each place, judged with p adjusted over the pairs of that place: a family is a call's pairs.

    `runs` has a row per run: the columns `by`, `objective`, `seed` and `value`. `expected` gives published differences, and
    `claims` claims with their margins, by (corpus, set, a, b). Where there is no claim, the word is `above`, `below`,
    `undecided` or `not run`, and the column `claim` is empty. A claim with a margin has a one-sided test of its own, which is
    no member of the family; its two-sided p is. With `planned`, pairs that could not be tested yet are members too: a word
    stays when their runs come.

    Columns: those of `by`, `a`, `b`, `claim`, `n_a`, `n_b`, `mean_a`, `mean_b`, `expected`, those of `Judgement`, `p_family`
    (two-sided by Holm, also where the claim has a margin), and over the seeds that both sides have `paired_difference`,
    `paired_low`, `paired_high`, `paired_n`.
    """
    by, rows = list(by), []
    for place, group in runs.groupby(by, sort=False):
        values = {name: side.set_index("seed")["value"] for name, side in group.groupby("objective")}
        sides = [[values.get(name, pd.Series(dtype=float)) for name in pair] for pair in pairs]
        p_values = np.array([tests.welch(*pair).p if all(map(len, pair)) else np.nan for pair in sides])
        adjusted = tests.holm(np.nan_to_num(p_values, nan=1.0) if planned else p_values)
        for pair, (left, right), p in zip(pairs, sides, adjusted, strict=True):
            asked = (*place[:2], *pair)
            want, (said, margin) = (expected or {}).get(asked), (claims or {}).get(asked, ("", None))
            found = judge(left, right, want, margin, said, float(p))
            word = found.word if said else _UNCLAIMED.get(found.word, found.word)
            told = (*place, *pair, said, len(left), len(right), left.mean(), right.mean(), want)
            seeds = left.index.intersection(right.index)
            paired = tests.paired(left[seeds], right[seeds]) if len(seeds) else tests.TTest()
            beside = (found.p_holm, paired.difference, paired.ci_low, paired.ci_high, len(seeds))
            rows.append((*told, *found._replace(word=word, p_holm=np.nan if margin else found.p_holm), *beside))
    return pd.DataFrame(rows, columns=[*by, *_COLUMNS]).astype({"expected": float})


_COLUMNS = ["a", "b", "claim", "n_a", "n_b", "mean_a", "mean_b", "expected", *Judgement._fields, "p_family"]
_COLUMNS += ["paired_difference", "paired_low", "paired_high", "paired_n"]


def published_differences(metric: str = "accuracy", table: int | None = None) -> dict[tuple[str, str, str, str], float]:
    """The test differences a - b that the paper's tables give for its own encoder, by (corpus, class set, a, b), in points.

    Tables 1 and 3 print 32 classes each, of other runs: the first counts unless a `table` is given.
    """
    cells = published.table("suresh2021", table)
    cells = cells[(cells["metric"] == metric) & (cells["split"] == "test") & (cells["encoder"] == "electra-base")]
    found = {}
    for place, group in cells.drop_duplicates(["corpus", "classes", "objective"]).groupby(["corpus", "classes"], sort=False):
        values = dict(zip(group["objective"], group["value"], strict=True))
        found |= {(*place, a, b): values[a] - values[b] for a, b in itertools.permutations(values, 2)}
    return found


def published_comparisons(cells: pd.DataFrame, pairs: Pairs = PRIMARY) -> pd.DataFrame:
    """Welch's test from the means, deviations and n that a paper prints, where it prints all three for both sides of a pair.

    `cells` are rows of `published.table()` of one metric and split. The deviations are taken to divide by n - 1, which the
    papers do not say. Columns: those of `PLACE`, `a`, `b`, `n_a`, `n_b`, `mean_a`, `mean_b`, and those of `TTest`.
    """
    rows = []
    whole = cells.dropna(subset=["value", "spread", "n"]).rename(columns={"classes": "set"})
    for place, group in whole.groupby(list(PLACE), sort=False):
        sides = {row.objective: (row.value, row.spread, int(row.n)) for row in group.itertuples()}
        for a, b in (pair for pair in pairs if set(pair) <= set(sides)):
            counts = {"n_a": sides[a][2], "n_b": sides[b][2], "mean_a": sides[a][0], "mean_b": sides[b][0]}
            test = tests.welch_from_summary(*sides[a], *sides[b])._asdict()
            rows.append({**dict(zip(PLACE, place, strict=True)), "a": a, "b": b, **counts, **test})
    return pd.DataFrame(rows, columns=[*PLACE, *(name for name in _COLUMNS[:7] if name != "claim"), *tests.TTest._fields])


def beside_published(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """`comparisons` with the published difference in `cells` as `expected` where they have it, its 95 % interval by Welch's
    test as `published_low` and `published_high`, and `published_n`."""
    told = {"difference": "printed", "ci_low": "published_low", "ci_high": "published_high", "n_a": "published_n"}
    place = ["corpus", "set", "a", "b"]
    found = table.merge(published_comparisons(cells).rename(columns=told)[[*place, *told.values()]], "left", on=place)
    return found.assign(expected=found.pop("printed").fillna(found["expected"]))
