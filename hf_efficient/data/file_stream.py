"""Reading one data file some rows at a time: what `files` reads whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from hf_efficient.data.files import (
    as_table,
    first_line,
    parse_json_line,
    refuse_doubled_columns,
    require_file,
    without_dictionaries,
)
from hf_efficient.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    Tables = Iterator[pa.Table]

CHUNK: Final = 1_000
"""Rows of a table."""
_BLOCK: Final = 1 << 20
"""Bytes of a csv file that are parsed together; its first ones tell the types of its columns."""


def stream_file(path: Path, schema: pa.Schema | None = None) -> Tables:
    """The rows of a data file in order, as tables of about `CHUNK` rows.

    Args:
        path: csv, tsv, json of one object a line, jsonl, parquet or txt.
        schema: the columns to read and their types; by default all, of the types that the first rows tell.

    Raises:
        RecipeError: there is no such file, or its suffix is none of `SUFFIXES`.
        DataError: it is not UTF-8, broken, or later rows are not of the types that the first ones are.
    """
    import pyarrow as pa

    require_file(path)
    try:
        yield from _READERS[path.suffix](path, schema)
    except pa.ArrowInvalid as error:
        told = "" if schema is None else "; a stream's columns are of the types that its first rows tell"
        raise DataError(f"{path}: {first_line(error)}{told}") from error
    except pa.ArrowKeyError as error:
        raise DataError(f"{path}: expected the columns of the first rows: {first_line(error)}") from error
    except UnicodeDecodeError as error:
        found = f"found byte 0x{error.object[error.start]:02x}"
        raise DataError(f"{path}: expected UTF-8, {found}; save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path}: can't be read: {first_line(error)}") from error


def _stream_csv(path: Path, schema: pa.Schema | None, delimiter: str = ",") -> Tables:
    import pyarrow as pa
    from pyarrow import csv

    broken: list[Any] = []

    def refuse(row: Any) -> Literal["error"]:
        broken.append(row)
        return "error"

    columns = {} if schema is None else {"column_types": schema, "include_columns": schema.names}
    try:
        with csv.open_csv(
            path,
            # One thread: a broken row knows its number, and workers share the cores.
            read_options=csv.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse),
            convert_options=csv.ConvertOptions(**columns),
        ) as reader:
            refuse_doubled_columns(path, reader.schema.names)
            _refuse_bytes(path, reader.schema)
            for batch in reader:
                yield pa.Table.from_batches([batch])
    except pa.ArrowInvalid as error:
        raise _broken_csv(path, broken, error) from error


def _broken_csv(path: Path, broken: list[Any], error: Exception) -> Exception:
    """What to raise for pyarrow's error; `broken` holds a row of another number of columns if that is the reason."""
    if "straddles two block boundaries" in str(error):
        return DataError(f"{path}: expected rows of at most {_BLOCK:,} bytes; use jsonl or parquet")
    if not broken:
        return error
    row = broken[0]  # numbered from the header on
    return DataError(
        f"{path} row {row.number - 1}: expected {row.expected_columns} columns, found {row.actual_columns}; "
        "put quotes round values that hold the separator or a line break"
    )


def _refuse_bytes(path: Path, schema: pa.Schema) -> None:
    """Refuse what pyarrow takes for bytes, since it is no UTF-8."""
    import pyarrow as pa

    for column in schema:
        if pa.types.is_binary(column.type):
            raise DataError(f"{path}: column {column.name}: expected UTF-8, found other bytes; save it as UTF-8")


def _stream_tsv(path: Path, schema: pa.Schema | None) -> Tables:
    return _stream_csv(path, schema, delimiter="\t")


def _stream_json(path: Path, schema: pa.Schema | None) -> Tables:
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        lines = ((number, line) for number, line in enumerate(file, start=1) if line.strip())
        while chunk := list(islice(lines, CHUNK)):
            if chunk[0][1].lstrip().startswith("["):
                raise DataError(f"{path}: expected one JSON object a line, found a list; a stream needs jsonl")
            rows = [parse_json_line(path, number, line) for number, line in chunk]
            yield as_table(path, rows, schema, [number for number, _ in chunk])


def _stream_parquet(path: Path, schema: pa.Schema | None) -> Tables:
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        columns = None if schema is None else schema.names
        for batch in file.iter_batches(batch_size=CHUNK, columns=columns, use_threads=False):
            yield without_dictionaries(pa.Table.from_batches([batch]))


def _stream_text(path: Path, schema: pa.Schema | None) -> Tables:
    import pyarrow as pa

    with path.open(encoding="utf-8-sig", newline="\n") as file:
        while lines := list(islice(file, CHUNK)):
            texts = [line.removesuffix("\n").removesuffix("\r") for line in lines]
            yield pa.table({"text": pa.array(texts, pa.string())})


_READERS: Final[dict[str, Callable[[Path, Any], Any]]] = {
    ".csv": _stream_csv,
    ".tsv": _stream_tsv,
    ".json": _stream_json,
    ".jsonl": _stream_json,
    ".parquet": _stream_parquet,
    ".txt": _stream_text,
}
