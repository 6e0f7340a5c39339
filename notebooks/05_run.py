# %% [markdown]
# # 05 · All runs of a profile
#
# **Question: which runs of the profile are missing, and what do they give once they are trained?**
#
# A *profile* is a list of runs: corpora, objectives and seeds, each with each. Every run is repeated with several *seeds*,
# because chance (the order of the texts, the first weights of new layers) moves a result, and one number cannot tell how far.
# A profile may also ask for the *case study*: runs on sets of a few classes of one corpus, published ones and hard ones that a
# search finds in the confusions of the runs before.
#
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
retrain = False  # whether to train also what is frozen; of its grid the quick profile does, of seed 0

# %%
from lclstudy import paths
from lclstudy.plan import names
from lclstudy.plan.profiles import load_profile
from lclstudy.results import class_sets
from lclstudy.runs import grid, store
from lclstudy.show import markdown
from lclstudy.show import runs as reports
from lclstudy.show.report import Report

whole = load_profile(profile)
part = whole.restrict(corpora, objectives, seeds, encoders)
study = part.case_study
report = Report("05_run", whole.name, [])
print(f"{whole.title}.")
print(f"Runs wanted: {len(part.specs())}, of {len(whole.specs())} in the profile.")
if study:
    asked = f"sets {', '.join(study.sets)}, and {study.found} of {study.size} classes that the search finds"
    print(f"Case study on {names.corpus(study.corpus)}: {asked}; seeds {', '.join(map(str, study.seed))}.")

# %% [markdown]
# ## Training what is missing
#
# First the grid, then the case study. The paper (Section 5.3) trains on 16, 8 and 4 of the 32 emotions of EmpatheticDialogues:
# four that are easy to tell apart, and four sets of four that are hard. Our own search adds sets that cross-entropy runs on all
# classes confuse, on the validation texts, as `07_hard_subsets` shows: first the set of classes that are taken for one another
# most often, then the next one that shares no class with it, and so on. The corpus of the quick profile was made with three
# groups of confusable classes, and the search should find one of them.

# %% tags=["nbval-ignore-output"]
runs = store.RunStore()
print(f"Missing: {len(store.missing(part, runs, retrain))}; sets that are yet to be found are not counted.")
print(grid.run_profile(part, runs, retrain, executor=executor, workers=workers or None, device=device or None))

# %% [markdown]
# ## The runs
#
# `best epoch` is the one with the best validation accuracy; the test numbers are of that epoch.

# %% tags=["nbval-ignore-output"]
specs = class_sets.all_specs(part, runs)
frame = runs.frame(specs)
markdown.table(reports.runs(frame))

# %% tags=["nbval-ignore-output"]
report.said(["No run failed."] if (frame["status"] != "failed").all() else reports.failures(frame))

# %% [markdown]
# ## Freezing
#
# What was trained here goes to `build/PROFILE/results`, where the reading notebooks find it beside what the repository holds.

# %%
runs.freeze(paths.build(whole.name) / "results", [*class_sets.all_specs(whole, runs), *specs])  # a seed may be beyond its own
print("Frozen.")

# %% [markdown]
# ## Trained again
#
# Runs that the repository holds frozen and that were trained here as well: how far apart are the two? The same machine with the
# same versions and threads gives the same record; another one rounds differently, and training enlarges that. With the small
# encoder of the quick profile, which starts from nothing, one seed may then differ by many points: it shows how things work,
# and is no evidence about a loss.

# %% tags=["nbval-ignore-output"]
markdown.table(reports.retrained(runs.retrained(whole.name)))

# %% [markdown]
# ## Finding

# %% tags=["nbval-ignore-output"]
report.said(reports.grid_findings(frame))
