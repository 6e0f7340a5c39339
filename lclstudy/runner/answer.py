"""The study's answer in five sentences: facts for `templates/answer.md.j2`, of whatever has run so far."""

from lclstudy.analyses.case_study import tables as case_study
from lclstudy.plan.profiles import load_profile
from lclstudy.results.comparisons import ENTROPY, PRIMARY, SYNONYMS, claimed, over_corpora
from lclstudy.results.frozen import Frozen
from lclstudy.show import text

CASE_STUDY = "empathetic_dialogues"


def answer(results: Frozen) -> dict:
    """`gains` and `entropies` by pair of objectives, of `told`; `confusable`, of `case_study.correlations`; `surer`: corpora
    on which the paper claims a lower entropy of LCL than of CE; `planned_corpora`, how many the profile has."""
    return {
        "gains": {pair: told(results, *pair) for pair in (*PRIMARY, *SYNONYMS)},
        "entropies": {pair: told(results, *pair, ENTROPY) for pair in PRIMARY},
        "confusable": case_study.correlations(case_study.gains(results, CASE_STUDY)),
        "surer": [corpus for corpus, _, a, b in claimed(ENTROPY) if (a, b) == ("lcl", "ce")],
        "planned_corpora": len({spec.corpus for spec in load_profile(results.name).specs()}),
    }


def told(results: Frozen, a: str, b: str, metric: str = "accuracy") -> dict | None:
    """`over_corpora`: `places`, its rows; `words`, these by what is judged of them; their `mean`, and the `expected` one as
    published; `n`, the least and the greatest number of runs. None if there is no row."""
    rows, mean = over_corpora(results, a, b, metric)
    if rows.empty:
        return None
    places, counts = rows.to_dict("records"), rows[["n_a", "n_b"]]
    judged = [text.judged(row) for row in places]
    return {
        "places": places,
        "words": {said: [row for row, own in zip(places, judged, strict=True) if own == said] for said in judged},
        "mean": mean,
        "expected": rows["expected"].mean(),
        "n": sorted({counts.min(axis=None), counts.max(axis=None)}),
    }
