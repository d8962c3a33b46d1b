"""Rows of token ids, and how several of them share one sequence."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hf_efficient.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

Ints = NDArray[np.int64]

_IGNORED: Final = -100
"""Label of a token that is not to be learnt, as everywhere in transformers."""


@dataclass(frozen=True)
class TokenRows:
    """Rows of tokens, one after the other in flat arrays."""

    ids: NDArray[np.int32]
    learnt: NDArray[np.bool_]
    """Whether the model is to learn to write the token."""
    lengths: Ints
    """Tokens of each row."""

    @property
    def starts(self) -> Ints:
        """Index of the first token of each row."""
        return np.cumsum(self.lengths) - self.lengths

    def take(self, starts: Ints, lengths: Ints) -> TokenRows:
        """The rows that begin at `starts`, in this order."""
        tokens = np.repeat(starts, lengths) + positions(lengths)
        return TokenRows(self.ids[tokens], self.learnt[tokens], lengths)


def positions(lengths: Ints) -> Ints:
    """0, 1, 2 … for each row."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def cut(rows: TokenRows, max_length: int) -> TokenRows:
    """The first `max_length` tokens of each row."""
    return rows.take(rows.starts, np.minimum(rows.lengths, max_length))


def split_long(rows: TokenRows, max_length: int) -> TokenRows:
    """The rows, those longer than `max_length` in pieces; no token is lost."""
    pieces = -(-rows.lengths // max_length)
    offsets = positions(pieces) * max_length
    lengths = np.minimum(np.repeat(rows.lengths, pieces) - offsets, max_length)
    return rows.take(np.repeat(rows.starts, pieces) + offsets, lengths)


def refuse_long(rows: TokenRows, max_length: int, split: str) -> None:
    """Raise a DataError that names the first row of more than `max_length` tokens."""
    long = np.flatnonzero(rows.lengths > max_length)
    if len(long):
        raise DataError(
            f"{split} row {long[0] + 1}: expected at most {max_length} tokens, found {rows.lengths[long[0]]}; shorten "
            "the text, raise data.max_length or set data.truncation to true"
        )


def best_fit(lengths: Ints, max_length: int) -> list[list[int]]:
    """Numbers of the rows that share each sequence of at most `max_length` tokens: best fit, the longest rows first.

    Within 22 % of the fewest sequences that there can be (Johnson 1973), in practice within one or two.
    """
    sequences: list[list[int]] = []
    rooms: list[tuple[int, int]] = []  # tokens that still fit and the sequence's number, ascending
    for row in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[row])
        place = bisect_left(rooms, (length, -1))
        if place == len(rooms):
            sequences.append([row])
            insort(rooms, (max_length - length, len(sequences) - 1))
        else:
            room, number = rooms.pop(place)
            sequences[number].append(row)
            insort(rooms, (room - length, number))
    return sequences


def as_dataset(rows: TokenRows) -> Dataset:
    """A sequence for each row: `input_ids`, `labels` and `length`."""
    return _dataset(rows, rows.lengths)


def as_packed_dataset(rows: TokenRows, max_length: int) -> Dataset:
    """Sequences that rows share, with `position_ids` that begin anew at each row.

    The first token of a row is no label: nothing before it in the sequence belongs to it.
    """
    sequences = best_fit(rows.lengths, max_length)
    order = np.fromiter((row for sequence in sequences for row in sequence), np.int64, len(rows.lengths))
    packed = rows.take(rows.starts[order], rows.lengths[order])
    numbers = np.repeat(np.arange(len(sequences)), [len(sequence) for sequence in sequences])
    lengths = np.bincount(numbers, weights=packed.lengths).astype(np.int64)
    return _dataset(packed, lengths, position_ids=positions(packed.lengths))


def _dataset(rows: TokenRows, lengths: Ints, **columns: Ints) -> Dataset:
    """Sequences of `lengths` tokens out of the flat arrays."""
    import pyarrow as pa
    from datasets import Dataset

    learnt = rows.learnt.copy()
    learnt[rows.starts] = False
    labels = np.where(learnt, rows.ids, _IGNORED)
    flat: dict[str, NDArray[Any]] = {"input_ids": rows.ids, "labels": labels, **columns}
    ends = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int64())
    lists = {name: pa.LargeListArray.from_arrays(ends, pa.array(values, pa.int32())) for name, values in flat.items()}
    return Dataset(pa.table({**lists, "length": pa.array(lengths, pa.int32())}))
