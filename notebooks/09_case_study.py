# %% [markdown]
# # 09 · Case study: more classes, harder classes
#
# **Question: does label-aware contrastive loss help more where classes are more, or easier to confuse? (Table 3)**
#
# The paper (Section 5.3) takes 32, 16, 8 and 4 emotions of EmpatheticDialogues. `4-easy` are four that are easy to tell apart;
# `4-hard-a` to `4-hard-d` are sets of four that a search found hard. `found-a`, `found-b`, ... are sets that our own search
# finds (`07_hard_subsets`). Every set has its own training and test texts, so accuracies of different sets do not compare;
# differences between objectives on one set do.
#
# *Ours* are the frozen results in `data/results`, which `05_run` makes. This notebook only reads them.

# %% tags=["parameters"]
profile = ""  # a name of frozen results in data/results; empty: the best that there are

# %%
from IPython.display import display

from lclstudy import paths
from lclstudy.analyses.case_study import figures
from lclstudy.analyses.case_study import tables as case_tables
from lclstudy.plan import names
from lclstudy.results import class_sets, frozen, published
from lclstudy.show import markdown, plots, reports, style, tables

results = frozen.read_frozen(profile or frozen.best_frozen())
corpora = case_tables.case_corpora(results)
corpus = corpora[0]
for line in reports.holdings(results, class_sets=class_sets.frozen_sets(results, corpus)):
    print(line)


# %%
def sources():
    return [*results.folders, paths.published() / "numbers.csv", paths.published() / "class_sets.csv"]


def save(figure, name):
    style.save(figure, f"09_{name}", results.name, "09_case_study", sources())


def keep(table, name, caption, readable):
    tables.save(table, f"09_{name}", paths.figures(results.name), caption, readable, "09_case_study", sources())
    display(markdown.table(readable))


# %%
made = case_tables.results_by_set(results, corpus)
ours = case_tables.comparisons_by_set(results, corpus)
theirs = case_tables.published_by_set(corpus)

# %% [markdown]
# ## What LCL gains on each set
#
# The gain is a difference of mean test accuracies. Open marks are published, filled ones are ours.

# %%
height = 1.2 + 0.27 * ours["classes"].nunique()
figure, axes = plots.subplots(1, 2, width=plots.DOUBLE, height=height)
figures.gains_by_set(ours, theirs, axes)
save(figure, "gains")

# %% [markdown]
# ## Accuracies

# %%
figure, axes = plots.subplots(1, 2, width=plots.DOUBLE, height=height)
figures.accuracy_by_set(made, axes)
save(figure, "accuracies")

# %% [markdown]
# Table 3: mean test accuracy in percent with its standard deviation, and n runs.

# %%
caption = "Table 3 of Suresh and Ong (2021), published and ours: mean test accuracy in percent, standard deviation, n runs."
keep(made, "table3", caption, case_tables.readable(made))

# %% [markdown]
# The sets, and how many texts they have.

# %%
markdown.table(case_tables.set_sizes(results, corpus))

# %%
small = {name: members for name, members in published.class_sets().items() if len(members) == 4}
markdown.table(case_tables.class_sets(small))

# %% [markdown]
# ## Which differences are more than chance?
#
# Welch's t-test over runs; p values are also adjusted by Holm's method over all tests of the table. One run gives no test.

# %%
tested = ours[ours["difference"].notna()]
caption = "Differences of test accuracy between objectives on class sets, in points, with 95 % intervals; Welch's t-test."
keep(ours, "tests", caption, tables.readable_comparisons(tested if len(tested) else ours))

# %% [markdown]
# What follows from the published means, deviations and n by the same test:

# %%
if len(theirs):
    display(markdown.table(tables.readable_comparisons(theirs)))
else:
    print(f"The paper has no numbers of {names.corpus(corpus)}.")

# %% [markdown]
# ## Finding

# %%
for line in case_tables.findings(made, ours, theirs):
    print(line)
