"""Figures and tables of the audit: they show the numbers given, and every text is readable and inside."""

import pytest

from lclstudy.analyses.published_numbers import figures, rounding, tables
from lclstudy.results import published
from lclstudy.show import style
from tests.material import check_readable


def test_degrees_of_freedom_show_what_is_needed_and_what_tests_have(audited):
    degrees = rounding.degrees_of_freedom(audited)
    figure, (ax,) = style.subplots(width=style.DOUBLE, height=3.8)
    figures.degrees_of_freedom(degrees, ax)
    for bar, kind in ((ax.patches[0], "cut"), (ax.patches[len(degrees)], "rounded")):
        wanted = tuple(degrees.loc[0, [f"{kind}_low", f"{kind}_high"]])
        assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx(wanted)
    square = next(line for line in ax.lines if line.get_marker() == "s")
    assert list(square.get_xdata()) == degrees["student"].tolist()
    assert ax.get_title(loc="left") == "Of 15 printed pairs of t and p, 14 fit Welch's test, 9 Student's"
    check_readable(figure)


def test_p_values_show_statement_and_interval(audited):
    figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=5.6)
    figures.p_values(audited, ["welch_population", "student_sample"], axes)
    here = audited[audited["reading"] == "student_sample"]
    either = here[here["print"] == "either"].reset_index(drop=True)
    claim = either.index[either["test"] == "4-easy: CE vs SCL"][0]
    bar = axes[1].patches[claim]
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx((0.15, 1.0))
    ends = [tuple(part[:, 0]) for part in axes[1].collections[0].get_segments()]
    assert ends[claim] == pytest.approx(tuple(either.loc[claim, ["p_low", "p_high"]]))
    assert axes[1].get_title(loc="left").endswith(f"together in {(either['probability'] > 0).sum()} of 33")
    tiny = either.index[either["test"] == "SST-2: SKEP vs LCL"][0]
    assert ends[tiny][0] == figures.SMALLEST_P
    check_readable(figure)


def test_differences_of_the_paper():
    rows = tables.differences()
    assert rows["label"].nunique() == 14 and len(rows) == 28
    row = rows[(rows["label"] == "EmoInt, 4 classes (n = 5)") & (rows["b"] == "ce")].iloc[0]
    assert row["difference"] == pytest.approx(1.1) and row["ci_low"] > 0
    figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=3.4)
    figures.differences(rows, axes)
    first = rows[rows["b"] == "ce"]
    points = [line.get_xdata()[0] for line in axes[0].lines if line.get_marker() == style.marker("lcl")]
    assert points == pytest.approx(first["difference"].tolist())
    assert axes[0].get_title(loc="left").endswith(f"above 0 in {(first['ci_low'] > 0).sum()} of 14")
    check_readable(figure)


def test_tables_as_printed():
    cells = published.table("suresh2021")
    table = tables.as_printed(cells[cells["table"].isin([1, 2])]).set_index("trained or cited")
    assert table.loc["ELECTRA base + LCL", ["EmoInt, F1", "SST-5"]].tolist() == ["86.6 (0.3)", "58.5 (0.2)"]
    assert table.loc["SKEP (Tian et al., 2020a)", ["SST-5", "SST-2"]].tolist() == ["", "96.7"]
    assert tables.as_printed(cells[cells["table"] == 3]).columns[1:].tolist()[:4] == ["32", "16", "8", "4-easy"]
    assert tables.as_printed(published.table("modarres")).set_index("trained or cited").loc["mBERT + LCL"].iloc[-1] == "76"


def test_the_readable_table_has_a_row_per_test(audited):
    table = tables.readable(audited, "welch_population").set_index("test")
    assert len(table) == 33 and table["n"].str.contains("cited").sum() == 2
    row = table.loc["EmoInt: LCL vs CE"]
    assert row["t printed"] == "2.25" and row["t follows"].startswith("2.32 [") and row["p printed"] == "= 0.078"
    assert row["p by Holm"] == "" and table.loc["ISEAR: LCL vs CE", "below 0.05?"] == "yes"
    assert table.loc["GoEmotions: LCL vs CE", "together if"] == "either"
