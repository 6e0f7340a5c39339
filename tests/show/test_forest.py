"""Forest plot and tiles of verdicts: what is drawn is what the tables hold, and every text can be read."""

import pandas as pd

from lclstudy.analyses.verdicts import figures, said, tables
from lclstudy.results import published
from lclstudy.show import forest, style
from tests.material import check_readable, made, make_runs

EMOINT = make_runs({"lcl": [87.0, 87.2, 87.1], "ce": [85.0, 85.3, 85.2]})


def test_the_forest_draws_every_difference():
    rows = tables.forest_rows(made(EMOINT, make_runs({"lcl": [70.0, 71.0], "ce": [70.0, 70.5]}, "isear")), "lcl", "ce")
    figure, (ax,) = style.subplots(width=style.DOUBLE, height=3.5)
    forest.forest(rows, ax, "LCL − CE")
    forest.forest_key(ax, "ELECTRA base", "MiniLM")
    check_readable(figure)
    marks = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata()) == 1]
    both = pd.concat([rows["difference"], rows["published_difference"]]).dropna()
    assert sorted(pd.Series(marks).dropna().round(6)) == sorted(both.round(6)) and len(both) == 6
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["5, 5", "3, 3", "5, 5", "2, 2"]


def test_every_verdict_has_a_colour_and_its_letter():
    table = tables.judge_claims([made(EMOINT)], published.claims().iloc[:12])
    rows = table.to_dict("records")
    figure, (ax,) = style.subplots(width=style.DOUBLE, height=3)
    wheres = [figures.short(said.where(row), row) for row in rows]
    figures.tiles(table, [said.what(row) for row in rows], wheres, ax, "The paper")
    check_readable(figure)
    letters = [text.get_text().rstrip("*") for text in ax.texts]
    assert letters == [figures.LETTERS[word] for word in table["word"]] and "R" in letters
    assert set(figures.COLOURS) == set(tables.VERDICTS)
