"""From the `training:` section to transformers' `TrainingArguments`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from transformers import TrainingArguments

from hf_efficient.errors import RecipeError
from hf_efficient.training.precision import Precision, choose_precision, this_device
from hf_efficient.training.run_directory import RunDirectory
from hf_efficient.training.schedules import Scheduler, own_schedule

if TYPE_CHECKING:
    from hf_efficient.recipe import Recipe

RUN_ARGUMENTS = {
    "log_level": "error",
    "log_level_replica": "error",
    "disable_tqdm": True,  # the run shows its own bar
    "remove_unused_columns": False,  # its data sets hold nothing but what the model and the losses take
    "ddp_find_unused_parameters": False,  # every trainable parameter takes part in every step
}
"""What a run sets where the recipe does not."""


def training_arguments(recipe: Recipe, run: RunDirectory) -> tuple[TrainingArguments, Precision, Scheduler | None]:
    """The arguments of a run, its precision, and its schedule where transformers has none of that name.

    Raises:
        PlanError: the device can't do the precision.
        RecipeError: values that `TrainingArguments` itself refuses.
    """
    section = recipe.training
    arguments: dict[str, Any] = {**RUN_ARGUMENTS, **section.arguments()}
    precision = choose_precision(
        section.precision,
        this_device(use_cpu=bool(arguments.get("use_cpu"))),
        allow_slow=section.allow_slow,
        place=recipe.place("training.precision"),
    )
    scheduler = own_schedule(
        str(section.lr_scheduler_type),
        section.lr_scheduler_kwargs or {},
        warmup_steps=section.warmup_steps,
        place="training.lr_scheduler_kwargs",
    )
    if scheduler is not None:
        for name in ("lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps"):
            arguments.pop(name, None)
    if section.deterministic:
        arguments["full_determinism"] = True
    arguments.pop("resume_from_checkpoint", None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            args = TrainingArguments(output_dir=str(run.checkpoints), **arguments, **precision.arguments)
    except (ValueError, TypeError) as error:
        raise RecipeError(f"{recipe.place('training')}: transformers refuses the arguments: {error}") from error
    if not precision.arguments:
        args.mixed_precision = "no"
    return args, precision, scheduler
