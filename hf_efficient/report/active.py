"""What labels were worth: a metric against the number of labels, of several strategies over several seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console

from hf_efficient.report.comparison import print_compared, spread
from hf_efficient.report.units import NOT_MEASURED, count, decimal, metric_label

Row = Mapping[str, Any]
Curve = Sequence[tuple[int, float]]

FULL: Final = "full"
"""What stands in a row for a model on all labels of the pool."""
CONTROL: Final = "random"
SHARE_OF_FULL: Final = 0.95
_METRIC: Final = "{:.4f}".format


def curve_of(row: Row) -> Curve:
    """Number of labels and metric after each round that measured one."""
    return [(labels, metric) for labels, metric in row["curve"] if metric is not None]


def full_metric(rows: Sequence[Row]) -> float | None:
    """The metric with all labels, the mean over seeds; None where it was not measured."""
    values = _of_full(rows)
    return statistics.mean(values) if values else None


def _of_full(rows: Sequence[Row]) -> list[float]:
    return [metric for row in rows if row["strategy"] == FULL for _, metric in curve_of(row)]


def labels_to_reach(curve: Curve, goal: float, *, greater_is_better: bool = True) -> int | None:
    """The fewest labels after which the metric was as good as the goal; None where it never was."""
    reached = (labels for labels, metric in curve if (metric >= goal if greater_is_better else metric <= goal))
    return min(reached, default=None)


def strategies_of(rows: Sequence[Row]) -> list[str]:
    """The strategies that were compared, the control last."""
    names = dict.fromkeys(row["strategy"] for row in rows if row["strategy"] != FULL)
    return sorted(names, key=lambda name: name == CONTROL)


def curves_table(rows: Sequence[Row]) -> list[list[str]]:
    """A header, and of each strategy its metric on the way, and labels to reach what matters: mean ± deviation."""
    full = full_metric(rows)
    steps = _milestones(rows)
    metric = metric_label(rows[0]["metric"]) if rows else ""
    header = ["strategy", "seeds", *(f"{metric}\n{count(step)} labels" for step in steps)]
    header += [f"labels to {SHARE_OF_FULL:.0%}\nof full data's", f"labels to\n{CONTROL}'s last", "saved"]
    lines = [header]
    for strategy in strategies_of(rows):
        mine = [row for row in rows if row["strategy"] == strategy]
        at = [spread((dict(curve_of(row)).get(step) for row in mine), _METRIC) for step in steps]
        to_full = [] if full is None else [_labels_to(SHARE_OF_FULL * full, row) for row in mine]
        pairs = _labels_to_last_of_control(mine, rows)
        to_control = [labels for labels, _ in pairs]
        lines.append([strategy, str(len(mine)), *at, _reached(to_full), _reached(to_control), _saved(strategy, pairs)])
    return lines


def full_line(rows: Sequence[Row]) -> str:
    """What all labels of the pool give, in words."""
    full = full_metric(rows)
    if full is None:
        return "all labels: not measured"
    pool = next(row["pool"] for row in rows if row["strategy"] == FULL)
    name, goal = metric_label(rows[0]["metric"]), decimal(SHARE_OF_FULL * full)
    return f"all {count(pool)} labels: {name} {spread(_of_full(rows), _METRIC)}; {SHARE_OF_FULL:.0%} of it are {goal}"


def print_curves(rows: Sequence[Row], console: Console | None = None) -> None:
    """Print one line for each strategy."""
    console = console or Console()
    print_compared(curves_table(rows), console)
    console.print(full_line(rows), soft_wrap=True)


def _milestones(rows: Sequence[Row]) -> list[int]:
    """A quarter, a half and all of the labels that every loop got to."""
    loops = [curve_of(row) for row in rows if row["strategy"] != FULL]
    if not loops or not all(loops):
        return []
    last = min(curve[-1][0] for curve in loops)
    common = sorted(set.intersection(*({labels for labels, _ in curve} for curve in loops)))
    if not common:
        return []
    return sorted({min(common, key=lambda labels: abs(labels - share * last)) for share in (0.25, 0.5, 1.0)})


def _labels_to(goal: float, row: Row) -> int | None:
    return labels_to_reach(curve_of(row), goal, greater_is_better=row["greater_is_better"])


def _labels_to_last_of_control(mine: Sequence[Row], rows: Sequence[Row]) -> list[tuple[int | None, int | None]]:
    """Labels that a strategy and the control needed for the metric that the control ended with, seed by seed.

    The control, too, is counted to the first round that was as good: its metric may have stood still since.
    """
    controls = {row["seed"]: row for row in rows if row["strategy"] == CONTROL and curve_of(row)}
    pairs = []
    for row, control in ((row, controls[row["seed"]]) for row in mine if row["seed"] in controls):
        goal = curve_of(control)[-1][1]
        pairs.append((_labels_to(goal, row), _labels_to(goal, control)))
    return pairs


def _reached(labels: Sequence[int | None]) -> str:
    """Labels to reach a goal: the mean of the seeds that did, and how many did where not all of them."""
    found = [number for number in labels if number is not None]
    if not found:
        return "not reached" if labels else NOT_MEASURED
    return spread(found, count) + ("" if len(found) == len(labels) else f" ({len(found)} of {len(labels)})")


def _saved(strategy: str, pairs: Sequence[tuple[int | None, int | None]]) -> str:
    """Share of the control's labels that a strategy does without."""
    if strategy == CONTROL or not pairs:
        return "–"
    shares = [100 - 100 * labels / spent for labels, spent in pairs if labels is not None and spent is not None]
    return f"{spread(shares, count)}%" if len(shares) == len(pairs) else "none"
