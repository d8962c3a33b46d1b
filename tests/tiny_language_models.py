"""Tiny causal language models and ragged rows of tokens for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers

from hf_efficient.data.documents import Documents
from hf_efficient.data.packing import TokenRows, as_dataset, as_packed_dataset
from hf_efficient.recipe.task import Generation
from hf_efficient.tasks.causal_lm import METRICS, CausalLM

VOCAB = 48


def _llama(**settings: Any) -> Any:
    config = transformers.LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=24,
        max_position_embeddings=32,
        **settings,
    )
    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(config)


def _gpt2(dropout: float = 0.0, **settings: Any) -> Any:
    config = transformers.GPT2Config(
        vocab_size=VOCAB,
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=32,
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        bos_token_id=1,
        eos_token_id=2,
        **settings,
    )
    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(config)


LANGUAGE_MODELS: dict[str, Callable[..., Any]] = {"llama": _llama, "gpt2": _gpt2}
"""Makers of models, with the same weights at every call."""


def random_rows(lengths: Sequence[int]) -> TokenRows:
    """Rows of these lengths, the same at every call."""
    ids = np.random.default_rng(1).integers(4, VOCAB, sum(lengths)).astype(np.int32)
    return TokenRows(ids, np.ones(len(ids), dtype=np.bool_), np.array(lengths))


@dataclass(frozen=True)
class LanguageCase:
    """One architecture; ragged rows that share sequences, or rows of a prompt and a completion."""

    model: str
    packing: bool = False
    dropout: float = 0.0

    def make_model(self) -> Any:
        """The model, with the same weights at every call."""
        return LANGUAGE_MODELS[self.model](**({"dropout": self.dropout} if self.dropout else {}))

    def rows(self, count: int) -> list[dict[str, Any]]:
        """Sequences of 3 to 12 tokens, the same at every call; of a completion the first two are its prompt."""
        lengths = np.random.default_rng(2).integers(3, 13, 4 * count)
        rows = random_rows(lengths)
        if not self.packing:
            rows.learnt[rows.starts + 1] = False
        table = as_packed_dataset(rows, 16) if self.packing else as_dataset(rows)
        return table.remove_columns("length").select(range(count)).to_list()

    @property
    def collator(self) -> Any:
        """The task's own."""
        return CausalLM(Documents(text="text"), self.packing, METRICS, Generation()).collator(PadZero())


class PadZero:
    """What a collator needs of a tokenizer."""

    pad_token_id = 0
