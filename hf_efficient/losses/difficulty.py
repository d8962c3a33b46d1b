"""How difficult a model finds the samples of a batch, larger for more difficult ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from hf_efficient.losses.rows import Batch, Items, Rows
from hf_efficient.losses.supervised import Supervised


def entropy(items: Items) -> Tensor:
    """Entropy of the predicted classes in nats, shape (rows,); of labels that don't exclude each other their mean."""
    if _is_multi_label(items):
        there = items.logits.float().sigmoid()
        return _entropies(torch.stack([there, 1 - there], dim=-1)).mean(-1)
    return _entropies(items.logits.float().softmax(-1))


def _entropies(probabilities: Tensor) -> Tensor:
    entropies: Tensor = torch.special.entr(probabilities).sum(-1)
    return entropies


def negative_margin(items: Items) -> Tensor:
    """Probability of the likeliest other class less that of the label, shape (rows,), from −1 to 1."""
    probabilities = items.logits.float().softmax(-1)
    own = items.targets.clamp(min=0)[:, None]
    others = probabilities.scatter(1, own, -1.0).amax(1)
    return others - probabilities.gather(1, own)[:, 0]


def error_norm(items: Items) -> Tensor:
    """Length of the difference between the predicted probabilities and the label, shape (rows,): EL2N."""
    if _is_multi_label(items):
        errors = items.logits.float().sigmoid() - items.targets.float()
    else:
        labels = torch.nn.functional.one_hot(items.targets.clamp(min=0), items.logits.shape[-1])
        errors = items.logits.float().softmax(-1) - labels
    return errors.square().sum(-1).sqrt()


def is_wrong(items: Items) -> Tensor:
    """1 where the prediction is not the label, else 0, shape (rows,)."""
    if _is_multi_label(items):
        return ((items.logits > 0) != (items.targets > 0.5)).any(-1).float()
    return (items.logits.argmax(-1) != items.targets).float()


def _is_multi_label(items: Items) -> bool:
    return items.targets.dim() == 2


OF_ITEMS: Final[dict[str, Callable[[Items], Tensor]]] = {
    "entropy": entropy,
    "margin": negative_margin,
    "el2n": error_norm,
    "forgetting": is_wrong,
}
"""What tells from logits and labels; the loss is told by the task."""


@torch.no_grad()
def difficulty(by: str, labels: Supervised, batch: Batch, rows: Rows | None = None) -> Tensor:
    """What `by` says of each sample, the mean over its rows, shape (samples,); of `forgetting` whether any is wrong.

    `rows` are the labels' losses, where they have been computed.
    """
    if by == "loss":
        rows = labels.rows(batch) if rows is None else rows
        return _of_samples(rows.values.float(), rows.mask, rows.sample, len(batch.side["labels"]))
    items = labels.items(batch.outputs["logits"], batch.side["labels"])
    values = _of_samples(OF_ITEMS[by](items), items.mask, items.sample, len(batch.side["labels"]))
    return (values > 0).float() if by == "forgetting" else values


def _of_samples(values: Tensor, mask: Tensor, sample: Tensor, num_samples: int) -> Tensor:
    counted = torch.stack([values * mask, mask.float()], dim=1)
    sums = counted.new_zeros(num_samples, 2).index_add_(0, sample, counted)
    return sums[:, 0] / sums[:, 1].clamp(min=1)
