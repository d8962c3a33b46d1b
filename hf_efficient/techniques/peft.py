"""Adapters: a few new weights are trained, and those of the model stay as they are."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from accelerate import DistributedType, PartialState
from transformers import TrainerCallback

from hf_efficient.errors import PlanError
from hf_efficient.losses import is_side_column
from hf_efficient.losses.regularization import Penalty
from hf_efficient.models.adapters import add_adapter, can_merge, orthogonality, refusing, remarks, set_steps
from hf_efficient.models.quantization import is_quantized
from hf_efficient.recipe.peft import Peft

if TYPE_CHECKING:
    from hf_efficient.plan import Plan


def apply(plan: Plan, section: Peft) -> Plan:
    """The plan whose model trains an adapter, and its head.

    Raises:
        PlanError: the method does not fit the model, the task or the launch, or a setting is wrong.
    """
    try:
        section.checked()
    except ValueError as error:  # a recipe has said so before
        raise PlanError(str(error)) from error
    if PartialState().distributed_type in (DistributedType.FSDP, DistributedType.DEEPSPEED):
        raise PlanError("peft needs the whole model on each process, and this launch shards it; use plain processes.")
    model, found = add_adapter(plan.model, section, None if plan.task is None else plan.task.name)
    plan = replace(plan, model=model)
    with remarks() as said:
        _try(plan, section)
    found += said
    if section.method == "adalora":
        plan = _with_rank_schedule(plan)
    if not can_merge(model):
        reason = "into quantised weights" if is_quantized(model) else "into any weights"
        found.append(f"{section.method} can't be merged {reason}: the run writes base/ and adapter/ instead of model/")
    for remark in found:
        plan = plan.with_note(remark)
    return plan


def _with_rank_schedule(plan: Plan) -> Plan:
    if not plan.losses:
        raise PlanError("peft.method: adalora brings a loss of its own; train by a recipe, or take lora.")
    config = plan.model.active_peft_config
    if config.init_r <= config.target_r:
        raise PlanError(
            f"peft.init_r: expected more than peft.target_r, {config.target_r}, found {config.init_r}; for ranks that "
            "stay as they are, take lora."
        )
    penalty = Penalty(partial(orthogonality, plan.model), config.orth_reg_weight, "orthogonality")
    return plan.with_loss(penalty).with_callback(AllocateRanks(plan.model))


class AllocateRanks(TrainerCallback):
    """Has AdaLoRA choose, once an optimizer step, which ranks to keep."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first step, also of a run that goes on."""
        set_steps(self.model, state.max_steps)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer while the step's gradients are still there."""
        self.model.base_model.update_and_allocate(state.global_step + 1)


@torch.no_grad()
def _try(plan: Plan, section: Peft) -> None:
    """Have the model answer one row: for some methods peft finds out only then that the model can't do it."""
    rows = plan.train_dataset if plan.eval_dataset is None else plan.eval_dataset
    if plan.data_collator is None or rows is None or not len(rows):
        return
    batch: dict[str, Any] = plan.data_collator([rows[0]])
    device = next(plan.model.parameters()).device
    inputs = {name: value.to(device) for name, value in batch.items() if not is_side_column(name)}
    was_training = plan.model.training
    plan.model.eval()
    with refusing(f"peft: {section.method} does not work on {type(plan.model.get_base_model()).__name__}"):
        plan.model(**inputs)
    plan.model.train(was_training)
