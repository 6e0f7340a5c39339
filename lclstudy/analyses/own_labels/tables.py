"""Does LCL help on these labels? What a corpus of one's own and a few runs of CE and LCL say about it. No torch.

Accuracies and differences are in percent and points, of the test texts at the best epoch; n counts runs (seeds) per loss.
"""

import math
import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from lclstudy.errors import StudyError
from lclstudy.plan import catalog, names
from lclstudy.plan.profiles import Profile
from lclstudy.plan.spec import RunSpec
from lclstudy.runs.store import RunStore
from lclstudy.show import tables
from lclstudy.statistics import metrics, tests

OBJECTIVES = ("ce", "lcl")
QUICK_ONLY = ("encoder", "epochs", "learning_rate", "max_length", "train_limit")  # settings left behind with a quick encoder
SETTINGS = ("encoder", "epochs", "learning_rate", "batch_size", "max_length", "augment", "train_limit")  # may be None
TINY_CLASS = 10  # training texts below which a class is too small to learn or to judge
IMBALANCE = 10  # the largest class has so many times the texts of the smallest
HIGH_RATE = 2e-4  # a learning rate above this suits a network trained from nothing, and spoils a pre-trained one
MOST_SEEDS = 20  # what the command to go on asks for at most
ROUGH = 1.5  # the ratio of costs at one seed over that at another, above which the machine was not quiet
SPREAD = 0.8  # confidence of the interval of the spread between seeds
SHOWN = 5  # names in a sentence, and rows in a table of examples


class Corpus(NamedTuple):
    """What a corpus holds. `counts`: texts by class (row, in label order) and split (column).

    `repeated`: rows whose text and label came before; `conflicting`: texts that have two or more labels; `leaked`: test texts
    that are training texts too.
    """

    name: str
    counts: pd.DataFrame
    repeated: int
    conflicting: int
    leaked: int


class Cost(NamedTuple):
    """Training seconds of the median run of each loss, LCL's over CE's, and that ratio at the seeds where it is least and most.

    Medians, because a machine that was busy during one run would spoil a mean.
    `note` says why the seconds are hard to compare, if so.
    """

    ce: float
    lcl: float
    ratio: float
    low: float
    high: float
    note: str = ""


class Needed(NamedTuple):
    """Runs of each loss that detect a gain with power 0.8: as the spread seen says, and at both ends of its 80 % interval.

    None stands for more than 10,000, or where there is no spread to go by; `note` says which.
    """

    runs: int | None
    low: int | None
    high: int | None
    note: str = ""


def plan(profile: Profile, corpus: str, seeds: object, **settings) -> list[RunSpec]:
    """The runs of CE and LCL on a corpus, seed by seed; settings that are None are the profile's.

    `seeds` is a text with commas between, a number, or a list. Raises StudyError on a wrong setting.
    """
    given = seeds.split(",") if isinstance(seeds, str) else np.atleast_1d(seeds).tolist()
    numbers = [text.strip() for text in map(str, given) if text.strip()]
    if not numbers or not all(text.isdecimal() for text in numbers) or len(set(map(int, numbers))) < len(numbers):
        raise StudyError(f"seeds must be different whole numbers with commas between, such as 0,1,2; given {seeds!r}.")
    return [profile.spec(corpus, name, seed=int(seed), **settings) for seed in numbers for name in OBJECTIVES]


def check_gain(gain: object) -> float:
    """The gain as a number of points. Raises StudyError unless it is above 0 and at most 100."""
    if isinstance(gain, bool) or not isinstance(gain, int | float) or not 0 < gain <= 100:
        raise StudyError(f"gain must be a number of points, above 0 and at most 100, such as 1.0; given {gain!r}.")
    return float(gain)


def describe(corpus: Mapping, name: str) -> Corpus:
    """What is in a corpus of `load_corpus`: any mapping of splits with `text` and `label` whose `train` knows the names."""
    classes = corpus["train"].features["label"].names
    rows = pd.concat(
        [pd.DataFrame({"text": list(rows["text"]), "label": list(rows["label"]), "split": split})
         for split, rows in corpus.items()], ignore_index=True)  # fmt: skip
    counts = pd.crosstab(rows["label"], rows["split"]).reindex(index=range(len(classes)), columns=list(corpus), fill_value=0)
    counts = counts.set_axis(pd.Index(classes, name="class"), axis="index").rename_axis(None, axis="columns")
    trained = set(rows.loc[rows["split"] == "train", "text"])
    return Corpus(
        name=name,
        counts=counts,
        repeated=int(rows.duplicated(["text", "label"]).sum()),
        conflicting=int((rows.groupby("text")["label"].nunique() > 1).sum()),
        leaked=int(rows.loc[rows["split"] == "test", "text"].isin(trained).sum()),
    )


def largest_share(corpus: Corpus) -> float:
    """The accuracy (%) of always naming the class that is largest in training."""
    return float(100 * corpus.counts["test"][corpus.counts["train"].idxmax()] / corpus.counts["test"].sum())


def corpus_table(corpus: Corpus) -> pd.DataFrame:
    """The corpus in a few rows: texts, classes, the smallest and the largest, what is double."""
    train, sizes = corpus.counts["train"], corpus.counts.sum()
    rows = {f"{split} texts": f"{count:,}" for split, count in sizes.items()}
    rows |= {
        "classes": f"{len(train):,}",
        "smallest class": f"{_short(train.idxmin())} ({train.min():,} training texts)",
        "largest class": f"{_short(train.idxmax())} ({train.max():,} training texts)",
        "accuracy of always naming the largest class": f"{largest_share(corpus):.1f} %",
        "rows that repeat a text with its label": f"{corpus.repeated:,}",
        "texts that have two or more labels": f"{corpus.conflicting:,}",
        "test texts that are also training texts": f"{corpus.leaked:,}",
    }
    return pd.DataFrame(rows.items(), columns=["", "value"])


def class_table(corpus: Corpus, most: int = 15) -> pd.DataFrame:
    """Texts by class and split, numbered as the figure numbers a name it cannot draw; of many classes the smallest."""
    table = corpus.counts.reset_index()
    table.insert(0, "no.", range(1, len(table) + 1))
    return table if len(table) <= most else table.sort_values("train", kind="stable").head(most)


def cautions(corpus: Corpus, specs: Sequence[RunSpec], gain: float) -> list[str]:
    """What makes an answer on this corpus weak, in plain words, before anything is trained; no line if nothing does."""
    return [*_corpus_cautions(corpus, gain), *_setting_cautions(specs)]


def _corpus_cautions(corpus: Corpus, gain: float) -> list[str]:
    said = []
    train, test = corpus.counts["train"], corpus.counts["test"]
    tiny, unseen = list(train.index[train < TINY_CLASS]), list(test.index[test == 0])
    if tiny:
        said.append(
            f"{_classes_have(tiny)} fewer than {TINY_CLASS} training texts: too few to learn from. Merge or extend them."
        )
    if unseen:
        said.append(f"{_classes_have(unseen)} no test text: the test says nothing about what happens there.")
    if train.max() >= IMBALANCE * max(1, train.min()):
        times = f"{train.max() / max(1, train.min()):,.0f} times"
        said.append(
            f"The largest class has {times} the training texts of the smallest: small classes hardly move the accuracy."
        )
    reach = sampling_reach(0.5, int(test.sum()))
    if reach > gain:
        said.append(f"There are {test.sum():,} test texts: by the luck of which texts they are alone, an accuracy near 50 % is "
                    f"known to ±{reach:.1f} points.")  # fmt: skip
    if corpus.leaked:
        said.append(
            f"Test texts that are training texts too: {corpus.leaked:,}. They make the accuracy too good; delete the copies."
        )
    if corpus.conflicting:
        said.append(f"Texts that have two or more labels: {corpus.conflicting:,}. No model can get all of them right.")
    return said


def _setting_cautions(specs: Sequence[RunSpec]) -> list[str]:
    said, spec = [], specs[0]
    kind = catalog.encoder(spec.encoder).kind
    if len(specs) == len(OBJECTIVES):
        said.append("One seed: there is no test, and a gain cannot be told from chance. Give 3 seeds or more.")
    encoder = names.encoder(spec.encoder)
    if kind != "transformer":
        said.append(
            f"The {encoder} encoder starts from nothing: this shows how it works, and how far seeds differ. For a real answer "
            "use -p profile minilm, or -p profile paper (ELECTRA base)."
        )
    elif spec.learning_rate > HIGH_RATE:
        said.append(
            f"A learning rate of {spec.learning_rate:g} is too high for the pre-trained {encoder}: it belongs to a network "
            "trained from nothing. Use -p profile minilm or paper, or -p learning_rate 2.0e-5."
        )
    if spec.train_limit is not None:
        said.append(f"train_limit keeps at most {spec.train_limit:,} training texts: with all of them both losses do better.")
    return said


def _classes_have(classes: list[str]) -> str:
    more = f" and {len(classes) - SHOWN:,} more" if len(classes) > SHOWN else ""
    named = ", ".join(map(_short, classes[:SHOWN])) + more
    return f"1 class ({named}) has" if len(classes) == 1 else f"{len(classes):,} classes ({named}) have"


def _short(text: str, width: int = 40) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def sampling_reach(accuracy: float, texts: int) -> float:
    """Points by which an accuracy (0 to 1) over so many test texts, which are a sample, may be off, with 95 % confidence."""
    return 100 * norm.ppf(0.975) * math.sqrt(accuracy * (1 - accuracy) / texts)


def scores(frame: pd.DataFrame, metric: str = "accuracy") -> dict[str, pd.Series]:
    """Test scores (%) of the finished runs of `RunStore.frame` by objective, each with its seeds as index."""
    done = frame[frame["status"] == "done"]
    return {name: 100 * done[done["objective"] == name].set_index("seed")[f"test_{metric}"] for name in OBJECTIVES}


def compare(frame: pd.DataFrame, metric: str = "accuracy") -> tests.TTest | None:
    """Welch's test of LCL against CE, in points; None if one of the two has no finished run."""
    found = scores(frame, metric)
    return tests.welch(found["lcl"], found["ce"]) if all(len(values) for values in found.values()) else None


def results_table(frame: pd.DataFrame) -> pd.DataFrame:
    """A row per measure: mean and deviation of CE and LCL over n runs, their difference with its 95 % interval, the test."""
    rows = []
    for metric, title in names.METRICS.items():
        found, test = scores(frame, metric), compare(frame, metric)
        row = {"test measure (%)": title}
        row |= {f"{names.objective(name)}: mean (SD), n": _mean_said(values) for name, values in found.items()}
        row |= {"LCL − CE (points) [95 % interval]": "–" if test is None else difference_said(test)}
        rows.append(row | {"Welch's t": _test_said(test)})
    return pd.DataFrame(rows)


def _mean_said(values: pd.Series) -> str:
    return f"{tables.mean_and_deviation(values.mean(), values.std())}, {len(values)}" if len(values) else tables.NOT_RUN


def _test_said(test: tests.TTest | None) -> str:
    if test is None or test.note:
        return test.note if test else tables.NOT_RUN
    p = tables.p_value(test.p)
    return f"t({test.df:.1f}) = {test.t:.2f}, p {p if p.startswith('<') else f'= {p}'}".replace("-", "−")


def difference_said(test: tests.TTest) -> str:
    """`+1.20 [−0.35, 2.75]`, or `+1.20` where there is no test."""
    interval = "" if math.isnan(test.ci_low) else f" [{test.ci_low:.2f}, {test.ci_high:.2f}]"
    return f"{test.difference:+.2f}{interval}".replace("-", "−")


def verdict(test: tests.TTest | None, gain: float) -> str:
    """`helps` or `hurts` if the interval of LCL - CE is above or below 0; `too little` if all of it is below the gain that
    matters; else `open`. An interval above 0 and below the gain is `helps little`."""
    if test is None or math.isnan(test.ci_low):
        return "open"
    if test.ci_low > 0:
        return "helps little" if test.ci_high < gain else "helps"
    if test.ci_high < 0:
        return "hurts"
    return "too little" if test.ci_high < gain else "open"


def verdict_said(frame: pd.DataFrame, gain: float) -> str:
    """The answer in one sentence, with n."""
    test, counts = compare(frame), [len(values) for values in scores(frame).values()]
    runs = f"{_count(counts[0], 'run')} each" if counts[0] == counts[1] else f"{counts[0]} and {counts[1]} runs"
    said = {
        "helps": "LCL helps",
        "helps little": f"LCL helps, but by less than the {_points(gain)} that would matter",
        "hurts": "LCL hurts",
        "too little": f"LCL does not help by the {_points(gain)} that would matter",
        "open": "Whether LCL helps cannot be told yet",
    }[verdict(test, gain)]
    return f"{said} ({runs})."


def _points(gain: float) -> str:
    return f"{gain:g} {'point' if gain == 1 else 'points'}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def records(specs: Iterable[RunSpec], runs: RunStore) -> list:
    """The finished records of the runs. Raises StudyError if none is finished."""
    found = [runs.load(spec) for spec in specs if runs.has(spec)]
    if not found:
        raise StudyError("No run finished, so there is nothing to show; the reasons stand with the failed runs above.")
    return found


def confusion(found: Sequence, objective: str | None = None) -> np.ndarray:
    """Test confusions [C, C] (row = true class), summed over the records, or over those of one objective."""
    chosen = [record for record in found if objective in (None, record.spec.objective)]
    classes = len(found[0].classes)
    each = [metrics.confusion_matrix(one.test_labels, one.test_probabilities.argmax(axis=1), classes) for one in chosen]
    return np.sum(each, axis=0) if each else np.zeros((classes, classes), np.int64)


def pairs(found: Sequence, count: int = SHOWN) -> pd.DataFrame:
    """The pairs of classes most often taken for each other over all records; mean errors per run of each objective.

    Columns: `a`, `b` (class names), `ce`, `lcl` (NaN without runs), `share` (%) of the test texts of both.
    """
    classes, whole = found[0].classes, confusion(found)
    ran = {name: sum(record.spec.objective == name for record in found) for name in OBJECTIVES}
    by = {name: confusion(found, name) / ran[name] if ran[name] else whole * np.nan for name in OBJECTIVES}
    rows = [
        {"a": classes[a], "b": classes[b], **{name: by[name][a, b] + by[name][b, a] for name in OBJECTIVES},
         "share": 100 * both / whole[[a, b]].sum()}
        for a, b, both in metrics.confused_pairs(whole)[:count]
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["a", "b", *OBJECTIVES, "share"])


def pairs_table(found: Sequence, texts: Sequence[str], width: int = 110) -> pd.DataFrame:
    """`pairs` to show, each with the test text that was taken for the other class with most confidence, shortened."""
    classes = found[0].classes
    scores_by_text = np.mean([record.test_probabilities for record in found], axis=0)  # [N, C]
    rows = []
    for row in pairs(found).itertuples():
        a, b = classes.index(row.a), classes.index(row.b)
        text, true = _example(scores_by_text, found[0].test_labels, a, b)
        shown = textwrap.shorten(texts[text], width, placeholder=" …") if text is not None else "–"
        rows.append({"classes": f"{_short(row.a)} / {_short(row.b)}", "CE: errors per run": _rounded(row.ce),
                     "LCL: errors per run": _rounded(row.lcl), "share of their texts (%)": round(row.share, 1),
                     "an example": shown, "its label": classes[true] if text is not None else "–"})  # fmt: skip
    columns = ["classes", "CE: errors per run", "LCL: errors per run", "share of their texts (%)", "an example", "its label"]
    return pd.DataFrame(rows, columns=columns)


def _rounded(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1f}"


def _example(probabilities: np.ndarray, labels: np.ndarray, a: int, b: int) -> tuple[int | None, int]:
    """The text of a or b, and its class, to which the runs on average give the other most probability above its own."""
    best, text, true = 0.0, None, a
    for own, other in ((a, b), (b, a)):
        margins = np.where(labels == own, probabilities[:, other] - probabilities[:, own], -1.0)
        if margins.max() > best:
            best, text, true = margins.max(), int(margins.argmax()), own
    return text, true


def text_reach(found: Sequence) -> float:
    """Points by which LCL - CE may differ on other test texts, with 95 % confidence: from text to text, runs averaged.

    NaN without runs of both losses.
    """
    right = {
        name: [one.test_probabilities.argmax(axis=1) == one.test_labels for one in found if one.spec.objective == name]
        for name in OBJECTIVES
    }
    if not all(right.values()):
        return math.nan
    gains = np.mean(right["lcl"], axis=0) - np.mean(right["ce"], axis=0)
    return float(100 * norm.ppf(0.975) * gains.std(ddof=1) / math.sqrt(len(gains))) if len(gains) > 1 else math.nan


def cost(frame: pd.DataFrame) -> Cost | None:
    """What LCL costs in training time; None unless both losses have a finished run."""
    done = frame[frame["status"] == "done"]
    seconds = {name: done[done["objective"] == name].set_index("seed")["train_seconds"] for name in OBJECTIVES}
    if any(values.empty for values in seconds.values()):
        return None
    each = (seconds["lcl"] / seconds["ce"]).dropna()
    low, high = (each.min(), each.max()) if len(each) else (math.nan, math.nan)
    unlike = [name for name in ("device", "executor", "threads") if name in done and done[name].nunique() > 1]
    note = f"the runs differ in {' and '.join(unlike)}, so their seconds say little" if unlike else ""
    if not note and high > ROUGH * low:
        note = "the machine had other work too, so this is rough"
    ce, lcl = float(seconds["ce"].median()), float(seconds["lcl"].median())
    return Cost(ce, lcl, lcl / ce, float(low), float(high), note)


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


def _spreads(frame: pd.DataFrame) -> tuple[float, float, int]:
    """Deviations of CE and LCL over seeds (ddof 1), and the degrees of freedom behind them; NaN below two runs of each."""
    found = scores(frame)
    deviations = [float(values.std()) if len(values) > 1 else math.nan for values in found.values()]
    return *deviations, sum(len(values) - 1 for values in found.values())


def _scales(df: int) -> tuple[float, float]:
    """What to multiply a deviation with `df` degrees of freedom by, for the ends of its 80 % interval."""
    return tuple(math.sqrt(df / chi2.ppf(share, df)) for share in ((1 + SPREAD) / 2, (1 - SPREAD) / 2))


def needed(frame: pd.DataFrame, gain: float) -> Needed:
    """How many runs of each loss a Welch test needs to see a true difference of `gain` points in 8 of 10 studies."""
    ce, lcl, df = _spreads(frame)
    if math.isnan(ce + lcl):
        return Needed(None, None, None, "one run of a loss has no spread: give 3 seeds or more")
    if ce == lcl == 0:
        return Needed(None, None, None, "all runs of a loss are alike: no spread to go by")
    runs, low, high = (tests.runs_needed(gain, scale * ce, scale * lcl) for scale in (1, *_scales(df)))
    return Needed(runs, low, high, "" if runs else "more than 10,000: this gain cannot be seen against so wide a spread")


def power_curve(frame: pd.DataFrame, gain: float) -> pd.DataFrame:
    """Power (0 to 1) against runs per loss, with the spread seen (`power`) and at its 80 % interval's ends (`low`, `high`).

    No rows where there is no spread to go by.
    """
    ce, lcl, df = _spreads(frame)
    if math.isnan(ce + lcl) or ce == lcl == 0:
        return pd.DataFrame(columns=["n", "power", "low", "high"])
    reached = needed(frame, gain).runs or 10_000
    last = max(10, 2 * reached, 2 * frame["seed"].nunique())
    counts = np.unique([*np.geomspace(2, last, 40).round().astype(int), reached])
    narrow, wide = _scales(df)
    rows = [(n, *(tests.power(gain, scale * ce, n, scale * lcl, n).power for scale in (1, wide, narrow))) for n in counts]
    return pd.DataFrame(rows, columns=["n", "power", "low", "high"])


def needed_said(found: Needed, gain: float) -> str:
    """How many runs are needed, in a sentence."""
    if found.note:
        return f"Runs needed to see a gain of {_points(gain)}: {found.note}."
    ends = f"{_known(found.low)} to {_known(found.high)}"
    return (
        f"To see a gain of {_points(gain)} in 8 of 10 studies, {_count(found.runs, 'run')} of each loss are needed, going by "
        f"the spread seen; the spread is itself uncertain, so it may be {ends}."
    )


def _known(runs: int | None) -> str:
    return "more than 10,000" if runs is None else f"{runs:,}"


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


def command(given: Mapping[str, object], seeds: int) -> str:
    """The command that goes on with so many seeds; parameters that are None are left out."""
    wanted = {**given, "seeds": ",".join(map(str, range(seeds)))}
    parts = [text for name, value in wanted.items() if value is not None for text in ("-p", name, str(value))]
    return shlex.join(["papermill", "notebooks/14_your_corpus.ipynb", "out.ipynb", *parts])


def next_seeds(frame: pd.DataFrame, gain: float) -> int:
    """How many seeds to go on with: those needed, at least twice those there are, at most 20 unless there are more already."""
    now = frame["seed"].nunique()
    wanted = needed(frame, gain).runs or 0
    return max(min(max(wanted, 2 * now, 3), MOST_SEEDS), now + 1)


def card_facts(corpus: Corpus, frame: pd.DataFrame, found: Sequence, gain: float) -> dict:
    """What `figures.card` draws, by the names of its arguments."""
    reached, done = scores(frame), frame[frame["status"] == "done"]
    limits = frame["train_limit"].dropna()
    trained = f" (at most {limits.max():,} to train on)" if len(limits) else ""
    texts, test = f"{corpus.counts.to_numpy().sum():,} texts{trained}", compare(frame)
    seeds = _count(max(map(len, reached.values())), "seed")
    encoder = frame["encoder"].iloc[0]
    nothing = "" if catalog.encoder(encoder).kind == "transformer" else " (from nothing)"
    told = "" if test is None else f" LCL − CE: {difference_said(test)} points."
    return {
        "title": f"{corpus.name}: {texts}, {len(corpus.counts):,} classes; "
        f"{names.encoder(encoder)} encoder{nothing}, {seeds} per loss",
        "answer": verdict_said(frame, gain) + told,
        "scores": {name: values.tolist() for name, values in reached.items()},
        "intervals": {name: tests.mean_interval(values) for name, values in reached.items() if len(values)},
        "confusion": confusion(found),
        "classes": found[0].classes,
        "seconds": {name: done.loc[done["objective"] == name, "train_seconds"].tolist() for name in OBJECTIVES},
        "curve": power_curve(frame, gain),
        "gain": gain,
    }


def findings(corpus: Corpus, frame: pd.DataFrame, found: Sequence, gain: float, given: Mapping[str, object]) -> list[str]:
    """The answer in plain sentences: verdict, difference, what the test texts allow, confusions, cost, runs needed, next step.

    `found` are the records of `records`, `given` the notebook's parameters that are not its defaults.
    """
    test = compare(frame)
    said = [f"{corpus.name}, {names.encoder(frame['encoder'].iloc[0])} encoder: {verdict_said(frame, gain)}"]
    if test is not None:
        said += _difference_lines(corpus, test, frame, text_reach(found))
    said += _confusion_lines(pairs(found, 1))
    price = cost(frame)
    if price is not None:
        said.append(cost_said(price))
    said.append(needed_said(needed(frame, gain), gain))
    return said + _next_lines(frame, gain, given, price)


def _difference_lines(corpus: Corpus, test: tests.TTest, frame: pd.DataFrame, reach: float) -> list[str]:
    means = {name: values.mean() for name, values in scores(frame).items()}
    each = ", ".join(f"{names.objective(name)} {mean:.1f} %" for name, mean in means.items())
    said = [f"Test accuracy: {each}; LCL − CE {difference_said(test)} points, {_test_said(test)}."]
    said.append(f"Always naming the largest class would get {largest_share(corpus):.1f} %.")
    if max(means.values()) <= largest_share(corpus) + sampling_reach(0.5, int(corpus.counts["test"].sum())):
        said.append("Neither loss is clearly better than that: nothing was learnt yet, so this says nothing about LCL.")
    if abs(test.difference) < reach:
        said.append(f"On other texts of this kind the difference may be {reach:.1f} points more or less, because "
                    f"{corpus.counts['test'].sum():,} test texts are a sample; more seeds do not mend that.")  # fmt: skip
    return said


def _confusion_lines(nearest: pd.DataFrame) -> list[str]:
    return [
        f"Most confused: {_short(row.a)} and {_short(row.b)}; of their test texts {row.share:.0f} % are taken for the other "
        f"(errors per run: CE {_rounded(row.ce)}, LCL {_rounded(row.lcl)})."
        for row in nearest.itertuples()
    ]


def cost_said(price: Cost) -> str:
    """The cost in a sentence."""
    span = "" if math.isnan(price.low) or price.low == price.high else f" (from {price.low:.1f} to {price.high:.1f} by seed)"
    return f"Training with LCL took {price.ratio:.1f} times as long as with CE{span}{'; ' + price.note if price.note else ''}."


def _next_lines(frame: pd.DataFrame, gain: float, given: Mapping[str, object], price: Cost | None) -> list[str]:
    """What to do next: a pre-trained encoder if there was none, more seeds while the answer is open."""
    quick = catalog.encoder(frame["encoder"].iloc[0]).kind != "transformer"
    now = frame["seed"].nunique()
    said = []
    if quick:
        said.append("All this is of an encoder that starts from nothing. Ask one that knows the language (English) already:")
        better = {name: value for name, value in given.items() if name not in QUICK_ONLY}
        said.append(f"  {command({**better, 'profile': 'minilm'}, max(now, 5))}")
    if verdict(compare(frame), gain) != "open":
        return said or ["Nothing more is needed, unless a smaller gain would matter too."]
    seeds, wanted = next_seeds(frame, gain), needed(frame, gain).runs or 0
    if wanted > seeds:
        ce, lcl, _ = _spreads(frame)
        smallest = tests.power(gain, ce, seeds, lcl, seeds).smallest
        said.append(f"So many runs are seldom worth it. {seeds} seeds see a gain of {smallest:.1f} points in 8 of 10 studies.")
    if quick and wanted > seeds:
        return said
    time = ""
    if price is not None:
        minutes = (seeds - now) * (price.ce + price.lcl) / 60
        time = f", about {max(1, math.ceil(minutes)):,} min of training as fast as so far"
    return [*said, f"To go on with {seeds} seeds{time} (what is done is kept):", f"  {command(given, seeds)}"]
