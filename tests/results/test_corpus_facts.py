"""What is read from the tracked summary of the corpora, against the catalogue and numbers worked out by hand."""

import pandas as pd
import pytest

from lclstudy.plan import catalog
from lclstudy.results import corpus_facts, published

SPLITS = corpus_facts.table("splits")


def test_which_corpora_are_summarised_and_every_difference_of_their_sizes():
    assert all(path.is_file() for path in corpus_facts.files())
    shown = corpus_facts.corpora(SPLITS).set_index("corpus")
    assert list(shown.index) == [entry.title for entry in catalog.corpora().values()]
    assert shown.loc["EmoInt"].to_list() == [4, "train, validation, test", "none"]
    assert shown.loc["AG News"].to_list() == [4, "test", "ag_news/train.csv"]  # named once, though two splits need it
    said = corpus_facts.sizes(SPLITS).set_index(["corpus", "split"])["ours − published"]
    assert said["EmpatheticDialogues"]["train"] == "−1,731"
    assert (said["EmoInt"]["test"], said["GoEmotions"]["train"]) == ("+1", "0")
    assert said["AG News"][["train", "test"]].tolist() == [corpus_facts.ABSENT, "no number published"]


def test_shares_are_of_even_guessing_and_of_the_split_and_coverage_stands_beside_the_papers():
    shown = corpus_facts.majority(SPLITS).set_index("corpus")
    assert shown.loc["goemotions", ["majority", "times_even"]].tolist() == pytest.approx([11.66, 11.66 / 100 * 27])
    assert "ag_news" not in shown.index  # its training split is absent, so its largest class is not known
    duplicates = pd.DataFrame({"corpus": ["isear"], "split": ["test"], "rows": [30], "rows_other_label": [6]})
    sizes = pd.DataFrame({"corpus": ["isear"], "title": ["ISEAR"], "split": ["test"], "rows": [600]})
    (row,) = corpus_facts.overlaps(duplicates, sizes).itertuples()
    assert (row.title, row.texts, row.share) == ("ISEAR", 600, 5)
    shown = corpus_facts.coverage(SPLITS, published.text_numbers("suresh2021")).set_index("corpus")
    papers = {"empathetic_dialogues": 69, "sst2": 69, "sst5": 69, "isear": 66, "emoint": 62, "goemotions": 61}
    assert shown["published"].dropna().to_dict() == papers
    known = shown.dropna()  # the paper gives whole percent; words alone lie 6 to 9 points above it
    assert known["tokens"].to_numpy() == pytest.approx(known["published"].to_numpy(), abs=1.5)
    assert (known["words"] > known["published"] + 5).all()
    assert shown.loc["isear", "split"] == "train" and shown.loc["ag_news", "split"] == "test"
