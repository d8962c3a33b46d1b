"""What is remembered of rows that are watched while a model is trained on them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_efficient.data.batches import Indices
from hf_efficient.data.difficulty import Scores


class Tracker(Protocol):
    """Who is told of rows, in the order in which they were trained on."""

    def update(self, rows: Indices, values: Scores) -> None:
        """Called with the different rows of a step and what was seen of each."""
        ...

    def scores(self) -> Scores:
        """The difficulty of each row so far."""
        ...

    def state(self) -> dict[str, str]:
        """All that is remembered, for JSON."""
        ...

    def load_state(self, state: Mapping[str, str]) -> None:
        """Go on from there."""
        ...


class LastSeen:
    """The last value of each row; 0 for a row that was never seen."""

    def __init__(self, num_rows: int) -> None:
        self._values = np.zeros(num_rows, dtype=np.float32)

    def update(self, rows: Indices, values: Scores) -> None:
        """A later value takes the place of an earlier one."""
        self._values[rows] = values

    def scores(self) -> Scores:
        """The last values."""
        return self._values.copy()

    def state(self) -> dict[str, str]:
        """The values."""
        return {"values": packed(self._values)}

    def load_state(self, state: Mapping[str, str]) -> None:
        """Go on from there."""
        self._values = unpacked(state["values"], np.float32)


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

    def scores(self) -> Scores:
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
    return Forgetting(num_rows) if by == "forgetting" else LastSeen(num_rows)


def packed(values: NDArray[Any]) -> str:
    """Numbers as text for JSON, bit for bit."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def unpacked(text: str, dtype: Any) -> NDArray[Any]:
    """The numbers again."""
    return np.frombuffer(base64.b64decode(text), dtype=dtype).copy()
