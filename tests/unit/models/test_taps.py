from __future__ import annotations

import pytest
import torch
import transformers

from hf_efficient.errors import PlanError
from hf_efficient.models.taps import Taps
from tests.tiny import Seq2SeqCase
from tests.unit.models.test_student import CONFIGS, IDS, teacher

TEXT = [kind for kind in CONFIGS if kind != "vit"]


@pytest.mark.parametrize("kind", TEXT)
def test_hidden_states_are_those_that_transformers_gives(kind):
    model = teacher(kind)
    taps = Taps(model, "here")
    taps.tap(1, "hidden")
    with torch.no_grad():
        outputs = model(input_ids=IDS, output_hidden_states=True)
    torch.testing.assert_close(taps.hidden(1), outputs.hidden_states[2])  # the first are the embeddings


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_queries_and_keys_make_the_attention_of_transformers(kind):
    model = teacher(kind)
    model.set_attn_implementation("eager")
    taps = Taps(model, "here")
    taps.tap(2, "queries", "keys", "values")
    with torch.no_grad():
        outputs = model(input_ids=IDS, output_attentions=True)
    scores = taps.heads(2, "queries") @ taps.heads(2, "keys").transpose(-1, -2) / 4**0.5
    torch.testing.assert_close(scores.softmax(-1), outputs.attentions[2])
    assert taps.heads(2, "values").shape == (2, 4, 4, 4)


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_model_has_its_parts_told_apart(kind):
    Taps(teacher(kind), "here").tap(0, "hidden", "queries", "keys", "values")


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(PlanError, match="here: expected a layer from 0 to 3, found 4"):
        Taps(teacher("bert"), "here").tap(4, "hidden")


def test_parts_in_one_matrix_are_refused():
    fused = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=40, n_embd=16, n_layer=4, n_head=4))
    Taps(fused, "here").tap(0, "hidden")
    with pytest.raises(PlanError, match=r"the queries of GPT2LMHeadModel can't be told apart; take distill\.hidden"):
        Taps(fused, "here").tap(0, "queries")


def test_an_encoder_and_a_decoder_are_not_told_apart():
    with pytest.raises(PlanError, match="can't be told apart; take the logits alone"):
        Taps(Seq2SeqCase("t5").make_model(), "here").tap(0, "hidden")
