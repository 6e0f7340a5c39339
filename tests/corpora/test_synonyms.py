"""Second views: what synonym replacement may change, what it must keep, and that it is a function of its arguments."""

import logging
import math
import re

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lclstudy.corpora import synonyms, wordnet
from tests.material import refused

CONTENT = ["happy", "dog", "walked", "car", "sad", "friends", "quickly", "well-known", "angry", "job", "married", "self-esteem"]
STOPPED = ["i", "was", "not", "the", "did", "in", "myself", "very", "never", "whose"]
PLACEHOLDERS = ["URL", "USER_MENTION", "[NAME]"]
UNKNOWN = ["xqzt", "don't", "can\u2019t", "blorf", "2nd-hand-ish", "\u06a9\u062a\u0627\u0628", *PLACEHOLDERS]
# None of these can stand inside a synonym, which is made of letters, hyphens, apostrophes and single blanks.
SEPARATORS = [", ", ". ", "! ", " (", ") ", "\n", "\t", "  ", " \U0001f600 ", "... ", ' "', " & "]
SEPARATOR = re.compile("(" + "|".join(re.escape(sign) for sign in sorted(SEPARATORS, key=len, reverse=True)) + ")")

rates = st.floats(0, 1)
seeds = st.integers(0, 10_000)
words = st.sampled_from([way(word) for way in (str, str.upper, str.capitalize) for word in CONTENT + STOPPED] + UNKNOWN)
texts = st.builds(
    lambda word, more: word + "".join(sign + word for sign, word in more),
    words, st.lists(st.tuples(st.sampled_from(SEPARATORS), words), max_size=9),
)  # fmt: skip


@given(text=texts, rate=rates, low=rates, seed=seeds)
@settings(deadline=None, max_examples=20)
def test_the_rate_rounded_up_is_replaced_where_there_are_synonyms(text, rate, low, seed):
    before, signs = SEPARATOR.split(text)[::2], SEPARATOR.split(text)[1::2]
    replaced = SEPARATOR.split(synonyms.synonyms(text, rate, seed))
    after = replaced[::2]
    assert replaced[1::2] == signs
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    for old, new in changed:
        assert old.lower() not in STOPPED
        lemmas = {name for synset in wordnet.ensure().synsets(old) for name in synset.lemma_names()}
        assert new.lower() in {name.replace("_", " ").lower() for name in lemmas} - {old.lower()}
        assert (new.isupper(), new[0].isupper(), new.islower()) == (old.isupper(), old[0].isupper(), old.islower())
    (counts,) = synonyms.changes_of([text], rate, seed).itertuples(index=False)
    counted = [word for word in before if word not in PLACEHOLDERS]
    replaceable = sum(word.lower() in CONTENT for word in counted)
    assert counts == (len(counted), replaceable, math.ceil(round(rate * len(counted), 9)), len(changed))
    assert counts.replaced == min(counts.wanted, replaceable)
    fewer = SEPARATOR.split(synonyms.synonyms(text, min(low, rate), seed))[::2]
    assert all(few in (old, new) for old, few, new in zip(before, fewer, after, strict=True)), "a lower rate replaces the same"


@given(text=st.text(max_size=60), seed=seeds)
@example(text="", seed=0)
@example(text="\ud800 lone surrogate happy", seed=0)
@example(text="happy\u200d\U0001f468\u200d\U0001f469 dog\ufe0f", seed=0)
@settings(deadline=None, max_examples=15)
def test_any_text_keeps_every_sign_and_white_space_but_blanks_and_at_rate_zero_all(text, seed):
    def kept(string):
        return [sign for sign in string if not sign.isalnum() and sign not in " '-_\u2019"]

    assert kept(synonyms.synonyms(text, 1.0, seed)) == kept(text)
    assert synonyms.synonyms(text, 0.0, seed) == text


SENTENCES = [
    "my best friend bought a new car and i felt very jealous of her.",
    "I was ANGRY when the dog walked into our house, again!",
    "Lost my job today \U0001f622 feeling sad",
]


def test_the_views_that_frozen_runs_had_are_made_again():
    """In any process, whatever its hash seed."""
    if not wordnet.version().startswith("3.0 "):
        pytest.skip("needs WordNet 3.0, that of the frozen runs")
    assert synonyms.second_views(SENTENCES, "wordnet", 0.3, 7) == [
        "my comfortably supporter bought a raw gondola and i find very jealous of her.",
        "I was WILD when the andiron take the air into our domiciliate, again!",
        "Befuddled my job today \U0001f622 find sad",
    ]


PERSIAN = "این فیلم را دوست نداشتم، می\u200cخواهم بروم!"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
        PERSIAN,
        "URL USER_MENTION [NAME] [RELIGION] don't can't I'm you're n't 's a b c x s 1",
        "e\u0301cole caf\u0065\u0301",  # WordNet knows `cole` and `cafe`; an accent of its own makes other words of them
        " ".join(sorted(synonyms.STOP_WORDS)).upper(),
    ],
)  # fmt: skip
def test_what_has_no_synonyms_stays(text):
    assert synonyms.synonyms(text, 1.0, 0) == text


@pytest.mark.parametrize(("word", "first", "other", "never"), [
    ("Neighbor", {"Neighbour"}, set(), {"Neighbor"}),
    ("run", {"tally"}, {"move"}, set()),  # of baseball
    ("lied", set(), {"consist"}, {"lie"}),
    ("took", set(), set(), {"take"}),
    ("Dogs", set(), set(), {"Dog", "dogs"}),
])  # fmt: skip
def test_a_base_form_is_no_synonym_and_the_first_sense_is_that_of_any_part_of_speech(word, first, other, never):
    found = pd.concat([synonyms.replaced_in([word], 1.0, seed) for seed in range(300)])
    assert first <= {*found["synonym"][found["first"]]} and other <= {*found["synonym"][~found["first"]]}
    assert len(found) == 300 and never.isdisjoint(found["synonym"])


def test_second_views_warn_of_texts_that_wordnet_does_not_know_and_a_wrong_rate_is_refused(caplog):
    with caplog.at_level(logging.WARNING, logger="lclstudy"):
        synonyms.second_views([PERSIAN, *SENTENCES], "wordnet", 0.3, 0)
        synonyms.second_views([], "wordnet", 0.3, 0)
        assert caplog.text == ""
        assert synonyms.second_views([PERSIAN, PERSIAN, SENTENCES[0]], "wordnet", 0.3, 0)[:2] == [PERSIAN] * 2
    assert "no word of 2 of 3 texts: their second views differ by the encoder's dropout alone" in caplog.text
    views = synonyms.second_views(SENTENCES, "dropout", 0.3, 0)
    assert views == SENTENCES and views is not SENTENCES
    for rate in (-0.1, 30, float("nan")):
        with refused("augment_rate must be from 0 to 1; given"):
            synonyms.synonyms("a happy dog", rate, 0)


def test_coverage_counts_tokens():
    assert synonyms.coverage(["!!", ""]) == 0.0
    assert synonyms.coverage(["The cats", "blorf xqzt dogs"]) == pytest.approx(2 / 5)
    assert synonyms.coverage(["cats, cats!", "URL"], signs=True) == pytest.approx(2 / 5)
    assert synonyms.coverage(["cats, cats!", "URL"]) == 1.0
