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
from lclstudy.analyses.uncertainty import figures, tables
from lclstudy.results import comparisons, frozen
from lclstudy.show.report import Report
from lclstudy.show.text import words

results = frozen.read_frozen(profile or frozen.best_frozen())
report = Report("10_entropy", results.name, results.folders)
runs = comparisons.scored(results)
curves, calibrated = tables.curves(results, runs), tables.calibration(results, runs)
differences = tables.differences(results, curves)

# %% [markdown]
# ## Finding
#
# Below is peakier. What the paper claims of a corpus is *reproduced* or *contradicted* if Welch's test over runs says so at p
# < .05, adjusted by Holm's method over the three comparisons of a corpus or class set; else, and always with fewer than 3 runs,
# *undecided*. It claims something of the three corpora above alone; elsewhere the word is *above*, *below* or *undecided*. The
# comparisons with CE + aug., another family, ask how much of it the second views do by themselves.

# %%
report.said(words("analyses/uncertainty/said.md.j2", **tables.facts(results, differences, calibrated)))

# %% [markdown]
# ## Entropy against k, as in Figure 2

# %%
report.figure(figures.entropy_curves(curves), "entropy")

# %% [markdown]
# ## Right and wrong predictions, and few classes
#
# A model that is peaky where it is wrong is no better for it. Beside all classes: sets of few classes that are easy (`4-easy`),
# and of few that are hard.
#
# Right and wrong predictions, and the interval *paired* by seed, stand beside the comparison that is judged; they have no word
# of their own.

# %%
caption = (
    "Entropy of all prediction scores in bits, differences between objectives with 95 % intervals; Welch's t-test over runs."
)
readable = tables.readable_differences(differences)
if len(readable):
    report.table(differences, "entropy_tests", caption, readable)

# %% [markdown]
# ## Calibration
#
# Each mark is a bin of confidence; its size is the share of the predictions in it. On the dotted line, confidence is deserved.

# %%
bins = tables.reliability(results, runs[runs["set"] == comparisons.ALL_CLASSES])
report.figure(figures.reliability_diagrams(bins), "reliability")

# %% [markdown]
# *Calibration error* is the mean distance between confidence and accuracy over 15 bins. *AUROC* tells how well confidence
# separates right from wrong answers. A *best temperature* above 1 means that the model is too sure: dividing its logits by it
# fits the validation texts best.

# %%
caption = "Calibration on the test texts: means over runs with standard deviations."
report.table(calibrated, "calibration_table", caption, tables.readable_calibration(calibrated))
