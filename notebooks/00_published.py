# %% [markdown]
# # 00 · What is published, and does it add up?
#
# **Question: what do the two papers report, and do their numbers fit each other, their words and the public data?**
#
# *The paper* is Suresh and Ong (2021), who propose label-aware contrastive loss (`LCL`) and compare it with cross-entropy
# (`CE`) and with supervised contrastive loss (`SCL`). *The report* is that of Modarres and Raeisi, who tried it again.
#
# Nothing is trained here and nothing is typed in: every number below is read from `data/published`, which holds the printed
# ones, from the catalogue of public corpora and from `data/summary`. The texts at hand have no page numbers; places are
# sections, tables and footnotes.
#
# How to read the findings:
#
# - A printed number is rounded: 58.3 stands for anything from 58.25 to 58.35. What follows from printed numbers is therefore
#   an *interval*, and only what lies outside it is wrong.
# - *Contradiction*: two statements cannot both hold, rounding granted. *Not derivable*: a printed number or reason does not
#   follow from what is printed. *Rounding*: it differs at the printed digits, but rounding can explain it. *Open*: striking,
#   but the texts say too little to decide. *Consistent*: it adds up.
# - *Sure* says `certain` where a finding rests on print and arithmetic alone, `likely` where it rests on the public form of a
#   corpus or on an assumption, and `cannot tell` where it is open or within rounding.

# %% tags=["parameters"]
profile = "quick"  # figures go to build/<profile>/figures

# %%
import pandas
from IPython.display import Markdown, display

from lclstudy.analyses.published_numbers import finding, loss_forms, paper, report, rounding
from lclstudy.results import published

audited = rounding.audit(rounding.printed_tests())
readings = rounding.compare_readings(audited)
best = readings.iloc[0]
titles = {key: reading.title for key, reading in rounding.READINGS.items()}
print(f"{audited['test'].nunique()} printed tests, read in {len(readings)} ways")

# %%
from lclstudy import paths
from lclstudy.analyses.published_numbers import figures
from lclstudy.plan.profiles import load_profile
from lclstudy.results import corpus_facts
from lclstudy.show import markdown, style, tables

folder = load_profile(profile).name
printed = sorted(paths.published().glob("*.csv"))


def save(figure, name, *inputs):
    style.save(figure, f"00_{name}", folder, "00_published", [*printed, *inputs])


# %% [markdown]
# ## What the paper reports
#
# Differences of mean test accuracy between objectives, with 95 % intervals worked out from the printed means, deviations and
# number of runs (Welch's test). Right of 0, LCL is better. Classes from `16` to `4-hard-d` are parts of EmpatheticDialogues.

# %%
compared = paper.published_differences()
figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=3.4)
figures.differences(compared, [("lcl", "ce"), ("lcl", "scl")], axes)
save(figure, "differences")

# %% [markdown]
# The paper's tables: mean accuracy (or weighted F1) in percent, standard deviation in brackets. 5 runs each, 10 in Table 3;
# numbers cited from other works have no deviation.

# %%
for number in (1, 2, 3, 4, 5):
    display(Markdown(f"**Table {number}**"), markdown.table(paper.as_printed(published.table("suresh2021", number))))

# %% [markdown]
# The report's tables: best test result in percent; of how many runs is not said.

# %%
for number in (1, 2):
    display(Markdown(f"**Table {number}**"), markdown.table(paper.as_printed(published.table("modarres", number))))

# %% [markdown]
# ## Do the printed t values follow from the printed means?
#
# The paper says “t-test”, not which one, and “standard deviation”, not whether over n − 1 or over n. Both matter: t falls by
# a tenth at n = 5 if the deviations are over n. Where both sides have as many runs, Welch's and Student's t are the same.

# %%
figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=3.3)
figures.t_ratios(audited, titles, axes)
save(figure, "t_ratios")

# %% [markdown]
# ## Which t-test was it?
#
# A t value and its p value together tell the degrees of freedom of the test. Student's test of two groups of n runs has
# 2n − 2, Welch's has fewer if the deviations differ, and a test of runs paired by seed has n − 1.

# %%
degrees = rounding.degrees_of_freedom(audited)
figure, axes = style.subplots(width=style.DOUBLE, height=3.6)
figures.degrees_of_freedom(degrees, axes[0])
save(figure, "degrees_of_freedom")

# %% [markdown]
# ## Do the printed p values and claims follow?
#
# Under the reading that explains the print best, and the one that explains it least. A black line that misses its blue mark
# means that no rounding saves the statement. SentiLARE and SKEP are single numbers cited from other works: only a one-sample
# test against them can be meant, and their own uncertainty is not in it.

# %%
figure, axes = style.subplots(1, 2, width=style.DOUBLE, height=5.6)
figures.p_values(audited, [best["reading"], readings.iloc[-1]["reading"]], titles, axes)
save(figure, "p_values")

# %% [markdown]
# The four readings over all tests. *Together*: tests whose t and p follow from one choice of unrounded inputs. *Probability*:
# log10 of the probability of the printed values, inputs uniform within their rounding and tests taken as independent, over
# the tests that all four readings can explain; 1 more is ten times as probable. The best reading comes first: the one that
# explains most tests, for what a reading cannot explain at all counts more than how well it does on the rest.

# %%
columns = {"title": "reading", "t_inside": "t possible", "p_inside": "p possible", "joint": "together", "p_count": "tests"}
columns |= {"log_ratio": ("mean size of ln(printed t / computed)", ".3f"), "p_distance": ("RMS log10 distance of p", ".3f")}
columns |= {"log10_probability": ("log10 probability", ".1f"), "compared": "of tests"}
markdown.table(readings, columns)

# %% [markdown]
# Every test under the best reading: printed, computed, and in brackets what rounding allows.

# %%
markdown.table(rounding.readable(audited, best["reading"]))

# %% [markdown]
# ## Many tests at once
#
# The more tests, the more are significant by chance. Holm's method adjusts p for the number of tests; the paper does not.
# The claims of significance, adjusted over the tests of their table, under the best reading:

# %%
adjusted = rounding.multiplicity(audited, best["reading"])
columns = {
    "table": "table",
    "test": "test",
    "family": "tests of the table",
    "p": ("p", ".3g"),
    "p_holm": ("p, adjusted", ".3g"),
}
columns |= {"p_holm_low": ("lowest", ".3g"), "p_holm_high": ("highest", ".3g"), "survives": "below 0.05?"}
markdown.table(adjusted[adjusted["survives"] != ""], columns)

# %% [markdown]
# ## The report's accuracies and the largest class
#
# A model that always names the most frequent class learns nothing, but gets the share of that class right.

# %%
near = report.majority(published.table("modarres"), corpus_facts.table("labels"))
figure, axes = style.subplots(width=style.DOUBLE, height=2.9)
figures.above_majority(near, axes[0])
save(figure, "majority", *corpus_facts.files())

# %% [markdown]
# ## The temperatures of the two searches
#
# The loss divides similarities, which lie between −1 and 1, by the temperature τ. With a large τ all pairs look alike: the
# loss cannot be farther than 2/τ from its value for equal shares, log(K − 1) for K rows in a batch.

# %%
search = published.text_numbers().query("subject == 'search' and quantity == 'temperature'")
tried = {who: search.loc[search["paper"] == key, "value"].tolist() for key, who in finding.PAPERS.items()}
rows = int(published.text_numbers("suresh2021").query("quantity == 'effective_batch_size'")["value"].iloc[0])
figure, axes = style.subplots(width=style.DOUBLE, height=2.8)
figures.temperature_reach(tried, rows, axes[0], loss_forms.farthest_from_uniform)
save(figure, "temperatures")

# %% [markdown]
# ## All findings
#
# What does not add up first.

# %%
found = finding.frame([*paper.findings(audited), *report.findings()])
kinds = pandas.crosstab(found["kind"], found["sure"]).reindex(list(finding.KINDS)).fillna(0).astype(int)
markdown.table(kinds.reset_index())

# %%
columns = {
    "kind": "kind",
    "sure": "sure",
    "paper": "whose",
    "place": "place",
    "said": "what is said",
    "follows": "what follows",
}
shown = found.assign(paper=found["paper"].map(finding.PAPERS).fillna("both"))
markdown.table(shown[found["kind"].isin(["contradiction", "not derivable"])], columns)

# %%
sources = [*printed, *corpus_facts.files()]
tables.save(found, "00_findings", paths.figures(folder), finding.CAPTION, shown, "00_published", sources)
markdown.table(shown[found["kind"].isin(["rounding", "open"])], columns)

# %%
markdown.table(shown[found["kind"] == "consistent"], columns)

# %% [markdown]
# ## Finding

# %%
for line in finding.in_words(found, readings, degrees, adjusted):
    print(line)
