"""How many processes this run really has, on what, how they share the work, and whether that is what was asked for."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import DistributedType, PartialState

_LOST = re.compile(r"gloo/transport|Connection (closed|reset) by peer|Broken pipe")
"""In messages of gloo, which has no exception of its own (torch 2.13)."""


@dataclass(frozen=True)
class Launch:
    """The processes of a run as torch sees them, whatever the launcher was asked for."""

    world_size: int
    machines: int
    device: str
    backend: str | None
    sharding: str | None
    """How the model is spread over the processes; None where each holds it whole."""

    @classmethod
    def current(cls, args: Any, model: Any) -> Launch:
        """The launch that `TrainingArguments` has set up, once the trainer of `model` is made."""
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        backend = torch.distributed.get_backend() if distributed else None
        machines = int(os.environ.get("GROUP_WORLD_SIZE", 1)) if distributed else 1
        return cls(args.world_size, machines, args.device.type, backend, sharding(model))


def sharding(model: Any) -> str | None:
    """How a model is spread over the processes: by its own loading, or by accelerate; None where each has it whole."""
    if getattr(model, "is_distributed_loading_by_transformers", False):
        sizes = model.config.distributed_config
        parts = {"FSDP2": sizes.fsdp_size, "tensor parallelism": sizes.tp_size}
        words = " and ".join(f"{name} over {size}" for name, size in parts.items() if size > 1)
        return words if sizes.dp_replicate_size == 1 else f"{words}, {sizes.dp_replicate_size} times"
    kind = PartialState().distributed_type
    if kind == DistributedType.FSDP:
        return f"FSDP{os.environ.get('FSDP_VERSION', '2')} over {PartialState().num_processes}"
    if kind == DistributedType.DEEPSPEED:
        return f"DeepSpeed ZeRO-{_zero_stage()} over {PartialState().num_processes}"
    return None


def _zero_stage() -> int:
    from accelerate.state import AcceleratorState

    return int(AcceleratorState().deepspeed_plugin.zero_stage)


def local_world_size() -> int:
    """Processes of this run on this machine, as the launcher says."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def lost_process(error: BaseException) -> bool:
    """Whether this is how a process learns that another one of its group has ended."""
    if isinstance(error, torch.distributed.DistBackendError):
        return True
    return isinstance(error, RuntimeError) and _LOST.search(str(error)) is not None
