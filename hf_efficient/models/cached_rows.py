"""What a frozen model, or the frozen part of one, computes of each row of a data set: once, and found by the row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hf_efficient.data.row_cache import ROWS_OF_GROUP, Key, RowCache, Value, row_key
from hf_efficient.losses.rows import is_side_column

Inputs = Mapping[str, Tensor]
Mask = NDArray[np.bool_]

_NO_MATTER = ("_name_or_path", "transformers_version", "architectures", "dtype")
"""Fields of a configuration that don't change what a model computes."""

ROWS_OF_PASS = 64
"""Rows that are computed at a time: always the same, so that their values are the same, too."""
_BYTES_OF_GROUP: Final = 64e6
"""What is held in memory until it is written."""


def computation_key(config: Any, tensors: Iterable[tuple[str, Tensor]], *more: str, but: Sequence[str] = ()) -> str:
    """A hash of all that decides what is computed of a row: architecture, weights, precision, and what else there is.

    Fields of the configuration named in `but` don't count.
    """
    digest = hashlib.blake2b(digest_size=16)
    fields = {key: value for key, value in config.to_dict().items() if key not in (*_NO_MATTER, *but)}
    digest.update(json.dumps(fields, sort_keys=True, default=str).encode())
    for name, tensor in tensors:
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    digest.update(" ".join((*_fp32_precision(), *more)).encode())
    return digest.hexdigest()


def _fp32_precision() -> Iterator[str]:
    """How exactly fp32 numbers are multiplied, e.g. as tf32."""
    # torch 2.13's get_float32_matmul_precision raises once transformers has set torch.backends.fp32_precision.
    # Its modules make these attributes as they are imported, where mypy doesn't see them.
    yield str(torch.backends.cuda.matmul.fp32_precision)
    yield str(torch.backends.cudnn.conv.fp32_precision)  # type: ignore[attr-defined]
    yield str(torch.backends.mkldnn.matmul.fp32_precision)  # type: ignore[attr-defined]


class CachedRows:
    """The rows of one data set, each with what was computed of it."""

    def __init__(
        self,
        rows: Any,
        collator: Callable[[Sequence[Any]], Mapping[str, Any]],
        keys: Callable[[Inputs], Sequence[Key]],
        rows_of_pass: int = ROWS_OF_PASS,
    ) -> None:
        """Rows of which nothing is computed yet.

        Args:
            rows: a data set of encoded rows.
            collator: what makes batches of them.
            keys: the key of each row of a batch, made of what decides what is computed of it.
            rows_of_pass: rows that are computed at a time.
        """
        self._rows = rows
        self._collator = collator
        self._keys = keys
        self._rows_of_pass = rows_of_pass
        self._numbers: dict[Key, int] = {}
        self._cache: RowCache | None = None

    def open(
        self,
        folder: Path,
        compute: Callable[[Inputs], Sequence[Value]],
        *,
        what: str,
        remedy: str,
        shown: Callable[[Sequence[Any]], Iterable[Any]] = iter,
        bytes_of_token: int = 0,
        rows_of_group: int = ROWS_OF_GROUP,
    ) -> int:
        """Have every row computed that is not there yet, and map all of them; gives how many were not.

        Args:
            folder: of this computation.
            compute: the values of the rows of a batch.
            what: the values in words, for messages.
            remedy: what else to do where they can't be kept, for messages.
            shown: goes over the groups of rows that are computed, to show how far they are.
            bytes_of_token: size of a value for each token of its row, if the space on the disk is to be checked.
            rows_of_group: rows that are kept in memory until they are written.

        Raises:
            HfEfficientError: the values can't be kept.
        """
        self._numbers = self._numbers or self._first_of_each()
        self._cache = RowCache(folder, self._numbers, what=what, remedy=remedy, rows_of_group=rows_of_group)
        lengths = lengths_of(self._rows)

        def values_of(keys: Sequence[Key]) -> list[Value]:
            batches = (self._batch(few) for few in self._cut([self._numbers[key] for key in keys]))
            return [value for batch in batches for value in compute(batch)]

        num_computed = self._cache.fill(values_of, shown, lambda key: bytes_of_token * int(lengths[self._numbers[key]]))
        self._cache.open()
        return num_computed

    def get(self, keys: Sequence[Key]) -> list[Value] | None:
        """The values of some rows; None if one of them is not among these rows."""
        if self._cache is None:
            return None
        found = [self._cache.get(key) for key in keys]
        values = [value for value in found if value is not None]
        return values if len(values) == len(found) else None

    def _first_of_each(self) -> dict[Key, int]:
        """Number of the first row of each key, from the longest row to the shortest."""
        order = np.argsort(-lengths_of(self._rows), kind="stable")
        numbers: dict[Key, int] = {}
        for few in self._cut(order.tolist()):
            for number, key in zip(few, self._keys(self._batch(few)), strict=True):
                numbers.setdefault(key, number)
        return numbers

    def _batch(self, numbers: Sequence[int]) -> dict[str, Tensor]:
        return dict(self._collator([self._rows[number] for number in numbers]))

    def _cut(self, numbers: Sequence[int]) -> list[Sequence[int]]:
        size = self._rows_of_pass
        return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def rows_of_group(bytes_of_row: int, rows_of_pass: int = ROWS_OF_PASS) -> int:
    """Rows whose values are kept in memory until they are written, where the largest takes so many bytes."""
    passes = int(_BYTES_OF_GROUP // (bytes_of_row * rows_of_pass))
    return min(max(passes, 1) * rows_of_pass, ROWS_OF_GROUP)


def fed(batch: Mapping[str, Any]) -> dict[str, Tensor]:
    """What the model that is trained is fed of a batch."""
    return {name: value for name, value in batch.items() if not is_side_column(name)}


def lengths_of(rows: Any) -> NDArray[Any]:
    """Tokens of each row; 1 where rows are not tokens."""
    return np.asarray(rows["length"]) if "length" in rows.column_names else np.ones(len(rows), dtype=np.int64)


def row_keys(inputs: Inputs, mask_of_column: Callable[[str], Mask | None] | None = None) -> list[Key]:
    """The key of each row of a batch, whatever the batch is padded to.

    `mask_of_column` says where a column is no padding, if not where the attention mask does.
    """
    mask = mask_of(inputs)
    return [row_key(row) for row in _rows_of(inputs, mask_of_column or (lambda column: mask))]


def mask_of(inputs: Inputs) -> Mask | None:
    """Where a batch has tokens, (samples, tokens); None where it has no padding."""
    mask = inputs.get("attention_mask")
    return None if mask is None else np.asarray(mask.cpu().numpy(), dtype=bool)


def without_padding(values: NDArray[Any], mask: Mask | None) -> list[Value]:
    """What each row of a batch has, (tokens, width), of values (samples, tokens, width)."""
    return list(values) if mask is None else [row[present] for row, present in zip(values, mask, strict=True)]


def padded(values: Sequence[Value], mask: Mask | None) -> NDArray[Any]:
    """Values of rows as a batch, (samples, tokens, width), with 0 where there is no token."""
    if mask is None:
        return np.stack(values)
    stacked = np.concatenate(values)
    joined = np.zeros((*mask.shape, stacked.shape[-1]), dtype=stacked.dtype)
    joined[mask] = stacked
    return joined


def _rows_of(inputs: Inputs, mask_of_column: Callable[[str], Mask | None]) -> Iterator[dict[str, NDArray[Any]]]:
    """The rows of a batch without the padding."""
    columns = [(name, value.cpu().numpy(), mask_of_column(name)) for name, value in inputs.items()]
    for number in range(len(columns[0][1])):
        yield {
            name: _unpadded(values[number], None if mask is None else mask[number]) for name, values, mask in columns
        }


def _unpadded(values: NDArray[Any], mask: Mask | None) -> NDArray[Any]:
    return values if mask is None or values.shape != mask.shape else values[mask]
