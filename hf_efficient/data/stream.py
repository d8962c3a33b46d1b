"""Training rows that are read as they are needed, so that neither memory nor disk has to hold them all.

A stream is one endless sequence of rows: epoch after epoch, in each of which the files come in a new order and blocks
of `shuffle_buffer` rows are shuffled. Which row stands at a position is a pure function of (seed, position). So every
process and worker walks the same sequence and takes its own positions out of it, and a resumed run passes over the
rows that it has trained on without encoding them; nothing is remembered but the position.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hf_efficient.data.batches import Split, steps_by_count
from hf_efficient.data.columns import missing_column
from hf_efficient.data.files import first_line
from hf_efficient.data.randomness import generator_for
from hf_efficient.data.shards import Shards
from hf_efficient.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Rows that follow one another in a shard."""

    shard: str
    first: int
    """Number of the first row in the shard, from 1."""
    table: pa.Table

    def slice(self, start: int, length: int | None = None) -> Part:
        """Some of the rows."""
        return replace(self, first=self.first + start, table=self.table.slice(start, length))

    def __len__(self) -> int:
        return len(self.table)


def in_blocks(parts: Iterable[Part], size: int) -> Iterator[list[Part]]:
    """The same rows in blocks of `size`, the last one of what is left."""
    held: list[Part] = []
    room = size
    for part in parts:
        while room <= len(part):
            yield [*held, part.slice(0, room)]
            part, held, room = part.slice(room), [], size
        if len(part):
            held, room = [*held, part], room - len(part)
    if room < size:
        yield held


@dataclass(frozen=True)
class Block:
    """Rows of an epoch that are shuffled together; their order is drawn when one of them is asked for."""

    stream: StreamedRows
    parts: list[Part]
    start: int
    """Position of the first row in the stream."""
    seed: tuple[int, ...]

    @property
    def end(self) -> int:
        """Position after the last row."""
        return self.start + sum(map(len, self.parts))

    def row(self, position: int) -> Part:
        """The row at a position of the stream."""
        index = int(self._order[position - self.start])
        part = int(np.searchsorted(self._ends, index, side="right"))
        return self.parts[part].slice(index - int(self._ends[part]) + len(self.parts[part]), 1)

    @cached_property
    def _ends(self) -> Indices:
        return np.cumsum([len(part) for part in self.parts])

    @cached_property
    def _order(self) -> Indices:
        generator = generator_for(*self.seed)
        order: Indices = generator.permutation(self.end - self.start)
        if not self.stream.grouped:
            return order
        return group(order, self._lengths(), self.start, self.stream.rows_per_step, generator)

    def _lengths(self) -> Indices:
        import pyarrow as pa

        table = pa.concat_tables([part.table for part in self.parts])
        return sum((sizes(table[name].combine_chunks()) for name in self.stream.texts), np.zeros(len(table), np.int64))


@dataclass(eq=False)
class StreamedRows:
    """The rows of a run as a sequence with positions, encoded when they are asked for; forward is the cheap direction.

    A data loader takes it for a data set, whose rows are to be asked for in their order.
    """

    shards: Shards
    schema: pa.Schema
    """The columns that are read, and their types."""
    encode: Callable[[Dataset, str], Dataset]
    """`encode(table, name)`: the rows as the collator takes them; errors of the first row begin with `name`."""
    seed: int
    shuffle_buffer: int
    rows_per_step: int
    """Rows of an optimizer step."""
    num_steps: int
    """Optimizer steps of a run, however often that reads the shards."""
    texts: tuple[str, ...] = ()
    """Columns whose size tells how long a row is."""
    grouped: bool = False
    """Whether rows of similar length share an optimizer step, as far as they stand in one block."""
    _walk: _Walk | None = field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return self.rows_per_step * self.num_steps

    def __getitem__(self, position: int) -> dict[str, Any]:
        if not 0 <= position < len(self):
            raise IndexError(position)
        return self.__getitems__([position])[0]

    def __getitems__(self, positions: Sequence[int]) -> list[dict[str, Any]]:
        import pyarrow as pa

        rows = [self._row(position) for position in positions]
        try:
            encoded = self._encoded(pa.concat_tables([row.table for row in rows]), "train")
        except DataError as error:
            raise self._located(error, rows) from error
        features: list[dict[str, Any]] = encoded.to_list()
        return features

    def _encoded(self, table: pa.Table, name: str) -> Dataset:
        from datasets import Dataset

        return self.encode(Dataset(table, fingerprint="batch"), name)  # to make one takes longer than the rows

    def _located(self, error: DataError, rows: Iterable[Part]) -> DataError:
        """The error with the shard and the row that it comes from."""
        for row in rows:
            name = f"{row.shard} row {row.first}"
            try:
                self._encoded(row.table, name)
            except DataError as found:
                return DataError(str(found).replace(f"{name} row 1", name, 1))
        return error

    def _row(self, position: int) -> Part:
        # Open files are no good in a process that was forked since.
        if self._walk is None or not self._walk.reaches(position):
            self._walk = _Walk(self)
        return self._walk.block_at(position).row(position)

    def blocks(self, epoch: int, start: int) -> Iterator[Block]:
        """The blocks of an epoch whose first row stands at position `start`."""
        for number, parts in enumerate(in_blocks(self._parts(epoch), self.shuffle_buffer)):
            # From 1 on: numpy draws the same from (seed, epoch, 0) as from (seed, epoch), the order of the shards.
            block = Block(self, parts, start, (self.seed, epoch, 1 + number))
            yield block
            start = block.end

    def _parts(self, epoch: int) -> Iterator[Part]:
        order = np.arange(len(self.shards))
        if self.shuffle_buffer > 1:
            order = generator_for(self.seed, epoch).permutation(order)
        for shard in (self.shards[index] for index in order):
            first = 1
            for table in shard.tables(self.schema):
                yield Part(shard.name, first, _fit(table, self.schema, shard.name))
                first += len(table)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_walk": None}


def _fit(table: pa.Table, schema: pa.Schema, shard: str) -> pa.Table:
    """The table with the columns and types of the schema."""
    import pyarrow as pa

    for name in schema.names:
        if name not in table.column_names:
            raise DataError(f"{shard}: {missing_column(name, table.column_names)}")
    try:
        return table.select(schema.names).cast(schema)
    except pa.ArrowInvalid as error:
        expected = ", ".join(f"{column.name} of {column.type}" for column in schema)
        raise DataError(f"{shard}: expected the columns of the first rows, {expected}; {first_line(error)}") from error


class _Walk:
    """Goes through the blocks of a stream, forward only, in one process."""

    def __init__(self, rows: StreamedRows) -> None:
        self._rows = rows
        self._process = os.getpid()
        self._epoch = self._epoch_start = 0
        self._blocks = rows.blocks(0, 0)
        self._block = next(self._blocks, None)

    def reaches(self, position: int) -> bool:
        """Whether the position is not behind, and the open files are those of this process."""
        return self._process == os.getpid() and self._block is not None and position >= self._block.start

    def block_at(self, position: int) -> Block:
        """The block that the position is in."""
        if self._block is None:
            raise DataError("train: expected rows, found none")
        while position >= self._block.end:
            self._block = next(self._blocks, None) or self._next_epoch(position)
        return self._block

    def _next_epoch(self, position: int) -> Block:
        """The first block of the next epoch; of the one that the position is in, now that their length is known."""
        assert self._block is not None
        num_rows = self._block.end - self._epoch_start
        passed = (position - self._epoch_start) // num_rows
        self._epoch += passed
        self._epoch_start += passed * num_rows
        self._blocks = self._rows.blocks(self._epoch, self._epoch_start)
        return next(self._blocks)


def group(order: Indices, lengths: Indices, start: int, rows_per_step: int, generator: np.random.Generator) -> Indices:
    """`order` with rows of similar length in one optimizer step; the ends, which share a step with other blocks, as is.

    Args:
        order: the rows of a block.
        lengths: how long each row is.
        start: position of the block's first row in the stream.
        rows_per_step: rows of an optimizer step; the first step begins at position 0.
        generator: draws the order of the steps.
    """
    first = -start % rows_per_step
    last = first + max(0, len(order) - first) // rows_per_step * rows_per_step
    if last <= first:
        return order
    steps = steps_by_count(order[first:last], lengths, Split(rows_per_step, 1, 1), generator)
    return np.concatenate([order[:first], *steps, order[last:]])


def sizes(values: pa.Array) -> Indices:
    """Number of characters in each value: of a text, or of all texts in a list or struct."""
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        inner = sizes(compute.list_flatten(values))
        counts = np.bincount(compute.list_parent_indices(values), weights=inner, minlength=len(values))
        return counts.astype(np.int64)
    if pa.types.is_struct(values.type):
        fields = (sizes(compute.struct_field(values, [i])) for i in range(values.type.num_fields))
        return sum(fields, np.zeros(len(values), np.int64))
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return np.asarray(compute.fill_null(compute.utf8_length(values), 0), dtype=np.int64)
    return np.zeros(len(values), np.int64)


def head(shards: Shards) -> Dataset:
    """The first rows of a stream, from which its columns and their types are told.

    Raises:
        DataError: there are no rows.
    """
    import pyarrow as pa
    from datasets import Dataset

    for shard in shards:
        for table in shard.tables():
            if len(table):
                # A column without a value so far may still come to texts.
                types = [f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]
                return Dataset(table.cast(pa.schema(types, metadata=table.schema.metadata)))
    raise DataError("train: expected rows, found none")
