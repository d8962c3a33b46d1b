"""How rows are grouped into batches of similar length, so that little is computed on padding.

The rows of an optimizer step are formed first and split over accumulation steps and processes second. With a fixed
number of rows what a step holds depends on the global batch alone: 8×1, 2×4 and two processes train on the same rows.
Every choice is a pure function of (seed, epoch, order), so that a resumed run draws the same batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hf_efficient.data.randomness import generator_for
from hf_efficient.errors import DataError, PlanError

Indices = NDArray[np.int64]

WINDOW = 50
"""Optimizer steps whose rows are sorted by length together, at most; beyond it the order of the rows is kept."""


@dataclass(frozen=True)
class Split:
    """How an optimizer step is spread: rows of a micro-batch, micro-batches of a process, processes."""

    micro_batch: int
    accumulation: int
    processes: int

    @property
    def pieces(self) -> int:
        """Micro-batches of a step, of all processes."""
        return self.accumulation * self.processes

    @property
    def rows(self) -> int:
        """Rows of a step."""
        return self.micro_batch * self.pieces


def steps_by_count(
    order: Indices, lengths: Indices, split: Split, generator: np.random.Generator, blocks: int = 1
) -> list[Indices]:
    """Optimizer steps of `split.rows` rows of similar length; the rest of the epoch is the last, smaller step.

    Of an order in `blocks` equal parts, rows of two parts share a step only where the border falls into it.

    Raises:
        DataError: there are fewer rows than processes.
    """
    num_steps = len(order) // split.rows
    groups = order[: num_steps * split.rows].reshape(num_steps, split.rows)
    steps: list[Indices] = []
    for window in _windows(groups, len(order), blocks):
        by_length = _by_length(window.reshape(-1), lengths).reshape(window.shape)
        steps += list(by_length[generator.permutation(len(window))])
    return _with_rest(steps, _by_length(order[num_steps * split.rows :], lengths), lengths, split)


def _windows(groups: Indices, num_rows: int, blocks: int) -> Iterator[Indices]:
    """Consecutive steps whose rows are sorted by length together, (steps, rows), none of two blocks.

    A step that a border falls into stands alone.
    """
    borders, rows = num_rows * np.arange(1, blocks) // blocks, groups.shape[1]
    for block in np.split(groups, np.unique([borders // rows, -(-borders // rows)])):
        yield from np.array_split(block, max(1, round(len(block) / WINDOW)))


def steps_by_tokens(
    order: Indices, lengths: Indices, split: Split, max_tokens: int, generator: np.random.Generator
) -> list[Indices]:
    """Optimizer steps of as many rows as fit `max_tokens` a micro-batch, padding counted.

    The whole epoch is sorted, so that every epoch has equally many steps.

    Raises:
        PlanError: a row is longer than `max_tokens`.
        DataError: there are fewer rows than processes.
    """
    longest = int(lengths[order].max())
    if longest > max_tokens:
        raise PlanError(
            f"batching.max_tokens is {max_tokens}, and a row has {longest}; raise it or set data.max_length"
        )
    ordered, start = _by_length(order, lengths)[::-1], 0
    steps: list[Indices] = []
    while start < len(ordered):  # from the longest row on: it bounds the others of its step
        fits = max_tokens // int(lengths[ordered[start]]) * split.pieces
        steps.append(ordered[start : start + fits][::-1])
        start += fits
    rest = steps.pop() if len(steps[-1]) < split.pieces else ordered[:0]
    return _with_rest([steps[i] for i in generator.permutation(len(steps))], rest, lengths, split)


def _with_rest(steps: list[Indices], rest: Indices, lengths: Indices, split: Split) -> list[Indices]:
    """The steps and, last, the rows that fill none; fewer than there are processes join the step before them."""
    if len(rest) == 0 or len(rest) >= split.processes:
        return [*steps, rest] if len(rest) else steps
    if not steps:
        raise DataError(f"train: expected a row for each of {split.processes} processes, found {len(rest)}")
    return [*steps[:-1], _by_length(np.concatenate([steps[-1], rest]), lengths)]


def micro_batches(step: Indices, pieces: int, split: Split) -> list[Indices]:
    """The micro-batches of a step whose rows are sorted by length: `pieces`, or as many as it has rows for.

    Those of one moment on all processes stand side by side, so that the processes wait little for each other; each
    process gets equally many.
    """
    return np.array_split(step, min(pieces, len(step) // split.processes * split.processes))


def _by_length(rows: Indices, lengths: Indices) -> Indices:
    """Rows from the shortest to the longest; equal ones stay in their order."""
    sorted_rows: Indices = rows[np.argsort(lengths[rows], kind="stable")]
    return sorted_rows


@dataclass(frozen=True)
class Batches:
    """Grouping by length, whatever the order of the rows and the split of a step."""

    lengths: Indices
    """Tokens of each row."""
    max_tokens: int | None = None
    """Tokens of a micro-batch, padding counted; None for a fixed number of rows."""

    def sampler(
        self, split: Split, *, seed: int, order: Iterable[int] | None = None, drop_last: bool = False
    ) -> LengthBatches:
        """The batches of a run.

        Args:
            split: how a step is spread.
            seed: what the order of rows and steps is drawn from, with the epoch.
            order: a sampler that says which rows come when; by default all, shuffled. Its `blocks`, if it has some,
                are the equal parts of an epoch whose rows are not mixed.
            drop_last: leave the last step out if it is smaller than the others.
        """
        return LengthBatches(self, split, seed, order, drop_last)


class LengthBatches:
    """Micro-batches of an epoch, those of all processes in turn: accelerate hands them out one to each."""

    batch_size = None
    """Batches differ in size."""
    drop_last = False
    """Nothing is left for accelerate to drop."""

    def __init__(self, batches: Batches, split: Split, seed: int, order: Iterable[int] | None, drop_last: bool) -> None:
        self.batches = batches
        self.split = split
        self.seed = seed
        self.order = order
        self.drops_small_step = drop_last
        self.epoch = 0
        self._length: int | None = None

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches are drawn next."""
        self.epoch = epoch
        if self.order is not None and hasattr(self.order, "set_epoch"):
            self.order.set_epoch(epoch)

    def steps(self) -> list[Indices]:
        """Rows of each optimizer step of the epoch, sorted by length."""
        lengths, max_tokens = self.batches.lengths, self.batches.max_tokens
        generator = generator_for(self.seed, self.epoch)
        shuffled = generator.permutation(len(lengths))
        order = shuffled if self.order is None else np.fromiter(self.order, dtype=np.int64)
        if max_tokens is None:
            return steps_by_count(order, lengths, self.split, generator, getattr(self.order, "blocks", 1))
        return steps_by_tokens(order, lengths, self.split, max_tokens, generator)

    def micro_batches(self) -> list[Indices]:
        """Micro-batches of the epoch, of all processes in turn."""
        steps = self.steps()
        whole = self.split.rows if self.batches.max_tokens is None else self.split.pieces
        if self.drops_small_step and len(steps) > 1 and len(steps[-1]) < whole:
            steps = steps[:-1]
        return [batch for step in steps for batch in micro_batches(step, self._pieces(step), self.split)]

    def _pieces(self, step: Indices) -> int:
        """Micro-batches of a step: those of a whole one, or just enough for the rest of an epoch."""
        if self.batches.max_tokens is not None or len(step) >= self.split.rows:
            return self.split.pieces
        return math.ceil(len(step) / (self.split.micro_batch * self.split.processes)) * self.split.processes

    def __iter__(self) -> Iterator[list[int]]:
        return iter([batch.tolist() for batch in self.micro_batches()])

    def __len__(self) -> int:
        if self._length is None:  # the same in every epoch
            self._length = len(self.micro_batches())
        return self._length


def padded_share(batches: Sequence[Indices], lengths: Indices) -> float:
    """Share of the tokens of an epoch that only pad."""
    computed = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    return 1 - sum(int(lengths[batch].sum()) for batch in batches) / computed
