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
from lclstudy import paths
from lclstudy.analyses.corpora import figures
from lclstudy.plan import catalog, names
from lclstudy.plan.profiles import load_profile
from lclstudy.results import corpus_facts, published
from lclstudy.show import markdown, style

folder = load_profile(profile).name
splits, labels, lengths, duplicates = (corpus_facts.table(name) for name in corpus_facts.TABLES)
in_paper = [name for name, entry in catalog.corpora().items() if entry.published]


def save(figure, name, *inputs):
    style.save(figure, f"01_{name}", folder, "01_corpora", [*corpus_facts.files(), *inputs])


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
sizes = splits[splits["rows"].notna() & splits["published_rows_paper"].notna()]
different = sizes[sizes["rows"] != sizes["published_rows_paper"]]["corpus"].unique()
notes = sizes[["corpus", "title"]].drop_duplicates().query("corpus in @different")
notes = notes.assign(note=[catalog.corpora()[name].note for name in notes["corpus"]])
markdown.table(notes, {"title": "corpus", "note": "what the catalogue says"})

# %% [markdown]
# ## Label balance
#
# *Why: where some labels are rare, a model can be accurate and still never name them.* Each panel lists the labels of a
# corpus of the paper, the most frequent first. On the dashed line all labels would be equally frequent.

# %%
figure = figures.label_balances(labels[labels["corpus"].isin(in_paper)])
save(figure, "label_balance")

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
figure = figures.length_distributions(lengths)
save(figure, "lengths")

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
overlaps = corpus_facts.overlaps(duplicates, splits)
figure, axes = style.panels(3, height=2.3)
figures.split_overlap(overlaps, axes)
save(figure, "duplicates")

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
coverage = corpus_facts.coverage(splits, published.text_numbers("suresh2021"))
figure, axes = style.subplots(width=style.DOUBLE, height=2.6)
figures.wordnet_coverage(coverage, axes[0])
save(figure, "wordnet_coverage", paths.published() / "text_numbers.csv")

# %%
columns = {"title": "corpus", "split": "split", "words": ("words (%)", ".1f")}
columns |= {"tokens": ("words and signs (%)", ".1f"), "published": ("published (%)", ".0f")}
columns |= {"gap": ("words and signs − published", "+.1f")}
markdown.table(coverage.assign(gap=coverage["tokens"] - coverage["published"]), columns)

# %% [markdown]
# ## Finding

# %%
same = ", ".join(names.corpus(name) for name in in_paper if name not in different)
other = ", ".join(names.corpus(name) for name in different)
leaks = overlaps[(overlaps["split"] == "test") & (overlaps["against"] == "train")]
worst = leaks.loc[leaks["rows_other_label"].idxmax()]
close = (coverage["tokens"] - coverage["published"]).abs().max()
far = (coverage["words"] - coverage["published"]).min()

# %%
low, high = majority["majority"].min(), majority["majority"].max()
print(f"Split sizes: as published for {same}; not for {other}.")
print(f"Always naming the largest class of train is right for {low:.1f} to {high:.1f} % of test texts.")
print(f"Of the {worst.texts:,.0f} test texts of {worst.title}, {worst.rows} are also in train,")
print(f"  {worst.rows_other_label} of them with another label only: remembering those is wrong.")
print(f"WordNet coverage: within {close:.1f} points of the paper's when signs are counted;")
print(f"  of words alone, it is {far:.1f} points or more above the paper's.")
