"""Texts per second of the second views, beside the same with the synonyms of every text looked up anew.

python benchmarks/augment_speed.py [CORPUS]        CORPUS: a catalogue name, `embedded` by default
"""

import sys
import time

from lclstudy import augment, corpora, wordnet
from lclstudy.errors import StudyError

ANEW = 1000  # texts that are enough to time the slow way


def seconds(work) -> float:
    """CPU seconds of calling `work`."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def look_up_anew(texts: list[str]) -> None:
    """Second views with an empty table of synonyms before each text."""
    for text in texts:
        augment._choices.cache_clear()
        augment.synonyms(text, 0.3, 0)


def main(corpus: str = "embedded") -> None:
    """Prints one line per way: texts per CPU second, and the ratio to the slow way."""
    texts = list(corpora.load(corpus)["train"]["text"])
    print(f"WordNet loaded in {seconds(wordnet.ensure):.1f} s; {len(texts)} training texts of {corpus}, rate 0.3, one core")
    few = texts[:ANEW]
    look_up_anew(few)  # NLTK keeps synsets that it has read once
    slow = seconds(lambda: look_up_anew(few)) / len(few)
    print(f"{'looked up anew':16} {1 / slow:8.0f} texts/s")
    augment._choices.cache_clear()
    for name in ("first pass", "second pass"):
        each = seconds(lambda: augment.second_views(texts, "wordnet", 0.3, 0)) / len(texts)
        print(f"{name:16} {1 / each:8.0f} texts/s   x{slow / each:.1f}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except StudyError as error:
        sys.exit(str(error))
