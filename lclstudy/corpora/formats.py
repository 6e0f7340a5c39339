"""One function per raw format: the fields of a row in, text and label out, cleaned as the protocol says.

The cleaning follows what the paper's released code did to each corpus, written anew. White space is collapsed everywhere.
A corpus of the catalogue that `FORMATS` lacks is read as a table with the columns `text` and `label`, as of one's own.
"""

import csv
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from lclstudy.errors import StudyError
from lclstudy.paths import relative


def malformed(path: Path, line: int, problem: str) -> StudyError:
    """The error for a row that cannot be read: file, line (from 1), what was found, what is expected."""
    return StudyError(f"{relative(path)}, line {line}: {problem}.")


def collapse(text: str) -> str:
    return " ".join(text.split())


def lines(path: Path, keep_empty: bool = False) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1. Only line feeds end a line: tweets hold odder separators. Raises StudyError at one
    that is not UTF-8."""
    with open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError:
                raise malformed(path, number, "not UTF-8 text; save the file in that encoding") from None
            if line or keep_empty:
                yield number, line


def csv_rows(path: Path, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The rows of a csv file, with the number of the line where each ends. Raises StudyError on broken quoting, at the line
    where the broken row begins."""
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
        if "new-line" in str(error):
            hint = "its lines end as on a Macintosh of old; save it as CSV UTF-8"
        raise malformed(path, begins, f"broken csv ({error}); {hint}") from None


def empathetic_dialogues(text: str, _paraphrase: str, label: str) -> tuple[str, str]:
    """EmpatheticDialogues; the paraphrase is somebody's, and not read."""
    return collapse(text), label


def goemotions(text: str, labels: str, _comment: str) -> tuple[str, str] | None:
    """GoEmotions: label ids with commas between. Keeps comments with one label that is not neutral (27)."""
    return None if "," in labels or labels == "27" else (collapse(text), labels)


def isear(*columns: str) -> tuple[str, str]:
    r"""ISEAR: column 36 (Field1) is the emotion, 40 (SIT) the report, which may itself hold bars; two more follow it.

    `á` and `|` are marks of a line end. The export that made the file turned `"word"` into `\word\"` and closed such a report
    with one more quotation mark.
    """
    text = re.sub(r"á(?=[ |]|$)", "", "|".join(columns[40:-2])).replace("|", " ")
    text = collapse(text.replace('\\"', '"').replace("\\", '"'))
    return text[:-1].rstrip() if text.endswith('"') and text.count('"') % 2 else text, columns[36]


def emoint(_id: str, text: str, label: str, _intensity: str) -> tuple[str, str]:
    """EmoInt: in ASCII; links, handles, `&amp;` and hash tags replaced, `rt` and runs of dots dropped (Appendix B)."""
    text = text.encode("ascii", "ignore").decode("ascii")
    text = re.sub(r"www\.\S+|https?://\S+", " URL ", text)
    text = re.sub(r"@\S+", "USER_MENTION", text)
    text = text.replace("&amp;", "and")
    text = re.sub(r"#(\S+)", r" \1 ", text)
    text = re.sub(r"\brt\b", "", text)
    text = re.sub(r"\.{2,}", " ", text)
    return collapse(text.strip(" \"'")), label


def sst5(tree: str) -> tuple[str, str]:
    """SST-5: one Penn-style tree a line, `(3 (2 The) (4 film))`; the sentence's label is the root's. Other signs than letters,
    digits and `( ) , ! ? '` and the backquote are dropped."""
    text = " ".join(re.findall(r"([^() ]+)\)", tree)).replace("-LRB-", "(").replace("-RRB-", ")")
    return collapse(re.sub(r"[^A-Za-z0-9(),!?'`]", " ", text)), tree[1]


def sst2(tree: str) -> tuple[str, str] | None:
    """SST-2: the trees of SST-5 without the neutral ones; 0 and 1 are negative, 3 and 4 positive."""
    text, label = sst5(tree)
    return None if label == "2" else (text, str(int(label > "2")))


def ag_news(label: str, title: str, description: str) -> tuple[str, str]:
    return collapse(f"{title} {description}"), label


def twitter_sentiment(label: str, *text: str) -> tuple[str, str]:
    """Twitter sentiment; a tweet may hold tabs."""
    return collapse(" ".join(text)), label


def parsinlu(line: str) -> tuple[str, str]:
    """ParsiNLU: a JSON object. The text is the question, which alone names the aspect, and then the review; ParsiNLU's own
    baselines read the review first, where truncation may cut the aspect off."""
    row = json.loads(line)
    return collapse(f"{row['question']} {row['review']}"), str(row["label"])


class Format(NamedTuple):
    """How a corpus's files are read: each line by its `separator` (`,` is csv) into fields, and these into text and label, or
    None to leave it out. `first_id` is the number that the files write for the first label; None where they write its name.
    """

    separator: str
    parse: Callable[..., tuple[str, str] | None]
    first_id: int | None = None
    header: bool = False


FORMATS = {
    "empathetic_dialogues": Format(",", empathetic_dialogues, first_id=0, header=True),
    "goemotions": Format("\t", goemotions, first_id=0),
    "isear": Format("|", isear, header=True),
    "emoint": Format("\t", emoint),
    "sst5": Format("\n", sst5, first_id=0),
    "sst2": Format("\n", sst2, first_id=0),
    "ag_news": Format(",", ag_news, first_id=1),
    "twitter_sentiment": Format("\t", twitter_sentiment, first_id=0),
    "parsinlu": Format("\n", parsinlu),
}


def read(name: str, path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, text and label, as written, of each row that is kept. Raises StudyError at one that is not as its format says."""
    own = FORMATS[name]
    split = ((number, line.split(own.separator)) for number, line in lines(path))
    rows = csv_rows(path) if own.separator == "," else split
    for line, fields in itertools.islice(rows, int(own.header), None):
        try:
            row = own.parse(*fields)
        except (TypeError, ValueError, LookupError) as error:
            raise malformed(path, line, f"not a row of {name} ({error})") from None
        if row is not None:
            yield line, *row
