"""Rows of a table with views for their texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from hf_efficient.techniques.augment.draws import Draws, Numbers
from hf_efficient.techniques.augment.label_keep import LabelKeeper, with_rows_instead
from hf_efficient.techniques.augment.texts import Augmenter, Views, views_of

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.data.train_rows import TrainRows


@dataclass(frozen=True)
class Made:
    """What was made: rows of views, and how many of them."""

    table: Dataset
    by: tuple[str, ...]
    """The augmenter of each view; none of those that are the rows themselves."""
    num_unchanged: int
    """Views that say what their row says."""
    num_too_long: int = 0
    """Those of them with a text that is too long for the augmenter's model."""
    num_dropped: int = 0
    """Views that were taken for another class, and are their row instead."""

    @classmethod
    def unchanged(cls, table: Dataset) -> Self:
        """Views that are the rows themselves."""
        return cls(table, (), len(table))


def columns_of(rows: TrainRows) -> list[str]:
    """The columns that views are made of: a text, both of a pair, or words; of a source and its target the source."""
    parts = (getattr(rows.columns, part, None) for part in ("text", "text_pair", "tokens"))
    return [name for name in parts if name is not None]


def in_one_piece(rows: TrainRows) -> TrainRows:
    """The same rows in the order of their numbers, so that columns are read at once; views are made of them often."""
    return replace(rows, table=_dataset(rows.table.with_format("arrow")[:], rows.table))


def _dataset(table: Any, like: Dataset) -> Dataset:
    """An Arrow table as a data set, whose fingerprint is no hash of all rows: that would take longer than views."""
    from datasets import Dataset
    from datasets.fingerprint import generate_random_fingerprint

    return Dataset(table.combine_chunks(), info=like.info, fingerprint=generate_random_fingerprint())


def make_views(rows: TrainRows, chosen: Numbers, augmenters: Mapping[str, Augmenter], epoch: int, copy: int) -> Made:
    """One view of each of the chosen rows; of a pair both texts change, each in its own way by the same augmenter."""
    names = list(augmenters)
    table = rows.table.with_format("arrow")[:]
    if len(chosen) < len(table):
        table = table.take(pa.array(chosen))
    made: list[Views] = []
    for number, name in enumerate(columns_of(rows)):
        column = table[name].combine_chunks()
        texts = column if pa.types.is_list(column.type) else column.cast(pa.string())
        views = views_of(texts, list(augmenters.values()), chosen, Draws(rows.seed, epoch, copy, number))
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), views.column.cast(column.type))
        made.append(views)
    by = tuple(names[augmenter] for augmenter in made[0].by.tolist())
    is_unchanged = reduce(pc.and_, (views.is_unchanged for views in made))
    is_too_long = pc.and_(is_unchanged, reduce(pc.or_, (views.is_too_long for views in made)))
    return Made(_dataset(table, rows.table), by, _num_true(is_unchanged), _num_true(is_too_long))


def _num_true(values: Any) -> int:
    return int(pc.sum(values).as_py() or 0)


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
        "by": dict(Counter(chain.from_iterable(part.by for part in views))),
        "unchanged": sum(part.num_unchanged for part in views),
        "too_long": sum(part.num_too_long for part in views),
        "dropped": sum(part.num_dropped for part in views),
    }
