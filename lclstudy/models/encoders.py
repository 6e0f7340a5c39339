"""Encoders: pre-trained, `tiny`, and recurrent; how a batch goes through one, packed or padded."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from lclstudy.errors import StudyError
from lclstudy.plan import catalog

from . import attention, checkpoints, tiny
from .batching import Packed, pack, tokenize
from .recurrent import Recurrent, RecurrentClassifier, end_pooling, word_tokenizer


@dataclass(frozen=True)
class Encoder:
    """What a run needs of an encoder: its tokenizer, and two ways to make a fresh network from the same weights.

    `weights` says which they are: the sha256 of the file, or the recipe of `tiny`. Those of a recurrent encoder are drawn for
    each network, so that seeds differ in them. `most_tokens` is how long a text may be, None for any length.
    """

    tokenizer: PreTrainedTokenizerBase
    body: Callable[[], nn.Module]  # an encoder without a head
    classifier: Callable[[int], nn.Module]  # of so many classes, with its library's own classification head
    weights: str
    most_tokens: int | None = None
    packed: bool = False  # whether its networks take packed rows

    def reading(self, used: Tensor) -> "Encoder":
        """The same encoder for texts of the tokens `used` [V] alone, ascending, which are numbered from 0 in their order.

        An embedding that no text uses has no gradient and no reader, so a table without it gives the same results; it spares
        a step most of its gradients, clipping and optimiser: of MiniLM's weights half are embeddings.
        """
        return replace(
            self,
            body=lambda: _with_tokens(self.body(), used),
            classifier=lambda classes: _with_tokens(self.classifier(classes), used),
        )


def load(name: str, texts: list[str]) -> Encoder:
    """The encoder of that catalogue name. `texts`, the training split, give `tiny` and recurrent ones their vocabulary.

    Raises StudyError if it is unknown, is neither local nor within reach, its files are not whole, its weights are not those
    pinned or do not fit its config, or it cannot do what a run asks of it.
    """
    entry = catalog.encoder(name)
    if entry.kind == "transformer":
        return _pretrained(entry)
    weights = f"{name}@{entry.revision}"
    if entry.kind == "recurrent":
        tokenizer = word_tokenizer(texts)
        words = len(tokenizer)
        return Encoder(tokenizer, lambda: Recurrent(name, words), partial(RecurrentClassifier, name, words), weights)
    tokenizer, most = tiny.tokenizer(texts), tiny.SIZE["max_position_embeddings"]

    def make(classes: int | None = None) -> nn.Module:
        return packed(tiny.network(tokenizer, classes))

    return Encoder(tokenizer, make, make, weights, most, packed=True)


def _with_tokens(model: nn.Module, used: Tensor) -> nn.Module:
    table = model.get_input_embeddings().weight.detach()[used]
    model.set_input_embeddings(nn.Embedding.from_pretrained(table, freeze=False))
    return model


def encode(model: nn.Module, rows: Packed) -> Tensor:
    """[T, H]: the last layer's output for every token of a batch."""
    return _output(model, rows).last_hidden_state.flatten(0, 1)[rows.slots]


def sequence_logits(model: nn.Module, rows: Packed) -> Tensor:
    """[K, C]: the logits of a `...ForSequenceClassification` model, by its own head."""
    return _output(model, rows).logits


def _output(model: nn.Module, rows: Packed):
    """The model's own output, of shape [K, L, ...]: packed if it was made so, else from the padded square."""
    if getattr(model.config, "_attn_implementation", None) == attention.NAME:
        extra = attention.filled(len(rows.input_ids), 32) - len(rows.input_ids)  # tokens that no row has
        places = F.pad(rows.position_ids + first_position(model), (0, extra))
        return model(input_ids=F.pad(rows.input_ids, (0, extra))[None], position_ids=places[None], rows=rows)
    square = rows.mask.new_full(rows.mask.shape, model.config.pad_token_id or 0, dtype=torch.long)
    return model(input_ids=square.masked_scatter(rows.mask, rows.input_ids), attention_mask=rows.mask.long())


def first_position(model: nn.Module) -> int:
    """The position id of a row's first token: RoBERTa and its kin keep those up to their padding index free."""
    positions = getattr(getattr(model.base_model, "embeddings", None), "position_embeddings", None)
    padding = getattr(positions, "padding_idx", None)
    return 0 if padding is None else padding + 1


def packed(model: nn.Module) -> nn.Module:
    """The same model, taking packed rows: its layers see no padding, what comes after them (poolers, heads) the square."""
    model.set_attn_implementation(attention.NAME)
    for part in model.base_model.children():
        part.register_forward_hook(_to_square, with_kwargs=True)
    return model


def _to_square(_module, _arguments, named: dict, output):
    if "rows" in named and hasattr(output, "last_hidden_state"):  # the stack of all layers, whatever its name
        rows = named["rows"]
        hidden = output.last_hidden_state[0, : len(rows.slots)]
        square = hidden.new_zeros(rows.mask.numel(), hidden.shape[1]).index_copy(0, rows.slots, hidden)
        output.last_hidden_state = square.view(*rows.mask.shape, -1)
    return output


def cls_pooling(hidden: Tensor, rows: Packed) -> Tensor:
    """[T, H] -> [K, H]: the first token of each row."""
    return hidden[rows.starts]


def mean_pooling(hidden: Tensor, rows: Packed) -> Tensor:
    """[T, H] -> [K, H]: the mean over each row's tokens without the first ([CLS]) and the last ([SEP]), if it has others."""
    longest = rows.mask.shape[1]
    row_of = rows.slots // longest
    lengths = rows.mask.sum(dim=1)
    inner = (rows.position_ids > 0) & (rows.position_ids < lengths[row_of] - 1) | (lengths[row_of] <= 2)
    total = hidden.new_zeros(len(lengths), hidden.shape[1]).index_add(0, row_of, hidden * inner[:, None])
    return total / torch.where(lengths > 2, lengths - 2, lengths)[:, None]


def pooling(name: str, body: nn.Module) -> Callable[[Tensor, Packed], Tensor]:
    """[T, H], rows -> [K, H] for `body`: `mean`, or `cls`, its own summary: what [CLS] is to a transformer, and to a recurrent
    encoder the state after the last token."""
    if name == "mean":
        return mean_pooling
    return end_pooling if isinstance(body, Recurrent) else cls_pooling


def _pretrained(entry: catalog.EncoderEntry) -> Encoder:
    folder = checkpoints.folder(entry)
    weights = checkpoints.verified(folder, entry)
    tokenizer_options = {"local_files_only": True, "trust_remote_code": False}
    options = {**tokenizer_options, "use_safetensors": True, "dtype": torch.float32}
    # A head that was trained for other classes does not fit and is made anew.
    load = partial(AutoModelForSequenceClassification.from_pretrained, folder, **options, ignore_mismatched_sizes=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        with _in_one_line(f"The tokenizer or the config.json of encoder {entry.name!r} cannot be read"):
            tokenizer = AutoTokenizer.from_pretrained(folder, **tokenizer_options)
        with _in_one_line(f"The weights or the config.json of encoder {entry.name!r} cannot be read"):
            model, report = quietly(lambda: load(num_labels=8, output_loading_info=True))
            _check_weights(model, report)
        with _in_one_line(f"Encoder {entry.name!r} cannot be used"):
            rows = _check_rows(model.eval().double(), tokenizer)  # in double, rounding is told from a seen neighbour
            packs = _packs(model, rows)
    make = packed if packs else lambda made: made
    base = type(model.base_model)
    # The pooler of BERT-like encoders is part of the classification head only.
    bare = {"add_pooling_layer": False} if "add_pooling_layer" in inspect.signature(base.__init__).parameters else {}
    positions = getattr(model.config, "max_position_embeddings", None)
    return Encoder(
        tokenizer,
        lambda: make(quietly(lambda: base.from_pretrained(folder, **options, **bare))),
        lambda classes: make(quietly(lambda: load(num_labels=classes))),
        weights,
        positions and positions - first_position(model),
        packs,
    )


@contextmanager
def _in_one_line(what: str) -> Iterator[None]:
    """Whatever the library says of files that it cannot read, or a model that it cannot run, as one StudyError."""
    try:
        yield
    except Exception as error:  # its parsers and models raise errors of any kind
        raise StudyError(f"{what}: {' '.join(str(error).split())[:300].rstrip('.')}.") from error


def _check_weights(model: nn.Module, report: dict) -> None:
    """Raises ValueError unless the file gave every weight of the encoder in the shape of its config; heads are made anew."""
    faults = dict.fromkeys(report["missing_keys"], "is missing")
    faults |= {key: f"has shape {list(found)}, {list(wanted)} wanted" for key, found, wanted in report["mismatched_keys"]}
    inner = sorted(key for key in faults if key.startswith(f"{model.base_model_prefix}.") and "pooler" not in key)
    if inner:
        first = f"{inner[0]} {faults[inner[0]]}"
        raise ValueError(f"model.safetensors does not fit config.json: {first} ({len(inner)} such weights)")


PROBE = ("no", "a text of some more words than that", "and one in between")


def _check_rows(model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Packed:
    """The probe's rows. Raises ValueError unless each text stands between two marks, its tokens have embeddings, and its
    result is its own and all of it."""
    marks = tokenizer(PROBE[1], return_special_tokens_mask=True)["special_tokens_mask"]
    if not (marks[0] and marks[-1] and sum(marks) == 2):
        raise ValueError("its tokenizer does not put one mark before a text and one after it, as [CLS] and [SEP] of BERT")
    if len(tokenizer) > model.config.vocab_size:
        raise ValueError(f"its tokenizer has {len(tokenizer)} tokens, config.json a vocab_size of {model.config.vocab_size}")
    ids = tokenize(PROBE, tokenizer, 32).ids
    rows = pack(ids)
    first, _ = together = _probe(model, rows)
    if _alike(first, first[:1].expand_as(first)):
        raise ValueError("its first token sees none of the others, so it cannot sum up a text")
    alone = zip(*(_probe(model, pack([row])) for row in ids), strict=True)
    if not all(map(_alike, map(torch.cat, alone), together)):
        raise ValueError("what it gives for a text depends on the padding beside it")
    return rows


def _packs(model: nn.Module, rows: Packed) -> bool:
    """Whether the model gives for packed rows what it gives for padded ones. A window over neighbours needs the square."""
    if not model.is_backend_compatible() or getattr(model.config, "sliding_window", None):
        return False
    padded = _probe(model, rows)
    try:
        return all(map(_alike, _probe(packed(model), rows), padded))
    except (IndexError, RuntimeError, TypeError, ValueError):  # it takes other arguments, or has no stack of layers
        return False


@torch.no_grad()
def _probe(model: nn.Module, rows: Packed) -> tuple[Tensor, Tensor]:
    """First tokens [K, H] and logits [K, C]."""
    return cls_pooling(encode(model.base_model, rows), rows), sequence_logits(model, rows)


def _alike(found: Tensor, expected: Tensor) -> bool:
    return found.shape == expected.shape and torch.allclose(found, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def quietly(make: Callable[[], nn.Module]) -> nn.Module:
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
