"""Which column plays which part, and whether its values can."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_efficient.errors import DataError, RecipeError, did_you_mean

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from hf_efficient.recipe.data import Columns

TEXT_NAMES = ("text", "sentence")
LABEL_NAMES = ("label", "labels")


@dataclass(frozen=True)
class Roles:
    """The columns of a text classification data set, by the part that they play."""

    text: str
    text_pair: str | None
    label: tuple[str, ...]
    """One column, or several of 0 and 1; empty where the rows have no labels."""
    weight: str | None


def resolve_columns(columns: Columns, table: Dataset, place: Callable[[str], str]) -> Roles:
    """The columns that the recipe names, or that the names and types of the table's columns tell.

    Raises:
        RecipeError: a named column does not exist.
        DataError: the text column can't be told.
    """
    label = label_columns(columns, table)
    named = {"text": columns.text, "text_pair": columns.text_pair, "weight": columns.weight}
    refuse_missing(named, label, table, place)
    text = columns.text or guess_text(table, {columns.text_pair, columns.weight, *label}, place)
    return Roles(text, columns.text_pair, label, columns.weight)


def label_columns(columns: Columns, table: Dataset) -> tuple[str, ...]:
    """The label columns that the recipe names, else the usual one where the table has it."""
    named = (columns.label,) if isinstance(columns.label, str) else columns.label
    return named or next(((name,) for name in LABEL_NAMES if name in table.column_names), ())


def refuse_missing(
    named: Mapping[str, str | None], label: Iterable[str], table: Dataset, place: Callable[[str], str]
) -> None:
    """Refuse columns that the recipe names, by the part that they play, and the table lacks.

    Raises:
        RecipeError: the first such column, with the nearest one.
    """
    for part, name in [*named.items(), *(("label", name) for name in label)]:
        if name is not None and name not in table.column_names:
            raise RecipeError(f"{place(f'data.columns.{part}')}: {missing_column(name, table.column_names)}")


def missing_column(name: str, columns: list[str]) -> str:
    """What to say where a column is missing: what there is, and the nearest."""
    return f"there is no column {name}, only {', '.join(columns)}.{did_you_mean(name, columns)}"


def string_columns(table: Dataset) -> list[str]:
    """Names of the columns that hold texts."""
    return [name for name, feature in table.features.items() if _is_string(feature)]


def _is_string(feature: Any) -> bool:
    return getattr(feature, "dtype", None) in ("string", "large_string")


def guess_text(table: Dataset, taken: set[str | None], place: Callable[[str], str]) -> str:
    """The column of texts among those that are not taken.

    Raises:
        DataError: it can't be told.
    """
    strings = [name for name in string_columns(table) if name not in taken]
    for name in TEXT_NAMES:
        if name in strings:
            return name
    if len(strings) == 1:
        return strings[0]
    if (named := next((name for name in TEXT_NAMES if name in table.column_names), None)) is not None:
        return named  # whose values are refused one by one, with the row
    found = f"columns of strings are {', '.join(strings)}" if strings else f"there are {', '.join(table.column_names)}"
    raise DataError(
        f"{place('data.columns.text')}: expected a column named {' or '.join(TEXT_NAMES)}, or only one of strings; "
        f"{found}; name it in data.columns.text"
    )


def read_texts(table: Dataset, column: str, split: str) -> list[str]:
    """The texts of a column; an empty text is a text, a missing one is not.

    Raises:
        DataError: the column does not exist, holds something else than strings, or has gaps.
    """
    if column not in table.column_names:
        raise DataError(f"{split}: {missing_column(column, table.column_names)}")
    values: list[Any] = table[column][:]
    if not _is_string(table.features[column]):
        for number, value in enumerate(values, start=1):
            if value is not None:
                found = f"expected a text, found {value!r}; put texts in quotes"
                raise DataError(f"{split} row {number}: column {column}: {found}")
    refuse_gaps(values, column, split, "a text")
    return values


def refuse_gaps(values: Iterable[Any], column: str, split: str, expected: str) -> None:
    """Raise a DataError that names the first row without a value and counts them."""
    gaps = [number for number, value in enumerate(values, start=1) if value is None]
    if gaps:
        rows = f"{len(gaps)} row{'s' if len(gaps) > 1 else ''}"
        raise DataError(
            f"{split} row {gaps[0]}: column {column}: expected {expected}, found none ({rows} so); fill or drop them"
        )


def read_weights(table: Dataset, column: str, split: str) -> NDArray[np.float32]:
    """Weights of the rows: finite and not negative.

    Raises:
        DataError: the column does not exist, or a value is no such number.
    """
    if column not in table.column_names:
        raise DataError(f"{split}: {missing_column(column, table.column_names)}")
    values: list[Any] = table[column][:]
    for number, value in enumerate(values, start=1):
        if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise DataError(f"{split} row {number}: column {column}: expected a weight of at least 0, found {value!r}")
    return np.asarray(values, dtype=np.float32)


def refuse_weightless(rows: Dataset, column: str | None, split: str) -> None:
    """Raise a DataError where all encoded rows have a `sample_weight`, read from `column`, of 0."""
    if "sample_weight" in rows.column_names and not any(rows["sample_weight"][:]):
        raise DataError(f"{split}: column {column}: expected weights, found only 0")
