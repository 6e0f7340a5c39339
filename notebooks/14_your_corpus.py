# %% [markdown]
# # 14 · Your own labels
#
# **Question: does label-aware contrastive loss (LCL) help on your labels, is it worth its cost, or what would it take to
# know?**
#
# Give a file with the columns `text` and `label` (csv, tsv, jsonl or parquet; a column `split` with `train`, `validation` and
# `test` is optional), from the folder where it lies:
#
#     papermill notebooks/14_your_corpus.ipynb out.ipynb -p corpus my.csv
#
# The notebook trains one model with plain cross-entropy (CE) and one with LCL for each *seed*, on the same texts, and compares
# them. A seed sets what chance decides: the order of the texts, the first weights of new layers. With the defaults the encoder
# is a small one that knows no language yet, which shows in minutes how all this works; `-p profile minilm` takes one that does.
# You may stop at any time: what is finished is kept, and the next start goes on from there.

# %% tags=["parameters"]
corpus = "embedded"  # a csv, tsv, jsonl or parquet file of your own, or a name of the catalogue
profile = "quick"  # minilm or paper for a real answer; where a setting below is None, this profile says what it is
encoder = None  # tiny, minilm, electra-base, ...
seeds = "0,1,2"  # one run of each loss per seed; more seeds see smaller gains
gain = 1.0  # the smallest gain, in points of accuracy, that would matter to you
epochs = None
learning_rate = None
batch_size = None
max_length = None  # tokens of a text that are read
augment = None  # how second views are made: wordnet (English alone) or dropout
train_limit = None  # keep only so many training texts; None: all
executor = "auto"  # what suits; or serial: one run after another, processes: some at a time, ray: on a cluster
workers = 0  # runs at a time; 0: one per core
device = None  # cuda, mps or cpu; None: the first of these that there is

# %%
from pathlib import Path

from lclstudy.analyses.own_labels import figures, tables
from lclstudy.corpora.load import files, load_corpus
from lclstudy.plan import names
from lclstudy.plan.profiles import load_profile
from lclstudy.runs import grid, store
from lclstudy.show import markdown, style

settings = {name: globals()[name] for name in tables.SETTINGS}
chosen = load_profile(profile)
specs = tables.plan(chosen, corpus, seeds, **settings)
gain = tables.check_gain(gain)
dataset = load_corpus(corpus)
mine = tables.describe(dataset, names.corpus(Path(corpus).stem))
print(f"{mine.name}: {mine.counts.to_numpy().sum():,} texts, {len(mine.counts):,} classes; {len(specs)} runs wanted.")

# %% [markdown]
# ## Training what is missing

# %% tags=["nbval-ignore-output"]
runs = store.RunStore()
print(f"Missing: {len(runs.missing(specs))} of {len(specs)} runs.")
print(grid.run_missing(specs, runs, executor, workers or None, device or None))
frame = runs.frame(specs)
for line in tables.notes(frame):
    print(line)

# %% [markdown]
# ## The answer in one picture
#
# On the left: how good both losses are, what they cost, and how many seeds it takes to see the gain that matters. On the right:
# which classes the models take for one another. LCL is made to keep such classes apart. The picture is kept in
# `build/PROFILE/figures`.

# %% tags=["nbval-ignore-output"]
found = tables.records(specs, runs)
figure = figures.card(**tables.card_facts(mine, frame, found, gain))
saved = style.save(figure, f"14_card_{Path(corpus).stem}", chosen.name, "14_your_corpus", files(corpus))

# %% [markdown]
# ## What to be careful about

# %%
cautions = tables.cautions(mine, specs, gain)
for line in cautions or ["Nothing in the file or the settings makes the answer weak."]:
    print(line)

# %% [markdown]
# ## The corpus

# %%
markdown.table(tables.corpus_table(mine))

# %%
markdown.table(tables.class_table(mine))

# %% [markdown]
# ## CE and LCL
#
# *SD* is the standard deviation between seeds. The interval of the difference holds the true one in 95 of 100 studies like
# this; where it spans 0, the difference may be chance. *Weighted F1* also asks, class by class, whether what was given that
# name deserved it.

# %% tags=["nbval-ignore-output"]
markdown.table(tables.results_table(frame))

# %% [markdown]
# ## Classes taken for one another
#
# The pairs with most errors. The example is the text that was most surely taken for the other class. Look whether some of these
# are the label's fault: no loss can mend that.

# %% tags=["nbval-ignore-output"]
markdown.table(tables.pairs_table(found, dataset["test"]["text"]))

# %% [markdown]
# ## What it costs
#
# LCL trains a second network beside the first, and reads each text twice. Both are for training alone: the trained model
# answers as fast as one trained with CE.

# %% tags=["nbval-ignore-output"]
markdown.table(tables.cost_table(frame))

# %% [markdown]
# ## Finding

# %% tags=["nbval-ignore-output"]
given = {"corpus": corpus, "profile": profile, **settings, "gain": gain, "device": device}
for line in tables.findings(mine, frame, found, gain, given):
    print(line)
