"""Random numbers of views, counted and not drawn in turn: a pure function of (seed, epoch, copy, row)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)

_WORDS: Final = 1 << 24
"""More than any text has."""

Numbers = NDArray[np.int64]


class Purpose(IntEnum):
    """What random numbers are for beside the augmenters' own purposes, which are small numbers."""

    BALANCING = 97
    """Which rows of a class have a view more than the others."""
    AUGMENTER = 98
    """Which augmenter a row's view takes."""
    SEEDS = 99
    """Seeds for others' random numbers."""


@dataclass(frozen=True)
class Draws:
    """Where the random choices of a set of views come from: the same for the same (seed, epoch, copy, row)."""

    seed: int
    epoch: int
    copy: int
    column: int = 0
    """Of rows with two texts, which."""

    def seeds(self, rows: Sequence[int] | Numbers) -> list[int]:
        """A seed for each row, from 0 up to 2⁶³."""
        seeds: list[int] = (self._mixed(np.asarray(rows), 0, Purpose.SEEDS) >> np.uint64(1)).tolist()
        return seeds

    def uniform(self, rows: Numbers, turn: int, purpose: int = 0) -> NDArray[np.float64]:
        """A number from 0 up to 1 for each row: that of its `turn`, apart for each `purpose`."""
        return (self._mixed(rows, turn, purpose) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def of_words(self, rows: Numbers, places: Numbers, purpose: int = 0) -> NDArray[np.float64]:
        """A number from 0 up to 1 for the word at a place of each row, apart from the numbers of the row."""
        return self.uniform(rows * _WORDS + places, -1, purpose)

    def below(self, ends: Numbers, rows: Numbers, turn: int, purpose: int = 0) -> Numbers:
        """A whole number from 0 up to each row's end."""
        return (self.uniform(rows, turn, purpose) * ends).astype(np.int64)

    def _mixed(self, rows: Numbers, turn: int, purpose: int) -> NDArray[np.uint64]:
        """Splitmix64 (Steele, Lea and Flood, 2014) of the row's number, in a stream of its own.

        Rows need no generator each, which would cost more than a view.
        """
        key = np.random.SeedSequence([self.seed, self.epoch, self.copy, self.column, purpose, turn + 1])
        return _mix(rows.astype(np.uint64) * _GOLDEN + key.generate_state(1, np.uint64))


def _mix(states: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The output of splitmix64 for each state."""
    states = (states ^ (states >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    states = (states ^ (states >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return states ^ (states >> np.uint64(31))
