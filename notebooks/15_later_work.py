# %% [markdown]
# # 15 · Where LCL stands today
#
# **Question: is the gain of label-aware contrastive loss larger than the difference between two groups' baselines, and where
# does it stand among what came after?**
#
# Zhang et al. (2024, SEAN-GNN) trained cross-entropy (`CE`) with several encoders on the paper's corpora, and beside it LCL,
# their own method and those of others. Suresh and Ong (2021) print CE and LCL for the same corpora. Where both groups trained
# CE with the same encoder, the two baselines should be the same; no encoder has LCL in both. A gain within a group compares two
# trainings by the same people; how far two groups' CE lie apart says how much the training itself can do.
#
# Nothing is trained here: the published numbers are in `data/published`, ours in `data/results`.

# %% tags=["parameters"]
profile = ""  # a name of frozen results in data/results; empty: the best that there are

# %%
from lclstudy import paths
from lclstudy.analyses.later_work import figures, tables
from lclstudy.plan import names
from lclstudy.results import frozen
from lclstudy.show import markdown
from lclstudy.show.report import Report
from lclstudy.show.text import words

results = frozen.read_frozen(profile or frozen.best_frozen())
printed = [paths.PUBLISHED / f"{name}.csv" for name in ("later", "numbers")]
report = Report("15_later_work", results.name, [*results.folders, *printed])
scores = tables.scores(results)
pairs = tables.baselines(scores)

# %% [markdown]
# ## Finding

# %%
report.said(words("analyses/later_work/said.md.j2", **tables.facts(scores, pairs, results)))

# %% [markdown]
# ## Each method beside its own CE
#
# Compare the lengths of the lines within a panel, not their ends: each panel has a scale of its own. What to mind, none of it
# to be believed without a look; the reasons stand in `data/published/README.md`:
#
# - **t**: the method's released code ends with the best epoch *on test*, and never turns dropout off; whether these numbers
#   were chosen so is not said.
# - **f**: weighted F1 lies above accuracy. Accuracy is the mean of F1 weighted by labels and F1 weighted by predictions, so one
#   of the two lies above it and the other below; one released code of these weights by predictions.
# - **d**: the counts are one text short of the public files in each split, as the reader that drops a first line gives them.
#
# On ISEAR and EmoInt Zhang et al. print macro F1 alone; it is in the table, not in the figure.

# %%
report.figure(figures.accuracies(scores), "accuracies")

# %% [markdown]
# ## Two groups, one encoder
#
# Points of accuracy; the interval of the difference is of Welch's test on the printed means, deviations and n. The gains are
# those of LCL over its own group's CE on the corpus, whatever its encoder.

# %%
columns = {"corpus": "corpus", "encoder": "encoder", "a": ("CE, Suresh and Ong", ".1f"), "b": ("CE, Zhang et al.", ".1f")}
columns |= {"difference": ("difference", "+.1f"), "ci_low": ("from", ".1f"), "ci_high": ("to", ".1f")}
columns |= {"gain_a": ("gain of LCL, Suresh and Ong", "+.1f"), "gain_b": ("gain of LCL, Zhang et al.", "+.1f")}
markdown.table(pairs.assign(corpus=pairs["corpus"].map(names.corpus), encoder=pairs["encoder"].map(names.encoder)), columns)

# %% [markdown]
# ## Every number
#
# In percent, standard deviation in brackets, gains in points. *By labels, if f*: what weighted F1 by labels would be if the
# printed one were by predictions. Prompts of large language models train nothing.

# %%
caption = "Methods after LCL on the paper's corpora, each beside its own group's CE, with what to mind; and our own runs."
report.table(scores, "scores", caption, tables.readable(scores))

# %% [markdown]
# ## The four hard sets
#
# Weighted F1 of Zhang et al. (RoBERTa base), and beside it the accuracy of LCL that Suresh and Ong print (ELECTRA base), which
# is another measure. `guilty` stands in both 4-hard-c and 4-hard-d; where the two LCL lie far apart, the printed set may be a
# misprint of what was run.

# %%
columns = {"classes": "set", "ce": "CE", "lcl": "LCL", "HypEmo": "HypEmo", "SEAN-GNN": "SEAN-GNN"}
markdown.table(tables.hard_sets(), columns | {"paper": "LCL, Suresh and Ong", "apart": ("LCL − LCL", "+.1f")})
