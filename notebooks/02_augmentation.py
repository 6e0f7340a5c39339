# %% [markdown]
# # 02 · The second view of a text
#
# **Question: what does replacing words by synonyms do to a text, and how much of it changes?**
#
# A contrastive loss compares texts. To be sure that each text has a partner of its own class, training makes a *second view*
# of it: the same text with some words replaced by synonyms from WordNet, a dictionary of English that groups words by
# meaning. The paper replaces 30 % of the words. The second views are made once, before training; every run uses the same.

# %% tags=["parameters"]
profile = "quick"  # figures go to build/<profile>/figures
corpus = "embedded"  # a name of the catalogue, or a csv, tsv, jsonl, parquet or xlsx file of your own
rate = 0.3  # share of words to replace
seed = 0  # which words, and which synonyms
count = 8  # texts to show
limit = 1000  # texts to measure

# %%
from lclstudy.analyses.corpora import tables
from lclstudy.corpora.load import files, load_corpus
from lclstudy.corpora.synonyms import changes_of, replaced_in, replacements
from lclstudy.plan.profiles import load_profile
from lclstudy.show import markdown
from lclstudy.show.report import Report
from lclstudy.show.text import words

report = Report("02_augmentation", load_profile(profile).name, files(corpus))
train = load_corpus(corpus)["train"]
train = train.select(range(0, len(train), max(len(train) // limit, 1))[:limit])  # evenly spread
texts, labels = list(train["text"]), train.features["label"].int2str(list(train["label"]))
changes, pairs = changes_of(texts, rate, seed), replaced_in(texts, rate, seed)

# %% [markdown]
# ## Finding

# %%
report.said(words("analyses/corpora/said_of_views.md.j2", **tables.facts_of_views(changes, pairs, corpus, rate)))

# %% [markdown]
# ## Texts beside their second views
#
# *Why: look at the data before you measure it.* A marked word on the left gives way to the marked word on the right. A synonym
# is drawn from **all** meanings of a word, so it can be one that does not fit.

# %%
chosen = range(0, len(texts), max(len(texts) // count, 1))[:count]
markdown.views([(labels[i], texts[i], replacements(texts[i], rate, seed)) for i in chosen])

# %% [markdown]
# ## One text, several seeds
#
# *Why: a second view must be the same in every run, and still be a matter of choice.* The same text, rate and seed always give
# the same second view; another seed gives another one.

# %%
text = texts[chosen[0]]
seeds = range(seed, seed + 4)
markdown.views([(str(one), text, replacements(text, rate, one)) for one in seeds], first="seed")

# %% [markdown]
# ## How much changes
#
# *Why: a text with few words that have synonyms changes less than the rate asks for; its second view is then nearly a copy.*
# The number of words to replace is the rate times the number of words, **rounded up**. Function words (*the, was, not, ...*)
# and words that WordNet does not know are never replaced, but they count.
#
# The authors' released code calls another replacer, nlpaug: it changes at most ten words of a text, leaves a drawn word without
# a synonym as it is, and takes synonyms of the word's part of speech alone. What these differences do to the results is not
# known.
#
# *Why several rates: beyond some rate there are no more words to replace, and asking for more changes nothing.*

# %%
by_rate = tables.by_rate({one: changes_of(texts, one, seed) for one in (0.1, 0.2, 0.3, 0.4, 0.5)})
columns = {"rate": "rate asked for (%)", "mean": "words replaced (%)", "low": "5 % of texts below"}
columns |= {"high": "5 % of texts above", "missed": "texts that miss the rate (%)"}
shown = by_rate.round(1).rename(columns=columns)
report.table(by_rate, "rates", f"Words replaced in {len(texts):,} training texts, by the rate asked for.", shown)

# %% [markdown]
# ## What replaces what
#
# *Why: a second view should keep the meaning. WordNet lists the meanings of a word with the most frequent first, so a
# synonym of that first meaning is the safer choice.* The words that were replaced most often, and how often the synonym was one
# of the word's first meaning in some part of speech (noun, verb, adjective or adverb).

# %%
columns = {"word": "word", "times": "times replaced", "first": "of these, by a synonym of its first meaning"}
columns |= {"synonyms": "different synonyms"}
markdown.table(tables.by_word(pairs), columns | {"common": "the most frequent of them"})
