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
corpus = "embedded"  # a name of the catalogue, or a csv, jsonl or parquet file of your own
rate = 0.3  # share of words to replace
seed = 0  # which words, and which synonyms
count = 8  # texts to show
limit = 1000  # texts to measure

# %%
from collections import Counter

import pandas as pd

from lclstudy.analyses.corpora import figures
from lclstudy.corpora.load import files, load_corpus
from lclstudy.corpora.synonyms import count_changes, is_first_sense, replacements
from lclstudy.plan import names
from lclstudy.plan.profiles import load_profile
from lclstudy.show import markdown, style

folder = load_profile(profile).name

# %%
train = load_corpus(corpus)["train"]
train = train.select(range(0, len(train), max(len(train) // limit, 1))[:limit])  # evenly spread
texts, labels = list(train["text"]), train.features["label"].int2str(list(train["label"]))


def save(figure, name):
    style.save(figure, f"02_{name}", folder, "02_augmentation", files(corpus))


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

# %%
changes = pd.DataFrame([count_changes(text, rate, seed) for text in texts])
figure, axes = style.subplots(height=2.9)
figures.replaced_shares(changes, rate, axes[0])
save(figure, "share_replaced")

# %%
missed = changes["replaced"] < changes["wanted"]
counts = {
    "texts": len(changes),
    "words": changes["words"].sum(),
    "words that have synonyms": changes["replaceable"].sum(),
    "words to replace": changes["wanted"].sum(),
    "words replaced": changes["replaced"].sum(),
    "texts that miss the rate": missed.sum(),
    "texts that do not change at all": (changes["replaced"] == 0).sum(),
}
markdown.table(pd.DataFrame({"what": counts.keys(), "number": counts.values()}))

# %% [markdown]
# ## What the rate does
#
# *Why: beyond some rate there are no more words to replace, and asking for more changes nothing.*

# %%
rows = []
for one in (0.1, 0.2, 0.3, 0.4, 0.5):
    table = pd.DataFrame([count_changes(text, one, seed) for text in texts])
    share = table["replaced"] / table["words"].clip(lower=1) * 100
    low, high = share.quantile([0.05, 0.95])
    missed_it = (table["replaced"] < table["wanted"]).mean() * 100
    rows.append({"rate": one, "mean": share.mean(), "low": low, "high": high, "missed": missed_it})
by_rate = pd.DataFrame(rows)

# %%
figure, axes = style.subplots(height=2.9)
figures.rate_effect(by_rate, axes[0])
save(figure, "rate")

# %%
columns = {"percent": ("rate asked for (%)", ".0f"), "mean": ("words replaced (%)", ".1f")}
columns |= {"low": ("5 % of texts below", ".1f"), "high": ("5 % of texts above", ".1f")}
by_rate["percent"] = by_rate["rate"] * 100
markdown.table(by_rate, columns | {"missed": ("texts that miss the rate (%)", ".1f")})

# %% [markdown]
# ## What replaces what
#
# *Why: a second view should keep the meaning. WordNet lists the meanings of a word with the most frequent first, so a
# synonym of that first meaning is the safer choice.* The figure shows the words that were replaced most often, and how often
# the synonym was one of the word's first meaning in some part of speech (noun, verb, adjective or adverb).

# %%
made = [replacement for text in texts for replacement in replacements(text, rate, seed)]
pairs = pd.DataFrame(made)
pairs["first"] = [is_first_sense(one.word, one.synonym) for one in made]
pairs["word"], pairs["synonym"] = pairs["word"].str.lower(), pairs["synonym"].str.lower()
figure, axes = style.subplots(height=3.4)
figures.replaced_words(pairs, axes[0])
save(figure, "words_replaced")


# %%
def in_words(synonyms):
    return ", ".join(synonym for synonym, _ in Counter(synonyms).most_common(4))


synonyms = pairs.groupby("word")["synonym"].agg(["size", "nunique", in_words]).reset_index()
common = synonyms.sort_values(["size", "word"], ascending=[False, True]).head(15)
columns = {"word": "word", "size": "times replaced", "nunique": "different synonyms"}
markdown.table(common, columns | {"in_words": "the most frequent of them"})

# %% [markdown]
# ## Finding

# %%
share = (changes["replaced"] / changes["words"].clip(lower=1)).mean()
usable = changes["replaceable"].sum() / changes["words"].sum()
first = pairs["first"].mean()
print(f"{names.corpus(corpus)}, {len(texts):,} training texts, rate {rate * 100:g} %, seed {seed}:")
print(f"{share * 100:.1f} % of a text's words are replaced on average.")
print(f"{usable * 100:.1f} % of all words have synonyms; {missed.sum():,} texts have too few of them.")
print(f"{first * 100:.1f} % of the synonyms are of the first meaning of the word that they replace.")
