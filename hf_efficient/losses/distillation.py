"""Losses against a teacher's answers, one number per row of the task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from hf_efficient.losses.rows import Batch, Rows
from hf_efficient.losses.supervised import Supervised


@dataclass(frozen=True)
class SoftLabels:
    """What a teacher answers, taught to the student on every row that the labels' loss counts."""

    labels: Supervised
    """The labels' loss of the task: it says what a row is."""
    teacher: Callable[[Mapping[str, Any]], Tensor]
    """`teacher(inputs)`: logits shaped as the student's, without a gradient."""
    divergence: Callable[[Tensor, Tensor], Tensor]
    """`divergence(student, teacher)` of logits (rows, classes): one number per row."""
    weight: float = 1.0
    name: str = "distill"

    def count(self, batch: Mapping[str, Any]) -> Tensor | int:
        """Rows of a micro-batch, as the labels' loss counts them."""
        return self.labels.count(batch)

    def rows(self, batch: Batch) -> Rows:
        """Divergence of each row."""
        labels = batch.side["labels"]
        student = self.labels.items(batch.outputs["logits"], labels)
        teacher = self.labels.items(self.teacher(batch.inputs), labels)
        values = self.divergence(student.logits, teacher.logits).masked_fill(~student.mask, 0.0)
        return Rows(values, student.mask, student.sample)
