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
# A difference is of means over runs, which differ in their seed. A claim is *reproduced* or *contradicted* if Welch's test says
# so at p < .05, adjusted by Holm's method over the three comparisons of a set; *smaller than published* if the 95 % interval
# ends below the published difference; else, and always with fewer than 3 runs, *undecided*. This notebook only reads frozen
# results, which `05_run` makes.

# %% tags=["parameters"]
profile = ""  # a name of frozen results in data/results; empty: the best that there are

# %%
from lclstudy import paths
from lclstudy.analyses.case_study import figures, tables
from lclstudy.results import frozen
from lclstudy.show import markdown
from lclstudy.show.report import Report

results = frozen.read_frozen(frozen.fitting(profile, tables.case_corpora) or frozen.best_frozen())
corpus, *_ = tables.case_corpora(results)
files = [paths.PUBLISHED / name for name in ("numbers.csv", "class_sets.csv")]
report = Report("09_case_study", results.name, [*results.folders, *files])
table, differences, gains = (ask(results, corpus) for ask in (tables.table_3, tables.differences, tables.gains))
report.said(tables.said(table, differences, gains))

# %% [markdown]
# ## Does LCL gain more where classes are confused more often?
#
# How often a set's classes are confused is told by models that saw all classes: of the validation texts of its classes, the
# share that `CE` takes for another class of the set. (The accuracy of `CE` on the set itself would not do: it is part of the
# gain, so that the two would go together by chance alone.) The printed classes of `4-hard-d` can hardly have its printed
# accuracy (`00_published`), and with others its confusion would be another: so the correlation is also given without it, which
# was thought of after its gain was seen. The sets share classes and texts, so that p, which takes them as independent, is a
# rough guide.

# %%
figure = figures.gains(differences, gains)
if figure:
    report.figure(figure, "gains")
columns = {"gains": "Gains", "sets": "Sets", "rho": ("Spearman's rho", "+.2f"), "p": ("p", ".3f")}
markdown.table(tables.correlations(gains), columns)

# %% [markdown]
# ## Table 3
#
# Mean test accuracy in percent with its standard deviation, and n runs, of the sets that ran.

# %%
caption = "Table 3 of Suresh and Ong (2021), published and ours: mean test accuracy in percent, standard deviation, n runs."
absent = tables.missing(table)
caption += f" Not run: {', '.join(absent)}." if absent else ""
report.table(table.drop(columns="scores"), "table3", caption, tables.readable(table))

# %% [markdown]
# The sets, and how many texts they have.

# %%
markdown.table(tables.set_sizes(results, corpus))

# %% [markdown]
# ## Which differences are more than chance?
#
# A word says what became of the paper's claim, which on 4-easy is that all three perform the *same*: by less than 0.7 points,
# with p of that test. Where it claims nothing, the word is *above*, *below* or *undecided*. Two other intervals stand beside
# that over seeds, on which no word rests: over *test texts* (what other texts could have shown to the same models), and
# *paired* by seed, for runs of the same seed read the texts in the same order. The published intervals are worked out from the
# published means, deviations and n. *p (Holm)* is of the two-sided p of the three comparisons of a set, and is not shown where
# *p* is of a claim's own test, which is no member of that family.

# %%
caption = "Differences of test accuracy between objectives on class sets, in points, with 95 % intervals over runs (Welch)."
caption += " Of “same” and “not above” p is of a test of its own, with the margin of that claim."
if len(differences):
    report.table(differences, "tests", caption, tables.readable_differences(differences))
