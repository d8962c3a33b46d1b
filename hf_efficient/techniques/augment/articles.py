"""`a` and `an` before words that have changed."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hf_efficient.techniques.augment.surface import surface
from hf_efficient.techniques.augment.words import Words

_ARTICLES: Final = pa.array(["a", "an", "A", "An"])
_VOWEL: Final = re.compile(r"(?!uni(?!n|m)|us[aeu]|eu|one\b|once)[aeiou]|hour|hono|hones|heir", re.IGNORECASE)
"""How words begin that have `an` before them."""


def with_articles(before: Words, after: Words) -> Words:
    """The texts `after` words of `before` gave way to others, with the article that each of these has before it."""
    is_other = pc.not_equal(before.values, after.values).to_numpy(zero_copy_only=False)
    is_first = np.zeros(len(is_other), dtype=bool)
    is_first[after.begins[:-1][after.counts > 0]] = True
    places = np.flatnonzero(is_other & ~is_first)
    has_article = pc.is_in(after.values.take(pa.array(places - 1)), value_set=_ARTICLES)
    places = places[has_article.to_numpy(zero_copy_only=False)]
    words = after.values.take(pa.array(places)).to_pylist()
    articles = after.values.take(pa.array(places - 1)).to_pylist()
    right = [article[0] + "n" * has_vowel(word) for article, word in zip(articles, words, strict=True)]
    return after.with_words(places - 1, pa.array(right, pa.string()))


def has_vowel(word: str) -> bool:
    """Whether a word begins with the sound of a vowel, as English is mostly spelt."""
    return _VOWEL.match(surface(word).core) is not None
