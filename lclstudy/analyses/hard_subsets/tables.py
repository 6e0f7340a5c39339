"""Hard class subsets of frozen results: where the confusions come from, our picks beside the sets of others. No torch."""

import math
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.plan.profiles import profile_names
from lclstudy.results import class_sets, published
from lclstudy.results.frozen import Frozen
from lclstudy.show.text import count, words
from lclstudy.statistics import judge, subsets

SMALL = 8  # from so many classes on there are two disjoint subsets of four; of fewer, pairs are searched
PAPER = "empathetic_dialogues"  # the corpus of the paper's case study


class Source(NamedTuple):
    """What a search reads: the `confusion` [C,C] over `runs` (identities), as is `said`; and seeks: `picks` disjoint sets of
    `size` classes. `others` are sets by name, `published` or `planted` as `whose` says, read from `files`; there may be none.
    """

    results: Frozen
    corpus: str
    runs: list[str]
    classes: tuple[str, ...]
    confusion: np.ndarray
    said: str
    size: int
    picks: int
    whose: str
    others: dict[str, tuple[str, ...]]
    files: tuple[Path, ...]


def source(results: Frozen) -> Source:
    """The cross-entropy runs on all classes of the paper's case study, or, if there are none, of the corpus with most classes.
    Raises StudyError if none is finished."""
    runs = {corpus: ran for corpus in results.runs["corpus"].unique() if (ran := class_sets.searched_runs(results, corpus))}
    if not runs:
        profile = results.name if results.name in profile_names() else f"PATH/{results.name}.toml"
        raise StudyError(
            f"The frozen results {results.name} hold no finished cross-entropy run on all classes of a corpus; "
            f"train one: ./run_all.sh {profile} --only 05 --objectives ce"
        )
    corpus = PAPER if PAPER in runs else max(runs, key=lambda name: len(results.classes(runs[name][0])))
    confusion, classes = results.confusion(runs[corpus], class_sets.SPLIT)
    encoder, n = results.runs.set_index("identity")["encoder"][runs[corpus][0]], len(runs[corpus])
    said = f"{names.corpus(corpus)}: CE with {names.encoder(encoder)} on all {len(classes)} classes, {count(n, 'run')}, "
    said += f"{confusion.sum() // n:,} {class_sets.SPLIT} texts"
    size = 4 if len(classes) >= SMALL else 2
    found = (results, corpus, runs[corpus], classes, confusion, said, size, min(4, len(classes) // size))
    if corpus == PAPER:
        easy = {name: members for name, members in published.class_sets().items() if "easy" in name}
        return Source(*found, "published", class_sets.published_hard() | easy, (paths.PUBLISHED / "class_sets.csv",))
    if corpus == "embedded":
        groups = pd.read_csv(file := paths.EMBEDDED / "groups.csv").groupby("group")
        return Source(*found, "planted", {name: tuple(group["class"]) for name, group in groups}, (file,))
    return Source(*found, "", {}, ())


def compared(found: Source, draws: int = class_sets.DRAWS, seed: int = 0) -> pd.DataFrame:
    """A row per set, our picks first (`found-a` is the most confusable): the columns of `class_sets.ranked`, with the `word` of
    published hard sets alone, and:

    `ours`; `classes`, names in the order of the corpus or as printed; `members`, class ids; `confusion`; `share` of all errors;
    `worst_rank` of the sets that tie with it; `pairs`, its most confused disjoint pairs, and `in_pairs`, the share of its
    confusion that they hold (of four classes 1/3 if all are alike, 1 if they are pairs side by side); `nearest`, the set of the
    other kind with most of its classes, `shared`, how many, and `same`, its name if it is the very same; `picked`, of ours, the
    share of draws whose search picks it again; `rank_left`, of a published hard set, its rank when it was picked.
    """
    members, scores = subsets.scored(found.confusion, found.size)
    ours = class_sets.picked(found.confusion, found.classes, found.size, found.picks)
    drawn = class_sets.resampled(found.results, found.runs, draws, np.random.default_rng(seed))
    again = subsets.picked_again(drawn, found.size, found.picks)
    hard, taken, rows = class_sets.published_hard() if found.whose == "published" else {}, set(), []
    for kind, against in ((ours, found.others), (found.others, ours)):
        for name, classes in kind.items():
            ids = tuple(sorted(map(found.classes.index, classes)))
            confusion = int(subsets.confusion_within(found.confusion, ids))
            pairs, in_pairs = subsets.pairing(found.confusion, ids)
            nearest = max(against, key=lambda other: len({*classes} & {*against[other]}), default="")
            shared, rank_left = len({*classes} & {*against.get(nearest, ())}), None
            if name in hard:  # ranked as the paper searched, among the sets that share no class with the hard ones before
                rank_left = subsets.rank_when_picked(members, scores, ids, confusion, taken)
                taken |= {*ids}
            rows.append({"ours": kind is ours, "classes": classes, "members": ids, "confusion": confusion,
                         "share": confusion / _errors(found), "worst_rank": subsets.rank_of(scores, confusion)[1],
                         "pairs": [f"{found.classes[a]}/{found.classes[b]}" for a, b in pairs], "in_pairs": in_pairs,
                         "nearest": nearest, "shared": shared, "same": nearest if shared == len(ids) else "",
                         "picked": (again == ids).all(axis=2).any(axis=1).mean() if kind is ours else np.nan,
                         "rank_left": rank_left})  # fmt: skip
    ranked = class_sets.ranked(found.results, found.corpus, {**ours, **found.others}, drawn)
    table = pd.concat([ranked, pd.DataFrame(rows)], axis=1)
    table["word"] = table["word"].where(table["set"].isin(hard), "")
    return table.astype({"rank_left": "Int64"})


def _errors(found: Source) -> int:
    return max(1, int(found.confusion.sum() - np.trace(found.confusion)))


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`compared` as text; columns that say nothing of these sets are left out."""
    shown = pd.DataFrame([{
        "set": row.set,
        "classes": ", ".join(row.classes),
        "errors within": row.confusion,
        "share of all errors (%)": round(100 * row.share, 1),
        "rank": rank_said(row),
        "95 % of the ranks, texts drawn again": f"{row.low:,.0f} to {row.high:,.0f}",
        "draws in the first 0.1 % (%)": round(100 * row.first_share, 1),
        "draws outside the first 1 % (%)": round(100 * row.last_share, 1),
        "verdict": row.word or "–",
        "rank when picked": "–" if pd.isna(row.rank_left) else f"{row.rank_left:,}",
        "draws that pick it again (%)": "–" if pd.isna(row.picked) else f"{100 * row.picked:.1f}",
        "in disjoint pairs (% of its errors)": f"{100 * row.in_pairs:.0f}: {', '.join(row.pairs)}",
        "nearest set": f"{row.nearest} ({row.shared} shared)" if row.nearest else "–",
    } for row in table.itertuples()])  # fmt: skip
    return shown.loc[:, ~(shown == "–").all()]


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """`compared` for a csv: names of classes with bars between, no ids."""
    joined = {name: table[name].str.join("|") for name in ("classes", "pairs")}
    return table.drop(columns="members").assign(**joined)


def rank_said(row) -> str:
    """`16 to 18`, of a row of `compared`."""
    return f"{row.rank:,}" + (f" to {row.worst_rank:,}" if row.worst_rank > row.rank else "")


def said(found: Source, table: pd.DataFrame, draws: int = class_sets.DRAWS) -> str:
    """What the search shows, in words, from `compared`: Markdown."""
    ours, hard = table[table["ours"]], table[~table["ours"] & (table["set"] != "4-easy")]
    pairs = {kind: {pair for members in sets["members"] for pair in combinations(members, 2)}
             for kind, sets in (("ours", ours), ("hard", hard))}  # fmt: skip
    both = found.confusion + found.confusion.T
    holders = hard.explode("classes").groupby("classes", sort=False)["set"].agg(list)
    accuracy = published.table("suresh2021", 3).query("objective == 'ce'").set_index("classes")["value"]
    return words(
        "analyses/hard_subsets/said.md.j2",
        found=found,
        ours=[*ours.itertuples()],
        hard=[*hard.itertuples()],
        late=[row for row in ours.itertuples() if row.first_share < judge.DRAWN],
        same=[f"{row.set} as {row.same}" for row in hard.itertuples() if row.same],
        shared=holders[holders.str.len() > 1].to_dict(),
        share={kind: 100 * sum(both[pair] for pair in those) / _errors(found) for kind, those in pairs.items()},
        pairs={kind: len(those) for kind, those in pairs.items()} | {"all": math.comb(len(found.classes), 2)},
        side_by_side=[row for row in table.itertuples()
                      if (row.ours or not row.same) and row.in_pairs >= 2 / 3 and found.size == 4],
        accuracy=[(name, accuracy[name]) for name in hard["set"] if name in accuracy],
        sets=math.comb(len(found.classes), found.size),
        draws=draws,
        rank=rank_said,
    )  # fmt: skip
