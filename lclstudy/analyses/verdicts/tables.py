"""Every claim of the two papers against the frozen results: the evidence, the word by the rule of `claims.csv`, what is said.

The rules are in `data/published/claims.csv` and explained in its README; here is one function for each kind of claim.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from lclstudy.plan import names
from lclstudy.results import class_sets, corpus_facts, published, selection
from lclstudy.results.comparisons import ALL_CLASSES, CLAIMED, PLACE, comparisons, published_differences, scored, valued
from lclstudy.results.frozen import Frozen, frozen_names, read_frozen
from lclstudy.show import text
from lclstudy.statistics import judge as judging
from lclstudy.statistics import tests
from lclstudy.statistics.judge import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, Judgement

DIFFERS = "differs"  # the strongest word where the source names no settings
VERDICTS = (*judging.WORDS, DIFFERS)
PAPERS = {"suresh2021": "Suresh and Ong (2021)", "modarres": "The follow-up report"}
UNNAMED = ("rnn", "gru")  # of the report, without any setting
# Profiles that count for the claims of each paper, best first. Quick is no evidence, and ablations change the protocol.
EVIDENCE = {"suresh2021": ("paper", "minilm"), "modarres": ("report", "baselines", "paper", "minilm", "report_small")}
_ranked = lru_cache(maxsize=4)(class_sets.ranked)  # of all sets at once, and asked for each


class Evidence(NamedTuple):
    """What the results say of a claim, and which: profile and encoder, empty where there are none; `mark`: not converged;
    `expected`: the published difference."""

    found: Judgement
    profile: str = ""
    encoder: str = ""
    mark: str = ""
    expected: float | None = None


class Sides(NamedTuple):
    """The scores of the runs of both sides of a claim in one place, one or more each."""

    results: Frozen
    encoder: str
    a: np.ndarray
    b: np.ndarray

    def fewest(self) -> int:
        return min(len(self.a), len(self.b))


def evidence_from(profile: str = "") -> list[Frozen]:
    """The frozen results that count: those of `profile`, or of the profiles in `EVIDENCE` that are there."""
    every = dict.fromkeys(itertools.chain(*EVIDENCE.values()))
    return [read_frozen(name) for name in ([profile] if profile else every) if profile or name in frozen_names()]


def counted(results: Sequence[Frozen], paper: str) -> list[Frozen]:
    """Those of `results` that count for claims of `paper`, best first: all but the evidence for the other paper alone."""
    rank = {name: place for place, name in enumerate(EVIDENCE[paper])}
    of_other = set(itertools.chain(*EVIDENCE.values())) - set(rank)
    return sorted((one for one in results if one.name not in of_other), key=lambda one: rank.get(one.name, len(rank)))


def judge_claims(results: Sequence[Frozen], chosen: pd.DataFrame | None = None) -> pd.DataFrame:
    """A row per claim: its columns, those of `Judgement` (`word` is the verdict), `profile`, `our_encoder`, `mark`, `expected`;
    `other_encoder`: whether ours is not the paper's, so that the verdict is about the method and not about the number; and of
    what was decided against CE `with_copies`: the word against CE + aug., should the paper's CE have read the second views too.
    """
    rows = []
    for claim in (published.claims() if chosen is None else chosen).to_dict("records"):
        rule, counting = RULES[claim["kind"]], counted(results, claim["paper"])
        found, profile, encoder, mark, expected = rule(claim, counting)
        other = bool(encoder) and encoder != claim["encoder"].split(" over ")[0]
        told = {"profile": profile, "our_encoder": encoder, "mark": mark, "expected": expected, "other_encoder": other}
        decided = rule is _compared and claim["b"] == "ce" and found.word not in (UNDECIDED, NOT_RUN)
        word = rule({**claim, "b": "ce_aug"}, counting).found.word if decided else NOT_RUN
        rows.append({**claim, **found._asdict(), **told, "with_copies": word.replace(NOT_RUN, "")})
    return pd.DataFrame(rows)


def _compared(claim: dict, results: list[Frozen]) -> Evidence:
    """A claim about two objectives on one corpus or class set, by p of the family that every notebook shows."""
    sides = _sides(claim, results)
    if sides is None:
        return _absent("no run of a side")
    table = comparisons(sides.results, metric=claim["metric"])
    here = table[(table[list(PLACE)] == [claim["corpus"], claim["classes"], sides.encoder]).all(axis=1)]
    pair = {claim["a"], claim["b"]}
    family = next((row for row in here.to_dict("records") if {row["a"], row["b"]} == pair), {"p_family": None, "mark": ""})
    expected = published_differences(claim["metric"]).get((claim["corpus"], claim["classes"], claim["a"], claim["b"]))
    margin = None if math.isnan(claim["margin"]) else claim["margin"]
    found = judging.judge(sides.a, sides.b, expected, margin, CLAIMED[claim["kind"]], family["p_family"])
    found = found if margin is None else found._replace(p_holm=math.nan)  # its own test is one-sided, and no member of a family
    return Evidence(found, sides.results.name, sides.encoder, family["mark"], expected)


def _contrasted(claim: dict, results: list[Frozen]) -> Evidence:
    """A mean gain over several corpora, or a gain in some places against that in others: a contrast of means."""
    places = _places(claim)
    for frozen in results:
        sides = [_sides({**claim, "corpus": corpus, "classes": classes}, [frozen]) for _, corpus, classes in places]
        if all(sides) and len({each.encoder for each in sides}) == 1:
            break
    else:
        return _absent("a corpus or set has no run of a side")
    factors = [factor for factor, *_ in places]
    means = [(sign * factor, runs) for factor, each in zip(factors, sides, strict=True)
             for sign, runs in ((1, each.a), (-1, each.b))]  # fmt: skip
    printed = published_differences(claim["metric"], 3 if claim["place"].endswith("Table 3") else None)
    gains = [printed.get((corpus, classes, claim["a"], claim["b"])) for _, corpus, classes in places]
    expected = None if None in gains else float(np.dot(factors, gains))
    n = min(each.fewest() for each in sides)
    claimed = "below" if claim["metric"] == "entropy" else "above"
    found = judging.judge_difference(tests.contrast(means), n, expected, claimed)._replace(p_holm=math.nan)  # no family
    rows = comparisons(frozen, metric=claim["metric"]).query("a == @claim['a'] and b == @claim['b']")
    marks = rows.set_index(list(PLACE))["mark"]
    rising = [corpus for _, corpus, classes in places if marks.get((corpus, classes, sides[0].encoder))]
    mark = f"not converged on {text.listed(map(names.corpus, dict.fromkeys(rising)))}" if rising else ""
    return Evidence(found, frozen.name, sides[0].encoder, mark, expected)


def _places(claim: dict) -> list[tuple[float, str, str]]:
    """(factor, corpus, class set) of a contrast: `a|b over c` means the mean of a and b less c, of corpora or class sets."""
    of = "corpus" if claim["classes"] == ALL_CLASSES else "classes"
    found = []
    for sign, part in zip((1, -1), claim[of].split(" over "), strict=False):
        members = part.split("|")
        places = [{"corpus": claim["corpus"], "classes": claim["classes"], of: member} for member in members]
        found += [(sign / len(members), place["corpus"], place["classes"]) for place in places]
    return found


def _most_confusable(claim: dict, results: list[Frozen]) -> Evidence:
    for frozen in results:
        if runs := class_sets.searched_runs(frozen, claim["corpus"]):
            row = _ranked(frozen, claim["corpus"]).set_index("set").loc[claim["classes"]]
            note = f"rank {row['rank']:,} [{row['low']:,.0f}, {row['high']:,.0f}] over texts"
            encoder = frozen.runs.set_index("identity").loc[runs[0], "encoder"]
            return Evidence(Judgement(row["word"], n=(len(runs),), note=note), frozen.name, encoder)
    return _absent("no CE run on all classes")


def _near(claim: dict, results: list[Frozen]) -> Evidence:
    """Whether our mean is within the margin of a number; only runs with the encoder of the claim can say so."""
    sides = _sides({**claim, "b": claim["a"]}, results, same_encoder=True)
    if sides is None:
        return _absent(f"no run with {names.encoder(claim['encoder'])}")
    largest = corpus_facts.majority(corpus_facts.table("splits")).set_index("corpus")["majority"]
    target = printed_level(claim) if claim["kind"] == "level" else largest[claim["corpus"]]
    found = judging.judge_level(sides.a, target, claim["margin"])
    if claim["encoder"] in UNNAMED and found.word == CONTRADICTED:
        found = found._replace(word=DIFFERS, note="the report names no settings")
    return Evidence(found, sides.results.name, sides.encoder)


def printed_level(claim: dict) -> float:
    """The accuracy in percent that a claim of kind `level` states: of a table (of encoder `b` where the claim is to be as good
    as another's number), or of the text where its place names no table."""
    if "Table" in claim["place"]:
        cells = published.table(claim["paper"], int(claim["place"].rpartition("Table ")[2]))
        wanted = {name: claim[name] for name in ("corpus", "classes", "metric", "split")}
        wanted |= {"encoder": claim["b"]} if claim["b"] else {"encoder": claim["encoder"], "objective": claim["a"]}
    else:
        cells = published.text_numbers(claim["paper"])
        wanted = {"subject": claim["corpus"], "quantity": f"accuracy_{claim['encoder']}"}
    return float(cells.loc[(cells[list(wanted)] == list(wanted.values())).all(axis=1), "value"].item())


def _better_encoder(claim: dict, results: list[Frozen]) -> Evidence:
    both = claim["encoder"].split(" over ")
    first, second = (_sides({**claim, "encoder": name}, results, same_encoder=True) for name in both)
    if not (first and second):
        return _absent(f"no run with {' or '.join(map(names.encoder, both))}")
    found = judging.judge(first.a, second.a)._replace(p_holm=math.nan)  # no family
    return Evidence(found, first.results.name, first.encoder)


def _settings(claim: dict, results: list[Frozen]) -> Evidence:
    """How far mean accuracies span over settings of the report's grid that were run with the objective."""
    for frozen in results:
        runs = selection.grid(frozen, claim["corpus"], claim["a"]).query("status == 'done'")
        scores = (100 * runs.set_index(list(selection.GRID))["test_accuracy"]).groupby(level=list(selection.GRID))
        means = scores.mean().sort_values()
        if len(means) > 1:
            temperatures = means.index.get_level_values("temperature")
            others, worst = means[temperatures != temperatures[0]], temperatures[0]
            span = float(means.iloc[-1] - means.iloc[0])
            enough = scores.size().min() >= judging.FEWEST and span > claim["margin"]
            note = f"span over {len(means)} settings; {text.number(np.ptp(others), 1)} without temperature {worst:g}"
            found = Judgement(REPRODUCED if enough else UNDECIDED, span, n=(len(runs),), note=note)
            return Evidence(found, frozen.name, runs["encoder"].iloc[0])
    return _absent("no run over settings")


RULES: dict[str, Callable[[dict, list[Frozen]], Evidence]] = {
    **dict.fromkeys(CLAIMED, _compared),
    **dict.fromkeys(("pooled", "larger gain"), _contrasted),
    **dict.fromkeys(("level", "near chance"), _near),
    "most confusable": _most_confusable,
    "better encoder": _better_encoder,
    "settings": _settings,
}


def _absent(note: str) -> Evidence:
    return Evidence(Judgement(NOT_RUN, note=note))


def _sides(claim: dict, results: Sequence[Frozen], same_encoder: bool = False) -> Sides | None:
    """The runs of both sides with one encoder in one profile: the claim's encoder first, then the most runs. None if there are
    none on a side."""
    found = []
    for frozen in results:
        a, b = (dict(iter(_runs(frozen, claim, claim[side]).groupby("encoder")["value"])) for side in ("a", "b"))
        both = sorted({*a} & {*b} & ({claim["encoder"]} if same_encoder else {*a}))
        found += [Sides(frozen, one, a[one].to_numpy(float), b[one].to_numpy(float)) for one in both]
    return min(found, key=lambda sides: (sides.encoder != claim["encoder"], -sides.fewest()), default=None)


def _runs(frozen: Frozen, claim: dict, objective: str) -> pd.DataFrame:
    """The finished runs of one side on the corpus and class set of a claim; `objective` may name settings that are changed."""
    name, *changes = objective.split()
    metric = claim["metric"] or "accuracy"
    if changes:
        changed = selection.changed(frozen, dict(change.split("=", 1) for change in changes))
        runs = valued(frozen, changed, metric)
    else:
        runs = scored(frozen, metric)
    return runs[(runs["corpus"] == claim["corpus"]) & (runs["objective"] == name) & (runs["set"] == claim["classes"])]


def mean_published_gain(a: str, b: str) -> float:
    """The mean over the paper's six corpora of the published difference a - b of test accuracy, in points."""
    gains = published_differences().items()
    return float(np.mean([gain for (_, *place), gain in gains if place == [ALL_CLASSES, a, b]]))


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`judge_claims` as the page to send to the authors. The verdict stands third, so that a narrow page does not cut it."""
    rows = []
    for row in table.to_dict("records"):
        power, difference = text.number(row["power"]), text.difference(row)
        ends = f" [{text.number(row['power_low'])}, {text.number(row['power_high'])}]" if row["power_low"] >= 0 else ""
        unit = " bits" if row["metric"] == "entropy" else " points"
        rows.append({
            "Claim": row["claim"],
            "About": f"{row['about']}: {row['on']}",
            "Verdict": row["word"] + (" *" if row["other_encoder"] else ""),
            "Difference": difference + (unit if difference != text.NONE else ""),
            "Published": text.number(row["expected"], sign=True),
            "n": ", ".join(map(str, row["n"])) or "0",
            "p": text.p_value(row["p"]),
            "p (Holm)": text.p_value(row["p_holm"]),
            "Power": power + ends,
            "Runs needed": text.number(row["needed"], 0),
            "Note": _minded(row) or text.NONE,
            "Evidence": f"{row['profile']}, {names.encoder(row['our_encoder'])}" if row["profile"] else text.NONE,
            "In its own words": f"“{row['quote']}” ({row['place']})",
            "Criterion": row["criterion"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def _minded(row: dict) -> str:
    doubted = "the printed classes are in doubt (notebook 00)" if published.DOUBTED in row["classes"] else ""
    copies = row["with_copies"] and f"if the paper's CE read the copies too, {row['with_copies']}: against CE + aug."
    return "; ".join(filter(None, (row["note"], row["mark"], doubted, copies)))


def counts(table: pd.DataFrame) -> pd.DataFrame:
    """How many claims that are `counted` have each verdict: a row per paper and encoder, the claim's own or another."""
    kept = published.counted(table)
    whose = kept["other_encoder"].map({True: "another encoder", False: "the claim's encoder"})
    whose = whose.where(kept["word"] != NOT_RUN, "–")
    found = pd.crosstab([kept["paper"].map(PAPERS), whose], kept["word"]).reindex(columns=VERDICTS, fill_value=0)
    return found.rename_axis(index=["Source", "Judged with"], columns=None).reset_index()


def facts(table: pd.DataFrame) -> dict:
    """What `said.md.j2` is filled in with: the counts by paper, and the claims that were decided, accuracy before F1."""
    kept = published.counted(table)
    tried = kept["word"] != NOT_RUN
    counted = kept.groupby("paper")["word"].value_counts().unstack(fill_value=0).reindex(columns=VERDICTS, fill_value=0)
    decided = table[~table["word"].isin((NOT_RUN, UNDECIDED))].sort_values("metric", kind="stable")
    doubts = published.significance_tests().query("claim == 'not significant' and p_relation == '='")
    doubts = doubts.set_index(["metric", "corpus", "classes", "better", "worse"])["p"].to_dict()
    rows = [{**row, "n_said": ", ".join(map(str, row["n"])), "minded": _minded(row),
             "own_p": doubts.get(tuple(row[name] for name in ("metric", "corpus", "classes", "a", "b")))}
            for row in decided.to_dict("records")]  # fmt: skip
    return {
        "papers": {PAPERS[name]: [(word, n) for word, n in counted.loc[name].items() if n] for name in published.PAPERS},
        "tried": int(tried.sum()),
        "other": int((kept["other_encoder"] & tried).sum()),
        "decided": rows,
    }
