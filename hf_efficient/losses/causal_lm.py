"""The loss of causal language models: the next token of each position, without a second copy of the logits.

Logits are by far the largest tensor of a language model: positions × vocabulary. Plain cross-entropy keeps as much
again for the backward pass, in fp32. Here one number a row is kept, and softmax is computed a second time, a few rows
at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hf_efficient.losses.rows import Items
from hf_efficient.losses.supervised import IGNORED

_CHUNK_NUMEL: Final = 1 << 22
"""Logits that are looked at at once, 16 MiB in fp32."""


def next_labels(labels: Tensor) -> Tensor:
    """For each position the label of the next one, -100 for the last; both are (samples, length)."""
    return torch.nn.functional.pad(labels, (0, 1), value=IGNORED)[..., 1:]


def next_token_items(logits: Tensor, labels: Tensor) -> Items:
    """A row for each position, whose target is the next label; logits are (samples, length, vocabulary), not copied."""
    targets = next_labels(labels).reshape(-1)
    samples = torch.arange(len(labels), device=labels.device).repeat_interleave(labels.shape[1])
    return Items(logits.reshape(-1, logits.shape[-1]), targets, targets != IGNORED, samples)


def chunked_cross_entropy(items: Items, *, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of each row in nats, shape (rows,): `cross_entropy` in less memory, and no work for masked rows."""
    rows: Tensor = _CrossEntropy.apply(items.logits, items.targets, items.mask, label_smoothing)  # type: ignore[no-untyped-call]
    return rows


class _CrossEntropy(torch.autograd.Function):
    """Keeps the logits, which the model's output holds anyway, and the logarithm of each row's normaliser."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, mask: Tensor, label_smoothing: float) -> Tensor:
        rows = torch.zeros(len(logits), dtype=torch.float32, device=logits.device)
        normalisers = torch.zeros_like(rows)
        for index in _chunks(mask, logits.shape[1]):
            chunk = logits[index].float()
            normaliser = chunk.logsumexp(-1)
            target = chunk.gather(-1, targets[index].unsqueeze(-1)).squeeze(-1)
            if label_smoothing:
                target = (1 - label_smoothing) * target + label_smoothing * chunk.mean(-1)
            normalisers[index] = normaliser
            rows[index] = normaliser - target
        ctx.save_for_backward(logits, targets, mask, normalisers)
        ctx.label_smoothing = label_smoothing
        return rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_rows: Tensor) -> tuple[Tensor, None, None, None]:
        logits, targets, mask, normalisers = ctx.saved_tensors
        grad = torch.zeros_like(logits)
        for index in _chunks(mask, logits.shape[1]):
            chunk = (logits[index].float() - normalisers[index].unsqueeze(-1)).exp_()
            chunk.scatter_add_(
                -1, targets[index].unsqueeze(-1), chunk.new_full((len(index), 1), ctx.label_smoothing - 1)
            )
            if ctx.label_smoothing:
                chunk -= ctx.label_smoothing / logits.shape[1]
            grad[index] = (chunk * grad_rows[index].unsqueeze(-1)).to(grad.dtype)
        return grad, None, None, None


def _chunks(mask: Tensor, vocab_size: int) -> Iterator[Tensor]:
    """Numbers of the rows that count, a few at a time."""
    index, size = mask.nonzero().squeeze(-1), max(1, _CHUNK_NUMEL // vocab_size)
    yield from (index[start : start + size] for start in range(0, len(index), size))
