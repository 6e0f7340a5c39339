# %% [markdown]
# # 11 · Ablations: what in LCL matters?
#
# **Question: which parts of label-aware contrastive loss carry its gain, if there is one: the weights, the second views, the
# classifier, or only more training and more parameters? And what do the objectives that came later add?**
#
# Profile `ablations` trains LCL as released, then LCL with one thing changed at a time, then cross-entropy with the same second
# views or the same number of parameters, and later objectives; all else stays as it is. *Ours* are the frozen results in
# `data/results`, which `./run_all.sh ablations` makes. This notebook only reads them.
#
# The paper has no ablations of these parts, so nothing published stands beside them. No setting was searched for: the later
# objectives have the temperature and the weight of cross-entropy that LCL has, unless their name says otherwise, and might do
# better with their own.

# %% tags=["parameters"]
profile = "ablations"  # a name of frozen results in data/results
corpus = ""  # a corpus of these results; empty: the one on which most settings are planned

# %%
from IPython.display import display

from lclstudy import paths
from lclstudy.analyses.ablations import figures
from lclstudy.analyses.ablations import tables as ablation_tables
from lclstudy.results import frozen
from lclstudy.show import markdown, plots, reports, style, tables

results = frozen.read_frozen(profile)
found = ablation_tables.settings(results, corpus)
spread = ablation_tables.spread(found)
for line in reports.holdings(results):
    print(line)


# %%
def save(figure, name):
    style.save(figure, f"11_{name}", results.name, "11_ablations", results.folders)


def keep(table, name, caption, readable):
    sources = results.folders
    tables.save(table, f"11_{name}", paths.figures(results.name), caption, readable, "11_ablations", sources)
    display(markdown.table(readable))


# %% [markdown]
# ## Each setting against LCL
#
# A filled mark compares two or more runs on each side, and its line is a 95 % interval over seeds (Welch). An open mark is one
# run minus the run of LCL with the same seed, and its line is a 95 % interval over the test texts: it tells how sure the
# difference of these two trained models is, and **nothing of other seeds**. The band is the yardstick: two runs of LCL that
# differ in their seed alone lie so far apart.

# %%
figure, axes = plots.subplots(1, 1, width=plots.DOUBLE, height=figures.height(found))
title = f"What changes when a part of LCL changes: {ablation_tables.where(found)}"
figures.forest(found, spread, ablation_tables.GROUPS, title, axes[0])
save(figure, "forest")

# %% [markdown]
# Test accuracy in percent with its standard deviation over n runs. p is of Welch's test; Holm's method adjusts it, which the
# intervals are not, within a question: LCL against its baselines, changes to LCL, other objectives. One run gives no test.

# %%
where = ablation_tables.where(found)
caption = f"Settings against LCL as released on {where}: test accuracy in percent (standard deviation), difference in points."
keep(found, "settings", caption, ablation_tables.readable(found))

# %% [markdown]
# ## What is left of a gain over cross-entropy, and the same seeds paired
#
# Runs of one seed share the order of texts and, where they have the same layers, their first values, so a paired test can see
# more than Welch's. It is shown besides; the finding rests on Welch's. *Minus CE* is what a setting gains over cross-entropy.

# %%
left = ablation_tables.readable_gain(found)
if len(left):
    display(markdown.table(left))
else:
    print("No setting has run.")

# %% [markdown]
# ## What each part costs
#
# Seconds are rough: runs on a CPU were trained side by side with other work, so compare halves and doubles, not percents.
# Runs of two parts (a network trained beforehand, two stages) count both.

# %%
ran = int((found["n"] > 0).sum())
figure, axes = plots.subplots(1, 3, width=plots.DOUBLE, height=1.0 + 0.2 * max(ran, 2))
figures.gain_and_cost(found, f"Accuracy: {ablation_tables.where(found)}", axes)
save(figure, "cost")

# %%
costs = ablation_tables.readable_costs(found)
if len(costs):
    display(markdown.table(costs))
else:
    print("No setting has run.")

# %% [markdown]
# ## Finding

# %%
for line in ablation_tables.findings(found) + reports.failures(results.runs):
    print(line)
