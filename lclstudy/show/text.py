"""How numbers and findings are written, everywhere: the one formatter of an interval, and findings as short templates."""

from collections.abc import Mapping

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from lclstudy.plan import names

NONE = "–"


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """`−1.45` with a true minus sign; a dash where there is none. With `sign`, `+0.59`."""
    if pd.isna(value):
        return NONE
    said = f"{value:{'+' if sign else ''},.{digits}f}".replace("-", "−")
    return said.lstrip("−+") if float(f"{value:.{digits}f}") == 0 else said


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """A difference with its interval: `−1.45 [−2.54, −0.37]`, the number alone where there is no interval, or a dash."""
    said = number(value, digits, sign=True)
    return said if pd.isna(low) else f"{said} [{number(low, digits)}, {number(high, digits)}]"


def difference(row, digits: int = 2) -> str:
    """`interval` of a row of `comparisons`, a `Judgement` or a `TTest`."""
    row = row if isinstance(row, dict) else row._asdict() if hasattr(row, "_asdict") else dict(row)
    return interval(row["difference"], row["ci_low"], row["ci_high"], digits)


def mean(value: float, sd: float = float("nan"), digits: int = 1) -> str:
    """`58.3 (0.5)`: a mean with its standard deviation, or `58.3` where there is none (one run, or a paper that gives none)."""
    said = number(value, digits)
    return said if pd.isna(sd) else f"{said} ({number(sd, digits)})"


def p_value(p: float, sign: bool = False) -> str:
    """`0.042`, `< 0.001`, or a dash; with `sign`, `= 0.042`."""
    if pd.isna(p):
        return NONE
    return "< 0.001" if p < 0.001 else f"{'= ' if sign else ''}{p:.3f}"


def pair(a: str, b: str) -> str:
    """Two objectives by name: `LCL − CE`, `LCL − (CE + aug.)`."""
    other = names.objective(b)
    return f"{names.objective(a)} − {f'({other})' if '+' in other else other}"


def claim(row: Mapping) -> str:
    """`LCL is above CE`, `LCL is the same as CE`: what the paper claims in a row of `comparisons`; empty if nothing."""
    said = {"": "", "same": "is the same as"}.get(row["claim"], f"is {row['claim']}")
    return said and f"{names.objective(row['a'])} {said} {names.objective(row['b'])}"


def judged(row: Mapping) -> str:
    """`“above” undecided`: the claim of a row of `comparisons` and the word; the word alone where nothing is claimed."""
    return f"“{row['claim']}” {row['word']}" if row["claim"] else row["word"]


def noted(row: Mapping) -> str:
    """`“above” undecided; not converged: LCL`: `judged`, and what to mind."""
    return f"{judged(row)}; {row['mark']}" if row.get("mark") else judged(row)


def several(*values) -> str:
    """`3, 5`, or `3` where all are the same."""
    return ", ".join(map(str, dict.fromkeys(values)))


def compared(row: Mapping) -> dict[str, str]:
    """A row of `comparisons.beside_published` by the headings of a table."""
    paired = interval(row["paired_difference"], row["paired_low"], row["paired_high"])
    return {
        "Comparison": pair(row["a"], row["b"]),
        "n of each": f"{row['n_a']}, {row['n_b']}",
        "Difference, interval over seeds": difference(row),
        "p": row["note"] or p_value(row["p"]),
        "p (Holm)": p_value(row["p_holm"]),
        "The paper's claim": claim(row) or NONE,
        "Word": "; ".join(filter(None, (row["word"], row["mark"]))),
        "Interval over test texts": f"[{number(row['texts_low'])}, {number(row['texts_high'])}]",
        "Paired by seed": f"{paired}, {count(row['paired_n'], 'pair')}" if row["paired_n"] else NONE,
        "Published difference": interval(row["expected"], row["published_low"], row["published_high"]),
    }


def count(value: float, noun: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{value:,.10g} {noun}{'' if value == 1 else 's'}"


def listed(items) -> str:
    """`a, b and c`."""
    *first, last = [str(item) for item in items] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def bullets(sentences) -> str:
    """A Markdown list."""
    return "\n".join(f"- {sentence}" for sentence in sentences)


def words(template: str, **facts: object) -> str:
    """A Jinja template of the package, by its path there (`analyses/ablations/said.md.j2`), filled in: Markdown.

    Templates may use the functions of this module and the display names of objectives, encoders and corpora as filters:
    `{{ row | difference }}`, `{{ row.p_holm | p_value(true) }}`, `{{ "ce_aug" | objective }}`; and `pair`, `several`.
    Raises jinja2.UndefinedError on a fact that is missing.
    """
    return _TEMPLATES.get_template(template).render(facts).strip()


_TEMPLATES = Environment(loader=PackageLoader("lclstudy", ""), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_FILTERS = (number, interval, difference, mean, p_value, count, listed, bullets, judged, noted, names.objective,
            names.encoder, names.corpus, names.class_set)  # fmt: skip
_TEMPLATES.filters |= {function.__name__: function for function in _FILTERS}
_TEMPLATES.globals |= {"pair": pair, "several": several}
