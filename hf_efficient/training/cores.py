"""How the cores of a machine are shared by its processes, their threads and the workers of their data loaders."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from hf_efficient.errors import PlanError
from hf_efficient.training.launch import local_world_size

if TYPE_CHECKING:
    from transformers import TrainingArguments


def share_cores(args: TrainingArguments, place: Callable[[str], str]) -> str | None:
    """Let torch compute on the cores that workers and other processes leave; what was decided, if anything was.

    A worker computes with one thread (torch 2.13).

    Raises:
        PlanError: there are more workers than cores.
    """
    cores, processes, workers = usable_cores(), local_world_size(), args.dataloader_num_workers
    if workers * processes > cores:
        each = f" for each of {processes} processes" if processes > 1 else ""
        raise PlanError(
            f"{place('training.dataloader_num_workers')}: expected at most {cores // processes}{each} on {cores} "
            f"cores, found {workers}"
        )
    threads = threads_beside(workers, processes, cores)
    if torch.get_num_threads() <= threads:
        return None
    torch.set_num_threads(threads)
    return f"torch computes with {threads} of {cores} cores: {workers} workers and {processes} processes share them"


def threads_beside(workers: int, processes: int, cores: int) -> int:
    """Threads of a process, at least one, so that all threads and workers of all processes fit the cores."""
    return max(1, cores // processes - workers)


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
