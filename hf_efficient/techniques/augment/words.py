"""Words of many texts at a time, and which of them are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hf_efficient.techniques.augment.draws import Draws, Numbers


@dataclass(frozen=True)
class Words:
    """Words of texts, one text after another."""

    values: Any
    """An Arrow array of strings."""
    begins: Numbers
    """Where each text's words begin, and the end of all."""
    rows: Numbers
    """Number of each text in the table, by which its random numbers are drawn."""

    @classmethod
    def of_texts(cls, texts: Any, rows: Sequence[int] | Numbers) -> Self:
        """Words of an Arrow array of texts: what white space parts; an empty text is one empty word."""
        return cls.of_lists(pc.ascii_split_whitespace(pc.ascii_trim_whitespace(texts)), rows)

    @classmethod
    def of_lists(cls, lists: Any, rows: Sequence[int] | Numbers) -> Self:
        """Words of an Arrow array of lists."""
        begins = lists.offsets.to_numpy().astype(np.int64)
        return cls(lists.flatten(), begins - begins[0], np.asarray(rows, dtype=np.int64))

    @cached_property
    def counts(self) -> Numbers:
        """Words of each text."""
        return np.diff(self.begins)

    @cached_property
    def text_of(self) -> Numbers:
        """Which text, counted from 0, each word stands in."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def lists(self) -> Any:
        """An Arrow array of lists of words."""
        return pa.ListArray.from_arrays(pa.array(self.begins, pa.int32()), self.values)

    def texts(self) -> Any:
        """An Arrow array of texts, words parted by one space."""
        return pc.binary_join(self.lists(), " ")

    def taken(self, order: Numbers) -> Self:
        """As many words of each text, those at these places."""
        return replace(self, values=self.values.take(pa.array(order)))

    def drawn(self, places: Numbers, draws: Draws, purpose: int = 0) -> NDArray[np.float64]:
        """A random number from 0 up to 1 for each of the words at these places."""
        texts = self.text_of[places]
        return draws.of_words(self.rows[texts], places - self.begins[texts], purpose)

    def with_words(self, places: Numbers, words: Any) -> Self:
        """The same texts with other words at these places."""
        order = np.arange(len(self.values))
        order[places] = len(self.values) + np.arange(len(places))
        return replace(self, values=pa.concat_arrays([self.values, words]).take(pa.array(order)))

    def with_more(self, places: Numbers, words: Any, texts: Numbers) -> Self:
        """The texts with more words, each before the one at its place; `texts` says, in their order, whose they are."""
        order = np.insert(np.arange(len(self.values)), places, len(self.values) + np.arange(len(places)))
        values = pa.concat_arrays([self.values, words]).take(pa.array(order))
        return replace(self, values=values, begins=self.begins + np.searchsorted(texts, np.arange(len(self.begins))))


class WordAugmenter(Protocol):
    """What makes views of texts by their words."""

    def __call__(self, words: Words, draws: Draws) -> Words:
        """One view of each text."""
        ...


def num_words(share: float, counts: Numbers) -> Numbers:
    """How many words a share of each text is: at least one, unless the share is 0."""
    if not share:
        return np.zeros_like(counts)
    numbers: Numbers = np.maximum(1, np.rint(share * counts).astype(np.int64))
    return numbers


def choose(words: Words, numbers: Numbers, draws: Draws, among: NDArray[np.bool_] | None = None) -> Numbers:
    """Places of words, so many of each text (or all that there are) by chance, in the order of the texts.

    `among` says which words may be chosen. Floyd's way to choose without repetition (Bentley and Floyd, 1987), for all
    texts side by side.
    """
    if among is None:
        candidates, begins, counts = None, words.begins[:-1], words.counts
    else:
        candidates = np.flatnonzero(among)
        begins = np.searchsorted(candidates, words.begins)
        begins, counts = begins[:-1], np.diff(begins)
    numbers = np.minimum(numbers, counts)
    is_chosen = np.zeros(int(counts.sum()), dtype=bool)
    for turn in range(int(numbers.max(initial=0))):
        texts = np.flatnonzero(numbers > turn)
        last = counts[texts] - numbers[texts] + turn
        drawn = begins[texts] + draws.below(last + 1, words.rows[texts], turn)
        taken = is_chosen[drawn]
        is_chosen[np.where(taken, begins[texts] + last, drawn)] = True
    chosen = np.flatnonzero(is_chosen)
    return chosen if candidates is None else candidates[chosen]
