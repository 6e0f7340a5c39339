# %% [markdown]
# # 01 · The corpora
#
# **Question: are the texts that we train on those that the papers describe, and what makes each corpus hard?**
#
# A published number can only be repeated on the same texts. This notebook compares the public corpora with what the paper
# (Suresh and Ong, 2021) says about them. It reads a small summary of the raw files, `data/summary`, which is part of the
# repository: you need no raw file to run it. With the raw files at hand, `python scripts/summarise_corpora.py` makes that
# summary again.
#
# A *corpus* is a set of texts, each with one *label*, its class. It comes in three *splits*: a model learns from `train`, the
# best epoch is chosen on `validation`, and the result is measured once on `test`.

# %% tags=["parameters"]
profile = "quick"  # figures go to build/<profile>/figures

# %%
from lclstudy.analyses.corpora import figures, tables
from lclstudy.plan import catalog
from lclstudy.plan.profiles import load_profile
from lclstudy.results import corpus_facts, published
from lclstudy.show import markdown
from lclstudy.show.report import Report
from lclstudy.show.text import words

report = Report("01_corpora", load_profile(profile).name, corpus_facts.files())
splits, labels, duplicates = (corpus_facts.table(name) for name in corpus_facts.TABLES)
overlaps = corpus_facts.overlaps(duplicates, splits)
coverage = corpus_facts.coverage(splits, published.text_numbers("suresh2021"))
found = tables.facts(splits, overlaps, coverage)

# %% [markdown]
# ## Finding

# %%
report.said(words("analyses/corpora/said.md.j2", **found))

# %% [markdown]
# ## What is here
#
# Some raw files cannot be had everywhere. A split whose file was absent when the summary was made has no numbers below, and
# each table says so. `Embedded` is the small corpus that this project made itself: the quick profile trains on it.

# %%
markdown.table(corpus_facts.corpora(splits))

# %% [markdown]
# ## Split sizes
#
# *Why: a different number of texts means that the corpus was cut, cleaned or split in another way.*

# %%
markdown.table(corpus_facts.sizes(splits))

# %% [markdown]
# Where our numbers differ from the paper's, the catalogue of this study records why:

# %%
notes = splits.query("corpus in @found['different']")[["corpus", "title"]].drop_duplicates()
notes = notes.assign(note=[catalog.corpora()[name].note for name in notes["corpus"]])
markdown.table(notes, {"title": "corpus", "note": "what the catalogue says"})

# %% [markdown]
# ## Label balance
#
# *Why: where some labels are rare, a model can be accurate and still never name them.* Each panel lists the labels of a
# corpus of the paper, the most frequent first. On the dashed line all labels would be equally frequent.

# %%
in_paper = [name for name, entry in catalog.corpora().items() if entry.published]
report.figure(figures.label_balances(labels[labels["corpus"].isin(in_paper)]), "label_balance")

# %% [markdown]
# ## What costs nothing
#
# *Why: accuracy means little without the accuracy that needs no reading.* Always naming the label that is most frequent in
# `train` gives the *majority-class accuracy*. Every result of this study should be read against it.

# %%
majority = corpus_facts.majority(splits)
columns = {"title": "corpus", "classes": "classes", "largest_class": "largest class of train"}
columns |= {"majority": ("majority (%)", ".1f"), "even": ("even guessing (%)", ".1f")}
markdown.table(majority, columns | {"times_even": ("majority / even", ".2f")})

# %% [markdown]
# ## Lengths
#
# *Why: long texts cost time and memory, and texts beyond the model's limit are cut.* A word is what stands between white space.

# %%
quantiles = {"words_q05": "5 %", "words_median": "median", "words_q95": "95 %", "words_max": "longest"}
columns = {"title": "corpus", "split": "split", "words_mean": ("mean words", ".1f")}
columns |= {name: (heading, ".0f") for name, heading in quantiles.items()}
markdown.table(splits[splits["rows"].notna()], columns)

# %% [markdown]
# ## Texts that occur twice
#
# *Why: a test text that was also trained on measures memory; one that was trained on **with another label** cannot be got right
# by a model that remembers it.* Upper and lower case count as the same.

# %%
columns = {"title": "corpus", "split": "texts of", "against": "also in", "rows": "texts"}
columns |= {"rows_other_label": "with another label", "share": ("share of the split (%)", ".2f")}
markdown.table(overlaps[overlaps["rows"] > 0], columns)

# %% [markdown]
# ## WordNet coverage
#
# *Why: the second view of a text replaces words by WordNet synonyms, so a word that WordNet does not know cannot change.* The
# paper gives a coverage per corpus without saying what it counted. We count twice: the share of *words* that WordNet knows,
# and the share of *words and signs* together, where a full stop counts as something that WordNet does not know.

# %%
columns = {"title": "corpus", "split": "split", "words": ("words (%)", ".1f")}
columns |= {"tokens": ("words and signs (%)", ".1f"), "published": ("published (%)", ".0f")}
columns |= {"gap": ("words and signs − published", "+.1f")}
markdown.table(coverage.assign(gap=coverage["tokens"] - coverage["published"]), columns)
