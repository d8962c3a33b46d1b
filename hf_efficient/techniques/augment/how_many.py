"""Of which rows views are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hf_efficient.errors import PlanError
from hf_efficient.techniques.augment.draws import Draws, Numbers, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from hf_efficient.data.train_rows import TrainRows
    from hf_efficient.recipe.augment import Augment
    from hf_efficient.tasks.base import Task


def rows_of_copies(rows: TrainRows, section: Augment) -> list[Numbers]:
    """The rows of which a first view is made, of which a second one, and so on; the same in each epoch.

    Raises:
        PlanError: classes are to be brought up to a size, and there are none, or none is smaller.
    """
    if section.below_class_size is None:
        return [np.arange(len(rows.table))] * section.copies
    place = rows.place("augment.below_class_size")
    require_classes(rows.task, place)
    (label,) = rows.columns.label
    return balanced_copies(rows.table[label][:], section.below_class_size, rows.seed, place)


def require_classes(task: Task, place: str) -> None:
    """Refuse labels of which a row has none, or several, or that are numbers: what they are is known from the rows.

    Raises:
        PlanError: they are not one class each.
    """
    if (problem := task.facts()["problem"]) != "single_label":
        raise PlanError(
            f"{place} can't take effect: it needs rows of one class each, and this is a {problem} problem; take it out."
        )


def balanced_copies(labels: Sequence[Any], size: int, seed: int, place: str) -> list[Numbers]:
    """The rows of which a first view is made, of which a second one, and so on, to bring each class up to a size.

    Raises:
        PlanError: as `balancing`.
    """
    lacking = balancing(labels, size, seed, place)
    return [np.flatnonzero(lacking > copy) for copy in range(int(lacking.max()))]


def balancing(labels: Sequence[Any], size: int, seed: int, place: str) -> Numbers:
    """How many views of each row bring each class up to a size; a class's rows differ by one at most.

    Raises:
        PlanError: each class has as many rows already.
    """
    _, classes, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    if counts.min() >= size:
        raise PlanError(
            f"{place} is {size}, and the smallest class has {counts.min():,} rows; raise it, or take it out."
        )
    numbers = np.arange(len(classes))
    order = np.lexsort((Draws(seed, 0, 0).uniform(numbers, 0, Purpose.BALANCING), classes))
    place_in_class = np.empty_like(numbers)
    place_in_class[order] = numbers - np.repeat(np.cumsum(counts) - counts, counts)
    whole, rest = np.divmod(np.maximum(size - counts, 0)[classes], counts[classes])
    views: Numbers = whole + (place_in_class < rest)
    return views
