"""Forest plot and tiles of verdicts: what is drawn is what the tables hold, and every text can be read."""

import math

import pandas as pd

from lclstudy.analyses.verdicts import figures, said, tables
from lclstudy.results import published
from lclstudy.show import forest, style
from tests.material import check_readable, made, make_runs


def test_the_forest_draws_every_difference():
    results = made(make_runs({"lcl": [86.0, 87.0], "ce": [85.0, 85.5]}))
    rows = tables.forest_rows(results, "lcl", "ce")
    figure, (ax,) = style.subplots(width=style.DOUBLE, height=3.5)
    forest.forest(rows, ax, "LCL − CE")
    forest.forest_key(ax, "ELECTRA base", "MiniLM")
    check_readable(figure)
    single = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata()) == 1]
    marks = sorted(round(x, 6) for x in single if not math.isnan(x))
    both = pd.concat([rows["difference"], rows["published_difference"]]).dropna()
    assert marks == sorted(both.round(6))
    assert [text.get_text() for text in ax.texts] == ["5, 5", "2, 2"]
    assert "points" in ax.get_xlabel()


def test_every_verdict_has_a_colour_and_its_letter():
    table = tables.judge_claims(
        [made(make_runs({"lcl": [87.0, 87.2, 87.1], "ce": [85.0, 85.3, 85.2]}))], published.claims().iloc[:12]
    )
    rows = table.to_dict("records")
    figure, (ax,) = style.subplots(width=style.DOUBLE, height=3)
    figures.tiles(
        table, [said.what(row) for row in rows], [figures.short(said.where(row), row) for row in rows], ax, "The paper"
    )
    check_readable(figure)
    letters = [text.get_text().rstrip("*") for text in ax.texts]
    assert letters == [figures.LETTERS[word] for word in table["word"]] and "R" in letters
    assert set(figures.COLOURS) == set(tables.VERDICTS)
