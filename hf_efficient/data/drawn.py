"""Rows that are drawn when they are asked for, and differ from epoch to epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_efficient.losses.rows import ROW_NUMBER

Draw = Callable[[int, int, int], Mapping[str, Any]]
"""`draw(row, copy, epoch)`: the view of a row; a pure function, so that whoever asks gets the same."""

ITSELF = -1
"""Number of the copy that is the row as it is."""
NUM_EPOCHS = 2**31
"""Of views that are drawn anew: more than any run has."""


@dataclass(frozen=True)
class DrawnRows:
    """Views of the rows of a data set, those of all epochs one after another."""

    rows: Any
    """What there are views of."""
    numbers: NDArray[np.int64]
    """Number of the row that each row of an epoch is a view of."""
    copies: NDArray[np.int64]
    """Which of its views, or `ITSELF`."""
    draw: Draw
    column_names: tuple[str, ...]
    is_fixed: bool = False
    """Whether every epoch has the views of the first."""
    is_numbered: bool = False
    """Whether a view says which row of its epoch it is."""

    @property
    def rows_per_epoch(self) -> int:
        """Rows of an epoch."""
        return len(self.numbers)

    def __len__(self) -> int:
        return self.rows_per_epoch * (1 if self.is_fixed else NUM_EPOCHS)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        epoch, place = divmod(int(index), self.rows_per_epoch)
        view = self.draw(int(self.numbers[place]), int(self.copies[place]), 0 if self.is_fixed else epoch)
        return {**view, ROW_NUMBER: place} if self.is_numbered else view

    def select(self, indices: Sequence[int]) -> Any:
        """The rows that some of the first epoch are views of, as they lie."""
        return self.rows.select(self.numbers[list(indices)])


def is_drawn_anew(rows: Any) -> bool:
    """Whether the rows of an epoch are not those of the next, so that nothing can be kept of them."""
    return isinstance(rows, DrawnRows) and not rows.is_fixed


def layout(num_rows: int, num_unlabelled: int, copies: int, *, originals: bool) -> tuple[NDArray[np.int64], ...]:
    """Numbers and copies of the rows of an epoch: blocks of all labelled rows, then blocks of those without labels."""
    blocks = [*([ITSELF] if originals else []), *range(copies)]
    parts = np.split(np.arange(num_rows), [num_rows - num_unlabelled])
    numbers = [np.tile(part, len(blocks)) for part in parts]
    copy_of = [np.repeat(blocks, len(part)) for part in parts]
    return np.concatenate(numbers), np.concatenate(copy_of)
