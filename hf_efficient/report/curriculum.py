"""What report.md says of a curriculum and of pruning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from hf_efficient.report.markup import table
from hf_efficient.report.units import count, duration

_WIDEST_BAR = 30


def curriculum_markdown(report: Mapping[str, Any]) -> str:
    """Which rows came when, how difficult they are, and whether they came as they were meant to; else empty."""
    facts = report.get("techniques", {}).get("curriculum")
    if facts is None:
        return ""
    epochs = [
        [
            str(epoch["epoch"]),
            *map(_shares, epoch["available"]),
            count(epoch["different_rows"]),
            _known(epoch["as_meant"]),
        ]
        for epoch in facts["epochs"]
    ]
    header = ["Epoch", "Available at first", "at last", "Different rows", "Fed as meant"]
    parts = [f"Rows by {facts['by']}, {facts['order'].replace('_', ' ')}, pace {facts['pace']}.{_cost(facts)}"]
    parts.append(table(header, epochs))
    parts += _difficulty(facts["scores"])
    return "\n\n".join(parts)


def prune_markdown(report: Mapping[str, Any]) -> str:
    """How many rows were kept, and how difficult all of them are; else empty."""
    facts = report.get("techniques", {}).get("prune")
    if facts is None:
        return ""
    kept = f"{count(facts['kept_rows'])} of {count(facts['rows'])} training rows were kept"
    which = "at random" if facts["which"] == "random" else f"the {facts['which']} by {facts['by']}"
    return "\n\n".join([f"{kept}, {which}.{_cost(facts)}", *_difficulty(facts["scores"])])


def _shares(available: Sequence[float]) -> str:
    low, high = available
    return f"{high:.0%}" if low == 0 else f"{low:.0%} to {high:.0%}"


def _known(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "not known"}[value]


def _cost(facts: Mapping[str, Any]) -> str:
    if facts["scoring_seconds"] is None:
        return ""
    spent = f"{duration(facts['scoring_seconds'])} ({duration(facts['scoring_cpu_seconds'])} of CPU)"
    return f" Scoring them took {spent}{', in an earlier run' if facts['scores_found'] else ''}."


def _difficulty(scores: Mapping[str, Any] | None) -> list[str]:
    if scores is None:
        return []
    parts = [histogram(scores["counts"], scores["edges"])]
    for name in ("easiest", "hardest"):
        rows = [[f"{row['score']:.4g}", str(row["row"]), row["text"] or "–"] for row in scores.get(name, ())]
        parts += [f"The {name} rows:", table(["Score", "Row", "Text"], rows)] if rows else []
    return parts


def histogram(counts: Sequence[int], edges: Sequence[float]) -> str:
    """Bars of text, one line for each bin."""
    longest = max(counts)
    bins = zip(pairwise(edges), counts, strict=True)
    lines = [
        f"{low:>10.4g} to {high:<10.4g} {'█' * round(_WIDEST_BAR * number / longest)} {count(number)}"
        for (low, high), number in bins
    ]
    return "\n".join(["```", *lines, "```"])
