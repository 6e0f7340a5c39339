# %% [markdown]
# # 07 · Hard subsets
#
# **Question: which classes of EmpatheticDialogues are taken for one another, are the paper's four hard sets the most confusable
# of all 35,960 sets of four, and how stable is such a choice?**
#
# The paper (Section 5.3) trains a model with cross-entropy on all 32 emotions, takes its confusion matrix, and adds up the
# off-diagonal counts within each set of four classes. `4-hard-a` is said to have the largest sum; without its classes
# `4-hard-b` is the next, then `4-hard-c` and `4-hard-d`. `4-easy` was chosen by hand. The paper says neither how many runs
# the matrix is of, nor of which texts it is.
#
# Here the matrix adds up the *validation* errors of the `CE` runs, so that the test texts stay unseen. Every set is scored;
# ours, `found-a` to `found-d`, are picked as the paper describes. The numbers are of our encoder, which may confuse other
# classes than the paper's does. This notebook only reads frozen results, which `05_run` makes.

# %% tags=["parameters"]
profile = ""  # a name of frozen results in data/results; empty: the best that there are
draws = 1000  # of each bootstrap
seed = 0  # of the bootstrap

# %%
from IPython.display import display

from lclstudy import paths
from lclstudy.analyses.hard_subsets import figures
from lclstudy.analyses.hard_subsets import search as subsets
from lclstudy.analyses.hard_subsets import tables as subset_tables
from lclstudy.results import frozen
from lclstudy.show import markdown, plots, style, tables

results = frozen.read_frozen(profile or frozen.best_frozen())
found = subset_tables.source(results)
print(found.said())
if found.note:
    print(found.note)

# %%
others, whose = subset_tables.others(found), subset_tables.whose(found)
members, scores = subsets.ranked(found.confusion, found.size)
table = subset_tables.compared(found, others)
drawn = subset_tables.resampled(found, draws, seed)
stability = subset_tables.stability(found, drawn)
intervals = subset_tables.rank_intervals(table, found, drawn)
what = found.said().rstrip(".")


# %%
def sources():
    return [*results.folders, *subset_tables.files(found)]


def save(figure, name):
    style.save(figure, f"07_{name}", results.name, "07_hard_subsets", sources())


def keep(table, name, caption, readable):
    tables.save(table, f"07_{name}", paths.figures(results.name), caption, readable, "07_hard_subsets", sources())
    display(markdown.table(readable))


# %% [markdown]
# ## Which classes are alike?
#
# A tree by average linkage. Two classes are the more alike, the larger the share of their texts that is taken for the other;
# a branch is as far from another as their classes are on average. A set of four need not be a branch: the search counts
# errors, the tree averages over all pairs of classes.

# %%
figure, axes = plots.subplots(width=plots.DOUBLE, height=1.2 + 0.165 * len(found.classes))
figures.class_dendrogram(found.confusion, found.classes, table["members"][table["ours"]], others, axes[0], whose, what)
save(figure, "class_tree")

# %% [markdown]
# ## All subsets, and where the sets stand

# %%
figure, axes = plots.subplots(width=plots.DOUBLE, height=3.6)
figures.score_distribution(scores, table, axes[0], what)
save(figure, "scores")

# %% [markdown]
# *Rank when picked*: among the subsets that share no class with the hard sets before it, as the paper searched. A class that
# a set shares with one before it is no hindrance here, or the set could not have been picked at all. *In disjoint pairs*: a sum
# can be large because of two pairs, each confused within itself, that have little to do with each other.

# %%
caption = "Our most confusable class sets and those of others: errors within, and rank among all subsets (1: most confusable)."
keep(subset_tables.plain(table), "sets", caption, subset_tables.readable(table, intervals))

# %% [markdown]
# ## How stable is the choice?
#
# Two bootstraps. *Texts drawn again*: the validation texts, with replacement, each with the predictions of all runs; it tells
# what other texts could have shown to the same models. *Runs drawn again*: the runs; it tells what other seeds could show.
# One run cannot be drawn anew, and few runs give few different draws. Each draw is searched as the data were.

# %%
figure, axes = plots.subplots(1, 2, width=plots.DOUBLE, height=3.4)
figures.stability_dots(stability, axes[0])
figures.rank_dots(intervals, len(scores), axes[1])
figure.suptitle(what, x=0.01, ha="left", size=style.SMALLEST + 1)
save(figure, "stability")

# %%
caption = "How often our sets are picked again when texts or runs are drawn again with replacement."
keep(stability, "stability", caption, subset_tables.readable_stability(stability))

# %% [markdown]
# ## Finding

# %%
for line in subset_tables.findings(found, table, stability, intervals):
    print(line)
