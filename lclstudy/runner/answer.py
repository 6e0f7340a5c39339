"""The study's answer in five sentences: facts for `templates/answer.md.j2`, of whatever has run so far."""

from lclstudy.analyses.case_study import tables as case_study
from lclstudy.plan.profiles import load_profile
from lclstudy.results.comparisons import ALL_CLASSES, ENTROPY, PRIMARY, SYNONYMS, comparisons, scored
from lclstudy.results.frozen import Frozen
from lclstudy.statistics import tests

CASE_STUDY = "empathetic_dialogues"


def answer(results: Frozen) -> dict:
    """`gains` and `entropies` by pair of objectives, of `over_corpora`; `confusable`, of `case_study.correlations`; how many
    corpora the profile has (`planned_corpora`)."""
    pairs = (*PRIMARY, *SYNONYMS)
    return {
        "gains": {pair: over_corpora(results, *pair) for pair in pairs},
        "entropies": {pair: over_corpora(results, *pair, ENTROPY) for pair in pairs},
        "confusable": case_study.correlations(case_study.gains(results, CASE_STUDY)),
        "planned_corpora": len({spec.corpus for spec in load_profile(results.name).specs()}),
    }


def over_corpora(results: Frozen, a: str, b: str, metric: str = "accuracy") -> dict | None:
    """Objective `a` less `b` on all classes, where an interval is, with the encoder that has most such corpora: `places`, rows
    of `comparisons`; `words`, these by their word; from two corpora on their `mean` with equal weights (Welch-Satterthwaite);
    `expected`, the mean published one; `n`, the least and the greatest number of runs. None if there is none.
    """
    family = next(pairs for pairs in (PRIMARY, SYNONYMS) if (a, b) in pairs)
    rows = comparisons(results, family, metric)
    rows = rows[(rows["a"] == a) & (rows["b"] == b) & (rows["set"] == ALL_CLASSES) & rows["ci_low"].notna()]
    if rows.empty:
        return None
    rows = rows[rows["encoder"] == rows["encoder"].mode()[0]]
    groups = scored(results, metric).query("set == @ALL_CLASSES").groupby(["corpus", "encoder", "objective"])["value"]
    sides = [(sign / len(rows), groups.get_group((row.corpus, row.encoder, name)))
             for row in rows.itertuples() for sign, name in ((1, a), (-1, b))]  # fmt: skip
    return {
        "places": rows.to_dict("records"),
        "words": {word: group.to_dict("records") for word, group in rows.groupby("word", sort=False)},
        "mean": tests.contrast(sides) if len(rows) > 1 else None,
        "expected": rows["expected"].mean(),
        "n": sorted({rows[["n_a", "n_b"]].min(axis=None), rows[["n_a", "n_b"]].max(axis=None)}),
    }
