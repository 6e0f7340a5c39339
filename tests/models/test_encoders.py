"""Encoders: packing and padding change nothing, poolings, `tiny`, and what is said when an encoder cannot be had or used."""

import json
import os
import re
import tomllib

import numpy as np
import pytest
import torch
import transformers
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModel, AutoModelForSequenceClassification

from lclstudy import paths
from lclstudy.corpora.load import load_corpus
from lclstudy.errors import StudyError
from lclstudy.models import encoders, tiny
from lclstudy.models.batching import pack
from lclstudy.plan import catalog
from lclstudy.plan.spec import make_spec
from lclstudy.training import prepare, train
from lclstudy.training.classifier import load_classifier
from tests.material import refused

TEXTS = ["i was afraid of the dark", "she left", "we were so happy to see them all again after years", "no"]
# Weights far larger than those of a fresh model, so that a wrong place or a seen neighbour shows.
SMALL = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
SMALL |= {"num_labels": 3, "initializer_range": 0.3, "pad_token_id": 0}
MARKS = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8, "share_att_key": True}
FAMILIES = {
    "bert": ("Bert", {}),
    "electra": ("Electra", {"embedding_size": 8}),
    "roberta": ("Roberta", {}),
    "distilbert": ("DistilBert", {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24}),
    "albert": ("Albert", {"embedding_size": 8}),
    "deberta-v2": ("DebertaV2", RELATIVE),
    "modernbert": ("ModernBert", {**MARKS, "local_attention": 4, "classifier_pooling": "mean"}),
}
PACKED = [*FAMILIES][:5]
UNFIT = {"gpt2": ("GPT2", {}), "fnet": ("FNet", {})}
SHORT = {"train_limit": 20, "epochs": 1, "max_length": 16, "seed": 0}


def network(family, **settings):
    """A classifier of that architecture with random weights."""
    name, own = {**FAMILIES, **UNFIT}[family]
    made = getattr(transformers, f"{name}Config")(**{**SMALL, **own, **settings})
    return getattr(transformers, f"{name}ForSequenceClassification")(made)


@pytest.fixture(scope="module")
def tokenizer():
    return tiny.tokenizer(list(load_corpus("embedded")["train"]["text"])[:200])


@pytest.fixture
def own(tmp_path, monkeypatch, tokenizer):
    """`own(family)`: a folder under LCLSTUDY_MODELS with a saved encoder and its tokenizer, named in the catalogue."""

    def save(family="bert", name="mine", entry=None, **settings):
        torch.manual_seed(0)
        network(family, **{"vocab_size": len(tokenizer), **settings}).base_model.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
        entry = entry or {"hub": f"someone/{name}", "revision": "1"}
        known = {**catalog.encoders(), name: catalog.EncoderEntry(name=name, **entry)}
        monkeypatch.setattr(catalog, "encoders", lambda: known)
        return tmp_path / name

    monkeypatch.setenv("LCLSTUDY_MODELS", str(tmp_path))
    return save


@pytest.mark.parametrize("family", FAMILIES)
def test_every_architecture_gives_what_its_library_gives_and_trains_by_name(own, family):
    """Features, logits and gradients of a batch, against the library's own padded forward."""
    own(family, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    encoder = encoders.load("mine", TEXTS)
    body, classifier = encoder.body().eval(), encoder.classifier(3).eval()
    rows = [torch.randint(1, 60, (length,), generator=torch.Generator().manual_seed(length)) for length in (3, 20, 2, 9)]
    plain = AutoModelForSequenceClassification.from_config(classifier.config, attn_implementation="eager").eval()
    plain.load_state_dict(classifier.state_dict())
    padded = pad_sequence(rows, batch_first=True)
    given = {"input_ids": padded, "attention_mask": (padded != 0).long()}
    with torch.no_grad():
        features = torch.cat([row[: len(ids)] for row, ids in zip(plain.base_model(**given)[0], rows, strict=True)])
        torch.testing.assert_close(encoders.encode(body, pack(rows)), features, atol=1e-5, rtol=1e-5)
    logits, expected = encoders.sequence_logits(classifier, pack(rows)), plain(**given).logits
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    assert expected.std(dim=0).min() > 0.01, "the rows must differ for this to say anything"
    for found in (logits, expected):
        found.square().sum().backward()
    ours, theirs = ({name: one.grad for name, one in model.named_parameters()} for model in (classifier, plain))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)
    assert (body.config._attn_implementation == "packed") == (family in PACKED)
    folder = paths.models() / "kept"
    record = train(make_spec("embedded", "lcl", encoder="mine", **SHORT), device="cpu", progress=False, out=folder)
    kept = load_classifier(folder, "cpu").predict(load_corpus("embedded")["test"]["text"], progress=False)
    np.testing.assert_allclose(kept.probabilities, record.test_probabilities, atol=1e-4)
    plain = json.loads((folder / "classifier.json").read_text("utf-8"))["plain"]
    assert plain == (family not in ("albert", "modernbert")), "whose heads have another shape"


def test_the_example_of_the_readme_trains_lcl_in_half_precision_too(own):
    written = re.findall(r"```toml\n(.*?)```", (paths.ROOT / "README.md").read_text("utf-8"), re.DOTALL)[1]
    ((name, entry),) = tomllib.loads(written).items()
    own("distilbert", name, entry)
    spec = make_spec("embedded", "lcl", encoder=name, pooling="mean", precision="bf16", **SHORT)
    assert train(spec, device="cpu", progress=False).status == "done"


def test_attention_dropout_is_on_in_training_and_off_in_evaluation():
    torch.manual_seed(0)
    model = encoders.packed(network("bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.5)).train()
    rows = pack([torch.arange(1, 5), torch.arange(1, 7)])
    assert not torch.equal(encoders.sequence_logits(model, rows), encoders.sequence_logits(model, rows))
    model.eval()
    assert torch.equal(encoders.sequence_logits(model, rows), encoders.sequence_logits(model, rows))


def test_poolings():
    packed = pack([torch.zeros(4, dtype=torch.long), torch.zeros(2, dtype=torch.long), torch.zeros(3, dtype=torch.long)])
    hidden = torch.arange(9.0)[:, None]  # rows 0..3, 4..5, 6..8
    assert encoders.cls_pooling(hidden, packed).flatten().tolist() == [0, 4, 6]
    # without the first and the last: (1 + 2) / 2; a row of two has no other token: (4 + 5) / 2; 7
    assert encoders.mean_pooling(hidden, packed).flatten().tolist() == [1.5, 4.5, 7]


def test_no_local_folder_and_no_network_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("LCLSTUDY_MODELS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # the library reads its variable at import only
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with refused("Cannot get ", "google/electra-small-discriminator", "under LCLSTUDY_MODELS."):
        encoders.load("electra-small", TEXTS)


def test_a_local_folder_is_used_before_the_hub_with_a_head_made_anew_and_draws_from_a_generator_of_its_own(own, tokenizer):
    folder = own("electra", "made").rename(paths.models() / "electra-small-discriminator")
    network("electra", vocab_size=len(tokenizer), num_labels=8).save_pretrained(folder)  # trained for other classes
    before = torch.get_rng_state()
    encoder = encoders.load("electra-small", TEXTS)
    assert torch.equal(torch.get_rng_state(), before)
    assert encoder.classifier(5).classifier.out_proj.out_features == 5
    body, expected = encoder.body().state_dict(), AutoModel.from_pretrained(folder).state_dict()
    assert body.keys() == expected.keys()
    assert all(torch.equal(body[name], expected[name]) for name in body)


def change(name="config.json", **settings):
    return lambda folder: (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | settings))


def write(name, content):
    return lambda folder: (folder / name).write_text(content)


BROKEN = {  # how the folder is made, what is done to it, what is said
    "no tokenizer": ({}, lambda folder: [file.unlink() for file in folder.glob("tokenizer*")], "has no tokenizer"),
    "weights cut": ({}, lambda folder: os.truncate(folder / "model.safetensors", 20_000), "cannot be read: .*incomplete"),
    "no JSON": ({}, write("config.json", '{"model_type": "bert",'), "cannot be read: .*config.json' is not a valid JSON file"),
    "no dict": ({}, write("config.json", '["bert"]'), "the config.json of encoder 'mine' cannot be read: .* not list"),
    "unknown type": ({}, change(model_type="brt"), "cannot be read: .* has model type `brt` but Transformers does not"),
    "wider": ({}, change(hidden_size=32), r"does not fit config.json: bert\.\S+ has shape \[.*16\], \[.*32\] wanted"),
    "deeper": ({}, change(num_hidden_layers=4), r"does not fit .*: \S+layer\.3\S+ is missing \(16 such weights\)"),
    "no heads": ({}, change(num_attention_heads=3), "cannot be read: .*multiple of the number of attention heads"),
    "tokenizer broken": ({}, write("tokenizer.json", "{"), "The tokenizer or .* 'mine' cannot be read"),
    "no marks": ({}, change("tokenizer.json", post_processor=None), "does not put one mark before a text and one after"),
    "too few embeddings": ({"vocab_size": 60}, None, "its tokenizer has .* tokens, config.json a vocab_size of 60"),
    "not as pinned": ({"entry": {"hub": "someone/mine", "revision": "1", "sha256": "0" * 64}}, None,
                      "mine/model.safetensors is not the pinned someone/mine .*cut short or altered"),
    "sees the past": ({"family": "gpt2"}, None, "'mine' cannot be used: .*its first token sees none of the others"),
    "sees padding": ({"family": "fnet"}, None, "'mine' cannot be used: .*depends on the padding beside it"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_a_folder_that_cannot_be_used_is_refused_before_training(own, fault):
    made, break_it, said = BROKEN[fault]
    folder = own(**made)
    if break_it:
        break_it(folder)
    with pytest.raises(StudyError, match=said) as caught:
        prepare.check(make_spec("embedded", "ce", encoder="mine", max_length=64))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("family", "most"), [("bert", 40), ("roberta", 39)])
def test_a_text_longer_than_an_encoders_positions_is_refused(own, family, most):
    own(family, max_position_embeddings=40)
    prepare.check(make_spec("embedded", "ce", encoder="mine", max_length=most))
    with refused(f"max_length {most + 1} is more than encoder 'mine' can read; allowed: 8 to {most}."):
        prepare.check(make_spec("embedded", "ce", encoder="mine", max_length=most + 1))


def test_other_weights_are_another_encoder_and_a_file_that_changed_is_read_again_within_one_process(own, tmp_path):
    own()
    table = tmp_path / "own.csv"
    table.write_text("text,label\n" + "so happy,joy\nso angry,anger\n" * 20)
    spec = make_spec(str(table), "ce", encoder="mine", max_length=16)
    first, identity = prepare.prepare(spec), spec.identity()
    own(initializer_range=0.2)
    other = prepare.prepare(spec)
    assert other.encoder.weights != first.encoder.weights and spec.identity() != identity
    table.write_text("text,label\n" + "so happy,joy\nso sad,sorrow\n" * 20)
    assert [data.classes for data in (first, other, prepare.prepare(spec))] == [("anger", "joy")] * 2 + [("joy", "sorrow")]


def test_the_real_minilm_is_packed_after_its_probe_and_is_the_one_pinned(minilm_folder):
    encoder = encoders.load("minilm", TEXTS)
    assert encoder.packed and encoder.weights == f"sha256:{catalog.encoder('minilm').sha256}"
    assert encoder.body().config._attn_implementation == "packed"
