"""Augmentation: views of the training rows, drawn from (seed, epoch, row, copy)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hf_efficient.measure import filling
from hf_efficient.techniques.augment.texts import Draws, views_of

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.data.train_rows import TrainRows
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.augment import Augment


def prepare(rows: TrainRows, section: Augment) -> TrainRows:
    """The rows with views of their texts: of one epoch, or of all of them one after another.

    Rows stand in the order of the table, those themselves first, then the first copy of each, and so on.
    """
    if not section.text_augmenters:
        return rows
    with filling():
        return _with_views(rows, section)


def apply(plan: Plan, section: Augment) -> Plan:
    """The plan with views of its images; texts have been augmented before they were encoded."""
    if not section.image_augmenters:
        return plan
    from hf_efficient.techniques.augment.images import with_views  # pillow is an optional package

    return with_views(plan, section)


def _with_views(rows: TrainRows, section: Augment) -> TrainRows:
    from datasets import concatenate_datasets

    num_epochs = rows.num_epochs if section.views == "fresh" else 1
    blocks = []
    for epoch in range(num_epochs):
        blocks += [rows.table] if section.originals else []
        blocks += [_copy(rows, section, epoch, copy) for copy in range(section.copies)]
    table = concatenate_datasets(blocks)
    return replace(rows, table=table, rows_per_epoch=len(table) // num_epochs if num_epochs > 1 else None)


def _copy(rows: TrainRows, section: Augment, epoch: int, copy: int) -> Dataset:
    """One view of each row."""
    if section.control:
        return rows.table
    table = rows.table
    for name in (rows.columns.text, rows.columns.text_pair):
        if name is not None:
            views = views_of(table[name][:], section.text_augmenters, Draws(rows.seed, epoch, copy))
            table = table.remove_columns(name).add_column(name, views).select_columns(rows.table.column_names)
    return table
