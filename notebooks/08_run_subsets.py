# %% [markdown]
# # 08 · Runs on class subsets
#
# **Question: which class subsets does the case study need, and what do the runs on them give?**
#
# The paper (Section 5.3) trains on 16, 8 and 4 of the 32 emotions of EmpatheticDialogues: four that are easy to tell apart, and
# four sets of four that are hard. This notebook trains the same *published* sets. It also trains sets that our own search
# finds, in the validation confusions of cross-entropy runs on all classes, as `07_hard_subsets` shows: `found-a` is the set of
# classes that are taken for one another most often, `found-b` the next one that shares no class with it, and so on.
#
# With the quick profile the corpus is the embedded one, which was made with three groups of confusable classes: there are no
# published sets of it, and the search should find the groups.
#
# You may stop it at any time. What is finished is kept, and the next start goes on from there.

# %% tags=["parameters"]
profile = "quick"  # quick, minilm, paper, or a toml file of your own
objectives = ""  # only these, with commas between; empty: all of the case study
seeds = ""  # these seeds instead of the profile's
executor = "auto"  # what suits; or serial: one run after another, processes: some at a time, ray: on a cluster
workers = 0  # runs at a time; 0: one per core
device = ""  # cuda, mps or cpu; empty: the first of these that there is
retrain = False  # whether to train also what is frozen; the quick profile always does

# %%
from lclstudy.analyses.case_study import tables
from lclstudy.plan import names
from lclstudy.plan.profiles import load_profile
from lclstudy.results import class_sets
from lclstudy.runs import grid, store
from lclstudy.show import markdown, plots, reports, style

whole = load_profile(profile)
part = whole.restrict(objectives=objectives, seeds=seeds)
study = part.case_study
print(f"{names.corpus(study.corpus)}, seeds {', '.join(map(str, study.seed))}.")
print(f"Published sets: {', '.join(study.sets)}; sets to be found: {study.found} of {study.size} classes.")

# %% [markdown]
# ## Training what is missing
#
# First cross-entropy on all classes, because the search reads its confusions; then every set with every objective.

# %% tags=["nbval-ignore-output"]
runs = store.RunStore()
how = {"executor": executor, "workers": workers or None, "device": device or None}
print(grid.run_case_study(part, runs, **how, retrain=retrain or whole.retrain))

# %% [markdown]
# ## What the search found

# %% tags=["nbval-ignore-output"]
counts, classes, n = class_sets.confusion(whole, runs)
figure, axes = plots.subplots(width=plots.heatmap_width(len(classes)), height=0.88 * plots.heatmap_width(len(classes)))
what = f"{names.corpus(study.corpus)}, CE, {n} runs, validation"
plots.confusion_heatmap(counts, classes, axes[0], what)
saved = style.save(figure, f"08_confusion_{study.corpus}", whole.name, "08_run_subsets", [])

# %% tags=["nbval-ignore-output"]
sets = class_sets.all_sets(whole, runs)
for line in tables.found_said(class_sets.found_sets(whole, runs), sets):
    print(line)
markdown.table(tables.class_sets(sets))

# %% [markdown]
# ## The runs
#
# `best epoch` is the one with the best validation accuracy; the test numbers are of that epoch.

# %% tags=["nbval-ignore-output"]
frame = runs.frame(class_sets.specs(part, sets))
markdown.table(reports.runs(frame, sets))

# %% tags=["nbval-ignore-output"]
failed = reports.failures(frame)
print("\n".join(["Failed runs:", *failed]) if failed else "No run failed.")

# %% [markdown]
# ## Freezing
#
# What was trained here goes to `build/PROFILE/results`, where the reading notebooks find it beside what the repository holds.

# %%
store.freeze(whole, runs, class_sets.specs(part, sets))
print("Frozen.")

# %% [markdown]
# ## Finding

# %% tags=["nbval-ignore-output"]
for line in tables.run_findings(frame, sets):
    print(line)
