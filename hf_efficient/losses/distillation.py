"""Losses against a teacher's answers, one number per row of the task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hf_efficient.losses.rows import Batch, Rows
from hf_efficient.losses.supervised import Supervised


@dataclass(frozen=True)
class SoftLabels:
    """What a teacher answers, taught to the student on every row that the labels' loss counts."""

    labels: Supervised
    """The labels' loss of the task: it says what a row is."""
    teacher: Callable[[Mapping[str, Any]], Tensor]
    """`teacher(columns)` of a batch: logits shaped as the student's, without a gradient."""
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
        teacher = self.labels.items(self.teacher(batch.columns), labels)
        values = self.divergence(student.logits, teacher.logits).masked_fill(~student.mask, 0.0)
        return Rows(values, student.mask, student.sample)


@dataclass(frozen=True)
class Features:
    """What a teacher computes on the way to its answers, taught to the student: one row per sample."""

    ask: Callable[[Mapping[str, Any]], object]
    """`ask(columns)` has the teacher compute; `distances` then know where to look."""
    distances: tuple[Callable[[Tensor | None], Tensor], ...]
    """`distance(mask)`: one number per token, (samples, tokens), for each pair of layers; no mask where every token
    is there."""
    weight: float
    name: str

    def count(self, batch: Mapping[str, Any]) -> int:
        """Samples of a micro-batch."""
        return len(next(iter(batch.values())))

    def rows(self, batch: Batch) -> Rows:
        """Distance of each sample: the mean over its tokens, and over the pairs of layers."""
        self.ask(batch.columns)
        mask = batch.inputs.get("attention_mask")
        values = torch.stack([_mean_of_tokens(distance, mask) for distance in self.distances]).mean(0)
        everything = torch.ones_like(values, dtype=torch.bool)
        return Rows(values, everything, torch.arange(len(values), device=values.device))


def _mean_of_tokens(distance: Callable[[Tensor | None], Tensor], mask: Tensor | None) -> Tensor:
    values = distance(mask)
    present = torch.ones_like(values) if mask is None else mask.to(values.dtype)
    return values.sum(-1) / present.sum(-1)
