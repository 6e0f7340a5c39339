"""What in LCL matters: each setting of a profile of ablations against LCL as released. No torch.

A setting is an objective with its protocol, its second views, and what else differs from LCL's own. Accuracies are in percent,
differences in points, setting minus LCL. Settings of few seeds have one of two intervals, and every row says which:

- `seeds`: both sides have two runs or more; Welch's test over runs, which differ in their seed.
- `texts`: a side has one run; the run of the same seed on the same test texts, and an interval over those texts. It tells how
  sure the difference of these two trained models is, and nothing of other seeds: it is never called an effect.
"""

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import NamedTuple

import numpy as np
import pandas as pd

from lclstudy.errors import StudyError, unknown
from lclstudy.plan import names
from lclstudy.plan.spec import UNREAD, RunSpec
from lclstudy.results.frozen import Frozen
from lclstudy.show import tables
from lclstudy.statistics import tests

LEVEL = 0.05
SEEDS, TEXTS = "seeds", "texts"
DIFFERENCES_OF_INTEREST = (0.5, 1.0, 2.0)  # points
PARTS = ("weights", "views", "classifier", "several", "other")  # groups in which LCL itself is changed
GROUPS = {
    "reference": "LCL and its baselines",
    "weights": "The weights",
    "views": "The second views",
    "classifier": "Classifier and reduction",
    "several": "Several at once",
    "other": "Other settings",
    "more": "Cross-entropy with more",
    "objectives": "Other objectives",
}
# Tests are adjusted within a question, so that one more ablation does not change whether LCL gains over its baselines.
BASELINES = ("ce", "ce_aug", "scl")
FAMILIES = {"baselines": "its baselines", "parts": "changes to LCL", "others": "other objectives"}
_GROUP_OF = {name: "weights" for name in ("weight_place", "weight_gradient", "weights")}
_GROUP_OF |= {name: "views" for name in ("views", "augment", "augment_rate", "augment_seed")}
_GROUP_OF |= {name: "classifier" for name in ("reduction", "logit_dropout", "drop_last")}

_OF_OBJECTIVE = {
    "ce": "cross-entropy on the texts alone",
    "ce_aug": "cross-entropy on the texts and their second views",
    "ce_ensemble": "both networks of LCL with cross-entropy, their probabilities averaged",
    "scl": "the contrastive loss without weights, one network",
    "simclr": "only a text's own second view is its positive",
    "scl_two_stage": "the contrastive loss alone, then a classifier on frozen features",
    "lascl": "contrast scaled by the similarity of label names",
    "dcl": "the positive left out of the denominator",
    "lacon": "label anchors: text to label, label to text, and a regulariser of labels",
    "lcl": "as released",
}
_OF_CHANGE = {
    "weight_place=inside": "the weight of the anchor's own class inside the log, Eq. 3 as printed",
    "weight_gradient=false": "the contrastive loss does not train the weighting network",
    "weights=pretrained": "the weighting network trained beforehand, then frozen",
    "weights=confusion": "fixed weights from the confusions of a cross-entropy run",
    "weights=names": "fixed weights from the similarity of label names",
    "weights=uniform": "the same weight for every class, no second network",
    "views=each_epoch": "synonyms drawn anew at each epoch",
    "augment=none": "each text once in a batch: only other texts of its class are its positives",
    "augment=dropout": "the same text twice, under other dropout",
    "reduction=sum": "the contrastive loss summed over the batch, Eq. 4 as printed",
    "logit_dropout=false": "no dropout on the logits of the classifier",
    "drop_last=false": "the incomplete last batch is kept",
    "printed": "all that the paper prints otherwise than its code does",
}
_SHORT = {"augment=none": "no second views", "augment=dropout": "second views by dropout", "printed": "as printed"}
_OTHERS = [field.name for field in fields(RunSpec)
           if field.name not in ("corpus", "classes", "encoder", "objective", "seed", "protocol")]  # fmt: skip
_PLACE = ["corpus", "classes", "encoder"]
COST = {"train_seconds": "seconds", "parameters": "parameters", "steps": "steps"}


class Difference(NamedTuple):
    """A mean minus another, in points. `basis` of the interval is `seeds`, `texts`, or empty; `note` says why there is none.

    `p` is of Welch's test over runs and NaN without one.
    """

    difference: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    p: float = math.nan
    basis: str = ""
    note: str = ""


def place(results: Frozen, corpus: str = "") -> pd.DataFrame:
    """The runs of one corpus, class set and encoder: those of `corpus`, or where LCL has most settings if it is empty.

    Raises StudyError on a corpus without runs, or if LCL as released is not among them.
    """
    runs = results.runs
    if corpus and corpus not in set(runs["corpus"]):
        raise unknown("corpus of these results", corpus, dict.fromkeys(runs["corpus"]))
    chosen = runs[runs["corpus"] == corpus] if corpus else runs
    found = [group for _, group in chosen.groupby(_PLACE, sort=False) if _is_reference(group).any()]
    if not found:
        raise StudyError(
            f"Results {results.name!r} have no LCL as released to hold settings against; "
            "add objective 'lcl' with protocol 'released' to the profile, and freeze again."
        )
    return max(found, key=lambda runs: (_settings_count(runs), (runs["classes"] == "").all()))


def _settings_count(runs: pd.DataFrame) -> int:
    return len(runs[["objective", "protocol", *_OTHERS]].drop_duplicates())


def _is_reference(runs: pd.DataFrame) -> pd.Series:
    return (runs["objective"] == "lcl") & (runs["protocol"] == "released") & (runs["augment"] == "wordnet")


def settings(results: Frozen, corpus: str = "") -> pd.DataFrame:
    """A row per setting, by group: how it scored, and how it differs from LCL as released and from cross-entropy.

    Columns: `group` (of GROUPS), `setting` (short name), `what` it changes, `objective`, `family` of tests (of FAMILIES);
    `status`, `n`, `failed`, `planned`, `mean`, `sd`, `weighted_f1`, `scores` (a tuple) of test accuracy in percent; those of
    `Difference` to LCL, `p_holm` within the family, `n_lcl`; `paired_...`: the paired t-test by seed (`difference`, `ci_low`,
    `ci_high`, `p`, `n`); `over_ce_...`: those of `Difference` to cross-entropy; `texts`, how many a run was tested on;
    `seconds`, `parameters`, `steps`, means over runs. What is not there is NaN. Raises StudyError as `place` does.
    """
    runs = place(results, corpus)
    reference = runs[_is_reference(runs)].to_dict("records")[0]
    members = {key: runs.loc[found].drop_duplicates("seed") for key, found in _by_setting(runs, reference).items()}
    done = {key: group[group["status"] == "done"] for key, group in members.items()}
    lcl, ce = done["lcl", ()], done.get(("ce", ()), runs.iloc[:0])
    rows = [_row(results, key, members[key], done[key], lcl, ce) for key in members]
    table = pd.DataFrame(sorted(rows, key=_order))
    table["p_holm"] = table.groupby("family")["p"].transform(tests.holm)
    return table.assign(corpus=reference["corpus"], classes=reference["classes"], encoder=reference["encoder"])


def _by_setting(runs: pd.DataFrame, reference: dict) -> dict[tuple[str, tuple], list]:
    """The index of the runs of each setting: an objective and its changes."""
    found: dict[tuple[str, tuple], list] = {}
    for number, run in zip(runs.index, runs.to_dict("records"), strict=True):
        found.setdefault((run["objective"], _changes(run, reference)), []).append(number)
    return found


def _order(row: dict) -> tuple[int, int]:
    """By group; LCL first, then what it is held against, then as planned."""
    known = {name: number for number, name in enumerate(("lcl", "scl", "ce"))}
    return [*GROUPS].index(row["group"]), known.get(row["objective"], 0) if row["group"] == "reference" else 0


def _changes(run: dict, reference: dict) -> tuple[str, ...]:
    """How a run differs from LCL's in what its objective reads: `weights=uniform`, `augment=none`, `temperature=0.1`."""
    base, *protocol = [part.strip() for part in run["protocol"].split(",")]
    found = ([] if base == "released" else [base]) + sorted(protocol)
    found += [f"{name}={run[name]}" for name in _OTHERS if str(run[name]) != str(reference[name])]
    unread = UNREAD.get(run["objective"], ())
    return tuple(change for change in found if change.partition("=")[0] not in unread)


def _row(results: Frozen, key: tuple, runs: pd.DataFrame, done: pd.DataFrame, lcl: pd.DataFrame, ce: pd.DataFrame) -> dict:
    objective, changes = key
    scores = _scores(done)
    failed = int((runs["status"] == "failed").sum())
    row = {"group": _group(objective, changes), "setting": _said(objective, changes), "what": _explained(objective, changes)}
    row |= {"family": _family(row["group"], objective, changes)}
    row |= {"objective": objective, "status": "done" if len(done) else "failed" if failed else tables.NOT_RUN}
    row |= {"n": len(done), "failed": failed, "planned": len(runs), "scores": tuple(scores.tolist())}
    row |= {"mean": _mean(scores), "sd": scores.std(ddof=1) if len(scores) > 1 else math.nan}
    row |= {"weighted_f1": 100 * done["test_weighted_f1"].mean(), "n_lcl": len(lcl)}
    row |= {"texts": len(results.labels(done["identity"].iloc[0])) if len(done) else 0}
    itself = Difference(note="all others are held against it")
    row |= (itself if key == ("lcl", ()) else compare(results, done, lcl))._asdict()
    row |= _paired(done, lcl.iloc[:0] if key == ("lcl", ()) else lcl)
    over_ce = Difference(note="itself") if key == ("ce", ()) else compare(results, done, ce)
    row |= {f"over_ce_{name}": value for name, value in over_ce._asdict().items()}
    return row | {said: float(done[name].astype(float).mean()) if name in done else math.nan for name, said in COST.items()}


def _group(objective: str, changes: tuple[str, ...]) -> str:
    if objective in ("ce_aug", "ce_ensemble"):
        return "more"
    if objective != "lcl":
        return "reference" if objective in ("ce", "scl") and not changes else "objectives"
    topics = {_topic(change) for change in changes}
    return "reference" if not topics else topics.pop() if len(topics) == 1 else "several"


def _family(group: str, objective: str, changes: tuple[str, ...]) -> str:
    if group in PARTS:
        return "parts"
    return "baselines" if group == "reference" or (objective in BASELINES and not changes) else "others"


def _topic(change: str) -> str:
    return _GROUP_OF.get(change.partition("=")[0], "other" if "=" in change else "several")


def _said(objective: str, changes: Iterable[str]) -> str:
    said = [_SHORT.get(change) or names.setting(change) for change in changes]
    said = [text.replace("_", " ").replace("=", " ") for text in said]
    return ", ".join(said if objective == "lcl" and said else [names.objective(objective), *said])


def _explained(objective: str, changes: Iterable[str]) -> str:
    said = [_OF_CHANGE.get(change, _said("lcl", [change])) for change in changes]
    return "; ".join(said if objective == "lcl" and said else [_OF_OBJECTIVE.get(objective, objective), *said])


def _scores(done: pd.DataFrame) -> np.ndarray:
    return 100 * done["test_accuracy"].to_numpy(float)


def _mean(scores: np.ndarray) -> float:
    return float(scores.mean()) if len(scores) else math.nan


def compare(results: Frozen, a: pd.DataFrame, b: pd.DataFrame) -> Difference:
    """Test accuracy of the finished runs `a` minus that of `b`, rows of `results.runs`, with a 95 % interval.

    Over seeds by Welch's test where both have two runs or more. Else of one seed that both have, over the test texts: the
    paired t interval of right or wrong, text by text. Without such a seed the difference has no interval.
    """
    if not len(a) or not len(b):
        return Difference(note=tables.NOT_RUN)
    if min(len(a), len(b)) > 1:
        test = tests.welch(_scores(a), _scores(b))
        return Difference(test.difference, test.ci_low, test.ci_high, test.p, "" if test.note else SEEDS, test.note)
    shared = sorted(set(a["seed"]) & set(b["seed"]))
    if not shared:
        return Difference(_mean(_scores(a)) - _mean(_scores(b)), note="no seed in common: no interval")
    return _over_texts(results, *(side.loc[side["seed"] == shared[0], "identity"].iloc[0] for side in (a, b)))


def _over_texts(results: Frozen, a: str, b: str) -> Difference:
    labels = results.labels(a)
    if not np.array_equal(labels, results.labels(b)):
        return Difference(note="other test texts: not comparable")
    test = tests.paired(*(100.0 * (results.predictions(run) == labels) for run in (a, b)))
    if test.note:
        return Difference(test.difference, note="right on the same texts: no interval")
    return Difference(test.difference, test.ci_low, test.ci_high, basis=TEXTS, note="one seed")


def _paired(a: pd.DataFrame, b: pd.DataFrame) -> dict:
    """The paired t-test over the seeds that both sides have."""
    sides = [side.set_index("seed")["test_accuracy"] * 100 for side in (a, b)]
    seeds = sorted(set(sides[0].index) & set(sides[1].index))
    row = {"paired_n": len(seeds)}
    test = tests.paired(sides[0][seeds], sides[1][seeds]) if seeds else None
    return row | {f"paired_{name}": getattr(test, name, math.nan) for name in ("difference", "ci_low", "ci_high", "p")}


def of(table: pd.DataFrame, objective: str) -> pd.Series | None:
    """The row of `lcl`, `ce` or `scl` as released; None if it was not planned."""
    rows = table[(table["group"] == "reference") & (table["objective"] == objective)]
    return rows.iloc[0] if len(rows) else None


def spread(table: pd.DataFrame) -> float:
    """By how many points two runs of LCL as released differ at most, which differ in their seed alone; NaN below two runs."""
    scores = of(table, "lcl")["scores"]
    return float(np.ptp(scores)) if len(scores) > 1 else math.nan


def pooled_deviation(table: pd.DataFrame) -> float:
    """The standard deviation over seeds in points, pooled over all settings of two runs or more; NaN without any."""
    many = table[table["n"] > 1]
    free = (many["n"] - 1).sum()
    return math.sqrt(((many["n"] - 1) * many["sd"] ** 2).sum() / free) if free else math.nan


def runs_needed(table: pd.DataFrame) -> dict[float, int | None]:
    """For each difference in points, with how many runs on each side Welch's test sees it in four of five cases."""
    deviation = pooled_deviation(table)
    return {} if math.isnan(deviation) else {d: tests.runs_needed(d, deviation, deviation) for d in DIFFERENCES_OF_INTEREST}


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The settings as text: scores, and the difference to LCL with its interval and what that is over."""
    return pd.DataFrame([_readable(row, spread(table)) for row in table.to_dict("records")])


def _readable(row: dict, seeds_apart: float) -> dict:
    tested = not math.isnan(row["p"])
    return {
        "Group": GROUPS[row["group"]],
        "Setting": row["setting"],
        "What it is": row["what"],
        "n": f"{row['n']} of {row['planned']}",
        "Accuracy (%)": tables.mean_and_deviation(row["mean"], row["sd"]) if row["n"] else row["status"],
        "Weighted F1 (%)": f"{row['weighted_f1']:.1f}" if row["n"] else "–",
        "Minus LCL (points)": interval(row),
        "Interval over": row["basis"] or "–",
        "n of each": f"{min(row['n'], 1)}, 1" if row["basis"] == TEXTS else f"{row['n']}, {row['n_lcl']}",
        "p": tables.p_value(row["p"]) if tested else "–",
        "p (Holm)": tables.p_value(row["p_holm"]) if tested else "–",
        "Note": _note(row, seeds_apart),
    }


def _note(row: dict, seeds_apart: float) -> str:
    said = [row["note"]] if row["note"] and row["note"] != row["status"] else []
    if row["status"] != "done":
        said = [row["status"]]
    if row["basis"] == TEXTS and abs(row["difference"]) <= seeds_apart:
        said.append("within the spread of LCL's seeds")
    if row["failed"]:
        said.append(f"{row['failed']} failed")
    return "; ".join(said) or "–"


def readable_gain(table: pd.DataFrame) -> pd.DataFrame:
    """The settings that ran, as text: the difference to LCL paired by seed, and what is left of a gain over cross-entropy."""
    rows = table[table["n"] > 0].to_dict("records")
    return pd.DataFrame([_readable_gain(row) for row in rows])


def _readable_gain(row: dict) -> dict:
    paired = {name: row[f"paired_{name}"] for name in ("difference", "ci_low", "ci_high")}
    over_ce = {name: row[f"over_ce_{name}"] for name in ("difference", "ci_low", "ci_high")}
    return {
        "Setting": row["setting"],
        "n": str(row["n"]),
        "Minus LCL, paired by seed (points)": interval(paired),
        "Seeds paired": str(row["paired_n"]) if row["paired_n"] else "–",
        "p (paired)": "–" if math.isnan(row["paired_p"]) else tables.p_value(row["paired_p"]),
        "Minus CE (points)": interval(over_ce),
        "Its interval over": row["over_ce_basis"] or "–",
    }


def readable_costs(table: pd.DataFrame) -> pd.DataFrame:
    """The settings that ran, as text: seconds of training, parameters and steps, also as a multiple of LCL's."""
    lcl = of(table, "lcl")
    return pd.DataFrame([{
        "Setting": row["setting"], "n": str(row["n"]), "Accuracy (%)": f"{row['mean']:.1f}",
        "Training (s)": _count(row["seconds"]), "times LCL's": _ratio(row["seconds"], lcl["seconds"]),
        "Parameters (millions)": "–" if math.isnan(row["parameters"]) else f"{row['parameters'] / 1e6:.1f}",
        "times LCL's parameters": _ratio(row["parameters"], lcl["parameters"]), "Steps": _count(row["steps"]),
    } for row in table[table["n"] > 0].to_dict("records")])  # fmt: skip


def _count(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.0f}"


def _ratio(value: float, base: float) -> str:
    return "–" if math.isnan(value / base) else f"{value / base:.2f}"


def interval(row: dict | pd.Series) -> str:
    """`−0.42 [−1.10, 0.26]`, the number alone without an interval, or a dash."""
    if pd.isna(row["difference"]):
        return "–"
    said = f"{row['difference']:+.2f}" + ("" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:.2f}, {row['ci_high']:.2f}]")
    return said.replace("-", "−")


def findings(table: pd.DataFrame) -> list[str]:
    """What `settings` shows, in words: what ran, whether there is a gain, which parts carry it, and what cannot be said."""
    said = [_ran_said(table), *_gain_said(table), _carried_said(table)]
    said += [_others_said(table), _one_seed_said(table), _cost_said(table), _absent_said(table), _needed_said(table)]
    return [line for line in said if line]


def where(table: pd.DataFrame) -> str:
    """`EmoInt with MiniLM`."""
    row = table.iloc[0]
    subset = f" ({row['classes'].replace('|', ', ')})" if row["classes"] else ""
    return f"{names.corpus(row['corpus'])}{subset} with {names.encoder(row['encoder'])}"


def _ran_said(table: pd.DataFrame) -> str:
    others = table[table["setting"] != of(table, "lcl")["setting"]]
    counts = others["n"].value_counts().sort_index(ascending=False)
    ran = [f"{count} with {_runs(n)} each" for n, count in counts.items() if n]
    failed = int(table["failed"].sum())
    return (
        f"{where(table)}: {len(others)} settings beside LCL are planned; {int((others['n'] > 0).sum())} ran "
        f"({', '.join(ran) or 'none'}), {counts.get(0, 0)} did not." + (f" {failed} runs failed." if failed else "")
    )


def _runs(n: int) -> str:
    return "one run" if n == 1 else f"{n} runs"


def _gain_said(table: pd.DataFrame) -> list[str]:
    lcl = of(table, "lcl")
    if not lcl["n"]:
        return [f"LCL as released {lcl['status']}: nothing can be held against it."]
    apart = spread(table)
    yardstick = "" if math.isnan(apart) else f"; its runs, which differ in their seed alone, lie up to {apart:.1f} points apart"
    right = tables.mean_and_deviation(lcl["mean"], lcl["sd"])
    said = [f"LCL as released: {right} % of test texts right, n = {lcl['n']}{yardstick}."]
    rows = table[(table["family"] == "baselines") & (table["objective"] != "lcl")].to_dict("records")
    return [*said, *(f"Gain of LCL over {row['setting']}: {_gain_over(row, _tests(table, row))}" for row in rows)]


def _tests(table: pd.DataFrame, row: dict) -> int:
    return int(table.loc[table["family"] == row["family"], "p"].notna().sum())


def _gain_over(row: dict, count: int) -> str:
    if math.isnan(row["difference"]):
        return f"not known ({row['note']})."
    turned = {"difference": -row["difference"], "ci_low": -row["ci_high"], "ci_high": -row["ci_low"]}
    return f"{interval(turned)} points, {_evidence(row, count)}: {_GAINS[verdict(row)]}."


_GAINS = {"higher": "LCL is worse", "lower": "LCL is better", "none": "no difference shown", "cannot tell": "cannot be told"}


def _evidence(row: dict, count: int) -> str:
    if row["basis"] == SEEDS:
        adjusted = f"{tables.p_value(row['p_holm'])} by Holm's method over {count} tests"
        return f"n = {row['n_lcl']} and {row['n']}, p {_p(row['p'])} ({adjusted})"
    return f"{row['note']}, interval over texts" if row["basis"] == TEXTS else row["note"]


def _p(p: float) -> str:
    said = tables.p_value(p)
    return said if said.startswith("<") else f"= {said}"


def verdict(row: pd.Series | dict) -> str:
    """How a setting stands to LCL: `higher` or `lower` where p by Holm's method is below 0.05, else `none` is shown.

    `cannot tell` where there is no test over seeds, however far apart two single runs are.
    """
    if math.isnan(row["p"]):
        return "cannot tell"
    if row["p_holm"] >= LEVEL:
        return "none"
    return "higher" if row["difference"] > 0 else "lower"


def _carried_said(table: pd.DataFrame) -> str:
    """Which parts carry the gain over the baselines; without a gain, which parts cost accuracy."""
    baselines = {name: verdict(row) for name in ("ce", "scl") if (row := of(table, name)) is not None}  # the paper's claims
    parts = [row for row in table[table["group"].isin(PARTS)].to_dict("records") if row["n"]]
    tested = [row for row in parts if verdict(row) != "cannot tell"]
    how = (
        f"Of {len(parts)} changes to LCL that ran, {len(tested)} could be tested over seeds"
        if parts
        else "No change to LCL ran"
    )
    gains = " and ".join(names.objective(name) for name, found in baselines.items() if found == "lower")
    if gains:
        carried = _listed([row for row in tested if verdict(row) == "lower"], over_ce=True)
        return f"LCL gains over {gains}. {how}; " + (
            f"these take accuracy away, so the gain rests on what they change: {carried}."
            if carried
            else "none is shown to take it away."
        )
    if baselines.get("ce", "cannot tell") == "cannot tell":
        return f"Whether LCL gains over CE is not known, so which part carries a gain cannot be said. {how}."
    loses = "is worse than CE here" if baselines["ce"] == "higher" else "is not shown to gain over CE here"
    costly = _listed([row for row in tested if verdict(row) == "higher"])
    found = f"these give accuracy back: {costly}" if costly else "none is shown to give accuracy back"
    return f"LCL {loses}, so no part carries a gain, and the question is which part costs accuracy. {how}; {found}."


def _listed(rows: list[dict], over_ce: bool = False) -> str:
    return "; ".join(f"{row['setting']} {interval(row)}" + (f", over CE {_over_ce(row)}" if over_ce else "") for row in rows)


def _over_ce(row: dict) -> str:
    return interval({name: row[f"over_ce_{name}"] for name in ("difference", "ci_low", "ci_high")})


def _others_said(table: pd.DataFrame) -> str:
    seen = (table["n"] > 0) & (table["basis"] != TEXTS)  # those of one seed are said with all others of one seed
    others = table[(table["family"] == "others") & seen].to_dict("records")
    if not others:
        return ""
    verdicts = {
        "higher": "better than LCL",
        "lower": "worse than LCL",
        "none": "no difference shown",
        "cannot tell": "no test",
    }
    said = [f"{row['setting']} {interval(row)} ({verdicts[verdict(row)]})" for row in others]
    return f"Other objectives minus LCL, in points: {'; '.join(said)}."


def _one_seed_said(table: pd.DataFrame) -> str:
    one = table[table["basis"] == TEXTS]
    if one.empty:
        return ""
    apart = spread(table)
    inside = int((one["difference"].abs() <= apart).sum())
    each = _listed(one.to_dict("records"))
    near = (
        ""
        if math.isnan(apart)
        else f"; {inside} of {len(one)} differ from LCL by no more than two seeds of LCL from each other"
    )
    return f"One seed each, against the same seed of LCL, intervals over texts and not over seeds, so no effects: {each}{near}."


def _absent_said(table: pd.DataFrame) -> str:
    absent = table[table["n"] == 0]
    each = [f"{'; '.join(group['setting'])} ({status})" for status, group in absent.groupby("status", sort=False)]
    return f"Nothing can be said of what has no finished run: {'. '.join(each)}." if each else ""


def _cost_said(table: pd.DataFrame) -> str:
    lcl, ce = of(table, "lcl"), of(table, "ce")
    if ce is None or math.isnan(lcl["seconds"] / ce["seconds"]):
        return ""
    return (
        f"Cost, roughly: LCL takes {lcl['seconds'] / ce['seconds']:.1f} times as long to train as CE, "
        f"with {lcl['parameters'] / ce['parameters']:.1f} times the parameters."
    )


def _needed_said(table: pd.DataFrame) -> str:
    needed = runs_needed(table)
    if not needed:
        return "No setting has two runs, so how many runs a difference needs cannot be said."
    each = ", ".join(f"{n or 'more than 10,000'} for {d:.1f} points" for d, n in needed.items())
    return (
        f"Over seeds the runs of a setting deviate by {pooled_deviation(table):.2f} points (pooled). To see a difference in "
        f"four of five cases takes, of each setting: {each} (runs, Welch, level {LEVEL}, before Holm's adjustment)."
    )
