"""Does the paper of Suresh and Ong (2021) add up? Its tests, sets, sizes and tables against each other and the public data.

Every check returns the `Finding`s that its data give; `findings` runs them all.
"""

import itertools
import math

import numpy as np
import pandas as pd
from scipy import stats as distributions

from lclstudy.plan import catalog, names
from lclstudy.results import corpus_facts, published
from lclstudy.show import tables
from lclstudy.statistics import tests

from . import rounding
from .finding import Finding, number, quoted, signed, statements
from .rounding import LEVEL, READINGS, Side

PAPER = "suresh2021"
_HARD = "4-hard-"


def findings(audited: pd.DataFrame) -> list[Finding]:
    """All findings about the paper. `audited` is `rounding.audit` of its tests."""
    cells, sets = published.table(PAPER), published.class_sets()
    found = [*reading(audited), *unexplained(audited), *only_by_rounding(audited), *decisions(audited), *same_sentence(audited)]
    found += [*all_tasks(audited), *reasons_of_spread(audited), *many_tests(audited)]
    found += [*disjoint_sets(sets), *partition(sets), *membership(sets), *combinations()]
    found += [*split_sizes(), *neutral_sentences(corpus_facts.table("labels"))]
    return [*found, *same_system(cells), *orders(cells), *between_splits(cells), *weighted_f1(cells), *more_classes(cells)]


# --- the tests


def reading(audited: pd.DataFrame) -> list[Finding]:
    """Which t-test, and which deviations: what the printed t and p say about that, as the paper does not."""
    degrees, compared = rounding.degrees_of_freedom(audited), rounding.compare_readings(audited)
    fits = {kind: int(degrees["fits"].str.contains(kind).sum()) for kind in ("welch", "student", "paired")}
    df = (f"Their t and p together imply degrees of freedom: {fits['welch']} of {len(degrees)} pairs fit Welch's test, "
          f"{fits['student']} Student's, {fits['paired']} a paired one.")  # fmt: skip
    best, second = compared.iloc[0], compared.iloc[1]
    ratio, both = likelihood_ratio(audited, best["reading"], second["reading"])
    how = (f"“{best['title']}” explains the t and p of {best['joint']} of {best['p_count']} tests; “{second['title']}” of "
           f"{second['joint']}. Over the {both} tests that both explain, taken as independent (though some share a side), "
           f"the print is 10^{ratio:.1f} times as probable under the first. Mean |ln(printed t / computed t)| is "
           f"{number(best['log_ratio'])} and {number(second['log_ratio'])}, the distance of the printed p (RMS of log10) "
           f"{number(best['p_distance'])} and {number(second['p_distance'])}.")  # fmt: skip
    place = "Sections 5.1 to 5.3"
    inside = (f"Of {best['t_count']} printed t values, rounding of the printed means and deviations allows "
              + ", ".join(f"{row.t_inside} under “{row.title}”" for row in compared.itertuples())
              + f"; p values and claims about p, of {best['p_count']}: "
              + ", ".join(f"{row.p_inside}" for row in compared.itertuples()) + ", in the same order.")  # fmt: skip
    fitted = "consistent" if best["t_inside"] == best["t_count"] and best["p_inside"] == best["p_count"] else "not derivable"
    return [
        Finding(PAPER, place, "t and p values", inside, fitted, "assumption"),
        Finding(PAPER, place, "“t-test”, without its kind", df, "open" if fits["welch"] == fits["student"] else "consistent",
                "assumption"),
        Finding(PAPER, place, "“standard deviations”, without their divisor", how, "open"),
    ]  # fmt: skip


def likelihood_ratio(audited: pd.DataFrame, a: str, b: str) -> tuple[float, int]:
    """log10 of how much more probable the print is under reading `a` than under `b`, and over how many tests: those that both
    can explain."""
    by_test = audited.pivot(index="test", columns="reading", values="probability")[[a, b]]
    both = by_test[(by_test > 0).all(axis=1)]
    return float((np.log10(both[a]) - np.log10(both[b])).sum()), len(both)


def unexplained(audited: pd.DataFrame) -> list[Finding]:
    """Tests whose printed t and p no reading gives together."""
    most = audited.groupby("test", sort=False)["probability"].transform("max")
    found = []
    degrees = rounding.degrees_of_freedom(audited).set_index("test")
    for row in audited[(most == 0) & (audited["reading"] == "welch_sample")].itertuples():
        follows = "No unrounded inputs give this t and this p at once under any of the four readings"
        if row.test in degrees.index:
            one = degrees.loc[row.test]
            p = 2 * distributions.t.sf(row.t_printed, one["student"])
            follows += (f": together they imply {number(one['implied_low'])} to {number(one['implied_high'])} degrees of "
                        "freedom, "
                        f"but no such test has more than {one['student']:.0f}, with which p is {number(p, 3)}")  # fmt: skip
        found.append(Finding(PAPER, row.place, f"{row.test}: {_printed(row)}", f"{follows}.", "not derivable"))
    return found


def only_by_rounding(audited: pd.DataFrame) -> list[Finding]:
    """Printed statements about p that fail at the printed means and deviations under every reading, but that rounding allows;
    and those that it does not allow."""
    found = []
    for test, group in audited.groupby("test", sort=False):
        first = group.iloc[0]
        if group["p_at_printed"].any() or group["probability"].max() == 0:
            continue
        low, high = group["p_low"].min(), group["p_high"].max()
        computed = f"p from the printed numbers {number(group['p'].min())} to {number(group['p'].max())} by reading"
        allowed = f"rounding allows {number(low)} to {number(high)}"
        kind = "rounding" if (group["p_fits"] != "never").any() else "not derivable"
        found.append(Finding(PAPER, first["place"], f"{test}: {_printed(first)}", f"{computed}; {allowed}.", kind))
    return found


def decisions(audited: pd.DataFrame) -> list[Finding]:
    """Tests whose p, at the printed means and deviations, is on the other side of 0.05 than the paper's, by reading."""
    claimed = audited["claim"] == "significant"
    turned = audited[(audited["p"] < LEVEL) != claimed]
    found = []
    for test, group in turned.groupby("test", sort=False):
        first = group.iloc[0]
        told = ", ".join(f"{number(row.p, 3)} ({READINGS[row.reading].title})" for row in group.itertuples())
        rest = "every" if len(group) == len(READINGS) else f"{len(group)} of {len(READINGS)}"
        follows = (
            f"At the printed means and deviations the test would turn out the other way under {rest} readings: p = {told}."
        )
        said = f"{test}: {_printed(first)}, {first['claim']}"
        found.append(Finding(PAPER, first["place"], said, follows, "rounding" if len(group) == len(READINGS) else "open"))
    return found


def _printed(row) -> str:
    p = f"p {row.p_relation} {row.p_printed:g}"
    return p if pd.isna(row.t_printed) else f"t = {row.t_printed:.2f}, {p}"


def same_sentence(audited: pd.DataFrame) -> list[Finding]:
    """A sentence that gives one p value for all tests, and another for one of them."""
    said = statements()["scl_not_better"]
    pairs = audited[(audited["reading"] == "welch_sample") & audited["better"].isin(["ce", "scl"])]
    pairs = pairs[pairs["worse"].isin(["ce", "scl"]) & (pairs["table"] == 1)]
    bound = pairs.loc[pairs["p_relation"] == ">", "p_printed"].max()
    below = pairs[(pairs["p_relation"] == "=") & (pairs["p_printed"] + pairs["p_rounding"] < bound)]
    return [Finding(PAPER, said["place"], quoted(said["quote"]), f"{row.test} has p = {row.p_printed:g}, which is not above "
                    f"{bound:g}: “all” can only mean the other {len(pairs) - len(below)} corpora.", "contradiction")
            for row in below.itertuples()]  # fmt: skip


def all_tasks(audited: pd.DataFrame) -> list[Finding]:
    """Improvements on “all tasks” beside the tests of those tasks that the paper calls not significant."""
    said = statements()["all_tasks"]
    tasks = audited[(audited["reading"] == "welch_sample") & audited["table"].isin([1, 2]) & (audited["better"] == "lcl")]
    weak = tasks[(tasks["claim"] == "not significant") & (tasks["corpus"] != "sst2")]
    told = "; ".join(f"{row.test}: {_printed(row)}" for row in weak.itertuples())
    if weak.empty:
        return []
    return [
        Finding(PAPER, said["place"], quoted(said["quote"]), f"Its own tests call not significant: {told}.", "contradiction")
    ]


def reasons_of_spread(audited: pd.DataFrame) -> list[Finding]:
    """Where a missing significance is put down to high deviations: would the usual ones make the difference significant?"""
    said, cells = statements(), published.table(PAPER)
    best = READINGS[rounding.compare_readings(audited).iloc[0]["reading"]]
    accuracy = cells[(cells["metric"] == "accuracy") & (cells["objective"] != "reported")]
    hard = (
        accuracy["classes"].str.startswith(_HARD)
        & (accuracy["classes"] != "4-hard-b")
        & accuracy["objective"].isin(["lcl", "scl"])
    )
    column = (accuracy["table"] == 2) & (accuracy["corpus"] == "sst5") & (accuracy["objective"] != "ce")
    cases = (("high_sd_hard_b", "4-hard-b: LCL vs SCL", accuracy[hard]), ("high_sd_sst5", "SST-5: LCL vs CE", accuracy[column]))
    found = []
    for key, test, others in cases:
        row = audited[audited["test"] == test].iloc[0]
        usual = float(others["spread"].median())
        a, b = (side._replace(sd=min(side.sd, usual)) for side in rounding.sides(row.to_dict()))
        p = rounding.allowed(a, b, best).p
        follows = (f"Deviations {row['sd_a']:g} and {row['sd_b']:g}. With none above the median of the comparable ones, "
                   f"{usual:g}, the difference of {a.mean - b.mean:.1f} points would give p = {number(p)} "
                   f"({best.title}).")  # fmt: skip
        kind = "consistent" if p < LEVEL else "not derivable"
        found.append(Finding(PAPER, said[key]["place"], quoted(said[key]["quote"]), follows, kind, "assumption"))
    return found


def many_tests(audited: pd.DataFrame) -> list[Finding]:
    """How many claims of significance outlive an adjustment for the number of tests, which the paper does not make."""
    best = rounding.compare_readings(audited).iloc[0]["reading"]
    adjusted = rounding.multiplicity(audited, best)
    claims = adjusted[adjusted["survives"] != ""]
    counts = claims["survives"].value_counts()
    sizes = ", ".join(str(size) for size in adjusted.drop_duplicates("table")["family"])
    lost = "; ".join(claims.loc[claims["survives"] != "yes", "test"])
    follows = (f"By Holm's method over the {sizes} tests of the three tables, {counts.get('yes', 0)} of {len(claims)} "
               "claims hold "
               f"whatever the rounding, {counts.get('no', 0)} fall, and for {counts.get('depends on rounding', 0)} it "
               "depends on "
               f"rounding ({lost}).")  # fmt: skip
    return [Finding(PAPER, "Sections 5.1 to 5.3", "Many tests, none adjusted for their number", follows, "open", "assumption")]


# --- class sets and sizes


def disjoint_sets(sets: dict[str, tuple[str, ...]]) -> list[Finding]:
    """Classes that two of the hard sets share."""
    said = statements()["excluding"]
    hard = {name: members for name, members in sets.items() if name.startswith(_HARD)}
    shared = {(a, b): sorted(set(hard[a]) & set(hard[b])) for a, b in itertools.combinations(hard, 2)}
    told = "; ".join(f"{', '.join(both)} in both {a} and {b}" for (a, b), both in shared.items() if both)
    if not told:
        return [Finding(PAPER, said["place"], f"{quoted(said['quote'])} b, c, d", "The sets are disjoint.", "consistent")]
    follows = (f"{told}. The words exclude only the emotions of 4-hard-a; if each set excluded those before it, as that "
               "suggests, this is a mistake.")  # fmt: skip
    return [Finding(PAPER, said["place"], f"{quoted(said['quote'])} b, c, d", follows, "open")]


def partition(sets: dict[str, tuple[str, ...]]) -> list[Finding]:
    """Whether the random sets of 16 and of 8 classes are parts of a partition, or one a part of the other."""
    said, labels = statements()["partition"], catalog.corpora()["empathetic_dialogues"].labels
    large, small = set(sets["16"]), set(sets["8"])
    both, outside = sorted(large & small), sorted(small - large)
    if not both or not outside:
        return [Finding(PAPER, said["place"], quoted(said["quote"]), "The sets are disjoint, or nested.", "consistent")]
    chance = distributions.hypergeom.sf(len(both) - 1, len(labels), len(large), len(small))
    follows = (f"Parts of a partition share nothing; these share {len(both)} ({', '.join(both)}), and "
               f"{', '.join(outside)} of the 8 "
               f"are not in the 16. Two independent random draws share so many or more with probability "
               f"{number(chance)}.")  # fmt: skip
    return [Finding(PAPER, said["place"], quoted(said["quote"]), follows, "contradiction")]


def membership(sets: dict[str, tuple[str, ...]]) -> list[Finding]:
    """The class sets against the labels of the corpus and against the counts in their names."""
    labels = set(catalog.corpora()["empathetic_dialogues"].labels)
    wrong = [f"{name}: {', '.join(sorted(set(members) - labels))}" for name, members in sets.items() if set(members) - labels]
    wrong += [
        f"{name} has {len(set(members))}" for name, members in sets.items() if len(set(members)) != int(name.split("-")[0])
    ]
    follows = "; ".join(wrong) or f"All {len(sets)} have so many different classes, each among the {len(labels)} of the corpus."
    place = "Section 5.3 and its footnotes 2 and 3"
    return [Finding(PAPER, place, f"Sets of classes: {', '.join(sets)}", follows, "contradiction" if wrong else "consistent")]


def combinations() -> list[Finding]:
    """The number of subsets of four against the binomial coefficient."""
    said, numbers = statements()["combinations"], published.text_numbers(PAPER)
    printed = int(numbers.loc[numbers["quantity"] == "four_class_combinations", "value"].iloc[0])
    classes = len(catalog.corpora()["empathetic_dialogues"].labels)
    count = math.comb(classes, 4)
    follows = f"{classes} choose 4 is {count:,}."
    return [
        Finding(PAPER, said["place"], quoted(said["quote"]), follows, "consistent" if count == printed else "contradiction")
    ]


def split_sizes() -> list[Finding]:
    """The printed sizes of the splits against the public corpora as this study reads them (`catalog.toml`)."""
    found, same = [], []
    for entry in catalog.corpora().values():
        printed = entry.published.get("paper")
        if not printed:
            continue
        gaps = [entry.counts[split] - printed[split] for split in printed]
        if not any(gaps):
            same.append(entry.title)
            continue
        said = f"{entry.title}: {_sizes(printed)}, together {sum(printed.values()):,}"
        follows = (
            f"Public form: {_sizes(entry.counts)}, together {sum(entry.counts.values()):,}; the differences are {_gaps(gaps)}."
        )
        if len(set(gaps)) == 1:
            follows += " The same in every split: each is counted without one row, as when a first line is taken for a header."
        found.append(Finding(PAPER, "Section 4.1", said, follows, "contradiction", "public data"))
    if same:
        told = ", ".join(same)
        found.append(Finding(PAPER, "Section 4.1", f"Sizes of the splits of {told}", "All equal those of the public data.",
                             "consistent", "public data"))  # fmt: skip
    return found


def _sizes(sizes: dict[str, int]) -> str:
    return " / ".join(f"{sizes[split]:,}" for split in ("train", "validation", "test"))


def _gaps(gaps: list[int]) -> str:
    return ", ".join(f"{gap:+,}".replace("-", "−") for gap in gaps)


def neutral_sentences(labels: pd.DataFrame) -> list[Finding]:
    """SST-2 is SST-5 without its neutral sentences: the differences of the printed sizes against the neutral rows."""
    entries = catalog.corpora()
    gaps = {
        split: entries["sst5"].published["paper"][split] - size for split, size in entries["sst2"].published["paper"].items()
    }
    rows = labels[(labels["corpus"] == "sst5") & (labels["label"] == "neutral")]
    neutral = dict(zip(rows["split"], rows["rows"].astype(int), strict=True))
    follows = f"SST-5 less SST-2 is {_sizes(gaps)}; neutral sentences in the public SST-5: {_sizes(neutral)}."
    kind = "consistent" if gaps == neutral else "contradiction"
    return [Finding(PAPER, "Section 4.1", "Sizes of the splits of SST-5 and SST-2", follows, kind, "public data")]


# --- tables


def same_system(cells: pd.DataFrame) -> list[Finding]:
    """The 32 classes stand in Tables 1 and 3, of 5 and of 10 runs: do they agree, and could the 5 be among the 10?"""
    pairs = _paired(cells, cells["table"] == 1, cells["table"] == 3, ["corpus", "classes", "objective", "encoder", "metric"])
    told, kinds = [], []
    for row in pairs.to_dict("records"):
        five, ten = (Side(*(row[f"{name}_{side}"] for name in _SUMMARY)) for side in ("a", "b"))
        p = tests.welch_from_summary(*five[:3], *ten[:3]).p
        possible = could_be_among(five, ten)
        kinds.append("contradiction" if p < LEVEL else "consistent")
        told.append(f"{names.objective(row['objective'])} {five.mean} ({five.sd}) and {ten.mean} ({ten.sd}), p = {number(p)}, "
                    f"the 5 {'can' if possible else 'cannot'} be among the 10")  # fmt: skip
    place = "Tables 1 and 3, EmpatheticDialogues"
    kind = "contradiction" if "contradiction" in kinds else "consistent"
    return [Finding(PAPER, place, "Accuracy on the 32 classes, of 5 and of 10 runs", "; ".join(told) + ".", kind, "assumption")]


_SUMMARY = ("value", "spread", "n", "value_rounding", "spread_rounding")


def could_be_among(few: Side, many: Side) -> bool:
    """Whether rounding leaves room for the runs of `few` to be some of those of `many`: the sum of squares of `many` must hold
    that of `few`, and what both means ask for between these and the remaining runs. Deviations over n - 1.
    """
    rest = many.n - few.n
    if rest < 0:
        return False
    gap = max(abs(few.mean - many.mean) - few.mean_rounding - many.mean_rounding, 0.0)
    within = (many.n - 1) * (many.sd + many.sd_rounding) ** 2 - (few.n - 1) * max(few.sd - few.sd_rounding, 0.0) ** 2
    return bool(within >= gap**2 * few.n * many.n / rest) if rest else gap == 0


def _paired(cells: pd.DataFrame, first, second, keys: list[str]) -> pd.DataFrame:
    wanted = [*keys, *_SUMMARY]
    return cells[first][wanted].merge(cells[second][wanted], on=keys, suffixes=("_a", "_b"))


def orders(cells: pd.DataFrame) -> list[Finding]:
    """Pairs of objectives that stand the other way round on validation than on test, on accuracy."""
    said = statements()["best_on_validation"]
    rows = cells[
        cells["objective"].isin(["ce", "scl", "lcl"]) & (cells["encoder"] == "electra-base") & (cells["classes"] == "all")
    ]
    rows = rows[(rows["metric"] == "accuracy") & (rows["table"] != 3)]
    means = rows.pivot(index=["corpus", "split"], columns="objective", values="value")
    found, noise = [], 0
    for corpus, (a, b) in itertools.product(dict.fromkeys(rows["corpus"]), itertools.combinations(("lcl", "scl", "ce"), 2)):
        gaps = {split: means.loc[(corpus, split), a] - means.loc[(corpus, split), b] for split in ("validation", "test")}
        if gaps["validation"] * gaps["test"] >= 0:
            continue
        p = {split: _welch(rows, corpus, split, a, b).p for split in gaps}
        if min(p.values()) >= LEVEL:
            noise += 1
            continue
        told = "; ".join(f"{split} {signed(gaps[split])} points, p = {number(p[split])}" for split in gaps)
        follows = f"{names.corpus(corpus)}, {names.objective(a)} − {names.objective(b)}: {told}. Validation prefers the other."
        found.append(Finding(PAPER, _BOTH, quoted(said["quote"]), follows,
                             "contradiction" if max(p.values()) < LEVEL else "open", "assumption"))  # fmt: skip
    follows = (
        f"{noise} more pairs stand in another order on validation than on test, by no more than chance explains on either."
    )
    return [*found, Finding(PAPER, _BOTH, "Objectives on validation and on test", follows, "consistent", "assumption")]


_BOTH = "Tables 1, 2, 4 and 5"


def _welch(rows: pd.DataFrame, corpus: str, split: str, a: str, b: str) -> tests.TTest:
    here = rows[(rows["corpus"] == corpus) & (rows["split"] == split)].set_index("objective")
    return tests.welch_from_summary(*(float(here.loc[name, column]) for name in (a, b) for column in ("value", "spread", "n")))


def between_splits(cells: pd.DataFrame) -> list[Finding]:
    """Validation against test accuracy of the same models: more apart than a random split of the texts makes likely?

    The standard error is that of the difference of two shares of independent texts; the means over runs add nothing to it.
    """
    rows = cells[
        (cells["metric"] == "accuracy") & cells["objective"].isin(["ce", "scl", "lcl"]) & (cells["encoder"] == "electra-base")
    ]
    rows = rows[(rows["classes"] == "all") & (rows["table"] != 3)]
    pairs = _paired(rows, rows["split"] == "validation", rows["split"] == "test", ["corpus", "objective"])
    sizes = {name: entry.published.get("paper") for name, entry in catalog.corpora().items()}
    z = [(row.value_b - row.value_a) / 100 / _share_error(row.value_a / 100, row.value_b / 100, sizes[row.corpus])
         for row in pairs.itertuples()]  # fmt: skip
    pairs = pairs.assign(gap=pairs["value_b"] - pairs["value_a"], z=z)
    far = pairs[pairs["z"].abs() > distributions.norm.ppf(1 - LEVEL / 2)]
    whose = far["corpus"].map(names.corpus) + " " + far["objective"].map(names.objective)
    told = ", ".join(f"{who} {signed(row.gap)} points (z = {signed(row.z)})"
                     for who, row in zip(whose, far.itertuples(), strict=True))  # fmt: skip
    beyond_all = pairs["z"].abs().max() > distributions.norm.ppf(1 - LEVEL / 2 / len(pairs))
    follows = (
        f"Test less validation is within what texts drawn at random explain in {len(pairs) - len(far)} of {len(pairs)} pairs"
    )
    follows += f"; beyond: {told}." if told else "."
    return [Finding(PAPER, _BOTH, "Accuracy on validation and on test", follows, "open" if beyond_all else "consistent",
                    "assumption")]  # fmt: skip


def _share_error(one: float, other: float, sizes: dict[str, int]) -> float:
    return math.sqrt(one * (1 - one) / sizes["validation"] + other * (1 - other) / sizes["test"])


def weighted_f1(cells: pd.DataFrame) -> list[Finding]:
    """Weighted F1 against accuracy of the same runs.

    With accuracy A, weighted F1 is at most 2A / (1 + A): a class's F1 is at most 2R / (1 + R) for its recall R, which is
    concave, and the weighted mean of recalls is A.
    """
    said = statements()["weighted_f1"]
    keys = ["table", "row", "corpus", "objective", "encoder", "split"]
    pairs = _paired(cells, cells["metric"] == "accuracy", cells["metric"] == "weighted_f1", keys)
    accuracy = (pairs["value_a"] + pairs["value_rounding_a"]) / 100
    impossible = pairs[pairs["value_b"] - pairs["value_rounding_b"] > 100 * 2 * accuracy / (1 + accuracy)]
    above = pairs[pairs["value_b"] > pairs["value_a"]]
    follows = (f"{len(pairs)} pairs; F1 is above accuracy in {len(above)}, which can be (up to 2A / (1 + A)); it is above "
               "that bound "
               f"in {len(impossible)}.")  # fmt: skip
    kind = "contradiction" if len(impossible) else "consistent"
    return [Finding(PAPER, "Tables 1 and 5", quoted(said["quote"]), follows, kind)]


def more_classes(cells: pd.DataFrame) -> list[Finding]:
    """The advantage of LCL over cross-entropy against the number of classes, over all corpora and class sets."""
    said, entries, sets = statements()["more_classes"], catalog.corpora(), published.class_sets()
    rows = cells[(cells["metric"] == "accuracy") & (cells["split"] == "test") & (cells["encoder"] == "electra-base")]
    means = rows[rows["objective"].isin(["lcl", "ce"])].pivot(
        index=["table", "corpus", "classes"], columns="objective", values="value"
    )
    gains = (means["lcl"] - means["ce"]).rename("gain").reset_index()
    gains["count"] = [len(sets.get(row.classes, entries[row.corpus].labels)) for row in gains.itertuples()]
    parts = {"the six corpora": gains[gains["table"] != 3], "the class sets of Table 3": gains[gains["table"] == 3]}
    told = "; ".join(
        f"{what}: rank correlation {signed(_rank_correlation(part), 2)} (n = {len(part)})" for what, part in parts.items()
    )
    follows = f"Advantage of LCL over CE against number of classes, {told}. So few points settle nothing."
    return [Finding(PAPER, said["place"], quoted(said["quote"]), follows, "open", "assumption")]


def _rank_correlation(part: pd.DataFrame) -> float:
    return float(distributions.spearmanr(part["count"], part["gain"]).statistic)


# --- the tables, to be shown


def as_printed(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of one printed table, laid out as it is; `58.3 (0.5)` is a mean with its deviation."""
    said = [f"{value:.{digits}f}" + ("" if pd.isna(spread) else f" ({spread:.1f})") for value, spread, digits in
            zip(cells["value"], cells["spread"], np.where(cells["value_rounding"] < 0.5, 1, 0), strict=True)]  # fmt: skip
    heads = cells["column"].str.replace(" / %", "").str.replace(" / ", ", ")
    laid = cells.assign(said=said, row=cells["row"].str.replace("_base", " base"), column=heads)
    wide = laid.pivot(index="row", columns="column", values="said").fillna("")
    wide = wide.loc[list(dict.fromkeys(laid["row"])), list(dict.fromkeys(laid["column"]))]
    return wide.rename_axis(index=None, columns=None).rename_axis(index="trained or cited").reset_index()


def published_differences(pairs=(("lcl", "ce"), ("lcl", "scl"))) -> pd.DataFrame:
    """`tables.published_comparisons` of the test accuracies of the paper's Tables 1 to 3, with a `label` for each place."""
    entries, sets = catalog.corpora(), published.class_sets()
    found = []
    for numbers in ((1, 2), (3,)):
        cells = published.table(PAPER)
        compared = tables.published_comparisons(cells[cells["table"].isin(numbers)], pairs)
        labels = []
        for row in compared.itertuples():
            count = len(sets.get(row.classes, entries[row.corpus].labels))
            where = f"{names.corpus(row.corpus)}, {count} classes" if row.classes == "all" else f"{row.classes} classes"
            where = row.classes if row.classes.startswith("4-") else where
            labels.append(f"{where} (n = {row.n_a})")
        found.append(compared.assign(label=labels))
    return pd.concat(found, ignore_index=True)
