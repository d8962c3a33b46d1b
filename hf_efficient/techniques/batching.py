"""Batches of rows of similar length."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_efficient.data.batches import Batches
from hf_efficient.data.epochs import longest_views
from hf_efficient.data.stream import StreamedRows
from hf_efficient.errors import PlanError
from hf_efficient.recipe.batching import Batching

if TYPE_CHECKING:
    from hf_efficient.plan import Plan


def apply(plan: Plan, section: Batching) -> Plan:
    """The plan with its rows grouped by length, in training and, sorted, in evaluation.

    Raises:
        PlanError: rows without lengths are to be grouped by length.
    """
    if section.padding == "dynamic" or plan.train_dataset is None:
        return plan
    if isinstance(plan.train_dataset, StreamedRows):
        if section.padding == "tokens":
            raise PlanError("batching.padding is tokens, and a stream has no lengths before it is read; use bucketed")
        return replace(plan, train_dataset=replace(plan.train_dataset, grouped=True))
    lengths = lengths_of(plan.train_dataset)
    if lengths is None:
        if section.padding == "auto":
            return plan
        raise PlanError(f"batching.padding is {section.padding}, and the training rows have no length; use dynamic")
    lengths = longest_views(lengths, plan.rows_per_epoch)
    return plan.with_batches(Batches(lengths, section.max_tokens), by="batching")


def lengths_of(dataset: Any) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Tokens of each row: the column `length`, else counted; None where rows are not tokens, or only stream."""
    names = getattr(dataset, "column_names", None)
    if names is not None and "length" in names:
        return np.asarray(dataset["length"], dtype=np.int64)
    if not hasattr(dataset, "__len__") or not len(dataset) or "input_ids" not in dataset[0]:
        return None
    return np.fromiter((len(row["input_ids"]) for row in dataset), dtype=np.int64)
