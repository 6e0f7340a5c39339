"""Writes README.md and RESULTS.md from their templates (`templates/`), frozen results, and what is there.

`python -m lclstudy.runner.readme` writes them. No torch, no clock.
"""

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lclstudy import paths
from lclstudy.analyses.case_study import tables as case_study
from lclstudy.errors import StudyError
from lclstudy.plan import catalog, names
from lclstudy.plan.profiles import load_profile, profile_names
from lclstudy.plan.spec import OBJECTIVES
from lclstudy.results import corpus_facts, frozen, published, selection, tables
from lclstudy.results.comparisons import ENTROPY, PRIMARY, SYNONYMS, Pairs, claimed, over_corpora
from lclstudy.show.text import count, listed, words
from lclstudy.statistics import tests
from lclstudy.statistics.judge import FEWEST, LEVEL, NOT_RUN, UNDECIDED, judge_difference

from .execute import find

FILES = ("README.md", "RESULTS.md")
CASE_STUDY = "empathetic_dialogues"
WEIGHTS = ("weights=uniform", "weights=confusion", "weight_gradient=false")  # the changes to them that the ablations train
BEST_FIRST = ("paper", "report", "minilm", "report_small", "ablations", "your_corpus", "quick")  # folders of figures/


def render(name: str) -> str:
    """The text of README.md or RESULTS.md. Raises StudyError on a link to what is not there."""
    facts = {"link": link, "shown": shown, "place": place, "notebooks": notebooks(), "profiles": profiles(), "costs": costs()}
    facts |= {"objectives": list(OBJECTIVES), "encoders": catalog.encoders(), "corpora": list(catalog.corpora())}
    facts |= {"speed": speed(), **headlines()}
    return words(f"runner/templates/{name}.j2", **facts) + "\n"


def headlines() -> dict:
    """The facts behind the first screen: verdicts, the answer of the best frozen results, the audit; how many of the paper's
    `hard` sets the search finds exactly, `among` how many, as the table of notebook 07 has it."""
    results = frozen.read_frozen(frozen.best_frozen())
    claims = _claims()
    copies = claims["with_copies"].map(lambda word: word and f"{word} against CE + aug.")
    minded = ["; ".join(filter(None, both)) for both in zip(claims["mark"], copies, strict=True)]
    told = claims["about"] + ": " + claims["on"] + [said and f" ({said})" for said in minded]
    decided = claims.assign(told=told)[~claims["word"].isin((NOT_RUN, UNDECIDED))].groupby("word")
    audit = pd.read_csv((paths.ROOT / shown("00_findings")).with_suffix(".csv"))
    sets = pd.read_csv((paths.ROOT / shown("07_sets")).with_suffix(".csv"))
    hard = sets[sets["set"].str.contains("hard")]
    same = int(hard["same"].notna().sum())
    return {
        "verdicts": claims["word"].value_counts().to_dict(),
        "decided": {word: rows["told"].tolist() for word, rows in decided},
        "foreign": int(claims["our_encoder"].ne("").mul(claims["other_encoder"]).sum()),
        "audit": audit["kind"].value_counts().to_dict(),
        **answer(results),
        "hard": {"found": same, "of": len(hard), "runs": hard["runs"].iloc[0], "among": math.comb(32, 4)},
        "relabelled": {"texts": len(corpus_facts.relabelled("emoint")), "of": catalog.corpora()["emoint"].counts["test"]},
    }


def _claims() -> pd.DataFrame:
    """The verdicts as notebook 13 has them, each fact once."""
    file = (paths.ROOT / shown("13_verdicts")).with_suffix(".csv")
    numbers = {name: ["NA"] for name in ("difference", "ci_low", "ci_high", "p", "expected")}
    return published.counted(pd.read_csv(file, keep_default_na=False, na_values=numbers))


def answer(results: frozen.Frozen) -> dict:
    """Of whatever has run so far, `gains` and `entropies` by pair of objectives, of `told`; the corpora of these as `columns`;
    `rank`, of `case_study.correlations` that of `ours` and, of the paper's gains on the same sets, that `there`, None for too
    few; `surer`: corpora on which the paper claims a lower entropy of LCL than of CE; `weights`, as below; `larger`: claims of
    a larger gain on other classes that could be tried; `planned_corpora`, each with the number of its classes, and
    `planned_seeds` of the profile."""
    specs = load_profile(results.name).specs()
    gains, entropies = (told(results, PRIMARY, metric) | told(results, SYNONYMS, metric) for metric in ("accuracy", ENTROPY))
    ranked = case_study.correlations(case_study.gains(results, CASE_STUDY)).dropna().set_index("gains").to_dict("index")
    return {
        "gains": gains,
        "entropies": entropies,
        "columns": list(dict.fromkeys(row["corpus"] for one in gains.values() if one for row in one["places"])),
        "rank": {"ours": ranked.get("ours"), "there": ranked.get("published, on the sets of ours", ranked.get("published"))},
        "surer": [corpus for corpus, _, a, b in claimed(ENTROPY) if (a, b) == ("lcl", "ce")],
        "weights": weights(),
        "larger": _claims().query("kind == 'larger gain' and corpus == @CASE_STUDY and word != @NOT_RUN").to_dict("records"),
        "planned_corpora": {spec.corpus: len(catalog.corpora()[spec.corpus].labels) for spec in specs},
        "planned_seeds": len({spec.seed for spec in specs}),
    }


def told(results: frozen.Frozen, pairs: Pairs, metric: str = "accuracy") -> dict[tuple[str, str], dict | None]:
    """By pair of a family, of `over_corpora`: `places`, its rows, and those `decided` by themselves; their `mean`, and the
    `expected` one as published; `p` of the mean after Holm over those of the family, and its `word`, for the claim that `a` is
    above `b` (`differs by corpus` if corpora are decided either way); `few`: why no mean is decided; `n`, the least and the
    greatest number of runs. None if there is no row."""
    found = {pair: over_corpora(results, *pair, metric) for pair in pairs}
    adjusted = tests.holm([mean.p if mean else np.nan for _, mean in found.values()])
    return {pair: _told(rows, mean, p) if len(rows) else None
            for (pair, (rows, mean)), p in zip(found.items(), adjusted, strict=True)}  # fmt: skip


def _told(rows: pd.DataFrame, mean: tests.TTest | None, p: float) -> dict:
    counts, expected = rows[["n_a", "n_b"]], rows["expected"].mean()
    n = sorted({counts.min(axis=None), counts.max(axis=None)})
    printed = None if np.isnan(expected) else expected
    decided = rows[(rows["p_family"] < LEVEL) & (counts.min(axis=1) >= FEWEST)]
    word = judge_difference(mean, n[0], printed, p_holm=p).word if mean else UNDECIDED
    few = [names.corpus(corpus) for corpus in rows["corpus"][counts.min(axis=1) < FEWEST]]
    return {
        "places": rows.to_dict("records"),
        "few": few and f"fewer than {FEWEST} seeds on {listed(few)}",
        "decided": decided.to_dict("records"),
        "mean": mean,
        "p": p,
        "word": "differs by corpus" if word == UNDECIDED and np.sign(decided["difference"]).nunique() > 1 else word,
        "expected": expected,
        "n": n,
    }


def weights() -> list[dict]:
    """What LCL has of its weights: LCL as released less LCL with a `change` to them, in points, in the `mean` over those
    `corpora` of the ablations on which both ran, a contrast, with its `p` after Holm over the changes and the `word`."""
    results = frozen.read_frozen("ablations")
    found: list[dict] = []
    released = _accuracies(selection.runs(results))
    for change in WEIGHTS:
        changed = _accuracies(selection.changed(results, {"protocol": f"released,{change}"}))
        corpora = [corpus for corpus in released if corpus in changed]
        sides = [(sign / len(corpora), side[corpus]) for corpus in corpora for sign, side in ((1, released), (-1, changed))]
        if corpora:
            n, mean = min(len(values) for _, values in sides), tests.contrast(sides)
            found.append({"change": names.setting(change), "corpora": corpora, "n": n, "mean": mean})
    adjusted = tests.holm([one["mean"].p for one in found])
    return [{**one, "p": p, "word": judge_difference(one["mean"], one["n"], p_holm=p).word}
            for one, p in zip(found, adjusted, strict=True)]  # fmt: skip


def _accuracies(runs: pd.DataFrame) -> dict[str, pd.Series]:
    """Test accuracies of LCL in percent on all classes of each corpus on which it ran several times."""
    done = runs.query("objective == 'lcl' and classes == '' and status == 'done'")
    return {corpus: 100 * values for corpus, values in done.groupby("corpus")["test_accuracy"] if len(values) > 1}


def link(said: str, path: str) -> str:
    """A link to a file or folder of the repository by its path from the root. Raises StudyError if it is not there."""
    if not (paths.ROOT / path).exists():
        raise StudyError(f"README.md or RESULTS.md would link to {path}, which is not there; restore it with git.")
    return f"[{said}]({path})"


def shown(name: str) -> str:
    """The tracked figure, else the table, of that name, of the best profile that has one: its path from the root.

    Raises StudyError if there is none.
    """
    places = (f"figures/{folder}/{name}.{ending}" for folder in BEST_FIRST for ending in ("png", "md"))
    found = next((place for place in places if (paths.ROOT / place).is_file()), None)
    if found is None:
        raise StudyError(f"figures/ has no {name}; make it again, or change its name in lclstudy/runner/templates.")
    return found


def place(where: str, shows: Mapping[str, str], command: str = "") -> str:
    """A row of the map: the names of figures and tables by what a link to each says. Which notebook and which data made them,
    and the command that draws them again, follow from their sidecars.
    """
    files = {said: shown(name) for said, name in shows.items()}
    sidecars = [json.loads((paths.ROOT / path).with_suffix(".json").read_text("utf-8")) for path in files.values()]
    made_by = sorted({sidecar["notebook"] for sidecar in sidecars})
    numbers = ",".join(name[:2] for name in made_by)
    folder = Path(next(iter(files.values()))).parent.name
    cells = [
        where,
        ", ".join(link(said, path) for said, path in files.items()),
        ", ".join(link(name[:2], f"notebooks/{name}.ipynb") for name in made_by),
        _data_links(source for sidecar in sidecars for source in sidecar["inputs"]) or "–",
        f"`{command or f'./run_all.sh {folder} --only {numbers}'}`",
    ]
    return f"| {' | '.join(cells)} |"


def _data_links(inputs: Iterable[str]) -> str:
    """Links to what figures were made from: a link per folder of results, of summaries, of published numbers. Raw corpora are
    not in the repository."""
    parts = [Path(source).parts for source in inputs if (paths.ROOT / source).exists()]
    folders = {"/".join(part[: 3 if part[1] == "results" else 2]) if part[0] == "data" else "/".join(part) for part in parts}
    return ", ".join(link(Path(folder).name, folder) for folder in sorted(folders))


def notebooks() -> list[dict]:
    """Each notebook's `name`, `path`, `question`, and `finding` in Markdown, as its stored outputs say it."""
    rows = []
    for notebook in find(paths.ROOT / "notebooks"):
        question = re.search(r"\*\*Question: (.+?)\*\*", notebook.cells[0]["source"], re.DOTALL)
        if question is None:
            raise StudyError(f"Notebook {notebook.name} asks no question; begin it with **Question: ...?**")
        asked = " ".join(question[1].split())
        told = {"question": asked[0].upper() + asked[1:], "finding": finding(notebook.cells)}
        rows.append({"name": notebook.name, "path": f"notebooks/{notebook.path.name}", **told})
    return rows


def finding(cells: list[dict]) -> str:
    """What the first code cell shows that calls `said`, after the heading "Finding" if there is one."""
    start = next((number for number, cell in enumerate(cells) if "## Finding" in cell["source"]), 0)
    outputs = next(cell["outputs"] for cell in cells[start:] if cell["cell_type"] == "code" and "said(" in cell["source"])
    return "\n\n".join("".join(out["data"]["text/markdown"]) for out in outputs)


def profiles() -> list[dict]:
    """A row per profile: `name`, `title`, `how` its runs were made, and `_counted`. What needs nothing comes first."""
    rows, rates = [], speeds()
    for name in sorted(profile_names(), key=lambda name: (name != "quick", name)):
        profile = load_profile(name)
        runs = tables.runs_table(tables.planned(spec, None) for spec in profile.specs())
        if name in frozen.frozen_names():
            runs = frozen.read_frozen(name).runs
        done = runs[runs["status"] == "done"]
        how = [value for column in ("device", "executor") for value in sorted(set(done[column]) - {""})]
        rows.append({"name": name, "title": profile.title, "how": ", ".join(how), **_counted(runs, rates)})
    return rows


def costs() -> pd.DataFrame:
    """Of the best frozen results a row per corpus, class sets apart: `place`, median minutes of a run by objective (NaN: none
    is finished), and `_counted`."""
    runs, rates = frozen.read_frozen(frozen.best_frozen()).runs, speeds()
    called = [names.corpus(run.corpus) + (", class sets" if run.classes else "") for run in runs.itertuples()]
    rows = []
    for place, group in runs.groupby(called, sort=False):
        minutes = (group.groupby("objective")["seconds"].median() / 60).reindex(runs["objective"].unique())
        rows.append({"place": place, **minutes.rename(names.objective), **_counted(group, rates)})
    return pd.DataFrame(rows)


def _counted(runs: pd.DataFrame, rates: dict[tuple[str, str], float]) -> dict:
    """How many runs are `done` and `planned`, the `hours` that they took, and those `to_come`."""
    done = runs["status"] == "done"
    hours = runs.loc[done, "seconds"].sum() / 3600 if done.any() else 0.0
    left = to_come(runs[~done].to_dict("records"), rates)
    return {"done": done.sum(), "planned": len(runs), "hours": hours, "to_come": left}


def speeds() -> dict[tuple[str, str], float]:
    """Seconds of a whole run, with all its stages, per training text and epoch, by encoder and objective, of finished runs."""
    done = pd.concat([frozen.read_frozen(name).done for name in frozen.frozen_names()], ignore_index=True)
    done["seen"] = done["epochs"] * _training_texts(done.to_dict("records"))
    sums = done[done["seen"] > 0].groupby(["encoder", "objective"])[["seconds", "seen"]].sum()
    return (sums["seconds"] / sums["seen"]).to_dict()


def to_come(missing: list[dict], rates: dict[tuple[str, str], float]) -> str:
    """The hours that missing runs would take, extrapolated where a like run was measured; "none" if nothing is missing."""
    like = [rates.get((run["encoder"], run["objective"]), 0) * run["epochs"] * texts
            for run, texts in zip(missing, _training_texts(missing), strict=True)]  # fmt: skip
    known = sum(seconds > 0 for seconds in like)
    if not known:
        return "not measured" if missing else "none"
    hours = f"about {sum(like) / 3600:,.0f}" if sum(like) > 1800 else "less than 1"
    return f"{hours} for {count(known, 'run')}" + (f"; {len(missing) - known} not measured" if known < len(missing) else "")


def _training_texts(runs: list[dict]) -> list[int]:
    """Training texts of runs, rows of `Frozen.runs`: those of their classes; 0 where they were never counted."""
    labels = corpus_facts.table("labels").query("split == 'train'").groupby("corpus")
    counted = {corpus: group.set_index("label")["rows"].to_dict() for corpus, group in labels}
    found = []
    for run in runs:
        rows = counted.get(run["corpus"], {})
        texts = sum(rows.get(name, 0) for name in (run["classes"].split("|") if run["classes"] else rows))
        texts = texts or int(catalog.corpora()[run["corpus"]].counts.get("train", 0))
        found.append(texts if pd.isna(run["train_limit"]) else min(texts, int(run["train_limit"])))
    return found


def speed() -> dict:
    """The steps of MiniLM beside what they are measured against, of the last published `benchmarks/report.md`: `table`; by
    objective and work the `wall` time, peak `memory` in MiB, and how many times as fast it is as plain PyTorch and as
    `transformers.Trainer`; `cost`: `time` and `memory` of a step of LCL, by those of CE."""
    report = (paths.ROOT / "benchmarks" / "report.md").read_text("utf-8")
    lines = [line for line in report.partition("## minilm")[2].partition("\n## ")[0].splitlines() if line.startswith("| ")]
    measured = [line for line in lines if "| ours, bf16" in line and "evaluation" not in line]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in measured]
    found: dict = {}
    for objective, work, _, wall, *others, memory in cells:
        times = [other.partition(" ")[0] for other in others]
        found[objective, work] = {"wall": wall, "others": times, "memory": float(memory)}
    lcl, ce = (found[objective, "processes"] for objective in ("lcl", "ce"))
    found["cost"] = {"time": pd.Timedelta(lcl["wall"]) / pd.Timedelta(ce["wall"]), "memory": lcl["memory"] / ce["memory"]}
    return found | {"table": "\n".join([report.split("\n\n")[1], "", *lines[:2], *measured])}


def write() -> None:
    """Writes both files. Raises StudyError as `render` does."""
    os.environ["LCLSTUDY_BUILD"] = str(paths.build("none"))  # what a person's own runs made is not looked at
    texts = {name: render(name) for name in FILES}
    for name, text in texts.items():
        (paths.ROOT / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
