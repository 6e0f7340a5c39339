"""A corpus file of one's own: csv, jsonl and parquet load alike, and each kind of bad input gives one clear line."""

import json
import logging

import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

from lclstudy.corpora.load import load_corpus
from lclstudy.errors import StudyError

ROWS = [(f"text {number} of {label}", label, split)
        for label in ("cat", "dog")
        for split, numbers in (("train", range(10)), ("dev", range(10, 14)), ("test", range(14, 18)))
        for number in numbers]  # fmt: skip
FRAME = pd.DataFrame(ROWS, columns=["text", "label", "split"])


def write(path, frame: pd.DataFrame) -> str:
    """Writes the frame in the format of the path's suffix."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    return str(path)


def as_lists(corpus) -> dict:
    return {split: dataset.to_dict() for split, dataset in corpus.items()}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".CSV"])
def test_formats_load_alike(tmp_path, suffix):
    path = tmp_path / f"pets{suffix}"
    frame = FRAME.rename(columns=str)
    frame.to_csv(path, index=False) if suffix == ".CSV" else write(path, frame)
    corpus = load_corpus(str(path))
    assert {split: len(rows) for split, rows in corpus.items()} == {"train": 20, "validation": 8, "test": 8}
    assert corpus["train"].features["label"].names == ["cat", "dog"]
    assert corpus["validation"].to_dict() == {
        "text": [text for text, _, split in ROWS if split == "dev"],
        "label": [int(label == "dog") for _, label, split in ROWS if split == "dev"],
    }


def test_without_split_60_20_20_and_said_so(tmp_path, caplog):
    path = write(tmp_path / "pets.csv", FRAME[["text", "label"]].iloc[:30])
    with caplog.at_level(logging.WARNING, logger="lclstudy"):
        corpus = load_corpus(path)
    assert [len(corpus[split]) for split in ("train", "validation", "test")] == [18, 6, 6]
    assert "no split column" in caplog.text and "18 / 6 / 6" in caplog.text
    assert "no split column" in corpus["test"].info.description
    texts = [text for rows in corpus.values() for text in rows["text"]]
    assert sorted(texts) == sorted(FRAME["text"].iloc[:30])
    assert as_lists(load_corpus(path)) == as_lists(corpus)


def test_stratified_by_label(tmp_path):
    frame = pd.DataFrame({"text": [f"t{n}" for n in range(100)], "label": ["rare"] * 10 + ["common"] * 90})
    corpus = load_corpus(write(tmp_path / "skewed.csv", frame))
    rare = corpus["train"].features["label"].str2int("rare")
    assert [list(corpus[split]["label"]).count(rare) for split in ("train", "validation", "test")] == [6, 2, 2]


def test_without_validation_a_fifth_of_train_and_said_so(tmp_path, caplog):
    path = write(tmp_path / "pets.csv", FRAME[FRAME["split"] != "dev"])
    with caplog.at_level(logging.WARNING, logger="lclstudy"):
        corpus = load_corpus(path)
    assert [len(corpus[split]) for split in ("train", "validation", "test")] == [16, 4, 8]
    assert "4 of 20 training rows" in caplog.text
    assert "4 of 20 training rows" in corpus["validation"].info.description


def test_numbers_as_labels_and_quoted_line_breaks(tmp_path):
    path = tmp_path / "numbers.csv"
    rows = [f'"line one\nline two {number}",{number % 2}' for number in range(20)]
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    corpus = load_corpus(str(path))
    assert corpus["train"].features["label"].names == ["0", "1"]
    assert all(text.startswith("line one line two") for text in corpus["train"]["text"])


def test_words_that_look_like_missing_values_are_texts(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text(
        "\ufefftext,label\n" + "".join(f"{word},{label}\n" for word in ("NA", "null", "None", "nan", "-") for label in "ab")
    )
    corpus = load_corpus(str(path))
    assert {text for rows in corpus.values() for text in rows["text"]} == {"NA", "null", "None", "nan", "-"}


def csv_of(header: str, *rows: str) -> str:
    return "\n".join([header, *rows]) + "\n"


BAD_CSV = {
    "empty file": ("", "is empty"),
    "header alone": ("text,label\n", "is empty"),
    "no text": (csv_of("sentence,label", "a,b"), "has no column 'text'; found: sentence, label"),
    "no label": (csv_of("text,class", "a,b"), "has no column 'label'; found: text, class"),
    "single class": (csv_of("text,label", "a,x", "b,x"), "has the single class 'x'"),
    "empty text": (csv_of("text,label", "a,x", " ,y"), "line 3: the text is empty"),
    "empty label": (csv_of("text,label", "a,x", "b,"), "line 3: the label is empty"),
    "short row": (csv_of("text,label", "a,x", "b"), "line 3: 1 fields, but the header has 2"),
    "unknown split": (csv_of("text,label,split", "a,x,train", "b,y,tset"), "line 3: Unknown split 'tset'; allowed: train"),
    "split missing in a row": (csv_of("text,label,split", "a,x,train", "b,y,"), "line 3: the split is empty"),
    "no training rows": (csv_of("text,label,split", "a,x,test", "b,y,test"), "no rows of split 'train'"),
    "no test rows": (csv_of("text,label,split", "a,x,train", "b,y,train"), "no rows of split 'test'"),
    "class unseen in training": (
        csv_of("text,label,split", "a,x,train", "b,y,train", "c,z,test"),
        "line 4: class 'z' is in test but not in train",
    ),
    "class unseen, in validation": (
        csv_of("text,label,split", "a,x,train", "b,y,train", "c,z,dev", "d,x,test"),
        "line 4: class 'z' is in validation but not in train",
    ),
    "a class of one text": (
        csv_of("text,label", *(f"{n},x" for n in range(9)), "d,y"),
        "too few rows of some class to split it by label: 'y' has 1; give 5 or more of each class",
    ),
    "too few for validation": (csv_of("text,label,split", "a,x,train", "b,y,train", "c,x,test"), "too few rows of some class"),
    "quote not closed": (csv_of("text,label", "a,x", '"b,y', "c,x"), "line 3: broken csv (unexpected end of data); close each"),
    "quote inside": (csv_of("text,label", 'a,x', '"b "c" d",y'), "line 3: broken csv (',' expected after '\"'); close each"),
    "quote closed far below": (csv_of("text,label", 'a,x', '"b,y', *["c,x"] * 5, '"d"'), "line 3: broken csv"),
    "quote never closed in a long file": (csv_of("text,label", '"b,y', "long " * 30_000), "line 2: broken csv (field"),
    "comma in a text": (csv_of("text,label", "a,x", "oh, y,y"), "line 3: 3 fields, but the header has 2; put quotation marks"),
    "two text columns": (csv_of("text,text,label", "a,b,x"), "has 2 columns 'text'; delete or rename all but one"),
    "two label columns": (csv_of("text,label,label", "a,x,y"), "has 2 columns 'label'; delete"),
    "two split columns": (csv_of("text,label,split,split", "a,x,train,test"), "has 2 columns 'split'; delete"),
    "capitals in the header": (csv_of("Text,Label", "a,x"), "has no column 'text'; found: Text, Label. Rename or add it."),
    "semicolons": (csv_of("text;label", "a;x", "b;y"), "text;label. Its columns are separated by semicolons: save it with"),
    "tabs": (csv_of("text\tlabel", "a\tx"), "Its columns are separated by tabs: save it with commas or name it .tsv."),
    "bars": (csv_of("text|label", "a|x"), "Its columns are separated by bars: save it with commas."),
    "no header": (csv_of("I am glad,joy", "I am sad,sadness"), "has no column 'text'; found: I am glad, joy"),
    "NUL in a text": (csv_of("text,label", "a,x", "b\0c,y"), "line 3: the text holds a NUL byte"),
    "NUL in a label": (csv_of("text,label", "a,x", "b,\0y"), "line 3: the label holds a NUL byte"),
    "labels that differ in case": (
        csv_of("text,label", "a,sad", "b,joy", "c,Sad"),
        "line 4: label 'Sad' differs from 'sad' (line 2) only in capitals or coding",
    ),
    "labels that differ in coding": (csv_of("text,label", "a,caf\u00e9", "b,cafe\u0301"), "line 3: label"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD_CSV.values(), ids=BAD_CSV)
def test_bad_csv(tmp_path, content, message):
    path = tmp_path / "mine.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(StudyError) as caught:
        load_corpus(str(path))
    assert message in str(caught.value) and "mine.csv" in str(caught.value)
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b'{"text": "a", "label": "x"}\n{"text": "b"}\n', "line 2: has no column 'label'"),
        (b'{"text": "a", "label": "x"}\n{"text": null, "label": "y"}\n', "line 2: the text is empty"),
        (b'{"text": "a", "label": NaN}\n', "line 1: the label is empty"),
        (b'{"text": "a", "label": "x"}\n{"text": \n', "line 2: not JSON"),
        (b'["a", "x"]\n', "line 1: not a JSON object"),
        (b'{"text": "na\xefve", "label": "x"}\n', "line 1: not UTF-8"),
        (b'{"text": "a", "label": "x", "split": 3}\n', "line 1: Unknown split 3"),
        (b'{"text": "a", "label": "x", "split": ["train"]}\n', "line 1: Unknown split ['train']"),
        (b'{"text": ["a", "b"], "label": "x"}\n', "line 1: the text is a list; give a text"),
        (b'{"text": "a", "label": {"name": "x"}}\n', "line 1: the label is an object; give a text"),
        (b'{"text": "a\\u0000", "label": "x"}\n', "line 1: the text holds a NUL byte"),
        (b'{"text": "a\\ud83d", "label": "x"}\n', "line 1: the text holds half of a character"),
        (b'[{"text": "a", "label": "x"}]\n', 'line 1: not a JSON object; write {"text": ..., "label": ...}'),
        (b"[" * 100_000 + b"\n", "line 1: not JSON"),
    ],
)
def test_bad_jsonl(tmp_path, content, message):
    path = tmp_path / "mine.jsonl"
    path.write_bytes(content)
    with pytest.raises(StudyError) as caught:
        load_corpus(str(path))
    assert message in str(caught.value) and "mine.jsonl" in str(caught.value)


def test_bad_parquet(tmp_path):
    path = tmp_path / "mine.parquet"
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(StudyError, match=r"mine\.parquet is not a whole parquet file"):
        load_corpus(str(path))
    pd.DataFrame({"words": ["a"], "label": ["x"]}).to_parquet(path)
    with pytest.raises(StudyError, match="has no column 'text'; found: words, label"):
        load_corpus(str(path))
    pd.DataFrame({"text": ["a", None], "label": ["x", "y"]}).to_parquet(path)
    with pytest.raises(StudyError, match="line 2: the text is empty"):
        load_corpus(str(path))


def test_parquet_of_bytes_and_of_two_text_columns(tmp_path):
    path = tmp_path / "mine.parquet"
    pd.DataFrame({"text": [b"a"], "label": ["x"]}).to_parquet(path)
    with pytest.raises(StudyError, match="line 1: the text is bytes; give a text"):
        load_corpus(str(path))
    table = pyarrow.table([["a"], ["b"], ["x"]], names=["text", "text", "label"])
    parquet.write_table(table, path)
    with pytest.raises(StudyError, match="has 2 columns 'text'"):
        load_corpus(str(path))


@pytest.mark.parametrize("content", [b"na\xefve", "text,label\na,x\n".encode("utf-16")])
def test_files_in_another_encoding(tmp_path, content):
    path = tmp_path / "mine.csv"
    path.write_bytes(b"text,label\n" + content if content[:2] == b"na" else content)
    with pytest.raises(StudyError, match=r"mine\.csv, line [12]: not UTF-8 text; save the file in that encoding"):
        load_corpus(str(path))


@pytest.mark.parametrize("name", ["gone.csv", "folder.csv", "folder", "mine.xlsx", "mine.json", ".csv", ""])
def test_what_is_no_table(tmp_path, name):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "mine.xlsx").write_bytes(b"PK")
    (tmp_path / "mine.json").write_text("[]")
    with pytest.raises(StudyError, match=r"^(No corpus file|Unknown corpus) .*csv") as caught:
        load_corpus(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_tabs_semicolons_in_texts_and_blank_lines(tmp_path):
    path = tmp_path / "mine.TSV"
    rows = [f"a text, with; marks {n}\t{n % 2}\n\n" for n in range(20)]
    path.write_text("text\tlabel\n" + "".join(rows))
    corpus = load_corpus(str(path))
    assert sum(len(rows) for rows in corpus.values()) == 20
    assert all(text.startswith("a text, with; marks") for text in corpus["train"]["text"])


def test_white_space_in_labels_and_splits_does_not_count(tmp_path):
    rows = [(f"{split} {n}", label, f" {split} ") for split in ("train", "dev", "test")
            for n, label in enumerate(["very sad", " very  sad", "glad\t", "glad"])]  # fmt: skip
    corpus = load_corpus(write(tmp_path / "mine.csv", pd.DataFrame(rows, columns=["text", "label", "split"])))
    assert corpus["train"].features["label"].names == ["glad", "very sad"]
    assert {split: len(rows) for split, rows in corpus.items()} == {"train": 4, "validation": 4, "test": 4}


def test_texts_in_any_script(tmp_path):
    texts = [f"{word} {n}" for n in range(5) for word in ("😀👨‍👩‍👧", "غضب شديد", "怒り", "Ünïcödé")]
    frame = pd.DataFrame({"text": texts, "label": ["😀", "غضب", "怒り", "é"] * 5})
    for suffix in (".csv", ".jsonl", ".parquet"):
        corpus = load_corpus(write(tmp_path / f"mine{suffix}", frame))
        assert sorted(text for rows in corpus.values() for text in rows["text"]) == sorted(texts)
        assert corpus["train"].features["label"].names == sorted(["😀", "غضب", "怒り", "é"])


def test_very_long_texts_and_thousands_of_classes(tmp_path):
    frame = pd.DataFrame({"text": [f"{n} " + "word " * 20_000 for n in range(10)], "label": ["a", "b"] * 5})
    corpus = load_corpus(write(tmp_path / "long.csv", frame))
    assert min(map(len, corpus["train"]["text"])) > 99_000
    frame = pd.DataFrame({"text": [f"t{n}" for n in range(10_000)], "label": [f"c{n % 2000}" for n in range(10_000)]})
    corpus = load_corpus(write(tmp_path / "many.csv", frame))
    assert len(corpus["train"].features["label"].names) == 2000
    assert {split: len(rows) for split, rows in corpus.items()} == {"train": 6000, "validation": 2000, "test": 2000}


def test_classes_of_an_own_file(tmp_path):
    frame = pd.DataFrame({"text": [f"t{n}" for n in range(30)], "label": ["a", "b", "c"] * 10})
    corpus = load_corpus(write(tmp_path / "three.csv", frame), classes=["c", "a"])
    assert corpus["train"].features["label"].names == ["c", "a"]
    expected = {f"t{n}": ["a", "b", "c"][n % 3] for n in range(30)}
    for rows in corpus.values():
        assert all(corpus["train"].features["label"].int2str(row["label"]) == expected[row["text"]] for row in rows)
        assert set(rows["label"]) == {0, 1}


def test_records_of_json_that_are_not_text_become_text(tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_text("".join(json.dumps({"text": number, "label": number % 2 == 0}) + "\n" for number in range(20)))
    corpus = load_corpus(str(path))
    assert corpus["train"].features["label"].names == ["False", "True"]
    assert set(corpus["test"]["text"]) <= {str(number) for number in range(20)}
