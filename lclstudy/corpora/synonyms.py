"""The second view of a text: some of its words replaced by WordNet synonyms, the same way every time.

The protocol (paper section 4.2) replaces 30 % of the words. What counts here:

- A *word* is a run of letters, digits and underscores, with inner hyphens and apostrophes: `well-known` and `don't` are one
  word each. Placeholders of the corpora (`URL`, `USER_MENTION`, `[NAME]`) are no words, and never change.
- The number of words to replace is the rate times *all* words, rounded up. They are drawn from the words that have synonyms;
  where there are fewer, all of these are replaced.
- Synonyms of a word are the lemmas of all synsets that WordNet's morphology finds for it, other than the word itself and its
  base form (`took` does not become `take`). They are put in uninflected, each as likely as the others. Lemmas with other
  signs than letters, hyphens and apostrophes are left out.
- Function words and words of one character are left alone.

The released code calls `SynonymAug(aug_src="wordnet")` of nlpaug (its environment.yml names 1.1.0), which differs. It draws
0.3 times as many words as there are tokens, punctuation signs too, rounded down (up in 1.1.11), at least 1 and at most 10 in a
text; from all words but determiners, function words too; and leaves a drawn word that has no synonym as it is. Synonyms are of
the part of speech that a tagger finds, where WordNet has it; the base form is one, and what stands in more synsets is likelier.
What these differences do to the results is not known.
"""

import logging
import math
import random
import re
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from lclstudy.errors import StudyError

from . import wordnet

log = logging.getLogger("lclstudy")

# The closed word classes of English, which carry grammar rather than meaning: a synonym of `was`, `not` or `in` spoils a text.
# NLTK's own list needs a second download; scikit-learn's lacks `did` and `does`, and holds `cry`, `serious` and `fire`.
STOP_WORDS = frozenset(Path(__file__).with_name("function_words.txt").read_text("utf-8").split())

_WORD_CHARACTER = r"[\w\u0300-\u036f]"  # an accent may follow its letter as a sign of its own
# Group 1 is a word; a token without it is a placeholder or a sign.
_TOKEN = re.compile(rf"\[[A-Z]+\]|\b(?:URL|USER_MENTION)\b|({_WORD_CHARACTER}+(?:[-'\u2019]{_WORD_CHARACTER}+)*)|\S")
_PLAIN_LEMMA = re.compile(r"[A-Za-z]+(?:[-'_][A-Za-z]+)*")


def second_views(texts: list[str], kind: str, rate: float, seed: int) -> list[str]:
    """One second view per text: `wordnet` replaces words, `dropout` gives the same text (the encoder's dropout differs).

    Warns if `wordnet` leaves most texts as they are, as those of another language. Raises as `synonyms` does.
    """
    if kind == "dropout":
        return list(texts)
    views = [synonyms(text, rate, seed) for text in texts]
    same = sum(view == text for view, text in zip(views, texts, strict=True))
    if rate > 0 and 2 * same > len(texts):
        log.warning(
            "WordNet, which is of English, has synonyms for no word of %d of %d texts: their second views differ by the "
            "encoder's dropout alone.", same, len(texts),
        )  # fmt: skip
    return views


class Replacement(NamedTuple):
    """A word of a text, from `start` to `end`, and the synonym that takes its place in the second view, in its case."""

    start: int
    end: int
    word: str
    synonym: str


def synonyms(text: str, rate: float, seed: int) -> str:
    """`text` with the share `rate` (0 to 1) of its words replaced by WordNet synonyms; case, signs and white space stay.

    A function of its arguments alone. A higher rate replaces the words of a lower rate the same way, and more.
    Raises StudyError if the rate is outside 0 to 1, or if there is no WordNet.
    """
    for start, end, _, synonym in reversed(replacements(text, rate, seed)):
        text = text[:start] + synonym + text[end:]
    return text


def replacements(text: str, rate: float, seed: int) -> list[Replacement]:
    """What `synonyms` replaces, in the order of the text. Raises as `synonyms` does."""
    wanted, replaceable = _drawn(text, rate, seed)
    return sorted(Replacement(*word.span(), word[0], _with_case(new, word[0])) for _, word, new in replaceable[:wanted])


def changes_of(texts: list[str], rate: float, seed: int) -> pd.DataFrame:
    """A row per text: how many `words` it has, how many have synonyms (`replaceable`), are to be replaced (`wanted`), and are
    (`replaced`): the counts behind `synonyms` of the same arguments. Raises as `synonyms` does."""
    rows = []
    for text in texts:
        wanted, found = _drawn(text, rate, seed)
        rows.append((len(_words(text)), len(found), wanted, min(wanted, len(found))))
    return pd.DataFrame(rows, columns=["words", "replaceable", "wanted", "replaced"])


def replaced_in(texts: list[str], rate: float, seed: int) -> pd.DataFrame:
    """A row per replacement in the texts: the fields of `Replacement`, and `first`, whether the synonym is of the word's first
    sense in any part of speech: WordNet lists the most frequent sense first. Raises as `synonyms` does.
    """
    made = [replacement for text in texts for replacement in replacements(text, rate, seed)]
    first = [each.synonym.lower() in _first_senses(_normal(each.word)) for each in made]
    return pd.DataFrame(made, columns=Replacement._fields).assign(first=first)


@cache
def _first_senses(word: str) -> set[str]:
    firsts = [synset for pos in "nvar" for synset in wordnet.ensure().synsets(word, pos)[:1]]
    return {name.replace("_", " ").lower() for synset in firsts for name in synset.lemma_names()}


def _drawn(text: str, rate: float, seed: int) -> tuple[int, list[tuple[float, re.Match, str]]]:
    """How many words to replace; and all that could be, with a synonym each, in the order in which they are taken."""
    if not 0 <= rate <= 1:
        raise StudyError(f"augment_rate must be from 0 to 1; given {rate!r}.")
    words = _words(text)
    # `hash` differs from process to process. Only random() is used, which Python keeps the same from version to version.
    digest = blake2b(f"{seed}\n{text}".encode(errors="surrogatepass"), digest_size=8).digest()
    draw = random.Random(int.from_bytes(digest)).random
    replaceable = []  # (order, match, synonym)
    for word in words:
        if choices := _choices(_normal(word[0])):
            replaceable.append((draw(), word, choices[int(draw() * len(choices))]))
    return math.ceil(round(rate * len(words), 9)), sorted(replaceable, key=lambda entry: entry[0])


def coverage(texts: list[str], signs: bool = False) -> float:
    """The share of the tokens of `texts` that WordNet knows, inflected or not, 0 to 1; 0 if there are none.

    Tokens are the words; with `signs` also each punctuation sign and placeholder, which WordNet never knows. The paper
    (section 4.2) does not say what it counted, but its shares are those with signs. Raises StudyError if there is no WordNet.
    """
    tokens = [token[1] for text in texts for token in _TOKEN.finditer(text) if signs or token[1]]
    return sum(_is_known(_normal(word)) for word in tokens if word) / max(len(tokens), 1)


def _words(text: str) -> list[re.Match]:
    return [token for token in _TOKEN.finditer(text) if token[1]]


def _normal(word: str) -> str:
    return word.lower().replace("\u2019", "'")


@cache
def _is_known(word: str) -> bool:
    return bool(wordnet.ensure().synsets(word))


@cache
def _choices(word: str) -> tuple[str, ...]:
    """The synonyms of a lower-case word in alphabetical order; none for a function word."""
    if len(word) == 1 or word in STOP_WORDS:
        return ()
    reader = wordnet.ensure()
    own_forms = {word, *(reader.morphy(word, pos) for pos in "nvar")}
    found = {name.lower() for synset in reader.synsets(word) for name in synset.lemma_names() if _PLAIN_LEMMA.fullmatch(name)}
    return tuple(sorted(name.replace("_", " ") for name in found - own_forms))


def _with_case(synonym: str, word: str) -> str:
    if word.isupper():
        return synonym.upper()
    return synonym[:1].upper() + synonym[1:] if word[:1].isupper() else synonym
