"""What hooks make of a model while it scores a pool: what its head sees is kept, its dropout stays on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from hf_efficient.errors import PlanError
from hf_efficient.training.loading import longest_first

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.experiments.active.acquisition import Array


@contextmanager
def head_inputs(model: Any) -> Iterator[list[Array]]:
    """What the last layer of a model's head is given, of each batch in turn, until the block ends.

    Raises:
        PlanError: the model's head ends with no linear layer over its classes, one vector a row.
    """
    heads = [m for m in model.modules() if isinstance(m, nn.Linear) and m.out_features == model.config.num_labels]
    seen: list[Array] = []

    def keep(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].dim() != 2:
            raise PlanError(f"active.strategy: {_no_embeddings(model)}")
        seen.append(inputs[0].detach().float().cpu().numpy())

    if not heads:
        raise PlanError(f"active.strategy: {_no_embeddings(model)}")
    handle = heads[-1].register_forward_pre_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()


def _no_embeddings(model: Any) -> str:
    return (
        f"core_set, badge and contrastive compare one vector a row, which {type(model).__name__}'s head is not given; "
        "take margin, entropy or least_confidence."
    )


def in_row_order(batches: list[Array], rows: Dataset) -> Array:
    """What was seen of batches of sorted rows, a row each, in the rows' own order."""
    order, stacked = longest_first(rows), np.concatenate(batches)[: len(rows)]
    return stacked if order is None else stacked[np.argsort(order, kind="stable")]


@contextmanager
def dropping_out(model: Any, seed: int) -> Iterator[None]:
    """The model's dropout stays on in evaluation until the block ends, drawn from a seed.

    Raises:
        PlanError: the model has none.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Dropout) and module.p > 0]
    if not layers:
        raise PlanError(
            "active.strategy: bald draws members by dropout, and the model has none; set it in model.config (as "
            "hidden_dropout_prob: 0.1), or take another strategy or active.fast: true."
        )
    seeded: list[int] = []

    def switch_on(module: nn.Module, inputs: Any) -> None:
        if not seeded:  # here and not before: the Trainer that is made to score the rows seeds, too
            torch.manual_seed(seed)
            seeded.append(seed)
        module.train()

    handles = [layer.register_forward_pre_hook(switch_on) for layer in layers]
    try:
        with torch.random.fork_rng():
            yield
    finally:
        for handle, layer in zip(handles, layers, strict=True):
            handle.remove()
            layer.eval()
