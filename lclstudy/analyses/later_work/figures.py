"""The figure of what came after LCL: accuracy by corpus, a row per encoder, group and method, beside the same group's CE."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lclstudy.plan import catalog, names
from lclstudy.show import marks, style, text
from lclstudy.show.style import NEUTRAL, colour, marker

from .tables import CORPORA, GROUPS

OTHER = {"suresh2021": "zhang2024", "zhang2024": "suresh2021"}
SAID = """at the right: method − CE, or this CE − the other group's CE; n = 5 unless stated
t: perhaps chosen on test   f: weighted F1 above accuracy, as if by predictions   \
d: each split one text short of the public files"""


def accuracies(table: pd.DataFrame) -> Figure:
    """`tables.scores` of the catalogue's encoders, a panel per corpus: LCL of the paper and of ours, every method of the later
    work, and CE alone where a group has no such method with an encoder."""
    halves = [_rows(table[table["accuracy"].notna() & table["corpus"].isin(half)]) for half in (CORPORA[:2], CORPORA[2:])]
    figure, axes = style.subplots(2, 2, style.DOUBLE, 1.9 + 0.155 * sum(map(len, halves)))
    figure.axes[0].get_gridspec().set_height_ratios([len(rows) + 2 for rows in halves])
    for number, (corpus, ax) in enumerate(zip(CORPORA, axes, strict=True)):
        _panel(table[table["corpus"] == corpus], halves[number // 2], ax)
    entries = [("CE of the same group", {"markerfacecolor": marks.OPEN}), ("another method", {})]
    marks.key(axes[0], [*entries, ("LCL", {"color": colour("lcl"), "marker": marker("lcl")})], SAID, columns=3)
    for ax in axes[1::2]:
        ax.set_yticklabels([])
    return figure


def _rows(half: pd.DataFrame) -> list[tuple]:
    """(encoder, group, method) of each row; above those of an encoder (encoder,)."""
    rows = []
    for encoder in (name for name in catalog.encoders() if name in set(half["encoder"])):
        rows.append((encoder,))
        for group in GROUPS:
            methods = half.loc[(half["encoder"] == encoder) & (half["group"] == group), "method"].unique()
            kept = [name for name in methods if name == "lcl" or (group == "zhang2024" and name != "ce")]
            rows += [(encoder, group, name) for name in kept or [*methods][:1]]
    return rows


def _panel(table: pd.DataFrame, rows: list[tuple], ax: Axes) -> None:
    here = {(row["encoder"], row["group"], row["method"]): row for row in table.to_dict("records")}
    for y, (encoder, *place) in enumerate(rows):
        for method in dict.fromkeys(["ce", *place[1:]]) if place else ():
            own = here.get((encoder, place[0], method))
            if own is None:
                said = "not run"
                continue
            face = marks.OPEN if method == "ce" else colour(method)
            ax.plot([own["ce"], own["score"]], [y, y], color=colour(method), linewidth=0.8, zorder=1)
            ax.plot(own["score"], y, marker(method), color=NEUTRAL if method == "ce" else face, markerfacecolor=face)
            other = here.get((encoder, OTHER.get(place[0]), "ce"), own)["accuracy"]
            change = own["score"] - (other if method == "ce" else own["ce"])
            said = "" if pd.isna(change) or not change else f"{'CE ' * (method == 'ce')}{text.number(change, 1, sign=True)} "
            said += ("" if own["n"] == 5 else f"n = {own['n']} ") + own["marks"]
        if place:
            marks.beside(ax, y, said)
    marks.rows(ax, [f"{GROUPS[key[1]]}: {names.objective(key[2])}" if key[1:] else names.encoder(key[0]) for key in rows])
    for key, label in zip(rows, ax.get_yticklabels(), strict=True):
        label.set_fontweight("normal" if key[1:] else "bold")
    ax.set(title=names.corpus(table["corpus"].iloc[0]), xlabel="test accuracy (%)")
