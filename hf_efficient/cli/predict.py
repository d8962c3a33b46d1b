"""`hf-efficient predict`: what a finished run's model says of rows."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hf_efficient.cli.evaluate import Run, Settings, Split
from hf_efficient.errors import HfEfficientError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa


def predict(
    run: Run,
    overrides: Settings = None,
    data: Annotated[
        str | None, typer.Option(help="Rows: file, directory, Hub name or asset.", show_default=False)
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="A text; may be given again.", show_default=False)] = None,
    split: Split = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write: .jsonl, .csv or .parquet.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Predict rows, labelled or not, in their order; without --output they go to stdout, one JSON object a line."""
    source = _source(data, text, split)
    _check_output(output, force)

    from hf_efficient.training.score import load_run, predict_run

    predicted = predict_run(load_run(run, overrides or ()), source, split)

    from accelerate import PartialState

    if not PartialState().is_main_process:
        return
    table = predicted.table.with_format("arrow")[:].replace_schema_metadata(None)
    for note in predicted.notes:
        typer.echo(f"note: {note}", err=True)
    if output is None:
        _print_rows(table)
    else:
        _write_whole(output, table)
        typer.echo(f"Wrote {table.num_rows:,} predictions to {output}")


def _source(data: str | None, text: list[str] | None, split: str | None) -> str | list[str]:
    if (data is None) == (not text):
        raise typer.BadParameter("give either --data or --text")
    if data is not None:
        return data
    if split is not None:
        raise typer.BadParameter("--split is one of --data's, it has no effect on --text")
    return text or []


def _check_output(output: Path | None, force: bool) -> None:
    """Refuse a file that can't be meant before anything is computed."""
    if output is None:
        if force:
            raise typer.BadParameter("--force has no effect without --output")
        return
    if output.suffix not in WRITERS:
        raise typer.BadParameter(
            f"--output {output}: expected a file ending in {', '.join(WRITERS)}.{did_you_mean(output.suffix, WRITERS)}"
        )
    if output.exists() and not (force and output.is_file()):
        raise HfEfficientError(f"{output} exists; name another file with --output, or overwrite it with --force.")


def _print_rows(table: pa.Table) -> None:
    try:
        for line in _lines(table):
            sys.stdout.write(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has had enough; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_whole(path: Path, table: pa.Table) -> None:
    """Write a file so that it is either whole or as it was before.

    Raises HfEfficientError if it can't be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            WRITERS[path.suffix](table, partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise HfEfficientError(
            f"{path}: can't be written: {error.strerror or error}; name another file with --output."
        ) from error


def _write_jsonl(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_lines(table))


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
"""Ending of a file of predictions → what writes it."""


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=1_000):
        for row in batch.to_pylist():
            yield {name: _without_bytes(value) for name, value in row.items()}


def _without_bytes(value: Any) -> Any:
    """An image's path, or None where it is bytes alone: text can't hold them."""
    return value["path"] if isinstance(value, dict) and value.keys() == {"bytes", "path"} else value


def _lines(table: pa.Table) -> Iterator[str]:
    for row in _rows(table):
        # JSON has no NaN; dates, bytes and the like become text.
        finite = {name: None if value != value else value for name, value in row.items()}
        yield json.dumps(finite, ensure_ascii=False, default=str) + "\n"


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else value
