"""Losses: one number per row, never reduced."""

from hf_efficient.losses.rows import Batch, Items, Loss
from hf_efficient.losses.supervised import (
    IGNORED,
    Supervised,
    binary_cross_entropy,
    cross_entropy,
    multi_label_items,
    regression_items,
    single_label_items,
    squared_error,
)

__all__ = [
    "IGNORED",
    "Batch",
    "Items",
    "Loss",
    "Supervised",
    "binary_cross_entropy",
    "cross_entropy",
    "multi_label_items",
    "regression_items",
    "single_label_items",
    "squared_error",
]
