"""How difficult rows are, told from the rows alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hf_efficient.data.columns import missing_column
from hf_efficient.data.files import first_line
from hf_efficient.data.functions import load_function
from hf_efficient.errors import DataError, PlanError

if TYPE_CHECKING:
    from datasets import Dataset

Scores = NDArray[np.float32]
"""One number a row, larger for more difficult ones."""
_BINS: Final = 10
"""Of a histogram."""


def rarity(rows: Sequence[Sequence[int]]) -> Scores:
    """Mean of −log frequency of each row's tokens, in nats, frequencies being those of all rows.

    The mean of what Platanios et al. 2019 sum up (arXiv 1903.09848), so that it does not measure length.
    """
    lengths = np.asarray([len(row) for row in rows])
    tokens = np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])
    _, places, counts = np.unique(tokens, return_inverse=True, return_counts=True)
    surprise = -np.log(counts / len(tokens))[places]
    sums = np.bincount(np.repeat(np.arange(len(rows)), lengths), weights=surprise, minlength=len(rows))
    return np.asarray(sums / np.maximum(lengths, 1), dtype=np.float32)


def read_scores(table: Dataset, column: str, place: str) -> Scores:
    """The numbers of a column.

    Raises:
        DataError: there is no such column, or a value is no finite number.
    """
    return numbers(_values(table, column, place), f"{place}: column {column}")


def disagreement(table: Dataset, columns: Sequence[str], place: str) -> Scores:
    """How far apart each row's ratings are: their standard deviation, or of names the entropy of the votes in nats.

    Ratings stand in one column of lists, or in several columns.

    Raises:
        DataError: there is no such column, or a row has no two ratings.
    """
    values = [_values(table, column, place) for column in columns]
    rows = values[0] if len(values) == 1 else list(zip(*values, strict=True))
    given = [[each for each in row if each is not None] if isinstance(row, (list, tuple)) else row for row in rows]
    for number, ratings in enumerate(given, start=1):
        if not isinstance(ratings, list) or len(ratings) < 2:
            raise DataError(
                f"{place}: train row {number}: expected two ratings or more, found {ratings!r}; give a column of lists "
                "or several columns, or by: column for a spread that is computed already."
            )
    return numbers([_spread(ratings) for ratings in given], place)


def _spread(ratings: Sequence[Any]) -> float:
    if all(isinstance(rating, (int, float)) for rating in ratings):
        return float(np.std(np.asarray(ratings, dtype=np.float64)))
    shares = [count / len(ratings) for count in Counter(map(str, ratings)).values()]
    return -sum(share * math.log(share) for share in shares)


def _values(table: Dataset, column: str, place: str) -> list[Any]:
    if column not in table.column_names:
        raise DataError(f"{place}: {missing_column(column, table.column_names)}")
    values: list[Any] = table[column][:]
    return values


def numbers(values: Sequence[Any], what: str) -> Scores:
    """Scores of the rows.

    Raises:
        DataError: the first one that is no finite number.
    """
    for number, value in enumerate(values, start=1):
        if not isinstance(value, (int, float, np.number)) or not math.isfinite(value):
            raise DataError(f"{what}: train row {number}: expected a finite number, found {value!r}.")
    return np.asarray(values, dtype=np.float32)


def refuse_equal(scores: Scores, by: str, place: str) -> None:
    """Refuse scores that tell no row from another.

    Raises:
        PlanError: they do not.
    """
    if len(scores) > 1 and scores.min() == scores.max():
        raise PlanError(
            f"{place}.by: {by} gives all {len(scores):,} rows the same score, {scores[0]:g}, so that they have no "
            "order; rank them by something else."
        )


def scores_of_function(name: str, table: Dataset, place: str) -> Scores:
    """What the user's function gives for the rows.

    Raises:
        PlanError: it can't be imported, fails, or does not give a number for each row.
        DataError: one of them is no finite number.
    """
    function = load_function(name, place)
    try:
        given = list(function(table))
    except Exception as error:  # the user's code may raise anything
        raise PlanError(f"{place}: {name} fails with {type(error).__name__}: {first_line(error)}.") from error
    if len(given) != len(table):
        raise PlanError(f"{place}: expected {name} to give {len(table):,} numbers, one a row, found {len(given):,}.")
    return numbers(given, f"{place}: {name}")


def histogram(scores: Scores) -> dict[str, list[float]]:
    """How many rows score what: counts, and the edges of bins of equal width."""
    counts, edges = np.histogram(scores, bins=_BINS)
    return {"counts": counts.tolist(), "edges": edges.tolist()}
