"""The encoder `tiny`: a small BERT with random weights and a WordPiece vocabulary of the corpus, to try the study out."""

from collections.abc import Callable

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

SIZE = {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 512,
    "max_position_embeddings": 512,
}
VOCABULARY = 4000
SEED = 0


def networks(tokenizer: PreTrainedTokenizerFast) -> tuple[Callable[[], nn.Module], Callable[[int], nn.Module]]:
    """What makes a body without a head, and what makes a classifier of so many classes; all start from the same weights."""
    config = BertConfig(**SIZE, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    body_state = _seeded(lambda: BertModel(config)).state_dict()

    def body() -> nn.Module:
        model = BertModel(config, add_pooling_layer=False)
        model.load_state_dict({name: value for name, value in body_state.items() if not name.startswith("pooler")})
        return model

    def classifier(classes: int) -> nn.Module:
        model = BertForSequenceClassification(BertConfig(**config.to_diff_dict() | {"num_labels": classes}))
        model.bert.load_state_dict(body_state)
        return model

    return body, classifier


def _seeded(make):
    """Random weights that are the same for every run, as those of a pre-trained checkpoint are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return make()


def tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer whose vocabulary is that of the texts, the same in every process."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]

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
    numbered = [*special, *sorted(f"##{sign}" for sign in signs)]
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=numbered, show_progress=False)
    learner.train_from_iterator(texts, trainer)
    made = untrained(learner.get_vocab())  # anew, because to the learner the numbered pieces are special
    made.add_special_tokens(special)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", special.index("[CLS]")), ("[SEP]", special.index("[SEP]"))]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)
