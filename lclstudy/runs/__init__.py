"""Runs by the list: which are missing, who executes them, and where their records are kept."""
