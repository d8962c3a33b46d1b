"""`hf-efficient active`: which rows are worth a label, round by round."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hf_efficient.cli.validate import Name, Settings

if TYPE_CHECKING:
    from hf_efficient.experiments.active.run import ActiveOutcome


def active(
    recipe: Name,
    overrides: Settings = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels to take first: csv, jsonl, or Label Studio's export.", show_default=False),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the file of rows to label is filled in.")] = False,
) -> None:
    """Choose rows to label, have them labelled, train, and again; the same command goes on where it ended."""
    from hf_efficient.recipe import Recipe

    words = Recipe.load(recipe, overrides or ())

    from hf_efficient.experiments.active.run import run_active
    from hf_efficient.report import print_table

    ended = run_active(words, labels=labels, wait=wait, shown=lambda line: typer.echo(line, err=True))
    if ended.pending:
        typer.echo(_how_to_go_on(ended, ["hf-efficient", "active", recipe, *(overrides or ())]))
    elif ended.outcome is not None:
        print_table(ended.outcome.report)


def _how_to_go_on(ended: ActiveOutcome, arguments: list[str]) -> str:
    file, command = sorted(ended.directory.path.glob("to_label-*"))[-1], shlex.join(arguments)
    waiting = f"{len(ended.pending)} rows wait for labels"
    if file.suffix == ".json":
        return f"{waiting}: import {file} into Label Studio, then run `{command} --labels EXPORT.json`"
    return f"{waiting}: fill in {file}, then run `{command}`"
