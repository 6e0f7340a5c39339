"""What a run is: the frozen `RunSpec`, its identity, and the profiles that expand to lists of specs.

A default lives in `profiles/protocol.toml` and nowhere else; `spec()` and every profile start from it.
"""

import hashlib
import itertools
import json
import re
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path

from . import catalog, paths
from .errors import StudyError, unknown

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
            if name not in _PROTOCOL_VALUES:
                raise unknown("protocol setting", name, _PROTOCOL_VALUES)
            if value not in _PROTOCOL_VALUES[name]:
                raise unknown(f"value of protocol setting {name}", value, _PROTOCOL_VALUES[name])
            changed[name] = _PROTOCOL_VALUES[name][value]
        return replace(PROTOCOLS[base], **changed)


_SWITCH = {"true": True, "false": False}
_PROTOCOL_VALUES = {
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
    """One training run, fully said. Build it with `spec()` or a profile, which fill what is not given.

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


def _read_toml(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"Profile {path.name} is not valid TOML: {error}.") from None


@cache
def _protocol_settings() -> dict:
    return _read_toml(paths.profiles() / "protocol.toml")


def spec(corpus: str, objective: str, **settings) -> RunSpec:
    """The spec of one run; what is not given comes from `profiles/protocol.toml`, first the corpus's own entry there.

    Raises StudyError on an unknown setting, name, type or value.
    """
    return _spec({**_protocol_settings()["defaults"], **_protocol_settings()["corpus"].get(corpus, {})},
                 {"corpus": corpus, "objective": objective, **settings})  # fmt: skip


def _spec(defaults: dict, settings: dict) -> RunSpec:
    names = [field.name for field in fields(RunSpec)]
    for name in {**defaults, **settings}:
        if name not in names:
            raise unknown("setting", name, names)
    return RunSpec(**{"classes": None, "train_limit": None, **defaults, **settings})


@dataclass(frozen=True)
class CaseStudy:
    """Runs on class subsets of one corpus, as in Section 5.3 of the paper; `casestudy` turns it into specs.

    `sets` names published subsets (`all` is every class); the search adds the `found` most confusable disjoint subsets of
    `size` classes. Each is run with every objective and seed. `search_seed` are the seeds whose runs the search reads:
    restricting a profile does not change what is found.
    """

    corpus: str
    sets: tuple[str, ...]
    found: int
    size: int
    objective: tuple[str, ...]
    seed: tuple[int, ...]
    search_seed: tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """A named list of runs. `settings` are the defaults, `by_corpus` what differs for a corpus, `grid` a list of products.

    `case_study` asks for runs on class subsets besides; some of them are known only when others have run, so `specs` has none.
    With `retrain` its runs are trained also where frozen ones are there, beside them.
    """

    name: str
    title: str
    settings: dict
    by_corpus: dict
    grid: tuple[dict, ...]
    case_study: CaseStudy | None = None
    retrain: bool = False

    def specs(self) -> list[RunSpec]:
        """All runs of the profile, each once, in the order of the grid; the seed varies slowest within an entry of the grid.

        So a profile that is cut short has all objectives at the first seeds rather than all seeds of the first objective.
        """
        found: dict[RunSpec, None] = {}
        for entry in self.grid:
            names = sorted(entry, key=lambda name: name != "seed")
            for values in itertools.product(*(_as_list(name, entry[name]) for name in names)):
                chosen = dict(zip(names, values, strict=True))
                own = self.by_corpus.get(chosen["corpus"], {}) if isinstance(chosen["corpus"], str) else {}
                defaults = {**self.settings, **own}
                found[_spec(defaults, chosen)] = None
        return list(found)

    def spec(self, corpus: str, objective: str, **settings) -> RunSpec:
        """The spec of one run; what is not given, or given as None, comes from the profile, whose grid it may leave.

        `classes` may be a text with commas between the names. Raises StudyError on an unknown setting, name, type or value.
        """
        given = {name: value for name, value in settings.items() if value is not None}
        if isinstance(given.get("classes"), str):
            given["classes"] = _as_names(given["classes"])
        own = self.by_corpus.get(corpus, {}) if isinstance(corpus, str) else {}
        return _spec({**self.settings, **own}, {"corpus": corpus, "objective": objective, **given})

    def restrict(self, corpora=None, objectives=None, seeds=None, encoders=None) -> "Profile":
        """The same profile with only the named corpora, objectives, encoders or seeds.

        Each is a list, one value, or a text with commas between; None or an empty text keeps all.
        Seeds may go beyond the profile's own. Raises StudyError on a name that the profile does not have.
        """
        wanted = {"corpus": corpora, "objective": objectives, "encoder": encoders}
        wanted = {name: _as_names(values) for name, values in wanted.items() if values not in (None, "")}
        for name, values in wanted.items():
            has = {value for entry in self.grid for value in self._values(entry, name)}
            for value in values:
                if value not in has:
                    raise unknown(f"{name} of profile {self.name}", value, sorted(has))
        grid = []
        for entry in self.grid:
            kept = {name: [value for value in self._values(entry, name) if value in values] for name, values in wanted.items()}
            if seeds not in (None, ""):
                kept["seed"] = [_as_seed(seed) for seed in _as_names(seeds)]
            if all(kept.values()):
                grid.append({**entry, **kept})
        if not grid:
            raise StudyError(f"Profile {self.name} has no run with these corpora, objectives, encoders and seeds together.")
        return replace(self, grid=tuple(grid), case_study=self._restricted_case_study(wanted, seeds))

    def _restricted_case_study(self, wanted: dict, seeds) -> CaseStudy | None:
        study = self.case_study
        if study is None or study.corpus not in wanted.get("corpus", [study.corpus]):
            return None
        objectives = tuple(name for name in study.objective if name in wanted.get("objective", study.objective))
        encoder = self.spec(study.corpus, study.objective[0]).encoder
        if not objectives or encoder not in wanted.get("encoder", [encoder]):
            return None
        chosen = study.seed if seeds in (None, "") else tuple(_as_seed(seed) for seed in _as_names(seeds))
        return replace(
            study, objective=objectives, seed=chosen, search_seed=tuple(dict.fromkeys((*study.search_seed, *chosen)))
        )

    def _values(self, entry: dict, name: str) -> list:
        return _as_list(name, entry[name] if name in entry else self.settings[name])


def _as_names(given) -> list:
    if isinstance(given, str):
        return [part.strip() for part in given.split(",") if part.strip()]
    return [given] if isinstance(given, int) else list(given)


def _as_seed(given) -> object:
    number = isinstance(given, str) and given.removeprefix("-").isdecimal()
    return int(given) if number else given  # what is no number the spec refuses


def _as_list(name: str, value) -> list:
    if name == "classes":  # one subset is a list of names, several are a list of lists
        return value if value and isinstance(value[0], list) else [value]
    return value if isinstance(value, list) else [value]


def profile_names() -> list[str]:
    """The names of the profiles that come with the package."""
    return sorted(path.stem for path in paths.profiles().glob("*.toml") if path.stem != "protocol")


def load_profile(name_or_path: str) -> Profile:
    """Reads a profile by name, or from a TOML file of one's own. Raises StudyError if it is unknown or malformed."""
    path = Path(str(name_or_path))
    if path.suffix != ".toml" or not path.is_file():
        if name_or_path not in profile_names():
            raise unknown("profile", name_or_path, [*profile_names(), "or a path ending in .toml"])
        path = paths.profiles() / f"{name_or_path}.toml"
    elif path.resolve().parent != paths.profiles():
        _check_own_name(path)
    table = _read_toml(path)
    _check_profile(path.stem, table)
    base = _protocol_settings()
    named = table.get("defaults", {})  # what a profile chose for its encoder stands above what the paper chose for a corpus
    defaults = {**base["defaults"], **named}
    own = table.get("corpus", {})
    by_corpus = {name: {**base["corpus"].get(name, {}), **named, **own.get(name, {})} for name in {*base["corpus"], *own}}
    study = _case_study(path.stem, table["case_study"]) if "case_study" in table else None
    title, retrain = table.get("title", path.stem), table.get("retrain", False)
    return Profile(path.stem, title, defaults, by_corpus, tuple(table["grid"]), study, retrain)


def _check_own_name(path: Path) -> None:
    """Raises StudyError on a name under which results of one's own would mix with others, or leave their folder."""
    if path.stem in profile_names():
        raise StudyError(f"{path.name} has the name of a profile that comes with the study; rename it, say to my_{path.name}.")
    if not re.fullmatch(r"\w[\w.-]*", path.stem):
        raise StudyError(f"A profile's file name must be of letters, digits, '_', '-' and '.'; given {path.name!r}; rename it.")


_PROFILE_KEYS = {"title": str, "defaults": dict, "corpus": dict, "grid": list, "case_study": dict, "retrain": bool}
_CASE_STUDY = {"corpus": str, "sets": list, "found": int, "size": int, "objective": list, "seed": list}


def _case_study(name: str, table: dict) -> CaseStudy:
    """Raises StudyError unless the table has each key once, in its form; the runs that it makes are checked as specs."""
    for key in {**table, **_CASE_STUDY}:
        if key not in _CASE_STUDY:
            raise unknown(f"key in [case_study] of profile {name}", key, _CASE_STUDY)
        value = table.get(key)
        if not isinstance(value, _CASE_STUDY[key]) or isinstance(value, bool):
            form = {str: "a text", list: "a list", int: "a whole number"}[_CASE_STUDY[key]]
            raise StudyError(f"[case_study] of profile {name} needs {key!r}, {form}; given {value!r}.")
    if not table["objective"] or not table["seed"]:
        raise StudyError(f"[case_study] of profile {name} needs at least one objective and one seed.")
    if table["found"] < 0 or table["size"] < 2:
        given = f"{table['found']} and {table['size']}"
        raise StudyError(f"[case_study] of profile {name} needs found 0 or more and size 2 or more; given {given}.")
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return CaseStudy(**settings, search_seed=settings["seed"])


def _check_profile(name: str, table: dict) -> None:
    """Raises StudyError unless the table has the shape of a profile; its settings are checked when they make specs."""
    for key, value in table.items():
        if key not in _PROFILE_KEYS:
            raise unknown(f"key in profile {name}", key, _PROFILE_KEYS)
        if not isinstance(value, _PROFILE_KEYS[key]):
            form = {"title": 'title = "..."', "grid": "[[grid]]", "corpus": "[corpus.NAME]", "retrain": "retrain = true"}
            form = form.get(key, f"[{key}]")
            raise StudyError(f"{key!r} of profile {name} has the wrong form; write it as {form}.")
    if not table.get("grid"):
        raise StudyError(f"Profile {name} has no [[grid]]; give at least one with corpus, objective and seed.")
    for entry in table["grid"]:
        for key in ("corpus", "objective", "seed"):
            if not isinstance(entry, dict) or key not in entry:
                raise StudyError(f"A [[grid]] of profile {name} lacks {key!r}; each needs corpus, objective and seed.")
        for key, value in entry.items():
            if value == []:
                raise StudyError(f"A [[grid]] of profile {name} has no value for {key!r}; give one or more, or leave it out.")
    grid_corpora = {value for entry in table["grid"] for value in _as_list("corpus", entry["corpus"]) if isinstance(value, str)}
    for corpus, settings in table.get("corpus", {}).items():
        if corpus not in catalog.corpora() and corpus not in grid_corpora:
            raise unknown(f"corpus in profile {name}", corpus, catalog.corpora())
        if not isinstance(settings, dict):
            raise StudyError(f"'corpus.{corpus}' of profile {name} has the wrong form; write it as [corpus.{corpus}].")
