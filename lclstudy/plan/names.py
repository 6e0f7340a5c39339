"""What names and settings are called in tables and figures. A name of one's own is shown as it is."""

from . import catalog

METRICS = {"accuracy": "accuracy", "weighted_f1": "weighted F1"}
CITED = {"sentilare": "SentiLARE", "skep": "SKEP", "bert-large": "BERT large", "roberta-large": "RoBERTa large",
         "electra-large": "ELECTRA large"}  # encoders of other works, which are not in the catalogue  # fmt: skip


def objective(name: str) -> str:
    """`ce_aug` is `CE + aug.`"""
    return catalog.read("objectives.toml").get(name, {}).get("title", name)


def encoder(name: str) -> str:
    """`electra-base` is `ELECTRA base`."""
    return CITED.get(name) or _title(catalog.encoders(), name)


def corpus(name: str) -> str:
    """`emoint` is `EmoInt`."""
    return _title(catalog.corpora(), name)


def class_set(name: str) -> str:
    """`8` is `8 classes`, `all` `all classes`; other names of class sets say what they are."""
    return f"{name} classes" if name.isdecimal() or name == "all" else name


def _title(entries: dict, name: str) -> str:
    return (name in entries and entries[name].title) or name


def meaning(name: str) -> str:
    """What a setting is: `batch_size` is `texts per step, second views not counted`."""
    return catalog.read("settings.toml")[name]["meaning"]


def setting(change: str) -> str:
    """`features=raw` is `features not normalised`, `batch_size=32` is `batch size 32`; what has no words is itself."""
    name, _, value = change.partition("=")
    about = catalog.read("settings.toml").get(name, {})
    return about["said"].format(value) if "said" in about else about.get("values", {}).get(value, change)


def protocol(text: str) -> str:
    """`released,weights=uniform` is `uniform weights`; several changes are joined by a comma, a base alone is itself."""
    base, *changes = [part.strip() for part in text.split(",")]
    said = [setting(change) for change in changes]
    return ", ".join(said if base == "released" and said else [base, *said])
