"""Data loaders whose rows are grouped or sorted by length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import datasets
import numpy as np
from torch.utils.data import DataLoader
from transformers.trainer_utils import EvalLoopOutput, EvalPrediction, has_length, seed_worker

from hf_efficient.data.batches import LengthBatches
from hf_efficient.data.epochs import InEpoch
from hf_efficient.data.stream import StreamedRows
from hf_efficient.errors import PlanError

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

_FIRST_ROWS: Final = 256
"""Rows of a stream among which the longest ones are looked for."""

Array = np.ndarray[Any, Any]


def grouped_dataloader(trainer: Trainer, sampler: LengthBatches | InEpoch) -> DataLoader[Any]:
    """The trainer's loader over its training rows with these batches, of which each process gets its turn.

    A batch sampler can't enter through the Trainer's sampler hook, which makes batches of what it gets
    (transformers 5.23), and accelerate must not even out batches that differ in size on purpose.
    """
    args, rows, collator = trainer.args, trainer.train_dataset, trainer.data_collator
    if isinstance(rows, datasets.Dataset):
        rows = trainer._remove_unused_columns(rows, description="training")
    else:
        collator = trainer._get_collator_with_removed_columns(collator, description="training")
    loader: DataLoader[Any] = DataLoader(
        rows,  # type: ignore[arg-type]
        batch_sampler=sampler,
        collate_fn=collator,
        num_workers=args.dataloader_num_workers,
        pin_memory=args.dataloader_pin_memory,
        persistent_workers=args.dataloader_persistent_workers,
        multiprocessing_context=args.dataloader_multiprocessing_context,
        prefetch_factor=args.dataloader_prefetch_factor,
        worker_init_fn=partial(seed_worker, num_workers=args.dataloader_num_workers, rank=args.process_index),
    )
    evened = trainer.accelerator.even_batches
    trainer.accelerator.even_batches = False
    try:
        prepared: DataLoader[Any] = trainer.accelerator.prepare(loader)
    finally:
        trainer.accelerator.even_batches = evened
    return prepared


def with_a_batch(loader: DataLoader[Any], trainer: Trainer) -> DataLoader[Any]:
    """The loader, if an epoch of it has a batch.

    Raises:
        PlanError: `dataloader_drop_last` leaves every row out.
    """
    args, rows = trainer.args, trainer.train_dataset
    if args.dataloader_drop_last and has_length(loader) and len(loader) == 0:
        raise PlanError(
            f"training.dataloader_drop_last leaves every row out: {len(rows)} training rows don't fill a batch of "  # type: ignore[arg-type]
            f"{args.train_batch_size} on each of {args.world_size} processes; set it to false, or take a smaller batch."
        )
    return loader


@contextmanager
def every_row(args: TrainingArguments) -> Iterator[None]:
    """Loaders made here leave no row out.

    transformers 5.23 means `dataloader_drop_last` for evaluations and predictions too, which would then score, or
    predict, fewer rows than it was given.
    """
    drops, args.dataloader_drop_last = args.dataloader_drop_last, False
    try:
        yield
    finally:
        args.dataloader_drop_last = drops


def longest_first(rows: Any) -> Array | None:
    """Row numbers from the longest row to the shortest, of a stream among the first; None where rows have no length."""
    if isinstance(rows, StreamedRows):
        first = rows.__getitems__(range(min(len(rows), _FIRST_ROWS)))
        return np.argsort([-row["length"] for row in first], kind="stable")
    if not isinstance(rows, datasets.Dataset) or "length" not in rows.column_names:
        return None
    order: Array = np.argsort(-np.asarray(rows["length"], dtype=np.int64), kind="stable")
    return order


def in_order(output: EvalLoopOutput, order: Array | None) -> EvalLoopOutput:
    """What a loop over sorted rows gave, in the order that the caller knows."""
    if order is None:
        return output
    inverse = np.argsort(order, kind="stable")
    return output._replace(
        predictions=_permuted(output.predictions, inverse), label_ids=_permuted(output.label_ids, inverse)
    )


def prediction_in_order(prediction: EvalPrediction, order: Array) -> EvalPrediction:
    """What metrics are computed from, in the order that the caller knows."""
    inverse = np.argsort(order, kind="stable")
    parts = (prediction.predictions, prediction.label_ids, prediction.inputs)
    predictions, labels, inputs = (_permuted(part, inverse) for part in parts)
    return EvalPrediction(predictions, labels, inputs=inputs, losses=prediction.losses)


def _permuted(arrays: Any, rows: Array) -> Any:
    if isinstance(arrays, (tuple, list)):
        return type(arrays)(_permuted(array, rows) for array in arrays)
    if isinstance(arrays, np.ndarray) and len(arrays) == len(rows):
        return arrays[rows]
    return arrays
