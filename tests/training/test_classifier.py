"""A classifier that is kept: it says what the run said, in plain transformers too; other folders are refused."""

import io
import shutil
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
from transformers import pipeline

from lclstudy import __main__, paths
from lclstudy.corpora.load import load_corpus
from lclstudy.plan.spec import make_spec
from lclstudy.training import train
from lclstudy.training.classifier import load_classifier
from tests.material import cut_off, full_disk, refused

QUICK = {"learning_rate": 1e-3, "epochs": 1, "max_length": 32, "train_limit": 60, "seed": 0}
TEXTS = ["I was so afraid of the dark.", "Zyxomma, quokka: words that no text of the corpus has!", "", "proud of my  daughter"]


def keep(folder, objective="lcl", encoder="tiny", **settings):
    spec = make_spec("embedded", objective, encoder=encoder, **{**QUICK, **settings})
    return train(spec, device="cpu", progress=False, out=folder / "model")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    return keep(folder), folder / "model"


def check(folder, record):
    """Asserts that it says of the test texts what the run said; gives the classifier, the texts, and what it says."""
    classifier, texts = load_classifier(folder, "cpu"), load_corpus("embedded", record.spec.classes)["test"]["text"]
    found = classifier.predict(texts, progress=False)
    np.testing.assert_allclose(found.probabilities, record.test_probabilities, rtol=0, atol=1e-5)
    assert found.labels == [record.classes[number] for number in record.test_probabilities.argmax(axis=1)]
    return classifier, texts, found.probabilities


def check_plain(folder, classifier, texts):
    """Asserts that plain transformers say of the texts what the classifier says."""
    plain = pipeline("text-classification", str(folder), top_k=None, device="cpu")(list(texts), truncation=True)
    scores = [{one["label"]: one["score"] for one in row} for row in plain]
    found = [[row[name] for name in classifier.classes] for row in scores]
    np.testing.assert_allclose(found, classifier.predict(texts, progress=False).probabilities, rtol=0, atol=1e-5)


def test_it_says_what_the_run_said_of_one_text_many_and_none_and_plain_transformers_the_same(kept):
    """Also of words that no text had: the embeddings that training left out are there again."""
    classifier, texts, probabilities = check(kept[1], kept[0])
    np.testing.assert_allclose(classifier.predict(texts[7], progress=False).probabilities, probabilities[7:8], atol=1e-5)
    assert classifier.predict([], progress=False).probabilities.shape == (0, 12)
    assert classifier.predict(["word " * 99], progress=False) and classifier.cut == 1
    check_plain(kept[1], classifier, TEXTS)


@pytest.mark.parametrize(
    ("objective", "encoder", "settings"),
    [("ce", "tiny", {"pooling": "mean"}), ("ce_ensemble", "tiny", {}), ("lacon", "tiny", {}), ("lcl", "gru", {})],
)
def test_what_has_no_plain_form_is_kept_in_ours_and_the_card_says_so(tmp_path, objective, encoder, settings):
    check(tmp_path / "model", keep(tmp_path, objective, encoder, train_limit=20, **settings))
    assert "does not load in plain transformers" in (tmp_path / "model" / "README.md").read_text("utf-8")


def test_a_real_encoder_says_the_same_in_all_three(tmp_path, minilm_folder):
    settings = {"classes": ("afraid", "proud"), "learning_rate": 2e-5, "max_length": 16, "train_limit": 10}
    classifier, texts, _ = check(tmp_path / "model", keep(tmp_path, "ce", "minilm", **settings))
    check_plain(tmp_path / "model", classifier, texts)


@pytest.mark.parametrize(("name", "content", "said"), [
    ("classifier.json", None, ["holds no classifier", "lclstudy train"]),
    ("classifier.json", '{"format"', ["classifier.json is cut short"]),
    ("classifier.json", '{"format": 99, "files": {}}', ["has format 99, but this lclstudy knows formats up to 1"]),
    ("model.safetensors", "cut", ["model.safetensors is cut short or altered"]),
    ("config.json", "{}", ["config.json is cut short or altered"]),
    ("tokenizer.json", None, ["has no tokenizer.json"]),
])  # fmt: skip
def test_another_folder_is_refused_in_a_line(kept, tmp_path, name, content, said):
    folder = shutil.copytree(kept[1], tmp_path / "model")
    (folder / name).unlink() if content is None else (folder / name).write_text(content)
    with refused(*said):
        load_classifier(folder)


def test_the_card_tells_data_numbers_limits_and_versions_and_a_killed_save_leaves_nothing(kept, tmp_path):
    record, folder = kept
    (tmp_path / ".model.part").mkdir()
    (tmp_path / ".model.part" / "old.txt").write_text("")
    keep(tmp_path, "ce", train_limit=20, precision="bf16")
    assert not (tmp_path / "model" / "old.txt").exists() and not (tmp_path / ".model.part").exists()
    card, half = ((place / "README.md").read_text("utf-8") for place in (folder, tmp_path / "model"))
    right = (record.test_probabilities.argmax(axis=1) == record.test_labels).mean()
    for said in (f"accuracy {right:.1%}".replace("%", " %"), "| train | 60 |", record.spec.identity(), *record.classes):
        assert said in card, said
    assert "ElectraForSequenceClassification" in card and f"torch {version('torch')}" in card
    in_fp32 = "`lclstudy predict` computes in fp32"
    assert in_fp32 in half and in_fp32 not in card


def test_nothing_is_trained_for_a_folder_that_cannot_be_written(kept, tmp_path, monkeypatch):
    with refused("is there already and not empty"):
        keep(kept[1].parent)
    with refused("model cannot be written (Not a directory)"):
        keep(kept[1] / "README.md")
    monkeypatch.chdir(tmp_path)
    with refused(". is the working folder"):
        train(make_spec("embedded", "ce", encoder="tiny", **QUICK), out=".")
    with full_disk(), refused("Could not keep the classifier in model (", "File too large"):
        keep(tmp_path)
    assert not any(tmp_path.iterdir())
    with refused("bag of words and has no network to keep"):
        train(make_spec("embedded", "ce", encoder="tfidf"), out="model")


def test_the_two_commands(tmp_path, capsys, monkeypatch):
    table, folder = tmp_path / "my.csv", tmp_path / "model"
    table.write_text("text,mood\n" + "so happy today,joy\nso angry at you,<b>an|ger$\n" * 30)
    made = ["train", str(table), "--label-column", "mood", "--objective", "ce", "--epochs", "12", "--out", str(folder)]
    assert __main__.main([*made, "--dry-run"]) == 0
    assert "36 training texts, 2 classes. 1 run would take about 1 minute" in capsys.readouterr().out
    assert not folder.exists()
    monkeypatch.setenv("LCLSTUDY_RUNS", str(tmp_path / "runs"))
    asked = cut_off(monkeypatch, every=20)
    assert [__main__.main(made), __main__.main(made)] == [130, 0] and len(asked) == 12 * (36 // 10) + 1, "it went on"
    assert not any(paths.runs().iterdir())
    assert f"Kept in {folder}" in capsys.readouterr().out
    assert str(tmp_path) not in (folder / "README.md").read_text("utf-8") + (folder / "classifier.json").read_text("utf-8")
    (tmp_path / "new.csv").write_text('text,more\n"so happy, today",1\nso angry at you,2\n')
    assert __main__.main(["predict", str(folder), str(tmp_path / "new.csv"), "--device", "cpu"]) == 0
    from_file = capsys.readouterr().out
    table = pd.read_csv(io.StringIO(from_file))
    assert list(table.columns) == ["text", "label", "probability of <b>an|ger$", "probability of joy"]
    assert table["label"].tolist() == ["joy", "<b>an|ger$"]
    assert r"| \<b\>an\|ger\$ | 6 |" in (folder / "README.md").read_text("utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("so happy, today\r\nso angry at you\r\n"))
    assert __main__.main(["predict", str(folder)]) == 0
    assert capsys.readouterr().out == from_file
    for errors, said in (("strict", "standard input is not UTF-8"), ("surrogateescape", "Text 2 holds half of a character")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"so happy\ncaf\xe9\n"), "utf-8", errors))
        assert __main__.main(["predict", str(folder)]) == 2
        assert said in capsys.readouterr().err
    pd.DataFrame({"words": ["so happy, today", "so angry at you"]}).to_excel(tmp_path / "new.xlsx", index=False)
    assert __main__.main(["predict", str(folder), str(tmp_path / "new.xlsx"), "--text-column", "words"]) == 0
    assert capsys.readouterr().out == from_file
    assert __main__.main(["predict", str(folder), str(tmp_path / "new.csv"), "--out", "/dev/full"]) == 1
    assert capsys.readouterr().err.endswith("lclstudy: No space left on device.\n")
    for out in (tmp_path, tmp_path / "none" / "p.csv", tmp_path / "new.csv"):
        assert __main__.main(["predict", str(folder), str(tmp_path / "new.csv"), "--out", str(out)]) == 2
        assert "or the table of texts itself; name another file." in capsys.readouterr().err
    wrong = {"new.xlsx": "has no column 'text'; found: words", "x.doc": "Unknown kind of file", "gone.csv": "Could not read"}
    for name, said in wrong.items():
        assert __main__.main(["predict", str(folder), str(tmp_path / name)]) == 2
        assert said in capsys.readouterr().err
