"""How long a run is, what makes a step of it, and how a step is computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hf_efficient.errors import did_you_mean
from hf_efficient.recipe.checks.need import Check, Complaint, Need
from hf_efficient.recipe.schedules import SCHEDULES

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe

_NO_ADAM: Final = ("adafactor", "adagrad", "adalomo", "galore_adafactor", "lomo", "rmsprop", "sgd")


def _workers(recipe: Recipe) -> bool:
    return bool(recipe.training.dataloader_num_workers > 0)


def _adam(recipe: Recipe) -> bool:
    return not recipe.training.optim.startswith(_NO_ADAM)


NEEDS: Final = (
    Need("training.num_train_epochs", lambda r: r.training.max_steps < 1, "training.max_steps ends the run; give one"),
    Need(
        "training.per_device_train_batch_size",
        lambda r: r.batching.padding != "tokens",
        "batching.max_tokens decides how many rows make a batch",
    ),
    Need(
        "training.effective_batch_size",
        lambda r: r.batching.padding != "tokens",
        "batching.max_tokens decides how many rows make a step",
    ),
    Need(
        "training.gradient_accumulation_steps",
        lambda r: r.training.effective_batch_size is None,
        "training.effective_batch_size decides how many micro-batches make a step",
    ),
    *(
        Need(f"training.dataloader_{name}", _workers, "set training.dataloader_num_workers above 0")
        for name in ("prefetch_factor", "persistent_workers", "multiprocessing_context")
    ),
    Need(
        "training.activation_checkpointing_kwargs",
        lambda r: bool(r.training.activation_checkpointing),
        "set training.activation_checkpointing: true",
    ),
    Need(
        "training.liger_kernel_config",
        lambda r: bool(r.training.use_liger_kernel),
        "set training.use_liger_kernel: true",
    ),
    Need("training.fsdp_config", lambda r: bool(r.training.fsdp), "set training.fsdp"),
    Need("training.allow_slow", lambda r: r.training.precision == "bf16", "set training.precision: bf16"),
    Need(
        "training.optim_target_modules",
        lambda r: r.training.optim.startswith(("galore", "apollo")),
        "set training.optim to a GaLore or APOLLO optimizer",
    ),
    *(
        Need(f"training.{name}", _adam, "set training.optim to an Adam")
        for name in ("adam_beta1", "adam_beta2", "adam_epsilon")
    ),
    Need(
        "training.warmup_steps",
        lambda r: SCHEDULES[r.training.lr_scheduler_type].warms_up,
        "this training.lr_scheduler_type has no warmup_steps",
    ),
    Need(
        "training.lr_scheduler_kwargs",
        lambda r: bool(SCHEDULES[r.training.lr_scheduler_type].settings),
        "this training.lr_scheduler_type takes none",
    ),
)


def _batch(recipe: Recipe) -> Iterator[Complaint]:
    """A micro-batch that is found divides the rows of a step."""
    training = recipe.training
    if training.per_device_train_batch_size == "auto" and training.effective_batch_size is None:
        yield (
            "training.per_device_train_batch_size",
            "auto divides the rows of a step: write how many in training.effective_batch_size.",
        )


def _steps(recipe: Recipe) -> Iterator[Complaint]:
    """Steps are whole numbers, or shares of all."""
    training = recipe.training
    if training.max_steps == 0:
        yield "training.max_steps", "must be at least 1, or -1 to count in epochs, found the number 0."
    for name in ("warmup_steps", "logging_steps", "eval_steps", "save_steps"):
        value = getattr(training, name)
        if value is not None and value > 1 and value != int(value):
            yield (
                f"training.{name}",
                f"must be a whole number, or a share below 1 of all steps, found the number {value}.",
            )


def _schedule(recipe: Recipe) -> Iterator[Complaint]:
    """The settings of a schedule are those that it knows, and those that it can't do without."""
    path, name = "training.lr_scheduler_kwargs", recipe.training.lr_scheduler_type
    schedule, given = SCHEDULES[name], recipe.training.lr_scheduler_kwargs or {}
    if isinstance(given, str):
        yield path, f"must be a mapping, found {given!r}."
        return
    for key in given if schedule.settings else ():
        if key not in schedule.settings:
            allowed = ", ".join(schedule.settings)
            yield (
                f"{path}.{key}",
                f"is no setting of {name}, which takes {allowed}.{did_you_mean(key, schedule.settings)}",
            )
    if schedule.required and not set(schedule.required) & set(given):
        missing = " or ".join(schedule.required)
        yield "training.lr_scheduler_type", f"{name} needs a setting: write {missing} under {path}."


def _device(recipe: Recipe) -> Iterator[Complaint]:
    """The device knows the number format."""
    training = recipe.training
    if training.use_cpu and training.precision in ("fp16", "tf32"):
        yield (
            "training.precision",
            f"{training.precision} does not exist on a CPU, and training.use_cpu is set; write auto.",
        )


def _liger(recipe: Recipe) -> Iterator[Complaint]:
    """The trainer computes the loss from the logits itself: one number a row, without a second copy of them."""
    for name in ("cross_entropy", "fused_linear_cross_entropy"):
        if (recipe.training.liger_kernel_config or {}).get(name):
            yield (
                f"training.liger_kernel_config.{name}",
                "can't take effect: the trainer computes the loss of each row itself.",
            )


CHECKS: Final[tuple[Check, ...]] = (_batch, _steps, _schedule, _device, _liger)
