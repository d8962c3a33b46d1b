"""Gradual unfreezing: frozen layers are trained one after the other, from the top down."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from torch import nn
from transformers import TrainerCallback

from hf_efficient.errors import PlanError
from hf_efficient.models.adapters import is_adapted
from hf_efficient.models.depth import depth_of
from hf_efficient.models.distributed import effective_batch_size, is_sharded
from hf_efficient.models.thawing import Thawing, turns_of

if TYPE_CHECKING:
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.freeze import Freeze, Unfreeze


def thawing_of(plan: Plan, section: Freeze, *, stays: Collection[str]) -> Thawing:
    """What the section thaws before the run ends, as far as its end is known; `stays` is never trained.

    Raises:
        PlanError: nothing thaws, or the model or its rows do not allow it.
    """
    unfreeze = section.unfreeze
    if unfreeze is None:
        return Thawing()
    _check(plan, unfreeze)
    depth = depth_of(plan.model, "freeze.unfreeze")
    number = len(depth.layers) if section.layers == "all" else section.layers or 0
    turns = list(turns_of(depth, number, at_a_time=unfreeze.layers, stays=stays))[: _num_reached(plan, unfreeze)]
    if not any(turn.names for turn in turns):
        raise PlanError("freeze.unfreeze can't take effect: nothing thaws before the run ends; take it out.")
    return Thawing(tuple(turns), unfreeze.every_epochs, unfreeze.every_steps)


def _check(plan: Plan, unfreeze: Unfreeze) -> None:
    if is_sharded(plan.model):
        raise PlanError("freeze.unfreeze can't take effect: the model is sharded over the processes; take it out.")
    if is_adapted(plan.model):
        raise PlanError(
            "freeze.unfreeze can't take effect: peft leaves the model's own weights as they are; take one out."
        )
    rows = plan.train_dataset
    if unfreeze.every_epochs is not None and rows is not None and not hasattr(rows, "__len__"):
        raise PlanError(
            "freeze.unfreeze.every_epochs can't take effect: the training rows have no known length; write every_steps."
        )


def _num_reached(plan: Plan, unfreeze: Unfreeze) -> int | None:
    """Turns before the run ends; None where nobody knows how many steps an epoch has."""
    args = plan.args
    if args is None:
        return None
    end: float
    end, ends_by_steps = (args.max_steps, True) if args.max_steps > 0 else (args.num_train_epochs, False)
    if ends_by_steps == (unfreeze.every_steps is not None):
        return math.ceil(end / (unfreeze.every_steps or unfreeze.every_epochs or 1)) - 1
    steps = _steps_of_epoch(plan)
    if steps is None:
        return None
    if unfreeze.every_steps is not None:
        return math.ceil(math.ceil(end * steps) / unfreeze.every_steps) - 1
    return math.ceil(end / (steps * (unfreeze.every_epochs or 1))) - 1


def _steps_of_epoch(plan: Plan) -> int | None:
    """Optimizer steps of an epoch, if each has the same number of rows and those can be counted."""
    rows = plan.train_dataset
    fixed = plan.batches is None or plan.batches.max_tokens is None
    if not hasattr(rows, "__len__") or plan.order is not None or not fixed:
        return None
    return math.ceil(plan.num_train_rows / effective_batch_size(plan.args, plan.model))


def with_thawing(plan: Plan, thawing: Thawing) -> Plan:
    """The plan in which frozen parameters thaw.

    All that will ever be trained is made trainable here, so that the optimizer and DDP know it, and frozen before the
    first step. An optimizer passes over what has no gradient: neither weight decay nor momentum moves it, and its
    moments begin when it thaws.
    """
    note = _note(plan.model, thawing)
    weights = dict(plan.model.named_parameters())
    turns = [[weights[name] for name in turn.names] for turn in thawing.turns]
    for weight in (weight for turn in turns for weight in turn):
        weight.requires_grad_(True)
    if plan.args is not None:
        plan.args.ddp_find_unused_parameters = True
    return plan.with_callback(Thaw(thawing, turns)).with_note(note)


def _note(model: nn.Module, thawing: Thawing) -> str:
    """When which layers thaw, and how many parameters are trained from then on."""
    every, unit = thawing.every_steps or thawing.every_epochs or 1, "step" if thawing.every_steps else "epoch"
    sizes = {name: weight.numel() for name, weight in model.named_parameters()}
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    words = [f"{trained:,} at first"]
    for number, turn in enumerate(thawing.turns, start=1):
        trained += sum(sizes[name] for name in turn.names)
        words.append(f"{trained:,} after {unit} {number * every:,} ({' and '.join(turn.parts)})")
    return f"parameters thaw from the top down: trained are {', '.join(words)}; layer 0 is the lowest"


class Thaw(TrainerCallback):
    """Freezes what has not had its turn, before the first step of a run and of its continuation, and thaws the rest."""

    def __init__(self, thawing: Thawing, turns: list[list[nn.Parameter]]) -> None:
        self.thawing = thawing
        self._turns = turns
        self._taken: int | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer once the optimizer is made and the model is wrapped."""
        if not self.thawing.begins(state):
            raise PlanError("freeze.unfreeze can't take effect: the run ends before anything thaws; take it out.")
        self._set(self.thawing.taken(state))

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first micro-batch of a step."""
        self._set(self.thawing.taken(state))

    def _set(self, taken: int) -> None:
        if taken == self._taken:
            return
        for number, weights in enumerate(self._turns):
            for weight in weights:
                weight.requires_grad_(number < taken)
        self._taken = taken
