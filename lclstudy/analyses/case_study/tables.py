"""Table 3 of the paper and its like: objectives on class sets, published beside ours, and judged. No torch."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import permutation_test, rankdata, spearmanr

from lclstudy.plan import names
from lclstudy.results import class_sets, published, selection
from lclstudy.results.comparisons import ALL_CLASSES, PRIMARY, beside_published, comparisons, published_comparisons
from lclstudy.results.frozen import Frozen
from lclstudy.results.main_table import main_results
from lclstudy.results.published import DOUBTED
from lclstudy.show import text
from lclstudy.statistics import subsets

OBJECTIVES = ("ce", "scl", "lcl")
FEWEST = 4  # sets that a correlation needs
GAINS = ["whose", "set", "difference", "ci_low", "ci_high", "confusion"]


def case_corpora(results: Frozen) -> list[str]:
    """The corpora of frozen results that have runs on class sets, planned or done."""
    return list(results.runs["corpus"][results.runs["classes"] != ""].unique())


def table_3(results: Frozen, corpus: str) -> pd.DataFrame:
    """`main_results` of the class sets of a corpus beside Table 3, all classes first, with the encoders of its runs on sets."""
    runs, sets = selection.runs(results), class_sets.frozen_sets(results, corpus)
    here = runs[(runs["corpus"] == corpus) & runs["objective"].isin(OBJECTIVES)]
    here = here[here["encoder"].isin(here["encoder"][here["classes"] != ""])]
    return _in_order(main_results(_printed(corpus), here, class_sets=sets), "classes", [ALL_CLASSES, *sets])


def _in_order(table: pd.DataFrame, column: str, names: Sequence[str]) -> pd.DataFrame:
    places = {name: place for place, name in enumerate(names)}
    return table.sort_values(column, key=lambda each: each.map(places), kind="stable", ignore_index=True)


def _printed(corpus: str) -> pd.DataFrame:
    return published.table("suresh2021", 3).query("corpus == @corpus")


def missing(table: pd.DataFrame) -> list[str]:
    """The sets of `table_3` without a finished run."""
    return [name for name, group in table.groupby("classes", sort=False) if not group["n"].any()]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`table_3` as text: a row per class set that ran, and per objective `mean (sd), n = 3`, published and ours."""
    rows = []
    for name, group in table[~table["classes"].isin(missing(table))].groupby("classes", sort=False):
        cells = {"Classes": name}
        for row in group.to_dict("records"):
            who, theirs, ours = names.objective(row["objective"]), text.NONE, row["status"]
            if row["published_encoder"]:
                theirs = f"{text.mean(row['published_mean'], row['published_sd'])}, n = {row['published_n']}"
            if row["n"]:
                ours = f"{text.mean(row['mean'], row['sd'])}, n = {row['n']}"
            cells |= {f"{who}, published": theirs, f"{who}, ours": ours} if table["published_n"].any() else {who: ours}
        rows.append(cells)
    return pd.DataFrame(rows)


def differences(results: Frozen, corpus: str) -> pd.DataFrame:
    """`comparisons` on the class sets of a corpus that ran (a family of tests is a set), `beside_published` of Table 3."""
    found, table = comparisons(results, PRIMARY).query("corpus == @corpus and word != 'not run'"), table_3(results, corpus)
    found = found[found["encoder"].isin(table["encoder"][table["planned"] > 0])]
    return _in_order(beside_published(found, _printed(corpus)), "set", table["classes"].unique())


def gains(results: Frozen, corpus: str) -> pd.DataFrame:
    """The gain of LCL over CE on each class set, `published` and `ours`, with its interval and `confusion`: of the validation
    texts of its classes the share in percent that our CE runs on all classes take for another class of the set. Empty if no
    such run is finished."""
    runs = class_sets.searched_runs(results, corpus)
    if not runs:
        return pd.DataFrame(columns=GAINS)
    counts, classes = results.confusion(runs, class_sets.SPLIT)
    sets = {ALL_CLASSES: classes, **published.class_sets(), **class_sets.frozen_sets(results, corpus)}
    kinds = {"published": published_comparisons(_printed(corpus)), "ours": differences(results, corpus)}
    found = pd.concat([table.assign(whose=whose) for whose, table in kinds.items()]).query("a == 'lcl' and b == 'ce'")
    ids = [[classes.index(one) for one in sets[name]] for name in found["set"]]
    shares = [100 * subsets.confusion_within(counts, one) / counts[one].sum() for one in ids]
    return found.assign(confusion=shares)[GAINS]


def correlations(gained: pd.DataFrame) -> pd.DataFrame:
    """How the `gains` with an interval and confusion go together, a row for whose `gains`: over how many `sets`, Spearman's
    `rho` and its `p` over all orders of the sets; NaN below `FEWEST` sets. Ours are last; the published ones are there also
    without `DOUBTED`, and on our sets."""
    kinds = dict(iter(gained.dropna(subset="ci_low").groupby("whose", sort=False)))
    if "published" in kinds:
        theirs, ours = kinds["published"], set(kinds.get("ours", kinds["published"])["set"])
        least = min(_spearman(theirs[theirs["set"] != one])[1] for one in theirs["set"] if one != DOUBTED)
        without = f"published, without {DOUBTED} (without any other set p is {least:.2f} or more)"
        more = {"published": theirs, without: theirs[theirs["set"] != DOUBTED]}
        if ours != set(theirs["set"]):
            more["published, on the sets of ours"] = theirs[theirs["set"].isin(ours)]
        kinds = more | kinds
    found = [(whose, len(rows), *_spearman(rows)) for whose, rows in kinds.items()]
    return pd.DataFrame(found, columns=["gains", "sets", "rho", "p"])


def _spearman(gained: pd.DataFrame) -> tuple[float, float]:
    """Spearman's rho and its p over all orders, from nine sets on over 50,000 of them, always the same: with so few sets the
    usual one, by Student's t, is several times too small."""
    if len(gained) < FEWEST:
        return np.nan, np.nan
    one, ranks = rankdata(gained["difference"]), rankdata(gained["confusion"])
    found = permutation_test((one,), lambda moved, axis=-1: (moved * ranks).sum(axis=axis), rng=0,
                             permutation_type="pairings", vectorized=True, n_resamples=50_000)  # fmt: skip
    return spearmanr(one, ranks).statistic, found.pvalue


def readable_differences(table: pd.DataFrame) -> pd.DataFrame:
    """`differences` as text."""
    return pd.DataFrame([{"Classes": names.class_set(row["set"]), **text.compared(row)} for row in table.to_dict("records")])


def set_sizes(results: Frozen, corpus: str) -> pd.DataFrame:
    """A row per class set: its classes, and its validation and test texts, of a finished run (NaN where there is none)."""
    runs, rows = results.done[results.done["corpus"] == corpus], []
    for name, members in {ALL_CLASSES: (), **class_sets.frozen_sets(results, corpus)}.items():
        here = runs["identity"][runs["classes"] == "|".join(members)].tolist()[:1]
        texts = {split: len(results.labels(*here, split)) if here else np.nan for split in ("validation", "test")}
        rows.append({"set": name, "classes": ", ".join(members) or "all", **texts})
    return pd.DataFrame(rows).astype(dict.fromkeys(("validation", "test"), "Int64"))


def said(table: pd.DataFrame, found: pd.DataFrame, gained: pd.DataFrame) -> str:
    """The case study in words, from `table_3`, `differences` and `gains`: Markdown."""
    lcl = found[found["a"] == "lcl"]
    lcl = lcl.assign(judged=[text.judged(row) for row in lcl.to_dict("records")])
    judged = [(b, [(said, here.to_dict("records")) for said, here in rows.groupby("judged", sort=False)])
              for b, rows in lcl.groupby("b", sort=False)]  # fmt: skip
    beside = table[(table["objective"] == "ce") & table["difference"].notna() & (table["classes"] != ALL_CLASSES)]
    facts = {"corpus": table["corpus"].iloc[0], "encoders": found["encoder"].unique().tolist(), "judged": judged,
             "correlations": correlations(gained).to_dict("records"), "missing": missing(table),
             "partly": table[table["n"].eq(0) & ~table["classes"].isin(missing(table))].to_dict("records"),
             "beside": list(zip(beside["classes"], beside["difference"], strict=True)), "doubted": DOUBTED}  # fmt: skip
    return text.words("analyses/case_study/said.md.j2", **facts)
