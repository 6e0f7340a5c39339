"""How sure the models are: entropy of the top-k prediction scores (Figure 2 of the paper), and whether that is deserved.

All numbers are of the test texts, per run first; means and tests are over runs, which differ in their seed. `runs` are those of
`comparisons.scored`: finished, with the name of their class `set`.
"""

import numpy as np
import pandas as pd
from sklearn import metrics as sklearn_metrics

from lclstudy.plan import names
from lclstudy.results.comparisons import (
    ALL_CLASSES,
    CALIBRATION,
    ENTROPY,
    PLACE,
    PRIMARY,
    SYNONYMS,
    compare,
    comparisons,
    over_corpora,
)
from lclstudy.results.frozen import Frozen
from lclstudy.show import text
from lclstudy.statistics import metrics
from lclstudy.statistics.judge import NOT_RUN, UNDECIDED

RUN = [*PLACE, "objective", "seed"]
OUTCOMES = ("all", "right", "wrong")
MEASURES = {  # what it is called, its factor, its digits
    "accuracy": ("accuracy (%)", 100, 1),
    "confidence": ("mean confidence (%)", 100, 1),
    "ece": ("calibration error (points)", 100, 1),
    "nll": ("negative log likelihood (nats)", 1, 3),
    "brier": ("Brier score", 1, 3),
    "auroc": ("AUROC of confidence", 1, 3),
    "temperature": ("best temperature", 1, 3),
    "ece_scaled": ("calibration error at that (points)", 100, 1),
    "nll_scaled": ("negative log likelihood at that (nats)", 1, 3),
}


def curves(results: Frozen, runs: pd.DataFrame) -> pd.DataFrame:
    """Mean top-k entropy in bits per run and k from 1 to C, for all test texts and split by whether the prediction is right.

    Columns: those of `RUN`; `outcome` (`all`, `right`, `wrong`), `texts` (how many), `k`, `entropy` (NaN where no text has that
    outcome). Eq. 7 of the paper.
    """
    parts = []
    for run in runs.to_dict("records"):
        entropies = metrics.topk_entropies(results.probabilities(run["identity"]))
        right = results.predictions(run["identity"]) == results.labels(run["identity"])
        for outcome, chosen in zip(OUTCOMES, (np.ones_like(right), right, ~right), strict=True):
            means = entropies[chosen].mean(axis=0) if chosen.any() else np.full(entropies.shape[1], np.nan)
            part = pd.DataFrame({"k": np.arange(1, len(means) + 1), "entropy": means})
            parts.append(part.assign(**{name: run[name] for name in RUN}, outcome=outcome, texts=int(chosen.sum())))
    return pd.concat(parts, ignore_index=True)


def differences(results: Frozen, table: pd.DataFrame) -> pd.DataFrame:
    """`comparisons` of the entropy over all C scores, both families by place: is the first objective peakier, that is, below?

    Judged over all predictions. Beside it, from `curves` and without a word: `right_difference`, `right_ci_low`,
    `right_ci_high` of the right predictions alone, and the same of the `wrong` ones.
    """
    ends = table[table["k"] == table.groupby(["corpus", "set"])["k"].transform("max")].dropna(subset="entropy")
    ends, key = ends.rename(columns={"entropy": "value"}), [*PLACE, "a", "b"]
    found = pd.concat([comparisons(results, pairs, ENTROPY) for pairs in (PRIMARY, SYNONYMS)], ignore_index=True)
    found = found[found["word"] != NOT_RUN]
    for outcome in OUTCOMES[1:]:
        beside = compare(ends[ends["outcome"] == outcome], (*PRIMARY, *SYNONYMS)).set_index(key)
        found = found.join(beside[["difference", "ci_low", "ci_high"]].add_prefix(f"{outcome}_"), on=key)
    return found.iloc[found.groupby(list(PLACE), sort=False).ngroup().argsort(kind="stable")]


def calibration(results: Frozen, runs: pd.DataFrame) -> pd.DataFrame:
    """A row per run: `accuracy`, mean `confidence`, expected calibration error `ece`, `nll` in nats, `brier`, `auroc` of the
    confidence for right against wrong (0.5 is chance; NaN if all are right or wrong); then `temperature`, fitted on validation
    texts, and `ece_scaled`, `nll_scaled` with it.
    """
    rows = []
    for run in runs.to_dict("records"):
        identity, ids = run["identity"], range(len(results.classes(run["identity"])))
        scores, labels, held_out = results.probabilities(identity), results.labels(identity), (identity, "validation")
        right, confidence = scores.argmax(axis=1) == labels, scores.max(axis=1)
        temperature = metrics.calibration_temperature(results.probabilities(*held_out), results.labels(*held_out))
        scaled = metrics.at_temperature(scores, temperature)
        rows.append({
            **{name: run[name] for name in RUN},
            "accuracy": metrics.accuracy(labels, results.predictions(identity)),
            "confidence": float(confidence.mean()),
            "ece": metrics.expected_calibration_error(scores, labels),
            "nll": metrics.negative_log_likelihood(scores, labels),
            "brier": sklearn_metrics.brier_score_loss(labels, scores, labels=ids, scale_by_half=False),
            "auroc": sklearn_metrics.roc_auc_score(right, confidence) if 0 < right.sum() < len(right) else np.nan,
            "temperature": temperature,
            "ece_scaled": metrics.expected_calibration_error(scaled, labels),
            "nll_scaled": metrics.negative_log_likelihood(scaled, labels),
        })  # fmt: skip
    return pd.DataFrame(rows)


def reliability(results: Frozen, runs: pd.DataFrame, bins: int = 15) -> pd.DataFrame:
    """`metrics.reliability` of the texts of all `n` runs of an objective together: a row per place, objective and bin."""
    parts = []
    for _, group in runs.groupby([*PLACE, "objective"], sort=False):
        scores, labels = (np.concatenate([*map(ask, group["identity"])]) for ask in (results.probabilities, results.labels))
        found = pd.DataFrame(metrics.reliability(scores, labels, bins))
        parts.append(found.assign(n=len(group), **group.iloc[0][[*PLACE, "objective"]]))
    return pd.concat(parts, ignore_index=True)


def place(corpus: str, set_name: str) -> str:
    """`EmpatheticDialogues, 4-easy`; all classes are not named."""
    return names.corpus(corpus) + ("" if set_name == ALL_CLASSES else f", {names.class_set(set_name)}")


def readable_calibration(table: pd.DataFrame) -> pd.DataFrame:
    """`calibration` as text: a row per place and objective, means over runs with their standard deviations, and n."""
    rows = []
    for (corpus, set_name, encoder, objective), group in table.groupby([*PLACE, "objective"], sort=False):
        row = {"Corpus": f"{place(corpus, set_name)}; {names.encoder(encoder)}", "Objective": names.objective(objective)}
        shown = {said: text.mean(scale * group[name].mean(), scale * group[name].std(), digits)
                 for name, (said, scale, digits) in MEASURES.items()}  # fmt: skip
        rows.append({**row, "n": len(group), **shown})
    return pd.DataFrame(rows)


def readable_differences(found: pd.DataFrame) -> pd.DataFrame:
    """`differences` as text, in bits."""
    return pd.DataFrame([{
        "Corpus": place(row["corpus"], row["set"]),
        "Comparison": text.pair(row["a"], row["b"]),
        "n of each": f"{row['n_a']}, {row['n_b']}",
        "Entropy of each (bits)": f"{text.number(row['mean_a'])}, {text.number(row['mean_b'])}",
        "Difference, interval over seeds": text.difference(row),
        "p": row["note"] or text.p_value(row["p"]),
        "p (Holm)": text.p_value(row["p_holm"]),
        "The paper's claim": text.claim(row) or text.NONE,
        "Word": "; ".join(filter(None, (row["word"], row["mark"]))),
        "Right predictions": text.interval(row["right_difference"], row["right_ci_low"], row["right_ci_high"]),
        "Wrong predictions": text.interval(row["wrong_difference"], row["wrong_ci_low"], row["wrong_ci_high"]),
        "Paired by seed": text.interval(row["paired_difference"], row["paired_low"], row["paired_high"]),
    } for row in found.to_dict("records")])  # fmt: skip


def facts(results: Frozen, found: pd.DataFrame, calibrated: pd.DataFrame) -> dict:
    """What `said.md.j2` needs, from `differences` and `calibration`: `encoders`; `counts` of runs; of each pair its mean over
    `corpora` many and its places by what is judged; of LCL against CE and CE + aug. the mean of calibration `errors`; and, by
    objective, over the corpora with all classes the ends of confidence less accuracy, in points, and of the best temperature,
    each with a count."""
    whole = calibrated[calibrated["set"] == ALL_CLASSES]
    gaps = whole.assign(gap=100 * (whole["confidence"] - whole["accuracy"])).groupby(["objective", *PLACE], sort=False)
    ends = gaps[["gap", "temperature"]].mean().groupby("objective", sort=False).agg(["min", "max", "count"])
    pairs = []
    for (a, b), rows in found.groupby(["a", "b"], sort=False):
        corpora, mean = over_corpora(results, a, b, ENTROPY)
        judged = rows.groupby(rows.apply(text.judged, axis=1), sort=False)
        places = {said: here.to_dict("records") for said, here in sorted(judged, key=lambda group: group[0] == UNDECIDED)}
        pairs.append({"a": a, "b": b, "mean": mean, "corpora": len(corpora), "places": places})
    errors = [(b, *over_corpora(results, "lcl", b, CALIBRATION)) for b in ("ce", "ce_aug")]
    return {
        "errors": [{"b": b, "corpora": len(rows), "mean": mean} for b, rows, mean in errors if mean],
        "encoders": text.several(*found["encoder"].map(names.encoder)),
        "counts": sorted({*found["n_a"], *found["n_b"]}),
        "pairs": pairs,
        "confidence": [(objective, *row) for objective, *row in ends.itertuples()],
    }
