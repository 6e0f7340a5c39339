"""The follow-up report by Modarres and Raeisi: its tables, grid, variants and EmoInt failure beside ours. Percent; no torch."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.plan.spec import Protocol
from lclstudy.results import corpus_facts, frozen, published, selection
from lclstudy.results.frozen import Frozen
from lclstudy.show import tables
from lclstudy.statistics import tests

PAPER = "modarres"
MAIN = ("report", "report_small")  # profiles of the report's own questions, best first
CUT_SHORT = ("report_small",)  # of too few epochs to stand beside a published number
BESIDE = ("baselines", "paper", "minilm")  # what stands beside them in its tables
CORPORA = ("empathetic_dialogues", "goemotions", "emoint", "sst5", "sst2", "ag_news", "twitter_sentiment", "parsinlu")
CORPORA += ("isear",)  # of the paper, not of the report: the baselines ran on all of the paper's
GRID = ("alpha", "temperature", "batch_size")
AS_REPORTED, AS_IN_THE_PAPER = "as in the report", "all as in the paper"
NEAR_CHANCE = 5.0  # points from the share of the largest class: the margin of the claims of `near chance`
COLLAPSED = 0.95  # of the test texts given one label: the model tells classes apart no longer


class System(NamedTuple):
    """A row of the report's tables, or a baseline. `small` says that a small pre-trained encoder may stand in."""

    label: str
    objective: str
    encoder: str
    small: bool = False


SYSTEMS = (
    System("TF-IDF + LR", "ce", "tfidf"),
    System("RNN", "ce", "rnn"),
    System("GRU", "ce", "gru"),
    System("BERT, cased", "ce", "bert-base-cased"),
    System("BERT", "ce", "bert-base"),
    System("ELECTRA + CE", "ce", "electra-base", True),
    System("ELECTRA + SCL, two stages", "scl_two_stage", "electra-base", True),
    System("ELECTRA + SCL", "scl", "electra-base", True),
    System("ELECTRA + LCL", "lcl", "electra-base", True),
)
STANDS_IN = "minilm"


def main_results(profile: str = "") -> Frozen:
    """Frozen results of the report's questions: of `profile` if it asks them, else of the first of `MAIN` with a finished run.

    Raises StudyError if there are none.
    """
    for name in [profile] if profile in MAIN else [name for name in MAIN if name in frozen.frozen_names()]:
        results = frozen.read_frozen(name)
        if profile in MAIN or len(results.done):
            return results
    raise StudyError("No frozen results of the follow-up report; make some: ./run_all.sh report_small --only 05")


def beside(results: Frozen) -> list[Frozen]:
    """`results`, and those of other profiles that its tables may be filled from."""
    there = [name for name in (*MAIN, *BESIDE) if name in frozen.frozen_names() and name != results.name]
    return [results, *(frozen.read_frozen(name) for name in there)]


def systems(sources: Sequence[Frozen]) -> pd.DataFrame:
    """A row per corpus and system: the report's accuracy and ours.

    Columns: corpus, system, objective, encoder (the report's); `published` (NaN where it gives none); `ours` (the encoder),
    `profile`, `n`, `mean`, `sd`, `low`, `high` (95 % interval of the mean, NaN below two runs), `same` (whether the encoder
    is the report's), `status`.
    """
    full = [results for results in sources if results.name not in CUT_SHORT]
    runs = {results.name: _whole_corpora(selection.runs(results)) for results in full}
    return pd.DataFrame([_system(corpus, _of_corpus(corpus, system), runs) for corpus in CORPORA for system in SYSTEMS])


def _whole_corpora(runs: pd.DataFrame) -> dict[tuple, np.ndarray]:
    """Test accuracies in percent by corpus, objective and encoder, of finished runs on all classes."""
    done = runs[(runs["classes"] == "") & (runs["status"] == "done")]
    groups = done.groupby(["corpus", "objective", "encoder"])["test_accuracy"]
    return {key: 100 * scores.to_numpy(float) for key, scores in groups}


def _of_corpus(corpus: str, system: System) -> System:
    """The Persian task ran with multilingual BERT in both rows of Table 2, whatever their headings say."""
    if corpus != "parsinlu" or (system.objective, system.encoder) not in (("ce", "bert-base"), ("lcl", "electra-base")):
        return system
    return system._replace(encoder="mbert", small=False)


def _system(corpus: str, system: System, runs: dict[str, dict[tuple, np.ndarray]]) -> dict:
    row = {"corpus": corpus, "system": system.label, "objective": system.objective, "encoder": system.encoder}
    row["published"] = published_accuracy(corpus, system.objective, system.encoder)
    for encoder in [system.encoder, *([STANDS_IN] if system.small else [])]:
        for profile, scores in runs.items():
            if (key := (corpus, system.objective, encoder)) in scores:
                return {**row, "ours": encoder, "profile": profile, **_mean(scores[key]),
                        "same": encoder == system.encoder, "status": "done"}  # fmt: skip
    return {**row, "ours": "", "profile": "", **_mean(np.zeros(0)), "same": False, "status": tables.NOT_RUN}


def published_accuracy(corpus: str, objective: str, encoder: str) -> float:
    """The report's accuracy in percent, of its tables or its text; NaN where it gives none."""
    cells = published.table(PAPER)
    wanted = (cells["corpus"] == corpus) & (cells["objective"] == objective) & (cells["encoder"] == encoder)
    if wanted.any():
        return float(cells["value"][wanted].item())
    said = published.text_numbers(PAPER)
    said = said[(said["subject"] == corpus) & (said["quantity"] == f"accuracy_{encoder}")]
    return float(said["value"].iloc[0]) if objective == "ce" and len(said) else np.nan


def _mean(scores: np.ndarray) -> dict:
    n = len(scores)
    low, high = tests.mean_interval(scores) if n > 1 else (np.nan, np.nan)
    return {"n": n, "mean": scores.mean() if n else np.nan, "sd": scores.std(ddof=1) if n > 1 else np.nan,
            "low": low, "high": high}  # fmt: skip


def majority() -> dict[str, float]:
    """Share in percent of the largest class of the test texts by corpus: what naming always one class would give."""
    labels = corpus_facts.table("labels").query("split == 'test'")
    return (100 * labels.groupby("corpus")["rows"].max() / labels.groupby("corpus")["rows"].sum()).to_dict()


def printed_table(found: pd.DataFrame, number: int) -> pd.DataFrame:
    """Table 1 or 2 of the report as text: `published / ours`, a row per system, a column per corpus."""
    corpora = [name for name in CORPORA if name in set(published.table(PAPER, number)["corpus"])]
    rows = []
    for system in SYSTEMS:
        cells = {"System": system.label}
        for corpus in corpora:
            here = found[(found["corpus"] == corpus) & (found["objective"] == system.objective)]
            cells[names.corpus(corpus)] = _cell(here[here["encoder"] == _of_corpus(corpus, system).encoder].iloc[0])
        rows.append(cells)
    return pd.DataFrame(rows)


def _cell(row: pd.Series) -> str:
    theirs = "–" if pd.isna(row["published"]) else f"{row['published']:g}"
    if not row["n"]:
        return f"{theirs} / {row['status']}"
    whose = "" if row["same"] else f"; {names.encoder(row['ours'])}"
    return f"{theirs} / {tables.mean_and_deviation(row['mean'], row['sd'])} (n = {row['n']}{whose})"


def grid(results: Frozen, corpus: str = "sst5", objective: str = "lcl") -> pd.DataFrame:
    """The runs of the search over settings: a row per alpha, temperature and batch size, with n and mean test accuracy.

    Columns: the three of `GRID`, encoder, n, `mean`, `validation` (percent, NaN where not run) and `ce`, the mean test accuracy
    of cross-entropy at that batch size (NaN where it was not run). Empty if the profile has no such search.
    """
    runs = results.runs
    here = runs[(runs["corpus"] == corpus) & (runs["objective"] == objective) & (runs["classes"] == "")]
    fixed = [name for name in selection.settings_read(objective) if name not in GRID]
    if len(here):
        sizes = here.groupby(["encoder", *fixed], dropna=False)["identity"].transform("size")
        here = here[sizes == sizes.max()]
    if here.empty or not _is_grid(here):
        return pd.DataFrame(columns=[*GRID, "encoder", "n", "mean", "validation", "ce"])
    rows = []
    for key, group in here.groupby(list(GRID)):
        done = group[group["status"] == "done"]
        means = {
            name: 100 * done[f"{split}_accuracy"].mean() for name, split in (("mean", "test"), ("validation", "validation"))
        }
        rows.append({**dict(zip(GRID, key, strict=True)), "encoder": group["encoder"].iloc[0], "n": len(done), **means})
    found = pd.DataFrame(rows)
    base = runs[(runs["corpus"] == corpus) & (runs["objective"] == "ce") & (runs["encoder"] == found["encoder"].iloc[0])]
    base = base[(base["status"] == "done") & (base["classes"] == "")].groupby("batch_size")["test_accuracy"].mean() * 100
    return found.assign(ce=found["batch_size"].map(base).astype(float))


def _is_grid(runs: pd.DataFrame) -> bool:
    """Whether settings were varied together, and not just one at a time."""
    points = runs[list(GRID)].drop_duplicates()
    return len(points) > 1 + sum(points[name].nunique() - 1 for name in GRID)


def reports_best() -> dict[str, float]:
    """The setting that the report found best on SST-5."""
    said = published.text_numbers(PAPER)
    said = said[(said["subject"] == "sst5") & said["quantity"].isin(GRID)]
    return {name: float(value) for name, value in zip(said["quantity"], said["value"], strict=True)}


def settings(results: Frozen, corpus: str, objectives: Sequence[str]) -> pd.DataFrame:
    """Runs of objectives on a corpus by setting, each against the profile's first setting of its objective and encoder.

    Columns: objective, encoder, `setting` (what differs, in words; `as in the report` for the first), `changed` (the same as a
    tuple), `changes` (how many), `status`, `identities` (of the finished runs), `n`, `scores`, `mean`, `sd`; `one_label`, the
    largest share of test texts given one label (0 to 1, mean over runs); `contrast` and `ce`, the two losses of the last
    epoch; `difference` from the first setting with `ci_low`, `ci_high`, `p` (Welch; NaN where there are not two runs on both
    sides) and `p_holm`, adjusted for all tests of the table. The points of a grid are left out.
    """
    first = selection.runs(results)
    rows = []
    for objective in objectives:
        here = _ungridded(results, corpus, objective)
        for encoder, runs in here.groupby("encoder", sort=False):
            base = first[(first["corpus"] == corpus) & (first["objective"] == objective) & (first["encoder"] == encoder)]
            rows += _by_setting(results, objective, encoder, runs, base)
    found = pd.DataFrame(rows)
    return found.assign(p_holm=tests.holm(found["p"])) if len(found) else found


def _ungridded(results: Frozen, corpus: str, objective: str) -> pd.DataFrame:
    """The runs on all classes, without the points of a grid, which `grid` shows."""
    runs = results.runs[(results.runs["corpus"] == corpus) & (results.runs["objective"] == objective)]
    runs = runs[runs["classes"] == ""]
    searched = grid(results, corpus, objective)
    if searched.empty:
        return runs
    first = selection.runs(results)
    first = first[(first["corpus"] == corpus) & (first["objective"] == objective)].iloc[0]
    return runs[np.logical_and.reduce([runs[name] == first[name] for name in GRID])]


def _by_setting(results: Frozen, objective: str, encoder: str, runs: pd.DataFrame, base: pd.DataFrame) -> list[dict]:
    columns = selection.settings_read(objective)
    start = base.iloc[0]
    found = {}
    for _, group in runs.groupby(columns, sort=False, dropna=False):
        found[said_changes(start, group.iloc[0], columns)] = group
    reference_scores = _done_scores(base)
    rows = []
    for said in sorted(found, key=lambda said: (len(said), said)):
        group = found[said]
        scores = _done_scores(group)
        done = group[group["status"] == "done"]
        row = {
            "objective": objective,
            "encoder": encoder,
            "setting": ", ".join(said) or AS_REPORTED,
            "changed": said,
            "changes": len(said),
        }
        row |= {
            "status": "done" if len(done) else group["status"].iloc[0],
            "n": len(done),
            "identities": tuple(done["identity"]),
            "scores": tuple(scores),
            **_mean(scores),
        }
        row |= _looks(results, done) | _against(scores, reference_scores, bool(said))
        rows.append(row)
    return rows


def _done_scores(runs: pd.DataFrame) -> np.ndarray:
    return 100 * runs["test_accuracy"][runs["status"] == "done"].to_numpy(float)


def _looks(results: Frozen, done: pd.DataFrame) -> dict:
    """Whether the runs collapsed onto one label, and the sizes of their losses at the end."""
    if done.empty:
        return {"one_label": np.nan, "contrast": np.nan, "ce": np.nan}
    shares = [np.bincount(labels).max() / len(labels) for labels in map(results.predictions, done["identity"])]
    epochs = results.epochs[results.epochs["identity"].isin(done["identity"])]
    last = epochs[epochs["epoch"] == epochs.groupby("identity")["epoch"].transform("max")]
    losses = {name: last[column].mean() if column in last else np.nan
              for name, column in (("contrast", "loss_contrastive"), ("ce", "loss_ce"))}  # fmt: skip
    return {"one_label": float(np.mean(shares)), **losses}


def _against(scores: np.ndarray, base: np.ndarray, other: bool) -> dict:
    if not (other and len(scores) and len(base)):
        return dict.fromkeys(("difference", "ci_low", "ci_high", "p"), np.nan)
    test = tests.welch(scores, base)
    return {"difference": test.difference, "ci_low": test.ci_low, "ci_high": test.ci_high, "p": test.p}


_SAID = {
    "alpha": "alpha {:g}",
    "temperature": "temperature {:g}",
    "batch_size": "batch size {:g}",
    "learning_rate": "learning rate {:g}",
    "epochs": "{:g} epochs",
    "pooling": "{} of the tokens",
    "augment_rate": "rate of synonyms {:g}",
    "augment_seed": "synonyms of seed {:g}",
    "precision": "{}",
    "max_length": "{:g} tokens",
    "train_limit": "{:g} texts",
}
_AUGMENT = {"wordnet": "second views", "dropout": "the text twice", "none": "no second views"}


def said_changes(start: pd.Series, row: pd.Series, columns: Sequence[str]) -> tuple[str, ...]:
    """What `row` has otherwise than `start` among `columns`, each in words."""
    if (start["protocol"], row["protocol"]) == ("report", "released"):
        return (AS_IN_THE_PAPER,)
    said = []
    for name in columns:
        if name == "protocol" or pd.Series([row[name]]).equals(pd.Series([start[name]])):  # two gaps are equal
            continue
        said.append(_AUGMENT.get(row[name], row[name]) if name == "augment" else _SAID[name].format(row[name]))
    return (*_protocol_changes(start["protocol"], row["protocol"]), *said)


def _protocol_changes(start: str, other: str) -> list[str]:
    one, two = vars(Protocol.parse(start)), vars(Protocol.parse(other))
    changed = [name for name in one if one[name] != two[name]]
    return [names.setting(f"{name}={str(two[name]).lower() if isinstance(two[name], bool) else two[name]}") for name in changed]


def reported_mean(found: pd.DataFrame, objective: str) -> float:
    """The mean test accuracy of an objective as in the report, of `settings`; NaN where it was not run."""
    rows = found[(found["objective"] == objective) & (found["changes"] == 0)]
    return float(rows["mean"].max()) if len(rows) else np.nan


def grid_base(found: pd.DataFrame) -> float:
    """Cross-entropy at the batch size of the report's best setting, of `grid`; NaN where it was not run."""
    rows = found[found["batch_size"] == reports_best()["batch_size"]]
    return float(rows["ce"].iloc[0]) if len(rows) else np.nan


def encoders_said(found: pd.DataFrame) -> str:
    """The encoders of `settings`' table, in words."""
    return ", ".join(map(names.encoder, dict.fromkeys(found["encoder"]))) or "no run"


def curves(results: Frozen, found: pd.DataFrame) -> pd.DataFrame:
    """The epochs of the runs in `settings`' table `found`: of each objective as in the report, and at its best and its worst
    setting if those are others. A column `line` names them, `place` (`reported`, `best` or `worst`) tells them apart.
    """
    parts = []
    for objective, rows in found[found["n"] > 0].groupby("objective", sort=False):
        first = dict.fromkeys(rows.index[rows["changes"] == 0], "reported")
        chosen = {rows["mean"].idxmax(): "best", rows["mean"].idxmin(): "worst"} | first
        for row in rows.loc[sorted(chosen)].itertuples():
            epochs = results.epochs[results.epochs["identity"].isin(row.identities)]
            parts.append(epochs.assign(line=f"{names.objective(objective)}: {row.setting}", place=chosen[row.Index]))
    return pd.concat(parts) if parts else results.epochs.iloc[:0].assign(line="", place="reported")


def readable_settings(found: pd.DataFrame) -> pd.DataFrame:
    """`settings` as text."""
    return pd.DataFrame([_readable_setting(row) for row in found.to_dict("records")])


def _readable_setting(row: dict) -> dict:
    ran = row["n"] > 0
    difference = "–" if pd.isna(row["difference"]) else f"{row['difference']:+.1f}"
    if not pd.isna(row["ci_low"]):
        difference += f" [{row['ci_low']:.1f}, {row['ci_high']:.1f}]"
    return {
        "Objective": names.objective(row["objective"]),
        "Encoder": names.encoder(row["encoder"]),
        "Setting": row["setting"],
        "n": str(row["n"]),
        "Test accuracy (%)": tables.mean_and_deviation(row["mean"], row["sd"]) if ran else row["status"],
        "Most given label (% of texts)": f"{100 * row['one_label']:.0f}" if ran else "–",
        "Contrastive loss": f"{row['contrast']:.2f}" if ran and not pd.isna(row["contrast"]) else "–",
        "CE loss": f"{row['ce']:.2f}" if ran and not pd.isna(row["ce"]) else "–",
        "Difference (points)": difference,
        "p": "–" if pd.isna(row["p"]) else tables.p_value(row["p"]),
        "p (Holm)": "–" if pd.isna(row["p_holm"]) else tables.p_value(row["p_holm"]),
    }
