from __future__ import annotations

import pytest
import torch
import transformers

from hf_efficient.data.decoder_inputs import DecoderInputs
from hf_efficient.losses import Batch, known_head
from tests.tiny import SEQ2SEQ_MODELS, Seq2SeqCase


@pytest.mark.parametrize("name", SEQ2SEQ_MODELS)
def test_the_rows_of_a_known_head_add_up_to_the_models_own_loss(name):
    case = Seq2SeqCase(name)
    model, batch = case.make_model().eval(), case.collator(case.rows(4))
    head = known_head(model)
    with torch.no_grad():
        outputs = model(**batch)
    rows = head.rows(Batch({}, {"labels": batch["labels"]}, outputs))
    count = int(head.count(batch))
    assert count == int((batch["labels"] != -100).sum()) == int(rows.mask.sum())
    assert float(rows.values.sum() / count) == pytest.approx(float(outputs.loss), rel=1e-6)


def test_models_of_other_inputs_or_losses_keep_their_own():
    sizes = {"d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 1}
    sizes |= {"decoder_attention_heads": 1, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8, "vocab_size": 16}
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    speech = transformers.WhisperConfig(
        **sizes, **ids, num_mel_bins=4, suppress_tokens=None, begin_suppress_tokens=None
    )
    assert known_head(transformers.WhisperForConditionalGeneration(speech)) is None
    assert known_head(Seq2SeqCase("bart").make_model().model) is None


def test_decoder_inputs_are_the_labels_shifted_unless_the_collator_has_made_them():
    shift = Seq2SeqCase("bart").make_model().prepare_decoder_input_ids_from_labels
    labels = torch.tensor([[5, 6, -100]])
    assert DecoderInputs(dict, shift)({"labels": labels})["decoder_input_ids"].tolist() == [[2, 5, 6]]
    own = {"labels": labels, "decoder_input_ids": torch.tensor([[9, 9, 9]])}
    assert DecoderInputs(dict, shift)(own)["decoder_input_ids"].tolist() == [[9, 9, 9]]
    assert "decoder_input_ids" not in DecoderInputs(dict, shift)({"input_ids": labels})
