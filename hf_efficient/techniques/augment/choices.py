"""What may stand for a word: found once for each kind of word, drawn for many words at a time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hf_efficient.techniques.augment.draws import Numbers
from hf_efficient.techniques.augment.words import Words

K = TypeVar("K", bound=Hashable)
Weighed = Sequence[tuple[str, float]]
"""Words and how often each is to be taken, beside the others."""


class Choices(Generic[K]):
    """Words to choose from for each key, which is looked up when it first comes."""

    def __init__(self, look_up: Callable[[K], Weighed]) -> None:
        self._look_up = look_up
        self._numbers: dict[K, int] = {}
        self._words: list[str] = []
        self._ends = [0.0]
        """Running sum of the weights of all words."""
        self._begins = [0]
        """Where each key's words begin, and the end of all."""
        self._packed = _Packed.of([], self._ends, self._begins)

    def numbers(self, keys: Iterable[K]) -> Numbers:
        """The number of each key."""
        numbers = np.array([self._number(key) for key in keys], dtype=np.int64)
        if len(self._packed.begins) < len(self._begins):
            self._packed = _Packed.of(self._words, self._ends, self._begins)
        return numbers

    def _number(self, key: K) -> int:
        if (number := self._numbers.get(key)) is None:
            number = self._numbers[key] = len(self._numbers)
            for word, weight in self._look_up(key):
                self._words.append(word)
                self._ends.append(self._ends[-1] + weight)
            self._begins.append(len(self._words))
        return number

    def has(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Whether there are words for the keys of these numbers."""
        has: NDArray[np.bool_] = np.diff(self._packed.begins).astype(bool)[numbers]
        return has

    def draw(self, numbers: Numbers, uniform: NDArray[np.float64]) -> Any:
        """An Arrow array with one word for each number, by chance and weight."""
        words, ends, begins = self._packed.words, self._packed.ends, self._packed.begins
        first, last = begins[numbers], begins[numbers + 1]
        sought = ends[first] + uniform * (ends[last] - ends[first])
        drawn = np.searchsorted(ends, sought, side="right") - 1
        return words.take(pa.array(np.clip(drawn, first, last - 1)))


@dataclass(frozen=True)
class _Packed:
    """The lists of `Choices` as arrays."""

    words: Any
    ends: NDArray[np.float64]
    begins: Numbers

    @classmethod
    def of(cls, words: list[str], ends: list[float], begins: list[int]) -> Self:
        return cls(pa.array(words, pa.string()), np.array(ends), np.array(begins))


class Lexicon(Protocol):
    """Says what may stand for each word of texts."""

    def __call__(self, words: Words) -> tuple[Choices[Any], Numbers]:
        """The choices, and under which number those for each word are."""
        ...


class BySurface:
    """What may stand for a word, told from the word alone as it stands in the text."""

    def __init__(self, look_up: Callable[[str], Weighed]) -> None:
        self._choices = Choices(look_up)

    def __call__(self, words: Words) -> tuple[Choices[str], Numbers]:
        """The choices, and under which number those for each word are."""
        encoded = words.values.dictionary_encode()
        numbers = self._choices.numbers(encoded.dictionary.to_pylist())
        return self._choices, numbers[encoded.indices.to_numpy()]
