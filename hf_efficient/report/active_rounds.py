"""What one loop of active learning chose in each round, and why, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hf_efficient.report.markup import table
from hf_efficient.report.units import NOT_MEASURED, count, decimal, duration, metric_label

Record = Mapping[str, Any]

SEED_SET: Final = "seed_set"
"""By what a round without a model has chosen its rows."""
_FEW = 5
"""Rows of a round that are shown; all of them are in rounds.jsonl."""
_LONG = 100


def rounds_markdown(
    rounds: Sequence[Record],
    labels: Mapping[int, str],
    metric: str,
    text_of: Callable[[Sequence[int]], Sequence[str]],
) -> str:
    """The report of a loop: the metric after each round, the labels of each class, and rows that were chosen.

    Args:
        rounds: their records.
        labels: class of each labelled row.
        metric: which one the records' `metric` is.
        text_of: what rows look like.
    """
    header = ["round", "labels", metric_label(metric), "agreement with the round before", "chosen", "time"]
    lines = [
        [
            str(record["round"]),
            count(record["labels"]),
            decimal(record["metric"]),
            NOT_MEASURED if record["agreement"] is None else f"{record['agreement']:.4f}",
            str(len(record["chosen"])),
            duration(record["seconds"]),
        ]
        for record in rounds
    ]
    classes = ", ".join(f"{name} {number}" for name, number in sorted(Counter(labels.values()).items()))
    parts = ["# Rounds", table(header, lines), f"Labels: {len(labels)} ({classes or 'none yet'})."]
    if rounds and rounds[-1]["stopped"]:
        parts.append(f"It ended because {rounds[-1]['stopped']}.")
    parts += [_chosen(record, labels, text_of) for record in rounds if record["chosen"]]
    return "\n\n".join(parts) + "\n"


def _chosen(record: Record, labels: Mapping[int, str], text_of: Callable[[Sequence[int]], Sequence[str]]) -> str:
    """The first rows of a round, its strategy's favourites."""
    first = record["chosen"][:_FEW]
    texts = text_of([row["id"] for row in first])
    lines = [
        [
            str(row["id"]),
            decimal(row["score"]) if "score" in row else "–",
            f"{row['predicted']} ({row['p']:.2f})" if "predicted" in row else "–",
            labels.get(row["id"], "–"),
            text[:_LONG],
        ]
        for row, text in zip(first, texts, strict=True)
    ]
    how = "before there was a model" if record["by"] == SEED_SET else f"by {record['by']}"
    return f"## Round {record['round']}: {len(record['chosen'])} rows chosen {how}\n\n" + table(
        ["row", "score", "predicted", "label", "text"], lines
    )
