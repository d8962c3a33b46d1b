"""Schedules of the learning rate that transformers does not have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

Scheduler = Callable[[Optimizer, int], LRScheduler]
"""`scheduler(optimizer, num_training_steps)`."""


def step_decay(
    optimizer: Optimizer,
    num_training_steps: int,
    *,
    warmup_steps: float = 0,
    step_size: float = 1 / 3,
    gamma: float = 0.1,
) -> LRScheduler:
    """The rate times `gamma` after every `step_size`, after a linear warm-up.

    Args:
        optimizer: its groups keep their own base rates.
        num_training_steps: optimizer steps of the whole run.
        warmup_steps: a number of steps, or below 1 a share of the run.
        step_size: likewise.
        gamma: factor at each stair.
    """
    warmup = _steps(warmup_steps, num_training_steps)
    stair = max(1, _steps(step_size, num_training_steps))

    def factor(step: int) -> float:
        if step < warmup:
            return step / warmup
        return float(gamma ** ((step - warmup) // stair))

    return LambdaLR(optimizer, factor)


def one_cycle(optimizer: Optimizer, num_training_steps: int, **settings: Any) -> LRScheduler:
    """Up to the rate and down to almost nothing in one cycle, momentum the other way (Smith 2018, arXiv 1803.09820).

    `settings` are those of `torch.optim.lr_scheduler.OneCycleLR`: `pct_start`, `div_factor`, `final_div_factor`,
    `anneal_strategy`, `three_phase`, `cycle_momentum`, `base_momentum`, `max_momentum`.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(optimizer, max_lr=rates, total_steps=num_training_steps, **settings)


def own_schedule(name: str, settings: Mapping[str, Any], *, warmup_steps: float) -> Scheduler | None:
    """The schedule of that name, or None where it is one of transformers' own."""
    if name == "step":
        return partial(step_decay, warmup_steps=warmup_steps, **settings)
    if name == "one_cycle":
        return partial(one_cycle, **settings)
    return None


def _steps(value: float, total: int) -> int:
    return math.ceil(value * total) if value < 1 else int(value)
