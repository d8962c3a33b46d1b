"""The table of an experiment: each arm's mean over its seeds, and their spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from hf_efficient.report.summary import headline_names, scored_splits
from hf_efficient.report.units import NOT_MEASURED, count, decimal, duration, metric_label, size

Row = Mapping[str, Any]


def print_arms(rows: Sequence[Row], console: Console | None = None) -> None:
    """Print one line for each arm."""
    console = console or Console()
    table = Table(box=box.HORIZONTALS if console.is_terminal else None, pad_edge=False)
    header, *lines = arms_table(rows)
    for number, title in enumerate(header):
        table.add_column(title, justify="left" if number == 0 else "right", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    console.print(table)


def arms_table(rows: Sequence[Row]) -> list[list[str]]:
    """A header, and of each arm its seeds, metrics, time, memory and parameters: the mean ± standard deviation."""
    metrics = list(dict.fromkeys((split, name) for row in rows for split in scored_splits(row) for name in _named(row)))
    header = ["arm", "seeds", *(f"{metric_label(name)}\n{split}" for split, name in metrics)]
    lines = [[*header, "CPU time", "peak\nmemory", "trained", "stored"]]
    for arm in dict.fromkeys(row["arm"] for row in rows):
        of_arm = [row for row in rows if row["arm"] == arm]
        scores = [
            _spread((row["metrics"].get(split, {}).get(name) for row in of_arm), decimal) for split, name in metrics
        ]
        cost = [
            _spread((row["training"]["cpu_seconds"] for row in of_arm), duration, with_deviation=False),
            _spread((row["peak_memory_bytes"] for row in of_arm), size, with_deviation=False),
            _spread((row["model"]["trainable_parameters"] for row in of_arm), count, with_deviation=False),
            _spread((stored_bytes(row) for row in of_arm), size, with_deviation=False),
        ]
        lines.append([arm, str(len(of_arm)), *scores, *cost])
    return lines


def stored_bytes(row: Row) -> int:
    """What must be stored beside the base model: the adapter if there is one, else the whole model."""
    sizes = row["stored_bytes"]
    return int(sizes["adapter"] or sizes["model"])


def _named(row: Row) -> list[str]:
    return [name for name in headline_names(row) if name != "loss"]


def _spread(
    values: Iterable[float | None], shown: Callable[[float | None], str], *, with_deviation: bool = True
) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return NOT_MEASURED
    mean = shown(statistics.mean(found))
    return f"{mean} ± {shown(statistics.stdev(found))}" if with_deviation and len(found) > 1 else mean
