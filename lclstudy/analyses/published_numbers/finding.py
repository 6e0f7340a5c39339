"""A finding of the audit: where something is said, what is said, what follows, and how sure one can be. The rule is here."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from lclstudy import paths
from lclstudy.errors import unknown

KINDS = {
    "contradiction": "two statements that cannot both hold, rounding granted",
    "not derivable": "a printed number or reason that does not follow from what is printed",
    "rounding": "differs at the printed digits, but rounding can explain it",
    "consistent": "adds up",
    "open": "striking, but the texts say too little to decide",
}
RESTS_ON = {
    "printed": "only numbers and words of the paper itself, and arithmetic",
    "public data": "the public form of a corpus, which need not be the authors' copy",
    "assumption": "a model, such as independent runs or texts, or a reading of the words",
}

PAPERS = {"suresh2021": "the paper", "modarres": "the report"}
CAPTION = "What the two papers say, what follows from it, and how sure one can be."


class Finding(NamedTuple):
    """`place` in the paper, `said` there, what `follows`; `kind` of KINDS, and what it `rests` on, of RESTS_ON."""

    paper: str
    place: str
    said: str
    follows: str
    kind: str
    rests: str = "printed"


def certainty(kind: str, rests: str) -> str:
    """How sure one can be: `cannot tell` for what is open or within rounding; else `certain` if it rests on print alone, and
    `likely` if it rests on public data or an assumption. Raises StudyError on an unknown kind or ground.
    """
    if kind not in KINDS:
        raise unknown("kind of finding", kind, KINDS)
    if rests not in RESTS_ON:
        raise unknown("ground of a finding", rests, RESTS_ON)
    if kind in ("open", "rounding"):
        return "cannot tell"
    return "certain" if rests == "printed" else "likely"


def frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """The findings as a table with a column `sure`, of `certainty`; by kind in the order of KINDS, else in the order given."""
    table = pd.DataFrame(list(findings), columns=Finding._fields)
    table["sure"] = [certainty(row.kind, row.rests) for row in table.itertuples()]
    order = {kind: number for number, kind in enumerate(KINDS)}
    return table.sort_values("kind", key=lambda kinds: kinds.map(order), kind="stable").reset_index(drop=True)


def statements() -> dict[str, pd.Series]:
    """The sentences of the papers that the audit compares with numbers, by key: `paper`, `place`, `quote`."""
    table = pd.read_csv(paths.published() / "statements.csv", keep_default_na=False)
    return {row["key"]: row for _, row in table.iterrows()}


def quoted(quote: str) -> str:
    """A quote to show: in its marks, without the mark-up of footnotes; formulas as code."""
    return f"`{quote}`" if "\\" in quote and "{" in quote else f"“{re.sub('<sup>.*?</sup>', '', quote)}”"


def number(value: float, digits: int = 2) -> str:
    """`0.048`, `12.30`: `digits` significant digits below 1, else so many decimals, with a minus sign."""
    text = f"{value:.{digits}g}" if 0 < abs(value) < 1 else f"{value:.{digits}f}"
    return text.replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """`+0.7`, `−0.2`."""
    return f"{value:+.{digits}f}".replace("-", "−")


def in_words(findings: pd.DataFrame, readings: pd.DataFrame, degrees: pd.DataFrame, adjusted: pd.DataFrame) -> list[str]:
    """What the audit found, in lines: `findings` of `frame`, the others of `compare_readings`, `degrees_of_freedom` and
    `multiplicity` of `rounding`.
    """
    counts = findings["kind"].value_counts()
    told = ", ".join(f"{counts.get(kind, 0)} {kind}" for kind in KINDS)
    best, welch = readings.iloc[0], int(degrees["fits"].str.contains("welch").sum())
    student = int(degrees["fits"].str.contains("student").sum())
    survives = adjusted["survives"].value_counts()
    said = [
        f"{len(findings)} findings: {told}.",
        f"The printed t values follow from the printed means, deviations and n within rounding in {best['t_inside']} of "
        f"{best['t_count']} tests, the statements about p in {best['p_inside']} of {best['p_count']}; t and p together in "
        f"{best['joint']}, under the reading that explains most: {best['title']}.",
        f"t and p together fit the degrees of freedom of Welch's test in {welch} of {len(degrees)} pairs, "
        f"of Student's in {student}.",
        f"Of {(adjusted['survives'] != '').sum()} claims of significance, {survives.get('yes', 0)} hold after Holm's "
        f"adjustment whatever the rounding, {survives.get('no', 0)} fall, "
        f"{survives.get('depends on rounding', 0)} depend on rounding.",
    ]
    wrong = findings[findings["kind"].isin(["contradiction", "not derivable"])]
    for row in wrong.itertuples():
        whose = PAPERS.get(row.paper, "both").capitalize()
        said.append(f"{whose}, {row.place} ({row.kind}, {row.sure}), {row.said}: {row.follows}")
    return said
