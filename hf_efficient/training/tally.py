"""A running sum and count of rows, kept over an evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hf_efficient.losses import Rows


@dataclass
class Tally:
    """Sum of row losses and number of rows so far."""

    total: float = 0.0
    count: float = 0.0

    @staticmethod
    def per_sample(rows: Rows, num_samples: int) -> Tensor:
        """Sum and number of the rows of each sample, shape (samples, 2)."""
        pairs = torch.stack([rows.values.detach().float(), rows.mask.float()], dim=1)
        return pairs.new_zeros(num_samples, 2).index_add_(0, rows.sample, pairs)

    def add(self, pairs: Tensor) -> None:
        """Add pairs of (sum, count), shape (n, 2)."""
        total, count = pairs.double().sum(0).tolist() if pairs.device.type != "mps" else pairs.sum(0).tolist()
        self.total += total
        self.count += count

    @property
    def mean(self) -> float:
        """Loss of a row on average."""
        return self.total / self.count
