"""The table of an experiment: each arm's mean over its seeds, and their spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from rich.console import Console

from hf_efficient.report.comparison import average, print_compared, spread
from hf_efficient.report.summary import SPLITS, headline_names, scored_splits
from hf_efficient.report.units import count, decimal, duration, metric_label, size

Row = Mapping[str, Any]
Metric = tuple[str, str]
"""A split, and the name of a metric."""
Column = tuple[str, Callable[[Sequence[Row]], str]]
"""What stands above a column, and what stands in it for the rows of one arm."""

_DIFFERENCE: Final = "{:+.4f}".format


def print_arms(rows: Sequence[Row], console: Console | None = None, *, control: str | None = None) -> None:
    """Print one line for each arm."""
    lines = arms_table(rows, control)
    print_compared(lines, console or Console(), num_names=lines[0].index("arm") + 1)


def arms_table(rows: Sequence[Row], control: str | None = None) -> list[list[str]]:
    """A header, and of each arm its seeds, metrics, time, memory and parameters: the mean ± standard deviation.

    With the name of a control there is the difference from it in the `compared_metric`, too, taken seed by seed; with
    conditions, the arms of each; where difficulties of rows were found on disk, what they have cost.
    """
    columns = [*_names(rows), *_scores(rows, control), *_costs(rows)]
    arms: dict[tuple[str | None, str], list[Row]] = {}
    for row in rows:
        arms.setdefault((row["condition"], row["arm"]), []).append(row)
    return [[title for title, _ in columns], *([cell(arm) for _, cell in columns] for arm in arms.values())]


def compared_metric(rows: Sequence[Row]) -> Metric | None:
    """What arms are measured against one another in: the first metric of the split held out, which is the last scored.

    None where no row is scored.
    """
    metrics = _metrics(rows)
    held_out = max((split for split, _ in metrics), key=SPLITS.index, default=None)
    return next((metric for metric in metrics if metric[0] == held_out), None)


def _names(rows: Sequence[Row]) -> Iterator[Column]:
    if any(row["condition"] for row in rows):
        yield "condition", lambda arm: str(arm[0]["condition"])
    yield "arm", lambda arm: str(arm[0]["arm"])
    yield "seeds", lambda arm: str(len(arm))


def _scores(rows: Sequence[Row], control: str | None) -> Iterator[Column]:
    metrics = _metrics(rows)
    for split, name in metrics:
        yield f"{metric_label(name)}\n{split}", partial(_score, metric=(split, name))
    if control is not None and (metric := compared_metric(rows)) is not None:
        controls = [row for row in rows if row["arm"] == control]
        with_split = len({split for split, _ in metrics}) > 1
        title = f"against {control}\n{metric[0]}" if with_split else f"against\n{control}"
        yield title, partial(_against, controls=controls, metric=metric)


def _metrics(rows: Sequence[Row]) -> list[Metric]:
    """The metrics that any row has, the loss aside."""
    named = ((split, name) for row in rows for split in scored_splits(row) for name in headline_names(row))
    return list(dict.fromkeys(metric for metric in named if metric[1] != "loss"))


def _value(row: Row, metric: Metric) -> float | None:
    split, name = metric
    value: float | None = row["metrics"].get(split, {}).get(name)
    return value


def _score(arm: Sequence[Row], metric: Metric) -> str:
    return spread((_value(row, metric) for row in arm), decimal)


def _against(arm: Sequence[Row], controls: Sequence[Row], metric: Metric) -> str:
    """What each row has above the control's with its seed and condition; empty for the control itself."""
    if arm[0] in controls:
        return ""
    of_seed = {row["seed"]: _value(row, metric) for row in controls if row["condition"] == arm[0]["condition"]}
    pairs = [(_value(row, metric), of_seed.get(row["seed"])) for row in arm]
    return spread((mine - its for mine, its in pairs if mine is not None and its is not None), _DIFFERENCE)


def _costs(rows: Sequence[Row]) -> Iterator[Column]:
    yield "CPU time", lambda arm: average((row["training"]["cpu_seconds"] for row in arm), duration)
    if any(_found_scores(row) is not None for row in rows):
        yield "of earlier runs,\nfor scores", _of_earlier_runs
    yield "peak\nmemory", lambda arm: average((row["peak_memory_bytes"] for row in arm), size)
    yield "trained", lambda arm: average((row["model"]["trainable_parameters"] for row in arm), count)
    yield "stored", lambda arm: average((_stored_bytes(row) for row in arm), size)


def _found_scores(row: Row) -> float | None:
    seconds: float | None = row["training"].get("found_scores_cpu_seconds")
    return seconds


def _of_earlier_runs(arm: Sequence[Row]) -> str:
    """What earlier runs spent for an arm, the mean over all its seeds; empty if it found nothing."""
    found = [_found_scores(row) for row in arm]
    return "" if found == [None] * len(found) else duration(statistics.mean(seconds or 0.0 for seconds in found))


def _stored_bytes(row: Row) -> int:
    """What must be stored beside the base model: the adapter if there is one, else the whole model."""
    sizes = row["stored_bytes"]
    return int(sizes["adapter"] or sizes["model"])
