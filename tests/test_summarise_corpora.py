"""The summary of the raw corpora: the tracked tables agree with the corpora, and a corpus that is absent is said to be."""

import io

import pandas as pd
import pytest

from lclstudy.corpora.load import SPLITS
from lclstudy.plan import catalog
from lclstudy.plan.catalog import CorpusEntry
from lclstudy.results import corpus_facts
from tests import material

script = material.script("summarise_corpora")
TRACKED = {name: corpus_facts.table(name) for name in corpus_facts.TABLES}


def test_every_split_of_every_corpus_is_there():
    rows = TRACKED["splits"]
    expected = [(name, split) for name in catalog.corpora() for split in SPLITS]
    assert list(zip(rows["corpus"], rows["split"], strict=True)) == expected
    absent = rows["status"] == "absent"
    assert (absent == rows["rows"].isna()).all() and (absent == rows["absent_files"].notna()).all()
    checked = rows[~absent & rows["expected_rows"].notna()]
    assert (checked["rows"] == checked["expected_rows"]).all() and len(checked) >= 21


@pytest.mark.parametrize("name", ["embedded", "isear"])
def test_tracked_tables_are_what_the_script_makes(name, request):
    if name != "embedded":
        request.getfixturevalue("raw_data")
    made = script.summarise([catalog.corpora()[name]])
    for table, rows in made.items():
        held = TRACKED[table][TRACKED[table]["corpus"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(script.as_csv(rows))), held, check_dtype=False)


def test_without_raw_files_or_with_a_broken_one_the_tables_stay(monkeypatch, tmp_path):
    monkeypatch.setenv("LCLSTUDY_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["summarise_corpora.py", str(tmp_path / "summary")])
    with pytest.raises(SystemExit, match="set LCLSTUDY_DATA"):
        script.main()
    (tmp_path / "isear").mkdir()
    (tmp_path / "isear" / "isear.csv").write_text("cut")
    with pytest.raises(SystemExit, match=r"Raw file isear/isear\.csv is cut short"):
        script.main()
    assert not (tmp_path / "summary").exists()


def test_absent_corpus_is_a_row_and_not_a_gap(monkeypatch, tmp_path):
    monkeypatch.setenv("LCLSTUDY_DATA", str(tmp_path))
    tables = script.summarise([catalog.corpora()["ag_news"], catalog.corpora()["isear"]])
    files = ["ag_news/train.csv", "ag_news/train.csv", "ag_news/test.csv", *["isear/isear.csv"] * 3]
    assert tables["splits"][["status", "absent_files"]].to_numpy().tolist() == [["absent", file] for file in files]
    assert len(tables["labels"]) == len(tables["duplicates"]) == 0


def test_duplicates():
    entry = CorpusEntry(name="toy", title="Toy", task="", labels=("no", "yes"), files=(), counts={"train": 4})
    splits = {"train": [("one", 0), ("One", 0), ("one", 1), ("two", 0)], "test": [("ONE", 1), ("two", 1), ("three", 0)]}
    frames = {split: pd.DataFrame(rows, columns=["text", "label"]) for split, rows in splits.items()}
    found = [tuple(row.values())[1:] for row in script.duplicate_rows(entry, frames)]
    assert found == [("train", "train", 2, 1, None), ("test", "train", 2, 1, "1"), ("test", "test", 0, 0, None)]
