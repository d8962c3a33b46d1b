"""Training rows that differ from epoch to epoch: those of all epochs stand one after another in one data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def epoch_of(state: Any) -> int:
    """Number, from 0, of the epoch that a Trainer's state is at the beginning of or within."""
    return int((state.epoch or 0) + 1e-6)  # a sum of shares of steps may fall short by a rounding error


class Shuffled:
    """Row numbers of an epoch in the stock Trainer's order (accelerate 1.15), a pure function of (seed, epoch)."""

    def __init__(self, num_rows: int, seed: int) -> None:
        self.num_rows = num_rows
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is drawn next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        return iter(torch.randperm(self.num_rows, generator=generator).tolist())

    def __len__(self) -> int:
        return self.num_rows


class InEpoch:
    """Places in the data set of the rows, or batches of rows, that a sampler draws by their number in the epoch.

    Samplers, orders and lengths thus speak of rows 0 to `rows_per_epoch` - 1, and workers need to know no epoch. After
    the last epoch there is rows for, the first one's come again.
    """

    batch_size = None
    """Batches may differ in size."""
    drop_last = False
    """Nothing is left for accelerate to drop."""

    def __init__(self, sampler: Iterable[Any], rows_per_epoch: int, num_rows: int) -> None:
        self.sampler = sampler
        self.rows_per_epoch = rows_per_epoch
        self.num_epochs = num_rows // rows_per_epoch
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose rows are drawn next."""
        self.epoch = epoch
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[Any]:
        first = self.epoch % self.num_epochs * self.rows_per_epoch
        for drawn in self.sampler:
            yield [first + row for row in drawn] if isinstance(drawn, list) else first + drawn

    def __len__(self) -> int:
        return len(self.sampler)  # type: ignore[arg-type]


def longest_views(lengths: NDArray[np.int64], rows_per_epoch: int | None) -> NDArray[np.int64]:
    """The length of each row of an epoch in the epoch where it is longest, so that batches fit in every epoch."""
    if rows_per_epoch is None:
        return lengths
    longest: NDArray[np.int64] = lengths.reshape(-1, rows_per_epoch).max(axis=0)
    return longest
