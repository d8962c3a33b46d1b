"""What a language model makes of prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor

from hf_efficient.data.encode import Encoded
from hf_efficient.data.packing import as_dataset, refuse_long
from hf_efficient.data.token_rows import prompt_rows
from hf_efficient.errors import PlanError
from hf_efficient.losses import IGNORED
from hf_efficient.tasks.causal_lm import CausalLM

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DEFAULT_NEW_TOKENS: Final = 128
"""Tokens of a completion at most, unless the recipe says otherwise or the model reads less than twice as many."""


@dataclass(frozen=True)
class PromptCompletion(CausalLM):
    """The task of a trained language model that is asked: rows are prompts, predictions what it goes on with."""

    tokenizer: PreTrainedTokenizerBase | None = None
    positions: int | None = None
    """Tokens that the model can read, or None where it has no bound."""

    @classmethod
    def of(cls, task: CausalLM) -> PromptCompletion:
        """The task with prompts for rows."""
        return cls(**{field.name: getattr(task, field.name) for field in fields(task)})

    def bind(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> PromptCompletion:
        """The task of this model.

        Raises:
            PlanError: it can't read as many tokens as it is to write.
        """
        positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        bound = replace(self, tokenizer=tokenizer, positions=positions)
        if positions is not None and bound.max_new_tokens >= positions:
            raise PlanError(
                f"{self.place('task.generation.max_new_tokens')}: expected less than {positions}, what the model "
                f"reads in all; found {bound.max_new_tokens}"
            )
        return bound

    @property
    def max_new_tokens(self) -> int:
        """Tokens of a completion at most."""
        default = DEFAULT_NEW_TOKENS if self.positions is None else min(DEFAULT_NEW_TOKENS, self.positions // 2)
        return self.generation.max_new_tokens or default

    def encode(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: bool, split: str
    ) -> Encoded:
        """`input_ids` and `length` of each prompt; of a long one the end, so that the completion has room.

        Raises:
            DataError: prompts that can't be used, or are longer than allowed.
            PlanError: conversations, and the tokenizer has no chat template.
        """
        from hf_efficient.assets.cache import cache_root

        room = max_length if self.positions is None else min(max_length, self.positions - self.max_new_tokens)
        rows = prompt_rows(self.columns, table, tokenizer, split=split, cache=cache_root() / "encoded")
        if not truncation:
            refuse_long(rows, room, split)
        kept = np.minimum(rows.lengths, room)
        dataset = as_dataset(rows.take(rows.starts + rows.lengths - kept, kept)).remove_columns("labels")
        return Encoded(dataset, int((rows.lengths > room).sum()))

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[Mapping[str, Any]]], Any]:
        """Batches padded on the left, so that each prompt ends where its completion begins."""
        pad_token_id = int(tokenizer.pad_token_id or 0)

        def collate(features: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
            rows = [torch.as_tensor(row["input_ids"], dtype=torch.long) for row in features]
            masks = [torch.ones_like(row) for row in rows]
            return {"input_ids": _padded(rows, pad_token_id), "attention_mask": _padded(masks, 0)}

        return collate

    def predict_step(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """Ids of the completions of a batch (samples, tokens), the likeliest token at each step or by beam search."""
        assert self.tokenizer is not None
        generated: Tensor = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=self.max_new_tokens,
            num_beams=self.generation.num_beams,
            do_sample=False,
            use_cache=True,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        return generated[:, inputs["input_ids"].shape[1] :].contiguous()

    def predictions(self, logits: Any, rows: Dataset, /) -> list[dict[str, Any]]:
        """One record a row, its `prediction` the text that was written; `logits` are its ids."""
        assert self.tokenizer is not None
        ids = np.where(logits == IGNORED, self.tokenizer.pad_token_id, logits)
        return [{"prediction": text} for text in self.tokenizer.batch_decode(ids, skip_special_tokens=True)]


def _padded(rows: list[Tensor], filling: int) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=filling, padding_side="left")
