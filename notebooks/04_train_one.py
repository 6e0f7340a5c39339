# %% [markdown]
# # 04 · One run, looked at closely
#
# **Question: what happens when one model is trained, and which classes does it take for one another?**
#
# A *run* trains one model: a corpus, an *objective* (what is minimised), an *encoder* (the network that reads a text), and
# settings. With the defaults this takes about a minute. Change the parameters in the next cell, or give them on a command
# line, also with texts of your own (a csv file with the columns `text` and `label`):
#
#     papermill notebooks/04_train_one.ipynb out.ipynb -p corpus my.csv -p objective lcl
#
# A run that was trained before is not trained again: its record is read from `data/runs`.

# %% tags=["parameters"]
corpus = "embedded"  # a name of the catalogue, or a csv, tsv, jsonl, parquet or xlsx file of your own
text_column = "text"  # what these columns are called in a file of your own
label_column = "label"
objective = "lcl"  # ce, ce_aug, scl, simclr, lcl, ce_ensemble, scl_two_stage, lacon, lascl or dcl
profile = "quick"  # where a setting below is None, this profile says what it is
device = None  # cuda, mps or cpu; None: the first of these that there is
retrain = False  # whether to train it although a frozen run is there; the quick profile does, of seed 0
classes = None  # a few class names with commas between; None: all
encoder = None
seed = 0
alpha = None
temperature = None
learning_rate = None
batch_size = None
epochs = None
max_length = None
augment = None  # wordnet, dropout or none
augment_rate = None
augment_seed = None
pooling = None  # cls or mean
protocol = None  # released or printed; after either, changes with commas between
precision = None  # fp32 or bf16
train_limit = None  # keep only so many training texts; None: all
keep = None  # a new folder, such as model/: the classifier is trained once more and kept there, for `lclstudy predict`

# %%
from pathlib import Path

from lclstudy.corpora.load import files, load_corpus
from lclstudy.plan import names
from lclstudy.plan.catalog import own_name
from lclstudy.plan.profiles import load_profile
from lclstudy.runs import grid, store
from lclstudy.show import markdown, plots, style
from lclstudy.show import runs as reports
from lclstudy.show.report import Report
from lclstudy.statistics import metrics

chosen = load_profile(profile)
settings = dict(seed=seed, classes=classes, encoder=encoder, alpha=alpha, temperature=temperature, learning_rate=learning_rate)
settings |= dict(batch_size=batch_size, epochs=epochs, max_length=max_length, augment=augment, augment_rate=augment_rate)
settings |= dict(augment_seed=augment_seed, pooling=pooling, protocol=protocol, precision=precision, train_limit=train_limit)
spec = chosen.spec(own_name(corpus, text_column, label_column), objective, **settings)
if keep:
    from lclstudy.training import classifier

    classifier.new_folder(keep, spec)  # a folder that will not do is refused now
corpus = Path(spec.corpus).stem
report = Report("04_train_one", chosen.name, files(spec.corpus))
markdown.table(reports.settings(spec))

# %% [markdown]
# ## Training
#
# An *epoch* is one pass over all training texts. After each, the model is measured on the validation texts. The epoch that was
# best there is the one that is tested, once, on the test texts.

# %% tags=["nbval-ignore-output"]
runs = store.RunStore()
record = grid.obtain(spec, runs, device=device, retrain=retrain or chosen.retrain)
print(f"Best epoch: {record.best_epoch} of {len(record.epochs)}.")

# %% tags=["nbval-ignore-output"]
figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=2.6)
plots.learning_curves(runs.epochs_frame([spec]), axes)
report.figure(figure, f"curves_{corpus}_{objective}")

# %% [markdown]
# ## Which classes are taken for one another
#
# A row of the *confusion matrix* holds the test texts of one class; a column those that the model gave that name. What is right
# stands on the diagonal. The classes are ordered so that those often confused are neighbours.

# %% tags=["nbval-ignore-output"]
predictions = record.test_probabilities.argmax(axis=1)
confusion = metrics.confusion_matrix(record.test_labels, predictions, record.classes)
figure = plots.confusion_heatmap(confusion, record.classes, f"{names.corpus(corpus)}, {names.objective(objective)}")
report.figure(figure, f"confusion_{corpus}_{objective}")

# %% [markdown]
# The *nearest* classes are those taken for one another most often:

# %% tags=["nbval-ignore-output"]
nearest = reports.confused(confusion, record.classes)
markdown.table(nearest)

# %% [markdown]
# ## How good, and how well it knows
#
# *Accuracy* is the share of texts that are right. *Weighted F1* also asks, class by class, whether what was given that name
# deserved it. *Confidence* is the probability that the model gives to its answer; the *calibration error* says how far, on
# average, confidence and accuracy are apart among answers of like confidence.

# %% tags=["nbval-ignore-output"]
markdown.table(reports.scores(record))

# %% [markdown]
# The test texts that it got wrong with most confidence. Some are the model's fault; look whether some are the label's.

# %% tags=["nbval-ignore-output"]
texts = load_corpus(spec.corpus, spec.classes)["test"]["text"]
markdown.table(reports.confident_errors(record, texts))

# %% [markdown]
# ## What it cost

# %% tags=["nbval-ignore-output"]
markdown.table(reports.cost(record))

# %% [markdown]
# ## Finding

# %% tags=["nbval-ignore-output"]
report.said(reports.run_findings(record))

# %% tags=["nbval-ignore-output"]
if keep:
    from lclstudy.training import THREADS, train

    train(spec, device, out=keep, threads=THREADS)
    print(f"Kept in {keep}; try: lclstudy predict {keep} texts.csv")
