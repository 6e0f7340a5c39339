"""How sure the models are: entropy of the top-k prediction scores (Figure 2 of the paper), and whether that is deserved.

All numbers are of the test texts, per run first; means and tests are over runs, which differ in their seed. No torch.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lclstudy.plan import names
from lclstudy.plan.spec import OBJECTIVES
from lclstudy.results.frozen import Frozen
from lclstudy.show import tables
from lclstudy.statistics import metrics
from lclstudy.statistics.tests import TTest, holm, welch

PLACE = ["corpus", "classes", "encoder"]
RUN = [*PLACE, "objective", "seed"]
OUTCOMES = ("all", "right", "wrong")
PAIRS = (("lcl", "ce"), ("lcl", "scl"), ("scl", "ce"))
LEVEL = 0.05
BINS = 15
MEASURES = {
    "accuracy": ("accuracy (%)", 100),
    "confidence": ("mean confidence (%)", 100),
    "ece": ("calibration error (points)", 100),
    "nll": ("negative log likelihood (nats)", 1),
    "brier": ("Brier score", 1),
    "auroc": ("AUROC of confidence", 1),
    "temperature": ("best temperature", 1),
    "ece_scaled": ("calibration error at that (points)", 100),
    "nll_scaled": ("negative log likelihood at that (nats)", 1),
}


def done(results: Frozen, whole: bool = True) -> pd.DataFrame:
    """The finished runs of frozen results on all classes of their corpus, or else those on class subsets."""
    runs = results.runs
    return runs[(runs["status"] == "done") & ((runs["classes"] == "") == whole)]


def curves(results: Frozen, runs: pd.DataFrame) -> pd.DataFrame:
    """Mean top-k entropy in bits per run and k from 1 to C, for all test texts and split by whether the prediction is right.

    Columns: corpus, classes, encoder, objective, seed; `outcome` (`all`, `right`, `wrong`), `texts` (how many), `k`,
    `entropy` (NaN where no text has that outcome). Eq. 7 of the paper.
    """
    parts = []
    for run in runs.to_dict("records"):
        probabilities, labels = results.probabilities(run["identity"]), results.labels(run["identity"])
        entropies = metrics.topk_entropies(probabilities)
        right = results.predictions(run["identity"]) == labels
        for outcome, chosen in zip(OUTCOMES, (np.ones_like(right), right, ~right), strict=True):
            means = entropies[chosen].mean(axis=0) if chosen.any() else np.full(entropies.shape[1], np.nan)
            part = pd.DataFrame({"k": np.arange(1, len(means) + 1), "entropy": means})
            parts.append(part.assign(**{name: run[name] for name in RUN}, outcome=outcome, texts=int(chosen.sum())))
    return pd.concat(parts, ignore_index=True)[[*RUN, "outcome", "texts", "k", "entropy"]]


def bands(table: pd.DataFrame) -> pd.DataFrame:
    """`curves` over runs: a row per corpus, class set, encoder, objective, outcome and k, with `n`, `mean`, and the lowest and
    highest run, `low` and `high`; NaN where no run has a text of that outcome."""
    places = table.groupby([*PLACE, "objective", "outcome", "k"], sort=False)["entropy"]
    return places.agg(n="count", mean="mean", low="min", high="max").reset_index()


def calibration(results: Frozen, runs: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """A row per run: `accuracy`, mean `confidence`, expected calibration error `ece`, `nll` in nats, `brier`, `auroc` of the
    confidence for right against wrong; then `temperature`, fitted on validation texts, and `ece_scaled`, `nll_scaled` with it.
    """
    return pd.DataFrame([{**{name: run[name] for name in RUN}, **_calibration(results, run["identity"], bins)}
                         for run in runs.to_dict("records")])  # fmt: skip


def _calibration(results: Frozen, identity: str, bins: int) -> dict[str, float]:
    scores, labels = results.probabilities(identity), results.labels(identity)
    held_out = results.probabilities(identity, "validation"), results.labels(identity, "validation")
    temperature = metrics.calibration_temperature(*held_out)
    scaled = metrics.at_temperature(scores, temperature)
    return {
        "accuracy": metrics.accuracy(labels, results.predictions(identity)),
        "confidence": float(scores.max(axis=1).mean()),
        "ece": metrics.expected_calibration_error(scores, labels, bins),
        "nll": metrics.negative_log_likelihood(scores, labels),
        "brier": metrics.brier_score(scores, labels),
        "auroc": metrics.confidence_auroc(scores, labels),
        "temperature": temperature,
        "ece_scaled": metrics.expected_calibration_error(scaled, labels, bins),
        "nll_scaled": metrics.negative_log_likelihood(scaled, labels),
    }


def reliability(results: Frozen, runs: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """Confidence against accuracy in bins, texts of all runs of an objective together: a row per place, objective and bin.

    Columns: corpus, classes, encoder, objective, `low` and `high` edge, `count`, `confidence`, `accuracy`, `n` runs.
    """
    parts = []
    for key, group in runs.groupby([*PLACE, "objective"], sort=False):
        scores = np.concatenate([results.probabilities(identity) for identity in group["identity"]])
        labels = np.concatenate([results.labels(identity) for identity in group["identity"]])
        found = metrics.reliability(scores, labels, bins)
        part = pd.DataFrame({"low": found.edges[:-1], "high": found.edges[1:], "count": found.count,
                             "confidence": found.confidence, "accuracy": found.accuracy})  # fmt: skip
        parts.append(part.assign(**dict(zip([*PLACE, "objective"], key, strict=True)), n=len(group)))
    return pd.concat(parts, ignore_index=True)


def entropy_tests(table: pd.DataFrame, pairs: Sequence[tuple[str, str]] = PAIRS) -> pd.DataFrame:
    """Welch's test of the entropy over all C scores between objectives, for all, right and wrong predictions.

    `table` is of `curves`. Columns: corpus, classes, encoder, outcome, a, b, n_a, n_b, mean_a, mean_b, then those of
    `tests.welch`, and `p_holm` over the whole table. Pairs without runs on both sides are left out.
    """
    whole = table[table["k"] == table.groupby(PLACE)["k"].transform("max")].dropna(subset="entropy")
    rows = []
    for key, group in whole.groupby([*PLACE, "outcome"], sort=False):
        sides = {name: runs["entropy"] for name, runs in group.groupby("objective")}
        for a, b in (pair for pair in pairs if set(pair) <= set(sides)):
            counts = {"n_a": len(sides[a]), "n_b": len(sides[b]), "mean_a": sides[a].mean(), "mean_b": sides[b].mean()}
            test = welch(sides[a], sides[b])._asdict()
            rows.append({**dict(zip([*PLACE, "outcome"], key, strict=True)), "a": a, "b": b, **counts, **test})
    columns = [*PLACE, "outcome", "a", "b", "n_a", "n_b", "mean_a", "mean_b", *TTest._fields]
    found = pd.DataFrame(rows, columns=columns)
    found["p_holm"] = holm(found["p"])
    return found


def in_order(frame: pd.DataFrame) -> list[str]:
    """The objectives of a table, in the study's order."""
    return [name for name in OBJECTIVES if name in set(frame["objective"])]


def place_said(corpus: str, classes: str, sets: dict[str, str] | None = None) -> str:
    """`EmoInt`, or `EmpatheticDialogues, 4-easy`; `sets` names class subsets by their classes joined by `|`."""
    return names.corpus(corpus) + (f", {(sets or {}).get(classes, classes.replace('|', ', '))}" if classes else "")


def readable_calibration(table: pd.DataFrame, sets: dict[str, str] | None = None) -> pd.DataFrame:
    """`calibration` as text: a row per place and objective, means over runs with their standard deviations, and n."""
    rows = []
    for (corpus, classes, encoder), here in table.groupby(PLACE, sort=False):
        for objective in in_order(here):
            group = here[here["objective"] == objective]
            shown = {"Corpus": place_said(corpus, classes, sets), "Encoder": names.encoder(encoder),
                     "Objective": names.objective(objective), "n": len(group)}  # fmt: skip
            rows.append({**shown, **{said: _mean_said(group[name] * scale, scale) for name, (said, scale) in MEASURES.items()}})
    return pd.DataFrame(rows)


def _mean_said(values: pd.Series, scale: float) -> str:
    digits = 1 if scale == 100 else 3
    if values.isna().all():
        return "–"
    return f"{values.mean():.{digits}f}" + (f" ({values.std():.{digits}f})" if len(values) > 1 else "")


def readable_tests(table: pd.DataFrame, sets: dict[str, str] | None = None) -> pd.DataFrame:
    """`entropy_tests` as text: means in bits, their difference with its 95 % interval, Welch's t, p, and p by Holm's method."""
    return pd.DataFrame([_test_row(row, sets) for row in table.to_dict("records")])


def _test_row(row: dict, sets: dict[str, str] | None) -> dict:
    tested = not row["note"]
    interval = f" [{row['ci_low']:.2f}, {row['ci_high']:.2f}]" if tested else ""
    return {
        "Corpus": place_said(row["corpus"], row["classes"], sets),
        "Predictions": row["outcome"],
        "Comparison": f"{names.objective(row['a'])} vs {names.objective(row['b'])}",
        "n of each": f"{row['n_a']}, {row['n_b']}",
        "Entropy of each (bits)": f"{row['mean_a']:.2f}, {row['mean_b']:.2f}",
        "Difference (bits)": f"{row['difference']:+.2f}{interval}",
        "t (df)": f"{row['t']:.2f} ({row['df']:.1f})" if tested else "–",
        "p": tables.p_value(row["p"]) if tested else row["note"],
        "p (Holm)": tables.p_value(row["p_holm"]) if tested else "–",
    }


def findings(tests: pd.DataFrame, calibrated: pd.DataFrame, sets: dict[str, str] | None = None) -> list[str]:
    """What entropies and calibration show, in words, from `entropy_tests` and `calibration`; a paragraph per place."""
    said = [f"A difference is said to be one where p, adjusted by Holm's method, is below {LEVEL}."]
    for (corpus, classes, encoder), here in calibrated.groupby(PLACE, sort=False):
        where = place_said(corpus, classes, sets)
        mine = tests[(tests["corpus"] == corpus) & (tests["classes"] == classes) & (tests["encoder"] == encoder)]
        said += [
            f"{where}, {names.encoder(encoder)}: {_entropy_said(row)}" for row in mine[mine["a"] == "lcl"].to_dict("records")
        ]
        each = "; ".join(_calibration_said(name, here[here["objective"] == name]) for name in in_order(here))
        said.append(f"{where}, confidence less accuracy in points, calibration error in points, best temperature: {each}.")
    return said


def _entropy_said(row: dict) -> str:
    pair = f"{names.objective(row['a'])} − {names.objective(row['b'])}"
    what = {"all": "all predictions", "right": "right ones", "wrong": "wrong ones"}[row["outcome"]]
    if row["note"]:
        return f"entropy, {what}, {pair}: {row['difference']:+.2f} bits ({row['note']})."
    direction = "peakier" if row["difference"] < 0 else "flatter"
    verdict = f"LCL is {direction}" if row["p_holm"] < LEVEL else "no difference shown"
    interval = f"[{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    return f"entropy, {what}, {pair}: {row['difference']:+.2f} bits {interval}, {verdict}."


def _calibration_said(objective: str, group: pd.DataFrame) -> str:
    gap = 100 * (group["confidence"] - group["accuracy"]).mean()
    error, temperature = 100 * group["ece"].mean(), group["temperature"].mean()
    return f"{names.objective(objective)} {gap:+.1f}, {error:.1f}, {temperature:.2f} (n = {len(group)})"
