"""The figures of how sure the models are: lines, units and keys are there, and every text can be read."""

import numpy as np
import pytest

from lclstudy.analyses.uncertainty import figures, tables
from lclstudy.results.comparisons import scored
from lclstudy.show import style
from tests.analyses.uncertainty.test_tables import results  # noqa: F401
from tests.material import check_readable


@pytest.fixture
def curves(results):  # noqa: F811
    return tables.curves(results, scored(results))


def test_a_line_per_objective_and_the_ceiling(curves):
    figure, of_all = figures.entropy_curves(curves), curves[curves["outcome"] == "all"]
    check_readable(figure)
    (ax,) = figure.axes
    *lines, ceiling = ax.lines
    means = of_all[of_all["k"] >= 2].groupby(["objective", "k"])["entropy"].mean()
    assert [list(line.get_ydata()) for line in lines] == [pytest.approx(means[name].tolist()) for name in ("ce", "scl", "lcl")]
    assert list(ceiling.get_ydata()) == list(np.log2([2, 3]))
    assert "bits" in ax.get_ylabel() and ax.get_ylim()[0] == 0
    assert "n = 1–2 runs, band: lowest to highest" in ax.get_title(loc="left")
    assert {text.get_text() for text in ax.texts} >= {"CE", "LCL", "SCL"}


def test_differences_from_ce_of_all_right_and_wrong_predictions(curves):
    found = tables.differences(curves)
    figure, (ax,) = style.subplots(width=5.2, height=2)
    figures.differences(found, ax)
    check_readable(figure)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Embedded\nLCL − CE", "Embedded\nSCL − CE"]
    marks = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "D"]
    row = found[(found["a"] == "lcl") & (found["b"] == "ce")].squeeze()
    assert marks == [row["difference"], row["right_difference"], row["wrong_difference"]]
    assert "n = 2\npeakier: undecided" in {text.get_text() for text in ax.texts}


def test_reliability_leaves_out_bins_of_few_texts(results):  # noqa: F811
    bins = tables.reliability(results, scored(results), bins=5)
    figure = figures.reliability_diagrams(bins)
    check_readable(figure)
    (ax,) = figure.axes
    shown = [len(points.get_offsets()) for points in ax.collections]
    enough = bins[bins["count"] >= 10].groupby("objective").size()
    assert shown == [enough.get(name, 0) for name in ("ce", "scl", "lcl")]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("confidence (%)", "accuracy (%)")
