"""Equal predictions for a row and its view: Unsupervised Data Augmentation (Xie et al. 2020, arXiv 1904.12848)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hf_efficient.losses.divergences import forward_kl
from hf_efficient.losses.rows import OF_VIEW, Batch, Rows


@dataclass(frozen=True)
class Consistency:
    """KL of the prediction for each row's view from the row's own, which is sharpened and has no gradient.

    Rows whose prediction is not sure enough cost nothing, and so do rows without a view. All count as rows of a step,
    so that a row weighs the same whichever rows share its step.
    """

    model: Callable[..., Any]
    """The model that is trained: it is asked for the views, with a gradient."""
    confidence: float
    """Probability of the likeliest class from which a row's prediction is held to."""
    temperature: float
    """What the logits of the row are divided by."""
    weight: float = 1.0
    name: str = "consistency"

    def count(self, batch: Mapping[str, Any]) -> Tensor | int:
        """Samples of a micro-batch."""
        return len(batch["labels"])

    def rows(self, batch: Batch) -> Rows:
        """Divergence of each view."""
        views = {name.removeprefix(OF_VIEW): value for name, value in batch.side.items() if name.startswith(OF_VIEW)}
        sample = torch.nonzero(views["attention_mask"].any(-1)).squeeze(-1)
        mask = torch.ones_like(sample, dtype=torch.bool)
        if len(sample) == 0:
            return Rows(torch.zeros(0, device=sample.device), mask, sample)
        own = batch.outputs["logits"][sample].detach().float()
        predicted: Tensor = self.model(**{name: value[sample] for name, value in views.items()})["logits"]
        is_sure = own.softmax(-1).max(-1).values >= self.confidence
        return Rows(forward_kl(predicted, own / self.temperature).masked_fill(~is_sure, 0.0), mask, sample)
