"""The label-aware contrastive loss in a training loop of one's own: python examples/plain_loop.py

Two classifiers learn side by side: the primary one, whose features are contrasted, and the weighting one, which says for every
text how likely each class is. Put your own in their place: `AutoModelForSequenceClassification.from_pretrained(...)`.
"""

import torch
from torch.nn import functional as F

from lclstudy.corpora.load import load_corpus
from lclstudy.models import tiny
from lclstudy.models.losses import LabelAwareContrastiveLoss

ALPHA = 0.5  # the share of cross-entropy in the loss


def main(steps: int = 300, count: int = 720) -> list[float]:
    """Trains so many steps on so many texts of the embedded corpus; gives the loss of each."""
    torch.manual_seed(0)
    corpus = load_corpus("embedded")["train"].shuffle(seed=0).select(range(count))
    texts, labels = list(corpus["text"]), torch.tensor(corpus["label"])
    tokenizer, classes = tiny.tokenizer(texts), len(corpus.features["label"].names)
    primary, weighting = (tiny.network(tokenizer, classes).train() for _ in range(2))
    contrast = LabelAwareContrastiveLoss(temperature=0.3)
    optimizer = torch.optim.AdamW([*primary.parameters(), *weighting.parameters()], lr=1e-3)
    found = []
    for step in range(steps):
        rows = [number % len(texts) for number in range(10 * step, 10 * step + 10)]
        # Each text twice: dropout makes the second view, so that every text has a positive.
        batch = tokenizer([texts[row] for row in rows] * 2, padding=True, truncation=True, max_length=64, return_tensors="pt")
        given = labels[rows].repeat(2)
        output = primary(**batch, output_hidden_states=True)
        weighting_logits = weighting(**batch).logits
        features = output.hidden_states[-1][:, 0]  # [CLS] of the last layer
        both = F.cross_entropy(output.logits, given) + F.cross_entropy(weighting_logits, given)
        loss = ALPHA * both + (1 - ALPHA) * contrast(features, given, weighting_logits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


if __name__ == "__main__":
    losses = main()
    print(f"loss {losses[0]:.3f} at the first step, {sum(losses[-10:]) / 10:.3f} over the last ten")
