"""Texts that models write: many at a time, each by its own random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList

from hf_efficient.models.checks import positions_of
from hf_efficient.models.teacher import Loaded
from hf_efficient.tasks.generation import without_chance


@dataclass(frozen=True)
class Sampling:
    """From which tokens the next one is drawn."""

    temperature: float
    top_p: float = 1.0
    top_k: int | None = None
    """None for all."""


class RowSampling(LogitsProcessor):
    """Draws the next token of each row by the row's own seed, so that nothing depends on the others in the batch.

    transformers' own sampling (5.23) draws for the whole batch from the global generator.
    """

    def __init__(self, sampling: Sampling, seeds: Sequence[int]) -> None:
        self.sampling = sampling
        self._generators = [np.random.default_rng(seed) for seed in seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores (rows, tokens) with nothing possible but the token that was drawn."""
        uniform = torch.tensor([generator.random() for generator in self._generators], device=scores.device)
        tokens = draw(scores, self.sampling, uniform)
        return torch.full_like(scores, -torch.inf).scatter(-1, tokens[:, None], 0.0)


def draw(scores: Tensor, sampling: Sampling, uniform: Tensor) -> Tensor:
    """A token of each row (rows,) of scores (rows, tokens), by a number from 0 to 1 for each row."""
    top_k = min(sampling.top_k or scores.shape[-1], scores.shape[-1])
    likely = (scores.float() / sampling.temperature).softmax(-1).topk(top_k)
    reached = likely.values.double().cumsum(-1)
    kept = reached - likely.values < sampling.top_p
    mass = (likely.values * kept).double().sum(-1, keepdim=True)
    number = (reached <= uniform.double()[:, None] * mass).sum(-1, keepdim=True)
    return likely.indices.gather(-1, number.clamp(max=likely.indices.shape[-1] - 1)).squeeze(-1)


@dataclass(frozen=True)
class Written:
    """What a model has written for a text."""

    text: str
    """Empty where it was not asked, for the text is blank."""
    is_finished: bool
    """Whether it came to an end, and was not cut off."""


@dataclass(frozen=True)
class Writer:
    """A model that writes a text for a text."""

    loaded: Loaded
    num_beams: int = 1
    sampling: Sampling | None = None
    """None takes the likeliest."""
    adds_special_tokens: bool = True
    """Whether requests lack the special tokens that the model expects; a chat template has put them in."""

    def write(
        self, requests: Sequence[str], texts: Sequence[str], seeds: Sequence[int], **more: Any
    ) -> list[Written | None]:
        """What the model writes for each text; None where that is too long for it.

        Args:
            requests: what it reads, the texts in it.
            texts: what it is to write anew; it writes no more than about twice as much.
            seeds: what the tokens of each are drawn from.
            more: settings of `generate` for all of them.
        """
        tokenizer = self.loaded.tokenizer
        read = tokenizer(list(requests), add_special_tokens=self.adds_special_tokens, verbose=False)["input_ids"]
        limits = [self._limit(len(ids)) for ids in tokenizer(list(texts), verbose=False)["input_ids"]]
        fitting = [n for n, ids in enumerate(read) if texts[n].strip() and self._fits(len(ids), limits[n])]
        written = [None if text.strip() else Written("", False) for text in texts]
        if fitting:
            rows, drawn_from = [read[number] for number in fitting], [seeds[number] for number in fitting]
            found = self._generate(rows, drawn_from, max(limits[number] for number in fitting), more)
            for number, ids in zip(fitting, found, strict=True):
                written[number] = self._decoded(ids[: limits[number]])
        return written

    def _decoded(self, ids: list[int]) -> Written:
        ends = self.loaded.model.generation_config.eos_token_id
        text = self.loaded.tokenizer.decode(ids, skip_special_tokens=True).strip()
        return Written(text, not set(ids).isdisjoint(ends if isinstance(ends, list) else [ends]))

    def _limit(self, length: int) -> int:
        """Tokens that are written at most for a text of so many."""
        positions = positions_of(self.loaded.model.config) if self._is_encoder_decoder else None
        return min(2 * length + 8, positions or 2 * length + 8)

    def _fits(self, length: int, limit: int) -> bool:
        positions = positions_of(self.loaded.model.config)
        needed = max(length, limit) if self._is_encoder_decoder else length + limit
        return positions is None or needed <= positions

    @property
    def _is_encoder_decoder(self) -> bool:
        return bool(self.loaded.model.config.is_encoder_decoder)

    @torch.no_grad()
    def _generate(
        self, rows: list[list[int]], seeds: Sequence[int], limit: int, more: dict[str, Any]
    ) -> list[list[int]]:
        model, tokenizer = self.loaded.model, self.loaded.tokenizer
        side = "right" if self._is_encoder_decoder else "left"
        batch = tokenizer.pad({"input_ids": rows}, return_tensors="pt", padding_side=side).to(model.device)
        processors = [] if self.sampling is None else [RowSampling(self.sampling, seeds)]
        # Settings given to `generate` would be filled up from these.
        config = without_chance(model.generation_config, num_beams=self.num_beams, max_new_tokens=limit)
        config.pad_token_id = tokenizer.pad_token_id
        model.generation_config = config
        ids: Tensor = model.generate(  # type: ignore[operator]
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            logits_processor=LogitsProcessorList(processors),
            **more,
        )
        start = 0 if self._is_encoder_decoder else batch["input_ids"].shape[1]
        written: list[list[int]] = ids[:, start:].tolist()
        return written
