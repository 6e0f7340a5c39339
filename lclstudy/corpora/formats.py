"""One reader per raw format: a path in, (text, label id) pairs out, cleaned as the protocol says, malformed rows reported.

The cleaning follows what the paper's released code did to each corpus, written anew. White space is collapsed everywhere.
A corpus of the catalogue without a reader here is read as a table with the columns `text` and `label`, as of one's own.
"""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

from lclstudy.errors import StudyError
from lclstudy.paths import relative

Rows = Iterator[tuple[str, int]]


def malformed(path: Path, line: int, problem: str) -> StudyError:
    """The error for a row that cannot be read: file, line (from 1), what was found, what is expected."""
    return StudyError(f"{relative(path)}, line {line}: {problem}.")


def collapse(text: str) -> str:
    """The text with every run of white space as one space, and none at the ends."""
    return " ".join(text.split())


def lines(path: Path, keep_empty: bool = False) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1. Only line feeds end a line: tweets hold odder separators.

    Raises StudyError at a line that is not UTF-8.
    """
    with open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError:
                raise malformed(path, number, "not UTF-8 text; save the file in that encoding") from None
            if line or keep_empty:
                yield number, line


def csv_rows(path: Path, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The rows of a file separated by commas, or by another `separator`, with the number of the line where each ends.

    Raises StudyError on broken quoting, at the line where the broken row begins.
    """
    reader = csv.reader((line + "\n" for _, line in lines(path, keep_empty=True)), strict=True, delimiter=separator)
    begins = 1
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
            begins = reader.line_num + 1
    except csv.Error as error:
        hint = 'close each quotation mark that opens a field, and write one inside as ""'
        if "field limit" in str(error):
            hint = f"is a quotation mark not closed? A field may have {csv.field_size_limit():,} characters"
        raise malformed(path, begins, f"broken csv ({error}); {hint}") from None


def _index(path: Path, line: int, given: str, allowed: dict[str, int]) -> int:
    if given not in allowed:
        raise malformed(path, line, f"unknown label {given!r}; expected one of {', '.join(allowed)}")
    return allowed[given]


def _fields(path: Path, line: int, row: list[str], number: int) -> list[str]:
    if len(row) != number:
        raise malformed(path, line, f"{len(row)} fields, expected {number}")
    return row


def _ids(labels: tuple[str, ...], first: int = 0) -> dict[str, int]:
    """Label ids as files write them: `first`, `first + 1`, and so on."""
    return {str(number + first): number for number in range(len(labels))}


def _names(labels: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(labels)}


def empathetic_dialogues(path: Path, labels: tuple[str, ...]) -> Rows:
    """EmpatheticDialogues: csv with a header; text, somebody's paraphrase (not read), label id."""
    rows = csv_rows(path)
    if next(rows, (1, None))[1] != ["text", "aug_text", "label"]:
        raise malformed(path, 1, "the header is not text,aug_text,label")
    for line, row in rows:
        text, _, label = _fields(path, line, row, 3)
        yield collapse(text), _index(path, line, label, _ids(labels))


def goemotions(path: Path, labels: tuple[str, ...]) -> Rows:
    """GoEmotions: text, label ids with commas, comment id, by tabs. Keeps comments with one label that is not neutral."""
    allowed = _ids((*labels, "neutral"))
    for line, content in lines(path):
        text, given, _ = _fields(path, line, content.split("\t"), 3)
        ids = [_index(path, line, label, allowed) for label in given.split(",")]
        if len(ids) == 1 and ids[0] < len(labels):
            yield collapse(text), ids[0]


ISEAR_COLUMNS = 43  # the last is empty: each line ends in a bar
ISEAR_EMOTION, ISEAR_TEXT = 36, 40  # Field1 and SIT; STATE follows SIT


def isear(path: Path, labels: tuple[str, ...]) -> Rows:
    """ISEAR: a header, then columns by bars; Field1 is the emotion, SIT the report, which may itself hold bars."""
    numbered = lines(path)
    if next(numbered, (1, ""))[1].split("|")[ISEAR_EMOTION : ISEAR_TEXT + 1 : 4] != ["Field1", "SIT"]:
        raise malformed(path, 1, "the header lacks Field1 or SIT at its place")
    for line, content in numbered:
        row = content.split("|")
        if len(row) < ISEAR_COLUMNS:
            raise malformed(path, line, f"{len(row)} fields, expected {ISEAR_COLUMNS} or more")
        yield clean_isear("|".join(row[ISEAR_TEXT:-2])), _index(path, line, row[ISEAR_EMOTION], _names(labels))


def clean_isear(text: str) -> str:
    r"""An ISEAR report in one line: without `á` and `|`, the marks of a line end, and with quotation marks mended.

    The export that made the file turned `"word"` into `\word\"` and closed such a report with one more quotation mark.
    """
    text = re.sub(r"á(?=[ |]|$)", "", text).replace("|", " ")
    text = collapse(text.replace('\\"', '"').replace("\\", '"'))
    return text[:-1].rstrip() if text.endswith('"') and text.count('"') % 2 else text


def emoint(path: Path, labels: tuple[str, ...]) -> Rows:
    """EmoInt: id, tweet, emotion, intensity, by tabs, with no header line."""
    for line, content in lines(path):
        _, text, label, _ = _fields(path, line, content.split("\t"), 4)
        yield clean_tweet(text), _index(path, line, label, _names(labels))


def clean_tweet(text: str) -> str:
    """A tweet in ASCII, its links, handles, `&amp;` and hash tags replaced, `rt` and runs of dots dropped (Appendix B)."""
    text = text.encode("ascii", "ignore").decode("ascii")
    text = re.sub(r"www\.\S+|https?://\S+", " URL ", text)
    text = re.sub(r"@\S+", "USER_MENTION", text)
    text = text.replace("&amp;", "and")
    text = re.sub(r"#(\S+)", r" \1 ", text)
    text = re.sub(r"\brt\b", "", text)
    text = re.sub(r"\.{2,}", " ", text)
    return collapse(text.strip(" \"'"))


def sst5(path: Path, labels: tuple[str, ...]) -> Rows:
    """SST-5: one Penn-style tree a line, `(3 (2 The) (4 film))`; the sentence's label is the root's."""
    allowed = _ids(labels)
    for line, content in lines(path):
        root = re.match(r"\((\S+) ", content)
        if not root or content.count("(") != content.count(")"):
            raise malformed(path, line, "not a whole tree of the form (label words)")
        yield clean_sst(" ".join(re.findall(r"([^() ]+)\)", content))), _index(path, line, root[1], allowed)


def sst2(path: Path, labels: tuple[str, ...]) -> Rows:
    """SST-2: the trees of SST-5 without the neutral ones; 0 and 1 are negative, 3 and 4 positive."""
    for text, label in sst5(path, ("very negative", "negative", "neutral", "positive", "very positive")):
        if label != 2:
            yield text, int(label > 2)


def clean_sst(text: str) -> str:
    """An SST sentence with only letters, digits, spaces and `( ) , ! ? '` and the backquote."""
    text = text.replace("-LRB-", "(").replace("-RRB-", ")")
    return collapse(re.sub(r"[^A-Za-z0-9(),!?'`]", " ", text))


def ag_news(path: Path, labels: tuple[str, ...]) -> Rows:
    """AG News: csv without header; class from 1, title, description."""
    for line, row in csv_rows(path):
        label, title, description = _fields(path, line, row, 3)
        yield collapse(f"{title} {description}"), _index(path, line, label, _ids(labels, first=1))


def twitter_sentiment(path: Path, labels: tuple[str, ...]) -> Rows:
    """Twitter sentiment: label 0 or 1, a tab, the tweet; no header, no quoting."""
    for line, content in lines(path):
        label, text = _fields(path, line, content.split("\t", 1), 2)
        yield collapse(text), _index(path, line, label, _ids(labels))


def parsinlu(path: Path, labels: tuple[str, ...]) -> Rows:
    """ParsiNLU: a JSON object a line. The text is the question, which alone names the aspect, and then the review.

    ParsiNLU's own baselines read the same two, review first; with the question first, truncation never cuts the aspect off.
    """
    for line, content in lines(path):
        try:
            row = json.loads(content)
            question, review, label = row["question"], row["review"], row["label"]
        except (json.JSONDecodeError, KeyError, TypeError):
            raise malformed(path, line, "not a JSON object with question, review and label") from None
        yield collapse(f"{question} {review}"), _index(path, line, str(label), _names(labels))


READERS = {
    reader.__name__: reader
    for reader in (empathetic_dialogues, goemotions, isear, emoint, sst5, sst2, ag_news, twitter_sentiment, parsinlu)
}
