"""Word-level recurrent encoders, RNN and GRU, whose embeddings are learnt: Section 3.1 of Modarres and Raeisi.

The report lower-cases, removes stop words, filters by regular expressions and takes its tokenizer and networks from a
course (Made With ML); it gives no size. Here: words of letters and digits, scikit-learn's list of English stop words, a
vocabulary of the training split alone, one layer in one direction.
"""

from collections.abc import Iterable
from types import SimpleNamespace

import torch
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transformers import PreTrainedTokenizerFast

from .batching import Packed

EMBEDDING, HIDDEN, DROPOUT = 100, 128, 0.1
MOST_WORDS, LEAST_COUNT = 20_000, 2  # a word seen once teaches nothing about another text
CELLS = {"rnn": nn.RNN, "gru": nn.GRU}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


class Recurrent(nn.Module):
    """Embeddings and one recurrent layer. `config` and `forward` are what the study asks of any encoder."""

    def __init__(self, cell: str, words: int):
        super().__init__()
        self.config = SimpleNamespace(hidden_size=HIDDEN, pad_token_id=SPECIAL.index("[PAD]"))
        self.embeddings = nn.Embedding(words, EMBEDDING)
        self.layer = CELLS[cell](EMBEDDING, HIDDEN, batch_first=True)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        """`last_hidden_state` [K, L, H]: the state after each token, 0 where none stands."""
        lengths = attention_mask.sum(dim=1).cpu()  # where torch wants them
        rows = pack_padded_sequence(self.embeddings(input_ids), lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.layer(rows)[0], batch_first=True, total_length=input_ids.shape[1])
        return SimpleNamespace(last_hidden_state=states)


class RecurrentClassifier(nn.Module):
    """A recurrent encoder with a head of the shape that ELECTRA's own has: dense, dropout, dense."""

    def __init__(self, cell: str, words: int, classes: int):
        super().__init__()
        self.base_model = Recurrent(cell, words)
        self.config = self.base_model.config
        self.classifier = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(HIDDEN, classes))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        """`logits` [K, C], from the state after the last token of each row."""
        states = self.base_model(input_ids, attention_mask).last_hidden_state
        last = attention_mask.sum(dim=1) - 1
        return SimpleNamespace(logits=self.classifier(states[torch.arange(len(last), device=last.device), last]))


def end_pooling(hidden: Tensor, rows: Packed) -> Tensor:
    """[T, H] -> [K, H]: the state after the last token of each row, when the whole text is read."""
    return hidden[rows.starts + rows.mask.sum(dim=1) - 1]


def word_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Lower-cased words without stop words, numbered by how often they stand in `texts`; others are [UNK]."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    stop_words = Regex(rf"(?<![\p{{L}}\p{{N}}])({'|'.join(sorted(ENGLISH_STOP_WORDS))})(?![\p{{L}}\p{{N}}])")
    steps = [normalizers.NFC(), normalizers.Lowercase(), normalizers.Replace(stop_words, " ")]
    tokenizer.normalizer = normalizers.Sequence(steps)
    # Marks (\p{M}) belong to the words of many scripts.
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\p{L}\p{N}\p{M}]+"), behavior="removed", invert=True)
    trainer = trainers.WordLevelTrainer(
        vocab_size=MOST_WORDS, min_frequency=LEAST_COUNT, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return as_pretrained(tokenizer)


def as_pretrained(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """The same as transformers takes it, each text between [CLS] and [SEP]; of a vocabulary that begins with `SPECIAL`."""
    marks = [(name, SPECIAL.index(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    named = {f"{name[1:-1].lower()}_token": name for name in SPECIAL}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
