"""The tables that notebook 00 shows: what is printed, the differences that follow, and every test worked out again."""

import math

import numpy as np
import pandas as pd

from lclstudy.plan import names
from lclstudy.results import published
from lclstudy.results.comparisons import published_comparisons
from lclstudy.show import text

from .rounding import multiplicity

PAIRS = (("lcl", "ce"), ("lcl", "scl"))


def as_printed(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of one printed table as they stand there, by its own headings; `58.3 (0.5)` is a mean with deviation."""
    said = [text.mean(row.value, row.spread, 1 if row.value_rounding < 0.5 else 0) for row in cells.itertuples()]
    wide = cells.assign(said=said).pivot(index="row", columns="column", values="said").fillna("")
    return wide.loc[cells["row"].unique(), cells["column"].unique()].reset_index()


def differences() -> pd.DataFrame:
    """The paper's test accuracies (Tables 1 to 3) as text: LCL less CE and less SCL, a row per corpus, set and n."""
    cells = published.table("suresh2021").query("metric == 'accuracy' and split == 'test' and encoder == 'electra-base'")
    found = pd.concat([published_comparisons(one, PAIRS) for _, one in cells.groupby("table")])  # two have all 32 classes
    said = found.assign(
        corpus=found["corpus"].map(names.corpus),
        pair=[text.pair(row.a, row.b) for row in found.itertuples()],
        said=found.apply(text.difference, axis=1),
    )
    place = ["corpus", "set", "n_a"]
    return said.pivot_table("said", place, "pair", aggfunc="first", sort=False).reset_index().rename(columns={"n_a": "n"})


def readable(audited: pd.DataFrame, reading: str) -> pd.DataFrame:
    """A row per test under a reading, as text: what is printed; what follows, and in brackets what rounding and cutting allow;
    under which prints t and p follow together; p by Holm over the tests of the same table, of claims of significance.
    """
    here = audited[audited["reading"] == reading]
    rows, ends = (here[here["print"] == kind].reset_index(drop=True) for kind in ("rounded", "either"))
    together = here[here["probability"] > 0].groupby("test")["print"].agg(", ".join)
    adjusted = multiplicity(audited, reading)
    by_holm = _with_ends(*(adjusted[f"p_holm{end}"] for end in ("", "_low", "_high")), _p_said)
    return pd.DataFrame({
        "test": rows["test"],
        "n": ["cited and " * math.isinf(row.a_n) + f"{row.b_n:.0f}" for row in rows.itertuples()],
        "t printed": ["" if pd.isna(t) else f"{t:.2f}" for t in rows["t_printed"]],
        "t follows": _with_ends(rows["t"], ends["t_low"], ends["t_high"], text.number),
        "p printed": [f"{row.p_relation} {row.p_printed:g}" for row in rows.itertuples()],
        "p follows": _with_ends(rows["p"], ends["p_low"], ends["p_high"], _p_said),
        "together if": rows["test"].map(together).fillna("never"),
        "p by Holm": np.where(adjusted["survives"] == "", "", by_holm),
        "below 0.05?": adjusted["survives"],
    })  # fmt: skip


def readable_degrees(degrees: pd.DataFrame) -> pd.DataFrame:
    """`rounding.degrees_of_freedom` as text: what each printed t and p imply together, and what three kinds of test have, in
    brackets if the printed deviations were rounded."""
    kinds = {"welch": "Welch's", "student": "Student's", "paired": "paired"}
    fits = [", ".join(said for kind, said in kinds.items() if row[f"fits_{kind}"]) for row in degrees.to_dict("records")]
    implied = {f"implied if {kind}": [f"{_df_said(low)} to {_df_said(high)}" for low, high in
                                      zip(degrees[f"{kind}_low"], degrees[f"{kind}_high"], strict=True)]
               for kind in ("rounded", "cut")}  # fmt: skip
    printed = [f"t = {row.t_printed:.2f}, p {row.p_relation} {row.p_printed:g}" for row in degrees.itertuples()]
    has = {f"{said} has": degrees[kind].map(_df_said) for kind, said in kinds.items()}
    has["Welch's has"] = _with_ends(degrees["welch"], degrees["welch_low"], degrees["welch_high"], _df_said)
    return pd.DataFrame({"test": degrees["test"], "printed": printed, **implied, **has, "fits, if rounded": fits})


def _df_said(df: float) -> str:
    return "∞" if math.isinf(df) else text.number(df)


def _with_ends(middle: pd.Series, low: pd.Series, high: pd.Series, said) -> list[str]:
    return [f"{said(x)} [{said(y)}, {said(z)}]" for x, y, z in zip(middle, low, high, strict=True)]


def _p_said(p: float) -> str:
    return f"{p:.2g}" if p >= 1e-4 else "<0.0001"
