"""The numbers that the two papers print, read from `data/published`. `data/published/README.md` explains every column."""

import pandas as pd

from lclstudy import paths

PAPERS = ("suresh2021", "modarres")


def table(paper: str | None = None, table: int | None = None) -> pd.DataFrame:
    """The cells of the papers' tables: all, those of one paper, or of one table of it (by its printed number).

    One row per printed cell. `value` and `spread` (a standard deviation) are in percent; `spread` and `n` are missing where the
    paper gives none. `value_rounding` and `spread_rounding` are half a unit of the last printed digit: what a number may be off
    by rounding alone.
    """
    cells = _read("numbers", numbers=("value", "spread"))
    for name, value in (("paper", paper), ("table", table)):
        cells = cells if value is None else cells[cells[name] == value]
    return cells.reset_index(drop=True)


def significance_tests() -> pd.DataFrame:
    """The significance tests in the text of Suresh and Ong (2021), one row per pair of methods.

    `p` stands to the true p value as `p_relation` says (`=`, `<`, `>`); `t` is missing where only p is given. `t_rounding` and
    `p_rounding` are half a unit of the last printed digit.
    """
    return _read("tests", numbers=("t", "p"))


def text_numbers(paper: str | None = None) -> pd.DataFrame:
    """The numbers in running text, of both papers or one: split sizes, settings, searches, run times."""
    found = _read("text_numbers")
    return found if paper is None else found[found["paper"] == paper].reset_index(drop=True)


def later() -> pd.DataFrame:
    """What works after LCL print on its corpora, a row per number, in percent (`*_texts`: counts); columns as in the README."""
    return _read("later", numbers=("value", "spread"))


def claims() -> pd.DataFrame:
    """What the papers claim, a row each with the rule to judge it; `margin` as a number, NaN where the rule has none."""
    return _read("claims").assign(margin=lambda rows: pd.to_numeric(rows["margin"]))


DOUBTED = "4-hard-d"  # a class set: its printed classes can hardly have its printed accuracy, see notebook 00


def counted(claims: pd.DataFrame) -> pd.DataFrame:
    """Those of `claims` that are facts of their own: weighted F1 judges the same runs as accuracy, and what is claimed again of
    the same runs (of 32 classes, with Table 1 and with Table 3) is one fact."""
    asked = ["paper", "kind", "corpus", "classes", "a", "b", "metric", "split", "encoder"]
    return claims[(claims["metric"] != "weighted_f1") & ~(claims.duplicated(asked) & (claims["kind"] == "better"))]


def class_sets() -> dict[str, tuple[str, ...]]:
    """The class subsets of EmpatheticDialogues in Section 5.3, by name, classes in the printed order."""
    members = _read("class_sets").sort_values("position", kind="stable")
    return {name: tuple(group["class"]) for name, group in members.groupby("set", sort=False)}


def _read(name: str, numbers: tuple[str, ...] = ()) -> pd.DataFrame:
    frame = pd.read_csv(paths.PUBLISHED / f"{name}.csv", dtype=dict.fromkeys(numbers, "string"), keep_default_na=False,
                        na_values={column: [""] for column in (*numbers, "n")})  # fmt: skip
    if "n" in frame:
        frame["n"] = frame["n"].astype("Int64")
    for column in numbers:
        decimals = frame[column].str.partition(".")[2].str.len()
        frame[f"{column}_rounding"] = (0.5 * 10.0 ** -decimals.astype("Float64")).astype("float64")
        frame[column] = frame[column].astype("float64")
    return frame
