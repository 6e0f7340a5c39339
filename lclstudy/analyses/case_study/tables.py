"""Table 3 of the paper and its like: objectives on class subsets, published beside reproduced. No torch."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from lclstudy.plan import names
from lclstudy.results import published
from lclstudy.results.class_sets import frozen_sets
from lclstudy.results.frozen import Frozen
from lclstudy.show import tables

Sets = Mapping[str, Sequence[str] | None]

PAIRS = (("lcl", "ce"), ("lcl", "scl"), ("scl", "ce"))
OBJECTIVES = ("ce", "scl", "lcl")
LEVEL = 0.05


def class_sets(sets: Sets) -> pd.DataFrame:
    """The sets by name with their classes, and which of their classes stand in another small set as well."""
    small = {name: set(members) for name, members in sets.items() if members}
    rows = []
    for name, members in small.items():
        shared = [f"{', '.join(sorted(members & other))} in {named}" for named, other in small.items()
                  if named != name and len(other) == len(members) and members & other]  # fmt: skip
        rows.append(
            {"set": name, "classes": ", ".join(sets[name]), "shared with sets of its size": "; ".join(shared) or "none"}
        )
    return pd.DataFrame(rows, columns=["set", "classes", "shared with sets of its size"])


def found_said(found: Sets, sets: Sets) -> list[str]:
    """A line per found set, with its published name where it is one of `sets` under another name."""
    names_of = {frozenset(members): name for name, members in sets.items() if members}
    same = {name: names_of.get(frozenset(members), name) for name, members in found.items()}
    return [f"{name}: {', '.join(members)}{f' (the published set {same[name]})' if same[name] != name else ''}."
            for name, members in found.items()]  # fmt: skip


def run_findings(frame: pd.DataFrame, sets: Sets) -> list[str]:
    """What runs on subsets gave, in words: how many finished, and the mean test accuracy of each objective on each set.

    `frame` is of `RunStore.frame`.
    """
    counts = frame["status"].value_counts()
    said = [f"{counts.get('done', 0)} of {len(frame)} runs finished, {counts.get('failed', 0)} failed."]
    results = _in_order(tables.main_results(published.table().iloc[:0], frame, class_sets=_known(sets)), sets)
    return said + [_scores_said(name, group) for name, group in results[results["n"] > 0].groupby("classes", sort=False)]


def case_corpora(results: Frozen) -> list[str]:
    """The corpora of frozen results that have runs on class subsets, planned or done."""
    return list(dict.fromkeys(results.runs["corpus"][results.runs["classes"] != ""]))


def results_by_set(results: Frozen, corpus: str) -> pd.DataFrame:
    """`tables.main_results` of a corpus, a row per class set and objective, all classes first; beside Table 3."""
    sets = frozen_sets(results, corpus)
    return _in_order(tables.main_results(_table_3(corpus), _runs(results, corpus), class_sets=sets), sets)


def comparisons_by_set(results: Frozen, corpus: str) -> pd.DataFrame:
    """`tables.comparisons` of a corpus per class set; Holm's method over all its tests."""
    sets = frozen_sets(results, corpus)
    return _in_order(tables.comparisons(_runs(results, corpus), PAIRS, class_sets=sets), sets)


def published_by_set(corpus: str) -> pd.DataFrame:
    """`tables.published_comparisons` of Table 3; empty for a corpus that is not in it."""
    return tables.published_comparisons(_table_3(corpus), PAIRS)


def set_sizes(results: Frozen, corpus: str) -> pd.DataFrame:
    """A row per class set: number of classes, and validation and test texts (from a finished run; NaN where there is none)."""
    sets = {tables.ALL_CLASSES: (), **frozen_sets(results, corpus)}
    runs = _runs(results, corpus)
    rows = []
    for name, members in sets.items():
        here = runs[(runs["classes"] == "|".join(members)) & (runs["status"] == "done")]
        first = here["identity"].iloc[0] if len(here) else None
        split = {split: len(results.labels(first, split)) if first else np.nan for split in ("validation", "test")}
        classes = results.classes(first) if first else members
        rows.append({"set": name, "classes": len(classes) or np.nan, **split, "members": ", ".join(members) or "all"})
    return pd.DataFrame(rows).astype(dict.fromkeys(("classes", "validation", "test"), "Int64"))


def readable(results: pd.DataFrame) -> pd.DataFrame:
    """Table 3 as text: a row per class set, and per objective `published (sd), n | ours (sd), n`."""
    rows = []
    for name, group in results.groupby("classes", sort=False):
        cells = {"Classes": name}
        for row in group.to_dict("records"):
            who = names.objective(row["objective"])
            if results["published_mean"].notna().any():
                printed = tables.mean_and_deviation(row["published_mean"], row["published_sd"])
                given = not pd.isna(row["published_mean"])
                cells[f"{who}, published"] = f"{printed}, n = {row['published_n']}" if given else "–"
            cells[f"{who}, ours"] = _ours_said(row)
        rows.append(cells)
    return pd.DataFrame(rows).fillna("–")


def findings(results: pd.DataFrame, ours: pd.DataFrame, printed: pd.DataFrame) -> list[str]:
    """The case study in words, from `results_by_set`, `comparisons_by_set` and `published_by_set`."""
    said = [_scores_said(name, group) for name, group in results[results["n"] > 0].groupby("classes", sort=False)]
    said += [
        _difference_said(row, printed) for row in ours[(ours["a"] == "lcl") & ours["difference"].notna()].to_dict("records")
    ]
    said += _hardness_said("Published", printed) + _hardness_said("Ours", ours)
    absent = [name for name, group in results.groupby("classes", sort=False) if not group["n"].any()]
    return [*said, f"Not run: {', '.join(absent)}."] if absent else said


def _table_3(corpus: str) -> pd.DataFrame:
    printed = published.table("suresh2021", 3)
    return printed[printed["corpus"] == corpus]


def _runs(results: Frozen, corpus: str) -> pd.DataFrame:
    """The runs on a corpus with the objectives and the encoder of its runs on subsets."""
    here = results.runs[(results.runs["corpus"] == corpus) & results.runs["objective"].isin(OBJECTIVES)]
    return here[here["encoder"].isin(here["encoder"][here["classes"] != ""])]


def _known(sets: Sets) -> dict[str, Sequence[str]]:
    return {name: members for name, members in sets.items() if members}


def _in_order(table: pd.DataFrame, sets: Sets) -> pd.DataFrame:
    place = {name: number for number, name in enumerate(dict.fromkeys([tables.ALL_CLASSES, *sets]))}
    return table.sort_values("classes", key=lambda column: column.map(place), kind="stable").reset_index(drop=True)


def _ours_said(row: dict) -> str:
    if row["status"] != "done":
        return row["status"]
    return f"{tables.mean_and_deviation(row['mean'], row['sd'])}, n = {row['n']}"


def _scores_said(name: str, group: pd.DataFrame) -> str:
    each = [f"{names.objective(row['objective'])} {_ours_said(row)}" for row in group.to_dict("records")]
    return f"{name}: test accuracy (%) {'; '.join(each)}."


def _difference_said(row: dict, printed: pd.DataFrame) -> str:
    pair = f"{names.objective(row['a'])} − {names.objective(row['b'])}"
    said = f"{row['classes']}, {pair}: {row['difference']:+.2f} points"
    if row["note"]:
        said += f" ({row['note']})"
    else:
        shown = "a difference" if row["p_holm"] < LEVEL else "no difference shown"
        said += f" [{row['ci_low']:.2f}, {row['ci_high']:.2f}], p (Holm) {tables.p_value(row['p_holm'])}, {shown}"
    same = printed[(printed["classes"] == row["classes"]) & (printed["a"] == row["a"]) & (printed["b"] == row["b"])]
    return f"{said}; published {same['difference'].iloc[0]:+.2f}." if len(same) else f"{said}."


def _hardness_said(whose: str, differences: pd.DataFrame) -> list[str]:
    """How the gain over cross-entropy goes with the difficulty of a set: Spearman's correlation, with enough sets."""
    gains = differences[(differences["a"] == "lcl") & (differences["b"] == "ce") & differences["difference"].notna()]
    if len(gains) < 4:
        return []
    rho, p = spearmanr(gains["mean_b"], gains["difference"])
    said = f"{whose}: over {len(gains)} sets, the gain of LCL over CE against CE's accuracy has Spearman's rho {rho:+.2f}"
    return [f"{said} (p {tables.p_value(p)}; below 0 means that harder sets gain more)."]
