# %% [markdown]
# # 05 · All runs of a profile
#
# **Question: which runs of the profile are missing, and what do they give once they are trained?**
#
# A *profile* is a list of runs: corpora, objectives and seeds, each with each. Every run is repeated with several *seeds*,
# because chance (the order of the texts, the first weights of new layers) moves a result, and one number cannot tell how far.
# This notebook trains the runs that have no record yet in `data/runs`, then *freezes* all results of the profile: it
# writes them as small files to `build/PROFILE/results`, where the reading notebooks find them beside those of the study.
#
# You may stop it at any time. What is finished is kept, and the next start goes on from there.

# %% tags=["parameters"]
profile = "quick"  # quick, minilm, paper, or a toml file of your own
corpora = ""  # only these, with commas between; empty: all of the profile
objectives = ""  # only these
seeds = ""  # these seeds instead of the profile's
encoders = ""  # only these
executor = "auto"  # what suits; or serial: one run after another, processes: some at a time, ray: on a cluster
workers = 0  # runs at a time; 0: one per core
device = ""  # cuda, mps or cpu; empty: the first of these that there is
retrain = False  # whether to train also what is frozen; the quick profile always does

# %%
from lclstudy.plan.profiles import load_profile
from lclstudy.runs import grid, store
from lclstudy.show import markdown, reports

whole = load_profile(profile)
specs = whole.restrict(corpora, objectives, seeds, encoders).specs()
print(f"{whole.title}.")
print(f"Runs wanted: {len(specs)}, of {len(whole.specs())} in the profile.")

# %% [markdown]
# ## Training what is missing

# %% tags=["nbval-ignore-output"]
runs = store.RunStore()
again = retrain or whole.retrain
print(f"Missing: {len(runs.missing(specs, again))} of {len(specs)}.")
how = {"executor": executor, "workers": workers or None, "device": device or None}
print(grid.run_missing(specs, runs, **how, retrain=again))

# %% [markdown]
# ## The runs
#
# `best epoch` is the one with the best validation accuracy; the test numbers are of that epoch.

# %% tags=["nbval-ignore-output"]
frame = runs.frame(specs)
markdown.table(reports.runs(frame))

# %% tags=["nbval-ignore-output"]
failed = reports.failures(frame)
print("\n".join(["Failed runs:", *failed]) if failed else "No run failed.")

# %% [markdown]
# ## Freezing
#
# What was trained here goes to `build/PROFILE/results`, where the reading notebooks find it beside what the repository holds.
# Its runs on class subsets are those of `08_run_subsets`.

# %%
store.freeze(whole, runs, specs)  # a seed may be beyond the profile's own
print("Frozen.")

# %% [markdown]
# ## Trained again
#
# Runs that the repository holds frozen and that were trained here as well: how far apart are the two? The same machine gives
# the same record; another one rounds differently, and training enlarges that.

# %% tags=["nbval-ignore-output"]
markdown.table(reports.retrained(runs.retrained(whole.name)))

# %% [markdown]
# ## Finding

# %% tags=["nbval-ignore-output"]
for line in reports.grid_findings(frame):
    print(line)
