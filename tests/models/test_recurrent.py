"""The recurrent encoders: words, packing against one text at a time, poolings, and that they learn the embedded corpus."""

import pytest
import torch
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from lclstudy.models import encoders
from lclstudy.models.batching import pack, tokenize
from lclstudy.models.recurrent import CELLS, HIDDEN, SPECIAL, Recurrent, RecurrentClassifier, end_pooling, word_tokenizer
from lclstudy.plan.spec import make_spec
from lclstudy.training import train

TEXTS = ["I am afraid of the dark, dark wood!", "so happy, so HAPPY to see the wood", "the", "Afraid? never; dark..."]


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer(TEXTS)


@pytest.mark.parametrize(
    ("learnt_from", "text", "expected"),
    [
        (TEXTS, "The HAPPY, dark wood!", ["happy", "dark", "wood"]),
        (TEXTS, "wolf zebra dark", ["[UNK]", "[UNK]", "dark"]),
        (TEXTS, "the", []),
        (["bitter itself bitter"], "bitter it", ["bitter"]),  # a stop word inside a word stays
        (["خوب می‌بینم خوب"], "خوب", ["خوب"]),
    ],
)
def test_words_are_lower_cased_without_stop_words_between_two_marks(learnt_from, text, expected):
    tokenizer = word_tokenizer(learnt_from)
    assert tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) == ["[CLS]", *expected, "[SEP]"]


def test_the_vocabulary_is_of_words_seen_twice_and_the_same_every_time(tokenizer):
    assert "it" in ENGLISH_STOP_WORDS
    assert set(tokenizer.get_vocab()) == {*SPECIAL, "dark", "happy", "afraid", "wood"}
    assert word_tokenizer(list(TEXTS)).get_vocab() == tokenizer.get_vocab()


@pytest.mark.parametrize("cell", CELLS)
def test_a_packed_batch_gives_what_the_layer_gives_for_each_text_alone(tokenizer, cell):
    torch.manual_seed(0)
    model = Recurrent(cell, len(tokenizer))
    ids = tokenize(TEXTS, tokenizer, 32).ids
    rows = pack(ids)
    together = encoders.encode(model, rows)
    each = [model.layer(model.embeddings(row)[None]) for row in ids]
    torch.testing.assert_close(together, torch.cat([states[0] for states, _ in each]))
    torch.testing.assert_close(end_pooling(together, rows), torch.cat([last[0] for _, last in each]))
    assert not torch.equal(model.embeddings.weight, Recurrent(cell, len(tokenizer)).embeddings.weight), "seeds differ in them"


def test_the_summary_is_the_state_after_the_last_word_and_the_mean_leaves_out_the_marks(tokenizer):
    rows = pack(tokenize(TEXTS, tokenizer, 32).ids)
    hidden = torch.arange(float(len(rows.input_ids)))[:, None].expand(-1, HIDDEN)
    body, lengths = Recurrent("gru", len(tokenizer)), rows.mask.sum(dim=1)
    assert encoders.pooling("cls", body)(hidden, rows)[:, 0].tolist() == (rows.starts + lengths - 1).tolist()
    mean = encoders.pooling("mean", body)(hidden, rows)[:, 0]
    assert mean.tolist() == (rows.starts + (lengths - 1) / 2).tolist()
    model = RecurrentClassifier("gru", len(tokenizer), 3).eval()
    expected = model.classifier(end_pooling(encoders.encode(model.base_model, rows), rows))
    torch.testing.assert_close(encoders.sequence_logits(model, rows), expected)


def test_the_gru_learns_the_embedded_corpus():
    spec = make_spec("embedded", "ce", encoder="gru", epochs=4, learning_rate=3e-3, batch_size=16, max_length=64)
    record = train(spec, device="cpu", progress=False)
    assert (record.test_probabilities.argmax(axis=1) == record.test_labels).mean() > 0.4, "chance is 1 in 12"
    assert record.versions["encoder_weights"] == "gru@1"


@pytest.mark.parametrize("objective", ["lcl", "scl_two_stage", "lacon", "lascl"])
def test_every_kind_of_objective_runs_on_them_the_same_each_time(objective):
    spec = make_spec("embedded", objective, encoder="rnn", epochs=1, train_limit=20, pooling="mean", max_length=16)
    one, other = (train(spec, device="cpu", progress=False) for _ in range(2))
    assert (one.test_probabilities == other.test_probabilities).all()
