"""Every fact that the findings of `data/published/findings.toml` cite, computed: from the printed numbers, the catalogue of
public corpora, `data/summary`, the printed losses, and our runs on the class sets. A finding fills them in by name.
"""

import itertools
import math

import numpy as np
import pandas as pd
from scipy import special
from scipy import stats as distributions

from lclstudy.plan import catalog, names
from lclstudy.results import corpus_facts, published
from lclstudy.statistics.tests import welch_from_summary

from . import loss_forms, rounding
from .rounding import LEVEL, PRINTED_SIDE, READINGS, Side
from .set_d import SET, FollowUp

PAPER, REPORT = "suresh2021", "modarres"
NEAR = 5.0  # points above the largest class that count as near it


def facts(audited: pd.DataFrame, followed_up: FollowUp) -> dict:
    """Everything, by name. `audited` is of `rounding.audit`."""
    degrees, readings = rounding.degrees_of_freedom(audited), rounding.compare_readings(audited)
    best = readings["reading"].iloc[0]
    adjusted = rounding.multiplicity(audited, best)
    return {
        "tests": test_facts(audited),
        "df": degrees.set_index("test").to_dict("index"),
        "pairs": len(degrees),
        "fits": {kind: int(degrees[f"fits_{kind}"].sum()) for kind in ("welch", "student", "paired")},
        "readings": readings.set_index("reading").to_dict("index"),
        "best": READINGS[best].title,
        "spread": spread_facts(audited, best),
        "claims": adjusted.loc[adjusted["survives"] != "", "survives"].value_counts().to_dict(),
        "unsure_claims": "; ".join(adjusted.loc[adjusted["survives"] == "depends on rounding", "test"]),
        "families": ", ".join(str(size) for size in adjusted.drop_duplicates("table")["family"]),
        "sets": set_facts(),
        "sizes": size_facts(),
        **table_facts(published.table(PAPER)),
        **report_facts(published.table(REPORT), published.text_numbers()),
        "loss": loss_facts(),
        "set_d": set_d_facts(followed_up),
    }


def test_facts(audited: pd.DataFrame) -> dict[str, dict]:
    """By test: what is `printed`; `at_printed`, p of the readings at the printed numbers (lowest, highest); by print `p`
    (lowest, highest), whether the statement about p `holds`, and whether t and p are `possible` together; `explained`: it
    holds if numbers were rounded, though not at the printed ones; `turned`: readings whose p, at the printed numbers, turns
    the claim of significance round.
    """
    told = {}
    for name, group in audited.groupby("test", sort=False):
        first, at, prints = group.iloc[0], group[group["print"] == "rounded"], group.groupby("print")
        p = f"p {first['p_relation']} {first['p_printed']:g}"
        turned = at[(at["p"] < LEVEL) != (first["claim"] == "significant")]
        holds = prints["p_fits"].any().to_dict()
        told[name] = {
            "printed": p if pd.isna(first["t_printed"]) else f"t = {first['t_printed']:.2f}, {p}",
            "p_printed": first["p_printed"],
            "difference": first["a_mean"] - first["b_mean"],
            "at_printed": (at["p"].min(), at["p"].max()),
            "p": {kind: (rows["p_low"].min(), rows["p_high"].max()) for kind, rows in prints},
            "holds": holds,
            "explained": holds["rounded"] and not at["p_at_print"].any(),
            "possible": (prints["probability"].max() > 0).to_dict(),
            "turned": [(READINGS[row.reading].title, row.p) for row in turned.itertuples()],
        }
    return told


def spread_facts(audited: pd.DataFrame, best: str) -> dict[str, dict]:
    """Where a missing significance is put down to high deviations: p if none were above the `usual` one, the median of the
    comparable cells: at the printed numbers under the `best` reading, and its `ends` over readings, rounded or cut.
    """
    cells = published.table(PAPER).query("metric == 'accuracy' and split == 'test' and objective in ('scl', 'lcl')")
    others = {"4-hard-b: LCL vs SCL": cells["classes"].isin(["4-hard-a", "4-hard-c", "4-hard-d"]),
              "SST-5: LCL vs CE": cells["corpus"] == "sst5"}  # fmt: skip
    told = {}
    for test, comparable in others.items():
        row, usual = audited[audited["test"] == test].iloc[0].to_dict(), float(cells[comparable]["spread"].median())
        mild = {**row, "a_sd": min(row["a_sd"], usual), "b_sd": min(row["b_sd"], usual)}
        found = rounding.audit(pd.DataFrame([mild])).set_index(["print", "reading"])
        told[test] = {
            "sds": (row["a_sd"], row["b_sd"]),
            "usual": usual,
            "difference": row["a_mean"] - row["b_mean"],
            "p": found.loc[("rounded", best), "p"],
            "ends": (found.loc["either", "p_low"].min(), found.loc["either", "p_high"].max()),
        }
    return told


def set_facts() -> dict:
    """The class sets against each other, the labels of the corpus and the counts in their names."""
    sets, labels = published.class_sets(), catalog.corpora()["empathetic_dialogues"].labels
    hard = {name: set(members) for name, members in sets.items() if name.startswith("4-hard-")}
    large, small = set(sets["16"]), set(sets["8"])
    both = sorted(large & small)
    return {
        "names": ", ".join(sets),
        "count": len(sets),
        "right": all(len(set(members) & set(labels)) == int(name.split("-")[0]) for name, members in sets.items()),
        "shared": [(*sorted(hard[a] & hard[b]), a, b) for a, b in itertools.combinations(hard, 2) if hard[a] & hard[b]],
        "both": both,
        "outside": sorted(small - large),
        "chance": distributions.hypergeom.sf(len(both) - 1, len(labels), len(large), len(small)),
        "labels": len(labels),
        "fours": math.comb(len(labels), 4),
    }


def set_d_facts(followed_up: FollowUp) -> dict:
    """Of `set_d.follow_up`: the fields, `gaps` (lowest, highest) of the other sets, the classes fitting the print, and weighted
    F1 of CE on the set in a `later` work."""
    fourth, gaps = followed_up.fourth.set_index("class"), followed_up.sets.loc[followed_up.sets["set"] != SET, "gap"]
    fitting = fourth.index[(fourth["low"] < followed_up.printed) & (followed_up.printed < fourth["high"])]
    alone = followed_up.sets.set_index("set").loc[SET, "alone"]
    later = published.later().query("classes == @SET and method == 'ce'")["value"].item()
    return {**followed_up._asdict(), "alone": alone, "later": later, "fourth": fourth.to_dict("index"),
            "nearest": fourth.index[0], "gaps": (gaps.min(), gaps.max()), "fitting": list(fitting),
            "others": len(fourth) - 1}  # fmt: skip


def size_facts() -> dict:
    """The printed sizes of the splits against the public corpora as this study reads them; `neutral` sentences of SST-5."""
    entries, told = catalog.corpora(), {}
    printed = {name: entry.published["paper"] for name, entry in entries.items() if entry.published.get("paper")}
    for name, sizes in printed.items():
        public = entries[name].counts
        gaps = [public[split] - size for split, size in sizes.items()]
        told[name] = {"printed": _sizes(sizes), "public": _sizes(public), "gaps": gaps}
    neutral = corpus_facts.table("labels").query("corpus == 'sst5' and label == 'neutral'").set_index("split")["rows"]
    less = {split: size - printed["sst2"][split] for split, size in printed["sst5"].items()}
    same = ", ".join(names.corpus(name) for name in printed if not any(told[name]["gaps"]))
    neutrals = {"less": _sizes(less), "public": _sizes(neutral)}
    return {**told, "neutral": neutrals, "same": same, "ag_news": sum(entries["ag_news"].counts.values())}


def _sizes(sizes: dict[str, int]) -> str:
    return " / ".join(f"{sizes[split]:,}" for split in ("train", "validation", "test"))


def table_facts(cells: pd.DataFrame) -> dict:
    """The cells of the paper's tables against each other."""
    own = cells[(cells["metric"] == "accuracy") & (cells["encoder"] == "electra-base") & (cells["objective"] != "reported")]
    main, case_study = own[own["table"] != 3], own[own["table"] == 3]
    accuracy, f1 = (cells[cells["metric"] == metric] for metric in ("accuracy", "weighted_f1"))
    pairs = accuracy.merge(f1, on=["table", "row", "corpus", "split"], suffixes=("", "_f1"))
    most = (pairs["value"] + 2 * pairs["value_rounding"]) / 100  # the largest accuracy A that prints so, if it was cut
    return {
        "same_system": same_system(main, case_study),
        "orders": orders(main),
        "splits": between_splits(main),
        "f1": {
            "pairs": len(pairs),
            "above": int((pairs["value_f1"] > pairs["value"]).sum()),
            # A class's F1 is at most 2R / (1 + R) for its recall R, which is concave, and the weighted mean of recalls is A.
            "impossible": int((pairs["value_f1"] - pairs["value_rounding_f1"] > 200 * most / (1 + most)).sum()),
        },
        "gains": {"corpora": gains(main[main["split"] == "test"]), "sets": gains(case_study)},
    }


def same_system(main: pd.DataFrame, case_study: pd.DataFrame) -> list[dict]:
    """The 32 classes stand in Tables 1 and 3, of 5 and of 10 runs: `p` that they differ, and could the 5 be `among` the 10?"""
    told = []
    pairs = main.merge(case_study, on=["corpus", "classes", "objective", "split"], suffixes=("_five", "_ten"))
    for row in pairs.to_dict("records"):
        five, ten = (Side(*(row[f"{name}_{which}"] for name in PRINTED_SIDE)) for which in ("five", "ten"))
        p, among = welch_from_summary(*five[:3], *ten[:3]).p, could_be_among(five, ten)
        told.append({"objective": names.objective(row["objective"]), "five": five, "ten": ten, "p": p, "among": among})
    return told


def could_be_among(few: Side, many: Side) -> bool:
    """Whether rounding leaves room for the runs of `few` to be some of those of `many`: the sum of squares of `many` must hold
    that of `few`, and what both means ask for between these and the remaining runs. Deviations over n - 1.
    """
    gap = max(abs(few.mean - many.mean) - few.mean_rounding - many.mean_rounding, 0.0)
    within = (many.n - 1) * (many.sd + many.sd_rounding) ** 2 - (few.n - 1) * max(few.sd - few.sd_rounding, 0.0) ** 2
    return bool(within >= gap**2 * few.n * many.n / (many.n - few.n))


def orders(cells: pd.DataFrame) -> dict:
    """Pairs of objectives that stand the other way round on validation than on test: Welch's tests by split of those that are
    `apart` on one by more than chance, and how many by `noise`.
    """
    by_place = cells.set_index(["corpus", "objective", "split"])[["value", "spread", "n"]]
    apart, noise = {}, 0
    for corpus, (a, b) in itertools.product(cells["corpus"].unique(), itertools.combinations(("lcl", "scl", "ce"), 2)):
        found = {split: welch_from_summary(*by_place.loc[corpus, a, split], *by_place.loc[corpus, b, split])
                 for split in ("validation", "test")}  # fmt: skip
        if found["validation"].difference * found["test"].difference >= 0:
            continue
        if min(test.p for test in found.values()) < LEVEL:
            apart[f"{names.corpus(corpus)}, {names.objective(a)} − {names.objective(b)}"] = found
        else:
            noise += 1
    return {"apart": apart, "noise": noise}


def between_splits(cells: pd.DataFrame) -> dict:
    """Validation against test accuracy of the same models: more apart than a random split of the texts makes likely?

    The standard error is that of the difference of two shares of independent texts; the means over runs add nothing to it.
    """
    shares = cells.pivot(index=["corpus", "objective"], columns="split", values="value")
    sizes = pd.DataFrame([catalog.corpora()[corpus].published["paper"] for corpus, _ in shares.index], shares.index)
    gaps = shares["test"] - shares["validation"]
    variances = shares / 100 * (1 - shares / 100) / sizes[["test", "validation"]]
    z = gaps / 100 / np.sqrt(variances.sum(axis=1))
    limit, limit_of_all = distributions.norm.ppf([1 - LEVEL / 2, 1 - LEVEL / 2 / len(z)])
    far = [(names.corpus(place[0]), names.objective(place[1]), gaps[place], z[place]) for place in z.index[z.abs() > limit]]
    return {"pairs": len(z), "far": far, "beyond_all": bool(z.abs().max() > limit_of_all)}


def gains(cells: pd.DataFrame) -> dict:
    """The advantage of LCL over CE against the number of classes: `rank` correlation over `n` places."""
    sets, entries = published.class_sets(), catalog.corpora()
    means = cells.pivot(index=["corpus", "classes"], columns="objective", values="value")
    counts = [len(sets.get(classes, entries[corpus].labels)) for corpus, classes in means.index]
    return {"n": len(means), "rank": float(distributions.spearmanr(counts, means["lcl"] - means["ce"]).statistic)}


def report_facts(cells: pd.DataFrame, numbers: pd.DataFrame) -> dict:
    """The report's `cells` against its words, the public data, and the paper's."""
    largest = majority(cells, corpus_facts.table("labels"))
    above = (largest["value"] - largest["share"])[~largest["near"]]
    twice = cells[cells.duplicated(["table", "row", "value"], keep=False)]
    temperatures = numbers[numbers["quantity"] == "temperature"]
    return {
        "told": told_accuracies(cells, numbers[numbers["paper"] == REPORT]),
        "stuck": cells[cells["corpus"] == "emoint"].set_index("objective")["value"].to_dict(),
        "majority": largest.set_index("system").to_dict("index"),
        "rest": {"count": len(above), "least": above.min()},
        "twice": twice.groupby(["row", "value"])["corpus"].agg(list).to_dict(),
        "steps": accuracy_steps(published.table()),
        "persian": cells[cells["encoder"] == "mbert"].set_index("row")["value"].to_dict(),
        "temperatures": temperatures[temperatures["subject"] == "search"].groupby("paper")["value"].agg(list).to_dict(),
        "best_temperature": float(temperatures.query("paper == @REPORT and subject == 'sst5'")["value"].iloc[0]),
    }


def told_accuracies(cells: pd.DataFrame, numbers: pd.DataFrame) -> dict[str, dict]:
    """By encoder and corpus, the accuracies of the running text that a table has too: `told`, `table`, and whether the table's
    number becomes the told one when it is `rounded`, or when it is `cut`.
    """
    ce = cells[cells["objective"] == "ce"].set_index(["corpus", "encoder"])["value"]
    found = {}
    for row in numbers[numbers["quantity"].str.startswith("accuracy_")].itertuples():
        encoder = row.quantity.removeprefix("accuracy_").removesuffix("_end")
        if (row.subject, encoder) in ce.index:
            told, value = float(row.value), float(ce[row.subject, encoder])
            unit = 10.0 ** -len(f"{told:g}".partition(".")[2])
            facts = {"rounded": told - unit / 2 <= value < told + unit / 2, "cut": told <= value < told + unit}
            found[f"{names.encoder(encoder)} on {names.corpus(row.subject)}"] = {"told": told, "table": value, **facts}
    return found


def majority(cells: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """The report's accuracies beside the largest class of the public test texts, for corpora whose test labels are known.

    Columns: those of `cells`; `system` (`CE with mBERT on EmoInt`), `texts`, `largest` (its name), `share` (percent); `p`:
    probability that so many or more are right if each text were right with probability `share` (binomial, one-sided);
    `near`: less than NEAR points above it, though no class has just this share.
    """
    rows, test = [], labels[labels["split"] == "test"].set_index("label")
    for cell in cells.to_dict("records"):
        here = test.loc[test["corpus"] == cell["corpus"], "rows"]
        if len(here):
            texts, shares = int(here.sum()), here / here.sum() * 100
            encoder, corpus = names.encoder(cell["encoder"]), names.corpus(cell["corpus"])
            p = distributions.binom.sf(round(cell["value"] / 100 * texts) - 1, texts, shares.max() / 100)
            one_class = ((shares - cell["value"]).abs() <= 2 * cell["value_rounding"]).any()
            cell["system"] = f"{names.objective(cell['objective'])} with {encoder} on {corpus}"
            cell |= {"texts": texts, "largest": shares.idxmax(), "share": shares.max()}
            rows.append(cell | {"p": p, "near": bool(cell["value"] - shares.max() < NEAR and not one_class)})
    return pd.DataFrame(rows)


def accuracy_steps(cells: pd.DataFrame) -> dict:
    """How coarse accuracies are that must be a count of texts over their number: the `coarsest` step, of `cells` many, in units
    of the last printed digit. Only a step above 1 leaves printed numbers that are no possible accuracy.
    """
    rows = cells[(cells["metric"] == "accuracy") & (cells["objective"] != "reported") & (cells["classes"] == "all")]
    entries = {name: entry.published.get("paper") or entry.counts for name, entry in catalog.corpora().items()}
    texts = np.array([entries[row.corpus].get(row.split, np.nan) for row in rows.itertuples()])
    steps = 100 / (texts * rows["n"].fillna(1).to_numpy(float)) / (2 * rows["value_rounding"].to_numpy())
    return {"cells": int(np.isfinite(steps).sum()), "coarsest": float(np.nanmax(steps))}


def loss_facts() -> dict:
    """The printed losses on the example of `loss_forms`, in nats, at temperature 0.3."""
    features, labels, logits = loss_forms.example()
    softmax = special.softmax(logits, axis=1)

    def terms(place: str, weights: np.ndarray = softmax, temperature: float = 0.3, **more) -> np.ndarray:
        return loss_forms.contrastive_terms(features, labels, weights, temperature, place, **more)

    shift, with_itself = logits.max() + 1, terms("none", with_itself=True)
    return {
        "sum": {place: terms(place).sum() for place in loss_forms.PLACES},
        "halved": {place: terms(place, softmax / 2).sum() - terms(place).sum() for place in ("inside", "outside")},
        "equal_apart": abs(terms("inside", np.full_like(softmax, 1 / 3)) - terms("none")).max(),
        "shift": shift,
        "undefined": int(np.isnan(terms("outside", logits - shift)).sum()),
        "rows": len(labels),
        "with_itself": with_itself.sum(),
        "below_0": int((with_itself < 0).sum()),
        "at_1000": np.ptp(terms("none", temperature=1000)),
    }
