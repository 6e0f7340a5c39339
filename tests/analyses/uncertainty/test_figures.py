"""The figures of how sure the models are: lines, units and keys are there, and every text can be read."""

import numpy as np
import pytest

from lclstudy.analyses.uncertainty import figures, tables
from lclstudy.show import style
from tests.analyses.uncertainty.test_tables import results  # noqa: F401
from tests.material import check_readable


@pytest.fixture
def bands(results):  # noqa: F811
    return tables.bands(tables.curves(results, tables.done(results)))


def test_a_line_per_objective_and_the_ceiling(bands):
    figure, (ax,) = style.subplots()
    figures.entropy_curves(bands[bands["outcome"] == "all"], ax, "Embedded")
    check_readable(figure)
    *lines, ceiling = ax.lines
    assert len(lines) == 3
    ce = bands[(bands["objective"] == "ce") & (bands["outcome"] == "all") & (bands["k"] >= 2)]
    assert list(lines[0].get_ydata()) == list(ce["mean"])
    assert list(ceiling.get_ydata()) == list(np.log2([2, 3]))
    assert "bits" in ax.get_ylabel() and ax.get_ylim()[0] == 0
    assert "n = 1–2 runs, band: lowest to highest" in ax.get_title(loc="left")
    assert {text.get_text() for text in ax.texts} >= {"CE", "LCL", "SCL"}


def test_right_is_solid_wrong_dashed_and_what_is_never_wrong_has_one_line(bands):
    figure, (ax,) = style.subplots(height=3)
    figures.entropy_by_outcome(bands[bands["outcome"] != "all"], ax, "Embedded")
    figures.outcome_key(ax, ["ce", "scl", "lcl"])
    check_readable(figure)
    *lines, _ = ax.lines
    assert [line.get_linestyle() for line in lines] == ["-", "-", "-", "--", "--"]
    (legend,) = figure.legends
    assert not legend.get_frame_on()
    assert [text.get_text() for text in legend.get_texts()][-2:] == ["right predictions", "wrong predictions"]


def test_reliability_leaves_out_bins_of_few_texts(results):  # noqa: F811
    bins = tables.reliability(results, tables.done(results), bins=5)
    figure, (ax,) = style.subplots(height=3)
    figures.reliability_diagram(bins, ax, "Embedded")
    figures.objective_key(ax, ["ce", "scl", "lcl"])
    check_readable(figure)
    shown = [len(points.get_offsets()) for points in ax.collections]
    enough = bins[bins["count"] >= 10].groupby("objective").size()
    assert shown == [enough.get(name, 0) for name in ("ce", "scl", "lcl")]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("confidence (%)", "accuracy (%)")


def test_calibration_of_every_place_and_objective(results):  # noqa: F811
    table = tables.calibration(results, tables.done(results))
    figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=2.5)
    figures.calibration_dots(table, axes, {("embedded", "", "tiny"): "Embedded"})
    check_readable(figure)
    assert [text.get_text() for text in axes[0].get_yticklabels()] == ["Embedded: CE", "Embedded: SCL", "Embedded: LCL"]
    assert "points" in axes[0].get_xlabel() and "nats" in axes[1].get_xlabel()
