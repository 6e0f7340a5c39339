"""The published numbers: their structure, and every number and quote against the papers' texts."""

import re

import pandas as pd
import pytest
import yaml

from lclstudy import paths
from lclstudy.plan import catalog
from lclstudy.plan.spec import OBJECTIVES
from lclstudy.results import published
from tests.material import row_of

OTHER_ENCODERS = {"sentibert", "sentilare", "skep"}

CELLS, TESTS, NUMBERS = published.table(), published.significance_tests(), published.text_numbers()


def squeezed(text: str) -> str:
    return " ".join(text.split())


def as_printed(name: str) -> pd.DataFrame:
    """A file of data/published as text."""
    return pd.read_csv(paths.PUBLISHED / f"{name}.csv", dtype=str, keep_default_na=False)


# Printed rows times printed columns, less the blank cells.
SHAPES = {
    ("suresh2021", 1): 4 * 8, ("suresh2021", 2): 10 * 2 - 5, ("suresh2021", 3): 3 * 8, ("suresh2021", 4): 3 * 2,
    ("suresh2021", 5): 3 * 8, ("modarres", 1): 4 * 5 - 2, ("modarres", 2): 2 * 3,
}  # fmt: skip


def test_every_cell_is_there_once_with_spread_and_n_together_and_its_split_and_metric():
    cells = [(CELLS, "paper table row column"), (CELLS, "paper table row corpus classes metric")]
    texts = [(TESTS, "place corpus classes better worse"), (NUMBERS, "paper place subject quantity value")]
    for frame, key in (*cells, *texts):
        assert not frame.duplicated(key.split()).any() and frame[key.split()].notna().all(axis=None)
    assert CELLS.groupby(["paper", "table"]).size().to_dict() == SHAPES
    assert (CELLS["spread"].notna() == CELLS["n"].notna()).all()
    assert CELLS["spread"].isna().equals((CELLS["paper"] == "modarres") | (CELLS["objective"] == "reported"))
    runs = CELLS.dropna(subset="n").groupby("table")["n"].unique()
    assert {table: list(n) for table, n in runs.items()} == {1: [5], 2: [5], 3: [10], 4: [5], 5: [5]}
    validation = (CELLS["paper"] == "suresh2021") & CELLS["table"].isin([4, 5])
    assert (CELLS["split"] == validation.map({True: "validation", False: "test"})).all()
    assert CELLS.groupby(["metric", "table"]).size()["weighted_f1"].to_dict() == {1: 16, 5: 12}


def test_rounding_is_half_of_the_last_printed_digit():
    paper = CELLS["paper"] == "suresh2021"
    assert (CELLS.loc[paper, ["value_rounding", "spread_rounding"]].dropna() == 0.05).all(axis=None)
    whole = row_of(published.table("modarres", 1), row="BERT_base", corpus="emoint")
    assert (whole["value"], whole["value_rounding"]) == (85, 0.5)
    by_p = TESTS.set_index("p")["p_rounding"].groupby(level=0).max()
    assert (by_p[0.007], by_p[0.02]) == (0.0005, 0.005)


def test_names_are_those_of_the_catalogue():
    assert set(CELLS["corpus"]) == set(catalog.corpora()) - {"embedded"}
    assert {*CELLS["objective"]} - {*OBJECTIVES} == {"reported"}
    assert {*CELLS["encoder"]} - {*catalog.encoders()} == OTHER_ENCODERS
    assert {*TESTS["better"], *TESTS["worse"]} <= {*OBJECTIVES, *OTHER_ENCODERS}
    others = {"all", "search", "classifier", "augmentation", "optimiser", "case_study", "base_models"}
    assert set(NUMBERS["subject"]) <= {*catalog.corpora(), *catalog.encoders(), *others}


def test_class_sets_are_labels_of_empathetic_dialogues():
    sets = published.class_sets()
    labels = {*catalog.corpora()["empathetic_dialogues"].labels}
    sizes = {"16": 16, "8": 8, "4-easy": 4, "4-hard-a": 4, "4-hard-b": 4, "4-hard-c": 4, "4-hard-d": 4}
    assert {name: len(labels & {*members}) for name, members in sets.items()} == sizes
    assert all(len(members) == sizes[name] for name, members in sets.items())


def test_counts_of_classes_and_texts_are_those_of_the_catalogue():
    counts = NUMBERS[(NUMBERS["quantity"] == "classes") & NUMBERS["subject"].isin(list(catalog.corpora()))]
    assert set(counts["subject"]) == set(catalog.corpora()) - {"embedded", "twitter_sentiment", "parsinlu"}
    assert all(len(catalog.corpora()[row.subject].labels) == row.value for row in counts.itertuples())
    sizes = NUMBERS[(NUMBERS["paper"] == "suresh2021") & NUMBERS["quantity"].isin(["train", "validation", "test"])]
    ours = {corpus: dict(zip(group["quantity"], group["value"], strict=True)) for corpus, group in sizes.groupby("subject")}
    assert ours == {name: entry.published["paper"] for name, entry in catalog.corpora().items() if "paper" in entry.published}


def test_tests_are_complete_and_follow_the_cells():
    value = TESTS[TESTS["kind"] == "value"]
    assert (value["t"].notna().sum(), value["t"].isna().sum()) == (15, 4)
    assert (TESTS["kind"] == "claim").sum() == 3 + 3 + 8
    below = (TESTS["p"] < 0.05) | ((TESTS["p"] == 0.05) & (TESTS["p_relation"] == "<"))
    assert (below == (TESTS["claim"] == "significant")).all()
    cells = CELLS.query("paper == 'suresh2021' and metric == 'accuracy'")
    cells = cells[cells["encoder"].isin({"electra-base", *OTHER_ENCODERS})]
    cells = cells.assign(method=cells["objective"].where(cells["objective"] != "reported", cells["encoder"]))
    mean = cells.set_index(["table", "column", "corpus", "classes", "method"])["value"]
    for row in TESTS.itertuples():
        place = (row.table, row.column, row.corpus, row.classes)
        assert mean[(*place, row.better)] > mean[(*place, row.worse)] or row.claim == "not significant", row


def plain(text: str) -> str:
    """Without markup and white space: `ELECTRA <sub>base</sub>` and `$ELECTRA_{base}$` are both `ELECTRAbase`."""
    return re.sub(r"</?\w+>|[\s${}_:]", "", text)


def printed_table(text: str, number: int) -> tuple[list[str], list[list[str]]]:
    """The tab-separated lines above a caption: the headings of the columns, stacked ones joined by `/` and spread over their
    columns, and the rows that follow."""
    (lines,) = re.findall(rf"((?:^[^\t\n]*\t.*\n)+)\n?Table {number}: ", text, re.MULTILINE)
    rows = [[plain(cell) for cell in line.split("\t")] for line in lines.splitlines()]
    heads = [row for row in rows if row[0] in ("", "Dataset", "Numberofclasses", "NumberofClasses")]
    filled = [pd.Series(row[1:]).replace("", pd.NA).ffill().tolist() for row in heads]
    return ["/".join(parts) for parts in zip(*filled, strict=True)], rows[len(heads) :]


@pytest.mark.parametrize(("paper", "table"), SHAPES)
def test_every_cell_is_the_printed_one(papers, paper, table):
    columns, rows = printed_table(papers[paper], table)
    cells = [(row[0], column, cell) for row in rows for column, cell in zip(columns, row[1:], strict=True) if cell]
    parts = [re.fullmatch(r"([\d.]+)(?:\((?:([\d.]+)|-)\))?", cell).groups("") for *_, cell in cells]
    printed = [(row, column, *numbers) for (row, column, _), numbers in zip(cells, parts, strict=True)]
    raw = as_printed("numbers")
    ours = raw[(raw["paper"] == paper) & (raw["table"] == str(table))]
    assert [(plain(row.row), plain(row.column), row.value, row.spread) for row in ours.itertuples()] == printed


def test_every_quote_and_every_class_set_stands_in_its_paper(papers):
    texts = {paper: squeezed(text) for paper, text in papers.items()}
    for row in [*TESTS.itertuples(), *NUMBERS.itertuples()]:
        assert squeezed(row.quote) in texts[row.paper], row.quote
    for name, members in published.class_sets().items():
        assert ", ".join(members).title() in texts["suresh2021"].replace("*", ""), name


def test_no_t_or_p_value_is_left_out(papers):
    """Counts the printed t and p values before the references; a claim's p value counts once for its sentence."""
    body = squeezed(papers["suresh2021"].split("# References")[0])
    assert len(re.findall(r"\bt ?= ?\d", body)) == TESTS["t"].notna().sum()
    claims = TESTS[TESTS["kind"] == "claim"].drop_duplicates("quote")
    assert len(re.findall(r"\bp(?:'s)? ?[=<>] ?\.\d", body)) == (TESTS["kind"] == "value").sum() + len(claims)


WORDS = {"2": "two", "4": "four", "5": "five", "10": "ten", "1": "one"}


def test_every_number_stands_in_its_quote():
    for row in as_printed("text_numbers").itertuples():
        digits = re.findall(r"-?\d[\d.]*(?:e-\d+)?", re.sub(r"(?<=\d),(?=\d{3}\b)", "", row.quote.replace("-class", " class")))
        words = re.findall(r"\w+", row.quote)
        assert row.value in [each.rstrip(".") for each in digits] or WORDS.get(row.value) in words, row
    for row in as_printed("tests").itertuples():
        assert not row.t or re.search(rf"t ?= ?{re.escape(row.t)}\b", row.quote), row
        relation = "[<>]" if "except" in row.quote else row.p_relation  # the excepted pair is the one that is not below
        assert re.search(rf"p(?:'s)? ?{relation} ?{re.escape(row.p)}(?!\d)", row.quote), row


def test_encoders_are_pinned_or_say_why_not():
    for entry in catalog.encoders().values():
        if entry.kind != "transformer":  # made here of the training split, nothing to download: the revision is our recipe's
            assert entry.kind in ("tiny", "recurrent", "bagofwords") and entry.revision.isdigit() and not entry.hub
        else:
            assert entry.hub.count("/") == 1
            assert re.fullmatch(r"[0-9a-f]{40}", entry.revision) or "not pinned" in entry.note, entry.name
        assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256)


def test_citation_names_the_study_and_its_sources():
    citation = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text("utf-8"))
    first = [reference["authors"][0]["family-names"] for reference in citation["references"]]
    assert first == ["Suresh", "Modarres", "Khosla", "Gunel"] and {"message", "title", "authors"} <= set(citation)
