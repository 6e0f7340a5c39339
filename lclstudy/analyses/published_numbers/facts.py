"""Every fact that the findings of `data/published/findings.toml` cite, computed: from the printed numbers, the catalogue of
public corpora, `data/summary`, the printed losses, and our runs on the class sets. A finding fills them in by name.
"""

import itertools
import math

import numpy as np
import pandas as pd
from scipy import stats as distributions

from lclstudy.plan import catalog, names
from lclstudy.results import corpus_facts, published
from lclstudy.statistics import tests

from . import loss_forms, rounding
from .rounding import LEVEL, READINGS, Side
from .set_d import SET, FollowUp

PAPER, REPORT = "suresh2021", "modarres"
NEAR = 5.0  # points above the largest class that count as near it
_SUMMARY = ("value", "spread", "n", "value_rounding", "spread_rounding")


def facts(audited: pd.DataFrame, followed_up: FollowUp) -> dict:
    """Everything, by name. `audited` is of `rounding.audit`."""
    degrees, readings = rounding.degrees_of_freedom(audited), rounding.compare_readings(audited)
    best = readings["reading"].iloc[0]
    adjusted = rounding.multiplicity(audited, best)
    return {
        "tests": test_facts(audited),
        "df": degrees.set_index("test").to_dict("index"),
        "pairs": len(degrees),
        "fits": {kind: int(degrees["fits"].str.contains(kind).sum()) for kind in ("welch", "student", "paired")},
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


# --- tests


def test_facts(audited: pd.DataFrame) -> dict[str, dict]:
    """By test: what is `printed`; `at_printed`, p of the readings at the printed numbers (lowest, highest), and whether any of
    them agrees with what is printed; by print `p` (lowest, highest), whether the statement about p `holds`, and whether t and p
    are `possible` together; `turned`: readings whose p, at the printed numbers, turns the claim of significance round.
    """
    told = {}
    for name, group in audited.groupby("test", sort=False):
        first, at, prints = group.iloc[0], group[group["print"] == "rounded"], dict(list(group.groupby("print")))
        p = f"p {first['p_relation']} {first['p_printed']:g}"
        turned = at[(at["p"] < LEVEL) != (first["claim"] == "significant")]
        told[name] = {
            "printed": p if pd.isna(first["t_printed"]) else f"t = {first['t_printed']:.2f}, {p}",
            "p_printed": first["p_printed"],
            "difference": first["a_mean"] - first["b_mean"],
            "at_printed": (at["p"].min(), at["p"].max()),
            "holds_at_printed": bool(at["p_at_print"].any()),
            "p": {kind: (rows["p_low"].min(), rows["p_high"].max()) for kind, rows in prints.items()},
            "holds": {kind: bool(rows["p_fits"].any()) for kind, rows in prints.items()},
            "possible": {kind: bool((rows["probability"] > 0).any()) for kind, rows in prints.items()},
            "turned": [(READINGS[row.reading].title, row.p) for row in turned.itertuples()],
        }
    return told


def spread_facts(audited: pd.DataFrame, best: str) -> dict[str, dict]:
    """Where a missing significance is put down to high deviations: p if none were above the `usual` one, the median of the
    comparable cells: at the printed numbers under the `best` reading, and its `ends` over readings, rounded or cut.
    """
    cells = published.table(PAPER).query("metric == 'accuracy' and split == 'test' and objective in ('scl', 'lcl')")
    comparable = {"4-hard-b: LCL vs SCL": cells["classes"].isin(["4-hard-a", "4-hard-c", "4-hard-d"]),
                  "SST-5: LCL vs CE": cells["corpus"] == "sst5"}  # fmt: skip
    told = {}
    for test, chosen in comparable.items():
        row = audited[audited["test"] == test].iloc[0].to_dict()
        usual = float(cells[chosen]["spread"].median())
        mild = {**row, "a_sd": min(row["a_sd"], usual), "b_sd": min(row["b_sd"], usual)}
        either = [rounding.allowed(*rounding.sides(rounding.as_print(mild, "either")), one) for one in READINGS.values()]
        told[test] = {
            "sds": (row["a_sd"], row["b_sd"]),
            "usual": usual,
            "difference": row["a_mean"] - row["b_mean"],
            "p": rounding.allowed(*rounding.sides(mild), READINGS[best]).p,
            "ends": (min(one.p_low for one in either), max(one.p_high for one in either)),
        }
    return told


# --- class sets and sizes


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
    """Of `set_d.follow_up`: the fields, `gaps` (lowest, highest) of the other sets, and the classes fitting the print."""
    fourth, gaps = followed_up.fourth.set_index("class"), followed_up.sets.loc[followed_up.sets["set"] != SET, "gap"]
    fitting = fourth.index[(fourth["low"] < followed_up.printed) & (followed_up.printed < fourth["high"])]
    return {**followed_up._asdict(), "fourth": fourth.to_dict("index"), "gaps": (gaps.min(), gaps.max()),
            "nearest": fourth.index[0], "fitting": list(fitting), "classes": len(fourth)}  # fmt: skip


def size_facts() -> dict:
    """The printed sizes of the splits against the public corpora as this study reads them; `neutral` sentences of SST-5."""
    entries = catalog.corpora()
    printed = {name: entry.published["paper"] for name, entry in entries.items() if entry.published.get("paper")}
    gaps = {name: [entries[name].counts[split] - sizes[split] for split in sizes] for name, sizes in printed.items()}
    told = {name: {"printed": _sizes(sizes), "public": _sizes(entries[name].counts), "gaps": gaps[name]}
            for name, sizes in printed.items()}  # fmt: skip
    labels = corpus_facts.table("labels").query("corpus == 'sst5' and label == 'neutral'")
    less = {split: printed["sst5"][split] - printed["sst2"][split] for split in printed["sst5"]}
    told["neutral"] = {"less": _sizes(less), "public": _sizes(dict(zip(labels["split"], labels["rows"], strict=True)))}
    told["same"] = ", ".join(names.corpus(name) for name in printed if not any(gaps[name]))
    told["ag_news"] = sum(entries["ag_news"].counts.values())
    return told


def _sizes(sizes: dict[str, int]) -> str:
    return " / ".join(f"{sizes[split]:,}" for split in ("train", "validation", "test"))


# --- the paper's tables


def table_facts(cells: pd.DataFrame) -> dict:
    """The cells of the paper's tables against each other."""
    own = cells[(cells["metric"] == "accuracy") & (cells["encoder"] == "electra-base") & (cells["objective"] != "reported")]
    main, case_study = own[own["table"] != 3], own[own["table"] == 3]
    accuracy, f1 = (cells[cells["metric"] == metric] for metric in ("accuracy", "weighted_f1"))
    pairs = _paired(accuracy, f1, ["table", "row", "corpus", "split"])
    most = (pairs["value_a"] + 2 * pairs["value_rounding_a"]) / 100  # the largest accuracy A that prints so, if it was cut
    return {
        "same_system": same_system(main, case_study),
        "orders": orders(main),
        "splits": between_splits(main),
        "f1": {
            "pairs": len(pairs),
            "above": int((pairs["value_b"] > pairs["value_a"]).sum()),
            # A class's F1 is at most 2R / (1 + R) for its recall R, which is concave, and the weighted mean of recalls is A.
            "impossible": int((pairs["value_b"] - pairs["value_rounding_b"] > 200 * most / (1 + most)).sum()),
        },
        "gains": {"corpora": gains(main[main["split"] == "test"]), "sets": gains(case_study)},
    }


def _paired(first: pd.DataFrame, second: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return first[[*keys, *_SUMMARY]].merge(second[[*keys, *_SUMMARY]], on=keys, suffixes=("_a", "_b"))


def same_system(main: pd.DataFrame, case_study: pd.DataFrame) -> list[dict]:
    """The 32 classes stand in Tables 1 and 3, of 5 and of 10 runs: `p` that they differ, and could the 5 be `among` the 10?"""
    told = []
    for row in _paired(main, case_study, ["corpus", "classes", "objective", "split"]).to_dict("records"):
        five, ten = (Side(*(row[f"{name}_{side}"] for name in _SUMMARY)) for side in ("a", "b"))
        p = tests.welch_from_summary(*five[:3], *ten[:3]).p
        among = could_be_among(five, ten)
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
    for corpus, (a, b) in itertools.product(dict.fromkeys(cells["corpus"]), itertools.combinations(("lcl", "scl", "ce"), 2)):
        found = {split: tests.welch_from_summary(*by_place.loc[corpus, a, split], *by_place.loc[corpus, b, split])
                 for split in ("validation", "test")}  # fmt: skip
        if found["validation"].difference * found["test"].difference < 0:
            clear = min(test.p for test in found.values()) < LEVEL
            apart |= {f"{names.corpus(corpus)}, {names.objective(a)} − {names.objective(b)}": found} if clear else {}
            noise += not clear
    return {"apart": apart, "noise": noise}


def between_splits(cells: pd.DataFrame) -> dict:
    """Validation against test accuracy of the same models: more apart than a random split of the texts makes likely?

    The standard error is that of the difference of two shares of independent texts; the means over runs add nothing to it.
    """
    pairs = _paired(cells[cells["split"] == "validation"], cells[cells["split"] == "test"], ["corpus", "objective"])
    sizes = [pairs["corpus"].map(lambda name, at=split: catalog.corpora()[name].published["paper"][at])
             for split in ("validation", "test")]  # fmt: skip
    one, other = pairs["value_a"] / 100, pairs["value_b"] / 100
    pairs["z"] = (other - one) / np.sqrt(one * (1 - one) / sizes[0] + other * (1 - other) / sizes[1])
    limit, limit_of_all = distributions.norm.ppf([1 - LEVEL / 2, 1 - LEVEL / 2 / len(pairs)])
    far = [(names.corpus(row.corpus), names.objective(row.objective), row.value_b - row.value_a, row.z)
           for row in pairs[pairs["z"].abs() > limit].itertuples()]  # fmt: skip
    return {"pairs": len(pairs), "far": far, "beyond_all": bool(pairs["z"].abs().max() > limit_of_all)}


def gains(cells: pd.DataFrame) -> dict:
    """The advantage of LCL over CE against the number of classes: `rank` correlation over `n` places."""
    sets, entries = published.class_sets(), catalog.corpora()
    means = cells.pivot(index=["corpus", "classes"], columns="objective", values="value").reset_index()
    counts = [len(sets.get(row.classes, entries[row.corpus].labels)) for row in means.itertuples()]
    return {"n": len(means), "rank": float(distributions.spearmanr(counts, means["lcl"] - means["ce"]).statistic)}


# --- the report


def report_facts(cells: pd.DataFrame, numbers: pd.DataFrame) -> dict:
    """The report's `cells` against its words, the public data, and the paper's."""
    largest = majority(cells, corpus_facts.table("labels"))
    called = (f"{names.objective(row.objective)} with {names.encoder(row.encoder)} on {names.corpus(row.corpus)}"
              for row in largest.itertuples())  # fmt: skip
    above = largest["value"] - largest["share"]
    twice = cells[cells.duplicated(["table", "row", "value"], keep=False)]
    temperatures = numbers[numbers["quantity"] == "temperature"]
    return {
        "told": told_accuracies(cells, numbers[numbers["paper"] == REPORT]),
        "stuck": cells[cells["corpus"] == "emoint"].set_index("objective")["value"].to_dict(),
        "majority": dict(zip(called, largest.to_dict("records"), strict=True)),
        "rest": {"count": int((above >= NEAR).sum()), "least": above[above >= NEAR].min()},
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

    Columns: those of `cells`; `texts`, `largest` (its name), `share` (percent); `p`: probability that so many or more are right
    if each text were right with probability `share` (binomial, one-sided); `one_class`: whether some class has just this share.
    """
    rows = []
    for cell in cells.to_dict("records"):
        here = labels[(labels["split"] == "test") & (labels["corpus"] == cell["corpus"])].set_index("label")["rows"]
        if len(here):
            texts, shares = int(here.sum()), here / here.sum() * 100
            p = distributions.binom.sf(round(cell["value"] / 100 * texts) - 1, texts, shares.max() / 100)
            one_class = bool(((shares - cell["value"]).abs() <= 2 * cell["value_rounding"]).any())
            cell |= {"texts": texts, "largest": shares.idxmax(), "share": shares.max(), "p": p, "one_class": one_class}
            rows.append(cell)
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


# --- the loss


def loss_facts() -> dict:
    """The printed losses on the example of `loss_forms`, in nats, at temperature 0.3."""
    made = loss_forms.example()

    def terms(place: str, weights: np.ndarray = made.weights, temperature: float = 0.3, **more) -> np.ndarray:
        return loss_forms.contrastive_terms(made.features, made.labels, weights, temperature, place, **more)

    shift, with_itself = made.logits.max() + 1, terms("none", with_itself=True)
    return {
        "sum": {place: terms(place).sum() for place in loss_forms.PLACES},
        "halved": {place: terms(place, made.weights / 2).sum() - terms(place).sum() for place in ("inside", "outside")},
        "equal_apart": abs(terms("inside", np.full_like(made.weights, 0.25)) - terms("none")).max(),
        "shift": shift,
        "undefined": int(np.isnan(terms("outside", made.logits - shift)).sum()),
        "rows": len(made.labels),
        "with_itself": with_itself.sum(),
        "below_0": int((with_itself < 0).sum()),
        "at_1000": np.ptp(terms("none", temperature=1000)),
    }
