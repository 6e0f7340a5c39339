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
corpus = ""  # a corpus of these results; empty: all on which something in LCL is changed

# %%
from lclstudy.analyses.ablations import figures
from lclstudy.analyses.ablations import tables as ablation_tables
from lclstudy.results import frozen
from lclstudy.show import marks, style
from lclstudy.show.report import Report

results = frozen.read_frozen(frozen.fitting(profile, ablation_tables.corpora) or "ablations")
report = Report("11_ablations", results.name, results.folders)
corpora = [corpus] if corpus else ablation_tables.corpora(results)
report.said(*(ablation_tables.findings(results, one) for one in corpora))

# %% [markdown]
# ## Each setting against LCL
#
# A filled mark compares two or more runs on each side, and its line is a 95 % interval over seeds (Welch). An open mark is one
# run minus the run of LCL with the same seed, and its line is a 95 % interval over the test texts: it tells how sure the
# difference of these two trained models is, and **nothing of other seeds**; it cannot be held against the marks of CE and
# SCL, which are means. The band is the yardstick: two runs of LCL that differ in their seed alone lie so far apart.

# %%
found = {one: ablation_tables.settings(results, one) for one in corpora}
where = {one: ablation_tables.where(table) for one, table in found.items()}
for one, table in found.items():
    figure, (ax,) = style.subplots(1, 1, width=style.DOUBLE, height=marks.grouped_height(table["group"]))
    figures.forest(table, ablation_tables.spread(table), f"What changes when a part of LCL changes: {where[one]}", ax)
    report.figure(figure, f"forest_{one}")

# %% [markdown]
# Test accuracy in percent with its standard deviation over n runs. p is of Welch's test, adjusted by Holm's method, which the
# intervals are not, within a question: the papers' claims about LCL, CE and SCL (judged as in notebooks 06 and 13), each group
# of changes to LCL, other objectives. What is planned and has no p yet counts too, so that no word is taken back when it has
# run. Nothing is decided on fewer than three runs of a side. *Paired by seed*: runs of one seed share the order of texts and,
# where they have the same layers, their first values; no verdict rests on it. *Minus CE* is what a setting gains over
# cross-entropy, over seeds or texts.
#
# | Setting | What it is |
# | :--- | :--- |
# | weights inside the log | the weight of the anchor's own class inside the log, Eq. 3 as printed |
# | no gradient to the weights | the contrastive loss does not train the weighting network |
# | weighting network frozen | it is trained beforehand, and then stands still |
# | weights from confusion, from label names | fixed: of a cross-entropy run's confusions, or of the similarity of label names |
# | uniform weights | the same weight for every class, no second network |
# | no second views | each text once in a batch: only other texts of its class are its positives |
# | second views by dropout | the same text twice, under other dropout |
# | new synonyms each epoch | drawn anew, in place of once before training |
# | no dropout on the logits | of the primary network |
# | summed over the batch | the contrastive loss as a sum, Eq. 4 as printed |
# | as printed | all that the paper prints otherwise than its code does |
# | CE + aug. | cross-entropy on the texts and their second views |
# | CE ensemble | both networks of LCL with cross-entropy, their probabilities averaged |
# | SCL, two stages | the contrastive loss alone, then a classifier on frozen features |
# | LASCL, DCL | contrast scaled by the similarity of label names; the positive left out of the denominator |
# | LaCon | label anchors: text to label, label to text, and a regulariser of labels |

# %%
for one, table in found.items():
    caption = f"Settings against LCL as released on {where[one]}: test accuracy in percent (SD), difference in points."
    report.table(table, f"settings_{one}", caption, ablation_tables.readable(table))

# %% [markdown]
# ## What each part costs
#
# Seconds are rough: runs on a CPU were trained side by side with other work, so compare halves and doubles, not percents.
# Runs of two parts (a network trained beforehand, two stages) count both.

# %%
first = corpora[0]
if found[first]["n"].any():
    costs = ablation_tables.readable_costs(found[first])
    report.table(found[first], "costs", f"What training takes on {where[first]}, roughly.", costs)
