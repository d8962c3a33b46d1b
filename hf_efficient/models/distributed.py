"""Models that are cut over the processes of a launch while they are loaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule
from transformers.distributed.configuration_utils import DistributedConfig

from hf_efficient.errors import PlanError

if TYPE_CHECKING:
    from hf_efficient.recipe.model import DistributedConfigSection


def cut_over_processes(sizes: DistributedConfigSection, auto_model: Any, config: Any) -> dict[str, Any]:
    """What `from_pretrained` is to be told, so that each process holds its part; nothing where each holds the whole."""
    if sizes.num_processes == 1:
        return {}
    plan = None
    if sizes.fsdp_size > 1:
        with torch.device("meta"):
            plan = layer_plan(auto_model.from_config(config))
    return {"distributed_config": DistributedConfig(**sizes.model_dump(), fsdp_plan=plan)}


def layer_plan(model: nn.Module) -> dict[str, str]:
    """The FSDP2 plan by which each layer of a stack is gathered when it is needed, and freed after.

    transformers 5.23 has such a plan for models whose layers are called `layers`; any other, BERT among them, would be
    gathered whole.
    """
    stacks = [name for name, module in model.named_modules() if isinstance(module, nn.ModuleList) and len(module) > 1]
    outermost = [name for name in stacks if not any(name.startswith(f"{other}.") for other in stacks)]
    return {re.sub(r"\.\d+(?=\.|$)", ".*", name) + ".*": "free_full_weight" for name in outermost}


def check_tied_weights(model: Any, sizes: DistributedConfigSection, place: str) -> None:
    """Refuse to shard tied weights whose rows don't divide over the processes.

    Weights are tied after they have been sharded. Where the last share is filled up, each of the tied modules keeps a
    filled copy of its own, and only one of them is trained (transformers 5.23, torch 2.13).

    Raises:
        PlanError: this model has such weights.
    """
    tied = model.all_tied_weights_keys if sizes.fsdp_size > 1 else {}
    for name, source in tied.items():
        rows = model.get_parameter(source).shape[0]
        if rows % sizes.fsdp_size:
            raise PlanError(
                f"{place}: {name} is tied to {source}, whose {rows} rows don't divide by fsdp_size {sizes.fsdp_size}: "
                "their copies would part in training; choose a size that divides them, or leave the model whole."
            )


def class_name(model: nn.Module) -> str:
    """The name of a model's class, also where FSDP2 has put one of its own before it."""
    name = type(model).__name__
    return name.removeprefix("FSDP") if isinstance(model, FSDPModule) else name
