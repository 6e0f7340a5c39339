"""Learning curves and heat maps: they show the numbers given, and all text is readable and inside."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from lclstudy.errors import StudyError
from lclstudy.plan import catalog
from lclstudy.show import plots, style
from tests.material import check_readable

MEANS = {"ce": 0.845, "ce_aug": 0.848, "scl": 0.85, "lcl": 0.858}


def make_epochs(seeds=3, objectives=MEANS, epochs=5):
    rng = np.random.default_rng(0)
    rows = []
    for objective, seed, epoch in itertools.product(objectives, range(seeds), range(1, epochs + 1)):
        loss = 1.4 * np.exp(-0.3 * epoch) + rng.normal(0, 0.02)
        accuracy = MEANS[objective] - 0.25 * np.exp(-0.9 * epoch) + rng.normal(0, 0.005)
        row = dict(corpus="emoint", classes="", encoder="minilm", objective=objective, seed=seed, epoch=epoch)
        row |= dict(validation_accuracy=accuracy, loss=loss * 2, loss_ce=loss)
        rows.append({**row, "loss_contrastive": loss if objective in ("scl", "lcl") else np.nan})
    return pd.DataFrame(rows)


def test_learning_curves_draw_mean_and_range():
    epochs = make_epochs()
    figure, axes = plots.subplots(1, 2, width=plots.DOUBLE, height=2.4)
    assert plots.learning_curves(epochs, axes) is axes
    runs = epochs[epochs["objective"] == "lcl"].pivot(index="epoch", columns="seed", values="validation_accuracy") * 100
    line = next(line for line in axes[0].lines if line.get_color() == style.colour("lcl"))
    assert line.get_ydata() == pytest.approx(runs.mean(axis=1).to_numpy())
    assert (line.get_color(), line.get_marker()) == style.OBJECTIVES["lcl"]
    band = axes[0].collections[-1].get_datalim(axes[0].transData)
    assert (band.y0, band.y1) == pytest.approx((runs.min().min(), runs.max().max()))
    assert axes[0].get_ylabel() == "validation accuracy (%)" and axes[1].get_ylabel() == "training cross-entropy (nats)"
    check_readable(figure)
    plots.learning_curves(epochs, axes, loss="loss_contrastive")
    assert {text.get_text() for text in axes[1].texts[4:]} == {"SCL", "LCL"}, "those that have this loss"
    with pytest.raises(StudyError, match="No epochs"):
        plots.learning_curves(epochs[:0], axes)


@pytest.mark.parametrize(
    ("epochs", "names", "told"),
    [
        (make_epochs(), {"CE", "CE + aug.", "SCL", "LCL"}, "line: mean of 3 runs, band: lowest to highest"),
        (
            make_epochs().query("seed == 0 or objective == 'lcl'"),
            {"CE (1)", "CE + aug. (1)", "SCL (1)", "LCL (3)"},
            "line: mean of (n) runs, band: lowest to highest",
        ),
        (make_epochs(seeds=1, objectives=["lcl"]), {"LCL"}, "one run"),
        (make_epochs(seeds=1, objectives=["lcl"], epochs=1), {"LCL"}, "one run"),
    ],
)
def test_learning_curves_say_how_many_runs_they_are_of(epochs, names, told):
    figure, axes = plots.subplots(height=2.4)
    plots.learning_curves(epochs, axes[0])
    assert {text.get_text() for text in axes[0].texts} == names
    assert axes[0].get_title(loc="left").endswith(f"\n{told}")
    check_readable(figure)


def make_confusion(groups, each=80):
    """Counts where classes of one group are often taken for one another; `groups` [C] says the group of each class."""
    rng = np.random.default_rng(0)
    groups = np.asarray(groups)
    shares = np.where(groups[:, None] == groups, 0.08, 0.008) + 0.005 * rng.random((len(groups), len(groups)))
    np.fill_diagonal(shares, shares.sum(axis=1) * 1.3)
    return np.array([rng.multinomial(each, row / row.sum()) for row in shares])


@pytest.mark.parametrize("classes", [4, 12, 32])
def test_class_order_puts_planted_groups_together(classes):
    groups = np.random.default_rng(1).permutation(np.arange(classes) % (classes // 4 + 1))
    order = plots.class_order(make_confusion(groups, each=500))
    assert sorted(order) == list(range(classes))
    assert np.count_nonzero(np.diff(groups[order])) == len(set(groups)) - 1


@pytest.mark.parametrize("confusion", [np.eye(5), np.zeros((5, 5)), np.diag([3, 3, 0, 3, 3]), np.ones((1, 1)), np.ones((2, 2))])
def test_class_order_of_nothing_to_go_by_is_still_an_order(confusion):
    assert sorted(plots.class_order(confusion)) == list(range(len(confusion)))


@pytest.mark.parametrize("corpus", ["emoint", "embedded", "empathetic_dialogues"])
def test_heat_map_shows_all_labels_in_order_and_row_percent(corpus):
    labels = catalog.corpora()[corpus].labels
    confusion = make_confusion(np.arange(len(labels)) % 4)
    width = plots.heatmap_width(len(labels))
    figure, axes = plots.subplots(width=width, height=0.88 * width)
    assert plots.confusion_heatmap(confusion, labels, axes[0], what="EmoInt, CE, MiniLM, 3 runs") is axes[0]
    order = plots.class_order(confusion)
    wanted = [labels[index] for index in order]
    assert [text.get_text() for text in axes[0].get_xticklabels()] == wanted
    assert [text.get_text() for text in axes[0].get_yticklabels()] == wanted
    drawn = np.asarray(axes[0].collections[0].get_array())
    assert drawn.sum(axis=1) == pytest.approx(np.full(len(labels), 100))
    assert drawn[0, 1] == pytest.approx(confusion[order[0], order[1]] / confusion[order[0]].sum() * 100)
    counts = [text.get_text() for text in axes[0].texts]
    assert counts == ([f"{count}" for count in confusion[np.ix_(order, order)].ravel()] if len(labels) <= 12 else [])
    check_readable(figure)


def test_heat_map_of_names_with_any_characters(recwarn):
    figure, axes = plots.subplots()
    plots.confusion_heatmap(np.eye(3, dtype=int), ("怒り", r"$\input{x}$", "a_b^c"), axes[0], "$my$")
    figure.canvas.draw()
    assert {label.get_text() for label in axes[0].get_yticklabels()} == {"class 1", r"\$\input{x}\$", "a_b^c"}
    assert not [str(warning.message) for warning in recwarn if "missing from font" in str(warning.message)]


def test_heat_map_greys_a_class_without_examples():
    _, axes = plots.subplots()
    plots.confusion_heatmap(np.array([[5, 1, 0], [0, 0, 0], [2, 0, 4]]), "abc", axes[0])
    row = [text.get_text() for text in axes[0].get_yticklabels()].index("b")
    assert np.ma.getmaskarray(axes[0].collections[0].get_array())[row].all()
    assert to_hex(axes[0].get_facecolor()) == "#dddddd"


def test_figures_of_results_have_the_same_bytes_each_time(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_FIGURES", str(tmp_path))
    saved = []
    for _ in range(2):
        figure, axes = plots.panels(2, columns=2)
        plots.learning_curves(make_epochs(), axes[0])
        plots.confusion_heatmap(make_confusion([0, 0, 1, 1]), "abcd", axes[1])
        paths = plots.save(figure, "both", "quick", "04_train_one", [])
        saved.append([path.read_bytes() for path in paths])
    assert saved[0] == saved[1]
