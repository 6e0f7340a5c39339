"""What the follow-up report's questions gave, in a few sentences, from its tables. No torch."""

import numpy as np
import pandas as pd

from lclstudy.show import text
from lclstudy.statistics.judge import FEWEST

from .tables import COLLAPSED, CORPORA, GRID, NEAR_CHANCE, STANDS_IN, reports_best


def findings(systems: pd.DataFrame, grid: pd.DataFrame, failure: pd.DataFrame, variants: pd.DataFrame, chance: float) -> str:
    """Markdown, from `tables.systems`, `tables.grid`, and `tables.settings` of EmoInt and of SST-5.

    `chance` is the accuracy in percent of always naming EmoInt's largest class.
    """
    return text.words(
        "analyses/followup/said.md.j2",
        **_levels(systems), grid=_grid(grid), chance=chance, methods=_methods(failure, chance + NEAR_CHANCE),
        variants=variants[(variants["n"] >= FEWEST) & (variants["changes"] > 0) & (variants["basis"] == "seeds")]
        .sort_values("difference").to_dict("records"),
    )  # fmt: skip


def _levels(found: pd.DataFrame) -> dict:
    printed, done = found[found["published"].notna()], found[found["n"] > 0]
    ran = printed["n"] > 0
    means = done[done["objective"] == "ce"].set_index(["encoder", "corpus"])["mean"]
    pairs = {encoder: [means[encoder, corpus] > means["tfidf", corpus] for corpus in CORPORA
                       if (encoder, corpus) in means and ("tfidf", corpus) in means] for encoder in ("rnn", "gru")}  # fmt: skip
    return {"printed": len(printed), "own": printed[printed["same"] & ran].to_dict("records"), "stands_in": STANDS_IN,
            "instead": int((ran & ~printed["same"]).sum()), "absent": int((~ran).sum()),
            "above_bag": {encoder: pair for encoder, pair in pairs.items() if pair}}  # fmt: skip


def _grid(found: pd.DataFrame) -> dict | None:
    """The span of accuracy over the settings that ran, with and without those that collapsed; which is best; the report's."""
    ran = found[found["n"] > 0]
    if ran.empty:
        return None
    collapsed = ran["one_label"] >= COLLAPSED
    well, cold = ran[~collapsed], sorted(set(ran["temperature"][collapsed]))
    wanted = reports_best()
    ran = ran.assign(rank=ran["validation"].rank(ascending=False, method="min"))
    theirs = ran[np.logical_and.reduce([ran[name] == wanted[name] for name in GRID])].to_dict("records")
    return {
        "encoder": ran["encoder"].iloc[0], "ran": len(ran), "planned": len(found), "single": int((ran["n"] == 1).sum()),
        "low": ran["mean"].min(), "high": ran["mean"].max(), "low_well": well["mean"].min(), "high_well": well["mean"].max(),
        "collapsed": int(collapsed.sum()), "cold": [f"{value:g}" for value in cold],
        "best": ran.loc[ran["validation"].idxmax()].to_dict(), "theirs": theirs[0] if theirs else None,
        "above_ce": int((ran["mean"] > ran["ce"]).sum()), "low_ce": ran["ce"].min(), "high_ce": ran["ce"].max(),
    }  # fmt: skip


def _methods(found: pd.DataFrame, edge: float) -> list[dict]:
    """By contrastive objective and encoder: its run as in the report, and which settings are stuck (below `edge`) or not."""
    methods = []
    found = found[(found["n"] > 0) & (found["objective"] != "ce")]
    for _, rows in found.assign(stuck=found["mean"] < edge).groupby(["objective", "encoder"], sort=False):
        for base in rows[rows["changes"] == 0].to_dict("records"):
            changed = rows[rows["changes"] > 0].to_dict("records")
            alone = [row for row in changed if row["changes"] == 1]
            causes = [row["setting"] for row in alone if row["stuck"] and not base["stuck"]]
            mended = {cause: [row for row in changed if cause in row["changed"] and row["changes"] > 1] for cause in causes}
            told = [row["setting"] for rows in mended.values() for row in rows] + [row["setting"] for row in alone]
            methods.append({"base": base, "alone": alone, "beside": {cause: rows for cause, rows in mended.items() if rows},
                            "several": [row for row in changed if row["setting"] not in told]})  # fmt: skip
    return methods
