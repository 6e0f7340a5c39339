"""What no objective gets right: the test texts that every run mistakes, and the class that is missed most often."""

import numpy as np
import pandas as pd

from lclstudy.plan import names
from lclstudy.results import selection
from lclstudy.results.frozen import Frozen
from lclstudy.show.text import number


def hard_texts(results: Frozen) -> pd.DataFrame:
    """A row per corpus and encoder with two finished runs or more on all classes, of whatever objective.

    `always_wrong`: the share in percent of the test texts that every run gets wrong, and `one_answer`: of those the share to
    which every run gives the same label: candidates for a wrong label in the data. `hardest`: the class with the lowest
    `recall` over all runs, `taken_for`: what most of its missed texts are called, and `share` of them, in percent.
    """
    groups = selection.runs(results).query("status == 'done' and classes == ''").groupby(["corpus", "encoder"], sort=False)
    return pd.DataFrame([{"corpus": corpus, "encoder": encoder, "runs": len(runs), **_hard(results, list(runs["identity"]))}
                         for (corpus, encoder), runs in groups if len(runs) > 1])  # fmt: skip


def _hard(results: Frozen, identities: list[str]) -> dict:
    predictions, labels = np.stack([results.predictions(run) for run in identities]), results.labels(identities[0])
    wrong = (predictions != labels).all(axis=0)
    counts, classes = results.confusion(identities)
    recall = counts.diagonal() / counts.sum(axis=1)
    hardest = int(np.nanargmin(recall))
    missed = np.where(np.arange(len(classes)) == hardest, 0, counts[hardest])
    return {
        "texts": len(labels),
        "always_wrong": 100 * wrong.mean(),
        "one_answer": 100 * (predictions == predictions[0]).all(axis=0)[wrong].mean() if wrong.any() else np.nan,
        "hardest": classes[hardest],
        "recall": 100 * recall[hardest],
        "taken_for": classes[missed.argmax()],
        "share": 100 * missed.max() / missed.sum() if missed.any() else np.nan,
    }


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`hard_texts` as text."""
    return pd.DataFrame([{
        "Corpus": f"{names.corpus(row['corpus'])}, {names.encoder(row['encoder'])}",
        "Runs": row["runs"],
        "Test texts": f"{row['texts']:,}",
        "Wrong in every run (%)": number(row["always_wrong"], 1),
        "of those with one answer (%)": number(row["one_answer"], 0),
        "Hardest class": f"{row['hardest']}, recall {row['recall']:.0f} %",
        "mostly called": f"{row['taken_for']}, {number(row['share'], 0)} % of its errors",
    } for row in table.to_dict("records")])  # fmt: skip
