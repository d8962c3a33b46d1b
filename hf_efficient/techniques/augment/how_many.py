"""Of which rows views are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hf_efficient.techniques.augment.draws import Draws, Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from hf_efficient.data.train_rows import TrainRows
    from hf_efficient.recipe.augment import Augment


def rows_of_copies(rows: TrainRows, section: Augment) -> list[Numbers]:
    """The rows of which a first view is made, of which a second one, and so on; the same in each epoch."""
    if section.below_class_size is None:
        return [np.arange(len(rows.table))] * section.copies
    (label,) = rows.columns.label
    lacking = balancing(rows.table[label][:], section.below_class_size, rows.seed)
    return [np.flatnonzero(lacking > copy) for copy in range(int(lacking.max(initial=0)))]


def balancing(labels: Sequence[Any], size: int, seed: int) -> Numbers:
    """How many views of each row bring each class up to a size; a class's rows differ by one at most."""
    _, classes, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    numbers = np.arange(len(classes))
    order = np.lexsort((Draws(seed, 0, 0).uniform(numbers, 0), classes))
    place = np.empty_like(numbers)
    place[order] = numbers - np.repeat(np.cumsum(counts) - counts, counts)
    lacking = np.maximum(size - counts, 0)[classes]
    whole, rest = np.divmod(lacking, counts[classes])
    views: Numbers = whole + (place < rest)
    return views
