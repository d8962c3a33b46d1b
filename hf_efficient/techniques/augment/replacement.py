"""Words in the place of words, and more words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_efficient.techniques.augment.choices import Lexicon
from hf_efficient.techniques.augment.draws import Draws, Numbers
from hf_efficient.techniques.augment.words import Words, choose, num_words


@dataclass(frozen=True)
class Replace:
    """Some of the words for which the lexicon has others give way to one of them."""

    share: float
    lexicon: Lexicon

    def __call__(self, words: Words, draws: Draws) -> Words:
        """One view of each text."""
        return words.with_words(*_drawn(words, self.share, self.lexicon, draws))


@dataclass(frozen=True)
class Insert:
    """Words that the lexicon has for some of the text's come in anywhere (EDA, Wei & Zou 2019)."""

    share: float
    lexicon: Lexicon

    def __call__(self, words: Words, draws: Draws) -> Words:
        """One view of each text."""
        places, more = _drawn(words, self.share, self.lexicon, draws)
        texts = words.text_of[places]
        gaps = words.drawn(places, draws, purpose=1) * (words.counts[texts] + 1)
        return words.with_more(words.begins[texts] + gaps.astype(np.int64), more, texts)


def _drawn(words: Words, share: float, lexicon: Lexicon, draws: Draws) -> tuple[Numbers, Any]:
    """Places of some of the words for which the lexicon has others, and one of these for each."""
    choices, numbers = lexicon(words)
    places = choose(words, num_words(share, words.counts), draws, choices.has(numbers))
    return places, choices.draw(numbers[places], words.drawn(places, draws))
