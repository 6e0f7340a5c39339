"""Every claim of the two papers against the frozen results: the evidence, and the verdict by the rule of `claims.csv`.

The rules are in `data/published/claims.csv` and explained in its README; here is one function for each kind of claim. No torch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase

import numpy as np
import pandas as pd
from scipy.stats import norm

from lclstudy import paths
from lclstudy.plan import names
from lclstudy.results import class_sets, corpus_facts, published, selection
from lclstudy.results.frozen import Frozen, frozen_names, read_frozen
from lclstudy.show import tables
from lclstudy.statistics import metrics, subsets, tests

VERDICTS = ("reproduced", "not reproduced", "contradicted", "underpowered", "not run")
REPRODUCED, NOT_REPRODUCED, CONTRADICTED, UNDERPOWERED, NOT_RUN = VERDICTS
ENOUGH_POWER = 0.8
# Profiles that count for the claims of each paper, best first. Quick is no evidence, and ablations change the protocol.
EVIDENCE = {"suresh2021": ("paper", "minilm"), "modarres": ("report", "baselines", "paper", "minilm", "report_small")}
DRAWS, SEED = 1000, 0  # of the bootstraps
GRID = 45  # settings of the report's search: 3 of alpha, 5 of temperature, 3 of batch size


@dataclass(frozen=True)
class Evidence:
    """What the results say of a claim. Differences and intervals are in points (entropies: bits); NaN or 0 where there is none.

    `power` is that of the test at our numbers of runs for the published effect; `needed` the runs on each side for 0.8.
    """

    verdict: str
    profile: str = ""
    encoder: str = ""
    n: tuple[int, ...] = ()
    difference: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    p: float = math.nan
    power: float = math.nan
    needed: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Sides:
    """The runs of both sides of a claim in one place, percent or bits."""

    profile: str
    encoder: str
    a: np.ndarray
    b: np.ndarray

    @property
    def n(self) -> tuple[int, ...]:
        return tuple(len(side) for side in (self.a, self.b) if len(side))


def claims() -> pd.DataFrame:
    """The rows of `data/published/claims.csv`; `alpha` and `margin` as numbers, NaN where the rule has none."""
    return pd.read_csv(paths.published() / "claims.csv", dtype={"classes": str}, keep_default_na=False,
                       na_values={"alpha": [""], "margin": [""]})  # fmt: skip


def evidence_from(profile: str = "") -> list[Frozen]:
    """The frozen results that count: those of `profile`, or of the profiles in `EVIDENCE` that are there."""
    every = dict.fromkeys(name for paper in EVIDENCE.values() for name in paper)
    wanted = [profile] if profile else [name for name in every if name in frozen_names()]
    return [read_frozen(name) for name in wanted]


def counted(results: Sequence[Frozen], paper: str) -> list[Frozen]:
    """Those of `results` that count for claims of `paper`, best first: all but the evidence for the other paper alone."""
    of_other = {name for names_of in EVIDENCE.values() for name in names_of} - set(EVIDENCE[paper])
    kept = [frozen for frozen in results if frozen.name not in of_other]
    rank = {name: place for place, name in enumerate(EVIDENCE[paper])}
    return sorted(kept, key=lambda frozen: rank.get(frozen.name, len(rank)))


def judge(results: Sequence[Frozen], judged: pd.DataFrame | None = None) -> pd.DataFrame:
    """A row per claim: its columns, those of `Evidence`, `other_encoder` (whether ours is not the paper's), and `p_holm`.

    `p_holm` is adjusted over all claims that were tested. Verdicts follow p itself, as the rules were written.
    """
    judged = claims() if judged is None else judged
    rows = []
    for claim in judged.to_dict("records"):
        found = RULES[claim["kind"]](claim, counted(results, claim["paper"]))
        wanted = claim["encoder"].split(" over ")[0]
        told = {name: value for name, value in vars(found).items() if name != "encoder"}
        other = bool(found.encoder) and found.encoder != wanted
        rows.append({**claim, **told, "our_encoder": found.encoder, "other_encoder": other})
    table = pd.DataFrame(rows)
    table["needed"] = table["needed"].astype("Int64")
    table["p_holm"] = tests.holm(table["p"])
    return table


def _better(claim: dict, results: list[Frozen]) -> Evidence:
    sides = _sides(claim, results)
    found = _compared(claim, sides)
    if found.verdict:
        return found
    significant = found.p < claim["alpha"]
    sign = -1 if claim["kind"] == "peakier" else 1
    if significant:
        return replace(found, verdict=REPRODUCED if sign * found.difference > 0 else CONTRADICTED)
    return _unsettled(found)


def _not_better(claim: dict, results: list[Frozen]) -> Evidence:
    found = _compared(claim, _sides(claim, results), margin=claim["margin"])
    if found.verdict:
        return found
    if found.p < claim["alpha"] and found.difference > 0:
        return replace(found, verdict=CONTRADICTED)
    return replace(found, verdict=REPRODUCED) if found.ci_high < claim["margin"] else _unsettled(found)


def _same(claim: dict, results: list[Frozen]) -> Evidence:
    sides = _sides(claim, results)
    found = _compared(claim, sides, margin=claim["margin"])
    if found.verdict:
        return found
    equivalent = tests.equivalence(sides.a, sides.b, claim["margin"])
    found = replace(found, p=equivalent.p, note="p that they differ by more than the margin")
    if equivalent.p < claim["alpha"]:
        return replace(found, verdict=REPRODUCED)
    apart = found.ci_low > claim["margin"] or found.ci_high < -claim["margin"]
    return replace(found, verdict=CONTRADICTED) if apart else _unsettled(found)


def _compared(claim: dict, sides: Sides, margin: float | None = None) -> Evidence:
    """Welch's test with its power; the verdict is given already where there is nothing to test, else it is empty."""
    if not (len(sides.a) and len(sides.b)):
        return Evidence(NOT_RUN, note=_absent(claim, sides))
    test = tests.welch(sides.a, sides.b)
    found = Evidence("", sides.profile, sides.encoder, sides.n, test.difference, test.ci_low, test.ci_high, test.p)
    if test.note:
        return replace(found, verdict=UNDERPOWERED, note=test.note)
    effect = (margin, sides.a.std(ddof=1), sides.b.std(ddof=1)) if margin else _published_effect(claim, sides)
    if effect is None:
        return replace(found, note="no published difference, so no power")
    difference, sd_a, sd_b = effect
    power = tests.power(difference, sd_a, len(sides.a), sd_b, len(sides.b)).power
    return replace(found, power=power, needed=tests.runs_needed(difference, sd_a, sd_b))


def _unsettled(found: Evidence) -> Evidence:
    enough = found.power >= ENOUGH_POWER  # False for NaN
    return replace(found, verdict=NOT_REPRODUCED if enough else UNDERPOWERED)


def _larger_gain(claim: dict, results: list[Frozen]) -> Evidence:
    """A gain over another objective on some class sets against that on others: a contrast of means."""
    first, second = (part.split("|") for part in claim["classes"].split(" over "))
    sets, factors = [*first, *second], [1 / len(first)] * len(first) + [-1 / len(second)] * len(second)
    for frozen in results:
        strata = [_sides({**claim, "classes": name}, [frozen]) for name in sets]
        if all(len(sides.a) and len(sides.b) for sides in strata):
            break
    else:
        return Evidence(NOT_RUN, note="a set has no run of one side")
    groups = [(sign * factor, side) for factor, sides in zip(factors, strata, strict=True)
              for sign, side in ((1, sides.a), (-1, sides.b))]  # fmt: skip
    test, n = tests.contrast(groups), (min(min(sides.n) for sides in strata),)
    found = Evidence("", strata[0].profile, strata[0].encoder, n, test.difference, test.ci_low, test.ci_high, test.p)
    if test.note:
        return replace(found, verdict=UNDERPOWERED, note=test.note)
    if test.p < claim["alpha"]:
        return replace(found, verdict=REPRODUCED if test.difference > 0 else CONTRADICTED)
    return _unsettled(replace(found, power=_contrast_power(claim, sets, factors, strata)))


def _contrast_power(claim: dict, sets: list[str], signs: list[float], strata: list[Sides]) -> float:
    """Of a contrast of published differences, by the normal approximation."""
    effects = [_published_effect({**claim, "classes": name}, sides) for name, sides in zip(sets, strata, strict=True)]
    if any(effect is None for effect in effects):
        return math.nan
    whole = sum(sign * effect[0] for sign, effect in zip(signs, effects, strict=True))
    variance = sum(sign**2 * (sd_a**2 / len(sides.a) + sd_b**2 / len(sides.b))
                   for sign, (_, sd_a, sd_b), sides in zip(signs, effects, strata, strict=True))  # fmt: skip
    return float(norm.cdf(abs(whole) / math.sqrt(variance) - norm.ppf(0.975)))


def _most_confusable(claim: dict, results: list[Frozen]) -> Evidence:
    wanted = frozenset(published.class_sets()[claim["classes"]])
    place = ascii_lowercase.index(claim["classes"][-1])
    for frozen in results:
        identities = class_sets.searched_runs(frozen, claim["corpus"])
        if not identities:
            continue
        counts, classes = frozen.confusion(identities, "validation")
        picks = _picked(counts, classes, len(wanted))
        name, encoder = frozen.name, _encoder_of(frozen, identities[0])
        found = Evidence(REPRODUCED, name, encoder, (len(identities),), note=_place_said(wanted, picks))
        if picks[place] == wanted:
            return found
        drawn = np.random.default_rng(SEED).multinomial(int(counts.sum()), counts.ravel() / counts.sum(), size=DRAWS)
        ever = any(wanted in _picked(draw.reshape(counts.shape), classes, len(wanted)) for draw in drawn)
        return replace(found, verdict=NOT_REPRODUCED if ever else CONTRADICTED)
    return Evidence(NOT_RUN, note="no CE run on all classes")


def _picked(counts: np.ndarray, classes: Sequence[str], size: int) -> list[frozenset[str]]:
    return [frozenset(classes[index] for index in members) for members, _ in subsets.most_confusable(counts, size, 4)]


def _place_said(wanted: frozenset, picks: list[frozenset]) -> str:
    if wanted in picks:
        return f"pick {ascii_lowercase[picks.index(wanted)]} of our search"
    overlap = max(len(wanted & pick) for pick in picks)
    return f"no pick of ours; the nearest shares {overlap} of {len(wanted)} classes"


def _level(claim: dict, results: list[Frozen]) -> Evidence:
    return _near(claim, results, printed_level(claim))


def printed_level(claim: dict) -> float:
    """The accuracy in percent that a claim of kind `level` states: of a table, or of the text where its place names none."""
    if "Table" in claim["place"]:
        return _printed(claim, claim["encoder"], claim["a"])["value"].item()
    said = published.text_numbers(claim["paper"])
    wanted = (said["subject"] == claim["corpus"]) & (said["quantity"] == f"accuracy_{claim['encoder']}")
    return float(said["value"][wanted].item())


def _near_chance(claim: dict, results: list[Frozen]) -> Evidence:
    labels = corpus_facts.table("labels")
    rows = labels[(labels["corpus"] == claim["corpus"]) & (labels["split"] == claim["split"])]["rows"]
    return _near(claim, results, 100 * rows.max() / rows.sum())


def _near(claim: dict, results: list[Frozen], target: float) -> Evidence:
    """Whether our mean is within the margin of a number; only runs with the encoder of the claim can say so."""
    sides = _sides({**claim, "b": ""}, results, same_encoder=True)
    if not len(sides.a):
        return Evidence(NOT_RUN, note=f"no run with {names.encoder(claim['encoder'])}")
    low, high = tests.mean_interval(sides.a)
    difference = float(sides.a.mean() - target)
    found = Evidence("", sides.profile, sides.encoder, sides.n, difference, low - target, high - target)
    if abs(difference) <= claim["margin"]:
        return replace(found, verdict=REPRODUCED)
    if len(sides.a) == 1:
        return replace(found, verdict=UNDERPOWERED, note=tests.ONE_RUN)
    apart = found.ci_low > claim["margin"] or found.ci_high < -claim["margin"]
    return replace(found, verdict=CONTRADICTED if apart else NOT_REPRODUCED)


def _better_encoder(claim: dict, results: list[Frozen]) -> Evidence:
    first, second = claim["encoder"].split(" over ")
    a, b = (_sides({**claim, "encoder": name, "b": ""}, results, same_encoder=True) for name in (first, second))
    sides = Sides(a.profile, first, a.a, b.a)
    found = _compared({**claim, "encoder": first}, sides)
    if found.verdict:
        return replace(found, note=found.note or f"no run with {names.encoder(first)} or {names.encoder(second)}")
    if found.p < claim["alpha"]:
        return replace(found, verdict=REPRODUCED if found.difference > 0 else CONTRADICTED)
    return _unsettled(found)


def _settings(claim: dict, results: list[Frozen]) -> Evidence:
    """How far mean accuracies span over settings of the report's grid that were run with the objective."""
    for frozen in results:
        runs = _grid_runs(frozen, claim)
        means = 100 * runs.groupby(["alpha", "temperature", "batch_size"])[f"{claim['split']}_{claim['metric']}"].mean()
        if len(means) > 1:
            span = float(means.max() - means.min())
            found = Evidence("", frozen.name, runs["encoder"].iloc[0], (len(means),), span, note="settings run")
            if span > claim["margin"]:
                return replace(found, verdict=REPRODUCED)
            return replace(found, verdict=CONTRADICTED if len(means) >= GRID else UNDERPOWERED)
    return Evidence(NOT_RUN, note="no run over settings")


def _grid_runs(frozen: Frozen, claim: dict) -> pd.DataFrame:
    """The finished runs that differ from the profile's first setting in nothing but alpha, temperature, batch size and seed."""
    runs = frozen.runs
    here = runs[(runs["corpus"] == claim["corpus"]) & (runs["objective"] == claim["a"]) & (runs["classes"] == "")]
    here = here[here["status"] == "done"]
    chosen = _done(frozen, claim["corpus"], tables.ALL_CLASSES, claim["a"])
    fixed = {*selection.settings_read(claim["a"]), "encoder"} - {"alpha", "temperature", "batch_size"}
    for name in [name for name in fixed if name in here and len(chosen)]:
        here = here[selection.among(here[name], chosen[name].iloc[:1])]
    return here


RULES: dict[str, Callable[[dict, list[Frozen]], Evidence]] = {
    "better": _better,
    "peakier": _better,
    "not better": _not_better,
    "same": _same,
    "same entropy": _same,
    "larger gain": _larger_gain,
    "most confusable": _most_confusable,
    "level": _level,
    "near chance": _near_chance,
    "better encoder": _better_encoder,
    "settings": _settings,
}


def _sides(claim: dict, results: list[Frozen], same_encoder: bool = False) -> Sides:
    """The runs of both sides with one encoder in one profile: the claim's encoder first, then the most runs."""
    candidates = []
    for order, frozen in enumerate(results):
        runs = {side: _done(frozen, claim["corpus"], claim["classes"], claim[side]) for side in ("a", "b") if claim[side]}
        for encoder in dict.fromkeys(name for side in runs.values() for name in side["encoder"]):
            if same_encoder and encoder != claim["encoder"]:
                continue
            same = {side: frame[frame["encoder"] == encoder] for side, frame in runs.items()}
            scores = {side: _scores(frozen, frame, claim) for side, frame in same.items()}
            fewest = min(map(len, scores.values()))
            rank = (-fewest if encoder == claim["encoder"] else 0, -fewest, order)
            candidates.append((rank, Sides(frozen.name, encoder, scores["a"], scores.get("b", np.zeros(0)))))
    return min(candidates, key=lambda pair: pair[0])[1] if candidates else Sides("", "", np.zeros(0), np.zeros(0))


def _done(frozen: Frozen, corpus: str, classes: str, objective: str) -> pd.DataFrame:
    name, *changes = objective.split()
    runs = selection.changed(frozen, dict(change.split("=", 1) for change in changes))
    here = runs[(runs["corpus"] == corpus) & (runs["objective"] == name) & (runs["status"] == "done")]
    if classes == tables.ALL_CLASSES:
        return here[here["classes"] == ""]
    wanted = frozenset(published.class_sets()[classes])
    return here[here["classes"].map(lambda text: frozenset(text.split("|")) == wanted).astype(bool)]


def _scores(frozen: Frozen, runs: pd.DataFrame, claim: dict) -> np.ndarray:
    if claim["metric"] == "entropy":
        every = [frozen.probabilities(identity, claim["split"]) for identity in runs["identity"]]
        return np.array([metrics.topk_entropies(scores)[:, -1].mean() for scores in every], float)
    return 100 * runs[f"{claim['split']}_{claim['metric']}"].to_numpy(float)


def _encoder_of(frozen: Frozen, identity: str) -> str:
    return frozen.runs.set_index("identity").loc[identity, "encoder"]


def _absent(claim: dict, sides: Sides) -> str:
    absent = [_side_said(claim[side]) for side in ("a", "b") if not len(getattr(sides, side))]
    return f"no run of {' or '.join(dict.fromkeys(absent))}"


def _printed(claim: dict, encoder: str, objective: str) -> pd.DataFrame:
    """The printed number of one side of a claim: of the table that its place names."""
    cells = published.table(claim["paper"])
    if "Table" in claim["place"]:
        cells = cells[cells["table"] == int(claim["place"].rpartition("Table ")[2])]
    same = {"corpus": claim["corpus"], "classes": claim["classes"], "objective": objective, "encoder": encoder,
            "metric": claim["metric"], "split": claim["split"]}  # fmt: skip
    return cells[np.logical_and.reduce([cells[name] == value for name, value in same.items()])]


def _published_effect(claim: dict, sides: Sides) -> tuple[float, float, float] | None:
    """Published difference and deviations; our own deviations where the paper prints none; None without a difference."""
    encoders = claim["encoder"].split(" over ")
    a, b = (_printed(claim, name, claim[side]) for side, name in (("a", encoders[0]), ("b", encoders[-1])))
    if len(a) != 1 or len(b) != 1:
        return None
    spreads = [cell["spread"].item() for cell in (a, b)]
    ours = [side.std(ddof=1) if len(side) > 1 else math.nan for side in (sides.a, sides.b)]
    spreads = [own if math.isnan(spread) else spread for spread, own in zip(spreads, ours, strict=True)]
    return None if any(map(math.isnan, spreads)) else (a["value"].item() - b["value"].item(), *spreads)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`judge` as the page to send to the authors: the claim in its own words, its place, criterion, evidence and verdict."""
    return pd.DataFrame([_readable_row(row) for row in table.to_dict("records")])


def _readable_row(row: dict) -> dict:
    return {
        "Claim": row["claim"],
        "In its own words": f"“{row['quote']}”",
        "Place": row["place"],
        "About": about(row),
        "Criterion": row["criterion"],
        "Profile, encoder": _source_said(row),
        "n": ", ".join(map(str, row["n"])) or "0",
        "Difference": _difference_said(row),
        "p": tables.p_value(row["p"]) if not pd.isna(row["p"]) else "–",
        "p (Holm)": tables.p_value(row["p_holm"]) if not pd.isna(row["p_holm"]) else "–",
        "Power": f"{row['power']:.2f}" if not pd.isna(row["power"]) else "–",
        "Runs needed": "–" if pd.isna(row["needed"]) else str(row["needed"]),
        "Verdict": row["verdict"],
        "Note": row["note"] or "–",
    }


def about(row: dict) -> str:
    """`LCL > CE, EmoInt`: what a claim compares, and on what."""
    a, b = _side_said(row["a"]), _side_said(row["b"])
    metric = f" in {names.metric(row['metric'])}" if row["metric"] == "weighted_f1" else ""
    pairs = {
        "better": f"{a} > {b}{metric}",
        "not better": f"{a} not above {b}",
        "same": f"{a} = {b}",
        "peakier": f"{a} peakier than {b}",
        "same entropy": f"{a} as peaky as {b}",
        "larger gain": f"gain of {a} over {b} larger",
        "most confusable": "most confusable set",
        "level": f"accuracy of {a}",
        "near chance": f"{a} near chance",
        "better encoder": " > ".join(map(names.encoder, row["encoder"].split(" over "))),
        "settings": f"{a} depends on settings",
    }
    sets = [part.split("|") for part in row["classes"].split(" over ")]
    ranges = [part[0] if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in sets]
    subset = "" if row["classes"] == tables.ALL_CLASSES else f", {' over '.join(ranges)}"
    who = f", {names.encoder(row['encoder'])}" if row["kind"] in ("level", "near chance") else ""
    return f"{pairs[row['kind']]}: {names.corpus(row['corpus'])}{subset}{who}"


def _side_said(side: str) -> str:
    """`scl_two_stage pooling=mean` is `SCL, two stages (pooling mean)`."""
    name, *changes = side.split() or [""]
    said = [names.protocol(change.removeprefix("protocol=")) if change.startswith("protocol=") else change.replace("=", " ")
            for change in changes]  # fmt: skip
    return f"{names.objective(name)} ({', '.join(said)})" if said else names.objective(name)


def _source_said(row: dict) -> str:
    if not row["profile"]:
        return "–"
    other = f" (paper: {names.encoder(row['encoder'])})" if row["other_encoder"] else ""
    return f"{row['profile']}, {names.encoder(row['our_encoder'])}{other}"


def _difference_said(row: dict) -> str:
    if pd.isna(row["difference"]):
        return "–"
    unit = "bits" if row["metric"] == "entropy" else "points"
    interval = "" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    return f"{row['difference']:+.2f}{interval} {unit}"


def counts(table: pd.DataFrame) -> pd.DataFrame:
    """How many claims of each paper have each verdict; papers as rows."""
    found = pd.crosstab(table["paper"], table["verdict"]).reindex(columns=VERDICTS, fill_value=0)
    return found.reindex([name for name in published.PAPERS if name in found.index])


def findings(table: pd.DataFrame) -> list[str]:
    """The verdicts in words: counts per paper, then each claim that was judged one way or the other."""
    said = []
    for paper, row in counts(table).iterrows():
        whose = {"suresh2021": "The paper", "modarres": "The report"}[paper]
        said.append(f"{whose}: of {row.sum()} claims, " + ", ".join(f"{row[word]} {word}" for word in VERDICTS) + ".")
    tried = table[table["verdict"] != NOT_RUN]
    others = int(tried["other_encoder"].sum())
    said.append(f"{others} of the {len(tried)} claims that could be tried were tried with another encoder than the paper's: "
                "their verdicts are about the method, not about the printed numbers.")  # fmt: skip
    for row in tried[tried["verdict"] != UNDERPOWERED].to_dict("records"):
        n = f"n = {', '.join(map(str, row['n']))}"
        difference = f"; {_difference_said(row)}" if not pd.isna(row["difference"]) else ""
        said.append(f"{row['claim']}, {about(row)}: {row['verdict']} ({_source_said(row)}; {n}{difference}).")
    return said


FOREST = ("sst2", "emoint", "sst5", "isear", "goemotions", "empathetic_dialogues")


def forest_rows(results: Sequence[Frozen], a: str, b: str) -> pd.DataFrame:
    """Rows of `forest.forest`: the six corpora of the paper by rising number of classes, then their mean.

    The mean of ours is over the corpora with two or more runs on both sides, if there are two such; the published one is over
    all six. Their intervals are those of Welch contrasts.
    """
    printed = tables.published_comparisons(published.table("suresh2021").query("table in (1, 2)"), [(a, b)])
    rows, strata = [], []
    results = counted(results, "suresh2021")
    for corpus in FOREST:
        place = {"corpus": corpus, "classes": tables.ALL_CLASSES, "encoder": "electra-base"}
        sides = _sides({**place, "a": a, "b": b, "metric": "accuracy", "split": "test"}, list(results))
        if min(len(sides.a), len(sides.b)) > 1:
            strata.append((sides.a, sides.b))
        rows.append({"label": names.corpus(corpus), "a": a, **_ours(sides), **_theirs(printed[printed["corpus"] == corpus])})
    mean = {"label": "mean of corpora", "a": a, "n": "", "note": "fewer than two corpora run"}
    if len(strata) > 1:
        test = tests.contrast([(sign / len(strata), side) for pair in strata for sign, side in zip((1, -1), pair, strict=True)])
        mean |= {"difference": test.difference, "ci_low": test.ci_low, "ci_high": test.ci_high, "n": f"{len(strata)} corpora"}
    half = np.sqrt((((printed["ci_high"] - printed["ci_low"]) / 2) ** 2).sum()) / len(printed)
    middle = printed["difference"].mean()
    mean |= {"published_difference": middle, "published_ci_low": middle - half, "published_ci_high": middle + half,
             "published_n": f"{len(printed)} corpora"}  # fmt: skip
    return pd.DataFrame([*rows, mean])


def pooled(results: Sequence[Frozen], a: str, b: str) -> tests.Bootstrap | None:
    """`tests.bootstrap_difference` of a and b with every corpus and class set of the paper that ran on both sides as a stratum.

    None if none has two runs on both sides.
    """
    results = counted(results, "suresh2021")
    strata = []
    for corpus in FOREST:
        for classes in (tables.ALL_CLASSES, *(published.class_sets() if corpus == "empathetic_dialogues" else ())):
            place = {"corpus": corpus, "classes": classes, "encoder": "electra-base"}
            sides = _sides({**place, "a": a, "b": b, "metric": "accuracy", "split": "test"}, list(results))
            if min(len(sides.a), len(sides.b)) > 1:
                strata.append((sides.a, sides.b))
    return tests.bootstrap_difference(strata, generator=np.random.default_rng(SEED)) if strata else None


def pooled_said(results: Sequence[Frozen]) -> list[str]:
    """`pooled` of LCL against CE and SCL in words."""
    said = []
    for b in ("ce", "scl"):
        found = pooled(results, "lcl", b)
        if found is not None:
            interval = f"[{found.ci_low:.2f}, {found.ci_high:.2f}]"
            said.append(f"LCL − {names.objective(b)} over all corpora and class sets with two or more runs of both: "
                        f"{found.difference:+.2f} points {interval} (stratified bootstrap over runs, 95 %).")  # fmt: skip
    return said


def _ours(sides: Sides) -> dict:
    if not (len(sides.a) and len(sides.b)):
        return {"difference": math.nan, "ci_low": math.nan, "ci_high": math.nan, "n": "", "note": NOT_RUN}
    test = tests.welch(sides.a, sides.b)
    n = ", ".join(map(str, sides.n))
    return {"difference": test.difference, "ci_low": test.ci_low, "ci_high": test.ci_high, "n": n, "note": test.note}


def _theirs(row: pd.DataFrame) -> dict:
    cell = row.iloc[0]
    names_of = ("difference", "ci_low", "ci_high")
    return {f"published_{name}": cell[name] for name in names_of} | {"published_n": f"{cell['n_a']}, {cell['n_b']}"}
