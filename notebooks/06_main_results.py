# %% [markdown]
# # 06 · Main results
#
# **Question: do the results of the paper's Tables 1, 2, 4 and 5 come out again, and is label-aware contrastive loss better
# than what it is compared with?**
#
# The paper (Suresh and Ong, 2021) trains the same encoder with several *objectives*:
#
# - `CE`: cross-entropy, the usual way. `CE + aug.` is the same with a second view of each text, and tells what
#   the second views do by themselves. The paper names no such system, nor does it say whether its CE saw second views: a later
#   script in its authors' repository, `train_baseline.py`, trains CE on both.
# - `SCL`: cross-entropy and a contrastive loss, which pulls texts of one class together and pushes all others away equally.
# - `LCL`: the same, but *label-aware*: texts of classes that are easily confused push each other away harder.
#
# *Ours* are the frozen results in `data/results`, which `05_run` makes. This notebook only reads them. MiniLM there is
# `all-MiniLM-L6-v2`, 6 layers, which its authors had already trained by a contrastive loss on sentence pairs, many of them from
# Reddit, as the texts of GoEmotions are. We read its [CLS], with the settings that the paper searched for ELECTRA base.

# %% tags=["parameters"]
profile = ""  # a name of frozen results in data/results; empty: the best that there are

# %%
from IPython.display import display

from lclstudy import paths
from lclstudy.analyses.main_results import figures, hard_texts, tables
from lclstudy.plan import names
from lclstudy.results import frozen, selection
from lclstudy.show import markdown, plots, runs
from lclstudy.show.report import Report
from lclstudy.show.text import words

results = frozen.read_frozen(profile or frozen.best_frozen())
report = Report("06_main_results", results.name, [*results.folders, paths.PUBLISHED / "numbers.csv"])
main, differences = tables.main_table(results), tables.differences(results)
kept = tables.without_relabelled(results)
hard = hard_texts.hard_texts(results)

# %% [markdown]
# ## Finding
#
# Each difference is of means over runs, which differ in their seed, with its 95 % interval. What the paper claims of a corpus
# is *reproduced* or *contradicted* if Welch's test says so at p < .05, adjusted by Holm's method over the three comparisons of
# the corpus; *smaller than published* if the interval ends below the published difference; else, and always with fewer than 3
# runs, *undecided*. That two are *the same*, or one is *not above* the other, means by less than 0.7 points, tested by itself
# at p < .05 on each side, so that the interval shown, at 95 %, may reach further. Where the paper claims nothing, the word is
# *above*, *below* or *undecided*, by the same test. *Not converged*: the validation accuracy of that objective still rose at
# the last epoch, by more than its standard deviation over the runs; more epochs would speak for it.

# %%
report.said(words("analyses/main_results/said.md.j2", **tables.facts(main, differences, kept), hard=hard.to_dict("records")))

# %% [markdown]
# ## Published beside reproduced
#
# Each cell is `published / ours`: a mean, its standard deviation in brackets, in percent; `n` counts the runs behind them, of
# those planned. Tables 1 and 2 of the paper are of the test texts, Tables 4 and 5 of the validation texts. *Weighted F1* also
# counts, class by class, how much of what was given a name deserved it; the paper gives it for emotions alone.

# %%
caption = "Tables 1, 2, 4 and 5 of Suresh and Ong (2021): published / ours, mean (standard deviation) in percent."
report.table(main.drop(columns="scores"), "table", caption, tables.readable(main))

# %% [markdown]
# ## Which differences are more than chance?

# %%
figure = figures.forests(differences)
if figure:
    report.figure(figure, "differences")

# %% [markdown]
# Two other intervals stand beside, on which no word rests: over *test texts* (what other texts could have shown to the same
# models), and *paired* by seed, for runs of the same seed read the texts in the same order. The published intervals are worked
# out from the published means, deviations and n. *p* is two-sided, but of *the same* and *not above* that of their own test; *p
# (Holm)* is of the two-sided p of the three comparisons, and is not shown beside such a test, which is no member of that
# family. The comparisons with `CE + aug.` are a question, and a family of tests, of their own: what do second views alone
# bring?

# %%
caption = "Differences of test accuracy between objectives in points, with 95 % intervals over runs (Welch)."
caption += " Of “same” and “not above” p is of a test of its own, with the margin of that claim."
if figure:
    report.table(differences, "differences_tests", caption, tables.readable_differences(differences))

# %% [markdown]
# Some test texts stand in train as well, but with another label, so that a model which remembers them gets them wrong. Without
# them:

# %%
markdown.table(tables.readable_kept(kept))

# %% [markdown]
# ## Learning curves
#
# The *cross-entropy* is the part of the loss that all objectives share.

# %%
epochs = results.epochs[
    results.epochs["identity"].isin(selection.runs(results)["identity"]) & (results.epochs["classes"] == "")
]
report.figure(figures.curves(epochs), "curves")

# %% [markdown]
# ## What is confused
#
# Of each corpus, the objective with the best mean validation accuracy; its runs are added up. Rows are true classes, and
# classes that are often taken for one another are neighbours.

# %%
best = [(row, *results.confusion(identities)) for row, identities in tables.best_runs(results, main)]
found = [(f"{names.corpus(row['corpus'])}, {names.objective(row['objective'])}, {names.encoder(row['encoder'])}, "
          f"n = {row['n']}, test", counts, classes) for row, counts, classes in best]  # fmt: skip
for number, (title, counts, classes) in enumerate(found, 1):
    report.figure(plots.confusion_heatmap(counts, classes, title), f"confusion_{number}")

# %% [markdown]
# The pairs of classes that are taken for one another most often:

# %%
for title, counts, classes in found:
    display(markdown.table(runs.confused(counts, classes).assign(where=title)))

# %% [markdown]
# ## What no run gets right
#
# Texts that every run gets wrong, whatever its objective and seed: none of these losses wins them with this encoder. The fewer
# the runs, the more such texts, so corpora with other numbers of runs do not compare. Where all runs also agree on one other
# label, the label in the data may be wrong, or a double of the text may carry another one; of two classes there is but one
# other.

# %%
if len(hard):
    caption = "Test texts that every run of a corpus gets wrong, and the class that is missed most often."
    report.table(hard, "hard_texts", caption, hard_texts.readable(hard))
