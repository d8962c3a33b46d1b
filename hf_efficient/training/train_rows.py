"""The training rows of a run: prepared by techniques, encoded, and laid out epoch after epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hf_efficient.data.label_noise import with_label_noise
from hf_efficient.data.randomness import data_seed
from hf_efficient.data.train_rows import TrainRows
from hf_efficient.data.unlabelled import UNLABELLED, UNLABELLED_VIEWS, append_unlabelled, views_beside
from hf_efficient.errors import PlanError
from hf_efficient.models import encoding_limits
from hf_efficient.techniques import prepare_rows, techniques_of

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from transformers import TrainingArguments

    from hf_efficient.data import Encoded
    from hf_efficient.recipe import Recipe
    from hf_efficient.tasks.base import Task


def prepare(
    recipe: Recipe, args: TrainingArguments, task: Task, tables: DatasetDict, *, makes_views: bool
) -> TrainRows:
    """The training rows as the techniques leave them before they are encoded; a stream as it is."""
    rows = TrainRows(
        tables["train"],
        task.columns,
        seed=data_seed(args),
        place=recipe.place,
        epochs_of=partial(_num_epochs, recipe, args),
        task=task,
        device=args.device,
        makes_views=makes_views,
        unlabelled=tables.get(UNLABELLED),
    )
    if recipe.data.streaming:
        return rows
    return prepare_rows(noisy(rows, recipe), techniques_of(recipe))


def noisy(rows: TrainRows, recipe: Recipe) -> TrainRows:
    """The rows with as many wrong labels as the recipe says.

    Raises:
        PlanError: rows have no class, or several.
    """
    share, problem = recipe.data.label_noise, rows.task.facts()["problem"]
    if not share:
        return rows
    if problem != "single_label":
        raise PlanError(
            f"{recipe.place('data.label_noise')} can't take effect: only rows of one class each have a wrong one, and "
            f"this is a {problem} problem; take it out."
        )
    table = with_label_noise(rows.table, rows.columns.label[0], share, recipe.data.seed)
    note = f"data.label_noise: {round(share * len(table)):,} of {len(table):,} training labels were replaced"
    return replace(rows, table=table).with_note(note)


def _num_epochs(recipe: Recipe, args: TrainingArguments, num_rows: int) -> int:
    """Epochs of so many rows that the run begins, if a step has a fixed number of rows."""
    if args.max_steps <= 0:
        return math.ceil(args.num_train_epochs)
    given = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
    whole, rest = divmod(num_rows, recipe.training.effective_batch_size or given)
    # A rest with fewer rows than processes joins the step before it where batches are sorted by length.
    steps = whole + (rest >= args.world_size and not args.dataloader_drop_last)
    return math.ceil(args.max_steps / max(1, steps))


def with_unlabelled(rows_per_epoch: int | None, tables: DatasetDict) -> int | None:
    """Rows of an epoch when those without labels have joined each."""
    if rows_per_epoch is None or UNLABELLED not in tables:
        return rows_per_epoch
    return rows_per_epoch + len(tables[UNLABELLED])


def train_dataset(encoded: Mapping[str, Encoded], rows_per_epoch: int | None) -> Any:
    """The training rows, in each epoch those without labels last; None where they stream."""
    if "train" not in encoded:
        return None
    train = encoded["train"].dataset
    if UNLABELLED not in encoded:
        return train
    unlabelled = encoded[UNLABELLED].dataset
    rows = _in_epochs(append_unlabelled(train, unlabelled), len(train), rows_per_epoch)
    if UNLABELLED_VIEWS not in encoded:
        return rows
    per_epoch = None if rows_per_epoch is None else rows_per_epoch + len(unlabelled)
    return views_beside(rows, encoded[UNLABELLED_VIEWS].dataset, len(unlabelled), per_epoch)


def _in_epochs(rows: Dataset, num_labelled: int, rows_per_epoch: int | None) -> Dataset:
    """Rows of all epochs, then rows without labels, as an epoch's rows and those without labels, again and again."""
    if rows_per_epoch is None:
        return rows
    unlabelled = range(num_labelled, len(rows))
    starts = range(0, num_labelled, rows_per_epoch)
    return rows.select([row for start in starts for row in (*range(start, start + rows_per_epoch), *unlabelled)])


def encode_train(
    recipe: Recipe, task: Task, tables: DatasetDict, rows_per_epoch: int | None, tokenizer: Any, config: Any
) -> Dataset:
    """The training rows, in their order, as another model reads them."""
    from datasets import concatenate_datasets

    limits = encoding_limits(task, config, tokenizer, recipe.data, recipe.place)
    tables_read = {split: tables[split] for split in ("train", UNLABELLED) if split in tables}
    parts = [task.encode(table, tokenizer, split=split, **limits).dataset for split, table in tables_read.items()]
    taken = [*tokenizer.model_input_names, "length"]
    rows = concatenate_datasets([part.select_columns([n for n in taken if n in part.column_names]) for part in parts])
    return _in_epochs(rows, len(parts[0]), rows_per_epoch if len(parts) > 1 else None)
