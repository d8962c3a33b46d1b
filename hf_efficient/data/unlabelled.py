"""Rows without labels, which only a teacher can answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hf_efficient.data.shards import Shards, read
from hf_efficient.data.source import open_source, usual_split
from hf_efficient.data.words import STARTS, align
from hf_efficient.errors import DataError
from hf_efficient.losses.supervised import IGNORED

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.recipe.data import DataSection

UNLABELLED: Final = "unlabelled"
"""What these rows are called beside the splits."""


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


def _stand_ins(train: Dataset, rows: Dataset) -> list[Any]:
    """Labels of the kind that the training rows have, one for each word where words are labelled."""
    if STARTS not in rows.column_names:
        return [train[0]["labels"]] * len(rows)
    aligned = zip(rows[STARTS][:], rows["length"][:], strict=True)
    return [align(starts, np.zeros(len(starts), dtype=np.int64), length, IGNORED) for starts, length in aligned]
