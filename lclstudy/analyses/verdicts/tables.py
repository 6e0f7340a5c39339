"""Every claim of the two papers against the frozen results: the evidence, and the word by the rule of `claims.csv`.

The rules are in `data/published/claims.csv` and explained in its README; here is one function for each kind of claim.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from lclstudy import paths
from lclstudy.plan import names
from lclstudy.results import class_sets, corpus_facts, hard_sets, published, selection
from lclstudy.results.comparisons import (
    ALL_CLASSES,
    PRIMARY,
    judged,
    published_comparisons,
    published_differences,
    scored,
    valued,
)
from lclstudy.results.frozen import Frozen, frozen_names, read_frozen
from lclstudy.show import text
from lclstudy.statistics import judge as judging
from lclstudy.statistics import tests
from lclstudy.statistics.judge import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, Judgement

DIFFERS = "differs"  # the strongest word where the source names no settings
VERDICTS = (*judging.WORDS, DIFFERS)
UNNAMED = ("rnn", "gru")  # of the report, without any setting
# Profiles that count for the claims of each paper, best first. Quick is no evidence, and ablations change the protocol.
EVIDENCE = {"suresh2021": ("paper", "minilm"), "modarres": ("report", "baselines", "paper", "minilm", "report_small")}
GRID = ("alpha", "temperature", "batch_size")  # what the report's search varies
CLAIMED = {"better": "above", "peakier": "below", "not better": "not above", "same": "same", "same entropy": "same"}


class Evidence(NamedTuple):
    """What the results say of a claim, and which: profile and encoder, empty where there are none; `mark`: not converged."""

    found: Judgement
    profile: str = ""
    encoder: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Sides:
    """The runs of both sides of a claim in one place: rows of `comparisons.valued`, empty where there is none."""

    results: Frozen
    encoder: str
    a: pd.DataFrame
    b: pd.DataFrame

    @property
    def values(self) -> tuple[np.ndarray, np.ndarray]:
        return self.a["value"].to_numpy(float), self.b["value"].to_numpy(float)


def claims() -> pd.DataFrame:
    """The rows of `data/published/claims.csv`; `margin` as a number, NaN where the rule has none."""
    file = paths.published() / "claims.csv"
    return pd.read_csv(file, dtype={"classes": str}, keep_default_na=False, na_values={"margin": [""]})


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
    """A row per claim: its columns, those of `Judgement` (`word` is the verdict), `profile`, `our_encoder`, `mark`, and
    `other_encoder`: whether ours is not the paper's, so that the verdict is about the method and not about the number."""
    rows = []
    for claim in (claims() if chosen is None else chosen).to_dict("records"):
        found, profile, encoder, mark = RULES[claim["kind"]](claim, counted(results, claim["paper"]))
        other = bool(encoder) and encoder != claim["encoder"].split(" over ")[0]
        rows.append(
            {**claim, **found._asdict(), "profile": profile, "our_encoder": encoder, "mark": mark, "other_encoder": other}
        )
    return pd.DataFrame(rows)


def _compared(claim: dict, results: list[Frozen]) -> Evidence:
    """A claim about two objectives on one corpus or class set, by p of the family that every notebook shows."""
    sides = _sides(claim, results)
    if sides is None:
        return _absent("no run of a side")
    family = _family_row(sides, claim)
    expected = published_differences(claim["metric"], claim["split"]).get(_key(claim))
    margin = None if math.isnan(claim["margin"]) else claim["margin"]
    found = judging.judge(
        *sides.values, expected, margin, CLAIMED[claim["kind"]], None if family is None else family["p_family"]
    )
    found = found if margin is None else found._replace(p_holm=math.nan)  # its own test is one-sided, and no member of a family
    return Evidence(found, sides.results.name, sides.encoder, "" if family is None else family["mark"])


def _family_row(sides: Sides, claim: dict) -> dict | None:
    """The row of `comparisons.judged` about the same two objectives, either way round."""
    if {claim["a"], claim["b"]} not in map(set, PRIMARY):
        return None
    table = judged(sides.results, metric=claim["metric"], split=claim["split"])
    here = table[
        (table["corpus"] == claim["corpus"]) & (table["set"] == claim["classes"]) & (table["encoder"] == sides.encoder)
    ]
    return next(row for row in here.to_dict("records") if {row["a"], row["b"]} == {claim["a"], claim["b"]})


def _contrasted(claim: dict, results: list[Frozen]) -> Evidence:
    """A mean gain over several corpora, or a gain in some places against that in others: a contrast of means."""
    places = _places(claim)
    for frozen in results:
        strata = [
            (factor, _sides({**claim, "corpus": corpus, "classes": classes}, [frozen])) for factor, corpus, classes in places
        ]
        if all(sides for _, sides in strata) and len({sides.encoder for _, sides in strata}) == 1:
            break
    else:
        return _absent("a corpus or set has no run of a side")
    groups = [(sign * factor, values) for factor, sides in strata for sign, values in zip((1, -1), sides.values, strict=True)]
    published_gains = published_differences(claim["metric"], claim["split"])
    gains = [published_gains.get((corpus, classes, claim["a"], claim["b"])) for _, corpus, classes in places]
    expected = None if None in gains else sum(factor * gain for (factor, *_), gain in zip(places, gains, strict=True))
    n = min(len(values) for _, values in groups)
    found = judging.judge_difference(tests.contrast(groups), n, expected, "below" if claim["metric"] == "entropy" else "above")
    return Evidence(found, frozen.name, strata[0][1].encoder)


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
            row = hard_sets.ranked(frozen, claim["corpus"]).set_index("set").loc[claim["classes"]]
            note = f"rank {row['rank']:,} [{row['low']:,.0f}, {row['high']:,.0f}] over texts"
            encoder = frozen.runs.set_index("identity").loc[runs[0], "encoder"]
            return Evidence(Judgement(row["word"], n=(len(runs),), note=note), frozen.name, encoder)
    return _absent("no CE run on all classes")


def _level(claim: dict, results: list[Frozen]) -> Evidence:
    return _near(claim, results, printed_level(claim))


def printed_level(claim: dict) -> float:
    """The accuracy in percent that a claim of kind `level` states: of a table (of encoder `b` where the claim is to be as good
    as another's number), or of the text where its place names no table."""
    cells = published.table(claim["paper"])
    if "Table" in claim["place"]:
        cells = cells[cells["table"] == int(claim["place"].rpartition("Table ")[2])]
        wanted = {"corpus": claim["corpus"], "classes": claim["classes"], "metric": claim["metric"], "split": claim["split"]}
        wanted |= {"encoder": claim["b"]} if claim["b"] else {"encoder": claim["encoder"], "objective": claim["a"]}
        return cells[np.logical_and.reduce([cells[name] == value for name, value in wanted.items()])]["value"].item()
    said = published.text_numbers(claim["paper"])
    wanted = (said["subject"] == claim["corpus"]) & (said["quantity"] == f"accuracy_{claim['encoder']}")
    return float(said["value"][wanted].item())


def _near_chance(claim: dict, results: list[Frozen]) -> Evidence:
    return _near(
        claim,
        results,
        corpus_facts.majority(corpus_facts.table("splits")).set_index("corpus").loc[claim["corpus"], "majority"],
    )


def _near(claim: dict, results: list[Frozen], target: float) -> Evidence:
    """Whether our mean is within the margin of a number; only runs with the encoder of the claim can say so."""
    sides = _sides({**claim, "b": claim["a"]}, results, same_encoder=True)
    if sides is None:
        return _absent(f"no run with {names.encoder(claim['encoder'])}")
    found = judging.judge_level(sides.values[0], target, claim["margin"])
    if claim["encoder"] in UNNAMED and found.word == CONTRADICTED:
        found = found._replace(word=DIFFERS, note="the report names no settings")
    return Evidence(found, sides.results.name, sides.encoder)


def _better_encoder(claim: dict, results: list[Frozen]) -> Evidence:
    first, second = (
        _sides({**claim, "encoder": name}, results, same_encoder=True) for name in claim["encoder"].split(" over ")
    )
    if not (first and second):
        return _absent(f"no run with {' or '.join(names.encoder(name) for name in claim['encoder'].split(' over '))}")
    return Evidence(judging.judge(first.values[0], second.values[0]), first.results.name, first.encoder)


def _settings(claim: dict, results: list[Frozen]) -> Evidence:
    """How far mean accuracies span over settings of the report's grid that were run with the objective."""
    for frozen in results:
        runs = _grid_runs(frozen, claim)
        scores = (100 * runs.set_index(list(GRID))[f"{claim['split']}_{claim['metric']}"]).groupby(level=list(GRID))
        means = scores.mean().sort_values()
        if len(means) > 1:
            worst = dict(zip(GRID, means.index[0], strict=True))["temperature"]
            others = means[means.index.get_level_values("temperature") != worst]
            span = float(means.iloc[-1] - means.iloc[0])
            enough = scores.size().min() >= judging.FEWEST and span > claim["margin"]
            note = f"span over {len(means)} settings; {text.number(np.ptp(others), 1)} without temperature {worst:g}"
            found = Judgement(REPRODUCED if enough else UNDECIDED, span, n=(len(runs),), note=note)
            return Evidence(found, frozen.name, runs["encoder"].iloc[0])
    return _absent("no run over settings")


def _grid_runs(frozen: Frozen, claim: dict) -> pd.DataFrame:
    """The finished runs that differ from the profile's first setting in nothing but alpha, temperature, batch size and seed."""
    done = frozen.done
    here = done[(done["corpus"] == claim["corpus"]) & (done["objective"] == claim["a"]) & (done["classes"] == "")]
    chosen = _runs(frozen, claim, claim["a"])
    fixed = {*selection.settings_read(claim["a"]), "encoder"} - set(GRID)
    for name in [name for name in fixed if name in here and len(chosen)]:
        here = here[selection.among(here[name], chosen[name].iloc[:1])]
    return here


RULES: dict[str, Callable[[dict, list[Frozen]], Evidence]] = {
    **dict.fromkeys(CLAIMED, _compared),
    "pooled": _contrasted,
    "larger gain": _contrasted,
    "most confusable": _most_confusable,
    "level": _level,
    "near chance": _near_chance,
    "better encoder": _better_encoder,
    "settings": _settings,
}


def _absent(note: str) -> Evidence:
    return Evidence(Judgement(NOT_RUN, note=note))


def _sides(claim: dict, results: Sequence[Frozen], same_encoder: bool = False) -> Sides | None:
    """The runs of both sides with one encoder in one profile: the claim's encoder first, then the most runs. None if there are
    none on a side."""
    found = []
    for order, frozen in enumerate(results):
        a, b = (_runs(frozen, claim, claim[side]) for side in ("a", "b"))
        for encoder in sorted({*a["encoder"]} & {*b["encoder"]}):
            own = encoder == claim["encoder"]
            if own or not same_encoder:
                sides = Sides(frozen, encoder, a[a["encoder"] == encoder], b[b["encoder"] == encoder])
                fewest = min(len(sides.a), len(sides.b))
                found.append(((not own, -fewest, order), sides))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _runs(frozen: Frozen, claim: dict, objective: str) -> pd.DataFrame:
    """The finished runs of one side on the corpus and class set of a claim; `objective` may name settings that are changed."""
    name, *changes = objective.split()
    if changes:
        changed = selection.changed(frozen, dict(change.split("=", 1) for change in changes))
        runs = valued(frozen, changed, claim["metric"], claim["split"])
    else:
        runs = scored(frozen, claim["metric"] or "accuracy", claim["split"])
    return runs[(runs["corpus"] == claim["corpus"]) & (runs["objective"] == name) & (runs["set"] == claim["classes"])]


def _key(claim: dict) -> tuple[str, str, str, str]:
    return claim["corpus"], claim["classes"], claim["a"], claim["b"]


def forest_rows(results: Sequence[Frozen], a: str, b: str) -> pd.DataFrame:
    """Rows of `show.forest`: the corpora of the paper that ran, by rising number of classes, then their mean.

    The means are equally weighted Welch-Satterthwaite contrasts over the same corpora, ours over those with two runs or more on
    both sides.
    """
    cells = published.table("suresh2021").query("table in (1, 2) and metric == 'accuracy' and encoder == 'electra-base'")
    printed = published_comparisons(cells, [(a, b)]).set_index("corpus")
    rows, strata = [], {}
    for corpus in FOREST:
        claim = {"corpus": corpus, "classes": ALL_CLASSES, "a": a, "b": b, "metric": "accuracy", "split": "test",
                 "encoder": "electra-base"}  # fmt: skip
        sides = _sides(claim, counted(results, "suresh2021"))
        if sides is None:
            continue
        test, theirs = tests.welch(*sides.values), printed.loc[corpus]
        counts = {"n": f"{len(sides.a)}, {len(sides.b)}", "published_n": f"{theirs['n_a']}, {theirs['n_b']}"}
        rows.append({"label": names.corpus(corpus), "a": a, "note": test.note, **_ends(test), **_ends(theirs, "published_"),
                     **counts})  # fmt: skip
        if min(map(len, sides.values)) > 1:
            strata[corpus] = sides.values
    if len(strata) > 1:
        count = f"{len(strata)} corpora"
        ours = tests.contrast([(sign / len(strata), side) for pair in strata.values()
                               for sign, side in zip((1, -1), pair, strict=True)])  # fmt: skip
        theirs = printed.loc[list(strata)]
        half = np.sqrt((((theirs["ci_high"] - theirs["ci_low"]) / 2) ** 2).sum()) / len(strata)
        middle = theirs["difference"].mean()
        mean = {"difference": middle, "ci_low": middle - half, "ci_high": middle + half}
        label = {"label": f"mean of {count}", "a": a, "note": "", "n": "", "published_n": ""}
        rows.append({**label, **_ends(ours), **_ends(mean, "published_")})
    return pd.DataFrame(rows)


FOREST = ("sst2", "emoint", "sst5", "isear", "goemotions", "empathetic_dialogues")


def _ends(test, prefix: str = "") -> dict[str, float]:
    found = test._asdict() if hasattr(test, "_asdict") else test
    return {f"{prefix}{name}": found[name] for name in ("difference", "ci_low", "ci_high")}


def mean_published_gain(a: str, b: str) -> float:
    """The mean over the paper's six corpora of the published difference a - b of test accuracy, in points."""
    return float(np.mean([published_differences()[corpus, ALL_CLASSES, a, b] for corpus in FOREST]))
