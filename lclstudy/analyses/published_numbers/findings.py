"""The findings of the audit, read from `data/published/findings.toml` and filled in with facts: as a table, and as a letter."""

import re
import tomllib

import jinja2
import pandas as pd
from scipy import stats as distributions

from lclstudy import paths
from lclstudy.plan import names
from lclstudy.show import text

from .rounding import LEVEL

_ROOM = "analyses/published_numbers"
CAPTION = "What the two papers say, what follows from it, and how sure one can be."


def read() -> dict:
    """The file: `finding`, a list; `kinds` and `grounds` with what they mean, `whose` and `titles` by paper; `macros`."""
    return tomllib.loads((paths.PUBLISHED / "findings.toml").read_text("utf-8"))


def environment(facts: dict) -> jinja2.Environment:
    """What the templates and conditions of the file may use. A fact that is not there is an error, not an empty string."""
    made = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    made.filters |= {"number": number, "signed": signed, "corpus": names.corpus, "count": text.count}
    made.globals |= {**facts, "level": LEVEL, "p_of": lambda t, df: 2 * distributions.t.sf(t, df)}
    return made


def table(facts: dict) -> pd.DataFrame:
    """A row per finding, by kind in the order of `kinds`: `paper`, `place`, `said`, `follows`, `kind`, `rests`, `sure`, `id`.

    `sure`: `cannot tell` for what is open or within rounding; else `certain` if it rests on print alone, `likely` if not.
    """
    made, file, rows = environment(facts), read(), []
    for found in sorted(file["finding"], key=lambda found: list(file["kinds"]).index(found["kind"])):
        quotes = {name: _quoted(found[name]) for name in ("quote", "beside") if name in found}
        said, follows = (
            made.from_string(file["macros"] + template).render(**quotes).strip()
            for template in (found.get("said", "{{ quote }}"), found["follows"])
        )
        sure = "certain" if found["rests"] == "printed" else "likely"
        sure = "cannot tell" if found["kind"] in ("open", "rounding") else sure
        rows.append({**found, "said": said, "follows": follows, "sure": sure})
    return pd.DataFrame(rows)[["paper", "place", "said", "follows", "kind", "rests", "sure", "id"]]


def said(found: pd.DataFrame, facts: dict) -> str:
    """What the audit found, in a few sentences of Markdown."""
    counts = found["kind"].value_counts()
    kinds = [{"kind": kind, "count": int(counts.get(kind, 0))} for kind in read()["kinds"]]
    return text.words(f"{_ROOM}/said.md.j2", kinds=kinds, **facts)


def letters(found: pd.DataFrame) -> dict[str, bytes]:
    """A page in Markdown for the authors of each paper, as `Report.save` takes files: every finding about it, by kind."""
    file, pages = read(), {}
    for paper, title in file["titles"].items():
        groups = dict(iter(found[found["paper"].isin([paper, "both"])].groupby("kind")))
        page = text.words(f"{_ROOM}/letter.md.j2", title=title, groups=groups, **file)
        pages[f"_{paper}.md"] = f"{page}\n".encode()
    return pages


def _quoted(quote: str) -> str:
    """A quote to show: in its marks, without the mark-up of footnotes; formulas as code."""
    return f"`{quote}`" if "\\" in quote and "{" in quote else f"“{re.sub('<sup>.*?</sup>', '', quote)}”"


def number(value: float, digits: int = 2) -> str:
    """`0.048`, `12.30`: `digits` significant digits below 1, else so many decimals, with a minus sign."""
    return f"{value:.{digits}g}".replace("-", "−") if 1e-9 < abs(value) < 1 else text.number(value, digits)


def signed(value: float, digits: int = 1) -> str:
    """`+0.7`, `−1,731`."""
    return text.number(value, digits, sign=True)
