"""What several commands print."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hf_efficient.training.finetune import Outcome


def say(line: str) -> None:
    """Print a line to stderr, beside what a command is asked for."""
    typer.echo(line, err=True)


def print_outcome(outcome: Outcome) -> None:
    """Print what a run was worth, and where it was pushed."""
    from hf_efficient.report import print_table

    print_table(outcome.report)
    if outcome.url is not None:
        typer.echo(f"Pushed to {outcome.url}")


def print_values(rows: Iterable[tuple[str, str]]) -> None:
    """Print labels, and the value of each beside it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(Text(label), Text(value))
    Console().print(table)
