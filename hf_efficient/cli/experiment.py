"""`hf-efficient experiment`: arms of an experiment over several seeds."""

from __future__ import annotations

from typing import Annotated

import typer

File = Annotated[
    str, typer.Argument(metavar="FILE", help="An experiment: a recipe, arms and seeds.", show_default=False)
]


def experiment(file: File) -> None:
    """Run every arm of an experiment with every seed; rows that are written already are kept."""
    from hf_efficient.errors import HfEfficientError
    from hf_efficient.experiments import load_experiment, run_experiment
    from hf_efficient.report.arms import print_arms

    loaded = load_experiment(file)
    rows = run_experiment(loaded, shown=lambda line: typer.echo(line, err=True))
    if rows:
        print_arms(rows)
    typer.echo(f"One row for each run: {loaded.results}")
    missing = len(list(loaded.cells())) - len(rows)
    if missing:
        raise HfEfficientError(f"{missing} of the runs failed, as said above; the same command tries them again.")
