"""Does the follow-up report of Modarres and Raeisi add up? Its numbers against each other and the public data, its loss against
the paper's.

Every check returns the `Finding`s that its data give; `findings` runs them all.
"""

import math

import numpy as np
import pandas as pd
from scipy import stats as distributions

from lclstudy.plan import catalog, names
from lclstudy.results import corpus_facts, published

from . import loss_forms
from .finding import Finding, number, quoted, signed, statements

REPORT, PAPER = "modarres", "suresh2021"


def findings() -> list[Finding]:
    """All findings about the report."""
    cells, numbers, labels = published.table(REPORT), published.text_numbers(REPORT), corpus_facts.table("labels")
    found = [*text_against_table(cells, numbers), *stuck(cells, numbers), *best_of_some(), *repeated_values(cells)]
    found += [
        *near_majority(majority(cells, labels)),
        *granularity(published.table()),
        *articles(numbers),
        *other_encoder(cells),
    ]
    found += [*weight_place(), *weight_softmax(), *weight_logits(), *own_positive(), *rows_summed()]
    return [*found, *temperatures(numbers)]


# --- numbers


def half_unit(value: float) -> float:
    """Half a unit of the last digit of a number as it is printed without trailing zeros: 0.5 for 55, 0.05 for 56.4."""
    return 0.5 * 10.0 ** -len(f"{value:.10g}".partition(".")[2])


def text_against_table(cells: pd.DataFrame, numbers: pd.DataFrame) -> list[Finding]:
    """Accuracies in the running text against the cross-entropy cells of the tables, rounding of both granted."""
    found, same = [], []
    told = numbers[numbers["quantity"].str.startswith("accuracy_")]
    for row in told.itertuples():
        encoder = row.quantity.removeprefix("accuracy_").removesuffix("_end")
        cell = cells[(cells["corpus"] == row.subject) & (cells["encoder"] == encoder) & (cells["objective"] == "ce")]
        if len(cell) != 1:
            continue
        value, half = cell.iloc[0]["value"], cell.iloc[0]["value_rounding"]
        what = f"{names.encoder(encoder)} on {names.corpus(row.subject)}"
        if abs(value - row.value) <= half + half_unit(row.value) + 1e-9:
            same.append(what)
            continue
        follows = (f"Table {cell.iloc[0]['table']} has {value:g}, which rounds to {value:.0f}; cut off, not rounded, it would "
                   f"give {math.floor(value)}.")  # fmt: skip
        found.append(Finding(REPORT, row.place, f"{row.value:g} % for {what}", follows, "contradiction"))
    if same:
        told = f"Accuracies of {', '.join(same)}"
        found.append(Finding(REPORT, "Section 4", f"{told} in the text", "Equal to those of Table 1.", "consistent"))
    return found


def stuck(cells: pd.DataFrame, numbers: pd.DataFrame) -> list[Finding]:
    """The accuracy at which training on EmoInt “stuck”, against the tables."""
    said = statements()["stuck"]
    value = float(numbers.loc[numbers["quantity"] == "accuracy_contrastive_stuck", "value"].iloc[0])
    rows = cells[(cells["corpus"] == "emoint") & cells["objective"].isin(["scl", "lcl"])]
    told = ", ".join(f"{names.objective(row.objective)} {row.value:g}" for row in rows.itertuples())
    off = (rows["value"] - value).abs() > rows["value_rounding"] + half_unit(value) + 1e-9
    return [Finding(REPORT, said["place"], quoted(said["quote"]), f"Table 1 has {told}; “around” leaves that room.",
                    "rounding" if off.any() else "consistent")]  # fmt: skip


def best_of_some() -> list[Finding]:
    """Results that are the best of several runs on the test texts."""
    said = statements()["best_test"]
    follows = ("Of how many runs is not said, nor any deviation: no test of a difference can be made, and the best of "
               "several on "
               "the test texts is too high an estimate.")  # fmt: skip
    return [Finding(REPORT, said["place"], quoted(said["quote"]), follows, "open")]


def repeated_values(cells: pd.DataFrame) -> list[Finding]:
    """Equal values of one row of a table on different corpora."""
    found = []
    for (table, row, value), group in cells.groupby(["table", "row", "value"], sort=False):
        if len(group) > 1:
            corpora = " and ".join(names.corpus(corpus) for corpus in group["corpus"])
            said = f"{row.replace('_base', ' base')}: {value:g} on {corpora}"
            follows = "The same number twice in one row: chance, or a copied cell; the text does not help."
            found.append(Finding(REPORT, f"Table {table}", said, follows, "open"))
    return found


def majority(cells: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """The report's accuracies beside the largest class of the public test texts, for corpora whose test labels are known.

    Columns: those of `cells`; `texts`, `largest` (its name), `share` (percent); `p`: probability that so many or more are right
    if each text were right with probability `share` (binomial, one-sided); `low`, `high`: the 95 % interval of the accuracy by
    Wilson; `nearest` and `nearest_share`: the class whose share is nearest.
    """
    rows = []
    test = labels[labels["split"] == "test"]
    for cell in cells.to_dict("records"):
        counts = test[test["corpus"] == cell["corpus"]].set_index("label")["rows"]
        if counts.empty:
            continue
        texts = int(counts.sum())
        right = round(cell["value"] / 100 * texts)
        shares = counts / texts * 100
        nearest = (shares - cell["value"]).abs().idxmin()
        interval = distributions.binomtest(right, texts).proportion_ci(method="wilson")
        rows.append(cell | {"texts": texts, "largest": shares.idxmax(), "share": shares.max(), "low": interval.low * 100,
                            "high": interval.high * 100, "p": distributions.binom.sf(right - 1, texts, shares.max() / 100),
                            "nearest": nearest, "nearest_share": shares[nearest]})  # fmt: skip
    return pd.DataFrame(rows)


NEAR = 5.0  # points above the largest class that count as near it


def near_majority(table: pd.DataFrame) -> list[Finding]:
    """Accuracies hardly above what always naming the largest class of the test texts would get. `table` is of `majority`."""
    found = []
    for row in table[table["value"] - table["share"] < NEAR].itertuples():
        said = (
            f"{names.objective(row.objective)} with {names.encoder(row.encoder)} on {names.corpus(row.corpus)}: {row.value:g} %"
        )
        follows = (f"Always naming “{row.largest}” gets {row.share:.1f} % of the {row.texts:,} public test texts; chance "
                   "alone would "
                   f"reach {row.value:g} % from there with p = {number(row.p)}.")  # fmt: skip
        one_class = abs(row.nearest_share - row.value) <= row.value_rounding
        follows += (f" It equals the share of “{row.nearest}”." if one_class else
                    f" No class has this share (nearest: “{row.nearest}”, {row.nearest_share:.1f} %), so no model that "
                    "always names "
                    "one class of these texts has it.")  # fmt: skip
        found.append(Finding(REPORT, f"Table {row.table}", said, follows, "open", "public data"))
    rest = table[table["value"] - table["share"] >= NEAR]
    if len(rest):
        follows = f"{len(rest)} accuracies are {NEAR:g} points or more above the largest class, the least by "
        follows += f"{(rest['value'] - rest['share']).min():.1f}."
        found.append(Finding(REPORT, "Tables 1 and 2", "The other accuracies", follows, "consistent", "public data"))
    return found


def can_be(value: float, rounding: float, texts: int, runs: int = 1) -> bool:
    """Whether the mean accuracy of `runs` runs on `texts` texts can print as `value` percent: is a count in its interval?"""
    unit = texts * runs / 100
    return math.ceil((value - rounding) * unit - 1e-9) <= math.floor((value + rounding) * unit + 1e-9)


def granularity(cells: pd.DataFrame) -> list[Finding]:
    """Whether any printed accuracy is no possible share of its texts, and whether such a check could exclude any."""
    rows, steps, wrong = 0, [], []
    for cell in cells[
        (cells["metric"] == "accuracy") & (cells["objective"] != "reported") & (cells["classes"] == "all")
    ].itertuples():
        entry = catalog.corpora()[cell.corpus]
        texts = (entry.published.get("paper") or entry.counts).get(cell.split)
        if not texts:
            continue
        runs = 1 if pd.isna(cell.n) else int(cell.n)
        rows += 1
        steps.append(100 / (texts * runs) / (2 * cell.value_rounding))
        if not can_be(cell.value, cell.value_rounding, texts, runs):
            wrong.append(f"{names.corpus(cell.corpus)} {cell.value:g}")
    follows = f"{len(wrong)} of {rows} are impossible{': ' + ', '.join(wrong) if wrong else ''}. The coarsest has steps of "
    follows += f"{number(max(steps))} of its last printed digit" + (
        "." if max(steps) > 1 else ", so that the check can exclude none."
    )
    place = "All tables of both papers"
    return [Finding("both", place, "Accuracies that must be a count of texts over their number", follows,
                    "contradiction" if wrong else "consistent", "public data")]  # fmt: skip


def articles(numbers: pd.DataFrame) -> list[Finding]:
    """The size of AG News against the public corpus."""
    said = statements()["ag_articles"]
    least = float(numbers.loc[numbers["quantity"] == "articles_at_least", "value"].iloc[0]) * 1e6
    total = sum(catalog.corpora()["ag_news"].counts.values())
    kind = "open" if total < least else "consistent"
    follows = (
        f"The public classification corpus has {total:,} rows; the million may mean the collection that it was drawn from."
    )
    return [Finding(REPORT, said["place"], f"AG News {quoted(said['quote'])}", follows, kind, "public data")]


def other_encoder(cells: pd.DataFrame) -> list[Finding]:
    """Cells whose row names an encoder that was not used."""
    said = statements()["persian_encoder"]
    named = cells[cells["row"].str.startswith("ELECTRA") & ~cells["encoder"].str.startswith("electra")]
    follows = "; ".join(f"{row.value:g} on {names.corpus(row.corpus)} stands in the row “{row.row.replace('_base', ' base')}”"
                        for row in named.itertuples())  # fmt: skip
    return (
        [Finding(REPORT, said["place"], quoted(said["quote"]), f"{follows}: not of ELECTRA.", "contradiction")]
        if follows
        else []
    )


# --- the loss


def _terms(place: str, weights: np.ndarray | None = None, temperature: float = 0.3, **more) -> np.ndarray:
    made = loss_forms.example()
    return loss_forms.contrastive_terms(made.features, made.labels, made.weights if weights is None else weights, temperature,
                                       place, **more)  # fmt: skip


EXAMPLE = "Six unit vectors of three classes, temperature 0.3"


def weight_place() -> list[Finding]:
    """The weight inside the logarithm (the paper) or before it (the report): value on an example, and what it changes."""
    said = statements()
    inside, outside = _terms("inside").sum(), _terms("outside").sum()
    halved = loss_forms.example().weights * 0.5
    moved = {place: _terms(place, halved).sum() - _terms(place).sum() for place in ("inside", "outside")}
    follows = (f"{EXAMPLE}: the sum is {number(inside)} nats in the paper's form, {number(outside)} in the report's. "
               "Inside, w_i,yi "
               f"only adds −log w_i,yi, of which the encoder gets no gradient; halving all weights moves the sum by "
               f"{abs(moved['inside']):.2f}. Before the logarithm it scales the whole term; halving moves it by "
               f"{signed(moved['outside'], 2)}. By this study's reading, the paper's released code has the report's "
               "form.")  # fmt: skip
    told = f"The formula differs from the paper's: {quoted(said['typos']['quote'])}"
    return [Finding(REPORT, said["weight_outside"]["place"], told, follows, "contradiction")]


def weight_softmax() -> list[Finding]:
    """Eq. 5 with the index that it prints: every weight is 1/C, and the label-aware loss is the supervised one."""
    said = statements()["softmax_index"]
    classes = loss_forms.example().weights.shape[1]
    equal = np.full_like(loss_forms.example().weights, 1 / classes)
    apart = abs(_terms("inside", equal) - _terms("none")).max()
    same = "Eq. 3 is then Eq. 2, as the example confirms" if apart < 1e-9 else "the example does not show that"
    follows = (f"The sum runs over c, its terms do not: read to the letter every weight is 1/C, though the text wants "
               "more for the "
               f"nearer classes; {same}. A softmax must be meant: the report prints the sum over h_c.")  # fmt: skip
    return [Finding(PAPER, said["place"], quoted(said["quote"]), follows, "contradiction" if apart < 1e-9 else "open")]


def weight_logits() -> list[Finding]:
    """The report's words say that the weights are logits; its formula says softmax. Logits may be negative."""
    said, logits = statements()["logits"], loss_forms.example().logits
    shift = logits.max() + 1
    undefined = int(np.isnan(_terms("outside", logits - shift)).sum())
    follows = (f"The formula above it is a softmax, which is the same if all logits of a row fall by {shift:g}. With the "
               "logits of "
               f"the example, so shifted, in its place, {undefined} of {len(logits)} terms are logarithms of negative "
               "numbers.")  # fmt: skip
    return [Finding(REPORT, said["place"], quoted(said["quote"]), follows, "contradiction" if undefined else "open")]


def own_positive() -> list[Finding]:
    """The report's words count a row among its own positives; the paper leaves it out."""
    said = statements()["own_class"]
    without, with_it = (_terms("none", with_itself=itself) for itself in (False, True))
    follows = (f"Read to the letter, row i is among its own positives, but not in the sum below: {EXAMPLE.lower()}, the "
               "sum of the terms "
               f"falls from {number(without.sum())} to {number(with_it.sum())} nats, and {int((with_it < 0).sum())} of "
               f"{len(with_it)} terms are "
               "below 0, as none can be when they are logarithms of shares. The paper excludes i.")  # fmt: skip
    return [Finding(REPORT, said["place"], quoted(said["quote"]), follows, "open")]


def rows_summed() -> list[Finding]:
    """The paper sums over 2K rows, texts and second views; the report over K, and names no second view."""
    said = statements()
    quotes = f"{quoted(said['no_second_views']['quote'])}; the paper: {quoted(said['second_views']['quote'])}"
    follows = ("Without second views a text whose class no other text of the batch has is without a positive, and 1/|P| "
               "divides by 0. "
               "Both print a sum, not a mean, so the weight of the loss grows with the batch; the signs agree.")  # fmt: skip
    return [Finding(REPORT, said["no_second_views"]["place"], quotes, follows, "open")]


def temperatures(numbers: pd.DataFrame) -> list[Finding]:
    """What the loss can still tell at the temperatures of the report's search."""
    said = statements()
    search = numbers[(numbers["subject"] == "search") & (numbers["quantity"] == "temperature")]["value"]
    best = float(numbers.loc[(numbers["subject"] == "sst5") & (numbers["quantity"] == "temperature"), "value"].iloc[0])
    bounds = ", ".join(f"{number(loss_forms.farthest_from_uniform(value), 1)} at {value:g}" for value in search)
    own = published.text_numbers(PAPER)
    largest = own[(own["subject"] == "search") & (own["quantity"] == "temperature")]["value"].max()
    widest = search.max()
    spread = np.ptp(_terms("none", temperature=widest))
    follows = (f"A term without weights is within 2/τ of log(K − 1) whatever the vectors: {bounds} nats. At {widest:g} the "
               f"terms of the example differ by {number(spread, 1)}; with weights, the weights are then all that is left. The "
               f"paper's largest τ is {largest:g}.")  # fmt: skip
    chosen = (f"There a term without weights can move by {number(loss_forms.farthest_from_uniform(best))} nats at most to "
              "each side, "
              "unless the vectors were not normalised, which the report does not say.")  # fmt: skip
    return [
        Finding(REPORT, said["temperatures"]["place"], quoted(said["temperatures"]["quote"]), follows, "open"),
        Finding(REPORT, said["best_temperature"]["place"], quoted(said["best_temperature"]["quote"]), chosen, "open"),
    ]
