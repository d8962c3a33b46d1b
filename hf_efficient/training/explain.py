"""What a recipe comes to: every setting with its source, and the run that would follow, without running it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_efficient.data.batches import Split, padded_share
from hf_efficient.data.images import image_size
from hf_efficient.data.stream import StreamedRows
from hf_efficient.losses import IGNORED
from hf_efficient.models import blank_pixels, max_length_of, takes_images
from hf_efficient.models.adapters import model_class
from hf_efficient.models.distributed import class_name, data_parallel_size, effective_batch_size
from hf_efficient.models.quantization import numel
from hf_efficient.plan import Plan
from hf_efficient.recipe import Recipe, Source
from hf_efficient.recipe.schedules import SCHEDULES
from hf_efficient.recipe.source import DEFAULT
from hf_efficient.recipe.training_arguments import training_arguments as arguments_of_transformers
from hf_efficient.recipe.tree import dotted, leaves
from hf_efficient.techniques import TECHNIQUES, techniques_of
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.batch_fit import divide_steps
from hf_efficient.training.build import build
from hf_efficient.training.facts import rows_of_training
from hf_efficient.training.launch import Launch
from hf_efficient.training.memory import step_memory
from hf_efficient.training.precision import Precision
from hf_efficient.training.progress import without_library_bars
from hf_efficient.training.run import make_trainer
from hf_efficient.training.run_directory import RunDirectory
from hf_efficient.training.trainer import EfficientTrainer


@dataclass(frozen=True)
class Setting:
    """One resolved value of a recipe."""

    path: str
    value: Any
    source: Source

    @property
    def section(self) -> str:
        """The first word of the path."""
        return self.path.partition(".")[0]

    @property
    def is_default(self) -> bool:
        """Whether nobody wrote it."""
        return self.source == DEFAULT

    @property
    def is_library_default(self) -> bool:
        """Whether it is what transformers' `TrainingArguments` would have taken, unasked."""
        section, _, name = self.path.partition(".")
        argument = arguments_of_transformers().get(name)
        if section != "training" or argument is None or not self.is_default:
            return False
        default = list(argument.default) if isinstance(argument.default, tuple) else argument.default
        return bool(self.value == default)


@dataclass(frozen=True)
class Steps:
    """Optimizer steps, as the Trainer counts them."""

    per_epoch: int | None
    """None where the rows stream, and nobody has counted them."""
    total: int
    warmup: int | None
    """None where the schedule has no warm-up of that kind."""


def settings(recipe: Recipe) -> list[Setting]:
    """Every resolved value and where it came from, in the recipe's order."""
    sources = recipe.sources
    values = {dotted(path): value for path, value in leaves(recipe.to_mapping())}
    return [Setting(path, value, sources[path]) for path, value in values.items()]


def explain(recipe: Recipe) -> dict[str, Any]:
    """What a run of the recipe would be, in values that JSON can hold: the plan is built, nothing is trained.

    The Trainer makes its output folder when it is made: here a temporary one, so that the run directory is not touched.

    Raises:
        HfEfficientError: whatever would stop the run before its first step.
    """
    with tempfile.TemporaryDirectory() as folder, without_library_bars():
        elsewhere = RunDirectory(Path(folder))
        args, precision, scheduler = training_arguments(recipe, elsewhere)
        plan = divide_steps(
            recipe, build(recipe, args, scheduler, makes_views=False), RunDirectory.of(recipe), keep=False
        )
        trainer = make_trainer(plan, elsewhere)
        launch = Launch.current(args, plan.model)
        return {
            **facts(recipe, plan, precision, count_steps(trainer, recipe), asdict(launch)),
            "memory": None if launch.sharding else predicted_memory(trainer),
        }


def count_steps(trainer: EfficientTrainer, recipe: Recipe) -> Steps:
    """The steps that `trainer.train()` would take on these processes, counted by the Trainer over its own batches."""
    args = trainer.args
    _, per_epoch, *_, total = trainer.set_initial_training_values(args, trainer.get_train_dataloader())
    warms_up = SCHEDULES[recipe.training.lr_scheduler_type].warms_up
    return Steps(
        None if recipe.data.streaming else per_epoch, total, args.get_warmup_steps(total) if warms_up else None
    )


def predicted_memory(trainer: EfficientTrainer) -> dict[str, int]:
    """Bytes that each process is predicted to hold at its peak, and of what."""
    memory, rows = step_memory(trainer), trainer.args.per_device_train_batch_size
    return {
        "peak": memory.total(rows),
        "parameters": memory.parameters,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        "activations": memory.activations(rows),
        "allocator": memory.allocator(rows),
        "rest": memory.rest,
    }


def facts(recipe: Recipe, plan: Plan, precision: Precision, steps: Steps, launch: Mapping[str, Any]) -> dict[str, Any]:
    """The plan in figures; what can't be known is None."""
    assert plan.task is not None
    args, splits = plan.args, _splits(plan)
    return {
        "task": {"type": plan.task.name, **plan.task.facts()},
        "model": _model(recipe, plan),
        "data": {
            "name": recipe.data.name or recipe.data.train,
            "rows": {**rows_of_training(plan), **{split: len(splits[split]) for split in splits if split != "train"}},
            "truncated_rows": plan.truncated_rows,
            "image_sizes": {split: image_sizes(table) for split, table in splits.items()},
            "token_lengths": {split: token_lengths(_column(table, "length")) for split, table in splits.items()},
            "labels": _labels(_labelled(plan), **plan.task.facts()) if "train" in splits else None,
        },
        "batch": {
            "per_device": args.train_batch_size,
            "accumulation": args.gradient_accumulation_steps,
            "processes": data_parallel_size(args, plan.model),
            "effective": effective_batch_size(args, plan.model),
            "padding": _padding(plan, data_parallel_size(args, plan.model)),
        },
        "steps": {**asdict(steps), "epochs": steps.total / steps.per_epoch if steps.per_epoch else None},
        "schedule": {
            "name": str(recipe.training.lr_scheduler_type),
            "learning_rate": args.learning_rate,
            "settings": recipe.training.lr_scheduler_kwargs or {},
        },
        "seed": args.seed,
        "precision": {"name": precision.name, "reason": precision.reason},
        "launch": dict(launch),
        "techniques": _techniques(recipe),
        "notes": [*plan.notes, *_of_active(recipe)],
        "output_dir": str(RunDirectory.of(recipe).path),
        "output_dir_state": directory_state(RunDirectory.of(recipe)),
    }


def _of_active(recipe: Recipe) -> list[str]:
    if recipe.active is None:
        return []
    budget = recipe.active.budget
    return [f"`hf-efficient active` labels at most {budget:,} of the training rows; this is the run on all of them"]


def _model(recipe: Recipe, plan: Plan) -> dict[str, Any]:
    parameters = list(plan.model.parameters())
    return {
        "name": recipe.model.name,
        "class": class_name(model_class(plan.model)),
        "parameters": sum(numel(p) for p in parameters),
        "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        **_inputs(recipe, plan),
    }


def _inputs(recipe: Recipe, plan: Plan) -> dict[str, Any]:
    """What makes the model's inputs, and how large they are."""
    name, auto_model = type(plan.processing_class).__name__, plan.task.auto_model if plan.task else ""
    if takes_images(auto_model):
        _, channels, height, width = blank_pixels(plan.processing_class).shape
        return {"image_processor": name, "channels": channels, "height": height, "width": width}
    config, reserved = plan.model.config, recipe.virtual_tokens
    max_length = max_length_of(
        config, plan.processing_class, recipe.data.max_length, recipe.place, virtual_tokens=reserved
    )
    return {"tokenizer": name, "vocabulary": len(plan.processing_class), "max_length": max_length}


def _splits(plan: Plan) -> dict[str, Any]:
    """The splits that are tables: a stream is none."""
    tables = {"train": _first_epoch(plan), "validation": plan.eval_dataset, "test": plan.test_dataset}
    return {split: table for split, table in tables.items() if not isinstance(table, StreamedRows | None)}


def _labelled(plan: Plan) -> Any:
    return _first_epoch(plan).select(range(plan.num_train_rows - plan.num_unlabelled))


def _first_epoch(plan: Plan) -> Any:
    """The training rows of the first epoch."""
    rows = plan.train_dataset
    return rows if plan.rows_per_epoch is None else rows.select(range(plan.rows_per_epoch))


def _column(table: Any, name: str) -> NDArray[Any] | None:
    return np.asarray(table[name]) if name in table.column_names else None


def token_lengths(lengths: NDArray[Any] | None) -> dict[str, int] | None:
    """Shortest, median, 95th percentile and longest row in tokens, each the length of a real row."""
    if lengths is None:
        return None
    shares = {"min": 0.0, "median": 0.5, "p95": 0.95, "max": 1.0}
    values = np.quantile(lengths, list(shares.values()), method="inverted_cdf")
    return {name: int(value) for name, value in zip(shares, values, strict=True)}


def _padding(plan: Plan, processes: int) -> float | None:
    """Share of the first epoch's tokens that only pad: counted where batches are grouped, else estimated."""
    if isinstance(plan.train_dataset, StreamedRows):
        return None
    if plan.batches is None:
        return padding_share(_column(plan.train_dataset, "length"), plan.args.train_batch_size)
    split = Split(plan.args.train_batch_size, plan.args.gradient_accumulation_steps, processes)
    batches = plan.batches.sampler(split, seed=plan.args.seed, order=plan.order)
    return padded_share(batches.micro_batches(), plan.batches.lengths)


def image_sizes(table: Any) -> dict[str, list[int]] | None:
    """Smallest and largest width and height of a split's images in pixels; None where there are none."""
    if "image" not in table.column_names:
        return None
    sizes = np.asarray([image_size(value, name) for value, name in zip(table["image"], table["name"], strict=True)])
    return {"min": sizes.min(axis=0).tolist(), "max": sizes.max(axis=0).tolist()}


def padding_share(lengths: NDArray[Any] | None, batch_size: int, seed: int = 0) -> float | None:
    """Share of the tokens that only pad, estimated over one shuffled epoch; a batch is as long as its longest row."""
    if lengths is None:
        return None
    shuffled = np.random.default_rng(seed).permutation(len(lengths))
    batches = [shuffled[start : start + batch_size] for start in range(0, len(shuffled), batch_size)]
    return padded_share(batches, lengths)


def _labels(table: Any, problem: str, labels: list[str], **_: Any) -> dict[str, float] | None:
    if problem in ("tags", "entities"):  # rows of several lengths
        return label_counts(np.concatenate(table["labels"][:]), labels)
    return None if problem in ("generation", "next_token") else label_counts(_column(table, "labels"), labels)


def label_counts(labels: NDArray[Any] | None, names: list[str]) -> dict[str, float] | None:
    """Training rows of each class; of a regression, the smallest, mean and largest number."""
    if labels is None:
        return None
    if not names:
        return {"min": float(labels.min()), "mean": float(labels.mean()), "max": float(labels.max())}
    if labels.ndim > 1:
        counts = labels.sum(axis=0).astype(int)
    else:
        counts = np.bincount(labels[labels != IGNORED], minlength=len(names))
    return dict(zip(names, counts.tolist(), strict=True))


def _techniques(recipe: Recipe) -> list[dict[str, Any]]:
    """The recipe's techniques in the order in which they are applied, with what is set of each."""
    names = {type(section): name for name, section in recipe}
    sections = sorted(techniques_of(recipe), key=lambda section: list(TECHNIQUES).index(type(section)))
    return [{"name": names[type(s)], "settings": s.model_dump(mode="json", exclude_none=True)} for s in sections]


def directory_state(run: RunDirectory) -> str:
    """What a run would find in its directory: `new`, `unfinished` or `finished`."""
    if run.report.is_file():
        return "finished"
    return "unfinished" if run.recipe.is_file() else "new"
