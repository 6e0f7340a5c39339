# %% [markdown]
# # 03 · The losses by hand, on six points
#
# **Question: what does each contrastive loss compute, in which direction does it push, and what changes when each class has a
# weight of its own?**
#
# A *contrastive loss* moves texts: it pulls texts of one class together and pushes all others away. Here the texts are six
# points on a circle, so that every number can be checked by hand and every push can be drawn. What is computed comes from
# `lclstudy.models.losses`, the code that trains the models of this study.
#
# | loss | where | idea |
# |---|---|---|
# | SimCLR | Eq. 1, Chen et al. (2020) | a text and its second view belong together |
# | SCL, supervised contrastive loss | Eq. 2, Khosla et al. (2020) | all texts of a class belong together |
# | LCL, label-aware contrastive loss | Eqs. 3 and 4, Suresh and Ong (2021) | and a confusable class counts more than another |
#
# The equations are numbered as in Suresh and Ong (2021). LCL exists in two forms: as *printed* in that paper, and as *released*
# in its code, which gave the published results. This notebook shows what the difference does.

# %% tags=["parameters"]
profile = "quick"  # figures go to build/<profile>/figures
temperature = 0.3  # the paper's choice for most corpora
degrees = [90, 180, 135, 225, 45, 345]  # where the six points are on the circle
weights = [[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8]]  # a row per class, see below

# %%
import math

import numpy as np
import pandas as pd
import torch
from IPython.display import Math, display

from lclstudy.analyses.losses import circle, figures
from lclstudy.models import losses
from lclstudy.plan.profiles import load_profile
from lclstudy.show import markdown, style
from lclstudy.show.report import Report
from lclstudy.show.text import words

report = Report("03_losses", load_profile(profile).name, ["lclstudy/models/losses.py"])
classes = ["sad", "devastated", "joyful"]
labels = torch.tensor([0, 0, 1, 1, 2, 2])
angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
features = circle.points(angles)  # [6, 2]: the unit vectors h
names = [f"{number} {classes[label]}" for number, label in enumerate(labels, 1)]
w = torch.tensor(weights, dtype=torch.float64)[labels]  # [6, 3]: a row per point
found = circle.study(angles, labels, w, temperature)

# %% [markdown]
# ## Finding
#
# In LCL a *weighting network* says for each text how likely each class is; the *own weight* is what it gives to the true class.
# The rest of the notebook shows how each sentence comes about.

# %%
report.said(words("analyses/losses/said.md.j2", **circle.facts(found, labels)))

# %% [markdown]
# ## Six points
#
# *Why: with two numbers per text instead of 768, nothing is hidden.* Each class has one text (points 1, 3 and 5) and its second
# view (2, 4 and 6). *Sad* and *devastated* lie among each other: they are easily confused. The first point has a devastated
# and a joyful neighbour **at the same distance**, which makes it a fair test of what a loss does with the two.
#
# | symbol | meaning |
# |---|---|
# | $h_i$ | the feature vector of text $i$, of length 1: a point of the circle |
# | $y_i$ | its class; $C$ is the number of classes |
# | $\tau$ | the *temperature*, above 0: the smaller it is, the more the nearest points matter |
# | $s_{ik} = h_i \cdot h_k / \tau$ | the *similarity* of texts $i$ and $k$, from $-1/\tau$ (opposite) to $1/\tau$ (equal) |
# | $P(i)$ | the *positives* of $i$: the other texts of its class; all other texts are *negatives* |
# | $w_{ic}$ | the *weight* of class $c$ for text $i$: how likely $i$ is of class $c$, by the weighting network |

# %%
similarity = features @ features.T / temperature
figure, axes = style.subplots(width=style.SINGLE, height=2.9)
figures.circle(degrees, labels, axes[0], "six points h", [classes[label] for label in labels])
report.figure(figure, "six_points")

# %%
shown = pd.DataFrame(similarity.numpy(), columns=[f"$s_{{i{number}}}$" for number in range(1, 7)])
markdown.table(shown.assign(anchor=names), {"anchor": "anchor i"} | {name: (name, "+z.1f") for name in shown})

# %% [markdown]
# ## The weights
#
# *Why: "not all negatives are equal" is what LCL adds to SCL, and the weights are how it says so.* In training, a second
# network, the *weighting network*, reads each text and says how likely each class is. Here we choose the weights: for a sad
# text it sees some chance of *devastated* and little of *joyful*.

# %%
shown = pd.DataFrame(w.numpy(), columns=[f"weight of {name}" for name in classes])
markdown.table(pd.concat([pd.DataFrame({"point": names}), shown], axis=1))

# %% [markdown]
# ## The formulas
#
# For one text $i$, the *anchor*, each loss asks: of all the similarity to other texts, which share goes to those of its own
# class? The share is between 0 and 1; minus its logarithm is 0 when everything goes to the own class, and grows without bound.
#
# $$L_i^{\text{SCL}} = -\frac{1}{|P(i)|} \sum_{p \in P(i)} \log \frac{e^{s_{ip}}}{\sum_{k \neq i} e^{s_{ik}}}$$
#
# $$L_i^{\text{LCL printed}} = -\frac{1}{|P(i)|} \sum_{p \in P(i)}
#   \log \frac{w_{i y_i}\, e^{s_{ip}}}{\sum_{k \neq i} w_{i y_k}\, e^{s_{ik}}}$$
#
# $$L_i^{\text{LCL released}} = -\frac{1}{|P(i)|} \sum_{p \in P(i)}
#   w_{i y_i} \log \frac{e^{s_{ip}}}{\sum_{k \neq i} w_{i y_k}\, e^{s_{ik}}}$$
#
# SimCLR is SCL with the second view as the only positive. The printed form has the own weight $w_{i y_i}$ **inside** the
# logarithm, the released form has it **outside**, as a factor. The loss of a batch is the mean over its anchors (released
# code) or their sum (printed): the same up to the number of anchors.

# %% [markdown]
# ## One anchor, step by step
#
# *Why: a formula is understood when its numbers are on the table.* The anchor is point 1. Each row is another point $k$. Of the
# share of the positive, point 2, minus the logarithm is SCL. Points 3 and 5 are equally far from the anchor, so SCL gives them
# equal shares. LCL gives the confusable one more.

# %%
steps = pd.DataFrame({"point": names, "s": similarity[0], "e": similarity[0].exp(), "w": w[0, labels]})
steps["role"] = np.where(labels == labels[0], "positive", "negative")
steps["we"] = steps["w"] * steps["e"]
steps = steps[1:]  # without the anchor
steps["scl"], steps["lcl"] = steps["e"] / steps["e"].sum(), steps["we"] / steps["we"].sum()
columns = {"point": "point k", "role": "role", "s": ("$s_{1k}$", ".2f"), "e": ("$e^{s_{1k}}$", ".2f")}
columns |= {"scl": ("share, SCL", ".3f"), "w": ("$w_{1 y_k}$", ".1f")}
markdown.table(steps, columns | {"we": ("$w_{1 y_k} e^{s_{1k}}$", ".2f"), "lcl": ("share, LCL", ".3f")})

# %% [markdown]
# Written out:

# %%
positive, all_others, weighed = steps["e"].iloc[0], steps["e"].sum(), steps["we"].sum()
own = w[0, labels[0]].item()
by_hand = {
    "SCL": -math.log(positive / all_others),
    "LCL printed": -math.log(own * positive / weighed),
    "LCL released": -own * math.log(positive / weighed),
}

# %%
plain = [f"{e:.2f}" for e in steps["e"]]
times = [rf"{weight:g} \cdot {e}" for weight, e in zip(steps["w"], plain, strict=True)]
fractions = {
    "SCL": rf"-\log \frac{{{plain[0]}}}{{{' + '.join(plain)}}}",
    "LCL printed": rf"-\log \frac{{{times[0]}}}{{{' + '.join(times)}}}",
    "LCL released": rf"-{own:g} \cdot \log \frac{{{plain[0]}}}{{{' + '.join(times)}}}",
}
for name, fraction in fractions.items():
    display(Math(rf"L_1^\text{{{name}}} = {fraction} = {by_hand[name]:.3f}"))

# %% [markdown]
# ## Every anchor, by hand and from the package
#
# *Why: the code that trains must compute these formulas and nothing else.* The function below is the formulas as they are
# written, with loops and ordinary numbers; the package computes them with matrices, safe for large numbers.


# %%
def anchor_losses(labels, w, inside):
    found = []
    for i in range(6):
        own, others = w[i][labels[i]], [k for k in range(6) if k != i]
        e = {k: w[i][labels[k]] * math.exp(similarity[i, k]) for k in others}
        shares = [e[p] / sum(e.values()) for p in others if labels[p] == labels[i]]
        front = 1 if inside else own  # released: the own weight is taken out of the share
        logs = [front * math.log(share / front) for share in shares]
        found.append(-sum(logs) / len(logs))
    return found


# %%
texts, fine, coarse = [0, 0, 1, 1, 2, 2], labels.tolist(), [0, 0, 0, 0, 1, 1]
ones = torch.ones(6, 3).tolist()
hands = {
    "SimCLR": anchor_losses(texts, ones, inside=True),
    "SCL": anchor_losses(fine, ones, inside=True),
    "SCL, sad = devastated": anchor_losses(coarse, ones, inside=True),
    "LCL printed": anchor_losses(fine, w.tolist(), inside=True),
    "LCL released": anchor_losses(fine, w.tolist(), inside=False),
}

# %%
package = {
    "SimCLR": losses.simclr(features, torch.tensor(texts), temperature),
    "SCL": losses.supervised_contrastive(features, labels, temperature),
    "SCL, sad = devastated": losses.supervised_contrastive(features, torch.tensor(coarse), temperature),
    "LCL printed": losses.label_aware_contrastive(features, labels, w, temperature, "printed"),
    "LCL released": losses.label_aware_contrastive(features, labels, w, temperature, "released"),
}
agree = all(abs(np.mean(hands[name]) - package[name].item()) < 1e-12 for name in hands)
print(f"By hand and from the package agree to 12 digits: {'yes' if agree else 'NO'}.")

# %%
anchors = {f"L{i}": (f"$L_{i}$", ".3f") for i in range(1, 7)}
together = pd.DataFrame(hands.values(), columns=list(anchors)).assign(loss=list(hands))
together["mean"] = [np.mean(found) for found in hands.values()]
together["package"] = [loss.item() for loss in package.values()]
six_digits = {"mean": ("mean by hand", ".6f"), "package": ("package", ".6f")}
markdown.table(together, {"loss": "loss"} | anchors | six_digits)

# %% [markdown]
# SimCLR and SCL are the same here, because each class has one text. They part as soon as two texts share a class: the third row
# gives *sad* and *devastated* one label, so that points 1 to 4 have three positives each. A point without any positive would be
# left out of the mean.

# %% [markdown]
# ## Equal weights: what is left of LCL
#
# *Why: a new loss should be an old one when its new part says nothing.* Let all classes have the weight $1/C$.
#
# **Printed:** $1/C$ stands above and below the line of the fraction and cancels. What is left **is SCL**.
#
# **Released:** $1/C$ stands below the line, and in front:
#
# $$L_i = -\frac{1}{C} \log \frac{e^{s_{ip}}}{\frac{1}{C} \sum_{k \neq i} e^{s_{ik}}}
#       = \frac{1}{C} \left( L_i^{\text{SCL}} - \log C \right)$$
#
# So the released loss is $C$ times smaller, and below zero as soon as SCL is below $\log C$. With 32 classes the contrastive
# part of the training loss is then 32 times weaker than that of SCL at the same settings.

# %%
rows = []
for count in (3, 7, 32):
    equal = torch.full((6, count), 1 / count, dtype=torch.float64)
    row = {"C": count, "SCL": package["SCL"].item()}
    for form in ("printed", "released"):
        loss = losses.label_aware_contrastive(features, labels, equal, temperature, form)
        row[form] = loss.item()
    rows.append(row | {"worked": (row["SCL"] - math.log(count)) / count})
uniform = pd.DataFrame(rows)
columns = {"C": "classes C", "SCL": ("SCL", ".6f"), "printed": ("LCL printed", ".6f")}
columns |= {"released": ("LCL released", ".6f"), "worked": ("(SCL − log C) / C", ".6f")}
markdown.table(uniform, columns)

# %% [markdown]
# ## Where the gradient goes
#
# *Why: training follows the gradient, not the value of the loss.* An arrow shows where a step of gradient descent moves a point
# along the circle and how hard it is pushed: minus the derivative of the loss by the point's angle, positive counter-clockwise.

# %%
push = {name: circle.downhill(loss, angles).numpy() for name, loss in circle.contrasts(labels, w, temperature).items()}
figure, axes = style.panels(3, height=2.1)
for ax, (name, values) in zip(axes, push.items(), strict=True):
    said = [f"{value:+.2f}".replace("-", "−") for value in values]
    figures.circle(degrees, labels, ax, name, said, inside=True)
    figures.arrows(degrees, values, ax)
said = "inside: the push on each point, above 0 counter-clockwise; 1 and 2 are sad, 3 and 4 devastated, 5 and 6 joyful"
figure.suptitle(said, x=0.01, ha="left", size=style.SMALLEST)
report.figure(figure, "gradient")

# %%
moved = pd.DataFrame(push).assign(point=names, ratio=push["LCL printed"] / push["SCL"])
signed = {name: (name, "+.3f") for name in push}
markdown.table(moved, {"point": "point"} | signed | {"ratio": ("LCL printed / SCL", ".2f")})

# %% [markdown]
# ## Who pushes the anchor
#
# *Why: a push is a sum, and "more weight on confusable negatives" is a statement about its terms.* The loss of anchor $i$
# depends on $s_{ik}$ with the derivative
#
# $$-\frac{\partial L_i}{\partial s_{ik}} = \frac{[k \in P(i)]}{|P(i)|} - q_{ik}, \qquad
#   q_{ik} = \frac{w_{i y_k} e^{s_{ik}}}{\sum_{j \neq i} w_{i y_j} e^{s_{ij}}},$$
#
# where $q_{ik}$ is the share from above, and $[\ldots]$ is 1 if true, else 0. Above 0 point $k$ is pulled to the anchor, below
# 0 it is pushed away. For SCL all weights are 1. **The released form is the printed form times the own weight $w_{i y_i}$:**
# for the encoder the two differ in nothing else. So the released loss listens less to those texts that the weighting network
# is not sure of.

# %%
pulls = pd.DataFrame({name: values[0, 1:] for name, values in found.forces.items()}).assign(point=names[1:])
markdown.table(pulls, {"point": "point k"} | signed)

# %% [markdown]
# ## Where the points end
#
# *Why: a push can be large and lead nowhere new.* We let the points go downhill, with the weights held fixed. Pale marks are
# the start, a full mark is the middle of a class's two points at the end (the angles between them stand below), and the ways
# run a little outside the circle so that both are seen. Look at the pair that is confused: one might expect
# that a loss which knows about related classes lays them side by side.

# %%
figure, axes = style.panels(3, height=2.1)
for ax, (name, path) in zip(axes, found.paths.items(), strict=True):
    figures.ends(torch.rad2deg(path).numpy(), labels.numpy(), classes, ax, name)
report.figure(figure, "ends")

# %%
ends = {name: torch.rad2deg(circle.class_angles(path[-1], labels)) for name, path in found.paths.items()}
pairs = {f"{classes[a]} and {classes[b]}": (a, b) for a, b in [(0, 1), (0, 2), (1, 2)]}
shown = {name: [angle[pair].item() for pair in pairs.values()] for name, angle in ends.items()}
columns = {name: (name, ".1f") for name in shown}
markdown.table(pd.DataFrame(shown).assign(pair=list(pairs)), {"pair": "angle between (degrees)"} | columns)

# %% [markdown]
# ## Printed beside released, as the weights vary
#
# *Why: the weights come from a network that is trained at the same time. A loss that falls when the weights change, with no
# text moved, can be lowered without learning anything.* We hold the points fixed and vary the weight of the own class from 0
# to 1; the other two classes share the rest. Left: the six points as above. Right: the classes already apart.

# %%
places, forms, own_weight = ("six points", "classes apart"), ("LCL printed", "LCL released"), found.own_weight
figure, axes = style.subplots(1, 2, style.DOUBLE, 2.6)
for ax, place in zip(axes, places, strict=True):
    both = {form: found.curves[place, form] for form in forms}
    figures.lines(own_weight, both, ax, place, "weight of the own class, $w_{i y_i}$", "loss")
    ax.set_ylim(-0.8, 3)
y = both["LCL released"]
said = f"lowest {y.min():.2f}".replace("-", "−")
figures.mark(axes[1], own_weight[y.argmin()], y.min(), said, "LCL released", (24, -9))
figures.key(axes)
report.figure(figure, "own_weight")

# %%
extremes = pd.DataFrame(list(found.curves), columns=["points", "form"])
for name, best in [("lowest", np.argmin), ("highest", np.argmax)]:
    extremes[name] = [y[best(y)] for y in found.curves.values()]
    extremes[f"{name} at"] = [own_weight[best(y)] for y in found.curves.values()]
columns = {"points": "points", "form": "form", "lowest": ("lowest loss", ".3f")}
columns |= {"lowest at": ("at own weight", ".3f"), "highest": ("highest loss", ".3f")}
markdown.table(extremes, columns | {"highest at": ("at own weight", ".3f")})

# %% [markdown]
# The printed form falls as the own weight grows: it asks the weighting network to be sure, as cross-entropy does. The
# released form is a product, and a product is small when a factor is small:
#
# - Where negatives are nearer than positives, the logarithm is far from 0, and a **small factor** $w_{i y_i}$ shrinks it.
# - Where the classes are apart, only the positives are left below the line of the fraction, and with one positive
#   $L_i = w \log w$. Its lowest value is $-1/e \approx -0.37$, at $w = 1/e \approx 0.37$.
#
# No points and no weights give less. With $|P|$ positives, the sum below the line is at least $w_{i y_i} \sum_p e^{s_{ip}}$,
# and the logarithm of a mean is at least the mean of the logarithms, so $L_i \ge w \log (w |P|) \ge -1/(e |P|)$. The last
# two are equal at $w = 1/(e |P|)$. **The released loss alone is at its best when the weighting network is unsure.**

# %% [markdown]
# ## What the weighting network is told
#
# *Why: in the released code the gradient of LCL reaches the weighting network, together with that of its own cross-entropy.*
# The weights are the softmax of its outputs, the *logits* $z_{ic}$; the table below has those of the sad anchor 1. Above 0 the
# network is told to raise the logit. Written out for one positive, with $Q_{ic}$ the sum of the shares $q_{ik}$ of class $c$,
# and $\ell_i$ the logarithm in the released formula with its minus sign, so that $L_i = w_{i y_i} \ell_i$:
#
# | loss | $-\,\partial L_i / \partial z_{ic}$ | what it wants |
# |---|---|---|
# | cross-entropy | $[c = y_i] - w_{ic}$ | the right class |
# | LCL printed | $[c = y_i] - Q_{ic}$ | the right class, the more the worse the points lie |
# | LCL released | $w_{i y_i} (w_{ic} - Q_{ic}) - L_i ([c = y_i] - w_{ic})$ | a small product |
#
# The last term is cross-entropy's, times minus the loss: **the larger the loss, the harder it works against cross-entropy.**

# %%
shown = pd.DataFrame(list(found.told), columns=["points", "loss"])
shown[classes] = np.stack(list(found.told.values()))
markdown.table(shown, {"points": "points", "loss": "loss"} | {name: (name, "+.3f") for name in classes})

# %% [markdown]
# Now we let the logits go downhill, with the points held fixed, and watch the weight of the own class (mean over the points).
# In training, Eq. 6 mixes both: $\alpha$ times the cross-entropy and $1 - \alpha$ times LCL. The paper chose $\alpha = 0.5$,
# and $0.1$ for GoEmotions. (The setting `weight_gradient=false` of this study's protocol keeps LCL away from that network.)

# %%
figure, axes = style.subplots(1, 2, style.DOUBLE, 2.9)
for ax, place in zip(axes, places, strict=True):
    curve = {loss: values for (where, loss), values in found.sure.items() if where == place}
    figures.lines(np.arange(301), curve, ax, place, "step", "weight of the own class")
    ax.set_ylim(0, 1.02)
figures.key(axes, columns=2)
report.figure(figure, "weighting_descent")

# %%
shown = pd.DataFrame(list(found.sure), columns=["points", "loss"])
shown["start"], shown["end"] = np.stack(list(found.sure.values()))[:, [0, -1]].T
columns = {"points": "points", "loss": "trained on", "start": ("own weight, start", ".3f")}
markdown.table(shown, columns | {"end": ("own weight, end", ".3f")})
