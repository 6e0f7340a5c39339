"""Later work: every number against the file that it was read in, marks against numbers, the figure against the tables."""

import os
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import f1_score

from lclstudy import paths
from lclstudy.analyses.later_work import figures, tables
from lclstudy.plan import catalog
from lclstudy.results import frozen, published
from lclstudy.show.text import words
from tests.material import check_readable, row_of

CELL = ["corpus", "classes", "encoder", "metric", "method"]


def test_every_number_stands_in_its_source():
    folder = paths.ROOT / Path(os.environ.get("LCLSTUDY_LATER", "").strip() or "none")
    if not (folder / "numbers.csv").is_file():
        pytest.skip("needs the numbers as they were read: set LCLSTUDY_LATER to their folder")
    files = folder / "numbers.csv", paths.PUBLISHED / "later.csv"
    source, ours = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in files)
    source["method"] = source["work"].str.replace(r".*, CE$", "ce", regex=True).replace("LCL", "lcl")
    columns = {name: name for name in [*CELL, "value", "spread", "n", "place"]} | {"run_by_source": "run_by"}
    counts = ours["metric"].str.endswith("_texts")
    assert ours.loc[~counts, columns.values()].values.tolist() == source[list(columns)].values.tolist()
    said = " ".join((folder / "README.md").read_text("utf-8").split())
    for row in ours[counts].itertuples():
        assert row.note in said and f"{int(row.value):,}" in row.note


def test_what_to_mind_follows_from_the_numbers():
    later = published.later()
    assert not later.duplicated(["work", *CELL]).any() and (later["place"] != "").all()
    for row in later[later["metric"].str.endswith("_texts")].itertuples():
        entry, split = catalog.corpora()[row.corpus], row.metric.removesuffix("_texts")
        assert row.value == entry.published["paper"][split]
        assert (row.mind == "dropped_row") == (row.value == entry.counts[split] - 1)
    accuracy = later[later["metric"] == "accuracy"].set_index(["corpus", "encoder", "method"])["value"]
    for row in later.query("metric == 'weighted_f1' and classes == 'all'").itertuples():
        assert ("f1_above_accuracy" in row.mind) == (row.value > accuracy[row.corpus, row.encoder, row.method])


@pytest.mark.parametrize("profile", ["minilm", "quick"])  # the second has no run on these corpora
def test_words_figure_and_each_gain_over_the_ce_of_the_same_group_and_encoder(profile):
    results = frozen.read_frozen(profile)
    run = results.done["identity"].iloc[0]
    pair = results.labels(run), results.predictions(run)
    both = [f1_score(*labels, average="weighted") for labels in (pair, pair[::-1])]
    assert sum(both) / 2 == pytest.approx((pair[0] == pair[1]).mean()), "as the notebook says"
    scores = tables.scores(results)
    widest = row_of(tables.baselines(scores), corpus="empathetic_dialogues", encoder="electra-base")
    assert (widest["a"], widest["b"], widest["gain_a"], widest["gain_b"]) == pytest.approx((58.3, 47.7, 1.8, 5.0))
    hypemo = row_of(scores, corpus="emoint", method="HypEmo")  # macro F1, for no accuracy is printed
    assert (hypemo["marks"], hypemo["score"], round(hypemo["gain"], 6)) == ("td", 86.0, 0.6)
    assert row_of(tables.hard_sets(), classes="4-hard-d")["apart"] == pytest.approx(10.7)
    said = words("analyses/later_work/said.md.j2", **tables.facts(scores, tables.baselines(scores), results))
    assert ("Our own runs, LCL − CE: EmoInt (MiniLM" in said) == (profile == "minilm")
    assert not tables.readable(scores).isna().any(axis=None)
    figure = figures.accuracies(scores)
    check_readable(figure)
    texts = {text.get_text().strip() for ax in figure.axes for text in [*ax.texts, *ax.get_yticklabels()]}
    assert {"+1.8", "CE −10.6 f", "+5.1 tf", "Zhang et al.: HypEmo"} <= texts
    assert ("MiniLM" in texts) == (profile == "minilm")
