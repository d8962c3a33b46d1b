"""Of which rows an epoch has views, and how many of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_efficient.data.drawn import Numbers, layout
from hf_efficient.techniques.augment.how_many import balanced_copies, require_classes

if TYPE_CHECKING:
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.augment import Augment


def layout_of(plan: Plan, section: Augment, seed: int) -> tuple[Numbers, Numbers]:
    """Numbers and copies of an epoch's rows, those without labels last.

    Raises:
        PlanError: classes are to be brought up to a size, and there are none, or none is smaller.
    """
    num_rows = len(plan.train_dataset)
    num_labelled = num_rows - plan.num_unlabelled
    labelled = layout(num_labelled, _rows_of_copies(plan, section, seed), originals=section.originals)
    if not plan.num_unlabelled:
        return labelled
    unlabelled = np.arange(num_labelled, num_rows)
    views = [] if section.below_class_size else [np.arange(plan.num_unlabelled)] * section.copies
    numbers, copies = layout(plan.num_unlabelled, views, originals=section.originals)
    return np.concatenate([labelled[0], unlabelled[numbers]]), np.concatenate([labelled[1], copies])


def _rows_of_copies(plan: Plan, section: Augment, seed: int) -> Sequence[Numbers]:
    """The labelled rows of which a first view is made, of which a second one, and so on."""
    num_labelled = len(plan.train_dataset) - plan.num_unlabelled
    if section.below_class_size is None:
        return [np.arange(num_labelled)] * section.copies
    place = "augment.below_class_size"
    if plan.task is not None:
        require_classes(plan.task, place)
    return balanced_copies(_labels(plan)[:num_labelled], section.below_class_size, seed, place)


def _labels(plan: Plan) -> Sequence[Any]:
    rows = plan.train_dataset
    if hasattr(rows, "column_names"):
        labels: Sequence[Any] = rows["labels" if "labels" in rows.column_names else "label"][:]
        return labels
    return [int(row["labels"]) for row in rows]
