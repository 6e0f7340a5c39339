"""The paper, a later work and our own runs on the paper's corpora, each method beside its own group's CE. Percent, points."""

import pandas as pd

from lclstudy.plan import names
from lclstudy.results import published
from lclstudy.results.comparisons import comparisons, scored
from lclstudy.results.frozen import Frozen
from lclstudy.show import text
from lclstudy.statistics.tests import welch_from_summary

CORPORA = ("empathetic_dialogues", "goemotions", "isear", "emoint")
GROUPS = {"suresh2021": "Suresh and Ong", "zhang2024": "Zhang et al.", "ours": "ours"}
METRICS = ("accuracy", "weighted_f1", "macro_f1")
MARKS = {"perhaps test": "t", "f1_above_accuracy": "f", "dropped_row": "d"}  # explained in README.md of `data/published`
PLACE = ["corpus", "group", "encoder"]


def scores(results: Frozen) -> pd.DataFrame:
    """A row per corpus, group (of `GROUPS`), encoder and method on all classes, with `METRICS` (NaN: not printed), `chosen_on`
    and `marks` (values of `MARKS`); `score`, the accuracy or else macro F1, with `sd` and `n`; `ce`, the score of CE there,
    and the `gain` over it (NaN of CE itself)."""
    later = published.later().query("classes == 'all' and metric in @METRICS").rename(columns={"work": "group"})
    paper = published.table("suresh2021", 1).rename(columns={"paper": "group", "objective": "method"})
    dropped = paper["corpus"].isin(later.loc[later["mind"].str.contains("dropped_row"), "corpus"])  # the same counts in both
    paper = paper.assign(mind=dropped.map({True: "dropped_row", False: ""}), chosen_on="validation")
    runs = pd.concat([scored(results, metric).assign(metric=metric) for metric in METRICS[:2]])
    runs = runs.query("set == 'all' and corpus in @CORPORA").rename(columns={"objective": "method"})
    ours = runs.groupby(["corpus", "encoder", "method", "metric"], sort=False)["value"].agg(
        value="mean", spread="std", n="count"
    )
    ours, rows = ours.reset_index().assign(group="ours", chosen_on="validation", mind=""), []
    for _, cells in pd.concat([paper, later, ours]).groupby([*PLACE, "method"], sort=False):
        values = cells.set_index("metric")["value"].reindex(METRICS).to_dict()
        first = cells.sort_values("metric").iloc[0]  # accuracy, or else macro F1
        minded = {first["chosen_on"], *"; ".join(cells["mind"]).split("; ")}
        marks = "".join(mark for code, mark in MARKS.items() if code in minded)
        rows.append({**first[[*PLACE, "method"]], **values, "score": first["value"], "sd": first["spread"],
                     "n": int(first["n"]), "chosen_on": first["chosen_on"], "marks": marks})  # fmt: skip
    table = pd.DataFrame(rows).sort_values("corpus", key=lambda each: each.map(CORPORA.index), kind="stable")
    table = table.join(table[table["method"] == "ce"].set_index(PLACE)["score"].rename("ce"), on=PLACE).reset_index(drop=True)
    return table.assign(gain=(table["score"] - table["ce"]).where(table["method"] != "ce"))


def baselines(table: pd.DataFrame) -> pd.DataFrame:
    """Where both groups print the accuracy of CE with one encoder on one corpus: `a` of the paper, `b` of the later work, their
    difference by Welch's test, and `gain_a` and `gain_b`, what LCL gains over its own CE on that corpus in either (points)."""
    ce = table[(table["method"] == "ce") & table["accuracy"].notna()]
    gains = table.query("method == 'lcl' and group != 'ours'").set_index(["corpus", "group"])["gain"]
    sides = [ce[ce["group"] == group].set_index(["corpus", "encoder"])[["score", "sd", "n"]] for group in list(GROUPS)[:2]]
    rows = []
    for corpus, encoder in sides[0].index.intersection(sides[1].index, sort=False):
        a, b = (side.loc[(corpus, encoder)] for side in sides)
        row = {"corpus": corpus, "encoder": encoder, "a": a["score"], "b": b["score"], **welch_from_summary(*a, *b)._asdict()}
        rows.append(row | {"gain_a": gains[corpus, "suresh2021"], "gain_b": gains[corpus, "zhang2024"]})
    return pd.DataFrame(rows)


def hard_sets() -> pd.DataFrame:
    """Of the four hard sets weighted F1 in the later work, by method; LCL's accuracy in the `paper`; the two LCL `apart`."""
    later = published.later().query("classes.str.startswith('4-hard')").pivot(index="classes", columns="method", values="value")
    paper = published.table("suresh2021", 3).query("objective == 'lcl' and metric == 'accuracy'").set_index("classes")["value"]
    return later.assign(paper=paper, apart=later["lcl"] - paper).reset_index()


def facts(table: pd.DataFrame, pairs: pd.DataFrame, results: Frozen) -> dict:
    """What `said.md.j2` needs, from `scores` and `baselines`."""
    ours = comparisons(results).query("a == 'lcl' and b == 'ce' and set == 'all' and corpus in @CORPORA")
    whole = table[table["accuracy"].notna() & (table["encoder"] != "") & table["corpus"].isin(set(pairs["corpus"]))]
    rerun = whole.query("group == 'zhang2024' and encoder == 'roberta-base'")
    lcl = rerun["corpus"].map(rerun[rerun["method"] == "lcl"].set_index("corpus")["score"])
    above = rerun.assign(above=rerun["score"] - lcl).groupby("method", sort=False)
    f1 = whole.assign(above=whole["weighted_f1"] > whole["score"]).groupby("group", sort=False)["above"]
    return {
        "pairs": pairs.to_dict("records"),
        "larger": [int((pairs["difference"].abs() < pairs[gain]).sum()) for gain in ("gain_a", "gain_b")],
        "lcl": {(row["corpus"], row["group"]): row for row in table[table["method"] == "lcl"].to_dict("records")},
        "ours": ours[ours["ci_low"].notna()].to_dict("records"),
        "later": [(method, rows.to_dict("records")) for method, rows in above if rows["above"].min() > 0],
        "f1": f1.agg(["sum", "count"]).to_dict("index"),
    }


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`scores` as text."""
    return pd.DataFrame([{
        "Corpus": names.corpus(row["corpus"]), "Work": GROUPS[row["group"]], "Method": names.objective(row["method"]),
        "Encoder": names.encoder(row["encoder"]) or "prompt", "n": row["n"],
        "Accuracy": text.mean(row["score"], row["sd"]) + (" macro F1" if pd.isna(row["accuracy"]) else ""),
        "Gain over own CE": text.number(row["gain"], 1, sign=True), "Weighted F1": text.number(row["weighted_f1"], 1),
        "By labels, if f": text.number(2 * row["score"] - row["weighted_f1"] if "f" in row["marks"] else None, 1),
        "Epoch chosen on": row["chosen_on"], "Mind": row["marks"] or text.NONE,
    } for row in table.to_dict("records")])  # fmt: skip
