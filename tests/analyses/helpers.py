"""What tests of several analyses are made of: frozen runs with scores made by hand, and axes to draw on."""

from lclstudy.results.frozen import read_frozen
from lclstudy.results.records import SPLITS, Record
from lclstudy.runs.store import RunStore
from lclstudy.show import style
from tests.material import check_readable


def scored_record(spec, classes, labels, scores, **told):
    """A finished record whose validation and test texts have the same labels [N] and scores [N, C]."""
    both = {f"{split}_labels": labels for split in SPLITS} | {f"{split}_probabilities": scores for split in SPLITS}
    epochs = [{"epoch": 1, "loss": 1.0, "validation_accuracy": 0.5}]
    return Record(spec, tuple(classes), epochs=epochs, best_epoch=1, **both, **told)


def frozen_of(folder, records, planned=()):
    """Frozen results of records, and of specs that never ran."""
    store, specs = RunStore(folder / "runs"), [*(one.spec for one in records), *planned]
    for one in records:
        store.save(one)
    return read_frozen(store.freeze(folder / "results", specs), specs)


def drawn(draw, *arguments, height, width=style.DOUBLE, columns=1):
    """The axes (one, or a row of `columns`) that `draw` was given last and drew on, whose texts can all be read."""
    figure, axes = style.subplots(1, columns, width, height)
    place = axes if columns > 1 else axes[0]
    draw(*arguments, place)
    check_readable(figure)
    return place


def texts(ax):
    """What is written on the axes."""
    return [text.get_text() for text in ax.texts if text.get_text()]


def yticks(ax):
    return [text.get_text() for text in ax.get_yticklabels()]
