"""`lclstudy train` and `lclstudy predict`: a classifier from a table of one's own, and what it says of new texts.

Imports nothing that takes a second: the command line checks names with it.
"""

import argparse
import sys
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError, unknown
from lclstudy.plan.catalog import OWN_SUFFIXES, own_name
from lclstudy.plan.profiles import load_profile, profile_names
from lclstudy.plan.spec import RunSpec

_COLUMN = "how the column of %s is called (default: %%(default)s)"


def add(add_command) -> None:
    """Adds both: `add_command(name, what it does, function)` gives the parser of a new subcommand."""
    train = add_command("train", "Train one classifier, and keep it; cut off, it goes on when asked again.", train_command)
    train.add_argument("corpus", help=f"a table of texts and labels ({', '.join(OWN_SUFFIXES)}), or a catalogue name")
    train.add_argument("--text-column", metavar="NAME", default="text", help=_COLUMN % "texts")
    train.add_argument("--label-column", metavar="NAME", default="label", help=_COLUMN % "labels")
    train.add_argument("--objective", default="lcl", help="what is minimised: ce, scl, lcl, ... (default: %(default)s)")
    train.add_argument("--out", metavar="FOLDER", help="a new folder for the classifier; without it nothing is kept")
    train.add_argument("--profile", default="quick", help=f"whose settings: {', '.join(profile_names())} or "
                       "a path ending in .toml (default: %(default)s, whose encoder knows no language yet)")  # fmt: skip
    train.add_argument("--encoder", help="a name of the catalogue")
    train.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    train.add_argument("--epochs", type=int)
    train.add_argument("--augment", help="how second views are made: wordnet (English alone) or dropout")
    train.add_argument("--max-length", type=int, metavar="TOKENS", help="tokens of a text that are read")
    train.add_argument("--device", help="cuda, mps or cpu (default: the first of these that there is)")
    train.add_argument("--dry-run", action="store_true", help="check all that is given, say how long it would take, and stop")

    predict = add_command("predict", "Classify new texts: a csv of labels and probabilities.", predict_command)
    predict.add_argument("classifier", metavar="folder", help="what `lclstudy train --out` made")
    predict.add_argument("texts", nargs="?", help=f"a table of texts ({', '.join(OWN_SUFFIXES)}) or a text a line (.txt); "
                         "without it, a text a line of the standard input")  # fmt: skip
    predict.add_argument("--text-column", metavar="NAME", default="text", help=_COLUMN % "texts")
    predict.add_argument("--out", metavar="FILE", help="a csv file (default: the standard output)")
    predict.add_argument("--device", help="cuda, mps or cpu (default: the first of these that there is)")


def train_command(options: argparse.Namespace) -> int:
    given = {name: getattr(options, name) for name in ("encoder", "seed", "epochs", "max_length", "augment")}
    corpus = own_name(options.corpus, options.text_column, options.label_column)
    spec = load_profile(options.profile).spec(corpus, options.objective, **given)
    from . import checkpoint, loop, train

    if options.dry_run:
        loop.choose_device(options.device)
        return _foretell(spec, options.out)
    state = paths.runs() / f"classifier-{spec.identity()}"
    try:
        record = train(spec, options.device, out=options.out, state=state)
    except loop.NonFiniteLoss as error:
        raise StudyError(f"{spec.label()} failed: {error}") from None
    checkpoint.forget(state)
    right = (record.test_probabilities.argmax(axis=1) == record.test_labels).mean()
    print(
        f"Accuracy {right:.1%} on {len(record.test_labels)} test texts, best epoch {record.best_epoch} of {len(record.epochs)}."
    )
    if options.out:
        print(f"Kept in {options.out}, with its card in README.md; try: lclstudy predict {options.out}")
    return 0


def _foretell(spec: RunSpec, out: str | None) -> int:
    from lclstudy.corpora.load import load_corpus
    from lclstudy.results.speed import time_said

    from . import classifier, prepare

    prepare.check(spec)
    if out:
        classifier.new_folder(out, spec)
    texts = load_corpus(spec.corpus, spec.classes)["train"]
    print(f"{len(texts):,} training texts, {len(texts.features['label'].names):,} classes. {time_said([spec], len(texts))}")
    return 0


def predict_command(options: argparse.Namespace) -> int:
    import pandas as pd

    from lclstudy.corpora import own_file

    from .classifier import load_classifier

    allowed = (*OWN_SUFFIXES, ".txt")
    if options.texts and Path(options.texts).suffix.lower() not in allowed:
        raise unknown("kind of file", options.texts, allowed)
    out = Path(options.out or "a.csv").resolve()
    if out.is_dir() or not out.parent.is_dir() or (options.texts and out == Path(options.texts).resolve()):
        raise StudyError(f"{options.out} is a folder, in none that exists, or the table of texts itself; name another file.")
    texts = own_file.read_texts(Path(options.texts), options.text_column) if options.texts else None
    classifier = load_classifier(options.classifier, options.device)
    try:
        texts = [line.rstrip("\r\n") for line in sys.stdin] if texts is None else texts
    except UnicodeDecodeError:
        raise StudyError("The standard input is not UTF-8 text; save it in that encoding.") from None
    labels, probabilities = classifier.predict(texts)
    found = pd.DataFrame(probabilities, columns=[f"probability of {name}" for name in classifier.classes])
    found.insert(0, "label", labels)
    found.insert(0, "text", texts)
    found.to_csv(options.out or sys.stdout, index=False, float_format="%.4f")
    if classifier.cut:
        print(f"{classifier.cut} texts are longer than {classifier.max_length} tokens and were cut.", file=sys.stderr)
    return 0
