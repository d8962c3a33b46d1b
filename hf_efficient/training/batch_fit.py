"""How the rows of an optimizer step are divided: as many in a micro-batch as fit memory, the rest by accumulation.

The rows of a step are `training.effective_batch_size` however many devices there are, so that training is the same
wherever it runs. GPUs try, other devices predict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from hf_efficient.errors import PlanError
from hf_efficient.measure import free_memory
from hf_efficient.models.distributed import data_parallel_size
from hf_efficient.models.processes import on_main_process
from hf_efficient.plan import Plan
from hf_efficient.report.units import size
from hf_efficient.training.launch import local_world_size
from hf_efficient.training.memory import (
    forward_backward,
    holding_gradients,
    optimizer_memory,
    step_memory,
    trained_weights,
    untouched,
)
from hf_efficient.training.micro_batch import MicroBatch, divisors, largest
from hf_efficient.training.out_of_memory import Smaller
from hf_efficient.training.run import make_trainer
from hf_efficient.training.run_directory import RunDirectory

if TYPE_CHECKING:
    from hf_efficient.recipe import Recipe
    from hf_efficient.training.trainer import EfficientTrainer

AUTO: Final = "auto"

_SHARE_OF_FREE_MEMORY = 0.8
"""What a prediction may fill: it is an estimate, and evaluating and saving take some, too."""
_SPARE_SHARE_OF_GPU = 0.05


def divide_steps(recipe: Recipe, plan: Plan, run: RunDirectory, *, keep: bool = True) -> Plan:
    """The plan whose arguments divide the rows of a step as the recipe says.

    Args:
        recipe: the words.
        plan: the plan built from them.
        run: where an earlier start may have left the size that it found.
        keep: leave the size there for the next start.

    Raises:
        PlanError: the rows of a step can't be divided evenly, or not even one fits memory.
    """
    section, args = recipe.training, plan.args
    if section.effective_batch_size is None:
        return plan
    place = recipe.place("training.effective_batch_size")
    ranks = data_parallel_size(args, plan.model)
    rows = _rows_of_device(section.effective_batch_size, ranks, place)
    if section.per_device_train_batch_size != AUTO:
        return _divided(plan, rows, _given(recipe, rows))
    found = on_main_process(lambda: MicroBatch.read(run.micro_batch, recipe.digest()))
    if found is None:
        found = _found(recipe, plan, run, rows)
        if keep:
            on_main_process(lambda: found.write(run.micro_batch))
    size_of_device = largest(divisors(rows), lambda candidate: candidate <= found.rows) or 1
    plan = _divided(plan, rows, size_of_device)
    note = (
        f"{size_of_device} rows a device × {rows // size_of_device} accumulated × {ranks} "
        f"make the {section.effective_batch_size} of a step: {found.reason}"
    )
    return replace(plan.with_note(note), smaller_micro_batch=Smaller(found, rows, run.micro_batch, args.world_size))


def _rows_of_device(effective: int, processes: int, place: str) -> int:
    if effective % processes:
        below = effective // processes * processes
        raise PlanError(
            f"{place}: expected a multiple of the {processes} processes, found {effective}; "
            f"write {below or processes} or {below + processes}."
        )
    return effective // processes


def _given(recipe: Recipe, rows: int) -> int:
    given = int(recipe.training.per_device_train_batch_size)
    if rows % given:
        place = recipe.place("training.per_device_train_batch_size")
        raise PlanError(
            f"{place}: expected a divisor of the {rows} rows that a step of training.effective_batch_size has on each "
            f"device, found {given}; write {largest(divisors(rows), lambda size: size <= given)} or auto."
        )
    return given


def _divided(plan: Plan, rows: int, micro_batch: int) -> Plan:
    plan.args.per_device_train_batch_size = micro_batch
    plan.args.gradient_accumulation_steps = rows // micro_batch
    return plan


def _found(recipe: Recipe, plan: Plan, run: RunDirectory, rows: int) -> MicroBatch:
    """The largest micro-batch that fits on every process."""
    trainer = make_trainer(_divided(plan, rows, 1), run)
    fits, reason = _method(trainer)
    found = _smallest_of_all(trainer, largest(divisors(rows), fits) or 0)
    if not found:
        raise PlanError(
            f"{recipe.place('training.per_device_train_batch_size')}: not even one row fits memory ({reason}); "
            "set data.max_length, training.activation_checkpointing: true, or take a smaller model."
        )
    return MicroBatch(found, reason, recipe.digest())


def _smallest_of_all(trainer: EfficientTrainer, rows: int) -> int:
    mine = torch.tensor([rows], device=trainer.args.device)
    found: Any = trainer.accelerator.gather(mine)
    return int(found.min())


def _method(trainer: EfficientTrainer) -> tuple[Callable[[int], bool], str]:
    """Whether a micro-batch fits this device, and in words how that is known."""
    if trainer.args.device.type in ("cuda", "xpu"):
        return lambda rows: tried(trainer, rows), "the largest with which a trial on the longest rows fits the GPU"
    memory, free = step_memory(trainer), free_memory() // local_world_size()
    reason = f"the largest predicted to fit {_SHARE_OF_FREE_MEMORY:.0%} of the {size(free)} free"
    return lambda rows: memory.needed(rows) <= _SHARE_OF_FREE_MEMORY * free, reason


def tried(trainer: EfficientTrainer, rows: int) -> bool:
    """Whether a forward and backward pass over this many of the longest rows fits, beside all that training needs."""
    try:
        with untouched(trainer), holding_gradients(trainer):
            ballast = torch.empty(_ballast(trainer), dtype=torch.uint8, device=trainer.args.device)
            forward_backward(trainer, rows)
            del ballast
    except RuntimeError as error:
        if not should_reduce_batch_size(error):
            raise
        return False
    finally:
        clear_device_cache(garbage_collection=True)
    return True


def _ballast(trainer: EfficientTrainer) -> int:
    """Bytes that a training step has and the trial has not: the optimizer's state, DDP's buckets, a reserve."""
    gradients = sum(weight.nbytes for weight in trained_weights(trainer))
    buckets = gradients if trainer.args.world_size > 1 else 0
    device = trainer.args.device
    reserve = 0
    if device.type != "cpu":
        reserve = int(_SPARE_SHARE_OF_GPU * torch.get_device_module(device).mem_get_info(device)[1])
    return optimizer_memory(trainer) + buckets + reserve
