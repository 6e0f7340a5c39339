"""Makes `data/embedded`: a small corpus whose confusable classes are known, so that a test can ask whether they are found.

Twelve classes in three groups of four. A text is a situation (drawn from its group, so that groups are told apart easily) and
one or two reactions. A reaction comes from the text's own class often, from the whole group sometimes, and from a sibling
class now and then, so that classes of a group are confused and classes of different groups hardly ever.

The class names are plain English words for what the templates describe. Nobody felt or annotated anything here.

Run `python scripts/make_embedded_corpus.py`; the same code gives the same bytes. It prints the size and sha256 of each file,
which `lclstudy/plan/catalog.toml` pins.
"""

import argparse
import csv
import hashlib
import io
import random
import re
from pathlib import Path

SEED = 2021
TEXTS_PER_CLASS = {"train": 60, "validation": 20, "test": 20}
WORDS = (8, 25)  # shortest and longest text
SECOND_REACTION = 0.65  # share of texts with two reactions
# Where a reaction comes from: the first nearly tells the class, the second hints.
FIRST = {"own": 0.77, "group": 0.11, "sibling": 0.12}
SECOND = {"own": 0.53, "group": 0.27, "sibling": 0.20}

SLOTS = {
    "person": "my brother|my neighbor|a colleague|my cousin|an old friend|my roommate|my uncle|a classmate",
    "opening": "yesterday|last night|this morning|last summer|a week ago|on the way home|after lunch|during the holiday",
    "closing": "it was a long day|nobody else noticed|we talked about it later|the others went to bed early|"
    "I wrote it down in my diary|my mother asked about it|it rained the whole evening|then the telephone rang",
    # fear
    "sound": "footsteps|a growl|heavy breathing|a scream|a crash",
    "dark": "cellar|attic|alley|forest|tunnel",
    "beast": "snake|wolf|spider|bear|rat",
    "storm": "storm|thunder|earthquake|hurricane|lightning",
    "shelter": "cabin|ship|tent|tower|plane",
    "illness": "surgery|needles|a tumor|poison|blood",
    "height": "cliff|roof|ladder|bridge|balcony",
    # anger
    "wrong": "broke|stole|scratched|ruined|damaged",
    "object": "bicycle|laptop|window|car|camera",
    "matter": "the money|the contract|the rent|the bill|the report",
    "mishap": "the mistake|the delay|the damage|the mess|the leak",
    "rule": "parking|smoking|garbage|trespassing|noise",
    # joy
    "gift": "flowers|a cake|tickets|a puppy|a song",
    "event": "my birthday|the wedding|the victory|the graduation|the harvest",
    "sunny": "beach|garden|lake|park|meadow",
    "award": "a prize|a scholarship|a promotion|a medal|a trophy",
    "play": "sang|danced|sailed|painted|swam",
}

SITUATIONS = {
    "fear": [
        "I heard {sound} in the dark {dark}",
        "a wild {beast} crawled close to me in the {dark}",
        "the {storm} shook the small {shelter}",
        "I walked alone through the dark {dark}",
        "the nurse spoke about {illness} and danger",
        "I stood on the edge of the high {height}",
    ],
    "anger": [
        "{person} {wrong} my {object}",
        "{person} lied to me about {matter}",
        "{person} insulted me and {wrong} my {object}",
        "the landlord cheated me over {matter}",
        "{person} blamed me for {mishap}",
        "{person} ignored the rule about {rule} again",
    ],
    "joy": [
        "{person} gave me {gift} at the {sunny}",
        "we celebrated {event} at the {sunny}",
        "I won {award} at school",
        "the sun shone while we {play} at the {sunny}",
        "{person} brought {gift} for {event}",
        "we {play} together after {event}",
    ],
}

REACTIONS = {
    "fear": {
        "": ["my stomach turned", "I wished that it was over", "my hands were cold"],
        "afraid": ["I hid behind the door", "I ran straight home", "I called for help"],
        "terrified": ["I screamed and collapsed", "my legs froze completely", "I trembled violently"],
        "anxious": ["I paced up and down", "I bit my nails", "I worried for hours"],
        "apprehensive": ["I hesitated at every step", "I doubted the outcome", "I moved on cautiously"],
    },
    "anger": {
        "": ["I found it unfair", "my jaw was tight", "I wanted an explanation"],
        "angry": ["I raised my voice", "I demanded an apology", "I argued for an hour"],
        "furious": ["I smashed a plate", "I exploded with rage", "I kicked the wall"],
        "annoyed": ["I rolled my eyes", "I sighed loudly", "I muttered a complaint"],
        "resentful": ["I never forgave it", "I stayed bitter for years", "I kept a secret grudge"],
    },
    "joy": {
        "": ["it was a beautiful moment", "my face was warm", "I thanked everybody"],
        "joyful": ["I jumped and cheered", "I smiled without end", "I laughed aloud"],
        "proud": ["I praised our hard work", "I framed the photograph", "I stood up tall"],
        "content": ["I sat back and relaxed", "I breathed calmly", "I enjoyed the silence"],
        "excited": ["I counted the days until next time", "I could hardly wait for more", "I packed at once"],
    },
}
GROUPS = {name: group for group, classes in REACTIONS.items() for name in classes if name}


def pick(rng: random.Random, items):
    """One of `items`. Of Python's generators only `random()` is promised to give the same sequence in every version."""
    items = list(items)
    return items[int(rng.random() * len(items))]


def draw_source(rng: random.Random, shares: dict[str, float]) -> str:
    """A key of `shares` with the probability that is its value."""
    point = rng.random()
    for source, share in shares.items():
        point -= share
        if point < 0:
            return source
    return source


def reaction(rng: random.Random, label: str, shares: dict[str, float]) -> str:
    """A reaction of the class itself, of its whole group, or of a sibling class."""
    phrases = REACTIONS[GROUPS[label]]
    source = draw_source(rng, shares)
    if source == "sibling":
        return pick(rng, phrases[pick(rng, [name for name in phrases if name not in ("", label)])])
    return pick(rng, phrases[label if source == "own" else ""])


def fill(rng: random.Random, template: str) -> str:
    """The template with a word drawn for each slot."""
    return re.sub(r"\{(\w+)\}", lambda slot: pick(rng, SLOTS[slot[1]].split("|")), template)


def make_text(rng: random.Random, label: str) -> str:
    """A text of `label`: an opening or none, a situation, one or two reactions, a closing or none."""
    situation = fill(rng, pick(rng, SITUATIONS[GROUPS[label]]))
    if rng.random() < 0.4:
        situation = f"{fill(rng, '{opening}')} {situation}"
    first = reaction(rng, label, FIRST)
    link = pick(rng, [" and ", ", so ", ". ", ". Then "])
    text = situation + link + (first[0].upper() + first[1:] if link == ". " else first)
    if rng.random() < SECOND_REACTION and (second := reaction(rng, label, SECOND)) != first:
        text += pick(rng, [", and ", " while ", ". After that "]) + second
    if rng.random() < 0.3:
        closing = fill(rng, "{closing}")
        text += ". " + closing[0].upper() + closing[1:]
    return text[0].upper() + text[1:] + "."


def make_corpus(seed: int = SEED) -> dict[str, list[tuple[str, str]]]:
    """The splits by name: rows (text, label), each text once in the whole corpus, as many of each class, in random order."""
    rng = random.Random(seed)
    seen: set[str] = set()
    corpus = {}
    for split, number in TEXTS_PER_CLASS.items():
        rows = []
        for label in sorted(GROUPS):
            while sum(row[1] == label for row in rows) < number:
                text = make_text(rng, label)
                if text not in seen and WORDS[0] <= len(text.split()) <= WORDS[1]:
                    seen.add(text)
                    rows.append((text, label))
        order = {row: rng.random() for row in rows}
        corpus[split] = sorted(rows, key=order.get)
    return corpus


def as_csv(header: tuple[str, ...], rows) -> bytes:
    """The rows as csv in UTF-8 with Unix line ends."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue().encode("utf-8")


def files() -> dict[str, bytes]:
    """The content of every file of `data/embedded` by name."""
    made = {f"{split}.csv": as_csv(("text", "label"), rows) for split, rows in make_corpus().items()}
    return {**made, "groups.csv": as_csv(("class", "group"), sorted(GROUPS.items()))}


def main() -> None:
    """Writes the files into the given folder and prints size and sha256 of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent / "data" / "embedded")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
