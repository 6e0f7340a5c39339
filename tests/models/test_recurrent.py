"""The recurrent encoders: words, packing against one text at a time, poolings, and that they learn the embedded corpus."""

import pytest
import torch

from lclstudy.models import encoders
from lclstudy.models.batching import pack, tokenize
from lclstudy.models.recurrent import CELLS, Recurrent, RecurrentClassifier, word_tokenizer
from lclstudy.plan.spec import make_spec
from lclstudy.training import train

TEXTS = ["I am afraid of the dark, dark wood!", "so happy, so HAPPY to see the wood", "the", "Afraid? never; dark..."]


@pytest.mark.parametrize(("learnt_from", "text", "expected"), [
    (TEXTS, "The HAPPY, dark wood!", ["happy", "dark", "wood"]),
    (["dark wood dark"], "wolf wood dark", ["[UNK]", "[UNK]", "dark"]),  # a word that was seen once is unknown too
    (TEXTS, "the", []),
    (["bitter itself bitter"], "bitter it", ["bitter"]),  # a stop word inside a word stays
    (["خوب می‌بینم خوب"], "خوب", ["خوب"]),
])  # fmt: skip
def test_words_are_lower_cased_without_stop_words_between_two_marks(learnt_from, text, expected):
    tokenizer = word_tokenizer(learnt_from)
    assert tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) == ["[CLS]", *expected, "[SEP]"]


@pytest.mark.parametrize("cell", CELLS)
def test_a_packed_batch_gives_what_the_layer_gives_for_each_text_alone_and_is_summed_up_by_its_last_state(cell):
    torch.manual_seed(0)
    tokenizer = word_tokenizer(TEXTS)
    model = RecurrentClassifier(cell, len(tokenizer), 3).eval()
    body, ids = model.base_model, tokenize(TEXTS, tokenizer, 32).ids
    rows = pack(ids)
    together, each = encoders.encode(body, rows), [body.layer(body.embeddings(row)[None]) for row in ids]
    torch.testing.assert_close(together, torch.cat([states[0] for states, _ in each]))
    summary = encoders.pooling("cls", body)(together, rows)
    torch.testing.assert_close(summary, torch.cat([last[0] for _, last in each]))
    torch.testing.assert_close(encoders.sequence_logits(model, rows), model.classifier(summary))
    assert not torch.equal(body.embeddings.weight, Recurrent(cell, len(tokenizer)).embeddings.weight), "seeds differ in them"


def test_the_gru_learns_four_classes():
    settings = {"classes": ("afraid", "angry", "content", "proud"), "epochs": 3, "learning_rate": 5e-3, "max_length": 32}
    record = train(make_spec("embedded", "ce", encoder="gru", **settings), device="cpu", progress=False)
    assert (record.test_probabilities.argmax(axis=1) == record.test_labels).mean() > 0.7
    assert record.versions["encoder_weights"] == "gru@1"


@pytest.mark.parametrize(
    ("objective", "protocol"),
    [("lcl", "released,weights=names"), ("scl_two_stage", "released"), ("lacon", "released"), ("lascl", "released")],
)
def test_every_kind_of_objective_runs_on_them_and_the_seed_alone_draws_their_weights(tmp_path, objective, protocol):
    """Those also that read the names of labels, which are words of the texts here."""
    path = tmp_path / "own.csv"
    path.write_text("text,label\n" + "joy sunshine,joy\nanger quarrel,anger\n" * 20)
    spec = make_spec(str(path), objective, encoder="rnn", protocol=protocol, epochs=1, pooling="mean", max_length=16)
    found = []
    for before in (1, 2):
        torch.manual_seed(before)
        record = train(spec, device="cpu", progress=False)
        found.append((record.epochs[0]["loss"], record.test_probabilities.tolist()))
    assert found[0] == found[1]
