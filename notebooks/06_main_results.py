# %% [markdown]
# # 06 · Main results
#
# **Question: do the results of the paper's Tables 1, 2, 4 and 5 come out again, and is label-aware contrastive loss better
# than what it is compared with?**
#
# The paper (Suresh and Ong, 2021) trains the same encoder with several *objectives*:
#
# - `CE`: cross-entropy, the usual way. `CE + aug.` is the same with a second view of each text; the paper does not have it.
#   It tells what the second views do by themselves.
# - `SCL`: cross-entropy and a contrastive loss, which pulls texts of one class together and pushes all others away equally.
# - `LCL`: the same, but *label-aware*: texts of classes that are easily confused push each other away harder.
#
# Tables 1 and 2 are of the test texts, of emotions and of sentiment; Tables 4 and 5 are of the validation texts. *Reproduced*
# numbers come from the frozen results in `data/results`, which `05_run` makes. This notebook only reads them.

# %% tags=["parameters"]
profile = ""  # a name of frozen results in data/results; empty: the best that there are

# %%
import pandas
from IPython.display import display

from lclstudy import paths
from lclstudy.plan import names
from lclstudy.results import frozen, published
from lclstudy.show import markdown, plots, reports, style, tables

results = frozen.read_frozen(profile or frozen.best_frozen())
runs = results.runs[results.runs["classes"] == ""]
paper = {number: published.table("suresh2021", number) for number in (1, 2, 4, 5)}
for line in reports.holdings(results):
    print(line)


# %%
def sources():
    return [*results.folders, paths.published() / "numbers.csv"]


def save(figure, name, inputs=()):
    style.save(figure, f"06_{name}", results.name, "06_main_results", [*sources(), *inputs])


def keep(table, name, caption, readable):
    tables.save(table, f"06_{name}", paths.figures(results.name), caption, readable, "06_main_results", sources())
    display(markdown.table(readable))


# %% [markdown]
# How to read the figures: a large mark is a mean over runs that differ in their seed, its line the 95 % interval of that mean
# (wide, if the runs are few), small dots are single runs. Open marks are published, filled ones are ours.
#
# In the tables `58.3 (0.5)` is a mean with its standard deviation, and `n` counts the runs behind it. `not run` and
# `not reported` mean what they say.

# %%
made = {number: tables.paper_table(printed, runs) for number, printed in paper.items()}
split = {number: printed["split"].iloc[0] for number, printed in paper.items()}


def draw(number, metric):
    table = made[number][metric]
    if not table["planned"].any():
        print(f"Table {number}: these results plan no run on {', '.join(map(names.corpus, table['corpus'].unique()))}.")
        return
    figure, axes = plots.panels(table["corpus"].nunique(), columns=2)
    plots.results_dots(table, axes, f"{split[number]} {names.metric(metric)}")
    save(figure, f"results_table{number}_{metric}")


# %%
def tell(number, metric):
    table = made[number][metric]
    if table["planned"].any():
        what = f"{split[number]} {names.metric(metric)}, mean and standard deviation in percent, published and reproduced"
        caption = f"Table {number} of Suresh and Ong (2021): {what}."
        keep(table, f"table{number}_{metric}", caption, tables.readable_results(table))


# %% [markdown]
# ## Table 1: emotions, test texts

# %%
draw(1, "accuracy")

# %%
tell(1, "accuracy")

# %% [markdown]
# The same runs by *weighted F1*, which also counts, class by class, how much of what was given a name deserved it.

# %%
draw(1, "weighted_f1")

# %%
tell(1, "weighted_f1")

# %% [markdown]
# ## Table 2: sentiment, test texts

# %%
draw(2, "accuracy")

# %%
tell(2, "accuracy")

# %% [markdown]
# ## Table 4: sentiment, validation texts

# %%
draw(4, "accuracy")

# %%
tell(4, "accuracy")

# %% [markdown]
# ## Table 5: emotions, validation texts

# %%
draw(5, "accuracy")

# %%
tell(5, "accuracy")

# %%
draw(5, "weighted_f1")

# %%
tell(5, "weighted_f1")

# %% [markdown]
# ## Corpora that the paper does not have
#
# The quick profile trains a small encoder from nothing, for a few epochs, on a corpus made for this project. It shows that the
# study runs; it is no evidence about the paper, whose encoders were pre-trained.

# %%
in_paper = [corpus for printed in paper.values() for corpus in printed["corpus"]]
others = tables.main_results(paper[1].iloc[:0], runs[~runs["corpus"].isin(in_paper)])
if others.empty:
    print("None in these results.")
else:
    figure, axes = plots.panels(others["corpus"].nunique(), columns=2)
    plots.results_dots(others, axes)
    save(figure, "results_others")

# %%
if len(others):
    caption = "Corpora that the paper does not have: test accuracy, mean and standard deviation in percent."
    keep(others, "others", caption, tables.readable_results(others))

# %% [markdown]
# ## Which differences are more than chance?
#
# Two objectives are compared by Welch's t-test over their runs, on test accuracy. Many tests find something by chance alone, so
# p values are also adjusted by Holm's method over all tests of the table. *Hedges' g* is the difference in units of the
# standard deviation between runs. The published intervals are worked out from the published means, deviations and n.

# %%
ours = tables.comparisons(runs)
theirs = tables.published_comparisons(pandas.concat([paper[1], paper[2]]))
tested = ours[ours["difference"].notna()]
figure, axes = plots.panels(tested["corpus"].nunique(), columns=2, height=2)
plots.difference_dots(tested, theirs, axes)
save(figure, "differences")

# %%
here = ours[ours["corpus"].isin(tested["corpus"])]
caption = "Differences of test accuracy between objectives, in points, with 95 % intervals; Welch's t-test."
keep(ours, "differences_tests", caption, reports.differences(here, theirs, published.significance_tests()))

# %% [markdown]
# ## Learning curves
#
# The *cross-entropy* is the part of the loss that all objectives share.

# %%
epochs = results.epochs[results.epochs["classes"] == ""]
for (corpus, encoder), curves in epochs.groupby(["corpus", "encoder"], sort=False):
    figure, axes = plots.subplots(1, 2, width=plots.DOUBLE, height=2.6)
    plots.learning_curves(curves, axes)
    save(figure, f"curves_{corpus}_{encoder}")

# %% [markdown]
# ## What is confused
#
# Of each corpus, the objective with the best mean test accuracy; its runs are added up. Rows are true classes, and classes
# that are often taken for one another are neighbours.

# %%
done = tables.main_results(paper[1].iloc[:0], runs).query("n > 0")
best = done.loc[done.groupby("corpus", sort=False)["mean"].idxmax()]
confusions = {}
for cell in best.itertuples():
    same = runs["corpus"].eq(cell.corpus) & runs["objective"].eq(cell.objective) & runs["encoder"].eq(cell.encoder)
    confusions[cell.corpus] = results.confusion(runs["identity"][same & runs["status"].eq("done")])

# %%
for cell in best.itertuples():
    counts, classes = confusions[cell.corpus]
    width = plots.heatmap_width(len(classes))
    figure, axes = plots.subplots(width=width, height=0.88 * width)
    what = f"{names.corpus(cell.corpus)}, {names.objective(cell.objective)}, {names.encoder(cell.encoder)}, n = {cell.n}"
    plots.confusion_heatmap(counts, classes, axes[0], what)
    save(figure, f"confusion_{cell.corpus}")

# %% [markdown]
# The pairs of classes that are taken for one another most often:

# %%
for corpus, (counts, classes) in confusions.items():
    print(names.corpus(corpus))
    display(markdown.table(reports.confused(counts, classes)))

# %% [markdown]
# ## Finding

# %%
every = pandas.concat([made[1]["accuracy"], made[2]["accuracy"], others])
for line in reports.findings(every, ours, theirs):
    print(line)
