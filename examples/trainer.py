"""The label-aware contrastive loss with transformers.Trainer: python examples/trainer.py

Trainer knows one model, so both networks stand in one module, and `compute_loss` puts the loss together.
Put your own in their place: `AutoModelForSequenceClassification.from_pretrained(...)`.
"""

import tempfile

from torch import nn
from torch.nn import functional as F
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

from lclstudy.corpora.load import load_corpus
from lclstudy.models import tiny
from lclstudy.models.losses import LabelAwareContrastiveLoss

ALPHA = 0.5  # the share of cross-entropy in the loss


class TwoNetworks(nn.Module):
    def __init__(self, primary: nn.Module, weighting: nn.Module):
        super().__init__()
        self.primary, self.weighting = primary, weighting

    def forward(self, input_ids, attention_mask):
        output = self.primary(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
        weighting_logits = self.weighting(input_ids=input_ids, attention_mask=attention_mask).logits
        return {"logits": output.logits, "features": output.hidden_states[-1][:, 0], "weighting_logits": weighting_logits}


class LabelAwareTrainer(Trainer):
    contrast = LabelAwareContrastiveLoss(temperature=0.3)

    def compute_loss(self, model, inputs, return_outputs=False, **_):
        # Each text twice: dropout makes the second view, so that every text has a positive.
        labels = inputs["labels"].repeat(2)
        found = model(*(inputs[name].repeat(2, 1) for name in ("input_ids", "attention_mask")))
        both = F.cross_entropy(found["logits"], labels) + F.cross_entropy(found["weighting_logits"], labels)
        contrastive = self.contrast(found["features"], labels, found["weighting_logits"])
        loss = ALPHA * both + (1 - ALPHA) * contrastive
        return (loss, found) if return_outputs else loss


def main(steps: int = 300, count: int = 720) -> list[float]:
    """Trains so many steps on so many texts of the embedded corpus; gives the loss of each."""
    corpus = load_corpus("embedded")["train"].shuffle(seed=0).select(range(count))
    tokenizer, classes = tiny.tokenizer(list(corpus["text"])), len(corpus.features["label"].names)
    read = corpus.map(lambda row: dict(tokenizer(row["text"], truncation=True, max_length=64)), remove_columns=["text"])
    model = TwoNetworks(*(tiny.network(tokenizer, classes) for _ in range(2)))
    with tempfile.TemporaryDirectory() as folder:
        how = TrainingArguments(
            folder, max_steps=steps, per_device_train_batch_size=10, learning_rate=1e-3, logging_steps=1, save_strategy="no",
            report_to="none", disable_tqdm=True, remove_unused_columns=False, use_cpu=True, seed=0,
        )  # fmt: skip
        trainer = LabelAwareTrainer(model, how, DataCollatorWithPadding(tokenizer), read.rename_column("label", "labels"))
        trainer.train()
    return [told["loss"] for told in trainer.state.log_history if "loss" in told]


if __name__ == "__main__":
    losses = main()
    print(f"loss {losses[0]:.3f} at the first step, {sum(losses[-10:]) / 10:.3f} over the last ten")
