"""The verdicts in words: what a claim is about, the page of all claims, the counts, and the facts of `said.md.j2`."""

import pandas as pd

from lclstudy.plan import names
from lclstudy.results import published
from lclstudy.results.comparisons import ALL_CLASSES
from lclstudy.show import text
from lclstudy.statistics.judge import NOT_RUN, UNDECIDED

from .tables import VERDICTS

PAPERS = {"suresh2021": "Suresh and Ong (2021)", "modarres": "The follow-up report"}
_ABOUT = {
    "better": "{a} > {b}",
    "pooled": "{a} > {b}, mean over corpora",
    "not better": "{a} not above {b}",
    "same": "{a} = {b}",
    "peakier": "{a} peakier than {b}",
    "same entropy": "{a} as peaky as {b}",
    "larger gain": "gain of {a} over {b} larger",
    "most confusable": "most confusable set",
    "level": "accuracy of {a}",
    "near chance": "{a} near chance",
    "settings": "{a} depends on settings",
}


def what(claim: dict) -> str:
    """`LCL > CE`: what a claim compares, without on what."""
    if claim["kind"] == "better encoder":
        return " > ".join(map(names.encoder, claim["encoder"].split(" over ")))
    if claim["kind"] == "pooled" and claim["metric"] == "entropy":
        return f"{_side(claim['a'])} peakier than {_side(claim['b'])}, mean over corpora"
    if claim["kind"] == "level" and claim["b"]:
        return f"{_side(claim['a'])} as good as {names.encoder(claim['b'])}"
    said = _ABOUT[claim["kind"]].format(a=_side(claim["a"]), b=_side(claim["b"]))
    said += " in weighted F1" if claim["metric"] == "weighted_f1" else ""
    return said + (f", {names.encoder(claim['encoder'])}" if claim["kind"] in ("level", "near chance") else "")


def where(claim: dict) -> str:
    """`EmoInt`; `EmpatheticDialogues, 4-easy`; `SST-5 over SST-2`."""
    if claim["kind"] == "pooled":
        return f"{len(claim['corpus'].split('|'))} corpora"
    corpora = " over ".join(map(names.corpus, claim["corpus"].split(" over ")))
    sets = [part.split("|") for part in claim["classes"].split(" over ")]
    ranges = [names.class_set(part[0]) if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in sets]
    return corpora if claim["classes"] == ALL_CLASSES else f"{corpora}, {' over '.join(ranges)}"


def _side(side: str) -> str:
    """`scl_two_stage pooling=mean` is `SCL, two stages (pooling mean)`."""
    name, *changes = side.split() or [""]
    said = [names.protocol(change.removeprefix("protocol=")) if change.startswith("protocol=") else change.replace("=", " ")
            for change in changes]  # fmt: skip
    return f"{names.objective(name)} ({', '.join(said)})" if said else names.objective(name)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`judge_claims` as the page to send to the authors. The verdict stands third, so that a narrow page does not cut it."""
    rows = []
    for row in table.to_dict("records"):
        power, difference = text.number(row["power"]), text.difference(row)
        ends = f" [{text.number(row['power_low'])}, {text.number(row['power_high'])}]" if row["power_low"] >= 0 else ""
        unit = " bits" if row["metric"] == "entropy" else " points"
        rows.append({
            "Claim": row["claim"],
            "About": f"{what(row)}: {where(row)}",
            "Verdict": row["word"] + (" *" if row["other_encoder"] else ""),
            "Difference": difference + (unit if difference != text.NONE else ""),
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
    return "; ".join(filter(None, (row["note"], row["mark"], doubted)))


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
    doubts = {
        (test.metric, test.corpus, test.classes, test.better, test.worse): test.p
        for test in published.significance_tests().query("claim == 'not significant' and p_relation == '='").itertuples()
    }
    rows = [{**row, "what": what(row), "where": where(row), "n_said": ", ".join(map(str, row["n"])), "minded": _minded(row),
             "own_p": doubts.get(tuple(row[name] for name in ("metric", "corpus", "classes", "a", "b")))}
            for row in decided.to_dict("records")]  # fmt: skip
    return {
        "papers": {PAPERS[name]: [(word, n) for word, n in counted.loc[name].items() if n] for name in published.PAPERS},
        "tried": int(tried.sum()),
        "other": int((kept["other_encoder"] & tried).sum()),
        "decided": rows,
    }
