"""What is remembered of rows that are watched while a model is trained on them."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_efficient.data.batches import Indices
from hf_efficient.data.difficulty import Scores

Levels = NDArray[np.float64]
"""A number for each step."""

_STEPS_AROUND: Final = 4
"""Steps before a step, and as many after it, that are of its time; more, if they have fewer rows than …"""
_ROWS_AROUND: Final = 64
_EQUAL: Final = 1e-6
"""Spread of values that are as good as equal."""


class Tracker(Protocol):
    """Who is told of rows, in the order in which they were trained on."""

    def update(self, rows: Indices, values: Scores) -> None:
        """Called with the different rows of a step and what was seen of each."""
        ...

    def end_epoch(self) -> Scores:
        """The difficulty of each row so far; rows that it is told of from now on are those of another epoch."""
        ...

    def state(self) -> dict[str, str]:
        """All that is remembered, for JSON."""
        ...

    def load_state(self, state: Mapping[str, str]) -> None:
        """Go on from there."""
        ...


class Relative:
    """How far the last value of each row is above those of its time, in their spread; 0 for a row that was never seen.

    While a model is trained, all rows become easier and easier to tell from each other, so that values of different
    steps do not compare. Those of the steps around are moved and stretched until their mean and spread are those of the
    difficulties that their rows had before, or 0 and 1; so a row that is held back keeps one that others compare with.
    """

    def __init__(self, num_rows: int) -> None:
        self._difficulties = np.zeros(num_rows, dtype=np.float32)
        self._known = np.zeros(num_rows, dtype=np.bool_)
        self._steps: list[tuple[Indices, Scores]] = []

    def update(self, rows: Indices, values: Scores) -> None:
        """Keeps the values until the epoch is over."""
        self._steps.append((rows, values))

    def end_epoch(self) -> Scores:
        """How difficult each row was when it was last seen."""
        of_rows = [rows for rows, _ in self._steps]
        _, offsets = _with_offsets([values for _, values in self._steps])
        spreads = np.sqrt(_around([offset**2 for offset in offsets]))
        before, others = _with_offsets([self._difficulties[rows] for rows in of_rows])
        known = [np.where(self._known[rows], other**2, 1.0) for rows, other in zip(of_rows, others, strict=True)]
        stretched = np.sqrt(_around(known)) / np.where(spreads > _EQUAL, spreads, np.inf)
        for rows, offset, level, stretch in zip(of_rows, offsets, before, stretched, strict=True):
            self._difficulties[rows] = level + stretch * offset
            self._known[rows] = True
        self._steps = []
        return self._difficulties.copy()

    def state(self) -> dict[str, str]:
        """The difficulties, and what was seen in this epoch."""
        rows, values = ([step[part] for step in self._steps] for part in (0, 1))
        return {
            "difficulties": packed(self._difficulties),
            "known": packed(self._known),
            "sizes": packed(np.asarray([len(step) for step in rows], dtype=np.int64)),
            "rows": packed(np.concatenate([np.zeros(0, dtype=np.int64), *rows])),
            "values": packed(np.concatenate([np.zeros(0, dtype=np.float32), *values])),
        }

    def load_state(self, state: Mapping[str, str]) -> None:
        """Go on from there."""
        self._difficulties = unpacked(state["difficulties"], np.float32)
        self._known = unpacked(state["known"], np.bool_)
        sizes = unpacked(state["sizes"], np.int64)
        parts = (unpacked(state["rows"], np.int64), unpacked(state["values"], np.float32))
        split = (np.split(part, np.cumsum(sizes)[:-1]) for part in parts)
        self._steps = list(zip(*split, strict=True)) if len(sizes) else []


def _with_offsets(steps: Sequence[Scores]) -> tuple[Levels, list[Levels]]:
    """The mean of the values of each step's time, and how far each value of the step is from it."""
    levels = _around(steps)
    return levels, [values - level for values, level in zip(steps, levels, strict=True)]


def _around(steps: Sequence[NDArray[Any]]) -> Levels:
    """The mean of each step and of as many before it as after it, so that a steady fall or rise moves nothing."""
    places, sizes = np.arange(len(steps)), np.asarray([len(step) for step in steps])
    most = max(_STEPS_AROUND, math.ceil(_ROWS_AROUND * len(steps) / max(1, sizes.sum())))
    around = np.minimum(most, np.minimum(places, places[::-1]))
    first, last = places - around, places + around + 1
    sums, counts = (
        np.concatenate([[0.0], np.cumsum(part)]) for part in ([step.sum(dtype=np.float64) for step in steps], sizes)
    )
    means: Levels = (sums[last] - sums[first]) / (counts[last] - counts[first])
    return means


class Forgetting:
    """How often each row was right and then wrong; a row that was never right comes last.

    Toneva et al. 2019 (arXiv 1812.05159).
    """

    def __init__(self, num_rows: int) -> None:
        self._was_right = np.zeros(num_rows, dtype=np.bool_)
        self._ever_right = np.zeros(num_rows, dtype=np.bool_)
        self._events = np.zeros(num_rows, dtype=np.int32)

    def update(self, rows: Indices, values: Scores) -> None:
        """`values` are 1 where the row was wrong, else 0."""
        right = values == 0
        self._events[rows] += self._was_right[rows] & ~right
        self._was_right[rows] = right
        self._ever_right[rows] |= right

    def end_epoch(self) -> Scores:
        """Forgetting events; of rows that were never right one more than any has."""
        scores: Scores = np.where(self._ever_right, self._events, self._events.max() + 1).astype(np.float32)
        return scores

    def state(self) -> dict[str, str]:
        """What was seen, and the events."""
        names = ("_was_right", "_ever_right", "_events")
        return {name.lstrip("_"): packed(getattr(self, name)) for name in names}

    def load_state(self, state: Mapping[str, str]) -> None:
        """Go on from there."""
        self._was_right = unpacked(state["was_right"], np.bool_)
        self._ever_right = unpacked(state["ever_right"], np.bool_)
        self._events = unpacked(state["events"], np.int32)


def tracker_of(by: str, num_rows: int) -> Tracker:
    """Who remembers what `by` needs."""
    return Forgetting(num_rows) if by == "forgetting" else Relative(num_rows)


def packed(values: NDArray[Any]) -> str:
    """Numbers as text for JSON, bit for bit."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def unpacked(text: str, dtype: Any) -> NDArray[Any]:
    """The numbers again."""
    return np.frombuffer(base64.b64decode(text), dtype=dtype).copy()
