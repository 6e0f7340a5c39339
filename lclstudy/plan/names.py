"""What names are called in tables and figures. A name of one's own is shown as it is."""

from . import catalog

OBJECTIVES = {
    "ce": "CE",
    "ce_aug": "CE + aug.",
    "scl": "SCL",
    "simclr": "SimCLR",
    "lcl": "LCL",
    "ce_ensemble": "CE ensemble",
    "scl_two_stage": "SCL, two stages",
    "lacon": "LaCon",
    "lascl": "LASCL",
    "dcl": "DCL",
}
ENCODERS = {
    "electra-base": "ELECTRA base",
    "electra-small": "ELECTRA small",
    "bert-base": "BERT base",
    "roberta-base": "RoBERTa base",
    "mbert": "mBERT",
    "minilm": "MiniLM",
    "bert-base-cased": "BERT base, cased",
    "rnn": "RNN",
    "gru": "GRU",
    "tfidf": "TF-IDF + LR",
    "tiny": "tiny",
}
METRICS = {"accuracy": "accuracy", "weighted_f1": "weighted F1"}


def objective(name: str) -> str:
    """`ce_aug` is `CE + aug.`"""
    return OBJECTIVES.get(name, name)


def encoder(name: str) -> str:
    """`electra-base` is `ELECTRA base`."""
    return ENCODERS.get(name, name)


def metric(name: str) -> str:
    """`weighted_f1` is `weighted F1`."""
    return METRICS.get(name, name)


def corpus(name: str) -> str:
    """`emoint` is `EmoInt`: the title of the catalogue."""
    entry = catalog.corpora().get(name)
    return entry.title if entry else name


# How each setting of the protocol that differs from the released code is called where LCL is shown beside LCL.
SETTINGS = {
    "weight_place=inside": "weights inside the log",
    "reduction=sum": "summed over the batch",
    "weight_gradient=false": "no gradient to the weights",
    "logit_dropout=false": "no dropout on the logits",
    "drop_last=false": "last batch kept",
    "weights=pretrained": "weighting network frozen",
    "weights=confusion": "weights from confusion",
    "weights=names": "weights from label names",
    "weights=uniform": "uniform weights",
    "views=each_epoch": "new synonyms each epoch",
    "features=raw": "features not normalised",
    "temperature_scale=positives": "temperature times positives",
}
# And how the released code's own is called where another base was changed back to it.
RELEASED = {
    "weight_place=outside": "weights outside the log",
    "reduction=mean": "mean over the batch",
    "weight_gradient=true": "gradient to the weights",
    "logit_dropout=true": "dropout on the logits",
    "drop_last=true": "last batch dropped",
    "weights=joint": "weighting network learning",
    "views=once": "synonyms drawn once",
    "features=unit": "unit features",
    "temperature_scale=fixed": "fixed temperature",
}

_AUGMENT = {
    "augment=wordnet": "synonyms as second views",
    "augment=dropout": "second views by dropout",
    "augment=none": "no second views",
}


def setting(change: str) -> str:
    """`features=raw` is `features not normalised`, `batch_size=32` is `batch size 32`; what has no words is itself."""
    return {**SETTINGS, **RELEASED, **_AUGMENT}.get(change, change.replace("_", " ").replace("=", " "))


def protocol(text: str) -> str:
    """`released,weights=uniform` is `uniform weights`; several changes are joined by a comma, a base alone is itself."""
    base, *changes = [part.strip() for part in text.split(",")]
    said = [setting(change) for change in changes]
    return ", ".join(said if base == "released" and said else [base, *said])
