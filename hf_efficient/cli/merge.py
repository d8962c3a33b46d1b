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
    compared = merged.compared
    if compared is None:
        return {"model": str(merged.path), "not_compared": merged.why_not_compared}
    return {
        "model": str(merged.path),
        "rows": compared.rows.rows,
        "num_rows": compared.rows.num_rows,
        "metrics": dict(compared.rows.metrics),
        "metrics_of_the_run": dict(compared.before),
        "largest_difference_of_a_logit": compared.largest_difference,
        "mean_difference_of_logits": compared.mean_difference,
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
    compared = merged.compared
    if compared is None:
        table.add_row("Difference", Text(f"not measured: {merged.why_not_compared}"))
        Console().print(table)
        return
    table.add_row("Rows", Text(f"{compared.rows.rows}: {count(compared.rows.num_rows)}"))
    for name, value in compared.rows.metrics.items():
        table.add_row(metric_label(name), f"{score(value)} merged, {score(compared.before[name])} as trained")
    table.add_row(
        "Logits", f"differ by {compared.mean_difference:.1e} on average, {compared.largest_difference:.1e} at most"
    )
    Console().print(table)
