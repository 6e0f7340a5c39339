"""What a run is: the frozen `RunSpec` and its identity. What its settings mean and may be stands in `settings.toml`.

A default lives in `profiles/protocol.toml` and nowhere else; `make_spec()` and every profile start from it.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import Field, asdict, dataclass, fields, replace
from functools import cache
from typing import get_args, get_origin

from lclstudy.errors import StudyError, check_known

from . import catalog

OBJECTIVES = tuple(catalog.read("objectives.toml"))  # in the order in which they are shown
EXECUTORS = ("auto", "serial", "processes", "ray")

# The groups of settings that `unread` in objectives.toml may name.
_GROUPS = {
    "label_weights": ("weight_place", "weight_gradient", "weights"),
    "pairs": ("reduction", "features", "temperature_scale"),
    "second_views": ("augment", "augment_rate", "augment_seed", "views"),
}
# Settings that a run of an objective never reads: left out of its identity.
UNREAD = {
    name: tuple(setting for word in entry.get("unread", ()) for setting in _GROUPS.get(word, (word,)))
    for name, entry in catalog.read("objectives.toml").items()
}
# A bag of words has no network: what it reads is the corpus alone.
_READ_BY_BAG_OF_WORDS = {"corpus", "classes", "objective", "encoder", "seed", "train_limit"}
# Settings that came after the first runs: written into an identity only where they differ, so that theirs stay as they were.
_LATER = {"weights": "joint", "views": "once", "features": "unit", "temperature_scale": "fixed"}


@dataclass(frozen=True)
class Protocol:
    """Where the released code and the printed paper differ, and the ablations; the defaults are the released code's.

    `weights`: `joint` (released) is a network that learns beside the primary one. `pretrained`: that network is trained with
    cross-entropy for as many epochs beforehand, then frozen. The others are one weight per true class and class, with no second
    network: `confusion`, of a cross-entropy run trained first; `names`, the similarity of the label names under the untrained
    encoder; `uniform`. The other settings are explained in `settings.toml`.
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
    @cache
    def parse(cls, text: str) -> "Protocol":
        """Reads `released`, `printed`, `report`, or one with changes: `released,reduction=sum,logit_dropout=false`. Raises
        StudyError on an unknown base, setting or value."""
        base, *changes = [part.strip() for part in text.split(",")]
        check_known("protocol", base, PROTOCOLS)
        changed = {}
        for change in changes:
            name, _, value = change.partition("=")
            check_known("protocol setting", name, vars(PROTOCOLS[base]))
            check_known(f"value of protocol setting {name}", value, catalog.read("settings.toml")[name]["values"])
            changed[name] = {"true": True, "false": False}.get(value, value)
        return replace(PROTOCOLS[base], **changed)


PROTOCOLS = {
    "released": Protocol(),
    "printed": Protocol(weight_place="inside", reduction="sum", weight_gradient=False, logit_dropout=False, drop_last=False),
    # The follow-up report's equations; where it says nothing, what the library it used does (one dropout, the last batch kept).
    "report": Protocol(reduction="sum", features="raw", logit_dropout=False, drop_last=False),
}


@dataclass(frozen=True)
class RunSpec:
    """One training run, fully said. Build it with `make_spec()` or a profile, which fill what is not given.

    `classes` is a tuple of label names (a subset, put in the corpus's own order) or None for all; what the others mean, with
    their units, is in `settings.toml`. Raises StudyError on an unknown name, a wrong type, or a value out of range. The corpus
    need not be there.
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
        for field in fields(self):
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))
        object.__setattr__(self, "classes", _in_order(self.corpus, self.classes))
        _check_together(self)

    @property
    def rules(self) -> Protocol:
        """What `protocol` says."""
        return Protocol.parse(self.protocol)

    @property
    def stages(self) -> int:
        """How often its epochs are trained: twice where a network is trained beforehand."""
        pretrained = self.rules.weights == "pretrained" and "weights" not in UNREAD[self.objective]
        return 2 if pretrained or self.objective == "scl_two_stage" else 1

    def canonical(self) -> str:
        """The spec as JSON in one fixed form, without the settings that a run of its kind never reads."""
        settings, rules = asdict(self), vars(self.rules)
        unread = {*UNREAD[self.objective], *(_GROUPS["second_views"][1:] if self.augment != "wordnet" else ())}
        if self.rules.weights != "joint":
            unread.add("weight_gradient")  # nothing that learns makes the weights
        if catalog.encoder(self.encoder).kind == "bagofwords":
            unread |= {*settings, *rules} - _READ_BY_BAG_OF_WORDS
        settings = {name: value for name, value in settings.items() if name not in unread}
        settings["protocol"] = {name: rules[name] for name in rules if name not in unread and _LATER.get(name) != rules[name]}
        if self.corpus not in catalog.corpora():
            settings["corpus"] = catalog.short_name(self.corpus)  # the checksum says the rest; a moved file is the same corpus
        return json.dumps(settings, sort_keys=True)

    def identity(self) -> str:
        """16 hex digits: the hash of the canonical form and of what identifies the corpus and the encoder (see `catalog`)."""
        pinned = [self.canonical(), catalog.corpus_checksum(self.corpus), catalog.encoder_checksum(self.encoder)]
        return hashlib.sha256("\n".join(pinned).encode()).hexdigest()[:16]

    def label(self) -> str:
        """A short name for progress lines and logs: `emoint lcl minilm seed 0`."""
        subset = f"[{len(self.classes)} classes]" if self.classes else ""
        return f"{catalog.short_name(self.corpus)}{subset} {self.objective} {self.encoder} seed {self.seed}"


_KINDS = {str: "a text", int: "a whole number", float: "a number", tuple: "a list of class names"}


def _checked(field: Field, value: object) -> object:
    """The value as its field holds it: a list as a tuple, a whole number as a float. Raises StudyError if it is not allowed."""
    name, about = field.name, catalog.read("settings.toml")[field.name]
    first, *optional = get_args(field.type) or (field.type,)
    if value is None and optional:
        return None
    kind = get_origin(first) or first
    if (kind, type(value)) in ((float, int), (tuple, list)):
        value = kind(value)
    of_texts = kind is not tuple or (isinstance(value, tuple) and all(isinstance(each, str) for each in value))
    if not isinstance(value, kind) or isinstance(value, bool) or not of_texts:
        hint = " (papermill reads 2e-5 as a text: write 2.0e-5)" if kind is float and isinstance(value, str) else ""
        raise StudyError(f"{name} must be {_KINDS[kind]}; given {value!r}{hint}.")
    check_known(name, value, {"objective": OBJECTIVES, "encoder": catalog.encoders()}.get(name, about.get("values", [value])))
    above, least, most = (about.get(key, end) for key, end in (("above", -math.inf), ("least", -math.inf), ("most", math.inf)))
    if "must" in about and not (above < value < math.inf and least <= value <= most):
        raise StudyError(f"{name} must be {about['must']}; given {value!r}.")
    return value


def _in_order(corpus: str, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The classes in the corpus's own order, so that a set has one identity however it was given; None if they are all."""
    if classes is None:
        return None
    labels = catalog.corpora()[corpus].labels if corpus in catalog.corpora() else tuple(sorted(classes))
    check_classes(corpus, classes, labels)
    kept = tuple(name for name in labels if name in classes)
    return None if kept == labels and corpus in catalog.corpora() else kept


def check_classes(corpus: str, classes: tuple[str, ...], labels: tuple[str, ...]) -> None:
    """Raises StudyError unless the classes are two or more of the labels."""
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise StudyError(f"classes must be two or more different class names; given {', '.join(classes)!r}.")
    for name in classes:
        check_known(f"class of {corpus}", name, labels)
        if "|" in name:
            raise StudyError(f"Class {name!r} cannot be one of a subset: in tables '|' parts their names; write another sign.")


def _check_together(spec: RunSpec) -> None:
    """Raises StudyError on settings that do not go together."""
    if catalog.encoder(spec.encoder).kind == "bagofwords" and spec.objective != "ce":
        raise StudyError(f"encoder {spec.encoder!r} is a bag of words, for objective 'ce' alone; given {spec.objective!r}.")
    if spec.rules.views == "each_epoch" and spec.augment != "wordnet" and "views" not in UNREAD[spec.objective]:
        raise StudyError(f"views=each_epoch draws synonyms, and augment {spec.augment!r} has none; use augment 'wordnet'.")
    if spec.augment == "none" and spec.objective == "simclr":
        raise StudyError("objective 'simclr' needs second views; augment 'none' makes none: use 'wordnet' or 'dropout'.")


def make_spec(corpus: str, objective: str, **settings) -> RunSpec:
    """The spec of one run; what is not given comes from `profiles/protocol.toml`, first the corpus's own entry there. Raises
    StudyError on an unknown setting, name, type or value, and on a corpus that is neither known nor a file."""
    for name in settings:
        check_known("setting", name, [field.name for field in fields(RunSpec)])
    base = catalog.read("profiles/protocol.toml")
    defaults = {"classes": None, "train_limit": None, **base["defaults"], **base["corpus"].get(str(corpus), {})}
    spec = RunSpec(**{**defaults, "corpus": corpus, "objective": objective, **settings})
    if corpus not in catalog.corpora():
        catalog.own_file(corpus)
        if catalog.short_name(corpus) in catalog.corpora():
            raise StudyError(f"{corpus} has the name of a corpus of the study, with which tables would mix it up; rename it.")
    return spec


def distinct(specs: Iterable[RunSpec]) -> dict[str, RunSpec]:
    """The specs by identity, in their order; of those with the same the first."""
    found: dict[str, RunSpec] = {}
    for spec in specs:
        found.setdefault(spec.identity(), spec)
    return found
