"""Wrong labels put among the training rows on purpose, to see what a way of training makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hf_efficient.data.images import without_bars
from hf_efficient.data.randomness import generator_for

if TYPE_CHECKING:
    from datasets import Dataset


def with_label_noise(table: Dataset, column: str, share: float, seed: int) -> Dataset:
    """The rows, a share of whose labels are those of another class, each as likely; drawn from the seed."""
    names, classes = np.unique(np.asarray(table[column][:]), return_inverse=True)
    generator = generator_for("label noise", seed)
    rows = generator.permutation(len(table))[: round(share * len(table))]
    classes[rows] = (classes[rows] + generator.integers(1, len(names), len(rows))) % len(names)
    spare = max(table.column_names, key=len) + "_"  # no column's name
    with without_bars():
        noisy = table.add_column(spare, names[classes].tolist(), feature=table.features[column])
    return noisy.remove_columns(column).rename_column(spare, column).select_columns(table.column_names)
