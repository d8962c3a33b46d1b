"""`hf-efficient merge`: the plain model that an adapter and its base come to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hf_efficient.cli.console import print_values
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
        print_values(_values(merged))


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


def _values(merged: Merged) -> Iterator[tuple[str, str]]:
    from hf_efficient.report.units import count, metric_label, score

    yield "Model", f"{merged.path}: loads with plain transformers"
    compared = merged.compared
    if compared is None:
        yield "Difference", f"not measured: {merged.why_not_compared}"
        return
    yield "Rows", f"{compared.rows.rows}: {count(compared.rows.num_rows)}"
    for name, value in compared.rows.metrics.items():
        yield metric_label(name), f"{score(value)} merged, {score(compared.before[name])} as trained"
    mean, largest = compared.mean_difference, compared.largest_difference
    yield "Logits", f"differ by {mean:.1e} on average, {largest:.1e} at most"
