"""The encoder `tiny`: a small BERT with random weights and a WordPiece vocabulary of the corpus, to try the study out."""

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from .recurrent import SPECIAL, as_pretrained

SIZE = dict(hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512, max_position_embeddings=512)
VOCABULARY = 4000
SEED = 0  # of the weights, the same for every run, as those of a pre-trained checkpoint are


def network(tokenizer: PreTrainedTokenizerFast, classes: int | None = None) -> nn.Module:
    """A classifier of so many classes, or a body without a head; all start from the same weights."""
    config = BertConfig(**SIZE, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        weights = BertModel(config).state_dict()
    if classes is None:
        body = BertModel(config, add_pooling_layer=False)
        body.load_state_dict({name: value for name, value in weights.items() if not name.startswith("pooler")})
        return body
    classifier = BertForSequenceClassification(BertConfig(**config.to_diff_dict() | {"num_labels": classes}))
    classifier.bert.load_state_dict(weights)
    return classifier


def tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer whose vocabulary is that of the texts, the same in every process."""

    def untrained(vocabulary: dict[str, int] | None = None) -> Tokenizer:
        empty = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        empty.normalizer = normalizers.BertNormalizer(lowercase=True)
        empty.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        empty.decoder = decoders.WordPiece()
        return empty

    learner = untrained()
    # The trainer numbers pieces inside words in the order of a hash map, which differs from process to process, and breaks
    # ties by number. Numbered beforehand, they give every process the same vocabulary.
    signs = {sign for text in texts for sign in learner.normalizer.normalize_str(text) if not sign.isspace()}
    numbered = [*SPECIAL, *sorted(f"##{sign}" for sign in signs)]
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=numbered, show_progress=False)
    learner.train_from_iterator(texts, trainer)
    made = untrained(learner.get_vocab())  # anew, because to the learner the numbered pieces are special
    made.add_special_tokens(SPECIAL)
    return as_pretrained(made)
