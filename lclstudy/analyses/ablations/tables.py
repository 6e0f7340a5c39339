"""What in LCL matters: each setting of a profile of ablations against LCL as released. No torch.

A setting is an objective with what it has otherwise than LCL as released. Accuracies are in percent, differences in points,
setting minus LCL. What the papers claim of LCL, CE and SCL is judged as everywhere in the study; the changes to LCL are a
question by group, and the other objectives another: a family of tests each, of all that is planned.
"""

import math
from dataclasses import replace

import pandas as pd

from lclstudy.errors import StudyError, unknown
from lclstudy.plan import names
from lclstudy.results.comparisons import PRIMARY, SYNONYMS, comparisons
from lclstudy.results.frozen import Frozen
from lclstudy.results.settings import TEXTS, against, changes, level, said
from lclstudy.show import text
from lclstudy.statistics.judge import FEWEST, pooled_power

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
_REFERENCES = ("lcl", "scl", "ce")
_CLAIMED = ("scl", "ce", "ce_aug")  # what LCL is held against wherever the study judges it
_GROUP_OF = {  # by the setting that is changed
    **dict.fromkeys(("weight_place", "weight_gradient", "weights"), "weights"),
    **dict.fromkeys(("views", "augment", "augment_rate", "augment_seed"), "views"),
    **dict.fromkeys(("reduction", "logit_dropout", "drop_last"), "classifier"),
}
_MEANS = {"test_weighted_f1": "weighted_f1", "train_seconds": "seconds", "steps": "steps"}
_OVER_CE = ["difference", "ci_low", "ci_high", "basis"]
_AGAINST_LCL = [*_OVER_CE, "p", "p_holm", "word", "note", "paired_difference", "paired_low", "paired_high", "paired_n"]


def corpora(results: Frozen) -> list[str]:
    """The corpora on which something in LCL is changed, else one that has LCL as released; most settings first."""
    places = _places(results.runs)
    changed = [place["corpus"].iloc[0] for place in places if place["group"].isin(PARTS).any()]
    return list(dict.fromkeys(changed)) or [place["corpus"].iloc[0] for place in places[:1]]


def runs(results: Frozen, corpus: str) -> pd.DataFrame:
    """The runs on all classes of a corpus, with the encoder that has most settings.

    With the columns `changes` to LCL as released, `setting` (its name) and `group` (of GROUPS). Raises StudyError on a corpus
    without runs, or if LCL as released is not among them.
    """
    if corpus not in set(results.runs["corpus"]):
        raise unknown("corpus of these results", corpus, dict.fromkeys(results.runs["corpus"]))
    found = _places(results.runs[results.runs["corpus"] == corpus])
    if not found:
        raise StudyError(
            f"Results {results.name!r} have no LCL as released on {corpus} to hold settings against; "
            "add objective 'lcl' with protocol 'released' to the profile, and freeze again."
        )
    return found[0]


def _places(planned: pd.DataFrame) -> list[pd.DataFrame]:
    """By corpus and encoder the runs on all classes that have an LCL as released beside them, `_named`; most settings first."""
    groups = planned[planned["classes"] == ""].groupby(["corpus", "encoder"], sort=False)
    places = [_named(place) for _, place in groups if _is_reference(place).any()]
    return sorted(places, key=lambda place: -place["setting"].nunique())


def _is_reference(place: pd.DataFrame) -> pd.Series:
    return (place["objective"] == "lcl") & (place["protocol"] == "released") & (place["augment"] == "wordnet")


def _named(place: pd.DataFrame) -> pd.DataFrame:
    reference = place[_is_reference(place)].iloc[0]
    found, objectives = [changes(run, reference) for run in place.to_dict("records")], place["objective"]
    place = place.assign(changes=found, setting=[*map(_setting, objectives, found)], group=[*map(_group, objectives, found)])
    return place.drop_duplicates(["setting", "seed"])


def _setting(objective: str, found: tuple[str, ...]) -> str:
    told = said(found)
    return ", ".join(told if objective == "lcl" and told else [names.objective(objective), *told])


def _group(objective: str, found: tuple[str, ...]) -> str:
    if objective in ("ce_aug", "ce_ensemble"):
        return "more"
    if objective in _REFERENCES and not found:
        return "reference"
    topics = {_GROUP_OF.get(change.partition("=")[0], "other" if "=" in change else "several") for change in found}
    return "objectives" if objective != "lcl" else topics.pop() if len(topics) == 1 else "several"


def claims(results: Frozen, corpus: str) -> pd.DataFrame:
    """The papers' claims about LCL, CE and SCL on the runs of `runs`, and those about CE + aug.: `comparisons`."""
    here = runs(results, corpus)
    plain = replace(results, runs=here[here["changes"].map(len) == 0])
    return pd.concat([comparisons(plain, pairs) for pairs in (PRIMARY, SYNONYMS)], ignore_index=True)


def settings(results: Frozen, corpus: str) -> pd.DataFrame:
    """A row per setting, by group: how it scored, and how it differs from LCL as released and from cross-entropy.

    Columns: `corpus`, `encoder`, `group` (of GROUPS), `setting`, `objective`; those of `level`, and `weighted_f1`; of
    `against` LCL the difference with its interval and what that is over, the paired one, p in its family, and the `word`;
    `over_ce_...`: the difference to cross-entropy; `seconds`, `steps`, medians over runs, as some stood beside other work. What
    is not there is NaN.
    Raises StudyError as `runs` does.
    """
    here, judged = runs(results, corpus), claims(results, corpus)
    facts = ["corpus", "encoder", "group", "setting", "objective"]
    rows = [{**group.iloc[0][facts], **level(group)} for _, group in here.groupby("setting", sort=False)]
    means = here[here["status"] == "done"].reindex(columns=["setting", *_MEANS]).rename(columns=_MEANS)
    means = means.groupby("setting").agg({"weighted_f1": "mean", "seconds": "median", "steps": "median"})
    means["weighted_f1"] *= 100
    table = pd.DataFrame(sorted(rows, key=_order)).join(means, on="setting")
    lcl, ce = names.objective("lcl"), names.objective("ce")
    claimed = table["setting"].isin(map(names.objective, _CLAIMED))
    question = table["group"].where(table["group"].isin(PARTS), "objectives").mask(claimed, "claimed")
    families = [[(name, lcl) for name in family if name != lcl] for _, family in table["setting"].groupby(question)]
    found = pd.concat([against(results, here, pairs) for pairs in families]).set_index("a")
    for row in judged[judged["a"] == "lcl"].to_dict("records"):
        if (name := names.objective(row["b"])) in found.index:
            found.loc[name, ["p_holm", "word"]] = row["p_holm"], f"{text.pair('lcl', row['b'])}: {row['word']}"
    over_ce = against(results, here, [(name, ce) for name in table["setting"] if name != ce]).set_index("a")
    table = table.join(found[_AGAINST_LCL], on="setting").join(over_ce[_OVER_CE].add_prefix("over_ce_"), on="setting")
    return table.fillna({"basis": "", "word": "", "note": "", "over_ce_basis": "", "paired_n": 0})


def _order(row: dict) -> tuple[int, int]:
    """By group; LCL first, then what it is held against, then as planned."""
    return [*GROUPS].index(row["group"]), _REFERENCES.index(row["objective"]) if row["group"] == "reference" else 0


def of(table: pd.DataFrame, objective: str) -> dict:
    """The row of an objective as it is, such as `lcl` as released; with n = 0 if it was not planned."""
    rows = table[table["setting"] == names.objective(objective)].to_dict("records")
    return rows[0] if rows else {"n": 0, "scores": (), "seconds": math.nan}


def spread(table: pd.DataFrame) -> float:
    """By how many points two runs of LCL as released differ at most, which differ in their seed alone; NaN below two runs."""
    scores = of(table, "lcl")["scores"]
    return max(scores) - min(scores) if len(scores) > 1 else math.nan


def where(table: pd.DataFrame) -> str:
    """`EmoInt with MiniLM`."""
    return f"{names.corpus(table['corpus'].iloc[0])} with {names.encoder(table['encoder'].iloc[0])}"


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The settings as text: scores, the difference to LCL with its interval and what that is over, and the word."""
    rows = []
    for row in table.to_dict("records"):
        paired = text.interval(row["paired_difference"], row["paired_low"], row["paired_high"])
        over_ce = text.interval(row["over_ce_difference"], row["over_ce_ci_low"], row["over_ce_ci_high"])
        rows.append({
            "Group": GROUPS[row["group"]],
            "Setting": row["setting"],
            "n": f"{row['n']} of {row['planned']}" + (f", {row['failed']} failed" if row["failed"] else ""),
            "Accuracy (%)": text.mean(row["mean"], row["sd"]) if row["n"] else row["status"],
            "Weighted F1 (%)": text.number(row["weighted_f1"], 1),
            "Minus LCL (points)": text.difference(row),
            "Interval over": row["basis"] or text.NONE,
            "p": text.p_value(row["p"]),
            "p (Holm)": text.p_value(row["p_holm"]),
            "Against LCL": row["word"] or text.NONE,
            "Paired by seed": f"{paired} (n = {row['paired_n']:.0f})" if row["paired_n"] > 1 else text.NONE,
            "Minus CE (points)": ", ".join(filter(None, (over_ce, row["over_ce_basis"]))),
        })  # fmt: skip
    return pd.DataFrame(rows)


def readable_costs(table: pd.DataFrame) -> pd.DataFrame:
    """The settings that ran, as text: seconds of training, also as a multiple of LCL's, and steps. (Parameters are no cost to
    compare: runs count those of the tokens that they train on.)"""
    lcl = of(table, "lcl")
    return pd.DataFrame([{
        "Setting": row["setting"], "n": str(row["n"]),
        "Training (s)": text.number(row["seconds"], 0), "times LCL's": text.number(row["seconds"] / lcl["seconds"]),
        "Steps": text.number(row["steps"], 0),
    } for row in table[table["n"] > 0].to_dict("records")])  # fmt: skip


def findings(results: Frozen, corpus: str) -> str:
    """What `settings` shows, in a few sentences: Markdown."""
    table, judged = settings(results, corpus), claims(results, corpus)
    variants = table[table["word"].ne("") & ~table["setting"].isin(map(names.objective, _CLAIMED))]
    one_seed, apart, failed = variants[variants["basis"] == TEXTS], spread(table), runs(results, corpus)
    failed = failed[failed["status"] == "failed"]
    lcl, ce = of(table, "lcl"), of(table, "ce")
    enough = min(lcl["n"], ce["n"]) >= FEWEST
    return text.words(
        "analyses/ablations/said.md.j2",
        where=where(table), lcl=lcl, ce=ce, spread=apart,
        claims=judged[judged["b"].isin(_REFERENCES) & (judged["a"] != "ce_aug")].to_dict("records"),
        variants=variants.to_dict("records"),
        tested=variants[(variants["n"] >= FEWEST) & (lcl["n"] >= FEWEST)].to_dict("records"),
        one_seed=one_seed.to_dict("records"),
        far=one_seed[one_seed["difference"].abs() > apart].sort_values("difference").to_dict("records"),
        absent=table["setting"][table["n"] == 0].tolist(),
        failed=(failed["setting"] + ", seed " + failed["seed"].astype(str) + ": " + failed["failure"]).tolist(),
        power=[(each, pooled_power(each, lcl["scores"], ce["scores"])) for each in DIFFERENCES_OF_INTEREST] if enough else [],
    )  # fmt: skip
