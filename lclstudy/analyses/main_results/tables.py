"""Tables 1, 2, 4 and 5 published beside reproduced, and the differences between objectives, judged. Percent and points."""

import numpy as np
import pandas as pd

from lclstudy.plan import names
from lclstudy.results import corpus_facts, published, selection
from lclstudy.results.comparisons import (
    ALL_CLASSES,
    PRIMARY,
    SYNONYMS,
    beside_published,
    claimed,
    compare,
    comparisons,
    published_differences,
    scored,
)
from lclstudy.results.frozen import Frozen
from lclstudy.results.main_table import main_results
from lclstudy.show import text
from lclstudy.statistics.judge import NOT_RUN

MEASURES = [(split, metric) for split in ("test", "validation") for metric in names.METRICS]


def printed() -> pd.DataFrame:
    """What the paper prints for all classes of a corpus: the cells of Tables 1, 2, 4 and 5."""
    cells = published.table("suresh2021")
    return cells[cells["table"].isin([1, 2, 4, 5])]


def main_table(results: Frozen) -> pd.DataFrame:
    """`main_results` of all classes for each `split` and `metric`, below one another."""
    runs = selection.runs(results)
    whole = runs[runs["classes"] == ""]
    parts = [main_results(printed(), whole, metric, split).assign(split=split, metric=metric) for split, metric in MEASURES]
    return pd.concat(parts, ignore_index=True)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`main_table` as text: `published / ours` in each cell, a row per objective that is planned, of corpora that ran."""
    rows = []
    ran = table.loc[table["n"] > 0, "corpus"].unique()
    here = table[table["corpus"].isin(ran) & (table["planned"] > 0)]
    for (corpus, encoder, objective), group in here.groupby(["corpus", "encoder", "objective"], sort=False):
        first, said = group.iloc[0], group[group["published_encoder"] != ""]
        encoders = [names.encoder(said["published_encoder"].iloc[0]) if len(said) else text.NONE, names.encoder(encoder)]
        counts = [said["published_n"].iloc[0] or "not said" if len(said) else text.NONE, f"{first['n']} of {first['planned']}"]
        row = {"Corpus": names.corpus(corpus), "Objective": names.objective(objective), "Encoder": " / ".join(encoders),
               "n": " / ".join(map(str, counts))}  # fmt: skip
        rows.append(row | {f"{cell['split']} {names.METRICS[cell['metric']]}": _both(cell)
                           for cell in group.to_dict("records")})  # fmt: skip
    return pd.DataFrame(rows)


def _both(cell: dict) -> str:
    theirs = text.mean(cell["published_mean"], cell["published_sd"]) if cell["published_encoder"] else "not reported"
    return f"{theirs} / {text.mean(cell['mean'], cell['sd']) if cell['n'] else cell['status']}"


def differences(results: Frozen) -> pd.DataFrame:
    """By corpus `comparisons` on all classes, `beside_published`: the papers' three, then, another family, with CE + aug."""
    found = pd.concat([comparisons(results, pairs) for pairs in (PRIMARY, SYNONYMS)], ignore_index=True)
    cells = printed().query("split == 'test' and metric == 'accuracy' and encoder == 'electra-base'")
    found = beside_published(found[found["set"] == ALL_CLASSES], cells)
    return found.iloc[found.groupby("corpus", sort=False).ngroup().argsort(kind="stable")]


def without_relabelled(results: Frozen) -> pd.DataFrame:
    """`compare` of the papers' three on all classes of the corpora whose test split has `corpus_facts.relabelled` texts, all of
    them `left_out`: how many."""
    runs, rows = scored(results).query("set == @ALL_CLASSES"), []
    for run in runs.to_dict("records"):
        if places := corpus_facts.relabelled(run["corpus"]):
            right = results.predictions(run["identity"]) == results.labels(run["identity"])
            rows.append({**run, "value": 100 * np.delete(right, places).mean(), "left_out": len(places)})
    kept = pd.DataFrame(rows, columns=[*runs, "left_out"])
    found = compare(kept, PRIMARY, expected=published_differences(), claims=claimed())
    return found.join(kept.groupby("corpus")["left_out"].first(), on="corpus")


def readable_differences(table: pd.DataFrame) -> pd.DataFrame:
    """`differences` as text, without the comparisons that did not run."""
    return pd.DataFrame([
        {"Corpus": names.corpus(row["corpus"]), "Encoder": names.encoder(row["encoder"]), **text.compared(row)}
        for row in table[table["word"] != NOT_RUN].to_dict("records")
    ])  # fmt: skip


def readable_kept(table: pd.DataFrame) -> pd.DataFrame:
    """`without_relabelled` as text."""
    return pd.DataFrame([{
        "Corpus": f"{names.corpus(row['corpus'])}, {names.encoder(row['encoder'])}",
        "Texts left out": row["left_out"],
        "Comparison": text.pair(row["a"], row["b"]),
        "Difference (points)": text.difference(row),
        "p (Holm)": text.p_value(row["p_holm"]),
        "Word": text.judged(row),
    } for row in table.to_dict("records")])  # fmt: skip


def facts(table: pd.DataFrame, found: pd.DataFrame, kept: pd.DataFrame) -> dict:
    """What `said.md.j2` needs, from `main_table`, `differences` and `without_relabelled`: of each place the means and the
    judged pairs, what is missing, and whose word `turned` without some texts."""
    accuracy = table[(table["split"] == "test") & (table["metric"] == "accuracy") & (table["planned"] > 0)]
    judged = found[(found["word"] != NOT_RUN) & (found["a"] != "ce_aug") & (found["b"] != "ce_aug")]
    places = []
    for (corpus, encoder), pairs in judged.groupby(["corpus", "encoder"], sort=False):
        means = accuracy[(accuracy["corpus"] == corpus) & (accuracy["encoder"] == encoder) & (accuracy["n"] > 0)]
        ranked = means.sort_values("mean", ascending=False, kind="stable").to_dict("records")
        counts = sorted({row["n"] for row in ranked})
        places.append({"corpus": corpus, "encoder": encoder, "means": ranked, "pairs": pairs.to_dict("records"),
                       "n": " to ".join(map(str, dict.fromkeys([counts[0], counts[-1]])))})  # fmt: skip
    idle = accuracy.groupby(["corpus", "objective"], sort=False)["n"].sum().eq(0).groupby("corpus", sort=False)
    missing = [f"{names.corpus(corpus)} at all" if none.all()
               else f"{text.listed(map(names.objective, none.index[none].get_level_values(1)))} on {names.corpus(corpus)}"
               for corpus, none in idle if none.any()]  # fmt: skip
    place = ["corpus", "encoder", "a", "b"]
    both = kept.merge(found[[*place, "word"]].rename(columns={"word": "of_all"}), on=place)
    return {
        "places": places,
        "turned": both[both["word"] != both["of_all"]].to_dict("records"),
        "missing": missing,
        "foreign": sorted({place["encoder"] for place in places
                           if place["encoder"] != "electra-base" and place["corpus"] in set(printed()["corpus"])}),
    }  # fmt: skip


def best_runs(results: Frozen, table: pd.DataFrame) -> list[tuple[dict, list[str]]]:
    """Of each corpus the row of `main_table` with the best mean validation accuracy, and the identities of its runs."""
    accuracy = table[(table["split"] == "validation") & (table["metric"] == "accuracy") & (table["n"] > 0)]
    best = accuracy.loc[accuracy.groupby("corpus", sort=False)["mean"].idxmax()]
    runs = selection.runs(results).query("status == 'done' and classes == ''")
    identities = runs.groupby(["corpus", "objective", "encoder"])["identity"].agg(list)
    return [(row, identities[row["corpus"], row["objective"], row["encoder"]]) for row in best.to_dict("records")]
