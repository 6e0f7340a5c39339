"""How results are shown: one style, tables and words, and figures that several questions share."""
