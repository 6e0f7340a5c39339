"""The verdicts in words: the page of all claims, the counts, and the facts of `said.md.j2`."""

import pandas as pd

from lclstudy.plan import names
from lclstudy.results import published
from lclstudy.show import text
from lclstudy.statistics.judge import NOT_RUN, UNDECIDED

from .tables import VERDICTS

PAPERS = {"suresh2021": "Suresh and Ong (2021)", "modarres": "The follow-up report"}


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
    rows = [{**row, "n_said": ", ".join(map(str, row["n"])), "minded": _minded(row),
             "own_p": doubts.get(tuple(row[name] for name in ("metric", "corpus", "classes", "a", "b")))}
            for row in decided.to_dict("records")]  # fmt: skip
    return {
        "papers": {PAPERS[name]: [(word, n) for word, n in counted.loc[name].items() if n] for name in published.PAPERS},
        "tried": int(tried.sum()),
        "other": int((kept["other_encoder"] & tried).sum()),
        "decided": rows,
    }
