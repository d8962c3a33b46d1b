"""Views of texts: each by one of the augmenters, drawn for the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hf_efficient.recipe.augment import RandomSwap
from hf_efficient.recipe.section import Section


@dataclass(frozen=True)
class Draws:
    """Where the random choices of a set of views come from: the same for the same (seed, epoch, copy, row)."""

    seed: int
    epoch: int
    copy: int

    def generator(self, row: int) -> np.random.Generator:
        """Random numbers of one row."""
        return np.random.default_rng([self.seed, self.epoch, self.copy, row])


class Augmenter(Protocol):
    """What makes views of texts."""

    def __call__(self, texts: Sequence[str], rows: Sequence[int], draws: Draws) -> list[str]:
        """One view of each text; `rows` are their numbers in the table, by which their random numbers are drawn."""
        ...


@dataclass(frozen=True)
class Swap:
    """Two words change places, again and again."""

    share: float

    def __call__(self, texts: Sequence[str], rows: Sequence[int], draws: Draws) -> list[str]:
        """One view of each text."""
        return [self._view(text, draws.generator(row)) for text, row in zip(texts, rows, strict=True)]

    def _view(self, text: str, generator: np.random.Generator) -> str:
        words = text.split()
        for _ in range(round(self.share * len(words))):
            i, j = generator.integers(len(words), size=2)
            words[i], words[j] = words[j], words[i]
        return " ".join(words)


AUGMENTERS: dict[type[Section], Callable[[Any], Augmenter]] = {RandomSwap: lambda section: Swap(section.share)}
"""Sub-section of `augment:` → the augmenter with its settings."""


def views_of(texts: Sequence[str], sections: Mapping[str, Section], draws: Draws) -> list[str]:
    """One view of each text, by an augmenter drawn for it."""
    augmenters = [AUGMENTERS[type(section)](section) for section in sections.values()]
    chosen = np.random.default_rng([draws.seed, draws.epoch, draws.copy]).integers(len(augmenters), size=len(texts))
    views = list(texts)
    for number, augmenter in enumerate(augmenters):
        rows = np.flatnonzero(chosen == number).tolist()
        for row, view in zip(rows, augmenter([texts[row] for row in rows], rows, draws), strict=True):
            views[row] = view
    return views
