"""`hf-efficient active`: which rows are worth a label, round by round."""

from __future__ import annotations

import typer

from hf_efficient.cli.validate import Name, Settings


def active(recipe: Name, overrides: Settings = None) -> None:
    """Choose rows to label, have them labelled, train, and again; the same command goes on where it ended."""
    from hf_efficient.recipe import Recipe

    words = Recipe.load(recipe, overrides or ())

    from hf_efficient.experiments.active.run import run_active
    from hf_efficient.report import print_table

    ended = run_active(words, shown=lambda line: typer.echo(line, err=True))
    if ended.outcome is not None:
        print_table(ended.outcome.report)
