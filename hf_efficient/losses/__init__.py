"""Losses: one number per row, never reduced."""

from hf_efficient.losses.causal_lm import chunked_cross_entropy, next_labels, next_token_items
from hf_efficient.losses.heads import HeadLoss, known_head, next_token, supervised, supervised_tokens, target_tokens
from hf_efficient.losses.rows import PARTNER_LABELS, ROW_NUMBER, Batch, Items, Loss, Rows, is_side_column
from hf_efficient.losses.supervised import (
    IGNORED,
    Supervised,
    binary_cross_entropy,
    cross_entropy,
    multi_label_items,
    regression_items,
    single_label_items,
    squared_error,
    token_items,
)

__all__ = [
    "IGNORED",
    "PARTNER_LABELS",
    "ROW_NUMBER",
    "Batch",
    "HeadLoss",
    "Items",
    "Loss",
    "Rows",
    "Supervised",
    "binary_cross_entropy",
    "chunked_cross_entropy",
    "cross_entropy",
    "is_side_column",
    "known_head",
    "multi_label_items",
    "next_labels",
    "next_token",
    "next_token_items",
    "regression_items",
    "single_label_items",
    "squared_error",
    "supervised",
    "supervised_tokens",
    "target_tokens",
    "token_items",
]
