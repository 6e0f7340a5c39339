"""A corpus file of one's own: every format loads alike, and each kind of bad input gives one clear line."""

import logging
import zipfile

import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

from lclstudy.corpora.load import files, load_corpus
from lclstudy.corpora.own_file import read_texts
from tests.material import refused

SUFFIXES = (".csv", ".TSV", ".jsonl", ".parquet", ".xlsx")
WORDS = ("NA", "null", "None", "nan", "-", "17", "True", "😀👨‍👩‍👧", "غضب شديد", "怒り", "Ünïcödé")
CLASSES = ("../é", "a|b, <c> $x$", "غضب/شديد", "😀")  # in the order of their signs
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
ROWS = [(word, label, [*SPLITS][number % 3]) for number, word in enumerate(WORDS) for label in CLASSES]
FRAME = pd.DataFrame(ROWS, columns=["text", "label", "split"])
WRITERS = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    ".jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    ".parquet": lambda frame, path: frame.to_parquet(path),
    ".xlsx": lambda frame, path: frame.to_excel(path, index=False),
}


def write(path, frame: pd.DataFrame) -> str:
    """Writes the frame in the format of the path's suffix."""
    WRITERS[path.suffix.lower()](frame, path)
    return str(path)


def check(path, message, **columns):
    """The file is refused in one line, which names it without the folders of this machine."""
    with refused(path.name, message) as caught:
        load_corpus(str(path), **columns)
    assert str(path.parent) not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_loads_alike_with_columns_of_any_name_and_texts_of_any_script_and_signs(tmp_path, suffix):
    path = tmp_path / f"words{suffix}"
    write(path, FRAME.rename(columns={"text": "Ihr Text.", "label": "class & kind"}))
    assert files(str(path)) == [path]
    corpus = load_corpus(str(path), text_column="Ihr Text.", label_column="class & kind")
    for name, rows in FRAME.groupby("split"):
        found = corpus[SPLITS[name]]
        assert found.to_dict() == {"text": [*rows["text"]], "label": [CLASSES.index(label) for label in rows["label"]]}
        assert found.features["label"].names == [*CLASSES]
    message = "has no column 'Ihr text'; found: Ihr Text., class & kind, split."
    check(path, message, text_column="Ihr text", label_column="class & kind")
    check(path, "say which one it is: label_column", text_column="Ihr Text.")
    write(path, pd.DataFrame({"said": ["second  one", "", "first", "NA"], "_": 1, "Split": "new"}))
    assert read_texts(path, "said") == ["second one", "", "first", "NA"], "alone, in their order, an empty one too"


def test_texts_alone_may_stand_one_a_line_and_a_label_column_may_be_called_split(tmp_path):
    (tmp_path / "new.txt").write_bytes("one, two\r\n\nthree\x85four".encode())
    assert read_texts(tmp_path / "new.txt") == ["one, two", "", "three four"]
    path = write(tmp_path / "mine.csv", pd.DataFrame({"text": ["a", "b"] * 9, "Split": ["x", "y"] * 9}))
    assert load_corpus(path, label_column="Split")["train"].features["label"].names == ["x", "y"]


@pytest.mark.parametrize("suffix", [".jsonl", ".xlsx"])
def test_values_of_other_types_are_texts(tmp_path, suffix):
    corpus = load_corpus(write(tmp_path / f"odd{suffix}", pd.DataFrame({"text": 10 * [1.0, 2.5], "label": 10 * [True, False]})))
    assert corpus["train"].features["label"].names == ["False", "True"]
    assert {*corpus["test"]["text"]} <= {"1", "2.5"}, "as they are written"


def test_splits_are_drawn_of_texts_with_marks_line_breaks_white_space_blank_lines_and_a_byte_order_mark(tmp_path, caplog):
    path, note = tmp_path / "mine.tsv", "no split column, so the rows are split 60/20/20 into 12 / 4 / 4"
    rows = [f'"a text,\nwith; marks {n}"\t{" very "[: n % 2 * 6]} sad \n\n' for n in range(20)]
    path.write_text("\ufefftext\tlabel\n" + "".join(rows))
    with caplog.at_level(logging.WARNING, logger="lclstudy"):
        corpus = load_corpus(str(path))
    assert corpus["train"].features["label"].names == ["sad", "very sad"]
    assert [sorted(rows["label"]) for rows in corpus.values()] == [[0] * each + [1] * each for each in (6, 2, 2)], "stratified"
    assert note in caplog.text and note in corpus["test"].info.description
    texts = {text for rows in corpus.values() for text in rows["text"]}
    assert texts == {f"a text, with; marks {number}" for number in range(20)}
    names = {"mine.tsv": "id, a, b\ttext\tlabel", "other.csv": '"id; a; b";"text";label', "more.csv": '"id; a; b",text,label'}
    for name, header in names.items():
        sign = header[-6]
        lines = [f"x{sign}{row}".replace("\t", sign) for row in rows]
        (tmp_path / name).write_text("\n".join([header, *lines]))
        again = load_corpus(str(tmp_path / name))["test"]
        assert again.to_dict() == corpus["test"].to_dict(), "the same again, whatever separates the columns"


BAD_CSV = {
    "text,label\na,x\n".encode("utf-16"): "not UTF-8 text; save the file in that encoding",
    "": "is empty",
    "text,label\na,x\nb,x\n": "has the single class 'x'",
    "text,label\na,x\n ,y\n": "line 3: the text is empty",
    "text,label,split\na,x,train\nb,y,tset\n": "line 3: Unknown split 'tset'; allowed: train",
    "text,label,split\na,x,train\nb,y,\nc,x,test\n": "line 3: the split is empty",
    "text,label,Split\na,x,train\nb,y,test\n": "has a column 'Split', which would not be read; rename it to split.",
    "text,label,split\na,x,test\nb,y,test\n": "no rows of split 'train'",
    "text,label,split\na,x,train\nb,y,train\nc,z,test\n": "line 4: class 'z' is in test but not in train",
    "text,label\n" + "a,x\n" * 9 + "d,y\n": "too few rows of some class to split it by label: 'y' has 1; give 5 or more",
    'text,label\na,x\n"b,y\nc,x\n': "line 3: broken csv (unexpected end of data); close each",
    "text,label\ra,x\rb,y\r": "its lines end as on a Macintosh of old; save it as CSV UTF-8",
    'text,label\n"b,y\n' + "long " * 30_000: "line 2: broken csv (field",
    "text,label\na,x\noh, y,y\n": "line 3: 3 fields, but the header has 2; put quotation marks",
    "text,text,label\na,b,x\n": "has 2 columns 'text'; delete or rename all but one",
    "text,label\na,x\nb\0c,y\n": "line 3: the text holds a NUL byte",
    "text,label\na,sad\nb,joy\nc,Sad\n": "line 4: label 'Sad' differs from 'sad' (line 2) only in capitals or coding",
    "text,label\na,caf\u00e9\nb,cafe\u0301\n": "line 3: label",
}
BAD_JSONL = {
    '{"text": "a", "label": "x"}\n{"text": "b"}\n': "line 2: has no column 'label'",
    '{"text": null, "label": "y"}\n': "line 1: the text is empty",
    '{"text": "a", "label": NaN}\n': "line 1: the label is empty",
    '{"text": "a", "label": "x"}\n{"text": \n': "line 2: not JSON",
    "[" * 100_000 + "\n": "line 1: not JSON (too deep",
    '{"text": "a", "label": "x"}\n{"text": "b", "label": %s}\n' % ("1" * 5000): "line 2: not JSON (too deep, or a number",
    '["a", "x"]\n': 'line 1: not a JSON object; write {"text": ..., "label": ...}',
    '{"text": "a", "label": "x", "split": 3}\n': "line 1: Unknown split 3",
    '{"text": "a", "label": {"name": "x"}}\n': "line 1: the label is an object; give a text",
    '{"text": "a\\ud83d", "label": "x"}\n': "line 1: the text holds a NUL byte or half of a character",
}
BAD_LINES = [(suffix, *row) for suffix, table in ((".csv", BAD_CSV), (".jsonl", BAD_JSONL)) for row in table.items()]


@pytest.mark.parametrize(("suffix", "content", "message"), BAD_LINES, ids=[message for *_, message in BAD_LINES])
def test_bad_lines(tmp_path, suffix, content, message):
    path = tmp_path / f"mine{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    check(path, message)


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx"])
def test_bad_tables(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    write(path, pd.DataFrame({"text": ["a", None], "label": ["x", "y"]}))
    check(path, "the text is empty")
    write(path, pd.DataFrame({"text": [], "label": []}))
    check(path, "is empty; give rows")
    for content in (b"", b"PAR1 no more", b"PK\x03\x04 no more"):
        path.write_bytes(content)
        check(path, f"is not a whole {suffix[1:]} file")


def test_tables_of_one_kind_alone(tmp_path):
    path = tmp_path / "mine.parquet"
    parquet.write_table(pyarrow.table([["a"], ["b"], ["x"]], names=["text", "text", "label"]), path)
    check(path, "has 2 columns 'text'")
    write(path, pd.DataFrame({"text": [b"a"], "label": ["x"]}))
    check(path, "line 1: the text is bytes; give a text")
    path = tmp_path / "cleared.xlsx"
    write(path, pd.DataFrame([("a", "x"), ("", ""), ("b", "")], columns=["text", "label"]))
    check(path, "line 4: the label is empty")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<cut")
    check(path, "is not a whole xlsx file without a password")
    path.write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + bytes(2000))  # as of an xls file, or one with a password
    check(path, "is not a whole xlsx file without a password")
