"""Numbers in, numbers out: metrics, tests, and the search for confusable sets of classes."""
