"""The raw formats: what is kept, how it is cleaned, and how a malformed row is reported."""

import pytest

from lclstudy.corpora import load
from lclstudy.plan import catalog
from tests.material import refused

ISEAR_HEADER = "|".join(["x"] * 36 + ["Field1", "Field3", "Field2", "MYKEY", "SIT", "STATE", ""])
ISEAR = {
    "we met and á especially then.": "we met and especially then.",
    "there á|was a car. á": "there was a car.",
    r'I \hated\" one of them."': 'I "hated" one of them.',
    r'She has á \a three\", á|as I said. "': 'She has "a three", as I said.',
    "[ No response.]": "[ No response.]",
}
TWEETS = {
    "@Bob_1: I'm SO angry 😡!!": "USER_MENTION I'm SO angry !!",
    "see https://t.co/a1 and www.x.org/b": "see URL and URL",
    "salt &amp; pepper #angry #so-mad": "salt and pepper angry so-mad",
    "rt this... part of art. two": "this part of art. two",
    '"quoted  tweet\u2026"': "quoted tweet",
    "caf\u00e9\u00a0now": "cafnow",
}
TREES = (
    "(3 (2 A) (4 (2 -LRB-) (4 good)))\n(2 (2 It) (2 (2 's) (2 1\\/2)))\n(0 (1 Bad) (0 (2 Jean-Claude) (2 *)))\n"
    "(4 (2 Wow) (2 !))\n(1 (2 caf\u00e9) (2 ``))\n"
)


def isear_line(emotion: str, text: str) -> str:
    return "|".join(["1"] * 36 + [emotion, "4", "3", "0110011", text, "1", ""])


def read(folder, name: str, content: str | bytes) -> list[tuple[str, str]]:
    """The rows of a raw file with that content, as (text, label name)."""
    path, entry = folder / "raw.txt", catalog.corpora()[name]
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return [(text, entry.labels[label]) for text, label in load.rows_of(entry, catalog.RawFile(str(path)))]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("empathetic_dialogues",
         'text,aug_text,label\n"i was scared, alone.",i feared,11\n  it  rained ,x,0\n"he said ""hi""",x,31\n',
         [("i was scared, alone.", "afraid"), ("it rained", "sad"), ('he said "hi"', "nostalgic")]),
        ("goemotions", 'Good "work\t0\ta\nfine\t27\tb\nboth\t0,2\tc\nneutral too\t0,27\td\nwow\t26\te\n',
         [('Good "work', "admiration"), ("wow", "surprise")]),
        ("isear", "\n".join([ISEAR_HEADER, *(isear_line("guilt", text) for text in ISEAR)]),
         [(clean, "guilt") for clean in ISEAR.values()]),
        ("emoint", "".join(f"1\t{text}\tsadness\t0.1\n" for text in TWEETS), [(clean, "sadness") for clean in TWEETS.values()]),
        ("sst5", TREES, [("A ( good", "positive"), ("It 's 1 2", "neutral"), ("Bad Jean Claude", "very negative"),
                         ("Wow !", "very positive"), ("caf ``", "negative")]),
        ("sst2", TREES,
         [("A ( good", "positive"), ("Bad Jean Claude", "negative"), ("Wow !", "positive"), ("caf ``", "negative")]),
        ("ag_news", '"3","Fears for pension","Unions say ""no""."\n"4","The Race","A second\\team"\n',
         [('Fears for pension Unions say "no".', "Business"), ("The Race A second\\team", "Sci/Tech")]),
        ("twitter_sentiment", '1\t"so happy \n0\t@bob oh\tno\u0085 more\n',
         [('"so happy', "positive"), ("@bob oh no more", "negative")]),
        ("parsinlu",
         '{"review": "خوب بود", "question": "نظر شما چیست؟", "label": "-3"}\n{"review": "بد", "question": "", "label": 2}\n',
         [("نظر شما چیست؟ خوب بود", "-3"), ("بد", "2")]),
    ],
)  # fmt: skip
def test_rows_and_how_they_are_cleaned(tmp_path, name, content, expected):
    assert read(tmp_path, name, content) == expected


@pytest.mark.parametrize(("name", "content", "line", "problem"), [
    ("empathetic_dialogues", 'text,aug_text,label\na,"b,1\n', 2, "broken csv"),
    ("emoint", "1\ta\thappiness\t0.1\n", 1, "unknown label 'happiness'; expected one of anger, fear, joy, sadness"),
    ("emoint", b"1\ta\tjoy\t0.1\n2\tna\xefve\tjoy\t0.1\n", 2, "not UTF-8"),
    ("parsinlu", '{"review": "a"}\n', 1, "not a row of parsinlu ('question')"),
])  # fmt: skip
def test_malformed_row_is_reported_with_file_and_line(tmp_path, name, content, line, problem):
    with refused(f"raw.txt, line {line}: ", problem):
        read(tmp_path, name, content)
