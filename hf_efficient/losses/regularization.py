"""Terms of the objective that depend on the weights alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hf_efficient.losses.rows import Batch, Rows


@dataclass(frozen=True)
class Penalty:
    """A number that the weights are charged in each optimizer step, however it is split: every sample carries it."""

    of: Callable[[], Tensor]
    """The number, 0-d."""
    weight: float
    name: str

    def count(self, batch: Mapping[str, Any]) -> int:
        """Samples of a micro-batch."""
        return len(next(iter(batch.values())))

    def rows(self, batch: Batch) -> Rows:
        """The penalty, once for each sample."""
        values = self.of().expand(self.count(batch.inputs))
        return Rows(values, torch.ones_like(values, dtype=torch.bool), torch.arange(len(values), device=values.device))
