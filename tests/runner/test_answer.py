"""The answer of the study: means over corpora as by hand, and only what has run."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from lclstudy.analyses.ablations.tables import settings
from lclstudy.results import frozen
from lclstudy.results.comparisons import PRIMARY, SYNONYMS, over_corpora, scored
from lclstudy.runner.readme import answer, link, shown, told, weights
from lclstudy.show.text import words

MINILM, ABLATIONS = frozen.read_frozen("minilm"), frozen.read_frozen("ablations")


@pytest.mark.parametrize("metric", ["accuracy", "entropy"])
def test_the_mean_over_corpora_is_the_contrast_of_their_runs(metric):
    found = told(MINILM, PRIMARY, metric)["lcl", "ce"]
    values = scored(MINILM, metric).query("set == 'all'").groupby(["corpus", "objective"])["value"]
    sides = [values.get_group((row["corpus"], name)) for row in found["places"] for name in ("lcl", "ce")]
    parts = np.array([side.var() / len(side) for side in sides])
    free = parts.sum() ** 2 / (parts**2 / np.array([len(side) - 1 for side in sides])).sum()
    middle = np.mean([a.mean() - b.mean() for a, b in zip(sides[::2], sides[1::2], strict=True)])
    reach = stats.t.ppf(0.975, free) * np.sqrt(parts.sum()) / len(found["places"])
    mean = found["mean"]
    np.testing.assert_allclose([mean.difference, mean.ci_low, mean.ci_high], [middle, middle - reach, middle + reach])


def test_a_short_answer_is_of_p_by_holm_over_the_means_of_its_question():
    found = told(MINILM, PRIMARY)
    p_holm = multipletests([over_corpora(MINILM, *pair)[1].p for pair in PRIMARY], method="holm")[1]
    for one, p in zip(found.values(), p_holm, strict=True):
        word = "reproduced" if one["mean"].difference > 0 else "contradicted"
        other = "smaller than published" if one["mean"].ci_high < one["expected"] else "undecided"
        assert one["p"] == pytest.approx(p) and bool(one["few"]) == (one["n"][0] < 3)
        assert one["word"] == ("undecided" if one["few"] else word if p < 0.05 else other)
    entropies = told(MINILM, PRIMARY, "entropy")["scl", "ce"]
    assert entropies["word"] == "reproduced", "above, of which there is no published number"
    found = told(MINILM, SYNONYMS)["ce_aug", "ce"]
    assert {row["corpus"]: row["difference"] > 0 for row in found["decided"]} == {"emoint": False, "sst5": True}
    assert found["word"] == "differs by corpus"


def test_what_the_weights_bring_is_the_mean_of_lcl_less_lcl_whose_weights_are_equal():
    found, table = weights()[0], {one: settings(ABLATIONS, one).set_index("setting")["mean"] for one in ("emoint", "isear")}
    assert (found["change"], found["corpora"], found["word"]) == ("uniform weights", [*table], "undecided")
    differences = [means["LCL"] - means["uniform weights"] for means in table.values()]
    assert found["mean"].difference == pytest.approx(np.mean(differences))


def test_each_corpus_counts_once_and_has_its_word():
    found = told(MINILM, PRIMARY)["lcl", "ce"]
    listed = [row["corpus"] for row in found["places"]]
    assert len(listed) == len(set(listed))
    said = words("runner/templates/answer.md.j2", **answer(MINILM), link=link, shown=shown)
    (head, row) = (
        next(line for line in said.splitlines() if line.startswith(start)) for start in ("| Diff", "| LCL − CE, points")
    )
    cells = dict(zip(head.split(" | "), row.split(" | "), strict=True))
    assert cells["EmoInt"].startswith("−1.45 “above” contradicted")  # n = 3: p by Holm 0.045


def test_what_has_not_run_is_left_out():
    quick, ablations = answer(frozen.read_frozen("quick")), answer(ABLATIONS)
    assert quick["gains"]["ce_aug", "ce"] is None and ablations["rank"] == {"ours": None, "there": None}
    assert quick["gains"]["lcl", "ce"]["mean"] is None, "one corpus has no mean over corpora"
    said = words("runner/templates/answer.md.j2", **quick, link=link, shown=shown)
    assert "Better than cross-entropy?" in said and "second views" not in said
