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


def print_arms(rows: Sequence[Row], console: Console | None = None, *, control: str | None = None) -> None:
    """Print one line for each arm."""
    console = console or Console()
    table = Table(box=box.HORIZONTALS if console.is_terminal else None, pad_edge=False)
    header, *lines = arms_table(rows, control)
    names = header.index("arm")
    for number, title in enumerate(header):
        table.add_column(title, justify="left" if number <= names else "right", no_wrap=number <= names)
    for line in lines:
        table.add_row(*line)
    console.print(table)


def arms_table(rows: Sequence[Row], control: str | None = None) -> list[list[str]]:
    """A header, and of each arm its seeds, metrics, time, memory and parameters: the mean ± standard deviation.

    With the name of a control there is the difference from it in the first metric, too, taken seed by seed; with
    conditions, the arms of each; where difficulties of rows were found on disk, what they have cost.
    """
    metrics = list(dict.fromkeys((split, name) for row in rows for split in scored_splits(row) for name in _named(row)))
    header = ["arm", "seeds", *(f"{metric_label(name)}\n{split}" for split, name in metrics)]
    if control is not None:
        header.append(f"against\n{control}")
    with_found = any(_found_scores(row) is not None for row in rows)
    header += ["CPU time", *(["of earlier runs,\nfor scores"] if with_found else [])]
    lines = [[*header, "peak\nmemory", "trained", "stored"]]
    with_conditions = any(row["condition"] for row in rows)
    if with_conditions:
        lines[0].insert(0, "condition")
    for condition, arm in dict.fromkeys((row["condition"], row["arm"]) for row in rows):
        of_condition = [row for row in rows if row["condition"] == condition]
        of_arm = [row for row in of_condition if row["arm"] == arm]
        scores = [
            _spread((row["metrics"].get(split, {}).get(name) for row in of_arm), decimal) for split, name in metrics
        ]
        cost = [
            _spread((row["training"]["cpu_seconds"] for row in of_arm), duration, with_deviation=False),
            *([_of_earlier_runs(of_arm)] if with_found else []),
            _spread((row["peak_memory_bytes"] for row in of_arm), size, with_deviation=False),
            _spread((row["model"]["trainable_parameters"] for row in of_arm), count, with_deviation=False),
            _spread((stored_bytes(row) for row in of_arm), size, with_deviation=False),
        ]
        if control is not None:
            scores.append("" if arm == control else _against(of_arm, of_condition, control, metrics[0]))
        lines.append([*([str(condition)] if with_conditions else []), arm, str(len(of_arm)), *scores, *cost])
    return lines


def differences(rows: Iterable[Row], others: Iterable[Row], split: str, metric: str) -> list[float]:
    """What each row's metric has above that of the other row with its seed, where both have one."""
    of_seed = {row["seed"]: row["metrics"].get(split, {}).get(metric) for row in others}
    pairs = [(row["metrics"].get(split, {}).get(metric), of_seed.get(row["seed"])) for row in rows]
    return [mine - its for mine, its in pairs if mine is not None and its is not None]


def _against(rows: list[Row], of_condition: list[Row], control: str, metric: tuple[str, str]) -> str:
    controls = [row for row in of_condition if row["arm"] == control]
    return _spread(differences(rows, controls, *metric), _signed)


def _signed(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:+.4f}"


def _found_scores(row: Row) -> float | None:
    seconds: float | None = row["training"].get("found_scores_cpu_seconds")
    return seconds


def _of_earlier_runs(rows: Iterable[Row]) -> str:
    """What earlier runs spent for an arm, the mean over all its seeds; empty if it found nothing."""
    found = [_found_scores(row) for row in rows]
    return "" if found == [None] * len(found) else duration(statistics.mean(seconds or 0.0 for seconds in found))


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
    return f"{mean} ± {shown(statistics.stdev(found)).removeprefix('+')}" if with_deviation and len(found) > 1 else mean
