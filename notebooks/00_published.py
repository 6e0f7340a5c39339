# %% [markdown]
# # 00 · What is published, and does it add up?
#
# **Question: what do the two papers report, and do their numbers fit each other, their words and the public data?**
#
# *The paper* is Suresh and Ong (2021), who propose label-aware contrastive loss (`LCL`) and compare it with cross-entropy
# (`CE`) and with supervised contrastive loss (`SCL`). *The report* is that of Modarres and Raeisi, who tried it again. Nothing
# is trained here and nothing is typed in: every number is computed from `data/published`, which holds the printed ones, the
# catalogue of public corpora, `data/summary`, and our frozen runs of CE.

# %% tags=["parameters"]
profile = "quick"  # figures go to build/<profile>/figures
frozen = "minilm"  # whose CE run on 32 classes is asked about 4-hard-d

# %%
from IPython.display import display

from lclstudy import paths
from lclstudy.analyses.published_numbers import facts, findings, rounding, set_d, tables
from lclstudy.plan.profiles import load_profile
from lclstudy.results import corpus_facts, published
from lclstudy.results.frozen import read_frozen
from lclstudy.show import markdown, text
from lclstudy.show.report import Report

every = (path for path in paths.PUBLISHED.iterdir() if path.suffix in (".csv", ".toml"))
printed = sorted(path for path in every if path.stem not in ("claims", "later"))
report = Report("00_published", load_profile(profile).name, printed)
results = read_frozen(frozen)
audited = rounding.audit(rounding.printed_tests())
readings = rounding.compare_readings(audited)
followed_up = set_d.follow_up(results)
known = facts.facts(audited, followed_up)
found = findings.table(known)

# %% [markdown]
# ## What was found

# %%
report.said(findings.said(found, known))

# %% [markdown]
# A printed 58.3 stands for anything from 58.25 to 58.35 if it was *rounded*, from 58.3 to 58.4 if it was *cut*; what follows is
# an interval, and only what fails under both is wrong. A *contradiction* cannot hold on any fair reading; *not derivable* does
# not follow from what is printed; *rounding* differs at the printed digits, but rounding or cutting explains it; *explained* is
# wrong to the letter, but a second reading, a notice or the released code explains it; *open*: the texts say too little. What a
# finding *rests on* is print alone, or more: *certain* needs no more than print, *likely* does, and what is open or rounding
# one *cannot tell*.

# %% [markdown]
# ## Every finding
#
# What does not add up first. As pages for the authors: `00_letter_suresh2021.md` and `00_letter_modarres.md`, beside the
# figures.

# %%
inputs = [*corpus_facts.files(), *results.folders]
whose = found.assign(paper=found["paper"].map(findings.read()["whose"]))
columns = {"kind": "kind", "sure": "sure", "rests": "rests on", "paper": "whose", "place": "place", "said": "what is said"}
columns |= {"follows": "what follows"}
shown = whose[list(columns)].rename(columns=columns)
report.save("letter", findings.letters(found), inputs)
report.table(found, "findings", findings.CAPTION, whose, shown[shown["kind"] != "consistent"], inputs)

# %%
markdown.table(shown[shown["kind"] == "consistent"])

# %% [markdown]
# ## What the paper reports
#
# Differences of mean test accuracy in points with 95 % intervals from the printed means, deviations and number n of runs
# (Welch's test). Above 0, LCL is better. The deviations are taken to divide by n − 1, which the paper does not say.

# %%
markdown.table(tables.differences())

# %% [markdown]
# Its tables as printed: on test (Tables 1 and 2), on parts of EmpatheticDialogues (Table 3), and on validation (Tables 5 and
# 4). Mean accuracy or weighted F1 in percent, standard deviation in brackets. Five runs each, ten in Table 3; cited numbers
# have no deviation.

# %%
for number in (1, 2, 3, 5, 4):
    display(markdown.table(tables.as_printed(published.table("suresh2021", number))))

# %% [markdown]
# The report's Tables 1 and 2: best test result in percent; of how many runs is not said.

# %%
for number in (1, 2):
    display(markdown.table(tables.as_printed(published.table("modarres", number))))

# %% [markdown]
# ## Which t-test was it?
#
# The paper says “t-test”, not which one. A t and its p together tell the degrees of freedom: Student's test of two groups of n
# runs has 2n − 2, Welch's has fewer if the deviations differ (in brackets if these were rounded), and a test of runs paired by
# seed has n − 1.

# %%
markdown.table(tables.readable_degrees(rounding.degrees_of_freedom(audited)))

# %% [markdown]
# ## Do the printed p values and claims follow?
#
# SentiLARE and SKEP are single numbers cited from other works: only a one-sample test against them can be meant, and their own
# uncertainty is not in it.
#
# A *reading* is a kind of test (Welch's, Student's) with a divisor of the printed deviations (n or n − 1); four are tried on
# all tests. *Together*: tests whose t and p follow from one choice of inputs, if all printed numbers were rounded, if all were
# cut, if each may be either. *Log10 probability* of the printed values, inputs uniform within their rounding and tests taken as
# independent, over the tests that every reading can explain; 1 more is ten times as probable.

# %%
columns = {"title": "reading"} | {f"joint_{kind}": f"together, {kind}" for kind in rounding.PRINTS} | {"tests": "tests"}
columns |= {"log_ratio": ("mean size of ln(printed t / computed)", ".3f")}
columns |= {f"log10_{kind}": (f"log10 probability, {kind}", ".1f") for kind in ("rounded", "cut")} | {"compared": "of tests"}
markdown.table(readings, columns)

# %% [markdown]
# Every test under the reading that explains rounded numbers best: printed, computed, and in brackets what rounding and cutting
# allow; a printed p that these leave out is saved by neither. *Together if*: under which prints t and p follow from one choice
# of inputs. The more tests, the more are significant by chance: the last columns adjust the claims of significance by Holm over
# the tests of their table.

# %%
caption = f"The paper's tests worked out again: {readings['title'].iloc[0]}; in brackets what rounding and cutting allow."
report.table(audited, "tests", caption, tables.readable(audited, readings["reading"].iloc[0]))

# %% [markdown]
# ## Which classes did 4-hard-d hold?
#
# `guilty` stands in 4-hard-c and 4-hard-d. Our CE on all 32 classes, asked to tell only the classes of a set apart, beside CE
# trained on these classes alone (ours where it ran) and the printed CE. Restricting a run to four classes is not training on
# four, so the other sets say how far the two lie apart.

# %%
columns = {
    "set": "set",
    "classes": "classes",
    "restricted": ("ours, restricted (%)", ".1f"),
    "alone": ("ours, alone (%)", ".1f"),
}
columns |= {"printed": ("printed (%)", ".1f"), "gap": ("printed − restricted", "+.1f")}
markdown.table(followed_up.sets.assign(classes=followed_up.sets["classes"].str.join(", ")), columns)

# %% [markdown]
# The classes that could stand in the place of `guilty` beside `anticipating`, `excited` and `hopeful`, nearest to the printed
# accuracy first: what would be expected with each, and how hard our confusions find the set, as the paper's search did. *Rank
# among those left*: among the sets without any class of 4-hard-a to 4-hard-c; only the row of `guilty` itself leaves `guilty`
# in, as `07_hard_subsets` does.

# %%
nearest = followed_up.fourth[(followed_up.fourth.index < 5) | (followed_up.fourth["class"] == set_d.DOUBTED)]
columns = {"class": "class", "expected": ("expected (%)", ".1f"), "low": ("from", ".1f"), "high": ("to", ".1f")}
columns |= {
    "confusion": "errors within",
    "added": "of them with the class",
    "rank": "rank",
    "rank_left": "rank among those left",
}
markdown.table(nearest, columns)

# %% [markdown]
# ## The report's accuracies and the largest class
#
# A model that always names the most frequent class learns nothing, but gets the share of that class right.

# %%
largest = facts.majority(published.table("modarres"), corpus_facts.table("labels")).sort_values("share", kind="stable")
largest["p"] = largest["p"].map(text.p_value)
columns = {"system": "system", "value": ("accuracy (%)", ".1f"), "share": ("largest class of the test texts (%)", ".1f")}
columns |= {"largest": "which", "texts": "texts", "p": "p, if each text were right with that share"}
markdown.table(largest, columns)
