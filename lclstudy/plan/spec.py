"""What a run is: the frozen `RunSpec`, its identity, and the profiles that expand to lists of specs.

A default lives in `profiles/protocol.toml` and nowhere else; `make_spec()` and every profile start from it.
"""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError, unknown

from . import catalog

OBJECTIVES = ("ce", "ce_aug", "scl", "simclr", "lcl", "ce_ensemble", "scl_two_stage", "lacon", "lascl", "dcl")
AUGMENTS = ("wordnet", "dropout", "none")
POOLINGS = ("cls", "mean")
PRECISIONS = ("fp32", "bf16")
EXECUTORS = ("auto", "serial", "processes", "ray")

# Settings that a run never reads: left out of the identity, so that one cross-entropy run serves every temperature.
_NO_WEIGHTS = ("weight_place", "weight_gradient", "weights")
_NO_PAIRS = ("reduction", "features", "temperature_scale")
_NO_CONTRAST = ("alpha", "temperature", *_NO_PAIRS, *_NO_WEIGHTS)
_NO_SYNONYMS = ("augment_rate", "augment_seed", "views")
_NO_VIEWS = ("augment", *_NO_SYNONYMS)
UNREAD = {
    "ce": (*_NO_CONTRAST, *_NO_VIEWS),
    "ce_aug": _NO_CONTRAST,
    "ce_ensemble": _NO_CONTRAST,
    "scl": _NO_WEIGHTS,
    "scl_two_stage": ("alpha", *_NO_WEIGHTS),
    "simclr": _NO_WEIGHTS,
    "lacon": ("alpha", "logit_dropout", *_NO_PAIRS, *_NO_WEIGHTS, *_NO_VIEWS),
    "lascl": _NO_WEIGHTS,
    "dcl": _NO_WEIGHTS,
}
# A bag of words has no network: what it reads is the corpus alone.
_READ_BY_BAG_OF_WORDS = ("corpus", "classes", "objective", "encoder", "seed", "train_limit")


@dataclass(frozen=True)
class Protocol:
    """Where the released code and the printed paper differ, and the ablations; the defaults are the released code's.

    `weight_place`: `outside` multiplies the log term by w[i, y_i] (released), `inside` puts it in the log (Eq. 3).
    `reduction`: `mean` over the anchors (released) or `sum` (Eq. 4).
    `weight_gradient`: whether the contrastive gradient reaches the weighting network.
    `logit_dropout`: dropout again on the classifier's logits.
    `drop_last`: whether an incomplete last batch is dropped.
    `weights`: where LCL's weights come from. `joint` (released): a network that learns beside the primary one. `pretrained`:
    that network is trained with cross-entropy for as many epochs beforehand, then frozen. The others are one weight per true
    class and class, with no second network: `confusion`, of a cross-entropy run trained first; `names`, the similarity of the
    label names under the untrained encoder; `uniform`.
    `views`: synonyms drawn `once` before training (released), or anew at `each_epoch`.
    `features`: contrasted as `unit` vectors (released) or `raw`, as the follow-up report's equations have them.
    `temperature_scale`: `fixed`, or times the number of the anchor's `positives`, the report's failed variant.
    """

    weight_place: str = "outside"
    reduction: str = "mean"
    weight_gradient: bool = True
    logit_dropout: bool = True
    drop_last: bool = True
    weights: str = "joint"
    views: str = "once"
    features: str = "unit"
    temperature_scale: str = "fixed"

    @classmethod
    def parse(cls, text: str) -> "Protocol":
        """Reads `released`, `printed`, `report`, or one with changes: `released,reduction=sum,logit_dropout=false`.

        Raises StudyError on an unknown base, setting or value.
        """
        base, *changes = [part.strip() for part in text.split(",")]
        if base not in PROTOCOLS:
            raise unknown("protocol", base, PROTOCOLS)
        changed = {}
        for change in changes:
            name, _, value = change.partition("=")
            if name not in PROTOCOL_VALUES:
                raise unknown("protocol setting", name, PROTOCOL_VALUES)
            if value not in PROTOCOL_VALUES[name]:
                raise unknown(f"value of protocol setting {name}", value, PROTOCOL_VALUES[name])
            changed[name] = PROTOCOL_VALUES[name][value]
        return replace(PROTOCOLS[base], **changed)


_SWITCH = {"true": True, "false": False}
PROTOCOL_VALUES = {
    "weight_place": {"outside": "outside", "inside": "inside"},
    "reduction": {"mean": "mean", "sum": "sum"},
    "weight_gradient": _SWITCH,
    "logit_dropout": _SWITCH,
    "drop_last": _SWITCH,
    "weights": {name: name for name in ("joint", "pretrained", "confusion", "names", "uniform")},
    "views": {name: name for name in ("once", "each_epoch")},
    "features": {name: name for name in ("unit", "raw")},
    "temperature_scale": {name: name for name in ("fixed", "positives")},
}
# Settings that came after the first runs: written into an identity only where they differ, so that theirs stay as they were.
_LATER = {"weights": "joint", "views": "once", "features": "unit", "temperature_scale": "fixed"}
PROTOCOLS = {
    "released": Protocol(),
    "printed": Protocol(weight_place="inside", reduction="sum", weight_gradient=False, logit_dropout=False, drop_last=False),
    # The follow-up report's equations; where it says nothing, what the library it used does (one dropout, the last batch kept).
    "report": Protocol(reduction="sum", features="raw", logit_dropout=False, drop_last=False),
}


@dataclass(frozen=True)
class RunSpec:
    """One training run, fully said. Build it with `make_spec()` or a profile, which fill what is not given.

    `classes` is a tuple of label names (a subset, put in the corpus's own order) or None for all; `learning_rate` is the peak
    of AdamW's linear decay; `batch_size` counts texts, so a batch with second views has twice as many rows; `max_length` counts
    tokens; `train_limit` keeps that many training texts (None for all); `protocol` is read by `Protocol.parse`.

    Raises StudyError on an unknown name, a wrong type, or a value out of range.
    """

    corpus: str
    classes: tuple[str, ...] | None
    objective: str
    encoder: str
    seed: int
    alpha: float
    temperature: float
    learning_rate: float
    batch_size: int
    epochs: int
    max_length: int
    augment: str
    augment_rate: float
    augment_seed: int
    pooling: str
    protocol: str
    precision: str
    train_limit: int | None

    def __post_init__(self):
        _check_types(self)
        _check_names(self)
        _check_ranges(self)
        _check_classes(self)

    def canonical(self) -> str:
        """The spec as JSON in one fixed form, without the settings that a run of its kind never reads."""
        protocol = Protocol.parse(self.protocol)
        unread = {*UNREAD.get(self.objective, ()), *(_NO_SYNONYMS if self.augment != "wordnet" else ())}
        if protocol.weights != "joint":
            unread.add("weight_gradient")  # nothing that learns makes the weights
        if catalog.encoder(self.encoder).kind == "bagofwords":
            unread |= {*asdict(self), *asdict(protocol)} - {*_READ_BY_BAG_OF_WORDS}
        settings = {name: value for name, value in asdict(self).items() if name not in unread}
        read = {name: value for name, value in asdict(protocol).items() if name not in unread}
        settings["protocol"] = {name: value for name, value in read.items() if _LATER.get(name) != value}
        if self.corpus not in catalog.corpora():
            settings["corpus"] = Path(self.corpus).stem  # the checksum says the rest; a moved file is the same corpus
        return json.dumps(settings, sort_keys=True)

    def identity(self) -> str:
        """16 hex digits: the hash of the canonical form and of what identifies the corpus and the encoder (see `catalog`)."""
        pinned = [self.canonical(), catalog.corpus_checksum(self.corpus), catalog.encoder_checksum(self.encoder)]
        return hashlib.sha256("\n".join(pinned).encode()).hexdigest()[:16]

    def label(self) -> str:
        """A short name for progress lines and logs: `emoint lcl minilm seed 0`."""
        subset = f"[{len(self.classes)} classes]" if self.classes else ""
        corpus = self.corpus if self.corpus in catalog.corpora() else Path(self.corpus).stem
        return f"{corpus}{subset} {self.objective} {self.encoder} seed {self.seed}"


_KINDS = {str: "a text", int: "a whole number", float: "a number", tuple: "a list of class names"}


def _check_types(spec: RunSpec) -> None:
    for field in fields(spec):
        value = getattr(spec, field.name)
        optional = field.name in ("classes", "train_limit")
        kind = {"classes": tuple, "train_limit": int}.get(field.name, field.type)
        if optional and value is None:
            continue
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            object.__setattr__(spec, field.name, value := float(value))
        if kind is tuple and isinstance(value, list):
            object.__setattr__(spec, field.name, value := tuple(value))
        names = kind is not tuple or (isinstance(value, tuple) and all(isinstance(name, str) for name in value))
        if not isinstance(value, kind) or isinstance(value, bool) or not names:
            hint = " (papermill reads 2e-5 as a text: write 2.0e-5)" if kind is float and isinstance(value, str) else ""
            raise StudyError(f"{field.name} must be {_KINDS[kind]}; given {value!r}{hint}.")


def _check_names(spec: RunSpec) -> None:
    if spec.corpus not in catalog.corpora():
        catalog.own_file(spec.corpus)
    catalog.encoder(spec.encoder)
    for name, allowed in (
        ("objective", OBJECTIVES),
        ("augment", AUGMENTS),
        ("pooling", POOLINGS),
        ("precision", PRECISIONS),
    ):
        if getattr(spec, name) not in allowed:
            raise unknown(name, getattr(spec, name), allowed)
    if catalog.encoder(spec.encoder).kind == "bagofwords" and spec.objective != "ce":
        raise StudyError(
            f"encoder {spec.encoder!r} is a bag of words: it has no features that objective {spec.objective!r} could move; "
            "use objective 'ce', or another encoder."
        )
    protocol = Protocol.parse(spec.protocol)
    if protocol.views == "each_epoch" and spec.augment != "wordnet" and "views" not in UNREAD.get(spec.objective, ()):
        raise StudyError(
            f"protocol setting views=each_epoch draws synonyms anew, but augment {spec.augment!r} draws none: "
            "use augment 'wordnet', or leave views=each_epoch out."
        )
    if spec.augment == "none" and spec.objective == "simclr":
        raise StudyError("objective 'simclr' needs second views; augment 'none' makes none: use 'wordnet' or 'dropout'.")


_RANGES = {
    "seed": ("from 0 to 4294967295", lambda v: 0 <= v < 2**32),  # NumPy's legacy generators take no more
    "alpha": ("from 0 to 1", lambda v: 0 <= v <= 1),
    "temperature": ("above 0", lambda v: 0 < v < float("inf")),
    "learning_rate": ("above 0 and at most 0.1", lambda v: 0 < v <= 0.1),
    "batch_size": ("1 or more", lambda v: v >= 1),
    "epochs": ("1 or more", lambda v: v >= 1),
    "max_length": ("8 or more", lambda v: v >= 8),  # two are [CLS] and [SEP]; fewer than six pieces say little
    "augment_rate": ("from 0 to 1", lambda v: 0 <= v <= 1),
    "augment_seed": ("from 0 to 4294967295", lambda v: 0 <= v < 2**32),
    "train_limit": ("1 or more, or none for all", lambda v: v is None or v >= 1),
}


def _check_ranges(spec: RunSpec) -> None:
    for name, (allowed, holds) in _RANGES.items():
        if not holds(getattr(spec, name)):
            raise StudyError(f"{name} must be {allowed}; given {getattr(spec, name)!r}.")


def _check_classes(spec: RunSpec) -> None:
    if spec.classes is None:
        return
    if len(spec.classes) < 2 or len(set(spec.classes)) != len(spec.classes):
        raise StudyError(f"classes must be two or more different class names; given {', '.join(map(str, spec.classes))!r}.")
    if spec.corpus not in catalog.corpora():
        object.__setattr__(spec, "classes", tuple(sorted(spec.classes)))
        return
    labels = catalog.corpora()[spec.corpus].labels
    for name in spec.classes:
        if name not in labels:
            raise unknown(f"class of {spec.corpus}", name, labels)
    kept = tuple(name for name in labels if name in spec.classes)  # a set has one order, so one identity, however it was found
    object.__setattr__(spec, "classes", None if kept == tuple(labels) else kept)


def read_toml(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"Profile {path.name} is not valid TOML: {error}.") from None


@cache
def protocol_settings() -> dict:
    return read_toml(paths.profiles() / "protocol.toml")


def make_spec(corpus: str, objective: str, **settings) -> RunSpec:
    """The spec of one run; what is not given comes from `profiles/protocol.toml`, first the corpus's own entry there.

    Raises StudyError on an unknown setting, name, type or value.
    """
    return spec_of({**protocol_settings()["defaults"], **protocol_settings()["corpus"].get(corpus, {})},
                 {"corpus": corpus, "objective": objective, **settings})  # fmt: skip


def spec_of(defaults: dict, settings: dict) -> RunSpec:
    names = [field.name for field in fields(RunSpec)]
    for name in {**defaults, **settings}:
        if name not in names:
            raise unknown("setting", name, names)
    return RunSpec(**{"classes": None, "train_limit": None, **defaults, **settings})
