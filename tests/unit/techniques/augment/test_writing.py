from __future__ import annotations

import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration, BatchEncoding

from hf_efficient.models.teacher import Loaded
from hf_efficient.techniques.augment.pretrained import load
from hf_efficient.techniques.augment.writing import Sampling, Writer, draw
from tests.tiny_language_models import save_llama
from tests.tiny_writers import save_seq2seq

TEXTS = ["abc", "a longer text", "de"]


@pytest.fixture(scope="module")
def seq2seq(tmp_path_factory) -> Loaded:
    return load(save_seq2seq(tmp_path_factory.mktemp("t5")), "AutoModelForSeq2SeqLM", "cpu", "here")


@pytest.fixture(scope="module")
def causal(tmp_path_factory) -> Loaded:
    return load(save_llama(tmp_path_factory.mktemp("llama")), "AutoModelForCausalLM", "cpu", "here")


@pytest.mark.parametrize(
    ("uniform", "top_p", "top_k", "token"),
    [
        (0.0, 1.0, 3, 2),
        (0.49, 1.0, 3, 2),
        (0.51, 1.0, 3, 0),
        (0.81, 1.0, 3, 1),
        (0.999, 1.0, 3, 1),
        (0.999, 0.5, 3, 2),  # the first reaches one half by itself
        (0.62, 0.6, 3, 2),  # of the two that reach 0.6 the first has 5 of 8
        (0.63, 0.6, 3, 0),
        (0.999, 1.0, 1, 2),
        (0.999, 1.0, 2, 0),
    ],
)
def test_a_number_falls_to_the_token_that_covers_it(uniform, top_p, top_k, token):
    scores = torch.tensor([[0.3, 0.2, 0.5]]).log()
    assert draw(scores, Sampling(1.0, top_p, top_k), torch.tensor([uniform])).tolist() == [token]


def test_a_low_temperature_keeps_to_the_likeliest():
    scores = torch.tensor([[0.3, 0.2, 0.5]]).log()
    drawn = [draw(scores, Sampling(t), torch.tensor([0.9])).item() for t in (0.01, 1.0, 100.0)]
    assert drawn == [2, 1, 1]
    assert draw(scores, Sampling(100.0), torch.tensor([0.5])).item() == 0


@pytest.mark.parametrize("kind", ["seq2seq", "causal"])
def test_what_is_written_for_a_text_depends_on_its_seed_alone(kind, request):
    writer = Writer(request.getfixturevalue(kind), sampling=Sampling(1.0))
    together = writer.write(TEXTS, TEXTS, [1, 2, 3])
    assert together == [writer.write([t], [t], [seed])[0] for t, seed in zip(TEXTS, [1, 2, 3], strict=True)]
    assert together[::-1] == writer.write(TEXTS[::-1], TEXTS[::-1], [3, 2, 1])
    assert writer.write(TEXTS, TEXTS, [4, 5, 6]) != together


@pytest.mark.parametrize("kind", ["seq2seq", "causal"])
def test_no_more_is_written_than_about_twice_the_text(kind, request):
    writer = Writer(request.getfixturevalue(kind), sampling=Sampling(1.0))
    texts = [text for text in TEXTS for _ in range(20)]
    limits = [2 * len(writer.loaded.tokenizer(text)["input_ids"]) + 8 for text in texts]
    written = writer.write(texts, texts, list(range(len(texts))))
    assert all(len(found.text) <= limit for found, limit in zip(written, limits, strict=True))
    assert {found.is_finished for found in written} == {True, False}
    assert all(
        found.is_finished for found, limit in zip(written, limits, strict=True) if 0 < len(found.text) < limit // 2
    )


def test_as_long_a_text_is_written_as_was_read(tmp_path):
    config = BartConfig(
        vocab_size=48,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        max_position_embeddings=24,
        forced_eos_token_id=None,
        eos_token_id=None,
    )
    writer = Writer(Loaded("bart", BartForConditionalGeneration(config).eval(), Letters()))
    texts = ["x" * 24, "x" * 25]  # twice as much would not fit
    longest, too_long = writer.write(texts, texts, [0, 0])
    assert len(longest.text.split()) == 24
    assert too_long is None


def test_words_are_drawn_from_all_unless_some_are_named():
    scores = torch.linspace(0, -0.001, 80)[None]
    assert draw(scores, Sampling(1.0), torch.tensor([0.99])).item() == 79
    assert draw(scores, Sampling(1.0, top_k=50), torch.tensor([0.99])).item() == 49


class Letters:
    """A tokenizer of letters, one token each."""

    pad_token_id = 1

    def __call__(self, texts, **settings):
        return {"input_ids": [[3 + ord(letter) % 40 for letter in text] for text in texts]}

    def pad(self, batch, **settings):
        return BatchEncoding({name: torch.tensor([*batch["input_ids"]]) for name in ("input_ids", "attention_mask")})

    def decode(self, ids, **settings):
        return " ".join(map(str, ids))


def test_nothing_is_written_for_a_text_that_is_too_long(causal):
    writer = Writer(causal)
    longest = "x" * 18  # 18 to read and 44 to write, of 64
    long = "x" * 19
    written = writer.write([longest, long, " "], [longest, long, " "], [0, 0, 0])
    assert written[0].text
    assert written[1] is None
    assert written[2].text == ""
