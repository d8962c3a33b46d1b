"""`hf-efficient evaluate`: what a finished run's model is worth on labelled rows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hf_efficient.cli.console import print_values

if TYPE_CHECKING:
    from hf_efficient.training.score import Evaluation

Run = Annotated[Path, typer.Argument(help="Directory of a finished run.", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Settings, e.g. data.columns.text=sentence.", show_default=False),
]
Split = Annotated[str | None, typer.Option(help="Split of the rows.", show_default=False)]


def evaluate(
    run: Run,
    overrides: Settings = None,
    data: Annotated[
        str | None,
        typer.Option(help="Labelled rows: file, directory, Hub name or asset; else the recipe's.", show_default=False),
    ] = None,
    split: Split = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Score a run's model on labelled rows: the recipe's test rows, or validation rows, unless --data names others."""
    from hf_efficient.training.score import evaluate_run, load_run

    scored = evaluate_run(load_run(run, overrides or ()), data, split)

    from accelerate import PartialState

    if not PartialState().is_main_process:
        return
    if as_json:
        typer.echo(json.dumps(_facts(run, scored), indent=2, ensure_ascii=False))
    else:
        print_values(_values(run, scored))


def _facts(run: Path, scored: Evaluation) -> dict[str, object]:
    metrics = {name: value if value is None or math.isfinite(value) else None for name, value in scored.metrics.items()}
    return {
        "run": str(run),
        "rows": scored.rows,
        "num_rows": scored.num_rows,
        "metrics": metrics,
        "notes": list(scored.notes),
    }


def _values(run: Path, scored: Evaluation) -> Iterator[tuple[str, str]]:
    from hf_efficient.report.units import count, metric_label, score

    yield "Run", str(run)
    yield "Rows", f"{scored.rows}: {count(scored.num_rows)}"
    for name, value in scored.metrics.items():
        yield metric_label(name), score(value)
    for note in scored.notes:
        yield "Note", note
