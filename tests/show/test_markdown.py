"""Tables and marked texts as notebooks show them."""

import html
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lclstudy.corpora.synonyms import Replacement
from lclstudy.show import markdown

FRAME = pd.DataFrame({"name": ["a", "b|c"], "share": [12.345, np.nan], "rows": [1234567, -3], "done": [True, False]})


def lines(frame, columns=None):
    return markdown.lines(frame, columns).splitlines()


def test_numbers_stand_to_the_right_and_nothing_is_blank():
    assert lines(FRAME) == [
        "| name | share | rows | done |",
        "| :--- | ---: | ---: | :--- |",
        "| a | 12.345 | 1,234,567 | True |",
        r"| b\|c | – | −3 | False |",
    ]
    shown = lines(FRAME, {"rows": "texts", "share": ("share (%)", ".1f")})
    assert shown == ["| texts | share (%) |", "| ---: | ---: |", "| 1,234,567 | 12.3 |", "| −3 | – |"]
    with pytest.raises(KeyError, match="shares"):
        lines(FRAME, {"shares": "share"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("$5 and $6", "<span>&#36;</span>5 and <span>&#36;</span>6"),
        ("*bold* _it_ `code` ~~gone~~", r"\*bold\* \_it\_ \`code\` \~\~gone\~\~"),
        ("[a](http://b)", r"[a]\(http://b)"),
        ("a\\|b &lt; \n c < d & e", r"a&#92;\|b &amp;lt;   c < d & e"),
    ],
)
def test_a_label_or_a_text_is_shown_letter_by_letter(text, shown):
    assert lines(pd.DataFrame({"text": [text]}))[2] == f"| {shown} |"
    assert lines(pd.DataFrame({text: [1]}))[0] == f"| {shown} |", "a heading too"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_marked_texts_are_the_text_and_its_second_view_and_nothing_in_them_is_html(noise):
    text, view = (f"{noise} the {one} dog <home> {other}{noise}" for one, other in (("happy", "ran"), ("<glad>", "fled")))
    first, second = len(noise) + 5, len(text) - len(noise) - 3
    made = [Replacement(first, first + 5, "happy", "<glad>"), Replacement(second, second + 3, "ran", "fled")]
    shown = markdown.views([("<i>", text, made)], first="a < b").data
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown)
    assert [html.unescape(re.sub(r"</?(mark|b)>", "", cell)) for cell in cells] == ["<i>", text, view]
    marked = [re.findall(r"<mark><b>(.*?)</b></mark>", cell) for cell in cells[1:]]
    assert marked == [["happy", "ran"], ["&lt;glad&gt;", "fled"]]
    assert not {"<i>", "<home>", "<glad>"} & {*re.findall("<[^>]*>", shown)} and "a &lt; b" in shown
