"""Entropy and calibration against their definitions; the tables against runs made by hand, the figures against the tables."""

import numpy as np
import pytest
from scipy.special import softmax

from lclstudy.analyses.uncertainty import figures, tables
from lclstudy.results.comparisons import scored
from lclstudy.show.text import words
from lclstudy.statistics import metrics
from lclstudy.statistics.tests import welch
from tests.analyses.helpers import frozen_of, scored_record
from tests.material import check_readable, row_of, spec_of

TRUTH = np.random.default_rng(99).integers(0, 3, 40)
SURE = {("ce", 0): 1, ("ce", 1): 1, ("lcl", 0): 2, ("lcl", 1): 2}  # the logits of LCL are doubled


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two seeds of CE and of LCL, which is surer, and one of SCL that is never wrong."""
    scores = {("scl", 0): np.eye(3)[TRUTH] * 0.97 + 0.01}
    for number, (run, sure) in enumerate(SURE.items()):
        noise = np.random.default_rng(number).normal(size=(len(TRUTH), 3))
        scores[run] = softmax(sure * (noise + 1.2 * np.eye(3)[TRUTH]), axis=1)
    records = [scored_record(spec_of(*run), "abc", TRUTH, each) for run, each in scores.items()]
    return frozen_of(tmp_path_factory.mktemp("entropy"), records)


@pytest.fixture(scope="module")
def curves(results):
    return tables.curves(results, scored(results))


@pytest.fixture(scope="module")
def found(results, curves):
    return tables.differences(results, curves)


def scores_of(results, objective, seed):
    return results.probabilities(row_of(results.runs, objective=objective, seed=seed)["identity"])


def test_curves_are_by_definition_right_and_wrong_are_the_whole_and_each_objective_has_its_line(results, curves):
    table = curves.set_index(["objective", "seed", "outcome", "k"])
    whole, right, wrong = (table.loc[("lcl", 1, outcome, 3)] for outcome in tables.OUTCOMES)
    assert right["texts"] + wrong["texts"] == whole["texts"] == 40
    assert (right["entropy"] * right["texts"] + wrong["entropy"] * wrong["texts"]) / 40 == pytest.approx(whole["entropy"])
    never = table.xs("wrong", level="outcome").loc["scl"]
    assert never["entropy"].isna().all() and (never["texts"] == 0).all()
    by_definition = metrics.topk_entropy(scores_of(results, "ce", 1), 2).mean()
    assert table.loc[("ce", 1, "all", 2), "entropy"] == pytest.approx(by_definition)
    figure, of_all = figures.entropy_curves(curves), curves[curves["outcome"] == "all"]
    check_readable(figure)
    (ax,) = figure.axes
    *lines, ceiling = ax.lines
    means = of_all[of_all["k"] >= 2].groupby(["objective", "k"])["entropy"].mean()
    assert [list(line.get_ydata()) for line in lines] == [pytest.approx(means[name].tolist()) for name in ("ce", "scl", "lcl")]
    assert list(ceiling.get_ydata()) == list(np.log2([2, 3]))
    (ax,) = figures.entropy_curves(curves[curves["k"] <= 2]).axes
    assert [line.get_marker() for line in ax.lines].count("o") == 3, "of two classes there are points"


def test_peakier_is_judged_over_all_predictions_and_the_others_stand_beside(found, curves):
    row, single = row_of(found, a="lcl", b="ce"), row_of(found, a="lcl", b="scl")
    ends = curves[curves["k"] == 3].set_index(["outcome", "objective"])["entropy"]
    expected = welch(ends["all", "lcl"], ends["all", "ce"])
    assert (row["p"], row["difference"]) == pytest.approx((expected.p, expected.difference))
    assert row["difference"] < 0 and row["word"] == "undecided", "LCL is peakier, but two runs decide nothing"
    assert row["wrong_difference"] == pytest.approx(ends["wrong", "lcl"].mean() - ends["wrong", "ce"].mean())
    assert (tables.readable_differences(found) != "").all(axis=None)
    assert single["note"] == "one run: no test" and np.isnan(single["wrong_difference"]), "SCL is never wrong"


def test_calibration_is_that_of_the_definitions_and_in_words(results, found):
    table, scores = tables.calibration(results, scored(results)), scores_of(results, "ce", 0)
    row, right, sure = row_of(table, objective="ce", seed=0), scores.argmax(axis=1) == TRUTH, scores.max(axis=1)
    assert row["brier"] == pytest.approx(((scores - np.eye(3)[TRUTH]) ** 2).sum(axis=1).mean())
    assert row["auroc"] == pytest.approx((sure[right][:, None] > sure[~right]).mean())
    assert row["confidence"] == pytest.approx(sure.mean())
    assert row["nll_scaled"] <= row["nll"] + 1e-6, "it was fitted on the same texts here"
    assert np.isnan(row_of(table, objective="scl")["auroc"]), "SCL is never wrong"
    said = words("analyses/uncertainty/said.md.j2", **tables.facts(results, found, table))
    assert "**LCL − CE**: **undecided** on 1 of 1." in said and "n = 1 to 2 of each" in said
    assert tables.readable_calibration(table)["n"].tolist() == [1, 2, 2]


def test_reliability_leaves_out_bins_of_few_texts(results):
    bins = tables.reliability(results, scored(results), bins=5)
    assert bins[bins["objective"] == "ce"]["count"].sum() == 2 * 40
    figure = figures.reliability_diagrams(bins)
    check_readable(figure)
    assert figure.axes[0].get_title(loc="left") == "Embedded, tiny\nn = 1–2 runs on 40 test texts"
    enough = bins[bins["count"] >= 10].groupby("objective").size()
    shown = [len(points.get_offsets()) for points in figure.axes[0].collections]
    assert shown == [enough.get(name, 0) for name in ("ce", "scl", "lcl")]
