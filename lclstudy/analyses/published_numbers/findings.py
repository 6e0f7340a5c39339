"""The findings of the audit, read from `data/published/findings.toml` and filled in with facts: as a table, and as a letter."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import jinja2
import pandas as pd
from scipy import stats as distributions

from lclstudy import paths
from lclstudy.plan import names
from lclstudy.show import export, provenance, text
from lclstudy.show.report import Report

from .facts import NEAR
from .rounding import LEVEL

KINDS = {
    "contradiction": "two statements that cannot both hold, however numbers were rounded or cut and sentences are read",
    "not derivable": "a printed number or reason that does not follow from what is printed, rounded or cut",
    "rounding": "differs at the printed digits, but rounding or cutting explains it",
    "open": "striking, but the texts say too little to decide",
    "explained": "wrong to the letter, but a second reading, a notice of the source or its code explains it",
    "consistent": "adds up",
}
RESTS_ON = {
    "printed": "only numbers and words of the two papers, and arithmetic",
    "public data": "the public form of a corpus, which need not be the authors' copy",
    "released code": "the code that the paper's authors released, as this study reads it",
    "our runs": "runs of this study, with another encoder",
    "assumption": "a model, such as independent runs or texts, or a reading of the words",
}
PAPERS = {"suresh2021": "the paper", "modarres": "the report", "both": "both"}
TITLES = {
    "suresh2021": "Not All Negatives are Equal: Label-Aware Contrastive Loss for Fine-grained Text Classification",
    "modarres": "Happy is Farther From Sad Than Joyful: Label-Aware Contrastive Loss for Fine-grained Text Classification",
}
_ROOM = "analyses/published_numbers"
CAPTION = "What the two papers say, what follows from it, and how sure one can be."


def read() -> list[dict]:
    """The findings as they stand in the file."""
    return _file()["finding"]


def _file() -> dict:
    return tomllib.loads((paths.published() / "findings.toml").read_text("utf-8"))


def environment(facts: dict) -> jinja2.Environment:
    """What the templates and conditions of the file may use. A fact that is not there is an error, not an empty string."""
    made = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    made.filters |= {"number": number, "signed": signed, "whole": lambda value: signed(value, 0), "corpus": names.corpus,
                     "count": text.count}  # fmt: skip
    made.globals |= {**facts, "level": LEVEL, "p_of": lambda t, df: 2 * distributions.t.sf(t, df)}
    tests, majority = facts["tests"], facts["majority"]
    made.globals["explained"] = lambda name: not tests[name]["holds_at_printed"] and tests[name]["holds"]["rounded"]
    made.globals["near_majority"] = lambda key: (
        majority[key]["value"] - majority[key]["share"] < NEAR and not majority[key]["one_class"]
    )
    return made


def table(facts: dict) -> pd.DataFrame:
    """A row per finding, by kind in the order of KINDS: `paper`, `place`, `said`, `follows`, `kind`, `rests`, `sure`, `id`.

    `sure`: `cannot tell` for what is open or within rounding; else `certain` if it rests on print alone, `likely` if not.
    """
    made, macros = environment(facts), _file()["macros"]
    rows = []
    for found in read():
        quotes = {name: _quoted(found[name]) for name in ("quote", "beside") if name in found}
        said, follows = (
            made.from_string(macros + template).render(**quotes).strip()
            for template in (found.get("said", "{{ quote }}"), found["follows"])
        )
        sure = "certain" if found["rests"] == "printed" else "likely"
        sure = "cannot tell" if found["kind"] in ("open", "rounding") else sure
        rows.append({**{name: found[name] for name in ("paper", "place", "kind", "rests", "id")}, "said": said,
                     "follows": follows, "sure": sure})  # fmt: skip
    order = ["paper", "place", "said", "follows", "kind", "rests", "sure", "id"]
    return pd.DataFrame(rows, columns=order).sort_values("kind", key=lambda kinds: kinds.map(list(KINDS).index), kind="stable")


def letter(found: pd.DataFrame, paper: str) -> str:
    """A page in Markdown for the authors of one of the papers: every finding of `table` about it, by kind."""
    groups = dict(list(found[found["paper"].isin([paper, "both"])].groupby("kind")))
    return text.words(f"{_ROOM}/letter.md.j2", title=TITLES[paper], kinds=KINDS, grounds=RESTS_ON, groups=groups) + "\n"


def said(found: pd.DataFrame, facts: dict) -> str:
    """What the audit found, in a few sentences of Markdown."""
    counts = found["kind"].value_counts()
    kinds = [{"kind": kind, "count": int(counts[kind])} for kind in KINDS if kind in counts]
    return text.words(f"{_ROOM}/said.md.j2", kinds=kinds, **facts)


def save(found: pd.DataFrame, report: Report, inputs: Iterable[Path | str]) -> None:
    """Saves the findings as csv, Markdown and LaTeX, and the letters, among the figures of a notebook's report."""
    inputs, folder = [*report.inputs, *inputs], paths.figures(report.profile)
    shown = found.assign(paper=found["paper"].map(PAPERS))
    export.save(found, "00_findings", folder, CAPTION, shown, report.notebook, inputs)
    letters = {f"00_letter_{paper}.md": letter(found, paper).encode() for paper in TITLES}
    provenance.write(folder, letters, provenance.describe(report.notebook, inputs), "00_letters.json")


def _quoted(quote: str) -> str:
    """A quote to show: in its marks, without the mark-up of footnotes; formulas as code."""
    return f"`{quote}`" if "\\" in quote and "{" in quote else f"“{re.sub('<sup>.*?</sup>', '', quote)}”"


def number(value: float, digits: int = 2) -> str:
    """`0.048`, `12.30`: `digits` significant digits below 1, else so many decimals, with a minus sign."""
    text = f"{value:.{digits}g}" if 1e-9 < abs(value) < 1 else f"{value:.{digits}f}"
    return text.replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """`+0.7`, `−1,731`."""
    return f"{value:+,.{digits}f}".replace("-", "−")
