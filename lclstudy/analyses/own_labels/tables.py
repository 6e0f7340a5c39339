"""Does LCL help on these labels? What a corpus of one's own and a few runs of CE and LCL say about it. No torch.

Accuracies and differences are in percent and points, of the test texts at the best epoch; n counts runs (seeds) per loss.
"""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from lclstudy.errors import StudyError
from lclstudy.plan import catalog, names
from lclstudy.plan.spec import RunSpec
from lclstudy.results.comparisons import still_rises
from lclstudy.runs.store import RunStore
from lclstudy.show import text
from lclstudy.show.markdown import plain
from lclstudy.statistics import judge as judging
from lclstudy.statistics import metrics, tests
from lclstudy.statistics.judge import Judgement

from .corpus import OBJECTIVES, SHOWN, Corpus, largest_share, sampling_reach, short

ANSWERS = {
    judging.REPRODUCED: "LCL is better than CE",
    judging.CONTRADICTED: "LCL is worse than CE",
    judging.SMALLER: "LCL does not gain the {gain} that would matter",
    judging.UNDECIDED: "Whether LCL is better than CE is undecided",
    judging.NOT_RUN: "Not both losses have run",
}


def scores(frame: pd.DataFrame, metric: str = "accuracy") -> dict[str, pd.Series]:
    """Test scores (%) of the finished runs of `RunStore.frame` by objective, each with its seeds as index."""
    done = frame[frame["status"] == "done"]
    return {name: 100 * done[done["objective"] == name].set_index("seed")[f"test_{metric}"] for name in OBJECTIVES}


def judged(frame: pd.DataFrame, gain: float, metric: str = "accuracy") -> Judgement:
    """The study's one judgement of LCL against CE on the finished runs, in points; its power is that for a true `gain`."""
    found = scores(frame, metric)
    return judging.judge(found["lcl"], found["ce"], expected=gain)


def answer(frame: pd.DataFrame, gain: float) -> str:
    """The answer in one sentence, with n: the plain words for the word of `judged`."""
    counts = [len(values) for values in scores(frame).values()]
    runs = f"{text.count(counts[0], 'run')} each" if counts[0] == counts[1] else f"{counts[0]} and {counts[1]} runs"
    return f"{ANSWERS[judged(frame, gain).word].format(gain=text.count(gain, 'point'))} ({runs})."


def results_table(frame: pd.DataFrame, found: Sequence, gain: float) -> pd.DataFrame:
    """A row per measure: mean and deviation of CE and LCL over n runs, and their difference with its 95 % interval over seeds,
    of accuracy also over test texts and paired by seed."""
    rows = []
    for metric, title in names.METRICS.items():
        values, one = scores(frame, metric), judged(frame, gain, metric)
        row = {"test measure (%)": title}
        row |= {f"{names.objective(name)}: mean (SD), n": _mean_said(each) for name, each in values.items()}
        row |= {"LCL − CE (points) over seeds": text.difference(one), "p": text.p_value(one.p)}
        row |= {"over test texts": text.NONE, "paired by seed": text.NONE}
        if metric == "accuracy" and all(len(each) for each in values.values()):
            row["over test texts"] = text.difference(over_texts(found))
            seeds = values["lcl"].index.intersection(values["ce"].index)
            if len(seeds):
                row["paired by seed"] = text.difference(tests.paired(values["lcl"][seeds], values["ce"][seeds]))
        rows.append(row)
    return pd.DataFrame(rows)


def _mean_said(values: pd.Series) -> str:
    return f"{text.mean(values.mean(), values.std())}, {len(values)}" if len(values) else judging.NOT_RUN


def records(specs: Iterable[RunSpec], runs: RunStore) -> list:
    """The finished records of the runs. Raises StudyError if none is finished."""
    found = [runs.load(spec) for spec in specs if runs.has(spec)]
    if not found:
        raise StudyError("No run finished, so there is nothing to show; the reasons stand with the failed runs above.")
    return found


def best(found: Sequence):
    """The record that was best on the validation texts."""
    return max(found, key=lambda one: one.epochs[one.best_epoch - 1]["validation_accuracy"])


def predicted(classifier, rows: Mapping, corpus: Corpus) -> pd.DataFrame:
    """What a classifier of `load_classifier` makes of the first texts of a split: label, probability, and the given label."""
    texts = list(rows["text"][:SHOWN])
    labels, probabilities = classifier.predict(texts, progress=False)
    return pd.DataFrame({
        "text": [textwrap.shorten(one, 110, placeholder=" …") for one in texts],
        "label": labels,
        "probability (%)": (100 * probabilities.max(axis=1).astype(float)).round(1),
        "given label": [corpus.counts.index[number] for number in rows["label"][:SHOWN]],
    })  # fmt: skip


def confusion(found: Sequence, objective: str | None = None) -> np.ndarray:
    """Test confusions [C, C] (row = true class), summed over the records, or over those of one objective."""
    chosen, classes = [record for record in found if objective in (None, record.spec.objective)], len(found[0].classes)
    each = (metrics.confusion_matrix(one.test_labels, one.test_probabilities.argmax(axis=1), classes) for one in chosen)
    return sum(each, np.zeros((classes, classes), np.int64))


def pairs(found: Sequence, count: int = SHOWN) -> pd.DataFrame:
    """The pairs of classes, `a` and `b`, most often taken for each other over all records: mean errors per run of each
    objective (NaN without runs), and their `share` (%) of the test texts of both."""
    classes, whole = found[0].classes, confusion(found)
    ran = {name: sum(record.spec.objective == name for record in found) for name in OBJECTIVES}
    by = {name: confusion(found, name) / ran[name] if ran[name] else whole * np.nan for name in OBJECTIVES}
    rows = [
        {"a": classes[a], "b": classes[b], **{name: by[name][a, b] + by[name][b, a] for name in OBJECTIVES},
         "share": 100 * both / whole[[a, b]].sum()}
        for a, b, both in metrics.confused_pairs(whole)[:count]
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["a", "b", *OBJECTIVES, "share"])


def pairs_table(found: Sequence, texts: Sequence[str]) -> pd.DataFrame:
    """`pairs` to show, each with the test text that was taken for the other class with most confidence, shortened."""
    classes, labels = found[0].classes, found[0].test_labels
    probabilities, every = np.mean([record.test_probabilities for record in found], axis=0), np.arange(len(labels))
    rows = []
    for row in pairs(found).itertuples():
        a, b = classes.index(row.a), classes.index(row.b)
        other = np.select([labels == a, labels == b], [b, a], default=labels)
        margins = probabilities[every, other] - probabilities[every, labels]
        worst = margins.argmax()
        example = (textwrap.shorten(texts[worst], 110, placeholder=" …"), classes[labels[worst]])
        rows.append((f"{short(row.a)} / {short(row.b)}", text.number(row.ce, 1), text.number(row.lcl, 1), round(row.share, 1),
                     *(example if margins[worst] > 0 else (text.NONE, text.NONE))))  # fmt: skip
    columns = ["classes", "CE: errors per run", "LCL: errors per run", "share of their texts (%)", "an example", "its label"]
    return pd.DataFrame(rows, columns=columns)


def over_texts(found: Sequence) -> tests.TTest:
    """LCL − CE in points with its 95 % interval over test texts, runs averaged, of records of both losses."""
    right = {name: [one.test_probabilities.argmax(axis=1) == one.test_labels for one in found if one.spec.objective == name]
             for name in OBJECTIVES}  # fmt: skip
    return judging.over_texts(right["lcl"], right["ce"])


def not_converged(found: Sequence) -> list[str]:
    """The losses of which `still_rises` is true."""
    epochs = pd.DataFrame([{"identity": number, "objective": one.spec.objective, **epoch}
                           for number, one in enumerate(found) for epoch in one.epochs])  # fmt: skip
    return [names.objective(name) for name in OBJECTIVES if still_rises(epochs[epochs["objective"] == name])]


def cost(frame: pd.DataFrame) -> float | None:
    """LCL's training seconds over CE's, of their median runs, as one run on a busy machine would spoil a mean; None unless both
    losses have a finished run."""
    seconds = frame[frame["status"] == "done"].groupby("objective")["train_seconds"].median()
    return seconds["lcl"] / seconds["ce"] if {*OBJECTIVES} <= {*seconds.index} else None


def cost_table(frame: pd.DataFrame) -> pd.DataFrame:
    """What the median run of each loss took: seconds, speed, and how many parameters learn."""
    done = frame[frame["status"] == "done"]
    rows = [
        {"loss": names.objective(name), "runs": len(group), "training seconds": f"{group['train_seconds'].median():,.1f}",
         "texts per second": f"{group['texts_per_second'].median():,.0f}",
         "parameters that learn (millions)": f"{group['parameters'].median() / 1e6:.2f}",
         "device": ", ".join(dict.fromkeys(group["device"]))}
        for name in OBJECTIVES if len(group := done[done["objective"] == name])
    ]  # fmt: skip
    return pd.DataFrame(rows)


def notes(frame: pd.DataFrame) -> list[str]:
    """What went other than planned: runs that failed, texts that were cut."""
    failed = frame[frame["status"] == "failed"]
    said = [f"{names.objective(row.objective)}, seed {row.seed} failed: {row.failure}" for row in failed.itertuples()]
    done = frame[frame["status"] == "done"]
    for split in ("train", "test"):
        cut = done.get(f"note_truncated_{split}", pd.Series(dtype=float)).max()
        if cut > 0:
            limit = done["max_length"].max()
            said.append(f"{int(cut):,} {split} texts are longer than {limit} tokens and were cut: give a larger max_length.")
    return said


def card_facts(corpus: Corpus, frame: pd.DataFrame, found: Sequence, gain: float) -> dict:
    """What `figures.card` draws, by the names of its arguments."""
    reached, limits = scores(frame), frame["train_limit"].dropna()
    trained = f" (at most {limits.max():,} to train on)" if len(limits) else ""
    texts, one = f"{corpus.counts.to_numpy().sum():,} texts{trained}", judged(frame, gain)
    seeds = text.count(max(map(len, reached.values())), "seed")
    encoder = frame["encoder"].iloc[0]
    nothing = "" if catalog.encoder(encoder).kind == "transformer" else " (from nothing)"
    told = "" if math.isnan(one.difference) else f" LCL − CE: {text.difference(one)} points."
    return {
        "title": f"{corpus.name}: {texts}, {len(corpus.counts):,} classes; "
        f"{names.encoder(encoder)} encoder{nothing}, {seeds} per loss",
        "answer": answer(frame, gain) + told,
        "scores": {name: values.tolist() for name, values in reached.items()},
        "intervals": {name: np.clip(tests.mean_interval(values), 0, 100) for name, values in reached.items() if len(values)},
        "confusion": {name: confusion(found, name) for name in OBJECTIVES},
        "classes": found[0].classes,
    }


def facts(corpus: Corpus, frame: pd.DataFrame, found: Sequence, gain: float) -> dict:
    """What `said.md.j2` is filled in with. `found` are the records of `records`."""
    one, means = judged(frame, gain), {name: values.mean() for name, values in scores(frame).items()}
    floor, nearest, price = largest_share(corpus), pairs(found, 1).to_dict("records"), cost(frame)
    nothing = max(means.values()) <= floor + sampling_reach(0.5, int(corpus.counts["test"].sum()))
    return {
        "cautions_now": not_converged(found),
        "answer": answer(frame, gain),
        "one": one,
        "means": means,
        "floor": floor,
        "nothing_learnt": nothing,
        "over_texts": over_texts(found) if not math.isnan(one.difference) else None,
        "nearest": {**nearest[0], "a": plain(nearest[0]["a"]), "b": plain(nearest[0]["b"])} if nearest else None,
        "price": price,
        "gain": gain,
        "untrained": catalog.encoder(frame["encoder"].iloc[0]).kind != "transformer",
    }
