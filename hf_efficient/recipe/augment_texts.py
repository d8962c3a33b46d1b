"""Sub-sections of `augment:` for texts, made of their own words, word lists or functions of the user's."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from hf_efficient.recipe.section import Section

_FUNCTION: Final = re.compile(r"[\w.]+:\w+")


def _names_a_function(name: str) -> str:
    if not _FUNCTION.fullmatch(name):
        raise ValueError(f"expected package.module:function, found {name}")
    return name


FunctionName = Annotated[str, AfterValidator(_names_a_function)]


class RandomSwap(Section):
    """Two words change places, again and again (EDA, Wei & Zou 2019, arXiv 1901.11196)."""

    share: float = Field(default=0.1, ge=0.0, le=1.0)
    """Swaps for each word of the row; at least one, unless 0."""


class RandomDelete(Section):
    """Words are left out, never all of them (EDA)."""

    share: float = Field(default=0.1, ge=0.0, le=1.0)
    """Share of the words that go; at least one, unless 0."""


class _WithLexicon(Section):
    lexicon: str = Field(default="demo/wordnet", min_length=1)
    """Synonyms: an asset, or a directory with files like its `synonyms.tsv` and `irregular.tsv`."""


class RandomInsert(_WithLexicon):
    """Synonyms of some words come in anywhere (EDA)."""

    share: float = Field(default=0.1, ge=0.0, le=1.0)
    """Synonyms for each word of the row; at least one, unless 0."""


class Synonym(_WithLexicon):
    """Words give way to synonyms of their part of speech, frequent ones more often; names and words of grammar stay."""

    share: float = Field(default=0.1, ge=0.0, le=1.0)
    """Share of the words that are replaced, where they have synonyms; at least one, unless 0."""
    tagger: str = Field(default="demo/pos-tagger", min_length=1)
    """What tells parts of speech: an asset, or a directory with files like its."""


class SentenceReorder(Section):
    """The sentences of a text stand in another order; a text of one sentence stays as it is."""


class Spelling(Section):
    """Words are misspelt as people misspell them in English; needs nlpaug, whose list it is."""

    share: float = Field(default=0.1, ge=0.0, le=1.0)
    """Share of the words, where there are misspellings; at least one, unless 0."""


class Keyboard(Section):
    """In words of four letters or more a finger hits the key beside one; needs nlpaug, whose keyboards they are."""

    share: float = Field(default=0.1, ge=0.0, le=1.0)
    """Share of the words; at least one, unless 0."""
    language: Literal["de", "en", "es", "fr", "he", "it", "nl", "pl", "th", "tr", "uk"] = "en"
    """Whose keyboard."""


class Nlpaug(Section):
    """Any augmenter of nlpaug's, with numbers of its own for each row."""

    factory: FunctionName
    """`package.module:function`, which gives an object with `augment(text)`; called without arguments."""


class Function(Section):
    """A function of the user's."""

    path: FunctionName
    """`package.module:function`: `function(texts, seeds)` gives one view of each text; a seed is a whole number, all
    that a view may be drawn from."""


WORD_FOR_WORD: Final = ("synonym", "spelling", "keyboard")
"""Augmenters that put a word in the place of a word, so that labels of words stay."""
BY_MODELS: Final = ("contextual", "back_translation", "paraphrase")
"""Augmenters that ask a model, so that their views cost much."""
TEXT_AUGMENTERS: Final = (
    *WORD_FOR_WORD,
    *("random_swap", "random_delete", "random_insert", "sentence_reorder", "nlpaug", "function"),
    *BY_MODELS,
)
"""Names of the augmenters of texts."""
