"""Models that are cut over the processes of a launch while they are loaded."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import torch
from accelerate import DistributedType, PartialState
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers.distributed.configuration_utils import DistributedConfig

from hf_efficient.errors import PlanError

if TYPE_CHECKING:
    from hf_efficient.recipe.model import DistributedConfigSection


def data_parallel_size(args: Any, model: Any) -> int:
    """Shares that a global batch is cut into; the processes of a tensor-parallel group see the same rows."""
    return int(args.world_size // (getattr(model, "_tp_size", None) or 1))


def effective_batch_size(args: Any, model: Any) -> int:
    """Rows of one optimizer step, over all micro-batches and processes."""
    return int(args.train_batch_size * args.gradient_accumulation_steps * data_parallel_size(args, model))


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


def is_cut(model: nn.Module) -> bool:
    """Whether each process holds a part of the model only."""
    return any(isinstance(weight, DTensor) for weight in model.parameters())


def is_sharded(model: nn.Module) -> bool:
    """Whether it is so, or will be once accelerate has prepared it."""
    return is_cut(model) or PartialState().distributed_type in (DistributedType.FSDP, DistributedType.DEEPSPEED)


def draw_whole(model: Any, missing: Collection[str], random_state: Tensor) -> None:
    """Draw the weights that a checkpoint lacks, such as a new head, as one process would.

    Transformers 5.23 draws them after the model is cut, on each process with the same random numbers for another part,
    so that classes of one process equal those of the next.

    Args:
        model: the model, cut or not.
        missing: names of the weights.
        random_state: torch's generator, as it was before the model was loaded.
    """
    torch.set_rng_state(random_state)
    for prefix, module in _children_first(model):
        drawn = [key for key in module._parameters if prefix + key in missing]
        if not drawn:
            continue
        whole = copy.copy(module)
        whole._parameters = {
            key: None if weight is None else torch.nn.Parameter(torch.empty(weight.shape, dtype=weight.dtype))
            for key, weight in module._parameters.items()
        }
        model._init_weights(whole)
        for key in drawn:
            _put(module._parameters[key], whole._parameters[key])


def _children_first(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Modules and what their weights' names begin with, in the order in which transformers draws them."""
    for name, child in module.named_children():
        yield from _children_first(child, f"{prefix}{name}.")
    yield prefix, module


@torch.no_grad()
def _put(weight: Any, value: Any) -> None:
    if isinstance(weight, DTensor):  # every process has drawn the same: each takes its part
        value = distribute_tensor(value.to(weight.device), weight.device_mesh, weight.placements, src_data_rank=None)
    weight.copy_(value)
