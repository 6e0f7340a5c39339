"""The figures of the case study: what is drawn is what the tables hold, and every text can be read."""

import pytest

from lclstudy.analyses.case_study import figures
from lclstudy.analyses.case_study.tables import comparisons_by_set, published_by_set, results_by_set
from lclstudy.errors import StudyError
from lclstudy.show import style
from tests.analyses.case_study.test_tables import CORPUS, results  # noqa: F401
from tests.material import check_readable


@pytest.fixture
def tables(results):  # noqa: F811
    made = results_by_set(results, CORPUS)
    return made, comparisons_by_set(results, CORPUS), published_by_set(CORPUS)


def drawn(ax):
    """The x of every mark."""
    return sorted(round(float(line.get_xdata()[0]), 6) for line in ax.lines if line.get_marker() not in ("None", None, ""))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_accuracies_are_those_of_the_table(tables):
    made = tables[0]
    figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=4)
    figures.accuracy_by_set(made, axes)
    check_readable(figure)
    assert drawn(axes[0]) == sorted(made["published_mean"].dropna().round(6))
    assert drawn(axes[1]) == sorted(made["mean"].dropna().round(6))
    assert texts(axes[0]) == ["not in the paper"]
    assert texts(axes[1]).count("not run") == 6
    assert "ELECTRA base" in axes[0].get_title(loc="left") and "MiniLM" in axes[1].get_title(loc="left")
    assert axes[0].get_xlim() == axes[1].get_xlim()
    with pytest.raises(StudyError, match="two axes"):
        figures.accuracy_by_set(made, axes[:1])


def test_gains_are_those_of_the_table(tables):
    _, ours, theirs = tables
    figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=4)
    figures.gains_by_set(ours, theirs, axes)
    check_readable(figure)
    for ax, b in zip(axes, ("ce", "scl"), strict=True):
        shown = [ours, theirs[theirs["classes"].isin(ours["classes"])]]
        both = [frame[(frame["a"] == "lcl") & (frame["b"] == b)]["difference"].dropna() for frame in shown]
        assert drawn(ax) == sorted(float(value) for frame in both for value in frame.round(6))
        assert -ax.get_xlim()[0] == ax.get_xlim()[1]
    assert "LCL − CE" in axes[0].get_title(loc="left")


def test_a_corpus_without_published_numbers(tables):
    _, ours, theirs = tables
    figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=4)
    figures.gains_by_set(ours, theirs.iloc[:0], axes)
    check_readable(figure)
    (legend,) = figure.legends
    assert [text.get_text().split(" (")[0] for text in legend.get_texts()] == ["ours"]
