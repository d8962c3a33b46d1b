"""Words that change places or go: Easy Data Augmentation (Wei & Zou 2019, arXiv 1901.11196)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hf_efficient.techniques.augment.draws import Draws
from hf_efficient.techniques.augment.words import Words, choose, num_words


@dataclass(frozen=True)
class Swap:
    """Two words change places, again and again."""

    share: float

    def __call__(self, words: Words, draws: Draws) -> Words:
        """One view of each text."""
        numbers = np.where(words.counts > 1, num_words(self.share, words.counts), 0)
        order = np.arange(len(words.values))
        for turn in range(int(numbers.max(initial=0))):
            texts = np.flatnonzero(numbers > turn)
            begins, counts, rows = words.begins[texts], words.counts[texts], words.rows[texts]
            first = draws.below(counts, rows, turn, purpose=1)
            second = draws.below(counts - 1, rows, turn, purpose=2)
            second += second >= first
            first, second = begins + first, begins + second
            order[first], order[second] = order[second], order[first]
        return words.taken(order)


@dataclass(frozen=True)
class Delete:
    """Words go, but never all of a text."""

    share: float

    def __call__(self, words: Words, draws: Draws) -> Words:
        """One view of each text."""
        numbers = np.minimum(num_words(self.share, words.counts), words.counts - 1)
        gone = choose(words, numbers, draws)
        kept = np.delete(np.arange(len(words.values)), gone)
        begins = words.begins - np.searchsorted(gone, words.begins)
        return replace(words.taken(kept), begins=begins)
