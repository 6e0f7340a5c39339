"""What the follow-up report's questions gave, in words, from its tables. No torch."""

import numpy as np
import pandas as pd

from lclstudy.plan import names
from lclstudy.show import tables

from . import tables as followup_tables


def baseline_findings(found: pd.DataFrame) -> list[str]:
    """The levels of the systems that ran with the report's own encoder, and who stands above the bag of words."""
    said = []
    for row in found[found["same"] & found["published"].notna()].to_dict("records"):
        interval = "" if pd.isna(row["low"]) else f" [{row['low']:.1f}, {row['high']:.1f}]"
        said.append(f"{names.corpus(row['corpus'])}, {row['system']}: {row['mean']:.1f} %{interval} (n = {row['n']}) "
                    f"against {row['published']:g} in the report ({row['mean'] - row['published']:+.1f}).")  # fmt: skip
    for encoder in ("rnn", "gru"):
        pairs = _pairs(found, encoder, "tfidf")
        if pairs:
            above = [names.corpus(corpus) for corpus, one, other in pairs if one > other]
            said.append(f"{names.encoder(encoder)} is above {names.encoder('tfidf')} on {len(above)} of {len(pairs)} corpora"
                        f"{': ' + ', '.join(above) if above else ''}.")  # fmt: skip
    absent = found[(found["status"] == tables.NOT_RUN) & found["published"].notna()]
    done = found[found["status"] == "done"]
    instead = (~done["same"] & done["published"].notna()).sum()
    said.append(f"Not run, of the report's {found['published'].notna().sum()} numbers: {len(absent)}; {instead} stand beside "
                f"{names.encoder(followup_tables.STANDS_IN)} instead.")  # fmt: skip
    return said


def _pairs(found: pd.DataFrame, one: str, other: str) -> list[tuple[str, float, float]]:
    ran = found[found["n"] > 0].set_index(["corpus", "encoder", "objective"])["mean"]
    keys = [(corpus, (corpus, one, "ce"), (corpus, other, "ce")) for corpus in followup_tables.CORPORA]
    return [(corpus, ran[a], ran[b]) for corpus, a, b in keys if a in ran and b in ran]


def grid_findings(found: pd.DataFrame) -> list[str]:
    """How far accuracy depends on the settings, which is best, and where the report's best stands."""
    ran = found[found["n"] > 0].reset_index(drop=True)
    if ran.empty:
        return ["The grid over alpha, temperature and batch size: not run."]
    best = ran.loc[ran["validation"].idxmax()]
    encoder = names.encoder(ran["encoder"].iloc[0])
    said = [f"Grid with {encoder}: {len(ran)} of {len(found)} settings run, one seed each where n = 1; test accuracy from "
            f"{ran['mean'].min():.1f} to {ran['mean'].max():.1f} %, half of them from {ran['mean'].quantile(0.25):.1f} to "
            f"{ran['mean'].quantile(0.75):.1f}.",
            f"Best on validation: {_point_said(best)}, test accuracy {best['mean']:.1f} %; the highest test accuracy is "
            f"{ran['mean'].max():.1f}."]  # fmt: skip
    wanted = followup_tables.reports_best()
    theirs = ran[np.logical_and.reduce([ran[name] == wanted[name] for name in followup_tables.GRID])]
    if len(theirs):
        rank = int((ran["validation"] > theirs["validation"].iloc[0]).sum()) + 1
        said.append(f"The report's best setting ({_point_said(theirs.iloc[0])}) has rank {rank} of {len(ran)} on validation "
                    f"here, test accuracy {theirs['mean'].iloc[0]:.1f} %.")  # fmt: skip
    if ran["ce"].notna().any():
        above = int((ran["mean"] > ran["ce"]).sum())
        said.append(f"{above} of {len(ran)} settings are above cross-entropy at their batch size "
                    f"({ran['ce'].min():.1f} to {ran['ce'].max():.1f} %).")  # fmt: skip
    return said


def _point_said(row: pd.Series) -> str:
    return f"alpha {row['alpha']:g}, temperature {row['temperature']:g}, batch size {row['batch_size']:g}"


def failure_findings(found: pd.DataFrame, chance: float) -> list[str]:
    """Whether the report's settings make the contrastive objectives fail on EmoInt, and which setting does it."""
    said = []
    for (objective, encoder), rows in found[found["n"] > 0].groupby(["objective", "encoder"], sort=False):
        base = rows[rows["changes"] == 0]
        who = f"{names.objective(objective)} with {names.encoder(encoder)}"
        if base.empty:
            continue
        mean, n = base["mean"].iloc[0], base["n"].iloc[0]
        failed = mean < chance + followup_tables.NEAR_CHANCE
        said.append(f"{who}, as in the report: {mean:.1f} % (n = {n}; the largest class is {chance:.1f} %): "
                    f"{'it fails as the report says' if failed else 'it does not fail'}.")  # fmt: skip
        stuck, well = (rows[(rows["mean"] < chance + followup_tables.NEAR_CHANCE) == still] for still in (True, False))
        if (rows["changes"] == 1).any():
            said.append(f"{who}: {_alone_said(stuck, well, failed)}.")
        said += [f"{who}: {line}." for line in _together_said(stuck, well, failed)]
    return said or ["The report's settings on EmoInt: not run."]


def _alone_said(stuck: pd.DataFrame, well: pd.DataFrame, failed: bool) -> str:
    does, not_ = (_settings_said(rows[rows["changes"] == 1]) for rows in ((well, stuck) if failed else (stuck, well)))
    return f"changed alone, these {'mend it' if failed else 'make it fail'}: {does}; these do not: {not_}"


def _together_said(stuck: pd.DataFrame, well: pd.DataFrame, failed: bool) -> list[str]:
    """Several changes at once; beside a change that alone makes the method fail, whether another mends it."""
    said, left = [], pd.concat([stuck, well])[lambda rows: rows["changes"] > 1]
    for (cause,) in () if failed else stuck.loc[stuck["changes"] == 1, "changed"]:
        mended, still = (rows[[set(changed) > {cause} for changed in rows["changed"]]] for rows in (well, stuck))
        left = left[[cause not in changed for changed in left["changed"]]]
        if len(mended) + len(still):
            does, not_ = _settings_said(mended, cause), _settings_said(still, cause)
            said.append(f"with {cause}, these mend it: {does}; these do not: {not_}")
    return [*said, f"several changed at once: {_settings_said(left)}"] if len(left) else said


def _settings_said(rows: pd.DataFrame, beside: str = "") -> str:
    """The settings with their accuracy, without the change that all of them share, `beside`."""
    changes = [", ".join(change for change in row if change != beside) for row in rows["changed"]]
    return "; ".join(f"{said} {mean:.1f} %" for said, mean in zip(changes, rows["mean"], strict=True)) or "none"


def variant_findings(found: pd.DataFrame) -> list[str]:
    """Each variant against the report's first setting of its objective."""
    said = []
    for row in found[(found["n"] > 0) & (found["changes"] > 0)].to_dict("records"):
        interval = "" if pd.isna(row["ci_low"]) else (
            f" [{row['ci_low']:.1f}, {row['ci_high']:.1f}], p {tables.p_value(row['p'])} "
            f"({tables.p_value(row['p_holm'])} by Holm's method)"
        )  # fmt: skip
        said.append(f"{names.objective(row['objective'])} with {names.encoder(row['encoder'])}, {row['setting']}: "
                    f"{row['mean']:.1f} % (n = {row['n']}), {row['difference']:+.1f} points{interval}.")  # fmt: skip
    return said or ["The variants: not run."]
