# %% [markdown]
# # 10 · How sure are the models?
#
# **Question: does label-aware contrastive loss make the models more sure (Figure 2), and are they right to be?**
#
# The paper takes the k largest prediction scores of a text, makes them sum to 1, and computes their entropy (Eq. 7): low
# entropy is a *peaky* answer, high entropy one that hesitates between classes. It predicts that LCL gives lower entropy, and
# says so of EmpatheticDialogues, GoEmotions (SCL as low) and SST-5. It also says that this "is independent of whether or not
# the predictions are correct". So we look at right and wrong predictions apart, and at *calibration*: whether answers given
# with 80 % confidence are right in 80 % of the cases.
#
# All numbers are of the test texts. This notebook only reads frozen results.

# %% tags=["parameters"]
profile = ""  # a name of frozen results in data/results; empty: the best that there are

# %%
from IPython.display import display

from lclstudy import paths
from lclstudy.analyses.uncertainty import figures
from lclstudy.analyses.uncertainty import tables as uncertainty_tables
from lclstudy.results import class_sets, frozen
from lclstudy.show import markdown, plots, reports, style, tables

results = frozen.read_frozen(profile or frozen.best_frozen())
whole, parts = uncertainty_tables.done(results), uncertainty_tables.done(results, whole=False)
sets = {"|".join(members): name for corpus in parts["corpus"].unique()
        for name, members in class_sets.frozen_sets(results, corpus).items()}  # fmt: skip
for line in reports.holdings(results):
    print(line)


# %%
def sources():
    return results.folders


def save(figure, name):
    style.save(figure, f"10_{name}", results.name, "10_entropy", sources())


def keep(table, name, caption, readable):
    tables.save(table, f"10_{name}", paths.figures(results.name), caption, readable, "10_entropy", sources())
    display(markdown.table(readable))


# %%
def places(bands):
    return list(bands.groupby(uncertainty_tables.PLACE, sort=False))


def entropy_figure(bands, name, draw=figures.entropy_curves):
    figure, axes = plots.panels(len(places(bands)), height=2.5, columns=2)
    for ax, ((corpus, classes, _), here) in zip(axes, places(bands), strict=True):
        draw(here, ax, uncertainty_tables.place_said(corpus, classes, sets))
    if draw is figures.entropy_by_outcome:
        figures.outcome_key(axes[0], uncertainty_tables.in_order(bands))
    save(figure, name)


# %% [markdown]
# ## Entropy against k, as in Figure 2

# %%
curves = uncertainty_tables.curves(results, whole)
bands = uncertainty_tables.bands(curves)
entropy_figure(bands[bands["outcome"] == "all"], "entropy")

# %% [markdown]
# ## Right and wrong predictions
#
# A model that is peaky where it is wrong is no better for it.

# %%
entropy_figure(bands[bands["outcome"] != "all"], "entropy_by_outcome", figures.entropy_by_outcome)

# %% [markdown]
# Welch's t-test of the entropy over all classes, over runs; `p (Holm)` is adjusted over the table.

# %%
tests = uncertainty_tables.entropy_tests(curves)
caption = "Entropy of all prediction scores in bits, differences between objectives with 95 % intervals; Welch's t-test."
keep(tests, "entropy_tests", caption, uncertainty_tables.readable_tests(tests, sets))

# %% [markdown]
# ## Class subsets
#
# Few classes that are easy (`4-easy`), and few that are hard.

# %%
if len(parts):
    part_curves = uncertainty_tables.curves(results, parts)
    part_bands = uncertainty_tables.bands(part_curves)
    entropy_figure(part_bands[part_bands["outcome"] != "all"], "entropy_subsets", figures.entropy_by_outcome)
    part_tests = uncertainty_tables.entropy_tests(part_curves)
    caption = "Class subsets: entropy of all prediction scores in bits, differences between objectives; Welch's t-test."
    keep(part_tests, "subset_tests", caption, uncertainty_tables.readable_tests(part_tests, sets))
else:
    print("No runs on class subsets in these results.")

# %% [markdown]
# ## Calibration
#
# Each mark is a bin of confidence; its size is the share of the predictions in it. On the dotted line, confidence is deserved.

# %%
bins = uncertainty_tables.reliability(results, whole)
figure, axes = plots.panels(len(places(bins)), height=2.9, columns=2)
for ax, ((corpus, classes, _), here) in zip(axes, places(bins), strict=True):
    figures.reliability_diagram(here, ax, uncertainty_tables.place_said(corpus, classes, sets))
figures.objective_key(axes[0], uncertainty_tables.in_order(bins))
save(figure, "reliability")

# %%
calibrated = uncertainty_tables.calibration(results, whole)
named = {key: uncertainty_tables.place_said(key[0], key[1], sets) for key, _ in places(calibrated)}
rows = len(calibrated.groupby([*uncertainty_tables.PLACE, "objective"]))
figure, axes = plots.subplots(1, 2, width=plots.DOUBLE, height=1.3 + 0.3 * rows)
figures.calibration_dots(calibrated, axes, named)
save(figure, "calibration")

# %% [markdown]
# *Calibration error* is the mean distance between confidence and accuracy over 15 bins. *AUROC* tells how well confidence
# separates right from wrong answers. A *best temperature* above 1 means that the model is too sure: dividing its logits by it
# fits the validation texts best.

# %%
caption = "Calibration on the test texts: means over runs with standard deviations."
keep(calibrated, "calibration_table", caption, uncertainty_tables.readable_calibration(calibrated, sets))

# %% [markdown]
# ## Finding

# %%
said = uncertainty_tables.findings(tests, calibrated, sets)
if len(parts):
    said += uncertainty_tables.findings(part_tests, uncertainty_tables.calibration(results, parts), sets)[1:]
for line in said:
    print(line)
