"""The questions of the study, a folder each: its tables, its figures, and what it found in words."""
