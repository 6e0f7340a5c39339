"""Writes the parts of README.md that hold results, from frozen results and what is there: `python -m lclstudy.runner.readme`.

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; all else in the file is written by hand and left as it is.
`SECTIONS` and `FINDINGS` are lists of functions: to say more, write one and add its line. No torch, no clock.
"""

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from lclstudy import paths
from lclstudy.analyses.ablations import tables as ablation_tables
from lclstudy.analyses.followup import tables as followup_tables
from lclstudy.analyses.followup.findings import findings as followup_findings
from lclstudy.analyses.verdicts import tables as verdict_tables
from lclstudy.errors import StudyError, unknown
from lclstudy.plan import catalog, names
from lclstudy.plan.profiles import load_profile, profile_names
from lclstudy.plan.spec import OBJECTIVES
from lclstudy.results import corpus_facts, frozen, published
from lclstudy.show.text import difference

COMMAND = "python -m lclstudy.runner.readme"
PAPERS = {
    "suresh2021": "Suresh and Ong (2021)",
    "modarres": "The follow-up report (Modarres and Raeisi)",
    "beyond": "Beyond the two papers",
}
NOT_YET = "not yet"
KEY_FIGURE = "13_forest"
CARD = "14_card_emoint"
_MARKERS = re.compile(r"<!-- begin ([\w-]+) -->\n(.*?)<!-- end \1 -->", re.DOTALL)
_MARKER = re.compile(r"<!-- (?:begin|end) ([\w-]+) -->")


def readme() -> Path:
    """The README of the repository."""
    return paths.ROOT / "README.md"


def render(text: str, sections: Mapping[str, Callable[[], str]] | None = None) -> str:
    """The README `text` with every marked part written anew. Raises StudyError on markers that are unknown or do not pair."""
    sections = SECTIONS if sections is None else sections
    found = [match.group(1) for match in _MARKERS.finditer(text)]
    if len(_MARKER.findall(text)) != 2 * len(found) or len(set(found)) != len(found):
        raise StudyError(
            "The markers of README.md do not pair; write each part once as <!-- begin NAME --> ... <!-- end NAME -->."
        )
    for name in found:
        if name not in sections:
            raise unknown("part of README.md", name, sections)
    missing = [name for name in sections if name not in found]
    if missing:
        raise StudyError(
            f"README.md lacks the parts {', '.join(missing)}; write <!-- begin NAME --> ... <!-- end NAME --> for each."
        )
    return _MARKERS.sub(lambda match: _marked(match.group(1), sections[match.group(1)]()), text)


def _marked(name: str, body: str) -> str:
    return f"<!-- begin {name} -->\n{body.strip()}\n<!-- end {name} -->"


def changed(before: str, after: str) -> list[str]:
    """The names of the marked parts that differ."""
    old, new = ({match.group(1): match.group(2) for match in _MARKERS.finditer(text)} for text in (before, after))
    return [name for name in new if new[name] != old.get(name)]


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; an empty cell is a dash."""
    lines = [headings, ["---"] * len(headings), *([cell or "–" for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list of sentences, with the sign of minus for one."""
    return "\n".join("- " + re.sub(r"(?<![\w-])-(?=\d)", "−", line) for line in lines)


def link(said: str, path: str) -> str:
    """A link to a file or folder of the repository by its path from the root. Raises StudyError if it is not there."""
    if not (paths.ROOT / path).exists():
        raise StudyError(f"README.md would link to {path}, which is not there; restore it with git.")
    return f"[{said}]({path})"


# What the study finds


def _judged() -> tuple[tuple[frozen.Frozen, ...], pd.DataFrame]:
    return _judged_in(paths.results(""))


@cache
def _judged_in(_folder: Path) -> tuple[tuple[frozen.Frozen, ...], pd.DataFrame]:
    results = tuple(verdict_tables.evidence_from())
    return results, verdict_tables.judge(results)


def verdict_part() -> str:
    """How many claims of each paper have each verdict, and how many of them were tried with another encoder."""
    _, judged = _judged()
    return bullets(verdict_tables.findings(judged)[: len(verdict_tables.counts(judged)) + 1])


def gain_part() -> str:
    """LCL against CE and SCL on the paper's corpora, published and ours: a figure, a table, and all together."""
    legend = "Differences of test accuracy in points, with 95 % intervals; n counts the runs (seeds) of each side."
    encoders = f"Published: {names.encoder('electra-base')}; ours: {', '.join(gain_encoders()) or verdict_tables.NOT_RUN}."
    return "\n\n".join(
        [key_figure(), difference_table(), f"{legend} {encoders}", bullets(verdict_tables.pooled_said(_judged()[0]))]
    )


def gain_encoders() -> list[str]:
    """The names of the encoders whose runs judge the claims of LCL against CE or SCL."""
    _, judged = _judged()
    ours = judged[(judged["paper"] == "suresh2021") & (judged["a"] == "lcl") & (judged["our_encoder"] != "")]
    return list(dict.fromkeys(map(names.encoder, ours["our_encoder"])))


def key_figure() -> str:
    """The forest of LCL against the others, drawn by notebook 13."""
    folder = _first_with(verdict_tables.EVIDENCE["suresh2021"], [KEY_FIGURE])
    if folder is None:
        return f"The figure of the differences: {NOT_YET}."
    said = "LCL against cross-entropy and supervised contrastive loss, published and ours"
    return _picture(said, f"figures/{folder}/{KEY_FIGURE}.png")


def difference_table() -> str:
    """LCL against CE and SCL on the paper's corpora: published and ours, in points of test accuracy."""
    results, _ = _judged()
    sides = {b: verdict_tables.forest_rows(results, "lcl", b).to_dict("records") for b in ("ce", "scl")}
    headings = [f"LCL − {names.objective(b)}, {whose}" for b in sides for whose in ("published", "ours")]
    pairs = zip(*sides.values(), strict=True)
    return table(["corpus", *headings], [[pair[0]["label"], *map(_said, _differences(pair))] for pair in pairs])


def _differences(pair: Iterable[dict]) -> Iterable[dict]:
    """The published difference and ours of each row of `verdicts.tables.forest_rows`."""
    for row in pair:
        yield {name: row[f"published_{name}"] for name in ("difference", "ci_low", "ci_high")}
        yield row


def _said(row: dict) -> str:
    if pd.isna(row["difference"]):
        return row["note"]
    return difference(row) + (f" (n = {row['n']})" if "n" in row else "")


def ablation_part() -> str:
    """How many settings of LCL were tried, and which parts of it carry a gain."""
    if "ablations" not in frozen.frozen_names():
        return bullets([f"Ablations: {verdict_tables.NOT_RUN}."])
    return ablation_tables.findings(frozen.read_frozen("ablations"))


def report_part() -> str:
    """The follow-up report: its baselines beside a bag of words, its failure on EmoInt, and its grid."""
    try:
        results = followup_tables.main_results("")
    except StudyError:  # nothing is frozen that could tell
        return bullets([f"The follow-up report's settings: {verdict_tables.NOT_RUN}."])
    systems, grid = followup_tables.systems(followup_tables.beside(results)), followup_tables.grid(results)
    failure = followup_tables.settings(results, "emoint", ["ce", "scl", "lcl"])
    variants = followup_tables.settings(results, "sst5", ["scl_two_stage", "scl", "lcl"])
    return followup_findings(systems, grid, failure, variants, followup_tables.majority()["emoint"])


# The parts of the findings, in their order: to say more, write a function and add its line.
FINDINGS = {
    "Verdicts": verdict_part,
    "LCL against cross-entropy and supervised contrastive loss": gain_part,
    "What in LCL matters": ablation_part,
    "The follow-up report": report_part,
}


def findings() -> str:
    """What the study finds: a heading and a part each."""
    return "\n\n".join(f"**{title}**\n\n{part()}" for title, part in FINDINGS.items())


def _picture(said: str, path: str) -> str:
    return "!" + link(said, path)


# The map


def places() -> list[dict]:
    """The rows of the map as `readme.toml` has them. Raises StudyError on a paper that is not known."""
    rows = tomllib.loads((paths.PACKAGE / "runner" / "readme.toml").read_text("utf-8"))["place"]
    for row in rows:
        if row["paper"] not in PAPERS:
            raise unknown("paper in readme.toml", row["paper"], PAPERS)
    return rows


def the_map() -> str:
    """For every table and figure of both papers, and their results in the text: our figures, notebook, data, command."""
    parts = []
    for paper, title in PAPERS.items():
        rows = [map_row(place) for place in places() if place["paper"] == paper]
        parts.append(table([f"**{title}**", "figures, tables", "notebook", "data", "command"], rows))
    return "\n\n".join(parts)


def map_row(place: dict) -> list[str]:
    """A row of the map. Files that are not there are said to be "not yet"; what made the others is read from their sidecars."""
    shows = place["shows"]
    folder = _first_with(place["profiles"], shows.values())
    links = {said: _shown(folder, stem) for said, stem in shows.items()} if folder else {}
    there = [link(said, path) for said, path in links.items() if path]
    numbers = list(dict.fromkeys(stem[:2] for stem in shows.values()))
    made_by = [path for number in numbers for path in sorted((paths.ROOT / "notebooks").glob(f"{number}_*.ipynb"))]
    command = place.get("command", f"./run_all.sh {folder or place['profiles'][-1]} --only {','.join(numbers)}")
    sidecars = [_sidecar(path) for path in links.values() if path]
    return [
        f"{place['place']}: {place['what']}",
        ", ".join(there) or NOT_YET,
        ", ".join(link(path.stem[:2], f"notebooks/{path.name}") for path in made_by) or NOT_YET,
        _data_links(source for sidecar in sidecars for source in sidecar["inputs"]) or NOT_YET,
        f"`{command}`" if made_by else NOT_YET,
    ]


def _first_with(profiles: Iterable[str], stems: Iterable[str]) -> str | None:
    """The first profile whose folder of figures has one of the files."""
    stems = list(stems)
    return next((name for name in profiles if any(_shown(name, stem) for stem in stems)), None)


def _shown(folder: str, stem: str) -> str | None:
    """The picture of that name or pattern, else the table, by its path from the root; None if there is neither."""
    found = (f"figures/{folder}/{stem}.{ending}" for ending in ("png", "md"))
    return next((path.relative_to(paths.ROOT).as_posix() for place in found for path in sorted(paths.ROOT.glob(place))), None)


def _sidecar(path: str) -> dict:
    return json.loads((paths.ROOT / path).with_suffix(".json").read_text("utf-8"))


def _data_links(inputs: Iterable[str]) -> str:
    """Links to what figures were made from: a link per folder of results, of summaries, of published numbers."""
    folders = {}
    for source in inputs:
        part = Path(source).parts
        depth = 3 if part[:2] == ("data", "results") else 2
        folder = "/".join(part[:depth]) if part[0] == "data" else source
        if (paths.ROOT / folder).exists():
            folders[folder] = Path(folder).name if part[0] == "data" else part[-1]
    return ", ".join(link(said, folder) for folder, said in sorted(folders.items()))


# Notebooks and profiles


def notebooks() -> str:
    """A row per notebook: its title and its question."""
    files = sorted((paths.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return table(["notebook", "question"], [_notebook_row(path) for path in files])


def _notebook_row(path: Path) -> list[str]:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    text = "".join(cells[0]["source"])
    question = re.search(r"\*\*Question: (.+?)\*\*", text, re.DOTALL)
    if question is None:
        raise StudyError(f"Notebook {path.stem} asks no question; begin it with **Question: ...?**")
    said = " ".join(question.group(1).split())
    return [link(path.stem, f"notebooks/{path.name}"), said[0].upper() + said[1:]]


def profiles() -> str:
    """A row per profile: what it runs, how many runs are frozen, what they took, and what the missing ones would take."""
    rates = speeds()
    rows = [_profile_row(name, rates) for name in sorted(profile_names(), key=_reach)]
    return table(["profile", "what it runs", "runs frozen", "hours measured", "hours to come"], rows)


def _reach(name: str) -> tuple[bool, str]:
    """What needs nothing first, then by name."""
    return name != "quick", name


def _profile_row(name: str, rates: dict[tuple[str, str], float]) -> list[str]:
    profile = load_profile(name)
    if name in frozen.frozen_names():
        results = frozen.read_frozen(name)
        done = results.runs[results.runs["status"] == "done"]
        missing = results.runs[results.runs["status"] != "done"].to_dict("records")
        return [
            f"`{name}`",
            profile.title,
            f"{len(done)} of {len(results.runs)}",
            _measured(results, done),
            _to_come(missing, rates),
        ]
    specs = profile.specs()
    missing = [{**vars(spec), "classes": "|".join(spec.classes or ())} for spec in specs]
    more = " and class sets" if profile.case_study else ""
    return [f"`{name}`", profile.title, f"0 of {len(specs)}{more}", "not measured", _to_come(missing, rates)]


def _measured(results: frozen.Frozen, done: pd.DataFrame) -> str:
    if done.empty:
        return "not measured"
    how = ", ".join(name for column in ("device", "executor") for name in sorted(set(done[column]) - {""}))
    return f"{_hours(done['seconds'].sum())} ({how})"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f}"


def speeds() -> dict[tuple[str, str], float]:
    """Seconds of a whole run per training text and epoch, by encoder and objective, of all frozen runs."""
    every = [frozen.read_frozen(name).runs for name in frozen.frozen_names()]
    done = pd.concat([runs[runs["status"] == "done"] for runs in every]) if every else pd.DataFrame()
    if done.empty:
        return {}
    seen = done["texts_per_second"] * done["train_seconds"]
    sums = done.assign(seen=seen).groupby(["encoder", "objective"])[["seconds", "seen"]].sum()
    return (sums["seconds"] / sums["seen"]).to_dict()


def _to_come(missing: list[dict], rates: dict[tuple[str, str], float]) -> str:
    """The hours that missing runs would take, extrapolated where a like run was measured; "none" if nothing is missing."""
    if not missing:
        return "none"
    known = [run for run in missing if (run["encoder"], run["objective"]) in rates and training_texts(run)]
    if not known:
        return f"{len(missing)} runs: not measured"
    seconds = sum(rates[run["encoder"], run["objective"]] * training_texts(run) * run["epochs"] for run in known)
    hours = f"about {seconds / 3600:,.0f}" if seconds > 1800 else "less than 1"
    said = f"{hours} for {len(known)} runs (extrapolated)"
    return said + (f"; {len(missing) - len(known)} not measured" if len(known) < len(missing) else "")


@cache
def _rows_by_class() -> dict[str, dict[str, int]]:
    labels = corpus_facts.table("labels").query("split == 'train'")
    return {corpus: dict(zip(group["label"], group["rows"], strict=True)) for corpus, group in labels.groupby("corpus")}


def training_texts(run: dict) -> int:
    """Training texts of a run, a row of `Frozen.runs`: those of its classes; 0 if they were never counted."""
    rows = _rows_by_class().get(run["corpus"], {})
    classes = run["classes"].split("|") if run["classes"] else rows
    count = sum(rows.get(name, 0) for name in classes) or int(catalog.corpora()[run["corpus"]].counts.get("train", 0))
    limit = run["train_limit"]
    return count if limit is None or pd.isna(limit) else min(count, int(limit))


def published_times() -> str:
    """What an epoch of LCL took the paper's authors, for those who plan the profile `paper`."""
    rows = published.text_numbers("suresh2021").query("quantity == 'epoch_time'")
    epochs = {run.corpus: run.epochs for run in load_profile("paper").specs()}
    each = ", ".join(f"{names.corpus(row.subject)} {row.value:g}" for row in rows.itertuples())
    hours = sum(row.value * epochs[row.subject] for row in rows.itertuples()) / 60
    return (
        f"The paper gives minutes per epoch of LCL with ELECTRA base on a Tesla T4 ({rows['place'].iloc[0]}): {each}. "
        f"One seed of LCL on all six is then about {hours:.0f} GPU hours; cross-entropy takes less."
    )


def profile_section() -> str:
    """The table of profiles, and the paper's own times."""
    memory = [frozen.read_frozen(name).runs["peak_memory_bytes"].max() for name in frozen.frozen_names()]
    said = [profiles(), published_times()]
    if memory:
        said.append(f"No frozen run took more than {max(memory) / 1e9:.1f} GB of memory.")
    return "\n\n".join(said)


# Names to choose from, and one's own labels


def objectives() -> str:
    """The names of the objectives and encoders that a parameter or a profile may give."""
    said = [f"`{name}` ({names.objective(name)})" for name in OBJECTIVES]
    encoders = [f"`{name}`" for name in catalog.encoders()]
    corpora = [f"`{name}`" for name in catalog.corpora()]
    lists = {"Objectives": said, "Encoders": encoders, "Corpora": corpora}
    return "\n".join(f"- {kind}: {', '.join(each)}." for kind, each in lists.items())


def your_labels() -> str:
    """The card of notebook 14, where it is there."""
    (place,) = (place for place in places() if CARD in place["shows"].values())
    folder = _first_with(place["profiles"], [CARD])
    if folder is None:
        return f"The card that `14_your_corpus` draws: {NOT_YET}."
    return _picture("The card of notebook 14: would LCL help on these labels?", _shown(folder, CARD))


def speed() -> str:
    """The steps of MiniLM beside what they are measured against, from the last published `benchmarks/report.md`."""
    report = (paths.ROOT / "benchmarks" / "report.md").read_text("utf-8")
    machine = report.split("\n\n")[1]
    rows = report.partition("## minilm")[2].partition("\n## ")[0].splitlines()
    lines = [line for line in rows if line.startswith("| ")]
    shown = [line for line in lines if "| ours, bf16" in line and "evaluation" not in line]
    return "\n".join([f"One run of `benchmarks/run.py`: {machine}", "", lines[0], lines[1], *shown])


SECTIONS: dict[str, Callable[[], str]] = {
    "findings": findings,
    "your-labels": your_labels,
    "map": the_map,
    "notebooks": notebooks,
    "profiles": profile_section,
    "names": objectives,
    "speed": speed,
}


def main(arguments: list[str] | None = None) -> int:
    """Writes README.md and prints which parts changed. With `--check` it writes nothing; 1 if a part would change."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Writes the parts of README.md that hold results.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if README.md is not up to date")
    options = parser.parse_args(arguments)
    try:
        before = readme().read_text("utf-8")
        after = render(before)
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    parts = changed(before, after)
    if parts and not options.check:
        readme().write_text(after, "utf-8")
    print(
        f"README.md: {'would change' if options.check else 'changed'}: {', '.join(parts)}."
        if parts
        else "README.md is up to date."
    )
    return 1 if parts and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
