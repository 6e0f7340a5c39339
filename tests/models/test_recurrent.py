"""The recurrent encoders: words, packing against one text at a time, poolings, and that they learn the embedded corpus."""

import pytest
import torch
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from lclstudy.models import encoders
from lclstudy.models.batching import pack, tokenize
from lclstudy.models.recurrent import CELLS, HIDDEN, LEAST_COUNT, Recurrent, RecurrentClassifier, end_pooling, word_tokenizer
from lclstudy.plan.spec import make_spec
from lclstudy.training import loop

TEXTS = ["I am afraid of the dark, dark wood!", "so happy, so HAPPY to see the wood", "the", "Afraid? never; dark..."]
MINILM_QUICK = {"learning_rate": 1e-3, "batch_size": 16, "max_length": 64}


def words(tokenizer, text):
    return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer(TEXTS)


def test_words_are_lower_cased_without_stop_words_and_signs(tokenizer):
    assert words(tokenizer, "The HAPPY, dark wood!") == ["[CLS]", "happy", "dark", "wood", "[SEP]"]


def test_a_stop_word_inside_a_word_stays(tokenizer):
    assert "it" in ENGLISH_STOP_WORDS
    assert words(word_tokenizer(["bitter itself bitter"]), "bitter it") == ["[CLS]", "bitter", "[SEP]"]


def test_a_text_of_stop_words_alone_is_not_empty(tokenizer):
    assert words(tokenizer, "the") == words(tokenizer, "") == ["[CLS]", "[SEP]"]


def test_the_vocabulary_is_of_the_training_split_alone_and_rare_words_are_unknown(tokenizer):
    assert words(tokenizer, "wolf zebra dark") == ["[CLS]", "[UNK]", "[UNK]", "dark", "[SEP]"]
    assert LEAST_COUNT == 2 and set(tokenizer.get_vocab()) == {
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "dark",
        "happy",
        "afraid",
        "wood",
    }


def test_words_of_other_scripts_are_words():
    text = "خوب می‌بینم خوب"
    assert words(word_tokenizer([text]), "خوب") == ["[CLS]", "خوب", "[SEP]"]


def test_the_vocabulary_is_numbered_the_same_every_time():
    assert word_tokenizer(TEXTS).get_vocab() == word_tokenizer(list(TEXTS)).get_vocab()


@pytest.mark.parametrize("cell", CELLS)
def test_a_packed_batch_gives_what_each_text_gives_alone(tokenizer, cell):
    torch.manual_seed(0)
    model = Recurrent(cell, len(tokenizer))
    ids = tokenize(TEXTS, tokenizer, 32).ids
    together = encoders.encode(model, pack(ids))
    alone = torch.cat([encoders.encode(model, pack([row])) for row in ids])
    assert together.shape == (sum(map(len, ids)), HIDDEN)
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("cell", CELLS)
def test_packing_is_what_the_layer_gives_on_one_text(tokenizer, cell):
    torch.manual_seed(0)
    model = Recurrent(cell, len(tokenizer))
    (row,) = tokenize(TEXTS[:1], tokenizer, 32).ids
    expected, last = model.layer(model.embeddings(row)[None])
    rows = pack([row])
    torch.testing.assert_close(encoders.encode(model, rows), expected[0])
    torch.testing.assert_close(end_pooling(encoders.encode(model, rows), rows), last[0])


def test_the_summary_is_the_state_after_the_last_word_and_the_mean_leaves_out_the_marks(tokenizer):
    rows = pack(tokenize(TEXTS, tokenizer, 32).ids)
    hidden = torch.arange(float(len(rows.input_ids)))[:, None].expand(-1, HIDDEN)
    body = Recurrent("gru", len(tokenizer))
    lengths = rows.mask.sum(dim=1)
    assert encoders.pooling("cls", body)(hidden, rows)[:, 0].tolist() == (rows.starts + lengths - 1).tolist()
    mean = encoders.pooling("mean", body)(hidden, rows)[:, 0]
    assert mean.tolist() == (rows.starts + (lengths - 1) / 2).tolist()


def test_the_weighting_network_of_a_recurrent_encoder_reads_the_same_summary(tokenizer):
    torch.manual_seed(0)
    model = RecurrentClassifier("gru", len(tokenizer), 3).eval()
    rows = pack(tokenize(TEXTS, tokenizer, 32).ids)
    expected = model.classifier(end_pooling(encoders.encode(model.base_model, rows), rows))
    torch.testing.assert_close(encoders.sequence_logits(model, rows), expected)


@pytest.mark.parametrize("cell", CELLS)
def test_seeds_differ_in_their_embeddings(cell):
    encoder = encoders.load(cell, TEXTS)
    one, other = encoder.body(), encoder.body()
    assert not torch.equal(one.embeddings.weight, other.embeddings.weight)


@pytest.mark.parametrize(("encoder", "epochs"), [("rnn", 12), ("gru", 8)])
def test_they_learn_the_embedded_corpus(encoder, epochs):
    spec = make_spec("embedded", "ce", encoder=encoder, epochs=epochs, **MINILM_QUICK)
    record = loop.run(spec, device="cpu", progress=False)
    accuracy = (record.test_probabilities.argmax(axis=1) == record.test_labels).mean()
    assert accuracy > 0.4, "chance is 1 in 12"
    assert record.epochs[-1]["loss"] < record.epochs[0]["loss"]
    assert record.versions["encoder_weights"] == f"{encoder}@1"


@pytest.mark.parametrize("objective", ["scl", "lcl", "scl_two_stage", "lacon", "lascl"])
def test_every_kind_of_objective_runs_on_them(objective):
    spec = make_spec("embedded", objective, encoder="gru", epochs=1, train_limit=30, pooling="mean", **MINILM_QUICK)
    assert loop.run(spec, device="cpu", progress=False).status == "done"


def test_the_same_spec_gives_the_same_record():
    spec = make_spec("embedded", "ce", encoder="gru", epochs=1, train_limit=40, **MINILM_QUICK)
    one, other = (loop.run(spec, device="cpu", progress=False) for _ in range(2))
    assert (one.test_probabilities == other.test_probabilities).all()
