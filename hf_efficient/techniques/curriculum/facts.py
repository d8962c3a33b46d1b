"""What the report says of a curriculum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hf_efficient.data.difficulty import Scores, histogram
from hf_efficient.data.fed import all_as_meant
from hf_efficient.techniques.difficulty import first_epoch, scoring_facts

if TYPE_CHECKING:
    from hf_efficient.plan import Plan
    from hf_efficient.techniques.curriculum.follow import Follow

_SHOWN: Final = 5
"""Easiest and hardest rows."""
_LONGEST_TEXT: Final = 120


def facts_of(plan: Plan, follow: Follow) -> dict[str, Any]:
    """How difficult rows are, what it took to know, and which were fed when; JSON."""
    epochs = [epoch for epoch in follow.epochs if "fed" in epoch]
    return {
        **follow.section.model_dump(mode="json", exclude_none=True),
        "scores": None if follow.scores is None else _scores(follow.scores, text_of(plan)),
        **scoring_facts(follow.scored),
        "epochs": epochs,
        "fed_as_meant": all_as_meant([epoch["as_meant"] for epoch in epochs]),
    }


def _scores(scores: Scores, text: Callable[[int], str | None]) -> dict[str, Any]:
    by_score = np.argsort(scores, kind="stable")
    shown = {"easiest": by_score[:_SHOWN], "hardest": by_score[::-1][:_SHOWN]}
    rows = {
        name: [{"row": int(row), "score": float(scores[row]), "text": text(int(row))} for row in few]
        for name, few in shown.items()
    }
    return {**histogram(scores), **rows}


def text_of(plan: Plan) -> Callable[[int], str | None]:
    """What shows a row to people: its text, cut short, or the image's name; None where it has neither."""
    table, rows = plan.train_table, first_epoch(plan)
    columns = getattr(plan.task, "columns", None)
    parts = (getattr(columns, part, None) for part in ("text", "text_pair", "tokens", "prompt"))
    names = [name for name in parts if isinstance(name, str) and name in getattr(table, "column_names", ())]
    if names:
        # Rows without labels come last in an epoch, and another epoch's texts stand in their places of the table.
        return partial(_text, table, names, min(len(table), plan.num_train_rows - plan.num_unlabelled))
    if "name" in getattr(rows, "column_names", ()):  # of an image
        files: Sequence[str] = rows["name"][:]
        return lambda row: files[row]
    return lambda row: None


def _text(table: Any, names: Sequence[str], num_texts: int, row: int) -> str | None:
    if row >= num_texts:
        return None
    values = [table[row][name] for name in names]
    words = " | ".join(" ".join(value) if isinstance(value, list) else str(value) for value in values)
    return words if len(words) <= _LONGEST_TEXT else words[: _LONGEST_TEXT - 1] + "…"
