"""The style of figures, and labels that are apart. What `save` writes is tested in `test_plots.py`."""

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lclstudy.plan.spec import OBJECTIVES
from lclstudy.show import style

# How colours look to people without green cones, as linear light (Machado et al. 2009, severity 1).
DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])


def linear(colour):
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)])


def test_every_objective_has_a_colour_and_a_marker_of_its_own():
    assert list(style.OBJECTIVES) == list(OBJECTIVES)
    assert len({marker for _, marker in style.OBJECTIVES.values()}) == len(OBJECTIVES)
    assert style.colour("lcl") != style.colour("mine") == style.NEUTRAL


@pytest.mark.parametrize("palette", [style.OBJECTIVES, style.SPLITS])
def test_colours_are_distinct_also_without_green_cones_and_seen_on_white(palette):
    colours = [linear(colour) for colour, _ in palette.values()]
    for view in (np.eye(3), DEUTERANOPIA):
        for one, other in itertools.combinations(colours, 2):
            assert np.linalg.norm(view @ one - view @ other) > 0.1
    luminance = np.array([0.2126, 0.7152, 0.0722])
    assert all(1.05 / (luminance @ colour + 0.05) > 2 for colour in colours)  # contrast against white


def test_labels_are_apart_and_inside_and_move_no_further_than_they_must():
    generator = np.random.default_rng(0)
    for wanted in (*(np.sort(generator.uniform(size=count)) for count in range(9)), np.zeros(8), np.ones(8)):
        places = style.apart(wanted, 0.1)
        assert (np.diff(places) > 0.1 - 1e-9).all()
        assert ((places >= 0.02 - 1e-9) & (places <= 0.98 + 1e-9)).all()
    assert style.apart(np.array([0.1, 0.4, 0.9]), 0.1) == pytest.approx([0.1, 0.4, 0.9])
    assert style.apart(np.array([0.50, 0.52]), 0.1) == pytest.approx([0.46, 0.56])


def test_the_style_is_left_again_but_a_notebook_goes_on_showing_figures():
    before, interactive = dict(matplotlib.rcParams), matplotlib.rcParams["interactive"]
    try:
        with style.style():
            assert matplotlib.rcParams["axes.titlelocation"] == "left"
            matplotlib.rcParams["interactive"] = not interactive  # as a notebook's backend does with its first figure
        assert matplotlib.rcParams["interactive"] is not interactive
    finally:
        matplotlib.rcParams["interactive"] = interactive
    assert dict(matplotlib.rcParams) == before


def test_names_that_the_font_lacks_are_numbered():
    assert [style.drawable(name, 0) for name in ("joy", "Übermut")] == ["joy", "Übermut"]
    assert [style.drawable(name, 6) for name in ("🦊", "怒り", "غضب", "כעס")] == ["class 7"] * 4
    assert style.drawable("x" * 50, 0) == "x" * 17 + "…"
    assert style.drawable(r"$\input{x}$", 0) == r"\$\input{x}\$", "no formula"
