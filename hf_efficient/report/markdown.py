"""report.md: what came out of a run, how it went, and how it was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hf_efficient.report.curriculum import curriculum_markdown, prune_markdown
from hf_efficient.report.markup import key_values, one_line, table
from hf_efficient.report.summary import Rows, cost_rows, metric_names, origin_rows, scored_splits
from hf_efficient.report.units import NOT_MEASURED, count, decimal, metric_label, score

MAX_HISTORY_ROWS = 20

_EMPTY = "–"


def report_markdown(report: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    """The text of report.md; `history` holds the Trainer's log entries (`step`, `epoch`, `loss`, `eval_…`)."""
    sections = {
        f"Report of {report['output_dir']}": key_values(origin_rows(report)),
        "Results": results_table(report),
        "Cost": key_values(cost_rows(report)),
        "Curriculum": curriculum_markdown(report),
        "Pruning": prune_markdown(report),
        "History": _history(history),
        "How it was run": key_values(settings_rows(report)),
        "Notes": "\n".join(f"- {one_line(note)}" for note in report["notes"]),
        "Versions": key_values((name, str(version)) for name, version in report["versions"].items()),
    }
    title, *others = ((name, body) for name, body in sections.items() if body)
    return "\n\n".join([f"# {title[0]}", title[1], *(f"## {name}\n\n{body}" for name, body in others)]) + "\n"


def results_table(report: Mapping[str, Any]) -> str:
    """Every metric on every scored split, as a Markdown table; a sentence where nothing was scored."""
    splits = scored_splits(report)
    if not splits:
        return "Nothing was scored."
    metrics = report["metrics"]
    rows = [
        [metric_label(name), *(score(metrics[split][name]) if name in metrics[split] else _EMPTY for split in splits)]
        for name in metric_names(report)
    ]
    return table(["Metric", *splits], rows)


def settings_rows(report: Mapping[str, Any]) -> Rows:
    """How the model was trained: rate, batch, steps, precision and machine."""
    training, launch, precision = report["training"], report["launch"], report["precision"]
    rows = [
        ("Learning rate", _plain(training["learning_rate"])),
        ("Effective batch size", _plain(training["effective_batch_size"])),
        ("Optimizer steps", count(training["steps"])),
        ("Epochs", _plain(training["epochs"])),
        ("Training loss, mean", decimal(training["train_loss"])),
        ("Best step", None if training["best_step"] is None else count(training["best_step"])),
        ("Resumed from step", None if training["resumed_from_step"] is None else count(training["resumed_from_step"])),
        ("Stopped early", "yes" if training["stopped_early"] else None),
        ("Precision", f"{precision['name']} ({precision['reason']})" if precision["reason"] else precision["name"]),
        ("Processes", f"{launch['world_size']} on {launch['device']}"),
        ("Machines", str(launch["machines"]) if launch["machines"] > 1 else None),
        ("Backend", launch["backend"]),
        ("Sharding", launch["sharding"]),
        ("Recipe digest", report["recipe_digest"]),
    ]
    return [(label, value) for label, value in rows if value is not None]


def _history(history: Sequence[Mapping[str, Any]]) -> str:
    """The losses and evaluations by step, thinned to `MAX_HISTORY_ROWS`."""
    steps = _by_step(history)
    if not steps:
        return ""
    columns = _columns(steps)
    shown = _thinned(steps)
    rows = [[count(row["step"]), *(_logged(row, column) for column in columns)] for row in shown]
    text = table(["Step", *(_column_label(column) for column in columns)], rows)
    if len(shown) < len(steps):
        text += f"\n\n{len(shown)} of {count(len(steps))} rows; log.jsonl has all."
    return text


def _by_step(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a step: what was logged of training and of evaluation there."""
    steps: dict[int, dict[str, Any]] = {}
    for entry in history:
        if "loss" in entry or _has_evaluation(entry):
            steps.setdefault(entry["step"], {}).update(entry)
    return [steps[step] for step in sorted(steps)]


def _columns(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Epoch, losses, learning rate and the first metrics, of those that were logged at all."""
    logged = dict.fromkeys(name for row in steps for name in row)
    timing = ("runtime", "per_second")
    metrics = [
        name for name in logged if name.startswith("eval_") and not name.endswith(timing) and name != "eval_loss"
    ]
    wanted = ("epoch", "loss", "eval_loss", *metrics[:2], "learning_rate")
    return [name for name in wanted if name in logged]


def _thinned(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most `MAX_HISTORY_ROWS` rows, evaluations before others, evenly spread."""
    kept = _evenly([row for row in steps if _has_evaluation(row)], MAX_HISTORY_ROWS)
    kept += _evenly([row for row in steps if not _has_evaluation(row)], MAX_HISTORY_ROWS - len(kept))
    return sorted(kept, key=lambda row: row["step"])


def _has_evaluation(entry: Mapping[str, Any]) -> bool:
    return any(name.startswith("eval_") for name in entry)


def _evenly(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """At most `most` of the rows, evenly spread, the last one among them."""
    if len(rows) <= most:
        return rows
    return [rows[(i + 1) * len(rows) // most - 1] for i in range(most)]


def _column_label(name: str) -> str:
    if name == "loss":
        return "Loss, training"
    if name.startswith("eval_"):
        return f"{metric_label(name.removeprefix('eval_'))}, validation"
    return metric_label(name)


def _logged(row: Mapping[str, Any], column: str) -> str:
    if column not in row:
        return _EMPTY
    return _plain(row[column]) if column in ("epoch", "learning_rate") else score(row[column])


def _plain(number: float | None) -> str:
    """A setting as it was written: `0.0001`, `16`, `1.5`."""
    return NOT_MEASURED if number is None else f"{number:.4g}"
