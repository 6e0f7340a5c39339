# %% [markdown]
# # 13 · Verdicts
#
# **Question: which claims of the two papers hold, by criteria that were written down before any verdict was computed?**
#
# Every claim of Suresh and Ong (2021) and of the follow-up report is a row of `data/published/claims.csv`, in its own words,
# with the criterion that judges it: direction, test, threshold. The criterion depends on the kind of claim alone. The file's
# README tells the rules, their amendments, and which of our results were known when they were made. The verdicts:
#
# - *reproduced*, *contradicted*: as the criterion says;
# - *not reproduced*: enough runs to see the published effect (power 0.8 or more), but it was not seen;
# - *underpowered*: too few runs to tell; *not run*: no runs that could tell.
#
# The results of the quick profile are no evidence about the papers and are left out.

# %% tags=["parameters"]
profile = ""  # the frozen results to judge by; empty: those of the profiles paper and minilm

# %%
from IPython.display import display

from lclstudy import paths
from lclstudy.analyses.verdicts import tables as verdict_tables
from lclstudy.plan import names
from lclstudy.results import frozen
from lclstudy.show import forest, markdown, plots, style, tables

results = verdict_tables.evidence_from(profile)
folder = profile or frozen.best_frozen()
judged = verdict_tables.judge(results)
for whole in results:
    print(f"Evidence: {whole.name}, {len(whole.done)} finished runs.")


# %%
def sources():
    files = [paths.published() / name for name in ("claims.csv", "numbers.csv", "class_sets.csv")]
    return [*files, *(folder for whole in results for folder in whole.folders)]


def save(figure, name):
    style.save(figure, f"13_{name}", folder, "13_verdicts", sources())


# %% [markdown]
# ## LCL against the others, over corpora

# %%
figure, axes = plots.subplots(1, 2, width=plots.DOUBLE, height=3.6)
for ax, b in zip(axes, ("ce", "scl"), strict=True):
    forest.forest(verdict_tables.forest_rows(results, "lcl", b), ax, forest.objective_pair("lcl", b))
axes[1].set_yticklabels([])
of_paper = judged[(judged["paper"] == "suresh2021") & (judged["our_encoder"] != "")]
ours = dict.fromkeys(of_paper["our_encoder"])
forest.forest_key(axes[0], "ELECTRA base", ", ".join(map(names.encoder, ours)) or "none")
save(figure, "forest")

# %% [markdown]
# All that ran together, each corpus and each class set of EmpatheticDialogues as a stratum with the same weight. With few runs
# the interval of a bootstrap is somewhat too narrow, so no verdict rests on it.

# %%
for line in verdict_tables.pooled_said(results):
    print(line)

# %% [markdown]
# ## The verdicts at a glance

# %%
for paper, whose in (("suresh2021", "Suresh and Ong (2021)"), ("modarres", "The follow-up report")):
    here = judged[judged["paper"] == paper]
    figure, (ax,) = plots.subplots(width=plots.DOUBLE * 0.75, height=0.5 + 0.155 * len(here))
    forest.verdict_map(here, ax, [verdict_tables.about(row) for row in here.to_dict("records")], whose)
    save(figure, f"verdicts_{paper}")

# %% [markdown]
# ## The claims, the evidence, the verdicts
#
# Differences are in points of accuracy (entropies: bits), with 95 % intervals. `n` counts the runs of each side. `Power` is the
# chance that our test, with so many runs, finds the published effect (for claims of no difference: one as large as the margin),
# and `Runs needed` says how many on each side would give 0.8. `p (Holm)` is adjusted over all claims tested here.

# %%
caption = "Every claim of both papers: criterion fixed beforehand, evidence, verdict."
readable = verdict_tables.readable(judged)
tables.save(judged, "13_verdicts", paths.figures(folder), caption, readable, "13_verdicts", sources())
display(markdown.table(readable))

# %% [markdown]
# ## Finding

# %%
for line in verdict_tables.findings(judged):
    print(line)
