"""From the `training:` section to transformers' `TrainingArguments`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from accelerate.utils import parse_flag_from_env
from transformers import TrainingArguments

from hf_efficient.data.files import first_line
from hf_efficient.errors import PlanError, RecipeError
from hf_efficient.training.launch_checks import Circumstances, check_launch
from hf_efficient.training.precision import Precision, choose_precision, this_device
from hf_efficient.training.run_directory import RunDirectory
from hf_efficient.training.schedules import Scheduler, own_schedule

if TYPE_CHECKING:
    from hf_efficient.recipe import Recipe


_SHARDING = ("deepspeed", "fsdp", "fsdp_config")


def training_arguments(
    recipe: Recipe, run: RunDirectory, *, trains: bool = True
) -> tuple[TrainingArguments, Precision, Scheduler | None]:
    """The arguments of a run, its precision, and its schedule where transformers has none of that name.

    Without `trains`, for scoring alone, nothing is sharded.

    Raises:
        PlanError: the device can't do the precision, or the launch fails or would silently be something else.
        RecipeError: values that `TrainingArguments` itself refuses.
    """
    section = recipe.training
    # The run's data sets hold nothing but what the model and the losses take.
    arguments: dict[str, Any] = {**section.arguments(), "remove_unused_columns": False}
    device = this_device(use_cpu=bool(arguments.get("use_cpu")) or parse_flag_from_env("ACCELERATE_USE_CPU"))
    check_launch(Circumstances.current(recipe, device.kind), trains=trains)
    if not trains:
        arguments = {name: value for name, value in arguments.items() if name not in _SHARDING}
    if device.kind == "cpu":
        arguments["use_cpu"] = True  # transformers refuses bf16 on a CPU unless it is told
    precision = choose_precision(
        section.precision,
        device,
        allow_slow=section.allow_slow,
        place=recipe.place("training.precision"),
    )
    scheduler = own_schedule(
        str(section.lr_scheduler_type),
        section.lr_scheduler_kwargs or {},
        warmup_steps=section.warmup_steps,
    )
    if section.deterministic:
        arguments["full_determinism"] = True
    arguments.pop("resume_from_checkpoint", None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            args = TrainingArguments(output_dir=str(run.checkpoints), **arguments, **precision.arguments)
    except (ValueError, TypeError) as error:
        raise RecipeError(f"{recipe.place('training')}: transformers refuses the arguments: {error}") from error
    except RuntimeError as error:  # torch's, when the processes do not find each other
        raise PlanError(
            f"the launch fails: {first_line(error)}; on several machines, name the network interface that leads to the "
            "others in GLOO_SOCKET_IFNAME (CPU) or NCCL_SOCKET_IFNAME (GPU) on each, see docs/scaling.md."
        ) from error
    if not precision.arguments:
        args.mixed_precision = "no"
    return args, precision, scheduler
