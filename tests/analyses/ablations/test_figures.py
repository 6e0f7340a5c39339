"""Figures of the ablations: what is drawn, on rows made by hand."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from lclstudy.analyses.ablations import figures, tables
from lclstudy.errors import StudyError
from lclstudy.show import style

NAN = float("nan")


def made(setting, group, objective, n, difference=NAN, low=NAN, high=NAN, basis=""):
    scores = tuple(80 + np.arange(n, dtype=float))
    row = {"setting": setting, "group": group, "objective": objective, "n": n, "status": "done" if n else "not run"}
    row |= {"difference": difference, "ci_low": low, "ci_high": high, "basis": basis, "scores": scores}
    row |= {"mean": np.mean(scores) if n else NAN, "seconds": 60.0 * n if n else NAN, "parameters": 2e7 if n else NAN}
    return row


@pytest.fixture
def table():
    return pd.DataFrame([
        made("LCL", "reference", "lcl", 3),
        made("CE", "reference", "ce", 3, 1.4, 0.4, 2.4, "seeds"),
        made("uniform weights", "weights", "lcl", 1, -0.8, -1.5, -0.1, "texts"),
        made("weights inside the log", "weights", "lcl", 0),
        made("summed over the batch", "classifier", "lcl", 3, -45.0, -50.0, -40.0, "seeds"),
    ])  # fmt: skip


@pytest.fixture
def figure():
    yield style.subplots
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def forest(table, figure, spread=1.0):
    drawn, axes = figure(1, 1, style.DOUBLE, figures.height(table))
    return drawn, figures.forest(table, spread, tables.GROUPS, "title", axes[0])


def test_every_setting_has_its_row_under_its_group(table, figure):
    _, ax = forest(table, figure)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(table["setting"])
    assert {tables.GROUPS[group] for group in table["group"]} <= set(texts(ax))
    assert sorted(ax.get_yticks()) == list(ax.get_yticks())


def test_one_seed_is_open_and_more_are_filled(table, figure):
    _, ax = forest(table, figure)
    faces = {line.get_xdata()[0]: line.get_markerfacecolor() for line in ax.lines if line.get_marker() not in ("None", None)}
    assert faces[1.4] == style.colour("ce")
    assert faces[-0.8] == "white"


def test_what_did_not_run_is_said_in_grey(table, figure):
    _, ax = forest(table, figure)
    (said,) = [text for text in ax.texts if text.get_text() == "not run"]
    assert said.get_color() == style.NEUTRAL
    assert said.get_position()[1] == ax.get_yticks()[3]


def test_a_far_setting_is_an_arrow_at_the_edge_with_its_number(table, figure):
    _, ax = forest(table, figure)
    assert ax.get_xlim()[0] > -45
    assert "−45.0" in texts(ax)
    arrows = [line for line in ax.lines if line.get_marker() == "<"]
    assert len(arrows) == 1 and arrows[0].get_xdata()[0] == pytest.approx(ax.get_xlim()[0], rel=0.05)


def test_the_key_says_what_each_interval_is(table, figure):
    drawn, _ = forest(table, figure)
    said = " ".join(text.get_text() for text in drawn.legends[0].get_texts())
    assert "over seeds" in said and "over test texts" in said and "1.0 points apart" in said
    plain, _ = forest(table[table["basis"] != "texts"], figure, NAN)
    said = " ".join(text.get_text() for text in plain.legends[0].get_texts())
    assert "over test texts" not in said and "apart" not in said


def test_a_table_in_which_nothing_ran_is_drawn(table, figure):
    nothing = table.assign(n=0, status="not run", difference=NAN, ci_low=NAN, ci_high=NAN, basis="")
    drawn, ax = forest(nothing, figure, NAN)
    drawn.canvas.draw()
    assert texts(ax).count("not run") == len(nothing)


def test_nothing_leaves_the_figure(table, figure):
    drawn, ax = forest(table, figure)
    drawn.canvas.draw()
    whole = drawn.bbox
    for text in [*ax.texts, *ax.get_yticklabels(), ax.title]:
        box = text.get_window_extent()
        assert box.x0 >= whole.x0 and box.x1 <= whole.x1 and box.y1 <= whole.y1, text.get_text()


def test_gain_and_cost_show_what_ran_quickest_first(table, figure):
    _, axes = figure(1, 3, style.DOUBLE, 2)
    figures.gain_and_cost(table, "Accuracy", axes)
    rows = [label.get_text() for label in axes[0].get_yticklabels()]
    assert rows[0] == "uniform weights (n = 1)" and len(rows) == 4
    assert texts(axes[1])[0] == "1.0" and texts(axes[2])[0] == "20"
    with pytest.raises(StudyError, match="three axes"):
        figures.gain_and_cost(table, "Accuracy", axes[:2])


def test_a_setting_that_did_not_learn_does_not_hide_the_others(table, figure):
    _, axes = figure(1, 3, style.DOUBLE, 2)
    table.at[4, "scores"], table.loc[4, "mean"] = (33.0, 33.1, 33.2), 33.1
    figures.gain_and_cost(table, "Accuracy", axes)
    assert axes[0].get_xlim()[0] > 60
    assert texts(axes[0]) == ["33.1"]


def test_names_above_the_axes_do_not_cover_each_other(table, figure):
    table.loc[1, ["difference", "ci_low", "ci_high"]] = 0.01, -0.1, 0.2
    drawn, ax = forest(table, figure)
    drawn.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text() in ("LCL", "CE")]
    assert len(boxes) == 2 and not boxes[0].overlaps(boxes[1])
