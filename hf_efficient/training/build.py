"""From a recipe to a plan: rows, task, model, arguments, losses, then the techniques."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from transformers import TrainingArguments, set_seed

from hf_efficient import tasks
from hf_efficient.data import load_tables
from hf_efficient.data.unlabelled import UNLABELLED, UNLABELLED_VIEWS, load_unlabelled
from hf_efficient.errors import PlanError, RecipeError, did_you_mean
from hf_efficient.measure import filling_time
from hf_efficient.models import encoding_limits, load_model, load_processing_class
from hf_efficient.plan import Plan
from hf_efficient.recipe.peft import RATE_FACTOR
from hf_efficient.techniques import apply_techniques, check_techniques, techniques_of
from hf_efficient.training.cores import share_cores
from hf_efficient.training.effects import refuse_for_this_model, refuse_on_this_machine
from hf_efficient.training.launch_checks import Circumstances, check_distributed_config
from hf_efficient.training.learning_rates import learning_rates
from hf_efficient.training.streaming import with_stream
from hf_efficient.training.train_rows import encode_train, prepare, train_dataset, with_unlabelled

if TYPE_CHECKING:
    from datasets import DatasetDict
    from transformers import PreTrainedModel

    from hf_efficient.data.encode import Encoded
    from hf_efficient.models.load import Loaded
    from hf_efficient.recipe import Recipe
    from hf_efficient.tasks.base import Task
    from hf_efficient.training.schedules import Scheduler


@dataclass(frozen=True)
class Live:
    """Python objects that stand in for what the recipe names."""

    model: Any = None
    train_dataset: Any = None
    eval_dataset: Any = None
    processing_class: Any = None

    def named(self, words: Mapping[str, Any]) -> Mapping[str, Any]:
        """A recipe's words, with names put in for objects that it need not name."""
        if self.model is None or "model" in words:
            return words
        return {**words, "model": {"name": self.model.config._name_or_path or type(self.model).__name__}}

    def __bool__(self) -> bool:
        return any(value is not None for value in vars(self).values())


def build(
    recipe: Recipe,
    args: TrainingArguments,
    scheduler: Scheduler | None = None,
    live: Live = Live(),
    *,
    makes_views: bool = True,
) -> Plan:
    """The plan of a recipe; without `makes_views`, views by models that were never made are the rows themselves.

    Raises:
        PlanError: settings that contradict the machine, the launch, the model, the data or each other.
        DataError: rows, columns or labels that can't be used.
    """
    filled = filling_time()
    _refuse_here(recipe, args, live)
    shared = share_cores(args, recipe.place)
    tables, task = _read(recipe, live)
    _set_best_metric(recipe, args, task)
    loaded, processing_class = _load(recipe, args, task, live)
    task = tasks.bind(task, loaded.model, processing_class)
    plan = Plan(
        model=loaded.model,
        args=args,
        processing_class=processing_class,
        data_collator=task.collator(processing_class),
        task=task,
        losses=(task.loss(label_smoothing=args.label_smoothing_factor),),
        scheduler=scheduler,
        notes=(*loaded.notes, *([shared] if shared else []), *_rate_of_adapters(recipe)),
    )
    plan = _with_rows(plan, recipe, tables, makes_views=makes_views)
    plan = apply_techniques(plan, techniques_of(recipe))
    refuse_for_this_model(recipe, plan.model)  # again: less of it may be trained
    wall, cpu = filling_time()
    return replace(
        plan,
        learning_rates=_learning_rates(recipe, plan.model),
        prepared_seconds=(wall - filled[0], cpu - filled[1]),
    )


def _refuse_here(recipe: Recipe, args: TrainingArguments, live: Live) -> None:
    """Refuse, before a row is read, what this call, the launch or the machine can't give effect to."""
    if live.model is not None and recipe.model.distributed_config.num_processes > 1:
        raise PlanError(f"{recipe.place('model.distributed_config')} can't cut model=, which is loaded already.")
    check_distributed_config(Circumstances.current(recipe, args.device.type))
    refuse_on_this_machine(recipe, args.device.type)
    check_techniques(techniques_of(recipe), recipe.place)


def _read(recipe: Recipe, live: Live) -> tuple[DatasetDict, Task]:
    """The rows of each split, those without labels beside them, and the task that was learnt from them."""
    tables = load_tables(
        recipe.data,
        recipe.place,
        tasks.rules_of(recipe.task),
        train=live.train_dataset,
        validation=live.eval_dataset,
    )
    task = tasks.learn(recipe.task, recipe.data, tables, recipe.place)
    if (unlabelled := load_unlabelled(recipe.data, task.columns, recipe.place)) is not None:
        tables[UNLABELLED] = unlabelled
    return tables, task


def _load(recipe: Recipe, args: TrainingArguments, task: Task, live: Live) -> tuple[Loaded, Any]:
    """The model before any technique, and its tokenizer or image processor."""
    place = _place_of_model(recipe)
    processing_class = live.processing_class or load_processing_class(
        recipe.model, task.auto_model, place, image_size=recipe.data.image_size
    )
    set_seed(args.seed)  # a new head is drawn here, before the Trainer seeds
    loaded = load_model(recipe.model, task, processing_class, place, model=live.model)
    if recipe.distill is not None and recipe.distill.student is not None:
        loaded = loaded.cut(recipe.distill.student.from_teacher, processing_class)
    refuse_for_this_model(recipe, loaded.model)
    return loaded, processing_class


def _with_rows(plan: Plan, recipe: Recipe, tables: DatasetDict, *, makes_views: bool) -> Plan:
    """The plan with the rows of each split, as the techniques prepare them and its model reads them."""
    task, processing_class = plan.task, plan.processing_class
    assert task is not None
    train = prepare(recipe, plan.args, task, tables, makes_views=makes_views)
    tables = {**tables, "train": train.table}
    if train.unlabelled_views is not None:
        tables[UNLABELLED_VIEWS] = train.unlabelled_views
    limits = encoding_limits(
        task, plan.model.config, processing_class, recipe.data, recipe.place, virtual_tokens=recipe.virtual_tokens
    )
    encoded = {
        split: task.encode(table, processing_class, split=split, **limits)
        for split, table in tables.items()
        if not (split == "train" and recipe.data.streaming)
    }
    plan = replace(
        plan,
        train_dataset=train_dataset(encoded, train.rows_per_epoch),
        eval_dataset=encoded["validation"].dataset if "validation" in encoded else None,
        test_dataset=encoded["test"].dataset if "test" in encoded else None,
        rows_per_epoch=with_unlabelled(train.rows_per_epoch, tables),
        num_unlabelled=len(tables[UNLABELLED]) if UNLABELLED in tables else 0,
        truncated_rows=_truncated_rows(encoded, train.rows_per_epoch),
        notes=(*plan.notes, *train.notes),
        facts=train.facts,
    )
    if recipe.data.streaming:
        return with_stream(plan, recipe, tables, limits)
    as_read = partial(encode_train, recipe, task, tables, train.rows_per_epoch)
    return replace(plan, train_table=train.table, encode_train=as_read)


def _truncated_rows(encoded: Mapping[str, Encoded], rows_per_epoch: int | None) -> dict[str, int]:
    """How many rows of each split were cut, where any were; of training rows that differ by epoch, the mean."""
    numbers = {split: rows.num_truncated for split, rows in encoded.items() if rows.num_truncated}
    if rows_per_epoch is not None and "train" in numbers:
        numbers["train"] = math.ceil(numbers["train"] * rows_per_epoch / len(encoded["train"].dataset))
    return numbers


def _place_of_model(recipe: Recipe) -> Callable[[str], str]:
    """Where settings of the model were written; its name is the teacher's, if the student is made from it."""
    if recipe.distill is None or recipe.distill.student is None:
        return recipe.place
    return lambda path: recipe.place("distill.teacher" if path == "model.name" else path)


def _rate_of_adapters(recipe: Recipe) -> list[str]:
    if recipe.peft is None or recipe.gives("training.learning_rate"):
        return []
    rate = recipe.training.learning_rate
    return [f"training.learning_rate is {rate:g} by default: {RATE_FACTOR} × that of full fine-tuning, for an adapter"]


def _learning_rates(recipe: Recipe, model: PreTrainedModel) -> dict[str, float] | None:
    training = recipe.training
    if training.layerwise_lr_decay is None and training.head_learning_rate is None:
        return None
    decay = training.layerwise_lr_decay or 1.0
    return learning_rates(model, training.learning_rate, layer_decay=decay, head=training.head_learning_rate)


def _set_best_metric(recipe: Recipe, args: TrainingArguments, task: Task) -> None:
    """Check `metric_for_best_model`, and tell the Trainer which way is better."""
    if args.metric_for_best_model is None:
        return
    metric = args.metric_for_best_model.removeprefix("eval_")
    known = (*task.metric_names, "loss")
    if metric not in known:
        raise RecipeError(
            f"{recipe.place('training.metric_for_best_model')} is {metric}, which is no metric of this run "
            f"({', '.join(known)}).{did_you_mean(metric, known)}"
        )
    if recipe.training.greater_is_better is None:
        args.greater_is_better = metric != "loss" and task.greater_is_better(metric)
