"""The figures of the losses on points of the unit circle. Arrays are NumPy's; angles are in degrees."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from lclstudy.show.style import SMALLEST, colour

# Per class: colour, the colour of what is written on it, and marker. The first two classes are the confusable pair.
# Paul Tol's muted colours, none of which is a loss's.
CLASSES = (("#117733", "white", "o"), ("#44AA99", "black", "s"), ("#DDCC77", "black", "D"))
# Per loss: how its line is drawn. The colours are those of the objectives in all figures.
LOSSES: dict[str, dict] = {
    "SCL": {"color": colour("scl")},
    "LCL printed": {"color": "#56B4E9"},
    "LCL released": {"color": colour("lcl")},
    "cross-entropy": {"color": colour("ce")},
    "released + cross-entropy, α = 0.5": {"color": colour("lcl"), "linestyle": (0, (5, 2))},
    "released + cross-entropy, α = 0.1": {"color": colour("lcl"), "linestyle": (0, (1, 1))},
}
_HIDDEN = 7  # degrees that the mark of a point covers to each side


def circle(angles: np.ndarray, labels: np.ndarray, ax: Axes, title: str, texts: Sequence[str], inside: bool = False) -> None:
    """Numbered points at `angles` [K], coloured by class; `texts` [K] are written beside them, inside or outside the circle."""
    _empty_circle(ax, 1.3, title)
    for number, (angle, label, text) in enumerate(zip(angles, labels, texts, strict=True), 1):
        shade, ink, marker = CLASSES[label]
        x, y = _at(angle)
        ax.plot(x, y, marker=marker, color=shade, markersize=11, markeredgecolor="white", zorder=3)
        ax.text(x, y, str(number), ha="center", va="center_baseline", color=ink, size=SMALLEST, weight="bold", zorder=4)
        if inside:
            ax.text(*(0.58 * _at(angle)), text, ha="center", va="center", size=SMALLEST)
        else:
            _beside(ax, angle, text, 1.2)


def arrows(angles: np.ndarray, push: np.ndarray, ax: Axes) -> None:
    """How hard each point is pushed along the circle, `push` [K], as arrows outside of it, 30 degrees long per unit.

    Those to the left run nearer to the circle than those to the right, so that they do not cross. What would be hidden by its
    point is left out, and the figure says so.
    """
    for angle, length in zip(angles, 30 * push, strict=True):
        if abs(length) < _HIDDEN:
            ax.get_figure(root=True).supxlabel("no arrow: a push too small to show beside its point", size=SMALLEST)
            continue
        way = np.linspace(angle, angle + length, 30)
        x, y = _at(way) * (1 + (0.14 if length > 0 else 0.3) * np.linspace(0, 1, 30) ** 0.5)
        ax.plot(x[:-2], y[:-2], color="black", linewidth=1.2, zorder=2, solid_capstyle="butt")
        ax.annotate("", (x[-1], y[-1]), (x[-3], y[-3]), zorder=2,
                    arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0,
                                "mutation_scale": 7})  # fmt: skip


def ends(path: np.ndarray, labels: np.ndarray, classes: Sequence[str], ax: Axes, title: str) -> None:
    """Where points go: `path` [steps + 1, K]. Pale where they start, full where the middle of a class ends."""
    _empty_circle(ax, 1.45, title)
    for label, name in enumerate(classes):
        shade, _, marker = CLASSES[label]
        places = path[:, labels == label]
        for turn, angles in enumerate(places.T, 1):
            beside = 1 + 0.03 * turn  # else the ways of two points hide each other; it ends below the mark
            ax.plot(*(_at(angles) * beside), color=shade, linewidth=1, alpha=0.7)
            ax.plot(*(_at(angles[0]) * beside), marker=marker, color=shade, markersize=6, alpha=0.3, markeredgecolor="none")
        middle = np.rad2deg(np.angle(np.exp(1j * np.deg2rad(places[-1])).mean())) % 360
        ax.plot(*_at(middle), marker=marker, color=shade, markersize=10, markeredgecolor="white", zorder=3)
        _beside(ax, middle, name, 1.24)


def lines(x: np.ndarray, curves: Mapping[str, np.ndarray], ax: Axes, title: str, xlabel: str, ylabel: str) -> None:
    """Curves over `x` by name; a name of `LOSSES` each."""
    for name, y in curves.items():
        ax.plot(x, y, label=name, **LOSSES[name])
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_title(title)


def mark(ax: Axes, x: float, y: float, text: str, loss: str, offset: tuple[float, float]) -> None:
    """A dot in the colour of a loss, with a text `offset` points away from it."""
    shade = LOSSES[loss]["color"]
    ax.plot(x, y, "o", color=shade, zorder=4)
    ax.annotate(text, (x, y), offset, textcoords="offset points", ha="center", va="center", color=shade, size=SMALLEST)


def key(axes: Sequence[Axes], columns: int = 3) -> None:
    """One key below the figure for all that is drawn on `axes`."""
    found = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    axes[0].get_figure(root=True).legend(found.values(), found, loc="outside lower center", ncols=columns)


def _empty_circle(ax: Axes, reach: float, title: str) -> None:
    turn = np.linspace(0, 360, 361)
    ax.plot(*_at(turn), color="#CCCCCC", linewidth=0.8, zorder=0)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set_axis_off()
    ax.set_title(title)


def _at(angle: np.ndarray | float) -> np.ndarray:
    return np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])


def _beside(ax: Axes, angle: float, text: str, radius: float) -> None:
    """Writes a text outside the circle so that it grows away from it."""
    x, y = _at(angle) * radius
    side = "center" if abs(x) < 0.35 else "left" if x > 0 else "right"
    level = "center" if abs(y) < 0.8 * radius else "bottom" if y > 0 else "top"
    ax.text(x, y, text, ha=side, va=level, size=SMALLEST)
