"""What a run trains on, made ready: texts and their second views as tokens, labels, and the encoder that reads them."""

import logging
from functools import lru_cache, partial

import numpy as np
import torch

from lclstudy.corpora import synonyms, wordnet
from lclstudy.corpora.load import load_corpus
from lclstudy.errors import StudyError
from lclstudy.models import encoders
from lclstudy.models.batching import tokenize
from lclstudy.models.objectives import RECIPES
from lclstudy.plan import catalog
from lclstudy.plan.spec import RunSpec

from .loop import SPLITS, Prepared

log = logging.getLogger("lclstudy")


def check(spec: RunSpec) -> None:
    """Raises StudyError if the spec's corpus, classes, encoder or WordNet cannot be had or cannot do what is asked, or no batch
    can be filled; trains nothing."""
    if _augmentation(spec)[0] == "wordnet":
        wordnet.ensure()
    dataset, encoder = _load(*_source(spec))
    if encoder is None:  # a bag of words takes all there is
        return
    most = encoder.most_tokens
    if most is not None and spec.max_length > most:
        raise StudyError(f"max_length {spec.max_length} is more than encoder {spec.encoder!r} can read; allowed: 8 to {most}.")
    if spec.batch_size > dataset.num_rows["train"] and spec.rules.drop_last:
        raise StudyError(
            f"batch_size {spec.batch_size} exceeds the {dataset.num_rows['train']} training texts of {spec.label()}, and an "
            "incomplete batch is dropped: nothing is left to train on; use a smaller batch_size."
        )


def prepare(spec: RunSpec) -> Prepared:
    """What `loop.fit` trains a spec on. Seeds share it, so the last one made is kept."""
    return _prepare(*prepared_from(spec))


def prepared_from(spec: RunSpec) -> tuple:
    """What `prepare` depends on: specs with the same share what it gives."""
    each_epoch = RECIPES[spec.objective].two_views and spec.rules.views == "each_epoch"
    epochs = spec.stages * spec.epochs if each_epoch else 1
    return _source(spec), spec.max_length, _augmentation(spec), epochs


def _augmentation(spec: RunSpec) -> tuple:
    kind = spec.augment if RECIPES[spec.objective].two_views else "none"
    return kind, spec.augment_rate, spec.augment_seed


def _source(spec: RunSpec) -> tuple:
    """What `_load` is kept by. With checksums, because files of one's own may change between two runs of a notebook."""
    checksums = catalog.corpus_checksum(spec.corpus), catalog.encoder_checksum(spec.encoder)
    return spec.corpus, spec.classes, spec.encoder, spec.train_limit, checksums


@lru_cache(maxsize=2)
def _load(corpus, classes, encoder, train_limit, _checksums):
    dataset = load_corpus(corpus, classes)
    if train_limit is not None and train_limit < len(dataset["train"]):
        dataset["train"] = dataset["train"].shuffle(seed=0).select(range(train_limit))
    if catalog.encoder(encoder).kind == "bagofwords":
        return dataset, None
    return dataset, encoders.load(encoder, list(dataset["train"]["text"]))


@lru_cache(maxsize=2)
def _prepare(source, max_length, augmentation, epochs) -> Prepared:
    dataset, encoder = _load(*source)
    classes = tuple(dataset["train"].features["label"].names)
    labels = {split: np.array(dataset[split]["label"], dtype=np.int64) for split in SPLITS}
    texts = {split: list(dataset[split]["text"]) for split in SPLITS}
    if encoder is None:
        return Prepared(classes, texts, labels)
    tokens = partial(tokenize, tokenizer=encoder.tokenizer, max_length=max_length)
    read = {split: tokens(given) for split, given in texts.items()}
    for split, found in read.items():  # here, where the result is kept, so that it is said once for all seeds
        if found.truncated:
            said = "%s: %d of %d %s texts are longer than max_length %d and were cut."
            log.warning(said, source[0], found.truncated, len(found), split, max_length)
    kind, rate, seed = augmentation
    # For `views=each_epoch`: the second views of the first epoch are those that others keep.
    others = [int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0]) for epoch in range(2, epochs + 1)]
    seeds = [seed, *others] if kind != "none" else []
    views = tuple(tokens(synonyms.second_views(texts["train"], kind, rate, seed)) for seed in seeds)
    used = None
    if encoder.packed:  # the ids number the tokens that texts and views use: see `Encoder.reading`
        used = torch.cat([row for found in (*read.values(), *views) for row in found.ids]).unique()
        read = {split: found.numbered(used) for split, found in read.items()}
        views = tuple(found.numbered(used) for found in views)
    return Prepared(classes, read, labels, encoder, views, wordnet.version() if kind == "wordnet" else "", used)
