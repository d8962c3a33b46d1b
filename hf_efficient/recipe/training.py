"""The `training:` section: Hugging Face's TrainingArguments under their own names, and a few values of our own."""

from __future__ import annotations

from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import Field, create_model

from hf_efficient.recipe.schedules import OWN_SCHEDULES
from hf_efficient.recipe.section import Section, alternatives
from hf_efficient.recipe.training_arguments import Argument, one_of, training_arguments
from hf_efficient.recipe.training_names import OWNED

Precision = Literal["auto", "fp32", "bf16", "fp16", "tf32"]

DEFAULTS: Final[dict[str, Any]] = {
    # Without evaluation and checkpoints nobody sees whether a run is worth going on with, or gets it back.
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    # Every checkpoint holds the optimizer too, three times the model: two are enough to resume from.
    "save_total_limit": 2,
    # The filter logs a loss of 0.0 while the weights are NaN.
    "logging_nan_inf_filter": False,
    # 500 steps is longer than many whole runs.
    "logging_steps": 10,
    # Patience would start anew at each resume.
    "restore_callback_states_from_checkpoint": True,
    # The run shows one progress bar of its own, and the library's chatter would tear it apart.
    "disable_tqdm": True,
    "log_level": "error",
    "log_level_replica": "error",
    # Every trainable parameter takes part in every step; looking for unused ones costs a pass over the graph.
    "ddp_find_unused_parameters": False,
}
"""Where our default is not TrainingArguments', and why."""

RANGES: Final[dict[str, dict[str, Any]]] = {
    "adam_beta1": {"ge": 0, "lt": 1},
    "adam_beta2": {"ge": 0, "lt": 1},
    "adam_epsilon": {"ge": 0},
    "data_seed": {"ge": 0},
    "dataloader_num_workers": {"ge": 0},
    "dataloader_prefetch_factor": {"ge": 1},
    "ddp_bucket_cap_mb": {"ge": 1},
    "ddp_timeout": {"ge": 1},
    "eval_accumulation_steps": {"ge": 1},
    "eval_delay": {"ge": 0},
    "eval_steps": {"gt": 0},
    "gradient_accumulation_steps": {"ge": 1},
    "label_smoothing_factor": {"ge": 0, "lt": 1},
    "learning_rate": {"ge": 0},
    "logging_steps": {"gt": 0},
    "max_grad_norm": {"ge": 0},
    "max_steps": {"ge": -1},
    "neftune_noise_alpha": {"ge": 0},
    "num_train_epochs": {"gt": 0},
    "per_device_eval_batch_size": {"ge": 1},
    "per_device_train_batch_size": {"ge": 1},
    "save_steps": {"gt": 0},
    "save_total_limit": {"ge": 1},
    "seed": {"ge": 0, "lt": 2**32},
    "torch_empty_cache_steps": {"ge": 1},
    "warmup_steps": {"ge": 0},
    "weight_decay": {"ge": 0},
}

_LEVELS: Final = ("detail", "debug", "info", "warning", "error", "critical", "passive")
_TRACKERS: Final = (
    "none", "all", "azure_ml", "clearml", "codecarbon", "comet_ml", "dagshub", "dvclive", "flyte", "kubeflow",
    "mlflow", "neptune", "swanlab", "tensorboard", "trackio", "wandb",
)  # fmt: skip

HELP: Final[dict[str, str]] = {
    "per_device_train_batch_size": "Rows of a micro-batch on each device, or `auto`: as many as fit its memory, "
    "of the rows that `effective_batch_size` gives a step.",
}
"""What an argument means here, where it takes more than TrainingArguments'."""

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "include_num_input_tokens_seen": ("all", "non_padding", "no"),
    "log_level": _LEVELS,
    "log_level_replica": _LEVELS,
    "report_to": _TRACKERS,
}
"""Values of arguments that TrainingArguments declares as mere text."""


class _OwnTraining(Section):
    output_dir: str = Field(default="runs/recipe", min_length=1)
    """Directory of the run; by default `runs/` and the name of the recipe's file."""
    effective_batch_size: int | None = Field(default=None, ge=1)
    """Rows of an optimizer step, over all devices and accumulated micro-batches: `gradient_accumulation_steps` follows
    from it."""
    layerwise_lr_decay: float | None = Field(default=None, gt=0, le=1)
    """Factor of the learning rate from each layer to the one below it, e.g. 0.9; the embeddings count as one more."""
    head_learning_rate: float | None = Field(default=None, gt=0)
    """Learning rate of what stands above the layers: norm, pooler, classifier; by default `learning_rate`."""
    precision: Precision = "auto"
    """Number format of the computation; `auto` takes what the device does fast, and the report says why."""
    allow_slow: bool = False
    """Permit `precision: bf16` on a device that is slower with it."""
    deterministic: bool = False
    """Use only deterministic kernels; slower, and an error where there is none."""

    def arguments(self) -> dict[str, Any]:
        """Keyword values for TrainingArguments: what the recipe sets, and our defaults where they differ.

        `output_dir` is left to the run directory, and a schedule of our own, with its settings, to the trainer.
        """
        names = (self.model_fields_set | DEFAULTS.keys()) - _OwnTraining.model_fields.keys()
        if self.lr_scheduler_type in OWN_SCHEDULES:
            names -= {"lr_scheduler_type", "lr_scheduler_kwargs"}
        if self.per_device_train_batch_size == "auto":
            names -= {"per_device_train_batch_size"}
        return {name: _listed(getattr(self, name)) for name in sorted(names)}

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _field(name: str, argument: Argument) -> tuple[Any, Any]:
    """The pydantic field of one TrainingArguments field."""
    default = DEFAULTS.get(name, argument.default)
    if name == "per_device_train_batch_size":  # the range is that of the number, not of the word
        return Annotated[int, Field(**RANGES[name])] | Literal["auto"], Field(default=default, description=HELP[name])
    field = Field(default=default, description=argument.help, **RANGES.get(name, {}))
    return Union[_kinds(name, argument)], field  # noqa: UP007


def _kinds(name: str, argument: Argument) -> tuple[Any, ...]:
    """The types that a recipe may write for an argument; all words of which one is to be chosen come in one Literal."""
    kinds = alternatives(argument.annotation)
    if name in CHOICES:
        word = one_of(CHOICES[name])
        narrowed = {str: word, tuple[str, ...]: GenericAlias(tuple, (word, ...))}
        kinds = tuple(narrowed.get(kind, kind) for kind in kinds)
    if name == "lr_scheduler_type":
        kinds = (*kinds, one_of(OWN_SCHEDULES))
    if name.endswith("_steps") and float in kinds:
        # A count when it is whole, a share of all steps below 1: 100 should not become 100.0.
        kinds = (int, *kinds)
    literals = [kind for kind in kinds if get_origin(kind) is Literal]
    words = tuple(word for literal in literals for word in get_args(literal))
    return (*((one_of(words),) if words else ()), *(kind for kind in kinds if kind not in literals))


if TYPE_CHECKING:

    class TrainingSection(_OwnTraining):
        """How the model is trained."""

else:
    TrainingSection = create_model(
        "TrainingSection",
        __base__=_OwnTraining,
        __module__=__name__,
        __doc__="How the model is trained: TrainingArguments under Hugging Face's names, and values of our own.",
        **{
            name: _field(name, argument)
            for name, argument in training_arguments().items()
            if name not in OWNED and name not in _OwnTraining.model_fields
        },
    )
