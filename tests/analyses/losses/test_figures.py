"""Figures of the losses on the circle: what they show is what they are given, and every text is readable."""

import numpy as np
import pytest

from lclstudy.analyses.losses import figures
from lclstudy.show import style
from tests.material import check_readable

DEGREES = np.array([90.0, 180, 135, 225, 45, 345])
LABELS = np.array([0, 0, 1, 1, 2, 2])
CLASSES = ["sad", "devastated", "joyful"]


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def degrees(x, y):
    return np.rad2deg(np.arctan2(y, x)) % 360


def test_points_are_numbered_where_they_are():
    figure, (left, right) = style.subplots(1, 2, style.DOUBLE, 2.9)
    figures.circle(DEGREES, LABELS, left, "six points", [CLASSES[label] for label in LABELS])
    assert texts(left) == ["1", "sad", "2", "sad", "3", "devastated", "4", "devastated", "5", "joyful", "6", "joyful"]
    assert [degrees(*text.get_position()) for text in left.texts[::2]] == pytest.approx(DEGREES)
    similarity = np.cos(np.deg2rad(DEGREES[:, None] - DEGREES)) / 0.3
    figures.similarities(similarity, LABELS, CLASSES, right)
    assert len(texts(right)) == 30 and texts(right)[:3] == ["0.0", "+2.4", "−2.4"]
    bold = [text.get_text() for text in right.texts if text.get_weight() == "bold"]
    assert bold == ["0.0", "0.0", "0.0", "0.0", "+1.7", "+1.7"]
    check_readable(figure)


def test_arrows_go_the_way_of_the_push():
    figure, (ax,) = style.subplots(height=3)
    push = np.array([1.0, -1.0, 0.5, -0.5, 0.2, 0.01])
    figures.circle(DEGREES, LABELS, ax, "push", [f"{value:+.2f}" for value in push], inside=True)
    figures.arrows(DEGREES, push, ax)
    ways = [line.get_xydata() for line in ax.lines if len(line.get_xdata()) == 28]
    assert len(ways) == 4  # the others are shorter than the mark of their point
    starts, ends = (np.array([degrees(*way[place]) for way in ways]) for place in (0, -1))
    assert starts == pytest.approx(DEGREES[:4])
    assert np.sign(ends - starts).tolist() == np.sign(push[:4]).tolist()
    check_readable(figure)


def test_ends_name_the_classes():
    path = np.linspace(DEGREES, [100, 100, 234, 234, -10, 350], 20)
    figure, (ax,) = style.subplots(height=2.1)
    figures.ends(path, LABELS, CLASSES, ax, "SCL")
    assert texts(ax) == CLASSES
    ends = [degrees(*line.get_xydata()[0]) for line in ax.lines if line.get_markersize() == 10]
    assert ends == pytest.approx([100, 234, 350])
    check_readable(figure)


def test_lines_of_all_panels_share_one_key():
    figure, axes = style.panels(4, height=2.5, columns=2)
    curves = {"cross-entropy": np.array([0.4, -0.3, -0.1]), "LCL released": np.array([-0.1, 0.07, 0.03])}
    figures.lines(np.arange(3), curves, axes[0], "weights", "step", "weight")
    figures.mark(axes[0], 1, -0.3, "lowest", "LCL released", (20, 8))
    temperatures = np.logspace(-1.5, 3, 91)
    near = 0.25 + 0.25 / (1 + temperatures)
    shares = np.stack([0 * near, 0 * near, near, 0.5 - near, near, 0.5 - near], axis=1)
    for ax in axes[1:3]:
        figures.temperature_shares(temperatures, shares, LABELS, ax, "SCL")
    tried = {"the paper": [0.1, 0.3], "the report": [7.0, 1000.0]}
    figures.temperature_strength(temperatures, {"SCL": 1 / temperatures}, tried, axes[3])
    figures.key(axes)
    assert [list(line.get_ydata()) for line in axes[0].lines[:2]] == [list(values) for values in curves.values()]
    assert sorted(texts(axes[1])) == ["3", "4", "5", "6"]
    key = [text.get_text() for text in figure.legends[0].get_texts()]
    assert key == [*curves, "SCL", "tried in the paper", "tried in the report"]
    check_readable(figure)
