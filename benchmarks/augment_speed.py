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


def speeds(texts: list[str]) -> dict[str, float]:
    """Texts per CPU second of each way, at rate 0.3: `looked up anew`, `first pass`, `second pass`."""
    wordnet.ensure()
    few = texts[:ANEW]
    look_up_anew(few)  # NLTK keeps synsets that it has read once
    found = {"looked up anew": len(few) / seconds(lambda: look_up_anew(few))}
    augment._choices.cache_clear()
    for name in ("first pass", "second pass"):
        found[name] = len(texts) / seconds(lambda: augment.second_views(texts, "wordnet", 0.3, 0))
    return found


def main(corpus: str = "embedded") -> None:
    """Prints one line per way: texts per CPU second, and the ratio to the slow way."""
    texts = list(corpora.load(corpus)["train"]["text"])
    print(f"WordNet loaded in {seconds(wordnet.ensure):.1f} s; {len(texts)} training texts of {corpus}, rate 0.3, one core")
    found = speeds(texts)
    for name, speed in found.items():
        print(f"{name:16} {speed:8.0f} texts/s   x{speed / found['looked up anew']:.1f}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except StudyError as error:
        sys.exit(str(error))
