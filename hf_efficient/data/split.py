"""Seeded choices of rows: what is held out, and what a fraction or a limit keeps.

Pure functions of their arguments, so that every rank, platform and restart chooses the same rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_efficient.data.randomness import generator_for

Indices = NDArray[np.int64]

_MAX_BINS = 10
"""Quantile bins of a number at most, …"""
_ROWS_PER_BIN = 10
"""… each of at least so many rows."""


def hold_out(strata: Indices, share: float, seed: int) -> tuple[Indices, Indices]:
    """Row numbers, ascending, of the rows that stay and of those held out: `share` of each stratum within one row.

    The last row of a stratum always stays.
    """
    sizes = np.bincount(strata)
    total = max(1, round(len(strata) * share))
    held = _draw(strata, _allocate(sizes, total, least=np.zeros_like(sizes), most=np.maximum(sizes - 1, 0)), seed)
    return np.flatnonzero(~held), np.flatnonzero(held)


def subset(strata: Indices, num_rows: int, seed: int) -> Indices:
    """Row numbers, ascending, of `num_rows` rows in the proportions of the whole; of every stratum if they fit."""
    sizes = np.bincount(strata)
    present = (sizes > 0).astype(np.int64)
    least = present if num_rows >= present.sum() else np.zeros_like(sizes)
    return np.flatnonzero(_draw(strata, _allocate(sizes, min(num_rows, len(strata)), least=least, most=sizes), seed))


def _allocate(sizes: Indices, total: int, *, least: Indices, most: Indices) -> Indices:
    """How many rows each stratum gives: `total` in proportion to the sizes, by largest remainder, within bounds.

    What a bound keeps one stratum from giving, no other gives in its place.
    """
    quota = sizes * (total / sizes.sum())
    most = np.minimum(most, np.ceil(quota).astype(np.int64))
    given: Indices = np.clip(np.floor(quota).astype(np.int64), least, most)
    while given.sum() < total and (given < most).any():
        given[np.argmax(np.where(given < most, quota - given, -np.inf))] += 1
    while given.sum() > total and (given > least).any():
        given[np.argmin(np.where(given > least, quota - given, np.inf))] -= 1
    return given


def _draw(strata: Indices, given: Indices, seed: int) -> NDArray[np.bool_]:
    """A mask of `given[s]` random rows of each stratum s."""
    order = np.argsort(generator_for(seed).random(len(strata)), kind="stable")
    by_stratum = order[np.argsort(strata[order], kind="stable")]
    sizes = np.bincount(strata)
    rank = np.arange(len(strata)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    mask = np.zeros(len(strata), dtype=np.bool_)
    mask[by_stratum] = rank < np.repeat(given, sizes)
    return mask


def strata_of(values: list[Any]) -> Indices:
    """The stratum of each row, told from its label.

    Equal labels share one; numbers that rarely repeat share a quantile; a row with several labels goes with its
    rarest one, so that rare labels are spread first.
    """
    if any(isinstance(value, (list, tuple)) for value in values):
        return _rarest(values)
    if any(isinstance(value, float) for value in values):
        return _quantiles(np.asarray(values, dtype=np.float64))
    strata: Indices = np.unique([str(value) for value in values], return_inverse=True)[1]
    if isinstance(values[0], int) and 2 * (strata.max() + 1) > len(values):
        return _quantiles(np.asarray(values, dtype=np.float64))
    return strata


def _quantiles(values: NDArray[np.float64]) -> Indices:
    bins = min(_MAX_BINS, max(1, len(values) // _ROWS_PER_BIN))
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return rank * bins // len(values)


def _rarest(values: list[Any]) -> Indices:
    flat = [str(label) for row in values for label in row]
    names, counts = np.unique(flat, return_counts=True) if flat else (np.array([]), np.array([]))
    count = dict(zip(names.tolist(), counts.tolist(), strict=True))
    rarest = [min(map(str, row), key=lambda name: (count[name], name), default="") for row in values]
    strata: Indices = np.unique(rarest, return_inverse=True)[1]
    return strata
