"""A trained classifier that is kept: saved with its card, loaded again, asked for new texts."""

import copy
import json
import math
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jinja2
import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel

from lclstudy.errors import StudyError
from lclstudy.models import encoders, recurrent
from lclstudy.models.batching import Packed, pack, tokenize
from lclstudy.models.encoders import Encoder
from lclstudy.models.objectives import RECIPES, PrimaryNetwork
from lclstudy.plan import catalog, names
from lclstudy.plan.spec import Protocol, RunSpec
from lclstudy.results.records import Record
from lclstudy.statistics import metrics

from . import loop

FACTS, WEIGHTS, CARD, FORMAT = "classifier.json", "model.safetensors", "README.md", 1
STEEP = 2.0**12  # gelu(STEEP x) / STEEP is ReLU but for |x| below 0.001
AGREE = 1e-5  # how far the probabilities of both forms may be apart
_BERTS = ("bert", "electra", "roberta")  # whose encoders differ in nothing but names and where positions begin


class Predictions(NamedTuple):
    """`labels` [N]: names of the most probable classes; `probabilities` [N, C] float32, columns as `Classifier.classes`."""

    labels: list[str]
    probabilities: np.ndarray


class Classifier:
    """What `load_classifier` gives. `classes`: their names; `cut`: how many texts of the last prediction were too long."""

    def __init__(self, network: nn.Module, tokenizer, classes: Sequence[str], max_length: int, device: torch.device):
        self.classes, self.max_length, self.cut = tuple(classes), max_length, 0
        self._network, self._tokenizer, self._device = network.to(device), tokenizer, device

    def predict(self, texts: Sequence[str], progress: bool = True) -> Predictions:
        """Labels and probabilities of new texts, in their order; white space is collapsed as in a file of one's own. Raises
        StudyError at a text that no UTF-8 can hold."""
        given = [" ".join(text.split()) for text in ([texts] if isinstance(texts, str) else texts)]
        for number, text in enumerate(given, 1):
            if re.search("[\ud800-\udfff]", text):
                raise StudyError(f"Text {number} holds half of a character or bytes that are not UTF-8; give UTF-8 text.")
        if not given:
            return Predictions([], np.zeros((0, len(self.classes)), np.float32))
        tokens = tokenize(given, self._tokenizer, self.max_length)
        self.cut = tokens.truncated
        found = loop.evaluate(self._network, tokens, "fp32", self._device, progress)
        return Predictions([self.classes[number] for number in found.argmax(axis=1)], found)


class _Plain(nn.Module):
    """A classifier of transformers in place of a primary network."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, rows: Packed) -> tuple[None, torch.Tensor]:
        return None, encoders.sequence_logits(self.model, rows)


def new_folder(out: str | Path, spec: RunSpec) -> Path:
    """`out` as a whole path. Raises StudyError, before any training, if nothing can be kept there."""
    folder = Path(out).resolve()
    if catalog.encoder(spec.encoder).kind == "bagofwords":
        raise StudyError(f"encoder {spec.encoder!r} is a bag of words and has no network to keep; use another encoder.")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StudyError(f"{out} is there already and not empty; name a new folder.")
        if folder == Path.cwd() or folder.is_mount():
            raise StudyError(f"{out} is the working folder or a mounted one; name a new folder in it.")
        _part(folder).rmdir()
    except OSError as error:
        raise StudyError(f"{out} cannot be written ({error.strerror}); name another folder.") from None
    return folder


def _part(folder: Path) -> Path:
    """An empty folder beside it, which takes its name when all is in it; what a killed save left there is deleted."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    return part


def save(folder: Path, network: nn.Module, data: loop.Prepared, record: Record) -> None:
    """Keeps the primary network of a run: weights, config, tokenizer, facts, a card; all of it, or nothing and a StudyError."""
    spec = record.spec
    network = _whole(copy.deepcopy(network).cpu(), data).eval()
    plain = _as_plain(network, record.classes, data.encoder.tokenizer)
    part = _part(folder)
    try:
        tokenizer = copy.deepcopy(data.encoder.tokenizer)
        tokenizer.model_max_length = spec.max_length  # where a pipeline cuts a text
        tokenizer.init_kwargs["model_input_names"] = ["input_ids", "attention_mask"]
        tokenizer.save_pretrained(part)
        if plain:
            encoders.quietly(lambda: plain.save_pretrained(part))
        else:
            save_file({name: value.contiguous() for name, value in network.state_dict().items()}, part / WEIGHTS)
            body = getattr(network, "one", network).body  # of an ensemble that of its first network
            if isinstance(body, PreTrainedModel):
                body.config.save_pretrained(part)
        facts = {"format": FORMAT, "classes": list(record.classes), "plain": bool(plain)}
        facts["spec"] = asdict(spec) | {"corpus": Path(spec.corpus).name}  # where the file lay is nobody's business
        facts["files"] = {file.name: catalog.file_checksum(file) for file in sorted(part.iterdir())}
        (part / FACTS).write_text(json.dumps(facts, indent=1, ensure_ascii=False), "utf-8")
        (part / WEIGHTS).chmod((part / FACTS).stat().st_mode)  # its library lets nobody else read it
        (part / CARD).write_text(card(folder.name, record, data, plain), "utf-8")
        part.rename(folder)
    except Exception as error:  # of a full disk its libraries raise errors of any kind
        shutil.rmtree(part, ignore_errors=True)
        raise StudyError(f"Could not keep the classifier in {folder.name} ({error}); mend that and train it again.") from error


def card(name: str, record: Record, data: loop.Prepared, plain: PreTrainedModel | None) -> str:
    """The model card, Markdown: data, settings, test numbers, confusions, limits, versions."""
    labels, predictions = record.test_labels, record.test_probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(labels, predictions, record.classes)
    pairs = [(record.classes[one], record.classes[other], count) for one, other, count in metrics.confused_pairs(confusion)]
    template = Path(__file__).with_name("card.md.j2").read_text("utf-8")
    accuracy = metrics.accuracy(labels, predictions)
    shown = {
        "name": name,
        "plain": plain and type(plain).__name__,
        "record": record,
        "spec": asdict(record.spec) | {"corpus": Path(record.spec.corpus).stem},
        "splits": [(split, len(data.labels[split]), data.truncated(split)) for split in loop.SPLITS],
        "classes": list(zip(record.classes, confusion.sum(axis=1), confusion.diagonal(), strict=True)),
        "accuracy": accuracy,
        "half": 1.96 * math.sqrt(accuracy * (1 - accuracy) / len(labels)),
        "f1": metrics.weighted_f1(labels, predictions),
        "pairs": pairs[:5],
    }
    options = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    environment = jinja2.Environment(**options)
    environment.filters["plain"] = lambda label: re.sub(r"([\\`*_\[\]<>$|~#])", r"\\\1", label)  # no Markdown, no HTML
    return environment.from_string(template).render(shown, names=names)


def load_classifier(folder: str | Path, device: str | None = None) -> Classifier:
    """The classifier kept in a folder. Raises StudyError, one line, if it holds none, or not what was saved there."""
    folder, place = Path(folder), loop.choose_device(device)
    facts = _facts(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if facts["plain"]:
        load = partial(AutoModelForSequenceClassification.from_pretrained, folder, local_files_only=True, dtype=torch.float32)
        network = _Plain(encoders.quietly(load))
    else:
        spec = SimpleNamespace(**facts["spec"], rules=Protocol.parse(facts["spec"]["protocol"]))
        network = _rebuilt(folder, spec, tokenizer, len(facts["classes"]))
    return Classifier(network, tokenizer, facts["classes"], facts["spec"]["max_length"], place)


def _facts(folder: Path) -> dict:
    """What the folder says of itself. Raises StudyError unless each of its files is the one that was saved."""
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        told, files = facts["format"], dict(facts["files"])
    except FileNotFoundError:
        raise StudyError(f"{folder} holds no classifier; make one with: lclstudy train my.csv --out FOLDER") from None
    except (ValueError, KeyError, TypeError, OSError):
        raise StudyError(f"{folder / FACTS} is cut short or altered; copy the folder again.") from None
    if told > FORMAT:
        raise StudyError(f"{folder} has format {told}, but this lclstudy knows formats up to {FORMAT}; update lclstudy.")
    for name, digest in files.items():
        if not (folder / name).is_file():
            raise StudyError(f"{folder} has no {name}; copy the folder again.")
        if catalog.file_checksum(folder / name) != digest:
            raise StudyError(f"{folder / name} is cut short or altered; copy the folder again.")
    return facts


def _whole(network: nn.Module, data: loop.Prepared) -> nn.Module:
    """The network with an embedding of every token there is: what no text of the corpus used is as it was before training."""
    for model in network.modules():
        if data.used is not None and isinstance(model, PreTrainedModel):
            table = model.get_input_embeddings().weight.detach()
            if len(table) == len(data.used):
                whole = data.encoder.body().get_input_embeddings().weight.detach().clone()
                whole[data.used] = table
                model.set_input_embeddings(nn.Embedding.from_pretrained(whole))
    return network


def _rebuilt(folder: Path, spec, tokenizer, classes: int) -> nn.Module:
    """The primary network of the study, of an architecture that has no other form."""
    if (folder / "config.json").is_file():
        config = AutoConfig.from_pretrained(folder, local_files_only=True, num_labels=classes)
        head = AutoModelForSequenceClassification.from_config
        encoder = Encoder(tokenizer, lambda: AutoModel.from_config(config), lambda _: head(config), "")
    else:
        made = spec.encoder, len(tokenizer)
        encoder = Encoder(tokenizer, partial(recurrent.Recurrent, *made), partial(recurrent.RecurrentClassifier, *made), "")
    network = RECIPES[spec.objective].network(spec, encoder, classes)
    missing, unexpected = network.load_state_dict(load_file(folder / WEIGHTS), strict=False)
    if unexpected or not all("pooler" in name for name in missing):  # one that was left out reads nothing
        raise StudyError(
            f"{folder} is of another version of transformers, whose weights differ; load it with that of its card."
        )
    return network


def _as_plain(network: nn.Module, classes: Sequence[str], tokenizer) -> PreTrainedModel | None:
    """The same classifier as one of transformers' own, if it has one with such a head: dense, ReLU, dense on the first token.

    DistilBERT's is; DeBERTa's is with a setting. Encoders of BERT's make are put into ELECTRA's classifier, whose GELU is ReLU
    where its input is steep. None if there is no such form, or if it does not give the same probabilities.
    """
    if type(network) is not PrimaryNetwork or network.pool is not encoders.cls_pooling:
        return None
    body, told = network.body.state_dict(), network.body.config.to_dict()
    dense, out = network.dense.state_dict(), network.out.state_dict()
    told |= {"id2label": dict(enumerate(classes)), "label2id": {name: number for number, name in enumerate(classes)}}
    kind, scale = told["model_type"], 1.0
    if kind in _BERTS:
        first = encoders.first_position(network.body)
        body["embeddings.position_embeddings.weight"] = body["embeddings.position_embeddings.weight"][first:]
        told |= {"embedding_size": told.get("embedding_size", told["hidden_size"])}
        told |= {"max_position_embeddings": told["max_position_embeddings"] - first, "pad_token_id": tokenizer.pad_token_id}
        family, prefix, heads, scale = "Electra", "electra", ("classifier.dense", "classifier.out_proj"), STEEP
    elif kind == "distilbert":
        family, prefix, heads = "DistilBert", "distilbert", ("pre_classifier", "classifier")
    elif kind == "deberta-v2":
        family, prefix, heads = "DebertaV2", "deberta", ("pooler.dense", "classifier")
        told |= {"pooler_hidden_act": "relu", "pooler_hidden_size": told["hidden_size"]}
    else:
        return None
    for name in ("model_type", "architectures", "num_labels", "_attn_implementation", "attn_implementation"):
        told.pop(name, None)
    model = getattr(transformers, f"{family}ForSequenceClassification")(getattr(transformers, f"{family}Config")(**told))
    state = {f"{prefix}.{name}": value for name, value in body.items()}
    state |= {f"{heads[0]}.{name}": value * scale for name, value in dense.items()}
    state |= {f"{heads[1]}.weight": out["weight"] / scale, f"{heads[1]}.bias": out["bias"]}
    missing, unexpected = model.load_state_dict(state, strict=False)
    rows = pack(tokenize(encoders.PROBE, tokenizer, 32).ids)
    with torch.no_grad():
        ours, theirs = network(rows)[1], encoders.sequence_logits(model.eval(), rows)
    same = torch.allclose(ours.softmax(1), theirs.softmax(1), rtol=0, atol=AGREE)
    return model if same and not missing and not unexpected else None
