"""The figure of the verdicts: tiles of claim by corpus."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from lclstudy.results.comparisons import ALL_CLASSES
from lclstudy.show.style import SMALLEST, style

from .tables import VERDICTS

# Okabe and Ito's, with the first letter of the verdict written in each tile, so that colour is never needed.
COLOURS = dict(zip(VERDICTS, ("#009E73", "#D55E00", "#E69F00", "#9BD0F0", "#EEEEEE", "#CC79A7"), strict=True))
LETTERS = dict(zip(VERDICTS, ("R", "C", "S", "?", "", "D"), strict=True))


@style()
def tiles(table: pd.DataFrame, whats: Sequence[str], wheres: Sequence[str], ax: Axes, title: str) -> Axes:
    """A tile per claim in the colour and with the letter of its verdict: what is claimed in rows, where in columns.

    `table` is of `tables.judge_claims`, `whats` and `wheres` its rows' labels. A tile with an asterisk was judged with another
    encoder than the source's. Claims of one row and column stand on top of each other in the file's order.
    """
    rows, columns = list(dict.fromkeys(whats)), list(dict.fromkeys(wheres))
    for claim, what, where in zip(table.to_dict("records"), whats, wheres, strict=True):
        x, y = columns.index(where), rows.index(what)
        ax.add_patch(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, color=COLOURS[claim["word"]], linewidth=0))
        letter = LETTERS[claim["word"]] + ("*" if claim["other_encoder"] and claim["word"] != "not run" else "")
        ax.text(x, y, letter, ha="center", va="center", size=SMALLEST)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.set_xticks(range(len(columns)), columns, rotation=45, ha="left", rotation_mode="anchor")
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_title(title)
    there = [word for word in VERDICTS if word in set(table["word"])]
    handles = [Patch(color=COLOURS[word], label=f"{LETTERS[word]}  {word}".strip()) for word in there]
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=min(3, len(handles)))
    return ax


def short(where: str, claim: dict) -> str:
    """The column of a claim: the corpus, or the class sets of the case study without their corpus."""
    return where if claim["classes"] == ALL_CLASSES else where.rpartition(", ")[2].replace("4-hard-a to 4-hard-d", "4-hard")
