"""What is learnt from rows without labels: that a row and its view are of the same class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hf_efficient.data.side_columns import SideColumns
from hf_efficient.losses import consistency as loss
from hf_efficient.losses.rows import OF_VIEW
from hf_efficient.techniques.augment.rows import make_views

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.data.train_rows import TrainRows
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.augment_models import Consistency
    from hf_efficient.techniques.augment.texts import Augmenter

_COPY: Final = 1 << 20
"""The number of the copy by which these views are drawn: no labelled row has so many."""


def unlabelled_views(rows: TrainRows, augmenters: Mapping[str, Augmenter], num_epochs: int) -> Dataset:
    """A view of each row without labels for each epoch, one epoch after another; without augmenters the rows.

    Raises:
        HfEfficientError: as `make_views`.
    """
    from datasets import concatenate_datasets

    table: Any = rows.unlabelled
    if not augmenters:
        return table
    unlabelled = replace(rows, table=table)
    epochs = (make_views(unlabelled, np.arange(len(table)), augmenters, epoch, _COPY) for epoch in range(num_epochs))
    return concatenate_datasets([made.table for made in epochs])


def with_consistency(plan: Plan, section: Consistency) -> Plan:
    """The plan with the loss of views, whose columns the collator adds to batches."""
    collator = SideColumns(plan.data_collator, OF_VIEW, plan.processing_class)
    term = loss.Consistency(plan.model, section.confidence, section.temperature, section.weight)
    return replace(plan, data_collator=collator).with_loss(term)
