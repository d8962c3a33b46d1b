"""`hf-efficient merge`: the plain model that an adapter and its base come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hf_efficient.cli.evaluate import Run

if TYPE_CHECKING:
    from hf_efficient.training.merge import Merged


def merge(
    run: Run,
    output: Annotated[
        Path | None, typer.Option(help="Directory of the model; by default model/ in the run.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Write a run's adapter, trained on quantised weights, as a plain model, and say how its answers differ."""
    from hf_efficient.training.merge import merge_run
    from hf_efficient.training.score import load_run

    merged = merge_run(load_run(run), output or run / "model")
    if as_json:
        typer.echo(json.dumps(_facts(merged), indent=2))
    else:
        _print_table(merged)


def _facts(merged: Merged) -> dict[str, object]:
    return {
        "model": str(merged.path),
        "rows": merged.rows.rows,
        "num_rows": merged.rows.num_rows,
        "metrics": dict(merged.rows.metrics),
        "metrics_of_the_run": dict(merged.before),
        "largest_difference_of_a_logit": merged.largest_difference,
        "mean_difference_of_logits": merged.mean_difference,
    }


def _print_table(merged: Merged) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from hf_efficient.report.units import count, metric_label, score

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Model", Text(f"{merged.path}: loads with plain transformers"))
    table.add_row("Rows", Text(f"{merged.rows.rows}: {count(merged.rows.num_rows)}"))
    for name, value in merged.rows.metrics.items():
        table.add_row(metric_label(name), f"{score(value)} merged, {score(merged.before[name])} as trained")
    table.add_row(
        "Logits", f"differ by {merged.mean_difference:.1e} on average, {merged.largest_difference:.1e} at most"
    )
    Console().print(table)
