"""Rows of a table with views for their texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from hf_efficient.techniques.augment.draws import Draws, Numbers
from hf_efficient.techniques.augment.label_keep import LabelKeeper, with_rows_instead
from hf_efficient.techniques.augment.texts import Augmenter, views_of

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.data.train_rows import TrainRows


@dataclass(frozen=True)
class Made:
    """What was made: rows of views, and how many of them."""

    table: Dataset
    by: Mapping[str, int]
    """Views of each augmenter."""
    num_unchanged: int
    """Views that say what their row says."""
    num_dropped: int = 0
    """Views that were taken for another class, and are their row instead."""

    @classmethod
    def unchanged(cls, table: Dataset) -> Self:
        """Views that are the rows themselves."""
        return cls(table, {}, len(table))


def columns_of(rows: TrainRows) -> list[str]:
    """The columns that views are made of: a text, both of a pair, or words; of a source and its target the source."""
    parts = (getattr(rows.columns, part, None) for part in ("text", "text_pair", "tokens"))
    return [name for name in parts if name is not None]


def make_views(rows: TrainRows, chosen: Numbers, augmenters: Mapping[str, Augmenter], epoch: int, copy: int) -> Made:
    """One view of each of the chosen rows; of a pair both texts change, each in its own way by the same augmenter."""
    table = rows.table if len(chosen) == len(rows.table) else rows.table.select(chosen)
    order = table.column_names
    unchanged, by = [], Counter[str]()
    for number, name in enumerate(columns_of(rows)):
        column = table.with_format("arrow")[:][name].combine_chunks()
        texts = column if pa.types.is_list(column.type) else column.cast(pa.string())
        views = views_of(texts, list(augmenters.values()), chosen, Draws(rows.seed, epoch, copy, number))
        table = _with_column(table, name, views.column.cast(column.type)).select_columns(order)
        unchanged.append(views.is_unchanged)
        by = Counter([list(augmenters)[augmenter] for augmenter in views.by.tolist()])
    return Made(table, by, pc.sum(reduce(pc.and_, unchanged)).as_py() or 0)


def _with_column(table: Dataset, name: str, column: Any) -> Dataset:
    """The table with another column of that name."""
    # Without its last column a table would have no rows.
    return table.add_column(f"view of {name}", column).remove_columns(name).rename_column(f"view of {name}", name)


def with_labels_kept(made: Made, rows: Dataset, keeper: LabelKeeper | None) -> Made:
    """The views, without those that are taken for another class than their row, which stands in their place."""
    if keeper is None:
        return made
    flipped = keeper.flips(rows, made.table)
    return replace(made, table=with_rows_instead(rows, made.table, flipped), num_dropped=int(flipped.sum()))


def facts_of(made: Iterable[Made]) -> dict[str, Any]:
    """What the report says of all views of a run."""
    views = list(made)
    return {
        "views": sum(len(part.table) for part in views),
        "by": dict(sum((Counter(part.by) for part in views), Counter())),
        "unchanged": sum(part.num_unchanged for part in views),
        "dropped": sum(part.num_dropped for part in views),
    }
