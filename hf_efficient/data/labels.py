"""Labels as a data set writes them, and the classes that they name."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_efficient.data.columns import missing_column, refuse_gaps
from hf_efficient.errors import DataError, PlanError, did_you_mean

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

_HIDDEN = -1
"""What public data sets write where they keep the label to themselves."""


def is_labelled(table: Dataset, columns: Sequence[str]) -> bool:
    """Whether the table has the label columns, and in them more than gaps and the -1 of hidden labels."""
    if not columns or any(name not in table.column_names for name in columns):
        return False
    return any(value is not None and value != _HIDDEN for name in columns for value in table[name][:])


def read_labels(table: Dataset, columns: Sequence[str], split: str) -> list[Any]:
    """The label of each row: a number, a bool, a name, or the list of the names that apply to it.

    Raises:
        DataError: a column is missing, or a row has no label or one of the wrong kind.
    """
    for name in columns:
        if name not in table.column_names:
            raise DataError(f"{split}: {missing_column(name, table.column_names)}")
    if not columns:
        raise DataError(
            f"{split}: expected a column named label or labels; there are {', '.join(table.column_names)}; "
            "name it in data.columns.label"
        )
    if len(columns) > 1:
        return _read_indicators(table, columns, split)
    return _read_column(table, columns[0], split)


def _read_indicators(table: Dataset, columns: Sequence[str], split: str) -> list[Any]:
    matrix = [table[name][:] for name in columns]
    for name, values in zip(columns, matrix, strict=True):
        for number, value in enumerate(values, start=1):
            if value not in (0, 1):
                raise DataError(f"{split} row {number}: column {name}: expected 0 or 1, found {value!r}")
    return [[name for name, value in zip(columns, row, strict=True) if value] for row in zip(*matrix, strict=True)]


def _read_column(table: Dataset, column: str, split: str) -> list[Any]:
    values: list[Any] = [None if value == "" or value != value else value for value in table[column][:]]
    refuse_gaps(values, column, split, "a label")
    classes = class_label_names(table, column)
    if not isinstance(values[0], list):
        return (
            values if classes is None else [class_name(classes, v, n, column, split) for n, v in enumerate(values, 1)]
        )
    for number, row in enumerate(values, start=1):
        refuse_gaps(row, f"{column}, inside the list of row {number}", split, "a label")
    if classes is not None:
        return [[class_name(classes, value, n, column, split) for value in row] for n, row in enumerate(values, 1)]
    if vector_width(values) is not None:
        return [[str(index) for index, value in enumerate(row) if value] for row in values]
    return [[label_name(value) for value in row] for row in values]


def class_name(classes: Sequence[str], value: int, number: int, column: str, split: str) -> str:
    """The data set's own name of an id in row `number`.

    Raises:
        DataError: it has none.
    """
    if not 0 <= value < len(classes):
        raise DataError(
            f"{split} row {number}: column {column}: expected a class from 0 to {len(classes) - 1}, found {value}"
        )
    return classes[value]


def class_label_names(table: Dataset, column: str) -> list[str] | None:
    """Names that the data set itself gives to the ids in a column, or None."""
    feature: Any = table.features[column]
    feature = getattr(feature, "feature", feature)
    names: list[str] | None = getattr(feature, "names", None)
    return names


def vector_width(rows: Sequence[Sequence[Any]]) -> int | None:
    """Length of the rows if they are vectors of 0 and 1 rather than lists of labels, else None.

    Bools and floats can only be such vectors. Integers are if they are all 0 or 1, as many in each row, and repeat in
    one: a set of label ids repeats nothing.
    """
    width = len(rows[0])
    if any(len(row) != width for row in rows) or any(value not in (0, 1) for row in rows for value in row):
        return None
    if all(isinstance(value, (bool, float)) for row in rows for value in row):
        return width
    return width if any(len(set(row)) < width for row in rows) else None


def refuse_unclear(table: Dataset, columns: Sequence[str]) -> None:
    """Refuse lists of integers in the first rows of a stream: ids, or vectors of 0 and 1? Only all rows would tell.

    Raises:
        DataError: the column of labels holds such lists.
    """
    if len(columns) != 1 or class_label_names(table, columns[0]) is not None:
        return
    values = table[columns[0]][:]
    if any(isinstance(row, list) and any(type(value) is int for value in row) for row in values):
        raise DataError(
            f"train: column {columns[0]}: lists of integers can be ids or vectors of 0 and 1, and the rows of a stream "
            "that are still to be read might tell; write names or bools, or give each label a column of its own"
        )


def label_name(value: Any) -> str:
    """The name of a class: the text itself, or the number's or bool's digits; 3.0 is `3`."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def learn_classes(
    table: Dataset, columns: Sequence[str], labels: Sequence[Any], wanted: Sequence[str] | None, place: str
) -> tuple[str, ...]:
    """Names of the classes in the order of their ids.

    The data set's own names, else those found in the training labels: numbers by value, texts by the alphabet.
    `wanted`, the recipe's `task.labels`, orders them, or names the ids 0 to k-1.

    Raises:
        PlanError: `wanted` does not fit the classes.
    """
    names = _own_names(table, columns, labels) or _sorted_names(labels)
    if wanted is None:
        return names
    if set(wanted) != set(names) and not (len(wanted) == len(names) and are_ids(names, len(wanted))):
        raise PlanError(f"{place}: {_difference(wanted, names)}")
    if len(set(wanted)) < len(wanted):
        raise PlanError(f"{place}: expected each class once, found {', '.join(wanted)}")
    return tuple(wanted)


def stated_classes(
    table: Dataset, columns: Sequence[str], labels: Sequence[Any], wanted: Sequence[str] | None, place: str
) -> tuple[str, ...]:
    """Names of the classes of a stream, of which `table` is the first rows, in the order of their ids.

    Raises:
        PlanError: neither `wanted`, the recipe's `task.labels`, nor the data set itself names them.
    """
    names = _own_names(table, columns, labels)
    if names is not None:
        return learn_classes(table, columns, labels, wanted, place)
    if wanted is None:
        found = ", ".join(_sorted_names(labels))
        raise PlanError(
            f"{place}: the classes of a stream can't be learnt from rows that are still to be read; name all of them "
            f"(the first {len(table)} rows have {found})"
        )
    return tuple(wanted)


def are_ids(names: Iterable[str], num_classes: int) -> bool:
    """Whether the names are nothing but ids of classes: 0, 1, …, or the two bools."""
    names = set(names)
    return names <= {str(index) for index in range(num_classes)} or (num_classes == 2 and names <= set(_BOOLS))


_BOOLS = {"False": 0, "True": 1}


def _own_names(table: Dataset, columns: Sequence[str], labels: Sequence[Any]) -> tuple[str, ...] | None:
    if len(columns) > 1:
        return tuple(columns)
    if (names := class_label_names(table, columns[0])) is not None:
        return tuple(names)
    if isinstance(labels[0], list) and (width := vector_width(table[columns[0]][:])) is not None:
        return tuple(str(index) for index in range(width))
    return None


def _sorted_names(labels: Sequence[Any]) -> tuple[str, ...]:
    names = {label_name(value) for label in labels for value in (label if isinstance(label, list) else [label])}
    if all(name.lstrip("-").isdecimal() for name in names):
        return tuple(sorted(names, key=int))
    return tuple(sorted(names))


def _difference(wanted: Sequence[str], names: Sequence[str]) -> str:
    lacking = [name for name in names if name not in wanted]
    spare = [name for name in wanted if name not in names]
    parts = [f"the training rows also have {', '.join(lacking)}"] if lacking else []
    parts += [f"no training row has {', '.join(spare)}"] if spare else []
    hint = did_you_mean(spare[0], lacking) if spare else ""
    return f"expected the classes of the data, {', '.join(names)}; {' and '.join(parts)}.{hint}"


def class_ids(labels: Sequence[Any], classes: Sequence[str], split: str) -> NDArray[np.int64]:
    """The id of each row's class, shape (rows,).

    Raises:
        DataError: a label is no class of the training rows.
    """
    ids = _ids(labels, classes, split)
    return np.asarray([ids[label_name(label)] for label in labels], dtype=np.int64)


def class_vectors(labels: Sequence[Sequence[Any]], classes: Sequence[str], split: str) -> NDArray[np.float32]:
    """1 where a class applies to a row and 0 where not, shape (rows, classes).

    Raises:
        DataError: a label is no class of the training rows.
    """
    ids = _ids([label for row in labels for label in row], classes, split)
    vectors = np.zeros((len(labels), len(classes)), dtype=np.float32)
    for row, names in enumerate(labels):
        vectors[row, [ids[name] for name in names]] = 1.0
    return vectors


def known_ids(names: Collection[str], classes: Sequence[str]) -> dict[str, int]:
    """The id of each class by its name; by its id where the names in the labels are nothing but ids."""
    ids = {name: index for index, name in enumerate(classes)}
    if ids.keys().isdisjoint(names) and are_ids(names, len(classes)):
        return {name: _BOOLS[name] if name in _BOOLS else int(name) for name in names}
    return ids


def _ids(labels: Iterable[Any], classes: Sequence[str], split: str) -> dict[str, int]:
    counts = Counter(map(label_name, labels))
    ids = known_ids(counts, classes)
    if unseen := [name for name in counts if name not in ids]:
        found = ", ".join(f"{name} ({counts[name]} row{'s' * (counts[name] > 1)})" for name in unseen[:5])
        raise DataError(
            f"{split}: expected the classes of task.labels or of the training rows, {_some(classes)}; found {found}; "
            f"correct task.labels or the rows, or drop them.{did_you_mean(unseen[0], classes)}"
        )
    return ids


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def numbers(labels: Sequence[Any], split: str) -> NDArray[np.float32]:
    """The target of each row of a regression, shape (rows,).

    Raises:
        DataError: a label is not a finite number.
    """
    for number, label in enumerate(labels, start=1):
        if isinstance(label, bool) or not isinstance(label, (int, float)) or not math.isfinite(label):
            raise DataError(f"{split} row {number}: a regression expects numbers as labels, found {label!r}")
    return np.asarray(labels, dtype=np.float32)
