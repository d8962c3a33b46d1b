"""Learning rates that differ between the parts of a model: lower layers change less, a new head changes more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from hf_efficient.models.depth import depth_of

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


def learning_rates(
    model: PreTrainedModel, base: float, *, layer_decay: float = 1.0, head: float | None = None
) -> dict[str, float]:
    """The learning rate of each parameter by name.

    The uppermost layer has the base rate, each one below `layer_decay` times that of the one above it, the embeddings
    as if they were one more (Howard & Ruder 2018, arXiv 1801.06146: 1 / 2.6). What stands above the layers has the rate
    `head`, or the base rate.

    Raises:
        PlanError: the model's layers can't be told apart.
    """
    depth = depth_of(model, "training.layerwise_lr_decay")
    below = (depth.embeddings, *depth.layers)
    rates = {name: base * layer_decay**down for down, part in enumerate(reversed(below)) for name in part}
    return {**rates, **dict.fromkeys(depth.head, base if head is None else head)}


def parameter_groups(
    model: nn.Module, rates: Mapping[str, float], decayed: Collection[str], weight_decay: float
) -> list[dict[str, Any]]:
    """Groups for an optimizer, one for each rate with and without weight decay, the highest rate first."""
    groups: dict[tuple[float, bool], list[Any]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            groups.setdefault((rates[name], name in decayed), []).append(weight)
    return [
        {"params": weights, "lr": rate, "weight_decay": weight_decay if decays else 0.0}
        for (rate, decays), weights in sorted(groups.items(), key=lambda item: (-item[0][0], not item[0][1]))
    ]
