"""`lclstudy train` and `lclstudy predict`: a classifier from a table of one's own, and what it says of new texts.

Imports nothing that takes a second: the command line checks names with it.
"""

import argparse
import sys
from pathlib import Path

from lclstudy.errors import StudyError, unknown
from lclstudy.plan.profiles import load_profile, profile_names

SUFFIXES = (".csv", ".jsonl", ".parquet", ".tsv", ".txt")


def add(add_command) -> None:
    """Adds both: `add_command(name, what it does, function)` gives the parser of a new subcommand."""
    train = add_command("train", "Train one classifier, and keep it.", train_command)
    train.add_argument("corpus", help="a table with the columns text and label (csv, tsv, jsonl, parquet), or a catalogue name")
    train.add_argument("--objective", default="lcl", help="what is minimised: ce, scl, lcl, ... (default: %(default)s)")
    train.add_argument("--out", metavar="FOLDER", help="a new folder for the classifier; without it nothing is kept")
    train.add_argument("--profile", default="quick", help=f"whose settings: {', '.join(profile_names())} or "
                       "a path ending in .toml (default: %(default)s, whose encoder knows no language yet)")  # fmt: skip
    train.add_argument("--encoder", help="a name of the catalogue")
    train.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    train.add_argument("--epochs", type=int)
    train.add_argument("--max-length", type=int, metavar="TOKENS", help="tokens of a text that are read")
    train.add_argument("--device", help="cuda, mps or cpu (default: the first of these that there is)")

    predict = add_command("predict", "Classify new texts: a csv of labels and probabilities.", predict_command)
    predict.add_argument("classifier", metavar="folder", help="what `lclstudy train --out` made")
    predict.add_argument("texts", nargs="?", help=f"a file with a column text ({', '.join(SUFFIXES[:4])}) or a text a line "
                         "(.txt); without it, a text a line of the standard input")  # fmt: skip
    predict.add_argument("--out", metavar="FILE", help="a csv file (default: the standard output)")
    predict.add_argument("--device", help="cuda, mps or cpu (default: the first of these that there is)")


def train_command(options: argparse.Namespace) -> int:
    given = {name: getattr(options, name) for name in ("encoder", "seed", "epochs", "max_length")}
    spec = load_profile(options.profile).spec(options.corpus, options.objective, **given)
    from . import loop, train

    try:
        record = train(spec, options.device, out=options.out)
    except loop.NonFiniteLoss as error:
        raise StudyError(f"{spec.label()} failed: {error}") from None
    right = (record.test_probabilities.argmax(axis=1) == record.test_labels).mean()
    print(
        f"Accuracy {right:.1%} on {len(record.test_labels)} test texts, best epoch {record.best_epoch} of {len(record.epochs)}."
    )
    if options.out:
        print(f"Kept in {options.out}, with its card in README.md; try: lclstudy predict {options.out}")
    return 0


def predict_command(options: argparse.Namespace) -> int:
    import pandas as pd

    from .classifier import load_classifier

    classifier = load_classifier(options.classifier, options.device)
    texts = read_texts(Path(options.texts)) if options.texts else [line.rstrip("\n") for line in sys.stdin]
    labels, probabilities = classifier.predict(texts)
    found = pd.DataFrame(probabilities, columns=[f"probability of {name}" for name in classifier.classes])
    found.insert(0, "label", labels)
    found.insert(0, "text", texts)
    found.to_csv(options.out or sys.stdout, index=False, float_format="%.4f")
    if classifier.cut:
        print(f"{classifier.cut} texts are longer than {classifier.max_length} tokens and were cut.", file=sys.stderr)
    return 0


def read_texts(path: Path) -> list[str]:
    """The texts of a file, in order. Raises StudyError if it cannot be read or has no column `text`."""
    import pandas as pd

    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise unknown("kind of file", path.name, SUFFIXES)
    try:
        if suffix == ".txt":
            return path.read_text("utf-8").splitlines()
        if suffix in (".csv", ".tsv"):
            table = pd.read_csv(path, sep="\t" if suffix == ".tsv" else ",", dtype=str, keep_default_na=False)
        else:
            table = pd.read_json(path, lines=True, dtype=False) if suffix == ".jsonl" else pd.read_parquet(path)
    except (OSError, ValueError) as error:  # of pandas' and Arrow's readers as well
        raise StudyError(f"Cannot read {path.name}: {' '.join(str(error).split())[:200]}") from None
    if "text" not in table.columns:
        raise StudyError(f"{path.name} has no column 'text'; found: {', '.join(map(str, table.columns))}. Rename or add it.")
    return table["text"].astype(str).tolist()
