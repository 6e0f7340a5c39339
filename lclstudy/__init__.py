"""lclstudy: a reproducibility study of label-aware contrastive loss for fine-grained text classification.

The names below are its public functions; everything else may move. Each is imported when it is first asked for, so that a name
that needs no torch loads none.
"""

from importlib import import_module

__version__ = "0.2.0"

_PUBLIC = {
    "simclr": "models.losses",
    "supervised_contrastive": "models.losses",
    "label_aware_contrastive": "models.losses",
    "LabelAwareContrastiveLoss": "models.losses",
    "SupervisedContrastiveLoss": "models.losses",
    "topk_entropy": "statistics.metrics",
    "confusion_matrix": "statistics.metrics",
    "most_confusable": "statistics.subsets",
    "welch": "statistics.tests",
    "welch_from_summary": "statistics.tests",
    "holm": "statistics.tests",
    "judge": "statistics.judge",
    "load_corpus": "corpora.load",
    "load_profile": "plan.profiles",
    "make_spec": "plan.spec",
    "train": "training",
    "load_classifier": "training.classifier",
    "RunStore": "runs.store",
    "read_frozen": "results.frozen",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lclstudy' has no attribute {name!r}; it has {', '.join(_PUBLIC)}.", name=name)
    globals()[name] = found = getattr(import_module(f"lclstudy.{_PUBLIC[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
