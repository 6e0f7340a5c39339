"""The style of figures, direct labels, and saving: the same bytes each time, with a sidecar."""

import itertools
import json

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from lclstudy import paths
from lclstudy.errors import StudyError
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


@pytest.mark.parametrize(("count", "shape"), [(1, (6.9, 2.2)), (3, (6.9, 2.2)), (4, (6.9, 4.4)), (6, (6.9, 4.4))])
def test_panels_has_as_many_axes_as_asked(count, shape):
    figure, axes = style.panels(count)
    assert len(axes) == len(figure.axes) == count
    assert tuple(figure.get_size_inches()) == pytest.approx(shape)


@given(st.lists(st.floats(0, 1), max_size=8).map(sorted))
def test_labels_are_apart_and_inside(wanted):
    places = style.apart(np.array(wanted), 0.1)
    assert (np.diff(places) > 0.1 - 1e-9).all()
    assert ((places >= 0.02 - 1e-9) & (places <= 0.98 + 1e-9)).all()


def test_labels_that_are_apart_stay_in_place():
    assert style.apart(np.array([0.1, 0.4, 0.9]), 0.1) == pytest.approx([0.1, 0.4, 0.9])
    assert style.apart(np.array([0.50, 0.52]), 0.1) == pytest.approx([0.46, 0.56])


def drawn():
    figure, axes = style.subplots()
    with style.style():
        axes[0].plot([1, 2, 3], [1, 4, 9], marker="o", label="line")
        axes[0].fill_between([1, 2, 3], [0, 3, 8], [2, 5, 10], alpha=0.2)
        axes[0].legend()
    return figure


def test_save_writes_png_svg_and_sidecar_with_the_same_bytes_again(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_FIGURES", str(tmp_path))
    source = tmp_path / "in" / "runs.csv"
    source.parent.mkdir()
    source.write_text("a\n1\n")
    made = style.save(drawn(), "curves", "quick", "04_train_one", [source, "pyproject.toml"])
    assert made == [paths.figures("quick") / f"curves.{suffix}" for suffix in ("png", "svg", "json")]
    first = [path.read_bytes() for path in made]
    style.save(drawn(), "curves", "quick", "04_train_one", [source, "pyproject.toml"])
    assert [path.read_bytes() for path in made] == first
    sidecar = json.loads(first[2])
    assert sidecar["notebook"] == "04_train_one"
    assert set(sidecar["inputs"]) == {"in/runs.csv", "pyproject.toml"}
    assert set(sidecar["files"]) == {"curves.png", "curves.svg"}
    assert str(tmp_path).encode() not in b"".join(first)
    assert b"<dc:date>" not in first[1]
    assert plt.imread(made[0]).shape[1] == round(3.3 * 300), "300 dots per inch"
    with pytest.raises(StudyError, match=r"No input .*gone\.csv"):
        style.save(drawn(), "other", "quick", "04_train_one", [tmp_path / "gone.csv"])
    assert not list(made[0].parent.glob("other*"))


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
    sizes = [value for name, value in style.STYLE.items() if name.endswith(("labelsize", "fontsize", "titlesize", "font.size"))]
    assert len(sizes) == 6 and min(sizes) >= style.SMALLEST == 7


def test_names_that_the_font_lacks_are_numbered():
    assert style.drawable("joy", 0) == "joy"
    assert style.drawable("Übermut", 0) == "Übermut"
    assert [style.drawable(name, 6) for name in ("🦊", "怒り", "غضب", "כעס")] == ["class 7"] * 4
    assert style.drawable("x" * 50, 0) == "x" * 17 + "…"
    assert style.drawable(r"$\input{x}$", 0) == r"\$\input{x}\$", "no formula"
