"""Files that commands write rows to."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hf_efficient.errors import HfEfficientError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write: .jsonl, .csv or .parquet.", show_default=False)
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]


def check_output(output: Path | None, force: bool, endings: Collection[str] = ()) -> None:
    """Refuse a file that can't be meant before anything is computed; `endings` are by default those of rows."""
    endings = endings or WRITERS
    if output is None:
        if force:
            raise typer.BadParameter("--force has no effect without --output")
        return
    if output.suffix not in endings:
        raise typer.BadParameter(
            f"--output {output}: expected a file ending in {', '.join(endings)}.{did_you_mean(output.suffix, endings)}"
        )
    if output.exists() and not (force and output.is_file()):
        raise HfEfficientError(f"{output} exists; name another file with --output, or overwrite it with --force.")


def write_rows(path: Path, table: pa.Table) -> None:
    """Write rows so that the file is either whole or as it was before.

    Raises:
        HfEfficientError: it can't be written.
    """
    write_output(path, lambda partial: WRITERS[path.suffix](table, partial))


def write_output(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` write a file so that it is either whole or as it was before.

    Raises:
        HfEfficientError: it can't be written.
    """
    from hf_efficient.report.write import whole_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            write(partial)
    except OSError as error:
        raise HfEfficientError(
            f"{path}: can't be written: {error.strerror or error}; name another file with --output."
        ) from error


def _write_jsonl(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines(table))


def _write_csv(table: pa.Table, path: Path) -> None:
    """Lists and mappings become their JSON: a cell holds one value."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.column_names)
        writer.writerows([_cell(value) for value in row.values()] for row in _rows(table))


def _write_parquet(table: pa.Table, path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(table, path)


WRITERS: Final[dict[str, Callable[[pa.Table, Path], None]]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
"""Ending of a file → what writes rows to it."""


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=1_000):
        for row in batch.to_pylist():
            yield {name: _without_bytes(value) for name, value in row.items()}


def _without_bytes(value: Any) -> Any:
    """An image's path, or None where it is bytes alone: text can't hold them."""
    return value["path"] if isinstance(value, dict) and value.keys() == {"bytes", "path"} else value


def lines(table: pa.Table) -> Iterator[str]:
    """The rows as JSON, one line each."""
    for row in _rows(table):
        # JSON has no NaN; dates, bytes and the like become text.
        finite = {name: None if value != value else value for name, value in row.items()}
        yield json.dumps(finite, ensure_ascii=False, default=str) + "\n"


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else value
