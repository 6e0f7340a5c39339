"""The figure of the verdicts: tiles of claim by corpus."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from lclstudy.results import published
from lclstudy.show.style import SMALLEST

from .tables import VERDICTS

# Okabe and Ito's, with the first letter of the verdict written in each tile, so that colour is never needed.
COLOURS = dict(zip(VERDICTS, ("#009E73", "#D55E00", "#E69F00", "#9BD0F0", "#EEEEEE", "#CC79A7"), strict=True))
LETTERS = dict(zip(VERDICTS, ("R", "C", "S", "?", "", "D"), strict=True))


def tiles(table: pd.DataFrame, title: str, ax: Axes) -> None:
    """A tile per claim in the colour and with the letter of its verdict: what is claimed in rows, on what in columns.

    `table` is of `tables.judge_claims`. A tile with an asterisk was judged with another encoder than the source's, one with a
    dagger by runs that had not converged. Claims of one tile are the same claim made twice, and judged alike.
    """
    cells = table.assign(what=table["about"], where=table["on"].str.rpartition(", ")[2], rising=table["mark"] != "")
    cells = cells.drop_duplicates(["what", "where"])
    rows, columns = cells["what"].unique().tolist(), cells["where"].unique().tolist()
    for cell in cells.itertuples():
        x, y = columns.index(cell.where), rows.index(cell.what)
        ax.add_patch(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, color=COLOURS[cell.word], linewidth=0))
        said = LETTERS[cell.word] + "*" * cell.other_encoder + "†" * cell.rising
        ax.text(x, y, said, ha="center", va="center", size=SMALLEST)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.set_xticks(range(len(columns)), columns, rotation=45, ha="left", rotation_mode="anchor")
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(f"{title}: {len(table)} claims ({len(published.counted(table))} counted) on {len(cells)} tiles")
    there = [word for word in VERDICTS if word in set(table["word"])]
    handles = [Patch(color=COLOURS[word], label=f"{LETTERS[word]}  {word}".strip()) for word in there]
    notes = ("*  another encoder than the claim's", "†  not converged", "white: no such claim")
    handles += [Patch(color="none", label=note) for note in notes]
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=min(3, len(handles)))
