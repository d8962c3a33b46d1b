"""Rows that are drawn when they are asked for, and differ from epoch to epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from hf_efficient.losses.rows import ROW_NUMBER

Numbers = NDArray[np.int64]
Draw = Callable[[int, int, int], Mapping[str, Any]]
"""`draw(row, copy, epoch)`: the view of a row; a pure function, so that whoever asks gets the same."""

ITSELF: Final = -1
"""Number of the copy that is the row as it is."""
_NUM_EPOCHS: Final = 2**31
"""Of views that are drawn anew: more than any run has."""


@dataclass(frozen=True)
class DrawnRows:
    """Views of the rows of a data set, those of all epochs one after another."""

    rows: Any
    """What there are views of."""
    numbers: Numbers
    """Number of the row that each row of an epoch is a view of."""
    copies: Numbers
    """Which of its views, or `ITSELF`."""
    draw: Draw
    column_names: tuple[str, ...]
    is_fixed: bool = False
    """Whether every epoch has the views of the first."""
    has_numbers: bool = False
    """Whether each row tells its number in the epoch."""

    @property
    def rows_per_epoch(self) -> int:
        """Rows of an epoch."""
        return len(self.numbers)

    def __len__(self) -> int:
        return self.rows_per_epoch * (1 if self.is_fixed else _NUM_EPOCHS)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        epoch, place = divmod(int(index), self.rows_per_epoch)
        view = self.draw(int(self.numbers[place]), int(self.copies[place]), 0 if self.is_fixed else epoch)
        return {**view, ROW_NUMBER: place} if self.has_numbers else view

    def numbered(self) -> Self:
        """These rows, each with its number in the epoch."""
        return replace(self, column_names=(*self.column_names, ROW_NUMBER), has_numbers=True)

    def select(self, indices: Iterable[int]) -> Any:
        """The rows that some of the first epoch are views of, as they lie."""
        return self.rows.select(self.numbers[list(indices)])


def is_drawn_anew(rows: Any) -> bool:
    """Whether the rows of an epoch are not those of the next, so that nothing can be kept of them."""
    return isinstance(rows, DrawnRows) and not rows.is_fixed


def layout(num_rows: int, views: Sequence[Numbers], *, originals: bool) -> tuple[Numbers, Numbers]:
    """Numbers and copies of an epoch's rows: perhaps the rows themselves, then the rows of each copy."""
    blocks = [*([(np.arange(num_rows), ITSELF)] if originals else []), *zip(views, range(len(views)), strict=True)]
    copies = [np.full(len(numbers), copy) for numbers, copy in blocks]
    return np.concatenate([numbers for numbers, _ in blocks]), np.concatenate(copies)
