"""Hard class subsets of frozen results: where the confusions come from, our picks beside the sets of others. No torch."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
import pandas as pd

from lclstudy import paths
from lclstudy.analyses.hard_subsets import search as subsets
from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.results import class_sets, published
from lclstudy.results.frozen import Frozen
from lclstudy.statistics import metrics

SMALL = 8  # from so many classes on there are two disjoint subsets of four; of fewer, pairs are searched
SPLIT = "validation"
ENDS = (2.5, 97.5)  # percent: a 95 % interval over draws


class Source(NamedTuple):
    """The confusions that a search reads: of R runs on N texts and C classes, and what is searched for (`size`, `count`).

    `confusions` [R,C,C], `labels` [N], `predictions` [R,N]. `note` says why the corpus or the size is not the paper's.
    """

    corpus: str
    encoder: str
    classes: tuple[str, ...]
    confusions: np.ndarray
    labels: np.ndarray
    predictions: np.ndarray
    size: int
    count: int
    note: str

    @property
    def confusion(self) -> np.ndarray:
        """All runs together, [C,C]."""
        return self.confusions.sum(axis=0)

    def said(self) -> str:
        """What it is, in a line."""
        runs = "one run" if len(self.confusions) == 1 else f"{len(self.confusions)} runs"
        return (
            f"{names.corpus(self.corpus)}: CE with {names.encoder(self.encoder)} on all {len(self.classes)} classes, {runs}, "
            f"{len(self.labels):,} {SPLIT} texts."
        )


def source(results: Frozen) -> Source:
    """The cross-entropy runs on all classes of the paper's case study, or, if there are none, of the corpus with most classes.

    Raises StudyError if no cross-entropy run on all classes is finished.
    """
    runs = {corpus: class_sets.searched_runs(results, corpus) for corpus in dict.fromkeys(results.runs["corpus"])}
    runs = {corpus: identities for corpus, identities in runs.items() if identities}
    if not runs:
        raise StudyError(
            f"The frozen results {results.name} hold no finished cross-entropy run on all classes of a corpus; "
            f"train one: ./run_all.sh {results.name} --only 05 --objectives ce"
        )
    corpus = _paper_corpus()
    if corpus not in runs:
        corpus = max(runs, key=lambda name: len(results.classes(runs[name][0])))
    identities = runs[corpus]
    classes, labels = results.classes(identities[0]), results.labels(identities[0], SPLIT)
    predictions = np.stack([results.predictions(identity, SPLIT) for identity in identities])
    confusions = np.stack([metrics.confusion_matrix(labels, row, classes) for row in predictions])
    size = 4 if len(classes) >= SMALL else 2
    encoder = results.runs.set_index("identity").loc[identities[0], "encoder"]
    note = _note(corpus, classes, size)
    return Source(corpus, encoder, classes, confusions, labels, predictions, size, min(4, len(classes) // size), note)


def _paper_corpus() -> str:
    (corpus,) = published.table("suresh2021", 3)["corpus"].unique()
    return corpus


def _note(corpus: str, classes: Sequence[str], size: int) -> str:
    if corpus == _paper_corpus():
        return ""
    said = f"These results hold no finished CE run on all classes of {names.corpus(_paper_corpus())}, which the paper searches"
    said += f"; {names.corpus(corpus)} is shown instead"
    return f"{said}." if size == 4 else f"{said}, by pairs: {len(classes)} classes are too few for two sets of four."


def others(found: Source) -> dict[str, tuple[str, ...]]:
    """The sets of others of the size searched, by name: the paper's, or the groups planted in the embedded corpus, or none."""
    if found.corpus == _paper_corpus():
        sets = published.class_sets()
    elif whose(found) == "planted":
        table = pd.read_csv(*files(found))
        sets = {name: tuple(group["class"]) for name, group in table.groupby("group")}
    else:
        sets = {}
    here = {name: members for name, members in sets.items() if len(members) == found.size and {*members} <= {*found.classes}}
    return dict(sorted(here.items(), key=lambda item: _is_easy(item[0])))  # the hard ones first


def _is_easy(name: str) -> bool:
    return "easy" in name


def whose(found: Source) -> str:
    """What `others` are: `published`, `planted`, or `other` if there are none."""
    return {_paper_corpus(): "published", "embedded": "planted"}.get(found.corpus, "other")


def files(found: Source) -> list[Path]:
    """The files that `others` are read from."""
    known = {"published": paths.published() / "class_sets.csv", "planted": paths.embedded() / "groups.csv"}
    return [known[whose(found)]] if whose(found) in known else []


def compared(found: Source, other: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """A row per set, our picks first (`found-a` is the most confusable).

    Columns: `set`; `ours`; `classes`, names in the order of the corpus or as printed; `members`, class ids; `confusion`;
    `share` of all errors; `best_rank` and `worst_rank` among all subsets (they differ by ties); `rank_left`, of a published
    hard set, among the subsets that share no class with the hard sets before it (save a class that it shares with them itself),
    as it was picked; else missing; `pairs`, its most confused disjoint pairs, and `in_pairs`, the share of its confusion that
    they hold (of four classes 1/3 if all are alike, 1 if they are pairs side by side); `nearest`, the set of the other kind
    with most of its classes, `shared`, how many, and `same`, its name if it is the very same.
    """
    confusion = found.confusion
    scores = subsets.ranked(confusion, found.size)[1]
    picks = subsets.most_confusable(confusion, found.size, found.count)
    ours = {f"found-{letter}": tuple(found.classes[place] for place in members)
            for letter, (members, _) in zip(ascii_lowercase, picks, strict=False)}  # fmt: skip
    left = _ranks_when_picked(found, other) if whose(found) == "published" else {}
    rows = []
    for kind, against in ((ours, other), (other, ours)):
        for name, members in kind.items():
            ids = tuple(sorted(found.classes.index(one) for one in members))
            score = subsets.confusion_within(confusion, ids)
            best, worst = subsets.rank_of(scores, score)
            pairs, in_pairs = subsets.pairing(confusion, ids)
            nearest = max(against, key=lambda one: subsets.jaccard(members, against[one]), default="")
            rows.append({"set": name, "ours": kind is ours, "classes": members, "members": ids, "confusion": score,
                         "share": score / _errors(confusion), "best_rank": best,
                         "worst_rank": worst, "rank_left": left.get(name) if kind is other else None,
                         "pairs": [f"{found.classes[a]}/{found.classes[b]}" for a, b in pairs],
                         "in_pairs": in_pairs, "nearest": nearest,
                         "shared": (shared := len({*members} & {*against.get(nearest, ())})),
                         "same": nearest if shared == len(ids) else ""})  # fmt: skip
    return pd.DataFrame(rows).astype({"rank_left": "Int64"})


def _errors(confusion: np.ndarray) -> int:
    return max(1, int(confusion.sum() - np.trace(confusion)))


def _ranks_when_picked(found: Source, other: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The rank of each hard set among the subsets that were left when it was picked, the hard sets before it taken away."""
    everything, scores = subsets.ranked(found.confusion, found.size)
    taken: set[int] = set()
    ranks = {}
    for name, members in other.items():
        if _is_easy(name):
            continue
        ids = {found.classes.index(one) for one in members}
        rest = scores[subsets.disjoint(everything, taken - ids)]
        ranks[name] = subsets.rank_of(rest, subsets.confusion_within(found.confusion, sorted(ids)))[0]
        taken |= ids
    return ranks


def resampled(found: Source, draws: int, seed: int) -> list[subsets.Resampled]:
    """The confusions drawn again, over texts and over runs, each from a generator of its own."""
    over_texts, over_runs = np.random.default_rng(seed).spawn(2)
    return [
        subsets.resample_texts(found.labels, found.predictions, len(found.classes), draws, generator=over_texts),
        subsets.resample_runs(found.confusions, draws, generator=over_runs),
    ]


def stability(found: Source, drawn: Sequence[subsets.Resampled]) -> pd.DataFrame:
    """A row per pick and kind of draws: `set`, `over`, `units`, `draws`, and the shares of `subsets.Stability`, 0 to 1."""
    rows = []
    for sample in drawn:
        told = subsets.stability(found.confusion, sample, found.size, found.count)
        rows += [{"set": f"found-{letter}", "over": sample.over, "units": sample.units, "draws": len(sample.pairs),
                  **one._asdict()} for letter, one in zip(ascii_lowercase, told, strict=False)]  # fmt: skip
    return pd.DataFrame(rows).drop(columns="classes")


def rank_intervals(table: pd.DataFrame, found: Source, drawn: Sequence[subsets.Resampled]) -> pd.DataFrame:
    """A row per set of `compared` and kind of draws: `best_rank`, and `low` and `high`, the 95 % interval of the rank."""
    rows = []
    for sample in drawn:
        ranks = subsets.resampled_ranks(sample, table["members"], len(found.classes))
        ends = np.percentile(ranks, ENDS, axis=0, method="inverted_cdf") if len(ranks) else np.full((2, len(table)), np.nan)
        facts = {"over": sample.over, "units": sample.units, "draws": len(ranks), "note": sample.note}
        rows.append(table[["set", "ours", "same", "best_rank"]].assign(**facts, low=ends[0], high=ends[1]))
    return pd.concat(rows, ignore_index=True)


def shared_classes(other: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The classes that stand in several hard sets, with the names of these sets."""
    hard = {name: members for name, members in other.items() if not _is_easy(name)}
    holders = {one: [name for name, members in hard.items() if one in members] for members in hard.values() for one in members}
    return {one: named for one, named in holders.items() if len(named) > 1}


def readable(table: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """`compared` as text, with the 95 % intervals of the ranks."""
    shown = {
        "set": table["set"],
        "classes": [", ".join(members) for members in table["classes"]],
        "errors within": table["confusion"].astype(int),
        "share of all errors (%)": (100 * table["share"]).round(1),
        "rank": [rank_said(row) for row in table.itertuples()],
    }
    if len(table["members"].iloc[0]) > 2:
        shown["of them in disjoint pairs (%)"] = [
            f"{100 * row.in_pairs:.0f}: {', '.join(row.pairs)}" for row in table.itertuples()
        ]
    for over, group in intervals.groupby("over", sort=False):
        told = [f"{row.low:,.0f} to {row.high:,.0f}" if row.draws else row.note for row in group.itertuples()]
        shown[f"95 % of the ranks, {over} drawn again"] = told
    if table["rank_left"].notna().any():
        shown["rank when picked"] = ["–" if pd.isna(rank) else f"{rank:,}" for rank in table["rank_left"]]
    if (table["nearest"] != "").any():
        shown["nearest set"] = [f"{row.nearest} ({row.shared} shared)" for row in table.itertuples()]
    return pd.DataFrame(shown)


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """`compared` for a csv: names of classes with bars between, no ids."""
    joined = {name: table[name].str.join("|") for name in ("classes", "pairs")}
    return table.drop(columns="members").assign(**joined)


def rank_said(row) -> str:
    """`16 to 18`, of a row of `compared`."""
    return f"{row.best_rank:,}" + (f" to {row.worst_rank:,}" if row.worst_rank > row.best_rank else "")


def readable_stability(stability: pd.DataFrame) -> pd.DataFrame:
    """`stability` as text, in percent; a row per pick and kind of draws."""
    percent = {name: ["–" if np.isnan(share) else f"{100 * share:.1f}" for share in stability[name]]
               for name in ("picked", "same_place", "overlap")}  # fmt: skip
    return pd.DataFrame({
        "set": stability["set"],
        "drawn again": [units_said(row.units, row.over) for row in stability.itertuples()],
        "draws": [f"{row.draws:,}" if row.draws else row.note for row in stability.itertuples()],
        "picked again, at any place (%)": percent["picked"],
        "at its own place (%)": percent["same_place"],
        "mean overlap with the nearest pick (%)": percent["overlap"],
    })  # fmt: skip


def units_said(count: int, units: str) -> str:
    """`1 run`, `2,761 texts`."""
    return f"{count:,} {units if count != 1 else units.removesuffix('s')}"


def findings(found: Source, table: pd.DataFrame, stability: pd.DataFrame, intervals: pd.DataFrame) -> list[str]:
    """What the search shows, in words, from `compared`, `stability` and `rank_intervals`."""
    ours, other = table[table["ours"]], table[~table["ours"]]
    return [
        *[line for line in (found.said(), found.note) if line],
        *_picks_said(found, ours),
        *_others_said(found, ours, other, intervals),
        *_pairs_said(found, table),
        *(
            f"Picked again, {over} drawn again: {_stability_said(group)}."
            for over, group in stability.groupby("over", sort=False)
        ),
    ]


def _picks_said(found: Source, ours: pd.DataFrame) -> list[str]:
    errors, count = _errors(found.confusion), math.comb(len(found.classes), found.size)
    return [
        f"{row.set}: {', '.join(row.classes)}; {row.confusion:,.0f} of {errors:,} errors ({row.share:.1%}), "
        f"rank {rank_said(row)} of {count:,}."
        for row in ours.itertuples()
    ]


def _others_said(found: Source, ours: pd.DataFrame, other: pd.DataFrame, intervals: pd.DataFrame) -> list[str]:
    if other.empty:
        return []
    hard, kind = other[~other["set"].map(_is_easy)], whose(found)
    what = f"{kind} {'hard sets' if kind == 'published' else 'groups'}"
    same = [f"{row.set} as {row.same}" for row in hard.itertuples() if row.same]
    said = [f"Of the {len(hard)} {what}, our search for {found.count} disjoint sets of {found.size} finds {len(same)}"
            f"{': ' * bool(same)}{', '.join(same)}."]  # fmt: skip
    said += [_rank_sentence(row, intervals) for row in other.itertuples() if not row.same]
    within = (found.confusion + found.confusion.T)[*np.transpose(sorted(_pairs(hard)))].sum()
    said.append(
        f"The {what} hold {within / _errors(found.confusion):.1%} of all errors in {len(_pairs(hard))} pairs of classes, ours "
        f"{ours['share'].sum():.1%} in {len(_pairs(ours))}, of {math.comb(len(found.classes), 2)} pairs."
    )
    return said + (_published_said(hard) if kind == "published" else [])


def _pairs_said(found: Source, table: pd.DataFrame) -> list[str]:
    """Whether the sets are of classes that are all alike; a pair is nothing else."""
    if found.size == 2:
        return []
    most = table[table["ours"] | (table["same"] == "")].sort_values("in_pairs", ascending=False, kind="stable")
    each = ", ".join(f"{row.set} {row.in_pairs:.0%} ({', '.join(row.pairs)})" for row in most.itertuples())
    even = (found.size // 2) / math.comb(found.size, 2)
    return [f"Errors within a set that lie in its most confused disjoint pairs ({even:.0%} if all are equally alike): {each}."]


def _pairs(sets: pd.DataFrame) -> set[tuple[int, int]]:
    """The pairs of classes within the sets, each once."""
    return {pair for members in sets["members"] for pair in combinations(members, 2)}


def _published_said(hard: pd.DataFrame) -> list[str]:
    """What the paper's own print says of its hard sets: a class in two of them, and how hard they were for cross-entropy."""
    shared = shared_classes(dict(zip(hard["set"], hard["classes"], strict=True)))
    said = [f"As printed, {one} stands in {' and '.join(named)}: these are not disjoint." for one, named in shared.items()]
    cells = published.table("suresh2021", 3).query("objective == 'ce'").set_index("classes")["value"]
    printed = ", ".join(f"{name} {cells[name]:.1f}" for name in hard["set"])
    return [*said, f"Printed test accuracy of CE trained on each hard set alone (Table 3, %): {printed}."]


def _rank_sentence(row, intervals: pd.DataFrame) -> str:
    drawn = intervals[(intervals["set"] == row.set) & (intervals["draws"] > 0)].itertuples()
    ends = "; ".join(f"95 % with {one.over} drawn again: {one.low:,.0f} to {one.high:,.0f}" for one in drawn)
    said = f"{row.set} ({', '.join(row.classes)}) has rank {rank_said(row)} ({ends})"
    if not pd.isna(row.rank_left):
        said += f", and rank {row.rank_left:,} among the subsets left when it was picked"
    return f"{said}; it shares {row.shared} of its classes with {row.nearest}."


def _stability_said(group: pd.DataFrame) -> str:
    first = group.iloc[0]
    if not first["draws"]:
        return first["note"]
    each = ", ".join(f"{row.set} in {row.picked:.1%}" for row in group.itertuples())
    rare = ", ".join(group["set"][group["picked"] < 0.5])
    told = f"{each} of {first['draws']:,} draws of {units_said(first['units'], first['over'])}"
    return f"{told}; in less than half: {rare}" if rare else told
