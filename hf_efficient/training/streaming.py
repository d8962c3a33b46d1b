"""From the training rows of a plan that streams to what a data loader reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hf_efficient import tasks
from hf_efficient.data.load import training_shards
from hf_efficient.data.randomness import data_seed
from hf_efficient.data.rules import Rules
from hf_efficient.data.stream import StreamedRows
from hf_efficient.errors import PlanError, RecipeError
from hf_efficient.models.distributed import effective_batch_size

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from hf_efficient.plan import Plan
    from hf_efficient.recipe import Recipe

_NOT_READ = ("label", "weight")
"""Parts of columns that say nothing of how long a row is."""


@dataclass(frozen=True)
class EncodeRows:
    """Some rows as the collator takes them, checked as those of a whole split are."""

    task: tasks.Streams
    rules: Rules
    processing_class: Any
    limits: dict[str, Any]

    def __call__(self, table: Dataset, name: str) -> Dataset:
        """The encoded rows.

        Raises:
            DataError: the first row that can't be used; the message begins with `name`.
        """
        self.rules.check(table, name, scored=True)
        return self.task.encode_batch(table, self.processing_class, split=name, **self.limits)


def with_stream(plan: Plan, recipe: Recipe, tables: DatasetDict, limits: dict[str, Any]) -> Plan:
    """The plan with training rows that are encoded as they are read; `tables` holds the first ones.

    Raises:
        RecipeError: there are no rows to score, and the run is to score some.
        PlanError: the task needs all rows at once.
    """
    if plan.eval_dataset is None and plan.args.eval_strategy != "no":
        raise RecipeError(
            f"{recipe.place('data.streaming')}: no rows of a stream are held out; name those to score, a split or a "
            "file, in data.validation, or set training.eval_strategy: no"
        )
    rows = _streamed_rows(plan, recipe, tables["train"], limits)
    plan = replace(plan, train_dataset=rows).with_order(range(len(rows)), by="data.streaming")
    if not limits["truncation"]:
        return plan
    return plan.with_note(f"streamed rows of more than {limits['max_length']} tokens are cut, and not counted")


def _streamed_rows(plan: Plan, recipe: Recipe, head: Dataset, limits: dict[str, Any]) -> StreamedRows:
    from datasets import Features

    task, args = plan.task, plan.args
    if not isinstance(task, tasks.Streams):
        raise PlanError(f"{recipe.place('data.streaming')}: {recipe.task.type} needs all rows at once; take it out")
    parts = vars(plan.task.columns)
    read = set(_names(parts.values()))
    features = Features({name: feature for name, feature in head.features.items() if name in read})
    rules = tasks.rules_of(recipe.task)(recipe.data.columns, head, recipe.place)
    return StreamedRows(
        training_shards(recipe.data, recipe.place),
        features.arrow_schema,
        EncodeRows(task, rules, plan.processing_class, limits),
        seed=data_seed(args),
        shuffle_buffer=recipe.data.shuffle_buffer,
        rows_per_step=recipe.training.effective_batch_size or effective_batch_size(args, plan.model),
        num_steps=args.max_steps,
        texts=tuple(_names(value for part, value in parts.items() if part not in _NOT_READ)),
    )


def _names(columns: Any) -> Iterator[str]:
    """Names of columns, each given as one name, as several, or as None."""
    for value in columns:
        yield from (value,) if isinstance(value, str) else value or ()
