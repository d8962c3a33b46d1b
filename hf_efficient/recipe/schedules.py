"""What each learning-rate schedule can be told: Hugging Face's, and our own `step` and `one_cycle`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Schedule:
    """The settings that a schedule takes, those of which it needs one, and whether `warmup_steps` acts on it."""

    settings: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    warms_up: bool = True


_PLATEAU: Final = ("mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr", "eps")
_GREEDY: Final = (*_PLATEAU, "warmup", "max_lr", "verbose", "smooth", "window_size", "reset_start")
_MIN_LR: Final = ("min_lr", "min_lr_rate")
_STABLE: Final = ("num_decay_steps", "num_stable_steps", "warmup_type", "decay_type", "min_lr_ratio", "num_cycles")
_MOMENTUM: Final = ("cycle_momentum", "base_momentum", "max_momentum")
_ONE_CYCLE: Final = ("pct_start", "anneal_strategy", "div_factor", "final_div_factor", "three_phase", *_MOMENTUM)

SCHEDULES: Final[dict[str, Schedule]] = {
    "linear": Schedule(),
    "cosine": Schedule(("num_cycles",)),
    "cosine_with_restarts": Schedule(("num_cycles",)),
    "polynomial": Schedule(("lr_end", "power")),
    "constant": Schedule(warms_up=False),
    "constant_with_warmup": Schedule(),
    "inverse_sqrt": Schedule(("timescale",)),
    "reduce_lr_on_plateau": Schedule(_PLATEAU, warms_up=False),
    "cosine_with_min_lr": Schedule(("num_cycles", *_MIN_LR), required=_MIN_LR),
    "cosine_warmup_with_min_lr": Schedule(("num_cycles", *_MIN_LR, "warmup_lr_rate"), required=_MIN_LR),
    "warmup_stable_decay": Schedule(_STABLE, required=("num_decay_steps",)),
    "greedy": Schedule(_GREEDY, warms_up=False),
    "step": Schedule(("step_size", "gamma")),
    "one_cycle": Schedule(_ONE_CYCLE, warms_up=False),
}

OWN_SCHEDULES: Final = ("step", "one_cycle")
"""Schedules that Hugging Face does not know; the training room builds them."""

METRIC_SCHEDULES: Final = ("reduce_lr_on_plateau", "greedy")
"""Schedules that look at the evaluation's metric."""
