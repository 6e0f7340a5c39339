"""Figures of the ablations: what is drawn, on rows made by hand."""

import pandas as pd
import pytest

from lclstudy.analyses.ablations import figures, tables
from lclstudy.show import marks, style
from tests.material import check_readable

NAN = float("nan")


def made(setting, group, objective, n, difference=NAN, low=NAN, high=NAN, basis=""):
    row = {"setting": setting, "group": group, "objective": objective, "n": n, "status": "done" if n else "not run"}
    return row | {"difference": difference, "ci_low": low, "ci_high": high, "basis": basis}


@pytest.fixture
def table():
    return pd.DataFrame([
        made("LCL", "reference", "lcl", 3),
        made("CE", "reference", "ce", 3, 1.4, 0.4, 2.4, "seeds"),
        made("uniform weights", "weights", "lcl", 1, -0.8, -1.5, -0.1, "texts"),
        made("weights inside the log", "weights", "lcl", 0),
        made("summed over the batch", "classifier", "lcl", 3, -45.0, -50.0, -40.0, "seeds"),
    ])  # fmt: skip


def texts(ax):
    return [text.get_text() for text in ax.texts]


def forest(table, spread=1.0):
    figure, axes = style.subplots(1, 1, style.DOUBLE, marks.grouped_height(table["group"]))
    return figure, figures.forest(table, spread, "title", axes[0])


def test_every_setting_has_its_row_under_its_group_and_says_how_sure_it_is(table):
    figure, ax = forest(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(table["setting"])
    assert {tables.GROUPS[group] for group in table["group"]} <= set(texts(ax))
    assert sorted(ax.get_yticks()) == list(ax.get_yticks())
    faces = {line.get_xdata()[0]: line.get_markerfacecolor() for line in ax.lines if line.get_marker() not in ("None", None)}
    assert faces[1.4] == style.colour("ce") and faces[-0.8] == "white"
    (absent,) = [text for text in ax.texts if text.get_text() == "not run"]
    assert absent.get_color() == style.NEUTRAL and absent.get_position()[1] == ax.get_yticks()[3]
    assert ax.get_xlim()[0] > -45 and "−45.0" in texts(ax), "far off: an arrow at the edge, and its number"
    (arrow,) = [line for line in ax.lines if line.get_marker() == "<"]
    assert arrow.get_xdata()[0] == pytest.approx(ax.get_xlim()[0], rel=0.05)
    said = " ".join(text.get_text() for text in figure.legends[0].get_texts())
    assert "over seeds" in said and "over test texts" in said and "1.0 points apart" in said
    figure, _ = forest(table[table["basis"] != "texts"], NAN)
    said = " ".join(text.get_text() for text in figure.legends[0].get_texts())
    assert "over test texts" not in said and "apart" not in said


def test_nothing_leaves_the_figure_or_covers_another_text(table):
    check_readable(forest(table)[0])
    table.loc[1, ["difference", "ci_low", "ci_high"]] = 0.01, -0.1, 0.2  # LCL and CE side by side
    check_readable(forest(table)[0])
    figure, ax = forest(table.assign(n=0, status="not run", difference=NAN, ci_low=NAN, ci_high=NAN, basis=""), NAN)
    check_readable(figure)
    assert texts(ax).count("not run") == len(table)
