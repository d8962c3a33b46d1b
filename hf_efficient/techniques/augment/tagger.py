"""Parts of speech of words, by an averaged perceptron that reads many texts at a time (Honnibal, 2013)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hf_efficient.assets.convert.tagger import FILES

_BEFORE: Final = ("-START-", "-START2-")
"""What stands before the first word, from left to right; as tags they stand the other way round."""
_AFTER: Final = ("-END-", "-END2-")
_SCALE: Final = 1000
"""Weights have three decimals: as whole numbers they sum to the same in any order."""

Scores = NDArray[np.int32]


@dataclass(frozen=True)
class Tagger:
    """Tags of the Penn Treebank, read from the folder of the asset `demo/pos-tagger`.

    The features are those of NLTK's `PerceptronTagger`, and so are the tags; words are expected as in the treebank:
    `do n't`, punctuation apart.
    """

    tags: tuple[str, ...]
    """From the last to the first of the alphabet: of equal scores the last tag wins."""
    unambiguous: Mapping[str, int]
    """Words that have one tag only, and its number."""
    weights: Scores
    """(features + 1, tags); the last row, of a feature that is unknown, is 0."""
    features: Mapping[str, int]
    """Row of each feature."""
    after_tag: Mapping[str, list[tuple[int, int]]]
    """For each word the tags that it was seen behind, and the rows of these features."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The tagger in the folder of the asset."""
        weights, unambiguous, tags = (json.loads((folder / name).read_text(encoding="utf-8")) for name in FILES)
        return cls.of(weights, unambiguous, tags)

    @classmethod
    def of(cls, weights: Mapping[str, Mapping[str, float]], unambiguous: Mapping[str, str], tags: list[str]) -> Self:
        """A tagger with NLTK's weights: of each feature, for some tags."""
        ranked = tuple(sorted(tags, reverse=True))
        numbers = {tag: number for number, tag in enumerate((*ranked, *_BEFORE))}
        rows = np.zeros((len(weights) + 1, len(ranked)), np.int32)
        after_tag: dict[str, list[tuple[int, int]]] = {}
        for row, (feature, of_tags) in enumerate(weights.items()):
            rows[row, [numbers[tag] for tag in of_tags]] = [round(_SCALE * weight) for weight in of_tags.values()]
            if feature.startswith("i-1 tag+i word "):
                _, _, _, tag, word = feature.split(" ", 4)
                after_tag.setdefault(word, []).append((numbers[tag], row))
        features = {feature: row for row, feature in enumerate(weights)}
        return cls(ranked, {word: numbers[tag] for word, tag in unambiguous.items()}, rows, features, after_tag)

    def tag(self, texts: Sequence[Sequence[str]]) -> list[list[str]]:
        """The tag of each word of each text."""
        if not any(texts):
            return [[] for _ in texts]
        order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        words = list(dict.fromkeys(chain(_BEFORE, _AFTER, *texts)))
        found = self._tagged([texts[number] for number in order], words)
        tagged: list[list[str]] = [[] for _ in texts]
        for row, number in enumerate(order):
            tagged[number] = [self.tags[tag] for tag in found[row, : len(texts[number])].tolist()]
        return tagged

    def _tagged(self, texts: list[Sequence[str]], words: list[str]) -> NDArray[np.int64]:
        """Numbers of tags, (texts, words), of texts from the longest to the shortest; beyond their ends anything."""
        number_of = {word: number for number, word in enumerate(words)}
        ids = np.array([[number_of[word] for word in _padded(text, len(texts[0]))] for text in texts])
        around = [self._rows(words, *names) for names in _FEATURES]
        before, tags = len(_BEFORE), len(self.tags)
        follows, fixed = self._follows(words), np.array([self.unambiguous.get(word, -1) for word in words])
        of_last, of_last_but_one, of_both = self._of_tags()
        found = np.full((len(texts), len(texts[0]) + before), tags)
        found[:, 0] = tags + 1
        for place in range(before, len(texts[0]) + before):
            still = sum(len(text) > place - before for text in texts)
            word, last, last_but_one = ids[:still, place], found[:still, place - 1], found[:still, place - 2]
            scores = of_last[last] + of_last_but_one[last_but_one] + of_both[last, last_but_one]
            scores += self.weights[follows[word, last]]
            for offset, of_word in zip(_OFFSETS, around, strict=True):
                scores += of_word[ids[:still, place + offset]]
            found[:still, place] = np.where(fixed[word] >= 0, fixed[word], scores.argmax(1))
        return found[:, before:]

    def _rows(self, words: list[str], *names: str) -> Scores:
        """Sum of the weights of some features of each word, (words, tags)."""
        rows = [[self._row(name, word) for name in names] for word in words]
        scores: Scores = self.weights[np.array(rows)].sum(1, dtype=np.int32)
        return scores

    def _row(self, name: str, word: str) -> int:
        return self.features.get(_feature(name, word), -1)

    def _follows(self, words: list[str]) -> NDArray[np.int64]:
        """Row of the feature of each word behind each tag, (words, tags)."""
        rows = np.full((len(words), len(self.tags) + len(_BEFORE)), -1)
        for number, word in enumerate(words):
            for tag, row in self.after_tag.get(_normalized(word), ()):
                rows[number, tag] = row
        return rows

    def _of_tags(self) -> tuple[Scores, Scores, Scores]:
        """Weights of the last tag, of the one before it, and of the two together."""
        names = (*self.tags, *_BEFORE)
        last, but_one = ([self.features.get(f"i-{n} tag {tag}", -1) for tag in names] for n in (1, 2))
        both = [[self.features.get(f"i tag+i-2 tag {tag} {other}", -1) for other in names] for tag in names]
        return self.weights[last], self.weights[but_one], self.weights[both]


_OFFSETS: Final = (0, -1, -2, 1, 2)
_FEATURES: Final = (
    ("bias", "i suffix", "i pref1", "i word"),
    ("i-1 word", "i-1 suffix"),
    ("i-2 word",),
    ("i+1 word", "i+1 suffix"),
    ("i+2 word",),
)
"""Names of the features of the word at each offset."""


def _feature(name: str, word: str) -> str:
    match name:
        case "bias":
            return name
        case "i suffix":
            return f"{name} {word[-3:]}"
        case "i pref1":
            return f"{name} {word[:1]}"
    shown = _normalized(word)
    return f"{name} {shown[-3:] if name.endswith('suffix') else shown}"


def _normalized(word: str) -> str:
    if word in _BEFORE or word in _AFTER:
        return word
    if "-" in word and word[0] != "-":
        return "!HYPHEN"
    if word.isdigit() and len(word) == 4:
        return "!YEAR"
    return "!DIGITS" if word[:1].isdigit() else word.lower()


def _padded(text: Sequence[str], length: int) -> list[str]:
    return [*_BEFORE, *text, *_AFTER, *[_AFTER[-1]] * (length - len(text))]
