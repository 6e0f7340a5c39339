"""Encoders: pre-trained from a local folder or the hub, `tiny`, and recurrent; how a packed batch goes through one."""

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AttentionInterface,
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from . import catalog, paths
from .batching import Packed
from .errors import StudyError
from .recurrent import Recurrent, RecurrentClassifier, end_pooling, word_tokenizer


def packed_attention(module, query, key, value, attention_mask, dropout=0.0, scaling=None, rows: Packed | None = None, **_):
    """Attention within each row of a packed batch: query, key, value [1, heads, T, D] -> [1, T, heads, D].

    The tokens are laid out as the padded [K, L] square for the product only, so no row sees another and none sees padding.
    """
    heads, _tokens, size = query.shape[1:]
    rows_count, longest = rows.mask.shape

    def square(packed: Tensor) -> Tensor:
        flat = packed.new_zeros(rows_count * longest, heads, size).index_copy(0, rows.slots, packed[0].transpose(0, 1))
        return flat.view(rows_count, longest, heads, size).transpose(1, 2)

    mixed = _attend(square(query), square(key), square(value), rows.mask[:, None, None, :], dropout, scaling)
    return mixed.transpose(1, 2).reshape(rows_count * longest, heads, size)[rows.slots][None], None


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, dropout: float, scaling: float) -> Tensor:
    if not (query.is_cpu and dropout):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling)
    # On a CPU torch has no fused kernel with dropout, and its fall-back is slower than these three lines.
    scores = (query @ key.transpose(-2, -1) * scaling).masked_fill(~mask, float("-inf"))
    return F.dropout(scores.softmax(-1), dropout) @ value


AttentionInterface.register("packed", packed_attention)


@dataclass(frozen=True)
class Encoder:
    """What a run needs of an encoder: its tokenizer, and two ways to make a fresh network from the same weights.

    `weights` says which they are: the sha256 of the file, or the recipe of `tiny`. Those of a recurrent encoder are drawn for
    each network, so that seeds differ in them.
    """

    tokenizer: PreTrainedTokenizerFast
    body: Callable[[], nn.Module]  # an encoder without a head
    classifier: Callable[[int], nn.Module]  # of so many classes, with its library's own classification head
    weights: str


def load(name: str, texts: list[str]) -> Encoder:
    """The encoder of that catalogue name. `texts`, the training split, give `tiny` and recurrent ones their vocabulary.

    A folder of the encoder's name, or of the last part of its hub name, under `LCLSTUDY_MODELS` is used before the hub.
    Raises StudyError if it is unknown, is neither local nor within reach, or its weights are not those pinned.
    """
    entry = catalog.encoder(name)
    if entry.kind == "recurrent":
        return _recurrent(texts, entry)
    return _tiny(texts, entry) if entry.kind == "tiny" else _pretrained(entry)


def encode(model: nn.Module, rows: Packed) -> Tensor:
    """[T, H]: the last layer's output for every token of a packed batch."""
    offset = model.config.pad_token_id + 1 if model.config.model_type in ("roberta", "xlm-roberta") else 0
    output = model(input_ids=rows.input_ids[None], position_ids=rows.position_ids[None] + offset, rows=rows)
    return output.last_hidden_state[0]


def cls_pooling(hidden: Tensor, rows: Packed) -> Tensor:
    """[T, H] -> [K, H]: the first token of each row."""
    return hidden[rows.starts]


def mean_pooling(hidden: Tensor, rows: Packed) -> Tensor:
    """[T, H] -> [K, H]: the mean over each row's tokens without the first ([CLS]) and the last ([SEP]).

    A row that has no other token gives the mean of those two.
    """
    longest = rows.mask.shape[1]
    row_of = rows.slots // longest
    lengths = rows.mask.sum(dim=1)
    inner = (rows.position_ids > 0) & (rows.position_ids < lengths[row_of] - 1) | (lengths[row_of] <= 2)
    total = hidden.new_zeros(len(lengths), hidden.shape[1]).index_add(0, row_of, hidden * inner[:, None])
    return total / torch.where(lengths > 2, lengths - 2, lengths)[:, None]


POOLINGS = {"cls": cls_pooling, "mean": mean_pooling}


def pooling(name: str, body: nn.Module) -> Callable[[Tensor, Packed], Tensor]:
    """[T, H], rows -> [K, H] for `body`: `mean`, or `cls`, its own summary: what [CLS] is to a transformer, and to a recurrent
    encoder the state after the last token."""
    return end_pooling if name == "cls" and isinstance(body, Recurrent) else POOLINGS[name]


def sequence_logits(model: nn.Module, rows: Packed) -> Tensor:
    """[K, C]: the logits of a `...ForSequenceClassification` model, by its own head, for a packed batch."""
    if isinstance(model, RecurrentClassifier):
        return model.classifier(end_pooling(encode(model.base_model, rows), rows))
    first = cls_pooling(encode(model.base_model, rows), rows)[:, None]  # the heads look at place 0 of [K, L, H]
    if getattr(model.base_model, "pooler", None) is None:  # ELECTRA's and RoBERTa's heads pool by themselves
        return model.classifier(first)
    return model.classifier(model.dropout(model.base_model.pooler(first)))


class _Folder(type(Path())):
    """The folder of an encoder. It pickles with its files, so that a node of a cluster needs no copy of its own."""

    def __reduce__(self):
        wanted = [file for file in self.iterdir() if file.suffix in (".json", ".txt", ".safetensors")]
        return _unpacked, ({file.name: file.read_bytes() for file in wanted},)


def _unpacked(files: dict[str, bytes]) -> _Folder:
    """The folder on a node: beside the package, which Ray puts into a folder of its own and removes."""
    name = hashlib.sha256(files["model.safetensors"]).hexdigest()
    whole, part = (paths.ROOT / "data" / folder / name for folder in ("models", f"part-{os.getpid()}"))
    if not whole.is_dir():
        part.mkdir(parents=True, exist_ok=True)
        for file, data in files.items():
            (part / file).write_bytes(data)
        whole.parent.mkdir(exist_ok=True)
        with suppress(OSError):  # another task was first
            part.rename(whole)
        shutil.rmtree(part.parent)
    return _Folder(whole)


def _pretrained(entry: catalog.EncoderEntry) -> Encoder:
    folder = _Folder(_local_folder(entry) or _download(entry))
    weights = _verified(folder, entry)
    options = {"local_files_only": True, "use_safetensors": True, "attn_implementation": "packed", "dtype": torch.float32}

    def body() -> nn.Module:
        # The pooler of BERT-like encoders is part of the classification head only; ELECTRA has none.
        has_pooler = AutoConfig.from_pretrained(folder).model_type in ("bert", "roberta")
        return AutoModel.from_pretrained(folder, **options, **({"add_pooling_layer": False} if has_pooler else {}))

    def classifier(classes: int) -> nn.Module:
        return AutoModelForSequenceClassification.from_pretrained(folder, **options, num_labels=classes)

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return Encoder(tokenizer, lambda: _quietly(body), lambda classes: _quietly(lambda: classifier(classes)), weights)


def _local_folder(entry: catalog.EncoderEntry) -> Path | None:
    for name in (entry.name, entry.hub.rsplit("/", 1)[-1]):
        if (paths.models() / name / "config.json").is_file():
            return paths.models() / name
    return None


def _download(entry: catalog.EncoderEntry) -> Path:
    """The hub's files at the pinned revision, from its cache if they are there."""
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "model.safetensors"]
    try:
        return Path(snapshot_download(entry.hub, revision=entry.revision, allow_patterns=wanted))
    except (OSError, ValueError) as error:  # the hub's own errors are kinds of these
        reason = str(error).splitlines()[0][:100]
        raise StudyError(
            f"Cannot get encoder {entry.name!r} ({entry.hub}) from the hub: {reason} Without a network, put its files "
            f"(config, tokenizer, model.safetensors) in a folder {entry.name!r} under LCLSTUDY_MODELS."
        ) from None


def _verified(folder: Path, entry: catalog.EncoderEntry) -> str:
    file = folder / "model.safetensors"
    if not file.is_file():
        raise StudyError(f"Encoder folder {paths.relative(folder)} has no model.safetensors; download all of {entry.hub}.")
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if entry.sha256 and found != entry.sha256:
        raise StudyError(
            f"{paths.relative(file)} is not the pinned {entry.hub} (sha256 {found[:12]}..., wanted {entry.sha256[:12]}...): "
            f"it is cut short or altered; download revision {entry.revision} again."
        )
    return f"sha256:{found}"


def _quietly(make: Callable[[], nn.Module]) -> nn.Module:
    """Without the library's report that the head's weights are newly made, which is what we want, and its loading bar."""
    verbosity, bar = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        return make()
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bar:
            transformers_logging.enable_progress_bar()


def _recurrent(texts: list[str], entry: catalog.EncoderEntry) -> Encoder:
    tokenizer, cell = word_tokenizer(texts), entry.name
    return Encoder(
        tokenizer,
        lambda: Recurrent(cell, len(tokenizer)),
        lambda classes: RecurrentClassifier(cell, len(tokenizer), classes),
        f"{cell}@{entry.revision}",
    )


TINY = {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 512,
    "max_position_embeddings": 512,
}
TINY_VOCABULARY = 4000
TINY_SEED = 0


def _tiny(texts: list[str], entry: catalog.EncoderEntry) -> Encoder:
    tokenizer = _train_wordpiece(texts)
    config = BertConfig(**TINY, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    config._attn_implementation = "packed"
    body_state = _seeded(lambda: BertModel(config)).state_dict()

    def body() -> nn.Module:
        model = BertModel(config, add_pooling_layer=False)
        model.load_state_dict({name: value for name, value in body_state.items() if not name.startswith("pooler")})
        return model

    def classifier(classes: int) -> nn.Module:
        labelled = BertConfig(**config.to_diff_dict() | {"num_labels": classes})
        labelled._attn_implementation = "packed"
        model = BertForSequenceClassification(labelled)
        model.bert.load_state_dict(body_state)
        return model

    return Encoder(tokenizer, body, classifier, f"tiny@{entry.revision}")


def _seeded(make):
    """Random weights that are the same for every run, as those of a pre-trained checkpoint are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(TINY_SEED)
        return make()


def _train_wordpiece(texts: list[str]) -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]

    def untrained(vocabulary: dict[str, int] | None = None) -> Tokenizer:
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        return tokenizer

    learner = untrained()
    # The trainer numbers pieces inside words in the order of a hash map, which differs from process to process, and breaks
    # ties by number. Numbered beforehand, they give every process the same vocabulary.
    signs = {sign for text in texts for sign in learner.normalizer.normalize_str(text) if not sign.isspace()}
    numbered = [*special, *sorted(f"##{sign}" for sign in signs)]
    trainer = trainers.WordPieceTrainer(vocab_size=TINY_VOCABULARY, special_tokens=numbered, show_progress=False)
    learner.train_from_iterator(texts, trainer)
    tokenizer = untrained(learner.get_vocab())  # anew, because to the learner the numbered pieces are special
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", special.index("[CLS]")), ("[SEP]", special.index("[SEP]"))]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
