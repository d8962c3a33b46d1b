"""What tables that compare runs share: means over seeds with their spread, and how they are printed."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable, Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from hf_efficient.report.units import NOT_MEASURED

Shown = Callable[[float], str]
"""A number as people read it."""


def average(values: Iterable[float | None], shown: Shown) -> str:
    """The mean of the values that were measured."""
    found = [value for value in values if value is not None]
    return shown(statistics.mean(found)) if found else NOT_MEASURED


def spread(values: Iterable[float | None], shown: Shown) -> str:
    """The mean of the values that were measured ± their standard deviation, where there are several."""
    found = [value for value in values if value is not None]
    mean = average(found, shown)
    return f"{mean} ± {shown(statistics.stdev(found)).removeprefix('+')}" if len(found) > 1 else mean


def print_compared(lines: Sequence[Sequence[str]], console: Console, *, num_names: int = 1) -> None:
    """Print a header and its lines, of which the first cells are names and the others numbers.

    The table is as wide as it has to be: a terminal that is narrower breaks its lines, and no number is cut short.
    """
    header, *others = lines
    table = Table(box=box.HORIZONTALS if console.is_terminal else None, pad_edge=False)
    for number, title in enumerate(header):
        table.add_column(title, justify="left" if number < num_names else "right")
    for line in others:
        table.add_row(*line)
    table.width = Measurement.get(console, console.options.update(max_width=sys.maxsize), table).maximum
    console.print(table, crop=False)
