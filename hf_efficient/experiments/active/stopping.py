"""When to stop asking for labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from hf_efficient.experiments.active.acquisition import Rows
    from hf_efficient.recipe.active import Active

ROWS_OF_AGREEMENT: Final = 2_000
"""Rows of the pool whose predictions are compared from round to round, as long as they have no label."""

WHEN_TO_STOP: Final = ("active.budget", "active.target", "active.stability", "active.stability_rounds")
"""Settings that change no choice, as long as the loop has not stopped."""


def agreement(before: Rows, now: Rows) -> float:
    """Cohen's kappa of two models' predictions; 1 where all agree (Bloodgood & Vijay-Shanker 2009)."""
    names = np.union1d(before, now)
    shares = [np.asarray([(predicted == name).mean() for name in names]) for predicted in (before, now)]
    by_chance = float(shares[0] @ shares[1])
    return 1.0 if by_chance == 1.0 else (float((before == now).mean()) - by_chance) / (1.0 - by_chance)


def reason_to_stop(
    active: Active, history: Sequence[dict[str, Any]], num_labels: int, num_left: int, *, greater_is_better: bool
) -> str | None:
    """Why no more labels are asked for, in words; None where some are.

    `history` has a record of each round with a model, the newest last: its `metric` and its `agreement`.
    """
    if num_labels >= active.budget:
        return f"all {active.budget} labels of active.budget are given"
    if num_left == 0:
        return f"the pool has run dry after {num_labels} labels, of {active.budget} in active.budget"
    if not history:
        return None
    metric = history[-1]["metric"]
    if active.target is not None and metric is not None:
        reached = metric >= active.target if greater_is_better else metric <= active.target
        if reached:
            return f"the metric is {metric:.4f}, and active.target {active.target:g}"
    newest = [record["agreement"] for record in history[-active.stability_rounds :]]
    if active.stability is None or len(newest) < active.stability_rounds or None in newest:
        return None
    mean = sum(newest) / len(newest)
    if mean < active.stability:
        return None
    return f"the predictions of {len(newest)} rounds agree by {mean:.4f}, and active.stability is {active.stability:g}"
