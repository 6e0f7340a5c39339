"""How figures look, and how they are saved: one style, one colour and marker per objective, the same bytes each time."""

import io
import unicodedata
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from lclstudy.plan import catalog

SINGLE = 3.3  # inches: one column of a paper
DOUBLE = 6.9  # inches: its whole width
SMALLEST = 7  # points: the smallest text, when a figure is printed at its own width
NEUTRAL = "#767676"
FONT = "DejaVu Sans"  # of `figures.mplstyle`


def use() -> None:
    """The style, from now on; whatever makes a figure here asks for it."""
    plt.style.use("lclstudy.show.figures")


def subplots(rows: int = 1, columns: int = 1, width: float = SINGLE, height: float | None = None) -> tuple[Figure, np.ndarray]:
    """A figure in the style and its axes, an array of rows * columns. `width` and `height` in inches; height 0.7 per width."""
    use()
    figure, axes = plt.subplots(rows, columns, figsize=(width, height or 0.7 * width / columns * rows), squeeze=False)
    return figure, axes.ravel()


def panels(count: int, height: float, columns: int = 3) -> tuple[Figure, np.ndarray]:
    """A figure of `count` axes, `DOUBLE` wide, `columns` in a row of `height` inches; places that are left over stay empty."""
    columns = min(columns, count)
    figure, axes = subplots(-(-count // columns), columns, DOUBLE, height * -(-count // columns))
    for ax in axes[count:]:
        ax.remove()
    return figure, axes[:count]


def colour(objective: str) -> str:
    """The colour of an objective, the same in every figure; grey for one that is unknown."""
    return catalog.read("objectives.toml").get(objective, {}).get("colour", NEUTRAL)


def marker(objective: str) -> str:
    """The marker of an objective, the same in every figure."""
    return catalog.read("objectives.toml").get(objective, {}).get("marker", "o")


def drawable(name: str, index: int, width: int = 18) -> str:
    """The name of a class as a figure can show it: shortened, or `class 7` where the font has no letters for it.

    The font has no emoji and no Chinese, and matplotlib writes right-to-left scripts backwards. Classes count from 1.
    """
    if not is_drawable(name):
        return f"class {index + 1}"
    return (name if len(name) <= width else name[: width - 1] + "…").replace("$", r"\$")  # else a formula for matplotlib


def is_drawable(name: str) -> bool:
    right_to_left = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name)
    return not right_to_left and all(ord(letter) in _letters() for letter in name)


@cache
def _letters() -> frozenset[int]:
    return frozenset(font_manager.get_font(font_manager.findfont(FONT)).get_charmap())


def label_lines(ax: Axes, ends: dict[str, tuple[float, float]], texts: dict[str, str]) -> None:
    """Writes `texts` of the objectives beside the ends (x, y) of their lines, apart from each other."""
    low, high = ax.get_ylim()
    objectives = sorted(ends, key=lambda objective: ends[objective][1])
    wanted = np.array([(ends[objective][1] - low) / (high - low) for objective in objectives])
    for objective, place in zip(objectives, apart(wanted, 0.09), strict=True):
        look = {"textcoords": "axes fraction", "va": "center", "color": colour(objective), "annotation_clip": False}
        arrow = {"arrowstyle": "-", "color": colour(objective), "linewidth": 0.4, "shrinkA": 1, "shrinkB": 3}
        ax.annotate(texts[objective], ends[objective], (1.03, place), arrowprops=arrow, **look)


def apart(wanted: np.ndarray, gap: float) -> np.ndarray:
    """The places nearest to `wanted` (ascending, 0 to 1) that are at least `gap` apart, inside 0 to 1 if they fit there."""
    if not len(wanted):
        return wanted
    steps = gap * np.arange(len(wanted))
    places = isotonic_regression(wanted - steps).x + steps
    return np.maximum(np.minimum(places, 0.98 - steps[::-1]), 0.02 + steps)


def rendered(figure: Figure) -> dict[str, bytes]:
    """The figure as png (300 dpi) and svg, by the ending of a file's name; the same figure gives the same bytes."""
    files = {}
    use()
    for ending, metadata in ((".png", {"Software": None}), (".svg", {"Date": None, "Creator": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=ending[1:], metadata=metadata)
        figure.set_layout_engine("none")  # found once, the layout stays: to find it takes a third of each drawing
        files[ending] = buffer.getvalue()
    return files
