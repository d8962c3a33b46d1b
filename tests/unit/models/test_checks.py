from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from transformers import (
    AutoModel,
    BertConfig,
    DistilBertConfig,
    MPNetConfig,
    RobertaConfig,
    T5Config,
    XLMRobertaConfig,
)

from hf_efficient.errors import PlanError
from hf_efficient.models.checks import check_embeddings, max_length_of, set_pad_token
from tests.unit.data.tokenizer import WORDS, tiny_tokenizer

TINY = {"vocab_size": 12, "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8}


def tokenizer(model_max_length=int(1e30)):
    return SimpleNamespace(model_max_length=model_max_length)


@pytest.mark.parametrize(
    ("config", "says", "length"),
    [
        (BertConfig(), int(1e30), 512),
        (BertConfig(), 128, 128),
        (BertConfig(), 1024, 512),
        (DistilBertConfig(max_position_embeddings=64), int(1e30), 64),
        (RobertaConfig(max_position_embeddings=514), int(1e30), 512),
        (MPNetConfig(max_position_embeddings=514), int(1e30), 512),
        (T5Config(), 512, 512),
    ],
)
def test_the_length_is_what_positions_and_tokenizer_allow(config, says, length):
    assert max_length_of(config, tokenizer(says)) == length


def test_a_wanted_length_within_the_positions_is_taken():
    assert max_length_of(RobertaConfig(max_position_embeddings=514), tokenizer(128), 512) == 512
    assert max_length_of(T5Config(), tokenizer(), 4096) == 4096


def test_a_wanted_length_beyond_the_positions():
    place = "a.yaml:9: {}".format
    said = "^a.yaml:9: data.max_length: expected at most 512, the positions of this roberta model; found 513$"
    with pytest.raises(PlanError, match=said):
        max_length_of(RobertaConfig(max_position_embeddings=514), tokenizer(), 513, place)


def test_nothing_says_how_long_a_row_may_be():
    with pytest.raises(PlanError, match="neither this t5 model nor its tokenizer says how many tokens it takes; set"):
        max_length_of(T5Config(), tokenizer())


@pytest.mark.parametrize("config_class", [BertConfig, RobertaConfig, MPNetConfig, XLMRobertaConfig])
def test_the_longest_row_passes_the_model_and_one_more_token_does_not(config_class):
    config = config_class(**TINY, max_position_embeddings=10)
    model = AutoModel.from_config(config).eval()
    length = max_length_of(config, tokenizer())
    model(input_ids=torch.full((1, length), 5))
    with pytest.raises((IndexError, RuntimeError)):
        model(input_ids=torch.full((1, length + 1), 5))


def test_a_tokenizer_with_more_ids_than_embeddings():
    model = AutoModel.from_config(BertConfig(**{**TINY, "vocab_size": 9}))
    check_embeddings(model, tiny_tokenizer(), "model.tokenizer")
    said = r"^model.tokenizer: the tokenizer has ids up to 9, the model embeddings for 0 to 8; use the model's own"
    with pytest.raises(PlanError, match=said):
        check_embeddings(model, tiny_tokenizer([*WORDS, "more"]), "model.tokenizer")


def test_a_pad_token_is_named_or_there_already():
    kept = tiny_tokenizer()
    set_pad_token(kept, None, "model.pad_token")
    assert kept.pad_token == "[PAD]"
    named = tiny_tokenizer(pad_token=None)
    set_pad_token(named, "[SEP]", "model.pad_token")
    assert (named.pad_token, named.pad_token_id) == ("[SEP]", 3)


def test_a_missing_pad_token():
    said = r"^model.pad_token: this tokenizer has no token to pad with; name one in model.pad_token, e.g. \[SEP\]$"
    with pytest.raises(PlanError, match=said):
        set_pad_token(tiny_tokenizer(pad_token=None, eos_token="[SEP]"), None, "model.pad_token")


def test_an_unknown_pad_token_names_the_nearest():
    with pytest.raises(PlanError, match=r"\[PADD\] is not a token of this tokenizer. Did you mean \[PAD\]\?"):
        set_pad_token(tiny_tokenizer(), "[PADD]", "model.pad_token")
