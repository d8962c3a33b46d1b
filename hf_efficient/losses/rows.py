"""Rows: what every loss is a number for.

A row is one scored thing: a sentence, an unmasked token, a next token, an image. A task turns a batch into rows, a
loss gives one number per row and never reduces; the trainer sums and divides once, by the rows of the whole
optimizer step. That is why accumulation, a second process, a sample weight or a second loss can't break the scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol, runtime_checkable

from torch import Tensor

PARTNER_LABELS: Final = "partner_labels"
"""Column of the labels of the row that each row is mixed with."""
PARTNER_WEIGHT: Final = "partner_weight"
"""Column of what those labels weigh in the loss; where it is, `sample_weight` holds what the row's own weigh."""
OF_PARTNER: Final = (PARTNER_LABELS, PARTNER_WEIGHT)
ROW_NUMBER: Final = "row_number"
"""Column that says which row of an epoch each one of a batch is, for those who watch the training."""
NOT_FED: Final = frozenset({"labels", "sample_weight", ROW_NUMBER, *OF_PARTNER})
"""Columns of a batch that losses read and models are not fed."""
OF_TEACHER: Final = "of_teacher_"
"""What the names of columns begin with that only a teacher is fed."""
OF_VIEW: Final = "of_view_"
"""What the names of columns begin with that a row's view is made of."""


def is_side_column(name: str) -> bool:
    """Whether a column of a batch is for the losses, and not for the model that is trained."""
    return name in NOT_FED or name.startswith((OF_TEACHER, OF_VIEW))


@dataclass(frozen=True)
class Items:
    """The rows of one batch.

    Shapes: `logits` (rows, classes); `targets` (rows,) of class ids, or (rows, classes) of floats; `mask` (rows,) is
    True where the row counts; `sample` (rows,) is the index of the batch's sample that the row belongs to.
    """

    logits: Tensor
    targets: Tensor
    mask: Tensor
    sample: Tensor


@dataclass(frozen=True)
class Rows:
    """What a loss gives: `values` (rows,), not reduced, 0 where `mask` is False; `mask` and `sample` as in `Items`."""

    values: Tensor
    mask: Tensor
    sample: Tensor


@dataclass(frozen=True)
class Batch:
    """What a loss may look at: one micro-batch after the model's forward pass.

    `inputs` is what the model was fed, `side` the columns that it was not (labels, `sample_weight`, what teachers
    read), `outputs` its output with at least `logits`.
    """

    inputs: Mapping[str, Any]
    side: Mapping[str, Any]
    outputs: Any

    @cached_property
    def columns(self) -> Mapping[str, Any]:
        """All columns of the batch; the same object each time."""
        return {**self.inputs, **self.side}


@runtime_checkable
class Loss(Protocol):
    """One term of the objective."""

    @property
    def name(self) -> str:
        """Key under which the term is logged."""
        ...

    @property
    def weight(self) -> float:
        """Factor of the term in the sum."""
        ...

    def count(self, batch: Mapping[str, Any]) -> Tensor | int:
        """Number of rows that a collated micro-batch brings, known before the forward pass (0-d)."""
        ...

    def rows(self, batch: Batch) -> Rows:
        """Loss of each row, not reduced."""
        ...
