"""The rows that the terminal's table, report.md and the model card share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hf_efficient.report.units import NOT_MEASURED, count, decimal, duration, metric_label, score, size

Rows = list[tuple[str, str]]

_PREFERRED = ("accuracy", "f1_macro")
SPLITS = ("validation", "test")
"""Those that are scored; the last one says what a model is worth on rows that decided nothing."""
_MEMORY = {"process": "of the process", "cuda": "on the GPU"}


def scored_splits(report: Mapping[str, Any]) -> list[str]:
    """The splits that have metrics, validation before test."""
    return [split for split in SPLITS if report["metrics"].get(split)]


def metric_names(report: Mapping[str, Any]) -> list[str]:
    """Every metric of any split in its order, the loss last."""
    names = dict.fromkeys(name for split in scored_splits(report) for name in report["metrics"][split])
    return [name for name in names if name != "loss"] + [name for name in names if name == "loss"]


def headline_names(report: Mapping[str, Any]) -> list[str]:
    """The metrics for one screen: accuracy and macro F1 where the task has them, else its first two; and the loss."""
    names = metric_names(report)
    scores = [name for name in names if name != "loss"]
    chosen = [name for name in _PREFERRED if name in scores] or scores[:2]
    return chosen + [name for name in names if name == "loss"]


def score_rows(report: Mapping[str, Any]) -> Rows:
    """The headline metrics on every split that has them."""
    return [(metric_label(name), _on_splits(report, name)) for name in headline_names(report)]


def cost_rows(report: Mapping[str, Any]) -> Rows:
    """Time, throughput, memory and parameters."""
    training, model = report["training"], report["model"]
    return [
        ("Time", _time(training)),
        ("Throughput", _with_unit(training["rows_per_second"], "rows/s")),
        ("Peak memory", _memory(report)),
        ("Parameters", _parameters(model["parameters"], model["trainable_parameters"])),
    ]


def origin_rows(report: Mapping[str, Any]) -> Rows:
    """Which model, which adapter if there is one, and which data."""
    model, adapter = report["model"], report.get("adapter")
    rows = [("Model", f"{model['name']} ({model['class']})"), ("Data", f"{data_name(report)}: {row_counts(report)}")]
    if adapter is not None:
        merged = "merged into model/, alone in adapter/" if adapter["merged"] else "in adapter/, loaded on base/"
        rows.insert(1, ("Adapter", f"{adapter['method']}, {merged}"))
    return rows


def data_name(report: Mapping[str, Any]) -> str:
    """The data set's name."""
    return report["data"]["name"] or "local files"


def row_counts(report: Mapping[str, Any]) -> str:
    """`8,000 train, 2,000 validation`; of rows that nobody has counted `streamed train`."""
    numbers = report["data"]["rows"].items()
    return ", ".join(f"{'streamed' if number is None else count(number)} {split}" for split, number in numbers)


def _on_splits(report: Mapping[str, Any], name: str) -> str:
    measured = {split: report["metrics"][split] for split in scored_splits(report)}
    return ", ".join(f"{score(metrics[name])} {split}" for split, metrics in measured.items() if name in metrics)


def _time(training: Mapping[str, Any]) -> str:
    elapsed = duration(training["seconds"])
    if training["cpu_seconds"] is None:
        return elapsed
    found = training.get("found_scores_cpu_seconds")
    more = "" if found is None else f"; {duration(found)} more in an earlier run, for the difficulty of rows"
    return f"{elapsed} ({duration(training['cpu_seconds'])} of CPU{more})"


def _with_unit(number: float | None, unit: str) -> str:
    return NOT_MEASURED if number is None else f"{decimal(number)} {unit}"


def _memory(report: Mapping[str, Any]) -> str:
    peak = report["peak_memory_bytes"]
    kind = report["peak_memory_kind"]
    return NOT_MEASURED if peak is None else f"{size(peak)} {_MEMORY.get(kind, kind)}"


def _parameters(total: int, trainable: int) -> str:
    if trainable == total:
        return f"{count(total)}, all trained"
    return f"{count(trainable)} trained of {count(total)} ({100 * trainable / total:.3g} %)"
