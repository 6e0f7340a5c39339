"""The follow-up report by Modarres and Raeisi: its tables, grid, variants and EmoInt failure beside ours. Percent; no torch."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.results import corpus_facts, frozen, published, selection
from lclstudy.results.frozen import Frozen
from lclstudy.results.selection import GRID
from lclstudy.results.settings import against, changes, level, said
from lclstudy.show import text
from lclstudy.statistics.judge import FEWEST

PAPER = "modarres"
MAIN = ("report", "report_small")  # profiles of the report's own questions, best first
CUT_SHORT = ("report_small",)  # of too few epochs to stand beside a published number
BESIDE = ("baselines", "paper", "minilm")  # what stands beside them in its tables
CORPORA = ("empathetic_dialogues", "goemotions", "emoint", "sst5", "sst2", "ag_news", "twitter_sentiment", "parsinlu")
CORPORA += ("isear",)  # of the paper, not of the report: the baselines ran on all of the paper's
SEARCHED = ("sst5", "lcl")  # corpus and objective of the grid, which each of `MAIN` plans
AS_REPORTED, AS_IN_THE_PAPER = "as in the report", "all as in the paper"
NEAR_CHANCE = 5.0  # points from always naming the largest class: the margin of the claims of `near chance`
COLLAPSED = 0.95  # of the test texts given one label: the model tells classes apart no longer
_DIFFERENCE = ["difference", "ci_low", "ci_high", "basis", "p", "p_holm", "word"]
SYSTEMS = {  # the rows of the report's tables and the baselines: objective, encoder
    "TF-IDF + LR": ("ce", "tfidf"),
    "RNN": ("ce", "rnn"),
    "GRU": ("ce", "gru"),
    "BERT, cased": ("ce", "bert-base-cased"),
    "BERT": ("ce", "bert-base"),
    "ELECTRA + CE": ("ce", "electra-base"),
    "ELECTRA + SCL, two stages": ("scl_two_stage", "electra-base"),
    "ELECTRA + SCL": ("scl", "electra-base"),
    "ELECTRA + LCL": ("lcl", "electra-base"),
}
MULTILINGUAL = ("BERT", "ELECTRA + LCL")  # on the Persian task: both rows of Table 2, whatever their headings say
STANDS_IN = "minilm"  # where ELECTRA has not run


def main_results(profile: str = "") -> Frozen:
    """Frozen results of the report's questions: of `profile` if it asks them, else of the first of `MAIN` with a finished run.
    Raises StudyError if there are none."""
    for name in [profile] if profile in MAIN else [name for name in MAIN if name in frozen.frozen_names()]:
        results = frozen.read_frozen(name)
        if profile in MAIN or len(results.done):
            return results
    raise StudyError("No frozen results of the follow-up report; make some: ./run_all.sh report_small --only 05")


def beside(results: Frozen) -> list[Frozen]:
    """`results`, and those of other profiles that its tables may be filled from."""
    there = [name for name in (*MAIN, *BESIDE) if name in frozen.frozen_names() and name != results.name]
    return [results, *(frozen.read_frozen(name) for name in there)]


def majority() -> pd.Series:
    """Percent of the test texts that always naming the largest class of training gets right, by corpus."""
    return corpus_facts.majority(corpus_facts.table("splits")).set_index("corpus")["majority"]


def systems(sources: Sequence[Frozen]) -> pd.DataFrame:
    """A row per corpus and system: the report's accuracy `published` with its encoder (NaN where it gives none), and `level` of
    our runs; `ours`: their encoder, the `same` or what stands in for it."""
    runs, accuracies, rows = {}, printed(), []
    for results in sources:
        whole = selection.runs(results).query("classes == '' and status == 'done'")
        for key, group in whole.groupby(["corpus", "objective", "encoder"]) if results.name not in CUT_SHORT else ():
            runs.setdefault(key, group)
    for corpus, (label, (objective, encoder)) in itertools.product(CORPORA, SYSTEMS.items()):
        encoder = "mbert" if corpus == "parsinlu" and label in MULTILINGUAL else encoder
        tried = [encoder, STANDS_IN] if encoder == "electra-base" else [encoder]
        ours = next((each for each in tried if (corpus, objective, each) in runs), "")
        row = {"corpus": corpus, "system": label, "objective": objective, "encoder": encoder, "ours": ours}
        row |= {"published": accuracies.get((corpus, objective, encoder), np.nan), "same": ours == encoder}
        rows.append(row | level(runs.get((corpus, objective, ours), results.runs.iloc[:0])))
    return pd.DataFrame(rows)


def printed() -> dict[tuple[str, str, str], float]:
    """The report's accuracies in percent by corpus, objective and encoder: of its tables, and of its text what they lack."""
    told = published.text_numbers(PAPER).query("quantity.str.startswith('accuracy_')")
    of_text = {(row.subject, "ce", row.quantity.removeprefix("accuracy_")): float(row.value) for row in told.itertuples()}
    return of_text | {(row.corpus, row.objective, row.encoder): row.value for row in published.table(PAPER).itertuples()}


def shown_systems(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of `systems` that ran, for `figures.dots`."""
    rows = found[found["n"] > 0]
    return rows.assign(group=rows["corpus"].map(names.corpus), label=rows["system"], chance=rows["corpus"].map(majority()))


def printed_table(found: pd.DataFrame, number: int) -> pd.DataFrame:
    """Table 1 or 2 of the report as text: `published / ours`, a row per system of which either has a number, a column per
    corpus."""
    corpora = [name for name in CORPORA if name in set(published.table(PAPER, number)["corpus"])]
    here = found[found["corpus"].isin(corpora) & (found["published"].notna() | (found["n"] > 0))]
    cells = pd.DataFrame({"System": here["system"], "corpus": here["corpus"], "cell": [*map(_cell, here.to_dict("records"))]})
    table = cells.pivot(index="System", columns="corpus", values="cell").fillna(text.NONE)
    table = table.loc[[name for name in SYSTEMS if name in table.index], corpora]
    return table.rename(columns=names.corpus).rename_axis(columns=None).reset_index()


def _cell(row: dict) -> str:
    theirs = text.NONE if pd.isna(row["published"]) else f"{row['published']:g}"
    if not row["n"]:
        return f"{theirs} / {row['status']}"
    whose = "" if row["same"] else f"; {names.encoder(row['ours'])}"
    return f"{theirs} / {text.mean(row['mean'], row['sd'])} (n = {row['n']}{whose})"


def grid(results: Frozen) -> pd.DataFrame:
    """The search over settings, a row per point of `GRID`: encoder, n, the `mean` of test and of `validation` accuracy, in
    percent, `one_label` (as in `settings`), and `ce`, the mean of cross-entropy at that batch size. NaN where not run."""
    here = selection.grid(results, *SEARCHED)
    points = here.assign(mean=100 * here["test_accuracy"], validation=100 * here["validation_accuracy"]).groupby(list(GRID))
    found = points[["mean", "validation"]].mean().assign(encoder=points["encoder"].first(), n=points["mean"].count())
    found = found.assign(one_label=[_one_label(results, group) for _, group in points]).reset_index()
    base = results.done.query("corpus == @SEARCHED[0] and classes == '' and objective == 'ce'")
    base = base[base["encoder"].isin(found["encoder"])]
    return found.assign(ce=found["batch_size"].map(100 * base.groupby("batch_size")["test_accuracy"].mean()).astype(float))


def _one_label(results: Frozen, runs: pd.DataFrame) -> float:
    given = [results.predictions(identity) for identity in runs["identity"][runs["status"] == "done"]]
    return float(np.mean([np.bincount(labels).max() / len(labels) for labels in given])) if given else np.nan


def reports_best() -> dict[str, float]:
    """The setting that the report found best on SST-5."""
    told = published.text_numbers(PAPER).query("subject == 'sst5'").set_index("quantity")["value"]
    return {name: float(told[name]) for name in GRID}


def grid_base(found: pd.DataFrame) -> float:
    """Cross-entropy at the batch size of the report's best setting, of `grid`; NaN where it was not run."""
    return float(found["ce"][found["batch_size"] == reports_best()["batch_size"]].max())


def settings(results: Frozen, corpus: str, objectives: Sequence[str]) -> pd.DataFrame:
    """Runs of objectives on a corpus by setting, each against the profile's first setting of its objective and encoder.

    Columns: corpus, objective, encoder, `setting` (what differs, in words; `as in the report` for the first), `changed` (the
    same as a tuple), `changes` (how many), those of `level`; `one_label`, the largest share of test texts given one label (0 to
    1, mean over runs); `contrast` and `ce`, the two losses of the last epoch; of `against` the difference from the first
    setting, all tests being one family. The points of a grid are left out.
    """
    here, parts, rows = results.runs.query("corpus == @corpus and classes == ''"), [], []
    for objective in objectives:
        for _, runs in here[here["objective"] == objective].groupby("encoder", sort=False):
            start = runs.iloc[0]  # planned runs come first
            if (corpus, objective) == SEARCHED:
                runs = runs[(runs[list(GRID)] == start[list(GRID)]).all(axis=1)]
            runs = runs.assign(changed=[_changed(run, start) for run in runs.to_dict("records")])
            runs["setting"] = runs["objective"] + " " + runs["encoder"] + " " + runs["changed"].map(", ".join)
            found = [_row(results, group) for _, group in runs.groupby("setting", sort=False)]
            rows += sorted(found, key=lambda row: (row["changes"], row["changed"]))
            parts.append(runs)
    pairs = [(row["key"], f"{row['objective']} {row['encoder']} ") for row in rows if row["changes"]]
    found = against(results, pd.concat(parts), pairs).set_index("a")
    return pd.DataFrame(rows).join(found[_DIFFERENCE], on="key").fillna({"basis": "", "word": ""}).drop(columns="key")


def _changed(run: dict, start: dict) -> tuple[str, ...]:
    found = changes(run, start)
    return (AS_IN_THE_PAPER,) if "released" in found else said(found)


def _row(results: Frozen, runs: pd.DataFrame) -> dict:
    row, done = runs.iloc[0], runs[runs["status"] == "done"]
    epochs = results.epochs[results.epochs["identity"].isin(done["identity"])]
    last = epochs.groupby("identity").tail(1)
    contrast, ce = last.reindex(columns=["loss_contrastive", "loss_ce"]).mean()  # NaN of what the objective does not have
    return {"key": row["setting"], "corpus": row["corpus"], "objective": row["objective"], "encoder": row["encoder"],
            "setting": ", ".join(row["changed"]) or AS_REPORTED, "changed": row["changed"], "changes": len(row["changed"]),
            **level(runs), "one_label": _one_label(results, runs), "contrast": contrast, "ce": ce}  # fmt: skip


def reported_mean(found: pd.DataFrame, objective: str) -> float:
    """The mean test accuracy of an objective as in the report, of `settings`; NaN where it was not run."""
    return float(found["mean"][(found["objective"] == objective) & (found["changes"] == 0)].max())


def shown_settings(found: pd.DataFrame, base: float) -> pd.DataFrame:
    """The rows of `settings` for `figures.dots`; `base` is the accuracy of cross-entropy."""
    group = found["objective"].map(names.objective) + " with " + found["encoder"].map(names.encoder)
    return found.assign(group=group, label=found["setting"], chance=found["corpus"].map(majority()), base=base)


def readable_settings(found: pd.DataFrame) -> pd.DataFrame:
    """`settings` as text."""
    return pd.DataFrame([{
        "Objective": names.objective(row["objective"]),
        "Encoder": names.encoder(row["encoder"]),
        "Setting": row["setting"],
        "n": str(row["n"]),
        "Test accuracy (%)": text.mean(row["mean"], row["sd"]) if row["n"] else row["status"],
        "Most given label (% of texts)": text.number(100 * row["one_label"], 0),
        "Contrastive loss": text.number(row["contrast"]),
        "CE loss": text.number(row["ce"]),
        "Difference (points)": text.difference(row, 1),
        "Interval over": row["basis"] or text.NONE,
        "p": text.p_value(row["p"]),
        "p (Holm)": text.p_value(row["p_holm"]),
        "Against the report's": row["word"] or text.NONE,
    } for row in found.to_dict("records")])  # fmt: skip


def findings(systems: pd.DataFrame, grid: pd.DataFrame, failure: pd.DataFrame, variants: pd.DataFrame, chance: float) -> str:
    """Markdown, from `systems`, `grid`, and `settings` of EmoInt and of SST-5; `chance`: `majority` of EmoInt."""
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
    ran = ran.assign(rank=ran["validation"].rank(ascending=False, method="min"))
    theirs = ran[(ran[list(GRID)] == pd.Series(reports_best())).all(axis=1)].to_dict("records")
    return {
        "encoder": ran["encoder"].iloc[0], "ran": len(ran), "planned": len(found), "single": int((ran["n"] == 1).sum()),
        "low": ran["mean"].min(), "high": ran["mean"].max(), "low_well": well["mean"].min(), "high_well": well["mean"].max(),
        "collapsed": int(collapsed.sum()), "cold": [f"{value:g}" for value in cold],
        "best": ran.loc[ran["validation"].idxmax()].to_dict(), "theirs": theirs[0] if theirs else None,
        "above_ce": int((ran["mean"] > ran["ce"]).sum()), "low_ce": ran["ce"].min(), "high_ce": ran["ce"].max(),
    }  # fmt: skip


def _methods(found: pd.DataFrame, edge: float) -> list[list[dict]]:
    """By contrastive objective and encoder: its settings that ran, the report's first, each `stuck` (below `edge`) or not."""
    ran = found[(found["n"] > 0) & (found["objective"] != "ce")]
    groups = ran.assign(stuck=ran["mean"] < edge).groupby(["objective", "encoder"], sort=False)
    return [rows.to_dict("records") for _, rows in groups if rows["changes"].iloc[0] == 0]
