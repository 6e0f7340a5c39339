"""Figures of the audit: they show the numbers given, every text is readable and inside, and bad input is told."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lclstudy.analyses.published_numbers import figures, loss_forms, paper, report, rounding
from lclstudy.errors import StudyError
from lclstudy.results import corpus_facts, published
from lclstudy.show import style
from tests.material import check_readable

TITLES = {key: reading.title for key, reading in rounding.READINGS.items()}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def audited():
    return rounding.audit(rounding.printed_tests())


def ends(ax):
    """The horizontal lines of an axes as (y, left, right), bottom up."""
    return sorted((part[0, 1], part[0, 0], part[1, 0]) for lines in ax.collections for part in lines.get_segments())


def test_t_ratios_have_a_panel_per_different_t(audited):
    figure, axes = style.subplots(1, 3, width=1.6 * style.DOUBLE, height=3.3)
    figures.t_ratios(audited, TITLES, axes)
    assert figure.axes == list(axes[:2]), "with equal n Student's and Welch's t are the same"
    assert axes[0].get_title(loc="left").startswith("Welch or Student, SD over n − 1\n15 of 15 possible")
    rows = audited[(audited["reading"] == "welch_sample") & audited["t_printed"].notna()]
    points = next(line for line in axes[0].lines if line.get_linestyle() == "None")
    assert points.get_xdata() == pytest.approx((rows["t"] / rows["t_printed"]).to_numpy())
    lows = [left for _, left, _ in ends(axes[0])]
    assert lows == pytest.approx((rows["t_low"] / rows["t_printed"]).tolist())
    check_readable(figure)


def test_t_that_differ_need_more_panels(audited):
    apart = audited.assign(t=audited["t"] * (1 + 0.1 * (audited["reading"] == "student_sample")))
    _, axes = style.subplots(1, 2)
    with pytest.raises(StudyError, match="3 different columns of t; given 2 axes"):
        figures.t_ratios(apart, TITLES, axes)


def test_degrees_of_freedom_show_what_is_needed_and_what_tests_have(audited):
    degrees = rounding.degrees_of_freedom(audited)
    figure, axes = style.subplots(width=style.DOUBLE, height=3.6)
    figures.degrees_of_freedom(degrees, axes[0])
    bar = axes[0].patches[0]
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx(tuple(degrees.loc[0, ["implied_low", "implied_high"]]))
    square = next(line for line in axes[0].lines if line.get_marker() == "s")
    assert list(square.get_xdata()) == degrees["student"].tolist()
    fits = degrees["fits"].str.contains("welch").sum()
    assert axes[0].get_title(loc="left") == f"Of {len(degrees)} printed pairs of t and p, {fits} fit Welch's test"
    check_readable(figure)


def test_p_values_show_statement_and_interval(audited):
    figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=5.6)
    figures.p_values(audited, ["welch_population", "student_sample"], TITLES, axes)
    rows = audited[audited["reading"] == "student_sample"].reset_index(drop=True)
    claim = rows.index[rows["test"] == "4-easy: CE vs SCL"][0]
    bar = axes[1].patches[claim]
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx((0.15, 1.0))
    _, low, high = ends(axes[1])[claim]
    assert (low, high) == pytest.approx(tuple(rows.loc[claim, ["p_low", "p_high"]]))
    possible = (rows["p_fits"] != "never").sum()
    assert axes[1].get_title(loc="left") == f"Student, SD over n − 1\n{possible} of 33 statements possible"
    tiny = rows.index[rows["test"] == "SST-2: SKEP vs LCL"][0]
    assert ends(axes[1])[tiny][1] == figures.SMALLEST_P
    check_readable(figure)
    with pytest.raises(StudyError, match="1 readings need as many axes; given 2"):
        figures.p_values(audited, ["welch_sample"], TITLES, axes)


def test_differences_of_the_paper():
    rows = paper.published_differences()
    figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=3.4)
    figures.differences(rows, [("lcl", "ce"), ("lcl", "scl")], axes)
    first = rows[rows["b"] == "ce"]
    points = next(line for line in axes[0].lines if line.get_marker() == style.marker("lcl"))
    assert points.get_xdata() == pytest.approx(first["difference"].to_numpy())
    assert axes[0].get_title(loc="left").endswith(f"above 0 in {(first['ci_low'] > 0).sum()} of 14")
    check_readable(figure)
    with pytest.raises(StudyError, match="1 pairs of objectives need as many axes"):
        figures.differences(rows, [("lcl", "ce")], axes)


def test_accuracies_stand_above_the_largest_class():
    table = report.majority(published.table("modarres"), corpus_facts.table("labels"))
    figure, axes = style.subplots(width=style.DOUBLE, height=2.9)
    figures.above_majority(table, axes[0])
    widths = [bar.get_width() for bar in axes[0].patches]
    assert widths == sorted(widths) and widths == pytest.approx(sorted(table.groupby("corpus")["share"].first()))
    assert sorted(line.get_xdata()[0] for line in axes[0].lines) == sorted(table["value"])
    check_readable(figure)


def test_temperatures_of_both_searches():
    figure, axes = style.subplots(width=style.DOUBLE, height=2.8)
    tried = {"the paper": [0.1, 0.3, 0.5], "the report": [0.07, 7, 10, 100, 1000]}
    figures.temperature_reach(tried, 20, axes[0], loss_forms.farthest_from_uniform)
    points = {line.get_label(): line.get_ydata() for line in axes[0].lines}
    assert points["the report"] == pytest.approx([2 / value for value in tried["the report"]])
    assert np.log(19) in [line.get_ydata()[0] for line in axes[0].lines]
    check_readable(figure)
