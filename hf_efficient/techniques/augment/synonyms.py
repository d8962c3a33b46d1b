"""Synonyms of words as they stand in texts: of their part of speech, in their form, by how often they are meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import get_args

from hf_efficient.techniques.augment.articles import with_articles
from hf_efficient.techniques.augment.choices import Choices, Weighed
from hf_efficient.techniques.augment.draws import Draws, Numbers
from hf_efficient.techniques.augment.inflection import BASE_TAGS, PARTS, inflect
from hf_efficient.techniques.augment.replacement import Replace
from hf_efficient.techniques.augment.surface import STOP_WORDS, surface
from hf_efficient.techniques.augment.tagger import Tagger
from hf_efficient.techniques.augment.wordnet import PartOfSpeech, WordNet
from hf_efficient.techniques.augment.words import Words


@dataclass(frozen=True)
class ReplaceBySynonyms:
    """Some of the words that have synonyms give way to one of them, and articles with them."""

    share: float
    synonyms: Synonyms

    def __call__(self, words: Words, draws: Draws) -> Words:
        """One view of each text."""
        return with_articles(words, Replace(self.share, self.synonyms)(words, draws))


class Synonyms:
    """A lexicon of synonyms that respects parts of speech; names and words of grammar have none."""

    def __init__(self, wordnet: WordNet, tagger: Tagger) -> None:
        self._wordnet = wordnet
        self._tagger = tagger
        self._choices = Choices(self._look_up)

    def __call__(self, words: Words) -> tuple[Choices[tuple[str, str]], Numbers]:
        """The choices, and under which number those for each word are."""
        texts = words.lists().to_pylist()
        return self._choices, self._choices.numbers(zip(chain(*texts), self._tags(texts), strict=True))

    def _tags(self, texts: list[list[str]]) -> Iterator[str]:
        """The tag of each word, which is that of its core."""
        tokens = [[token for word in text for token in surface(word).tokens] for text in texts]
        for text, tags in zip(texts, self._tagger.tag(tokens), strict=True):
            place = 0
            for word in text:
                parts = surface(word)
                yield tags[place + bool(parts.before)] if parts.core else ""
                place += len(parts.tokens)

    def _look_up(self, key: tuple[str, str]) -> Weighed:
        word, tag = key
        parts = surface(word)
        form = parts.core.lower()
        if tag not in PARTS or form in STOP_WORDS or (lemma := self._wordnet.lemma(form, PARTS[tag])) is None:
            return ()
        is_base = form == lemma and tag in BASE_TAGS
        forms = (
            (synonym.words if is_base else inflect(synonym.words, tag, self._wordnet), synonym.percent)
            for synonym in self._wordnet.synonyms(lemma, PARTS[tag])
        )
        cased = ((parts.with_core(words), percent) for words, percent in forms if words is not None)
        return [(words, percent) for words, percent in cased if words is not None]


def synonyms_of_any_kind(wordnet: WordNet, word: str) -> Weighed:
    """Synonyms of a word in their base forms, whatever part of speech it is here."""
    form = surface(word).core.lower()
    if form in STOP_WORDS:
        return ()
    lemmas = ((wordnet.lemma(form, part), part) for part in get_args(PartOfSpeech))
    return [
        (synonym.words, synonym.percent)
        for lemma, part in lemmas
        if lemma is not None
        for synonym in wordnet.synonyms(lemma, part)
    ]
