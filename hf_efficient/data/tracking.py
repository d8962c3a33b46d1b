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


STEPS_AROUND: Final = 4
"""Steps before a step, and as many after it, whose level is its own; more, if they have fewer rows than …"""
ROWS_AROUND: Final = 64


class Relative:
    """How far the last value of each row is above those of its time; 0 for a row that was never seen.

    While a model is trained, all rows become easier, so that values of different steps do not compare. A value is taken
    for the row's difficulty and the level of its time: the mean of what the values of the steps around are above the
    difficulties that were known before. So a row that is held back keeps a difficulty that others can be compared with.
    """

    def __init__(self, num_rows: int) -> None:
        self._difficulties = np.zeros(num_rows, dtype=np.float32)
        self._steps: list[tuple[Indices, Scores]] = []

    def update(self, rows: Indices, values: Scores) -> None:
        """Keeps the values until the epoch is over."""
        self._steps.append((rows, values))

    def end_epoch(self) -> Scores:
        """How far each row's last value is above the level of its time."""
        above = [values - self._difficulties[rows] for rows, values in self._steps]
        for (rows, values), level in zip(self._steps, _levels(above), strict=True):
            self._difficulties[rows] = values - level
        self._steps = []
        return self._difficulties.copy()

    def state(self) -> dict[str, str]:
        """The difficulties, and what was seen in this epoch."""
        rows, values = ([step[part] for step in self._steps] for part in (0, 1))
        return {
            "difficulties": packed(self._difficulties),
            "sizes": packed(np.asarray([len(step) for step in rows], dtype=np.int64)),
            "rows": packed(np.concatenate([np.zeros(0, dtype=np.int64), *rows])),
            "values": packed(np.concatenate([np.zeros(0, dtype=np.float32), *values])),
        }

    def load_state(self, state: Mapping[str, str]) -> None:
        """Go on from there."""
        self._difficulties = unpacked(state["difficulties"], np.float32)
        ends = np.cumsum(unpacked(state["sizes"], np.int64))[:-1]
        parts = (unpacked(state["rows"], np.int64), unpacked(state["values"], np.float32))
        self._steps = list(zip(*(np.split(part, ends) for part in parts), strict=True)) if len(parts[0]) else []


def _levels(steps: Sequence[Scores]) -> NDArray[np.float64]:
    """The mean of each step and of as many before it as after it, so that a steady fall or rise leaves none behind."""
    places, sizes = np.arange(len(steps)), np.asarray([len(step) for step in steps])
    most = max(STEPS_AROUND, math.ceil(ROWS_AROUND * len(steps) / max(1, sizes.sum())))
    around = np.minimum(most, np.minimum(places, places[::-1]))
    sums, counts = (
        np.concatenate([[0.0], np.cumsum(part)]) for part in ([np.sum(step, dtype=np.float64) for step in steps], sizes)
    )
    first, last = places - around, places + around + 1
    levels: NDArray[np.float64] = (sums[last] - sums[first]) / (counts[last] - counts[first])
    return levels


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
