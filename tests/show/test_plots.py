"""The style of figures; learning curves and heat maps show the numbers given, can be read, and are saved as the same bytes."""

import itertools
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb

from lclstudy import paths
from lclstudy.plan import catalog
from lclstudy.plan.spec import OBJECTIVES
from lclstudy.show import plots, style
from lclstudy.show.report import Report
from tests.material import check_readable

MEANS = {"ce": 0.845, "ce_aug": 0.848, "scl": 0.85, "lcl": 0.858}


def make_epochs(seeds=3, objectives=MEANS, epochs=5):
    rows = pd.DataFrame(
        itertools.product(objectives, range(seeds), range(1, epochs + 1)), columns=["objective", "seed", "epoch"]
    )
    noise = np.random.default_rng(0).normal(0, 0.01, (2, len(rows)))
    loss, accuracy = 1.4 * np.exp(-0.3 * rows["epoch"]), rows["objective"].map(MEANS) - 0.25 * np.exp(-0.9 * rows["epoch"])
    rows = rows.assign(corpus="emoint", classes="", encoder="minilm", loss=2 * loss, loss_ce=loss + noise[0])
    return rows.assign(validation_accuracy=accuracy + noise[1])


def test_learning_curves_draw_mean_and_range():
    epochs = make_epochs()
    figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=2.4)
    plots.learning_curves(epochs, axes)
    runs = epochs[epochs["objective"] == "lcl"].pivot(index="epoch", columns="seed", values="validation_accuracy") * 100
    line = next(line for line in axes[0].lines if line.get_color() == style.colour("lcl"))
    assert line.get_ydata() == pytest.approx(runs.mean(axis=1).to_numpy())
    assert line.get_marker() == style.marker("lcl")
    band = axes[0].collections[-1].get_datalim(axes[0].transData)
    assert (band.y0, band.y1) == pytest.approx((runs.min().min(), runs.max().max()))
    check_readable(figure)


def test_learning_curves_say_how_many_runs_they_are_of():
    for epochs, names, said in (
        (make_epochs(), {"CE", "CE + aug.", "SCL", "LCL"}, "line: mean of 3 runs, band: lowest to highest"),
        (make_epochs().query("seed == 0 or objective == 'lcl'"), {"CE (1)", "CE + aug. (1)", "SCL (1)", "LCL (3)"},
         "line: mean of (n) runs, band: lowest to highest"),
        (make_epochs(seeds=1, objectives=["lcl"], epochs=1), {"LCL"}, "one run"),
    ):  # fmt: skip
        figure, (ax,) = style.subplots(height=2.4)
        plots.learning_curves(epochs, ax)
        assert {text.get_text() for text in ax.texts} == names and ax.get_title(loc="left").endswith(f"\n{said}")
        check_readable(figure)


def make_confusion(groups, each=80):
    """Counts where classes of one group are often taken for one another; `groups` [C] says the group of each class."""
    rng = np.random.default_rng(0)
    groups = np.asarray(groups)
    shares = np.where(groups[:, None] == groups, 0.08, 0.008) + 0.005 * rng.random((len(groups), len(groups)))
    np.fill_diagonal(shares, shares.sum(axis=1) * 1.3)
    return np.array([rng.multinomial(each, row / row.sum()) for row in shares])


def test_class_order_puts_planted_groups_together_and_is_an_order_where_there_is_nothing_to_go_by():
    groups = np.random.default_rng(1).permutation(np.arange(32) % 9)
    order = plots.class_order(make_confusion(groups, each=500))
    assert sorted(order) == list(range(32)) and np.count_nonzero(np.diff(groups[order])) == 8
    for confusion in (np.eye(5), np.zeros((5, 5)), np.diag([3, 3, 0, 3, 3]), np.ones((1, 1)), np.ones((2, 2))):
        assert sorted(plots.class_order(confusion)) == list(range(len(confusion)))


@pytest.mark.parametrize("corpus", ["emoint", "empathetic_dialogues"])
def test_heat_map_shows_all_labels_in_order_and_row_percent(corpus):
    labels = catalog.corpora()[corpus].labels
    confusion = make_confusion(np.arange(len(labels)) % 4)
    figure = plots.confusion_heatmap(confusion, labels, what="EmoInt, CE, MiniLM, 3 runs")
    ax = figure.axes[0]
    order = plots.class_order(confusion)
    ticks = [[text.get_text() for text in its] for its in (ax.get_xticklabels(), ax.get_yticklabels())]
    assert ticks == [[labels[index] for index in order]] * 2
    counts = confusion[np.ix_(order, order)]
    assert np.asarray(ax.collections[0].get_array()) == pytest.approx(100 * counts / counts.sum(axis=1, keepdims=True))
    assert [text.get_text() for text in ax.texts] == ([f"{count}" for count in counts.ravel()] if len(labels) <= 12 else [])
    check_readable(figure)


def test_heat_map_of_names_with_any_characters_and_of_a_class_without_examples(recwarn):
    figure = plots.confusion_heatmap(np.array([[5, 1, 0], [0, 0, 0], [2, 0, 4]]), ("怒り", r"$\input{x}$", "a_b^c"), "$my$")
    ax = figure.axes[0]
    figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert set(labels) == {"class 1", r"\$\input{x}\$", "a_b^c"}
    assert not [str(warning.message) for warning in recwarn if "missing from font" in str(warning.message)]
    assert np.ma.getmaskarray(ax.collections[0].get_array())[labels.index(r"\$\input{x}\$")].all()
    assert to_hex(ax.get_facecolor()) == "#dddddd"


def test_a_figure_is_saved_as_png_and_svg_with_a_sidecar_and_as_the_same_bytes_again(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_FIGURES", str(tmp_path))
    saved = []
    for _ in range(2):
        figure, (ax,) = style.subplots(width=style.DOUBLE)
        plots.learning_curves(make_epochs(), ax)
        Report("04_train_one", "quick", ["pyproject.toml"]).figure(figure, "both")
        saved.append({path.name: path.read_bytes() for path in paths.figures("quick").iterdir()})
    assert saved[0] == saved[1] and {*saved[0]} == {f"04_both.{ending}" for ending in ("png", "svg", "json")}
    sidecar = json.loads(saved[0]["04_both.json"])
    assert (sidecar["notebook"], [*sidecar["inputs"]]) == ("04_train_one", ["pyproject.toml"])
    assert set(sidecar["files"]) == {"04_both.png", "04_both.svg"}
    assert str(tmp_path).encode() not in b"".join(saved[0].values()) and b"<dc:date>" not in saved[0]["04_both.svg"]
    assert plt.imread(paths.figures("quick") / "04_both.png").shape[1] == round(6.9 * 300), "300 dots per inch"


# How colours look to people without green cones, as linear light (Machado et al. 2009, severity 1).
DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])


def linear(colour):
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)])


def test_colours_and_markers_are_distinct_also_without_green_cones_and_seen_on_white():
    assert len({style.marker(name) for name in OBJECTIVES}) == len(OBJECTIVES)
    assert style.colour("lcl") != style.colour("mine") == style.NEUTRAL
    colours = [linear(style.colour(name)) for name in OBJECTIVES]
    for view, (one, other) in itertools.product((np.eye(3), DEUTERANOPIA), itertools.combinations(colours, 2)):
        assert np.linalg.norm(view @ one - view @ other) > 0.1
    assert all(1.05 / (colour @ [0.2126, 0.7152, 0.0722] + 0.05) > 2 for colour in colours)  # contrast against white


def test_labels_are_apart_and_inside_and_move_no_further_than_they_must():
    generator = np.random.default_rng(0)
    for wanted in (*(np.sort(generator.uniform(size=count)) for count in range(9)), np.zeros(8), np.ones(8)):
        places = style.apart(wanted, 0.1)
        assert (np.diff(places) > 0.1 - 1e-9).all()
        assert ((places >= 0.02 - 1e-9) & (places <= 0.98 + 1e-9)).all()
    assert style.apart(np.array([0.1, 0.4, 0.9]), 0.1) == pytest.approx([0.1, 0.4, 0.9])
    assert style.apart(np.array([0.50, 0.52]), 0.1) == pytest.approx([0.46, 0.56])


def test_names_that_the_font_lacks_are_numbered():
    assert [style.drawable(name, 0) for name in ("joy", "Übermut")] == ["joy", "Übermut"]
    assert [style.drawable(name, 6) for name in ("🦊", "怒り", "غضب", "כעס")] == ["class 7"] * 4
    assert style.drawable("x" * 50, 0) == "x" * 17 + "…"
    assert style.drawable(r"$\input{x}$", 0) == r"\$\input{x}\$", "no formula"
