"""Views some of whose words a masked language model has put in."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from hf_efficient.errors import PlanError
from hf_efficient.models.checks import positions_of
from hf_efficient.models.teacher import Loaded
from hf_efficient.recipe.augment_models import Contextual
from hf_efficient.techniques.augment.pretrained import load
from hf_efficient.techniques.augment.writing import Sampling, draw

_WORD: Final = re.compile(r"[^\W\d_]+")
"""Letters alone: numbers and marks stay."""
_STARTS: Final = ("Ġ", "▁")
"""What tokens begin with that begin a word, where vocabularies mark that; BERT's mark what goes on, by `##`."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Masked:
    """A text some of whose words are masked."""

    text: str
    spans: tuple[Span, ...]
    """Where the masked words stand, from left to right."""
    uniform: tuple[float, ...]
    """What the word in each place is drawn by, from 0 to 1."""

    @property
    def words(self) -> list[str]:
        """The words that are masked."""
        return [self.text[start:end] for start, end in self.spans]

    def shown(self, mask: str) -> str:
        """The text with a mask in the place of each word."""
        return self.filled([mask] * len(self.spans))

    def filled(self, words: Sequence[str]) -> str:
        """The text with these words."""
        parts, end = [], 0
        for (start, stop), word in zip(self.spans, words, strict=True):
            parts += [self.text[end:start], word]
            end = stop
        return "".join((*parts, self.text[end:]))


def masked(text: str, share: float, seed: int) -> Masked:
    """The text with a share of its words masked, at least one, drawn by the seed."""
    spans = [found.span() for found in _WORD.finditer(text)]
    generator = np.random.default_rng(seed)
    number = min(len(spans), max(1, round(share * len(spans))))
    chosen = np.sort(generator.permutation(len(spans))[:number])
    return Masked(text, tuple(spans[place] for place in chosen), tuple(generator.random(number).tolist()))


@dataclass(frozen=True)
class Contextualizer:
    """A masked language model that fills in words."""

    loaded: Loaded
    share: float
    top_k: int
    rows_of_pass: int = 64

    @classmethod
    def of(cls, section: Contextual, device: Any, place: Callable[[str], str]) -> Contextualizer:
        """The augmenter with its settings.

        Raises:
            RecipeError: there is no such model.
            PlanError: it can't be loaded, or is no masked language model.
        """
        loaded = load(section.model, "AutoModelForMaskedLM", device, place("model"))
        if loaded.tokenizer.mask_token is None:
            raise PlanError(
                f"{place('model')}: the tokenizer of {section.model} has no mask; name a masked language model."
            )
        return cls(loaded, section.share, section.top_k)

    @cached_property
    def _words(self) -> list[str]:
        """The word that each token of the vocabulary is, or nothing where it is none by itself."""
        vocabulary: dict[str, int] = self.loaded.tokenizer.get_vocab()
        words = [""] * max(len(self.loaded.tokenizer), self.loaded.model.config.vocab_size)
        marks = any(token.startswith(_STARTS) for token in vocabulary)
        for token, number in vocabulary.items():
            word = token[1:] if marks and token.startswith(_STARTS) else "" if marks else token
            words[number] = word if _WORD.fullmatch(word) else ""
        return words

    @cached_property
    def _possible(self) -> Tensor:
        """0 for tokens that are words, minus infinity for others, (tokens,)."""
        width = self.loaded.model.config.vocab_size
        return torch.tensor([0.0 if word else -math.inf for word in self._words[:width]])

    def views(self, texts: Sequence[str], seeds: Sequence[int], /) -> list[str]:
        """One view of each text; the text itself where it has no word or holds a mask, nothing where it is too long."""
        rows = [masked(text, self.share, seed) for text, seed in zip(texts, seeds, strict=True)]
        mask = self.loaded.tokenizer.mask_token
        ids = self.loaded.tokenizer([row.shown(mask) for row in rows], verbose=False)["input_ids"]
        views = [text if self._fits(tokens) else "" for text, tokens in zip(texts, ids, strict=True)]
        chosen = [n for n, row in enumerate(rows) if views[n] and self._is_masked(row, ids[n])]
        if chosen:
            for number, view in zip(
                chosen, self._filled([rows[n] for n in chosen], [ids[n] for n in chosen]), strict=True
            ):
                views[number] = view
        return views

    def _fits(self, ids: list[int]) -> bool:
        positions = positions_of(self.loaded.model.config)
        return positions is None or len(ids) <= positions

    def _is_masked(self, row: Masked, ids: list[int]) -> bool:
        """Whether the masks of a text are those that stand for its words, and there is one."""
        tokenizer = self.loaded.tokenizer
        if not row.spans or tokenizer.mask_token in row.text:
            return False
        return ids.count(tokenizer.mask_token_id) == len(row.spans)

    def _filled(self, rows: list[Masked], ids: list[list[int]]) -> list[str]:
        scores = self._scores(ids)
        own = [word for row in rows for word in row.words]
        scores = scores + self._possible.to(scores.device)
        for place, word in enumerate(own):
            scores[place, self._same(word)] = -math.inf
        uniform = torch.tensor([number for row in rows for number in row.uniform], device=scores.device)
        drawn = draw(scores, Sampling(1.0, top_k=self.top_k), uniform).tolist()
        words = iter([_as_written(self._words[token], word) for token, word in zip(drawn, own, strict=True)])
        return [row.filled([next(words) for _ in row.spans]) for row in rows]

    @cached_property
    def _tokens(self) -> dict[str, list[int]]:
        """Tokens of each word, however it is written."""
        tokens: dict[str, list[int]] = {}
        for number, word in enumerate(self._words):
            tokens.setdefault(word.casefold(), []).append(number)
        return tokens

    def _same(self, word: str) -> list[int]:
        return self._tokens.get(word.casefold(), [])

    @torch.no_grad()
    def _scores(self, ids: list[list[int]]) -> Tensor:
        """Logits at the masks, (masks, tokens), row after row."""
        tokenizer, model = self.loaded.tokenizer, self.loaded.model
        batch = tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(model.device)
        logits: Tensor = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return logits[batch["input_ids"] == tokenizer.mask_token_id].float()


def _as_written(word: str, like: str) -> str:
    """The word in small letters or capitals as another one."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word
