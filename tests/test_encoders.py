"""Encoders: what packing changes (nothing), poolings, the tiny encoder, and what is said when an encoder cannot be had."""

import shutil

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from lclstudy import catalog, encoders
from lclstudy.batching import pack, tokenize
from lclstudy.errors import StudyError

TEXTS = ["i was afraid of the dark", "she left", "we were so happy to see them all again after years", "no"]
SMALL = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "num_labels": 3,
}
FAMILIES = {
    "bert": lambda: BertForSequenceClassification(BertConfig(**SMALL)),
    "electra": lambda: ElectraForSequenceClassification(ElectraConfig(**SMALL, embedding_size=8)),
    "roberta": lambda: RobertaForSequenceClassification(RobertaConfig(**SMALL, pad_token_id=1)),
}


def rows_of(lengths, pad_id):
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(pad_id + 1, 60, (length,), generator=generator) for length in lengths]


def padded_call(model, rows, pad_id):
    input_ids = pad_sequence(rows, batch_first=True, padding_value=pad_id)
    return model(input_ids=input_ids, attention_mask=(input_ids != pad_id).long())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("lengths", [[3, 7, 1, 5], [4, 4], [6]])
def test_a_packed_batch_gives_what_the_padded_batch_gives(family, lengths):
    torch.manual_seed(0)
    model = FAMILIES[family]().eval()
    rows = rows_of(lengths, model.config.pad_token_id)
    with torch.no_grad():
        expected = padded_call(model, rows, model.config.pad_token_id).logits
        model.set_attn_implementation("packed")
        found = encoders.sequence_logits(model, pack(rows))
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_packed_batch_gives_the_same_gradients(family):
    torch.manual_seed(0)
    model = FAMILIES[family]()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    rows = rows_of([3, 7, 2], model.config.pad_token_id)
    padded_call(model, rows, model.config.pad_token_id).logits.square().sum().backward()
    expected = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    model.set_attn_implementation("packed")
    encoders.sequence_logits(model, pack(rows)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.allclose(parameter.grad, expected[name], atol=1e-4), name


def test_no_row_sees_another():
    torch.manual_seed(0)
    model = FAMILIES["bert"]().eval()
    model.set_attn_implementation("packed")
    one, two, three = rows_of([4, 6, 5], 0)
    with torch.no_grad():
        together = encoders.sequence_logits(model, pack([one, two]))
        beside_another = encoders.sequence_logits(model, pack([one, three]))
        alone = encoders.sequence_logits(model, pack([one]))
    assert torch.allclose(together[0], beside_another[0], atol=1e-6)
    assert torch.allclose(together[0], alone[0], atol=1e-6)


def test_attention_dropout_is_on_in_training_and_off_in_evaluation():
    torch.manual_seed(0)
    model = FAMILIES["bert"]()
    model.set_attn_implementation("packed")
    rows = pack(rows_of([4, 6], 0))
    for module in model.modules():  # leave the attention's own dropout as the only one
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for layer in model.bert.encoder.layer:
        layer.attention.self.dropout.p = 0.5
    model.train()
    assert not torch.equal(encoders.sequence_logits(model, rows), encoders.sequence_logits(model, rows))
    model.eval()
    assert torch.equal(encoders.sequence_logits(model, rows), encoders.sequence_logits(model, rows))


def test_poolings():
    packed = pack([torch.zeros(4, dtype=torch.long), torch.zeros(2, dtype=torch.long), torch.zeros(3, dtype=torch.long)])
    hidden = torch.arange(9.0)[:, None]  # rows 0..3, 4..5, 6..8
    assert encoders.cls_pooling(hidden, packed).flatten().tolist() == [0, 4, 6]
    # without the first and the last: (1 + 2) / 2; a row of two has no other token: (4 + 5) / 2; 7
    assert encoders.mean_pooling(hidden, packed).flatten().tolist() == [1.5, 4.5, 7]


def test_tiny_is_the_same_every_time_and_of_the_size_it_says():
    one, two = encoders.load("tiny", TEXTS), encoders.load("tiny", TEXTS)
    assert one.tokenizer.get_vocab() == two.tokenizer.get_vocab()
    torch.manual_seed(1)
    first = one.body().state_dict()
    torch.manual_seed(2)
    second, classifier = two.body().state_dict(), two.classifier(3)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(torch.equal(first[name], classifier.bert.state_dict()[name]) for name in first), "both from the same weights"
    assert (one.body().config.num_hidden_layers, one.body().config.hidden_size) == (2, 128)
    assert classifier.config.num_labels == 3


def test_tiny_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    encoders.load("tiny", TEXTS)
    assert torch.equal(torch.rand(1), expected)


def test_tiny_knows_the_words_of_its_training_texts_and_splits_others():
    tokenizer = encoders.load("tiny", TEXTS * 5).tokenizer
    assert tokenizer.tokenize("Afraid of the dark") == ["afraid", "of", "the", "dark"]
    assert tokenizer.convert_ids_to_tokens(tokenizer("no")["input_ids"]) == ["[CLS]", "no", "[SEP]"]


def test_unknown_encoder_is_named_with_a_near_name():
    with pytest.raises(StudyError, match=r"Unknown encoder 'minilm6'.*Did you mean 'minilm'"):
        encoders.load("minilm6", TEXTS)


def test_no_local_folder_and_no_network_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_MODELS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # the library reads its variable at import only
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(StudyError) as caught:
        encoders.load("electra-small", TEXTS)
    assert "\n" not in str(caught.value)
    assert "google/electra-small-discriminator" in str(caught.value)
    assert "LCLSTUDY_MODELS" in str(caught.value)


def small_checkpoint(folder):
    """A real, saved encoder with random weights and the tiny tokenizer."""
    tokenizer = encoders.load("tiny", TEXTS).tokenizer
    torch.manual_seed(0)
    FAMILIES["bert"]().bert.__class__(BertConfig(**{**SMALL, "vocab_size": len(tokenizer)})).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("folder_name", ["electra-small", "electra-small-discriminator"])
def test_a_local_folder_of_either_name_is_used_before_the_hub(tmp_path, monkeypatch, folder_name):
    folder = small_checkpoint(tmp_path / folder_name)
    monkeypatch.setenv("LCLSTUDY_MODELS", str(tmp_path))
    found = encoders.load("electra-small", TEXTS)
    expected = AutoModel.from_pretrained(folder).state_dict()
    body = found.body().state_dict()
    assert body.keys() <= expected.keys()
    assert all(torch.equal(body[name], expected[name]) for name in body)
    assert found.weights.startswith("sha256:")
    assert found.classifier(5).config.num_labels == 5


def test_a_local_folder_without_safetensors_is_refused(tmp_path, monkeypatch):
    folder = small_checkpoint(tmp_path / "electra-small")
    model = AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    monkeypatch.setenv("LCLSTUDY_MODELS", str(tmp_path))
    with pytest.raises(StudyError, match=r"has no model\.safetensors"):
        encoders.load("electra-small", TEXTS)


def test_altered_weights_are_refused(tmp_path, monkeypatch, minilm_folder):
    folder = tmp_path / "minilm"
    shutil.copytree(minilm_folder, folder)
    file = folder / "model.safetensors"
    file.chmod(0o644)
    with file.open("r+b") as stream:
        stream.seek(-1, 2)
        last = stream.read(1)
        stream.seek(-1, 2)
        stream.write(bytes([last[0] ^ 1]))
    monkeypatch.setenv("LCLSTUDY_MODELS", str(tmp_path))
    with pytest.raises(StudyError, match="cut short or altered"):
        encoders.load("minilm", TEXTS)


def test_the_real_minilm_packed_gives_what_the_padded_one_gives(minilm_folder):
    encoder = encoders.load("minilm", TEXTS)
    assert encoder.weights == f"sha256:{catalog.encoder('minilm').sha256}"
    rows = tokenize(TEXTS, encoder.tokenizer, 64).ids
    padded = AutoModelForSequenceClassification.from_pretrained(minilm_folder, num_labels=2).bert.eval()
    with torch.no_grad():
        expected = padded_call(padded, rows, encoder.tokenizer.pad_token_id).last_hidden_state[:, 0]
        packed = pack(rows)
        found = encoders.cls_pooling(encoders.encode(encoder.body().eval(), packed), packed)
    assert torch.allclose(found, expected, atol=1e-4)
