"""`hf-efficient predict`: what a finished run's model says of rows."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hf_efficient.cli.console import say
from hf_efficient.cli.evaluate import Run, Settings, Split
from hf_efficient.cli.output import Force, Output, check_output, lines, write_rows

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
    output: Output = None,
    force: Force = False,
) -> None:
    """Predict rows, labelled or not, in their order; without --output they go to stdout, one JSON object a line."""
    source = _source(data, text, split)
    check_output(output, force)

    from hf_efficient.training.score import load_run, predict_run

    predicted = predict_run(load_run(run, overrides or ()), source, split)

    from accelerate import PartialState

    if not PartialState().is_main_process:
        return
    table = predicted.table.with_format("arrow")[:].replace_schema_metadata(None)
    for note in predicted.notes:
        say(f"note: {note}")
    if output is None:
        _print_rows(table)
    else:
        write_rows(output, table)
        typer.echo(f"Wrote {table.num_rows:,} predictions to {output}")


def _source(data: str | None, text: list[str] | None, split: str | None) -> str | list[str]:
    if (data is None) == (not text):
        raise typer.BadParameter("give either --data or --text")
    if data is not None:
        return data
    if split is not None:
        raise typer.BadParameter("--split is one of --data's, it has no effect on --text")
    return text or []


def _print_rows(table: pa.Table) -> None:
    try:
        for line in lines(table):
            sys.stdout.write(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has had enough; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
