"""Reading one data file into memory: csv, tsv, json, jsonl, parquet, txt.

The files are read here rather than by `datasets.load_dataset`, whose csv reader takes texts such as `NA` and `None`
for missing values, and whose cache tells a changed file from the old one by its time of change alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from hf_efficient.errors import DataError, RecipeError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset


def read_file(path: Path) -> Dataset:
    """The rows of a data file.

    Raises:
        RecipeError: there is no such file, or its suffix is none of `SUFFIXES`.
        DataError: it is empty, not UTF-8, or broken; the message says where.
    """
    from datasets import Dataset

    require_file(path)
    try:
        table = _READERS[path.suffix](path)
    except OSError as error:
        raise DataError(f"{path}: can't be read: {first_line(error)}") from error
    if table.num_rows == 0:
        raise DataError(f"{path}: expected rows, found none")
    return Dataset(without_dictionaries(table))


def require_file(path: Path) -> None:
    """Raise a RecipeError where there is no such file, or its suffix is none of `SUFFIXES`."""
    if not path.is_file():
        raise RecipeError(f"{path}: there is no such file.{_nearest_file(path)}")
    if path.suffix not in SUFFIXES:
        raise RecipeError(f"{path}: expected a file ending in {', '.join(SUFFIXES)}; found {path.suffix or 'none'}")


def _nearest_file(path: Path) -> str:
    folder = path.parent
    return did_you_mean(path.name, [file.name for file in folder.iterdir()]) if folder.is_dir() else ""


def _read_utf8(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}:{line}: expected UTF-8, found byte 0x{data[error.start]:02x}; save it as UTF-8"
        ) from error


def _read_csv(path: Path, delimiter: str = ",") -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    text = _read_utf8(path)
    if not text.strip():
        raise DataError(f"{path}: expected a header and rows, found an empty file")
    data = text.encode()
    broken: list[Any] = []

    def refuse(row: Any) -> Literal["error"]:
        broken.append(row)
        return "error"

    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            # One block and one thread: types are told from all rows, and a broken row knows its number.
            read_options=csv.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                invalid_row_handler=refuse,
            ),
        )
    except pa.ArrowInvalid as error:
        raise DataError(_broken_csv(path, text, broken, error)) from error
    refuse_doubled_columns(path, table.column_names)
    return table


def _broken_csv(path: Path, text: str, broken: list[Any], error: Exception) -> str:
    if not broken:
        return f"{path}: {first_line(error)}"
    row = broken[0]
    line = text.count("\n", 0, max(text.find(row.text), 0)) + 1
    return (
        f"{path}:{line}: expected {row.expected_columns} columns, found {row.actual_columns}; "
        "put quotes round values that hold the separator or a line break"
    )


def refuse_doubled_columns(path: Path, names: list[str]) -> None:
    """Raise a DataError where the header of a csv file names a column twice."""
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"{path}:1: expected one column of each name, found several named {', '.join(doubled)}")


def _read_tsv(path: Path) -> pa.Table:
    return _read_csv(path, delimiter="\t")


def _read_json(path: Path) -> pa.Table:
    text = _read_utf8(path)
    if not text.lstrip().startswith("["):
        return as_table(path, _json_lines(path, text))
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: broken JSON: {error.msg}") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path}: row {number}: expected an object, found {row!r}")
    return as_table(path, rows)


def _json_lines(path: Path, text: str) -> list[dict[str, Any]]:
    # Not splitlines(), which also breaks at separators that JSON allows inside a string, such as U+2028.
    lines = ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())
    return [parse_json_line(path, number, line) for number, line in lines]


def parse_json_line(path: Path, number: int, line: str) -> dict[str, Any]:
    """The object in a line.

    Raises:
        DataError: there is something else; the message has the line's number.
    """
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        said = f"{error.msg.removesuffix(' at')} at column {error.colno}"
        raise DataError(f"{path}:{number}: expected one JSON object a line, found broken JSON: {said}") from error
    if not isinstance(row, dict):
        raise DataError(f"{path}:{number}: expected one JSON object a line, found {row!r}")
    return row


def as_table(
    path: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None, numbers: Sequence[int] | None = None
) -> pa.Table:
    """Objects as a table: with the columns of `schema`, or all that there are; messages call the rows by `numbers`.

    Raises:
        DataError: a column holds values of several types, or not those of the schema.
    """
    import pyarrow as pa

    types: dict[str, pa.DataType | None] = dict.fromkeys(name for row in rows for name in row)
    if schema is not None:
        types = {column.name: column.type for column in schema}
    numbers = numbers or range(1, len(rows) + 1)
    return pa.table({n: _column(path, n, [row.get(n) for row in rows], t, numbers) for n, t in types.items()})


def _column(path: Path, name: str, values: list[Any], kind: pa.DataType | None, numbers: Sequence[int]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        index, value = _odd_one_out(values)
        raise DataError(
            f"{path}: row {numbers[index]}: column {name} holds {value!r} where the rows before hold values of another "
            "type; give the column one type"
        ) from error


def _odd_one_out(values: Iterable[Any]) -> tuple[int, Any]:
    """Index and value of the first row whose type is not that of the first value."""
    present = [(index, value) for index, value in enumerate(values) if value is not None]
    first = type(present[0][1])
    return next((pair for pair in present if type(pair[1]) is not first), present[0])


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: expected a parquet file: {first_line(error)}") from error


def _read_text(path: Path) -> pa.Table:
    import pyarrow as pa

    text = _read_utf8(path)
    lines = text.removesuffix("\n").split("\n") if text else []
    return pa.table({"text": pa.array([line.removesuffix("\r") for line in lines], pa.string())})


def without_dictionaries(table: pa.Table) -> pa.Table:
    """The table with plain values in the place of dictionaries (pandas' categories), which `datasets` can't write."""
    import pyarrow as pa

    fields = [
        pa.field(field.name, field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata=table.schema.metadata))


def first_line(error: Exception) -> str:
    """The first line of what another library says, or the name of its error."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


_READERS: Final[dict[str, Callable[[Path], Any]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".json": _read_json,
    ".jsonl": _read_json,
    ".parquet": _read_parquet,
    ".txt": _read_text,
}
SUFFIXES: Final = tuple(_READERS)
"""Endings of the files that can be read."""
