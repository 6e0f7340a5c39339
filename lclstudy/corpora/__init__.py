"""Texts in: corpora loaded, read, downloaded, or of one's own; WordNet and the second views that it makes."""
