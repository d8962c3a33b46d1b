"""Losses against labels, one number per row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from hf_efficient.errors import DataError
from hf_efficient.losses.rows import PARTNER_LABELS, PARTNER_WEIGHT, Batch, Items, Rows

IGNORED = -100
"""Label that marks a row as not counting, as everywhere in transformers."""


def cross_entropy(items: Items, *, class_weights: Tensor | None = None, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of each row in nats, shape (rows,); 0 where the target is -100.

    Class weights multiply the row and are not divided out again: with a mean of 1 over the training rows they leave
    the scale of the loss alone. Label smoothing is that of Szegedy et al. 2016, eq. 7 (arXiv 1512.00567).
    """
    targets = items.targets
    rows: Tensor = functional.cross_entropy(
        items.logits.float(), targets, reduction="none", ignore_index=IGNORED, label_smoothing=label_smoothing
    )
    if class_weights is not None:
        rows = rows * class_weights.to(rows.device)[targets.masked_fill(~items.mask, 0)]
    return rows


def binary_cross_entropy(items: Items, *, class_weights: Tensor | None = None) -> Tensor:
    """Binary cross-entropy of each row in nats, averaged over its labels, shape (rows,)."""
    labels = functional.binary_cross_entropy_with_logits(items.logits.float(), items.targets.float(), reduction="none")
    if class_weights is not None:
        labels = labels * class_weights.to(labels.device)
    return labels.mean(-1).masked_fill(~items.mask, 0.0)


def squared_error(items: Items) -> Tensor:
    """Squared error of each row, averaged over its targets, shape (rows,)."""
    errors = (items.logits.float() - items.targets.float()) ** 2
    return errors.mean(-1).masked_fill(~items.mask, 0.0)


def single_label_items(logits: Tensor, labels: Tensor) -> Items:
    """Rows of a batch with one class id per sample; labels are (samples,), -100 where there is none."""
    labels = labels.view(-1)
    return Items(logits, labels, labels != IGNORED, _samples(labels))


def token_items(logits: Tensor, labels: Tensor) -> Items:
    """Rows of a batch with one class id per token; labels are (samples, tokens), -100 where a token does not count."""
    targets = labels.reshape(-1)
    samples = _samples(labels).repeat_interleave(labels.shape[1])
    return Items(logits.reshape(len(targets), -1), targets, targets != IGNORED, samples)


def multi_label_items(logits: Tensor, labels: Tensor) -> Items:
    """Rows of a batch with 0 or 1 for each class; labels are (samples, classes)."""
    return Items(logits, labels, _all(labels), _samples(labels))


def regression_items(logits: Tensor, labels: Tensor) -> Items:
    """Rows of a batch with one or more numbers per sample; labels are (samples,) or (samples, targets)."""
    targets = labels.view(len(labels), -1)
    return Items(logits.view(len(labels), -1), targets, _all(labels), _samples(labels))


def _all(labels: Tensor) -> Tensor:
    return torch.ones(len(labels), dtype=torch.bool, device=labels.device)


def _samples(labels: Tensor) -> Tensor:
    return torch.arange(len(labels), device=labels.device)


@dataclass(frozen=True)
class Supervised:
    """The labels' loss of a task: how a batch becomes rows, and what a row costs."""

    items: Callable[[Tensor, Tensor], Items]
    """`items(logits, labels)`, the task's."""
    row_loss: Callable[[Items], Tensor]
    """One of the functions above, its settings bound."""
    name: str = "labels"
    weight: float = 1.0
    shifted: bool = False
    """A label is the target of the position before it, so that the first one of a sample is none."""
    per_sample: bool = False
    """A row is a sample, however many numbers label it."""

    def count(self, batch: Mapping[str, Any]) -> Tensor | int:
        """Rows with a label: samples, or all ids that are not -100.

        Raises:
            DataError: the batch has no labels.
        """
        if "labels" not in batch:
            raise DataError(
                f"a batch has no labels, only {', '.join(batch)}; give the data set a column named labels, "
                "or the trainer losses= of your own"
            )
        labels: Tensor = batch["labels"]
        if self.per_sample:
            return len(labels)
        return ((labels[..., 1:] if self.shifted else labels) != IGNORED).sum()

    def rows(self, batch: Batch) -> Rows:
        """Loss of each row, times the row's `sample_weight` where the batch brings one.

        Where rows are mixed, that against the labels of its partner is added, times the partner's weight.
        """
        items = self.items(batch.outputs["logits"], batch.side["labels"])
        values = self._weighted(items, batch.side.get("sample_weight"))
        if PARTNER_LABELS in batch.side:
            partner = self.items(batch.outputs["logits"], batch.side[PARTNER_LABELS])
            values = values + self._weighted(partner, batch.side[PARTNER_WEIGHT]).masked_fill(~items.mask, 0.0)
        return Rows(values, items.mask, items.sample)

    def _weighted(self, items: Items, weights: Tensor | None) -> Tensor:
        values = self.row_loss(items)
        return values if weights is None else values * weights.to(values.dtype)[items.sample]
