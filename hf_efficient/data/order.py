"""The order of a curriculum: rows that are drawn from those that are available, more and more of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hf_efficient.data.batches import Indices
from hf_efficient.data.pace import Pace, whole
from hf_efficient.data.randomness import generator_for

BLOCKS = 10
"""Equal parts of an epoch, in each of which the same rows are available, however a step is split."""


def ranked(scores: NDArray[np.float32], seed: int, *, descending: bool = False) -> Indices:
    """Row numbers from the lowest score to the highest; equal ones in an order drawn from the seed."""
    ties = generator_for("equal scores", seed).permutation(len(scores))
    return np.lexsort((ties, -scores if descending else scores))


def random_ranks(num_rows: int, seed: int) -> Indices:
    """Row numbers in an order drawn from the seed: the control of a curriculum."""
    return generator_for("random ranks", seed).permutation(num_rows)


class CurriculumOrder:
    """Row numbers of an epoch, a pure function of (seed, epoch, ranks).

    An epoch has as many rows as there are. While some are held back, each block of it is drawn from the rows that are
    available at its beginning: a row is drawn again in an epoch only when every other available one has come as often.
    From the epoch on that begins with all rows available, and as long as there are no ranks, an epoch is a permutation
    of all rows: that of a run without a curriculum whose rows are grouped by length.
    """

    def __init__(self, num_rows: int, pace: Pace, *, num_epochs: float, seed: int, mix: float = 0.0) -> None:
        """An order without ranks.

        Args:
            num_rows: rows of an epoch.
            pace: which share of them is available when.
            num_epochs: epochs of the whole training.
            seed: what rows are drawn from, with the epoch.
            mix: share of each block that is drawn from all rows, each as likely.
        """
        self.num_rows = num_rows
        self.pace = pace
        self.num_epochs = num_epochs
        self.seed = seed
        self.mix = mix
        self.epoch = 0
        self.ranks: Indices | None = None

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose rows are drawn next."""
        self.epoch = epoch

    @property
    def blocks(self) -> int:
        """Parts of the epoch whose rows are not to be mixed."""
        return 1 if self._is_whole() else BLOCKS

    def available(self, block: int) -> tuple[int, int]:
        """Places in the ranks between which rows are available in a block of the epoch."""
        if self.ranks is None:
            return 0, self.num_rows
        low, high = self.pace.at((self.epoch + block / BLOCKS) / self.num_epochs)
        first = min(round(low * self.num_rows), self.num_rows - 1)
        return first, max(round(high * self.num_rows), first + 1)

    def rows(self) -> Indices:
        """Row numbers of the epoch."""
        generator = generator_for(self.seed, self.epoch)
        if self._is_whole():
            return generator.permutation(self.num_rows)
        drawn = _Draws(self.num_rows, generator)
        ends = [self.num_rows * block // BLOCKS for block in range(BLOCKS + 1)]
        return np.concatenate([self._block(block, ends[block + 1] - ends[block], drawn) for block in range(BLOCKS)])

    def _block(self, block: int, size: int, draws: _Draws) -> Indices:
        assert self.ranks is not None
        first, last = self.available(block)
        num_mixed = round(self.mix * size)
        taken = [draws.take(self.ranks[first:last], size - num_mixed), draws.any_of_all(num_mixed)]
        return draws.generator.permutation(np.concatenate(taken))

    def _is_whole(self) -> bool:
        return self.ranks is None or whole(self.pace.at(self.epoch / self.num_epochs))

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows().tolist())

    def __len__(self) -> int:
        return self.num_rows


class _Draws:
    """How often each row was drawn in an epoch, and which comes next among those that were drawn as often."""

    def __init__(self, num_rows: int, generator: np.random.Generator) -> None:
        self.generator = generator
        self.times = np.zeros(num_rows, dtype=np.int64)
        self.turns = generator.random(num_rows)

    def take(self, rows: Indices, number: int) -> Indices:
        """So many of the rows, those first that were drawn least; of fewer rows each again and again."""
        taken: list[Indices] = []
        while number > 0:
            few = rows[np.lexsort((self.turns[rows], self.times[rows]))][:number]
            self.times[few] += 1
            self.turns[few] = self.generator.random(len(few))
            taken.append(few)
            number -= len(few)
        return np.concatenate(taken) if taken else rows[:0]

    def any_of_all(self, number: int) -> Indices:
        """So many different rows of all, however often they have come."""
        rows = self.generator.choice(len(self.times), number, replace=False)
        self.times[rows] += 1
        return rows
