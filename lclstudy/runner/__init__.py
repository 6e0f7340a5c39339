"""Executes the notebooks, makes the tracked ones anew, and writes the results into the README."""
