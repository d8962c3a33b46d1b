"""Rows without labels, which only a teacher can answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from hf_efficient.data.shards import Shards, read
from hf_efficient.data.source import open_source, usual_split
from hf_efficient.data.words import STARTS, align
from hf_efficient.errors import DataError
from hf_efficient.losses.rows import OF_VIEW
from hf_efficient.losses.supervised import IGNORED

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.recipe.data import DataSection

UNLABELLED: Final = "unlabelled"
"""What these rows are called beside the splits."""
UNLABELLED_VIEWS: Final = "views of unlabelled rows"


def load_unlabelled(section: DataSection, columns: Any, place: Callable[[str], str]) -> Dataset | None:
    """The rows of `data.unlabelled` without what `columns` says of labels and weights; None where none are named.

    Raises:
        RecipeError: there is no such split, file or data set.
        DataError: rows that can't be read, or none.
    """
    if section.unlabelled is None:
        return None
    table = read(_source(section, section.unlabelled, place))
    if len(table) == 0:
        raise DataError(f"{UNLABELLED}: expected rows, found none")
    return table.remove_columns([name for name in (*columns.label, columns.weight) if name in table.column_names])


def _source(section: DataSection, wanted: str, place: Callable[[str], str]) -> Shards:
    """A split of `data.name`; else a source of its own, its training rows or whatever it has."""
    if section.name is not None:
        splits = open_source(section.name, section.config, section.revision, place("data.name"))
        if wanted in splits:
            return splits[wanted]
    found = open_source(wanted, None, None, place("data.unlabelled"))
    return usual_split(found, "train") or next(iter(found.values()))


def append_unlabelled(train: Dataset, rows: Dataset) -> Dataset:
    """Encoded training rows, then encoded rows without labels, which weigh nothing in the labels' loss.

    They count as rows of a step: a labelled row weighs the same whichever rows share its step.
    """
    from datasets import concatenate_datasets

    if "sample_weight" not in train.column_names:
        train = train.add_column("sample_weight", [1.0] * len(train))
    rows = rows.add_column("sample_weight", [0.0] * len(rows)).add_column("labels", _stand_ins(train, rows))
    return concatenate_datasets([train, rows.select_columns(train.column_names).cast(train.features)])


def views_beside(rows: Dataset, views: Dataset, num_unlabelled: int, rows_per_epoch: int | None) -> Dataset:
    """Encoded training rows, and in columns of their own the views of those without labels.

    Args:
        rows: of all epochs, in each those without labels last.
        views: encoded likewise, once or for each epoch.
        num_unlabelled: rows without labels of an epoch.
        rows_per_epoch: rows of an epoch; None where the same rows come in each.
    """
    from datasets import Dataset, concatenate_datasets

    per_epoch = rows_per_epoch or len(rows)
    numbers = np.arange(len(rows))
    is_labelled = numbers % per_epoch < per_epoch - num_unlabelled
    place = np.cumsum(~is_labelled) - 1
    taken = pa.array(place % len(views), mask=is_labelled)
    columns = views.remove_columns([name for name in ("length", "sample_weight") if name in views.column_names])
    table = columns.with_format("arrow")[:].take(taken)
    beside = Dataset(table.rename_columns([f"{OF_VIEW}{name}" for name in table.column_names]))
    return concatenate_datasets([rows, beside], axis=1)


def _stand_ins(train: Dataset, rows: Dataset) -> list[Any]:
    """Labels of the kind that the training rows have, one for each word where words are labelled."""
    if STARTS not in rows.column_names:
        return [train[0]["labels"]] * len(rows)
    aligned = zip(rows[STARTS][:], rows["length"][:], strict=True)
    return [align(starts, np.zeros(len(starts), dtype=np.int64), length, IGNORED) for starts, length in aligned]
