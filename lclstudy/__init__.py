"""lclstudy: a reproducibility study of label-aware contrastive loss for fine-grained text classification."""

__version__ = "0.1.0"
