"""Readers of the raw formats: what is kept, how it is cleaned, and how a malformed row is reported."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lclstudy.corpora import formats
from lclstudy.errors import StudyError
from lclstudy.plan import catalog

ISEAR_HEADER = "|".join(["x"] * 36 + ["Field1", "Field3", "Field2", "MYKEY", "SIT", "STATE", ""])


def isear_line(emotion: str, text: str) -> str:
    return "|".join(["1"] * 36 + [emotion, "4", "3", "0110011", text, "1", ""])


def read(name: str, path, content: str | bytes) -> list[tuple[str, str]]:
    """The rows of a raw file with that content, as (text, label name)."""
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    labels = catalog.corpora()[name].labels
    return [(text, labels[label]) for text, label in formats.READERS[name](path, labels)]


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw.txt"


def test_empathetic_dialogues(raw):
    content = 'text,aug_text,label\n"i was scared, alone.",i feared,11\n  it  rained ,x,0\n"he said ""hi""",x,31\n'
    assert read("empathetic_dialogues", raw, content) == [
        ("i was scared, alone.", "afraid"),
        ("it rained", "sad"),
        ('he said "hi"', "nostalgic"),
    ]


def test_goemotions_keeps_one_label_that_is_not_neutral(raw):
    content = 'Good "work\t0\ta\nfine\t27\tb\nboth\t0,2\tc\nneutral too\t0,27\td\nwow\t26\te\n'
    assert read("goemotions", raw, content) == [('Good "work', "admiration"), ("wow", "surprise")]


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("we met and á especially then.", "we met and especially then."),
        ("there á|was a car. á", "there was a car."),
        (r'She said á|\oh no\" and left."', 'She said "oh no" and left.'),
        (r'I \hated\" one of them."', 'I "hated" one of them.'),
        (r'She has á \a three\", á|as I said. "', 'She has "a three", as I said.'),
        (r'He told me \stop.\""', 'He told me "stop."'),
        ("[ No response.]", "[ No response.]"),
        ("a|b", "a b"),
    ],
)
def test_isear_text(raw, given, clean):
    assert read("isear", raw, f"{ISEAR_HEADER}\n{isear_line('guilt', given)}\n") == [(clean, "guilt")]


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("@Bob_1: I'm SO angry 😡!!", "USER_MENTION I'm SO angry !!"),
        ("see https://t.co/a1 and www.x.org/b", "see URL and URL"),
        ("salt &amp; pepper #angry #so-mad", "salt and pepper angry so-mad"),
        ("rt this... part of art", "this part of art"),
        ("one. two", "one. two"),
        ('"quoted  tweet\u2026"', "quoted tweet"),
        ("caf\u00e9\u00a0now", "cafnow"),
    ],
)
def test_tweet(raw, given, clean):
    assert read("emoint", raw, f"10\t{given}\tjoy\t0.5\n") == [(clean, "joy")]


def test_emoint_has_no_header(raw):
    rows = read("emoint", raw, "1\tfirst\tanger\t0.938\n2\tsecond\tsadness\t0.1\n")
    assert rows == [("first", "anger"), ("second", "sadness")]


TREES = (
    "(3 (2 A) (4 (2 -LRB-) (4 good)))\n"
    "(2 (2 It) (2 (2 's) (2 1\\/2)))\n"
    "(0 (1 Bad) (0 (2 Jean-Claude) (2 *)))\n"
    "(4 (2 Wow) (2 !))\n"
    "(1 (2 caf\u00e9) (2 ``))\n"
)


def test_sst5(raw):
    assert read("sst5", raw, TREES) == [
        ("A ( good", "positive"),
        ("It 's 1 2", "neutral"),
        ("Bad Jean Claude", "very negative"),
        ("Wow !", "very positive"),
        ("caf ``", "negative"),
    ]


def test_sst2_drops_neutral_and_merges(raw):
    assert read("sst2", raw, TREES) == [
        ("A ( good", "positive"),
        ("Bad Jean Claude", "negative"),
        ("Wow !", "positive"),
        ("caf ``", "negative"),
    ]


def test_ag_news(raw):
    content = '"3","Fears for pension","Unions say ""no""."\n"4","The Race","A second\\team"\n"1","A","B"\n'
    assert read("ag_news", raw, content) == [
        ('Fears for pension Unions say "no".', "Business"),
        ("The Race A second\\team", "Sci/Tech"),
        ("A B", "World"),
    ]


def test_twitter_sentiment_has_no_quoting(raw):
    content = '1\t"so happy \n0\t@bob oh\tno\u0085 more\n'
    assert read("twitter_sentiment", raw, content) == [('"so happy', "positive"), ("@bob oh no more", "negative")]


def test_parsinlu_puts_the_question_first(raw):
    content = (
        '{"review": "خوب بود", "question": "نظر شما چیست؟", "label": "-3"}\n{"review": "بد", "question": "و؟", "label": 2}\n'
    )
    assert read("parsinlu", raw, content) == [("نظر شما چیست؟ خوب بود", "-3"), ("و؟ بد", "2")]


MALFORMED = [
    ("empathetic_dialogues", "text,label\n", 1, "the header is not text,aug_text,label"),
    ("empathetic_dialogues", "", 1, "the header is not"),
    ("empathetic_dialogues", "text,aug_text,label\na,b,1\n\na,b\n", 4, "2 fields, expected 3"),
    ("empathetic_dialogues", "text,aug_text,label\na,b,32\n", 2, "unknown label '32'"),
    ("empathetic_dialogues", 'text,aug_text,label\na,"b,1\n', 2, "broken csv"),
    ("goemotions", "a\t1\tx\nb\t2\n", 2, "2 fields, expected 3"),
    ("goemotions", "a\t1,x\tx\n", 1, "unknown label 'x'"),
    ("isear", "a|b\n", 1, "the header lacks Field1 or SIT"),
    ("isear", f"{ISEAR_HEADER}\n{isear_line('joy', 'a')}\n1|2\n", 3, "2 fields, expected 43 or more"),
    ("isear", f"{ISEAR_HEADER}\n{isear_line('love', 'a')}\n", 2, "unknown label 'love'"),
    ("emoint", "1\ta\tjoy\t0.1\n2\ta\tjoy\n", 2, "3 fields, expected 4"),
    ("emoint", "1\ta\thappiness\t0.1\n", 1, "unknown label 'happiness'; expected one of anger, fear, joy, sadness"),
    ("emoint", b"1\ta\tjoy\t0.1\n2\tna\xefve\tjoy\t0.1\n", 2, "not UTF-8"),
    ("sst5", "(3 (2 A) (4 film))\nA film\n", 2, "not a whole tree"),
    ("sst5", "(3 (2 A) (4 fi\n", 1, "not a whole tree"),
    ("sst5", "(5 (2 A) (4 film))\n", 1, "unknown label '5'"),
    ("ag_news", '"5","a","b"\n', 1, "unknown label '5'; expected one of 1, 2, 3, 4"),
    ("ag_news", '"1","a","b"\n"1","a"\n', 2, "2 fields, expected 3"),
    ("twitter_sentiment", "1\ta\n1 a\n", 2, "1 fields, expected 2"),
    ("twitter_sentiment", "4\ta\n", 1, "unknown label '4'"),
    ("parsinlu", '{"review": "a"}\n', 1, "not a JSON object with question, review and label"),
    ("parsinlu", '{"review": "a", "question": "b", "label": "1"}\n{"rev\n', 2, "not a JSON object"),
    ("parsinlu", "[1]\n", 1, "not a JSON object"),
    ("parsinlu", '{"review": "a", "question": "b", "label": "4"}\n', 1, "unknown label '4'"),
]


@pytest.mark.parametrize(("name", "content", "line", "problem"), MALFORMED)
def test_malformed_row_is_reported_with_file_and_line(raw, name, content, line, problem):
    with pytest.raises(StudyError, match=rf"raw\.txt, line {line}: .*{re.escape(problem)}") as caught:
        read(name, raw, content)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_cleaned_sst_has_only_the_allowed_signs(text):
    clean = formats.clean_sst(text)
    assert re.fullmatch(r"[A-Za-z0-9(),!?'` ]*", clean)
    assert formats.clean_sst(clean) == clean


@given(st.text())
def test_cleaned_texts_are_single_spaced(text):
    for clean in (formats.clean_tweet(text), formats.clean_isear(text), formats.clean_sst(text)):
        assert clean == " ".join(clean.split())
    assert formats.clean_tweet(text).isascii()
