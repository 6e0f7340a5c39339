"""One training run: the loop, and the bag of words."""
