# %% [markdown]
# # 14 · Your own labels
#
# **Question: does label-aware contrastive loss (LCL) help on your labels, is it worth its cost, or what would it take to
# know?**
#
# Give a table of texts and labels (csv, tsv, jsonl, parquet or xlsx; a column `split` with `train`, `validation` and `test` is
# optional), from the folder where it lies:
#
#     papermill notebooks/14_your_corpus.ipynb out.ipynb -p corpus my.csv
#
# The notebook trains one model with plain cross-entropy (CE) and one with LCL for each *seed*, on the same texts, and compares
# them. A seed sets what chance decides: the order of the texts, the first weights of new layers. With the defaults the encoder
# is a small one that knows no language yet, which shows in minutes how all this works; `-p profile minilm` takes one that does.
# You may stop at any time: what is finished is kept, and the next start goes on from there. Choose the number of seeds before
# you look: a p value that made you add seeds no longer means what it says.

# %% tags=["parameters"]
corpus = "embedded"  # a csv, tsv, jsonl, parquet or xlsx file of your own, or a name of the catalogue
text_column = "text"  # what these columns are called in a file of your own
label_column = "label"
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
keep = None  # a new folder, such as model/: the better classifier is trained once more and kept there

# %%
from pathlib import Path

from IPython.display import display

from lclstudy.analyses.own_labels import corpus as own_corpus
from lclstudy.analyses.own_labels import figures, tables
from lclstudy.corpora.load import files, load_corpus
from lclstudy.plan import names
from lclstudy.plan.catalog import own_name
from lclstudy.plan.profiles import load_profile
from lclstudy.results.speed import time_said
from lclstudy.runs import grid, store
from lclstudy.show import markdown
from lclstudy.show.report import Report
from lclstudy.show.text import bullets, words
from lclstudy.training import classifier

settings = dict(encoder=encoder, epochs=epochs, learning_rate=learning_rate, batch_size=batch_size, max_length=max_length,
                augment=augment, train_limit=train_limit)  # fmt: skip
chosen = load_profile(profile)
corpus = own_name(corpus, text_column, label_column)
specs = own_corpus.plan(chosen, corpus, seeds, **settings)
if keep:
    classifier.new_folder(keep, specs[0])  # a folder that will not do is refused now
gain = own_corpus.check_gain(gain)
dataset = load_corpus(corpus)
mine = own_corpus.describe(dataset, names.corpus(Path(corpus).stem))
report = Report("14_your_corpus", chosen.name, files(corpus))
print(f"{mine.name}: {mine.counts.to_numpy().sum():,} texts, {len(mine.counts):,} classes; {len(specs)} runs wanted.")

# %% [markdown]
# ## Before training: what to be careful about, and what so many runs can see

# %%
said = [own_corpus.foresight(specs, mine, gain), time_said(specs, len(dataset["train"])), *own_corpus.cautions(mine, specs)]
report.said(bullets(said))

# %%
markdown.table(own_corpus.corpus_table(mine))

# %%
markdown.table(own_corpus.class_table(mine))

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
# ## Finding

# %% tags=["nbval-ignore-output"]
found = tables.records(specs, runs)
report.said(words("analyses/own_labels/said.md.j2", **tables.facts(mine, frame, found, gain)))

# %% [markdown]
# In the figure, at the top: how good both losses are; below: what LCL changes in which classes the models take for one another;
# it is made to keep such classes apart.

# %% tags=["nbval-ignore-output"]
report.figure(figures.card(**tables.card_facts(mine, frame, found, gain)), f"card_{Path(corpus).stem}")

# %% [markdown]
# *SD* is the standard deviation between seeds. The interval over seeds holds the true difference in 95 of 100 studies like
# this; where it spans 0, the difference may be chance. That over test texts says how far other texts may move it.
# *Weighted F1* also asks, class by class, whether what was given that name deserved it.

# %% tags=["nbval-ignore-output"]
markdown.table(tables.results_table(frame, found, gain))

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
# ## A classifier to keep
#
# With `-p keep model/` the run that was best on the validation texts is trained once more and kept, with a card that says what
# it is good for. `lclstudy predict model/ texts.csv` labels new texts with it; with `keep` set, it labels a few test texts
# here.

# %% tags=["nbval-ignore-output"]
if keep:
    from lclstudy.training import THREADS, train

    train(tables.best(found).spec, device, out=keep, threads=THREADS)
    display(markdown.table(tables.predicted(classifier.load_classifier(keep, device), dataset["test"], mine)))
