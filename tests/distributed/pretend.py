"""CPU processes that accelerate takes for GPUs, so that what it keeps for them runs: over gloo, on the CPU."""

from __future__ import annotations

import os

import accelerate.state
import torch.distributed
from accelerate import DistributedType


def pretend_gpu() -> None:
    """Make accelerate take this process's CPU for a GPU; for a process of its own, since nothing is put back."""
    os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
    accelerate.state.PartialState._prepare_backend = lambda *args, **kwargs: ("gloo", DistributedType.MULTI_GPU)
    barrier = torch.distributed.barrier
    torch.distributed.barrier = lambda *args, device_ids=None, **kwargs: barrier(*args, **kwargs)  # gloo has none
