"""The figure of an active learning: the metric against the number of labels."""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hf_efficient.report.active import CONTROL, SHARE_OF_FULL, Row, curve_of, full_metric, strategies_of
from hf_efficient.report.units import metric_label


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def draw_curves(rows: Sequence[Row], path: Path) -> None:
    """Draw each strategy's mean over its seeds, the range of the seeds around it, and what all labels give."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.subplots()
    for strategy in strategies_of(rows):
        curves = [dict(curve_of(row)) for row in rows if row["strategy"] == strategy]
        steps = sorted(set.intersection(*(set(curve) for curve in curves))) if curves else []
        values = [[curve[step] for curve in curves] for step in steps]
        style: dict[str, Any] = {"color": "gray", "linestyle": "--"} if strategy == CONTROL else {}
        (line,) = axes.plot(steps, [statistics.mean(some) for some in values], label=strategy, **style)
        axes.fill_between(
            steps, [min(some) for some in values], [max(some) for some in values], alpha=0.15, color=line.get_color()
        )
    if (full := full_metric(rows)) is not None:
        axes.axhline(full, color="black", linewidth=0.8, label="all labels")
        axes.axhline(
            SHARE_OF_FULL * full, color="black", linewidth=0.8, linestyle=":", label=f"{SHARE_OF_FULL:.0%} of it"
        )
    axes.set_xlabel("labels")
    axes.set_ylabel(metric_label(rows[0]["metric"]))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
