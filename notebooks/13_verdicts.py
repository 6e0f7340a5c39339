# %% [markdown]
# # 13 · Verdicts
#
# **Question: which claims of the two papers hold, by criteria that depend on the kind of claim alone?**
#
# Every claim of Suresh and Ong (2021) and of the follow-up report is a row of `data/published/claims.csv`, in its own words,
# with the criterion that judges it. The file's README tells the rules, what they were before, and which of our results were
# known then: those of EmoInt, `4-easy` and `4-hard-a`, and a seed each of CE on 32 classes and of ISEAR, were when the rules
# were last changed. The profiles plan five seeds; a word from fewer is interim, and is judged again when they are there. The
# words, which every notebook uses:
#
# - *reproduced*, *contradicted*: p is below .05, and the sign is right or wrong; p of two objectives on one corpus or class set
#   is adjusted by Holm's method over its three comparisons, that of a contrast over several places is not;
# - *smaller than published*: neither, and our 95 % interval ends below the published difference: it may still be above 0;
# - *undecided*: anything else, and always below three runs a side; *not run*: a side has no run that could tell;
# - *differs*: a level that our runs miss, where the source names no settings.
#
# Results of the quick profile are no evidence about the papers and are left out.

# %% tags=["parameters"]
profile = ""  # the frozen results to judge by; empty: those of the profiles that count for each source

# %%
from lclstudy import paths
from lclstudy.analyses.verdicts import figures, simulation, tables
from lclstudy.results import frozen
from lclstudy.show import markdown, style, text
from lclstudy.show.report import Report
from lclstudy.show.text import words

profile = frozen.fitting(profile, simulation.can_tell)
results = tables.evidence_from(profile)
best = frozen.read_frozen(profile or frozen.best_frozen())
sources = [paths.PUBLISHED / f"{name}.csv" for name in ("claims", "numbers", "class_sets")]
report = Report("13_verdicts", best.name, [*sources, *(folder for one in results for folder in one.folders)])
judged = tables.judge_claims(results)
gain = tables.mean_published_gain("lcl", "ce")
deviations = simulation.deviations(best)
shares = simulation.table(gain, deviations, draws=400)

# %%
chances = shares[shares["truth"] == "as published"].to_dict("records")
report.said(words("analyses/verdicts/said.md.j2", **tables.facts(judged), gain=gain, chances=chances))

# %% [markdown]
# ## The verdicts at a glance
#
# Letters: **R** reproduced, **C** contradicted, **S** smaller than published, **?** undecided, **D** differs; a grey tile
# was not run; an asterisk says that our encoder is not the claim's, a dagger that runs had not converged.

# %%
for paper, whose in tables.PAPERS.items():
    here = judged[judged["paper"] == paper]
    figure, (ax,) = style.subplots(width=style.DOUBLE, height=1.9 + 0.2 * here["about"].nunique())
    figures.tiles(here, whose, ax)
    report.figure(figure, f"verdicts_{paper}")

# %% [markdown]
# ## What so many seeds can tell
#
# The judgement itself, tried on made-up runs whose truth is known: no difference between LCL and CE, the mean difference that
# the paper publishes, or its opposite; with the standard deviations over seeds that our own runs on whole corpora have (on
# few classes they are larger, and less is seen). *Wrong* sums the words that are wrong there: under no difference
# *reproduced* and *contradicted*, under the published one *contradicted* and *smaller than published*, under its opposite
# *reproduced*.

# %%
gains = " or ".join(text.number(each, 2, sign=True) for each in (gain, -gain))
caption = f"Shares of the words if LCL − CE is 0, {gains} points; standard deviations "
caption += f"over seeds {', '.join(f'{sd:.2f}' for sd in deviations)} (LCL, CE, SCL)."
report.table(shares.drop(columns="not run").round(3), "simulation", caption)
print(caption)

# %% [markdown]
# ## The claims, the evidence, the verdicts
#
# Differences are in points of accuracy (entropies: bits), with 95 % intervals over seeds. `n` counts the runs of each side; `p`
# is of the test that the claim's criterion names, on one side or two. `Power` is the chance that this test, *before* Holm's
# adjustment, with so many runs and the pooled deviation of just these, sees the published effect (claims of no difference: that
# there is none), in brackets at the ends of that deviation's 80 % interval; `Runs needed` says how many on each side would give
# 0.8. With the adjustment the words come less often, as the table above shows. An asterisk: judged with another encoder than
# the claim's, so about the method, not about the number.

# %%
report.table(
    tables.counts(judged), "counts", "How many claims have each verdict; weighted F1 and what is claimed twice are not counted."
)

# %%
caption = "Every claim of both papers: verdict, evidence, and the criterion."
whole, tried = tables.readable(judged), judged["word"] != "not run"
numbers = judged.drop(columns="n").assign(n=judged["n"].map(str))
report.table(numbers, "verdicts", caption, whole, whole[tried].drop(columns=["In its own words", "Criterion"]))

# %% [markdown]
# Every claim in its own words, also those that could not be tried so far. The criterion of each, and why it was not tried,
# stands in `13_verdicts.md`, beside the figures.

# %%
markdown.table(whole[["Claim", "About", "Verdict", "In its own words"]])
