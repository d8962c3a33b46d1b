"""Views of texts: each by one of the augmenters, drawn for the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hf_efficient.techniques.augment.draws import Draws, Numbers, Purpose
from hf_efficient.techniques.augment.words import WordAugmenter, Words

_BLOCK: Final = 50_000
"""Texts whose words are held in memory at a time."""


class TextAugmenter(Protocol):
    """What makes views of texts, given as Python's own strings."""

    def __call__(self, texts: Sequence[str], rows: Sequence[int], draws: Draws) -> Sequence[str | None]:
        """One view of each text, None where it is too long for the augmenter's model.

        `rows` are their numbers in the table, by which their random numbers are drawn.
        """
        ...


class Augmenter(Protocol):
    """What makes views of texts, or of lists of words, given as an Arrow array."""

    def __call__(self, column: Any, rows: Numbers, draws: Draws) -> Any:
        """One view of each, null where it is too long for the augmenter's model."""
        ...


@dataclass(frozen=True)
class OfStrings:
    """An augmenter of strings."""

    augmenter: TextAugmenter

    def __call__(self, column: Any, rows: Numbers, draws: Draws) -> Any:
        """One view of each text, null where it is too long."""
        return pa.array(self.augmenter(column.to_pylist(), rows.tolist(), draws), pa.string())


@dataclass(frozen=True)
class OfWords:
    """An augmenter of words; of lists of words it gives lists."""

    augmenter: WordAugmenter

    def __call__(self, column: Any, rows: Numbers, draws: Draws) -> Any:
        """One view of each text, or list."""
        starts = range(0, len(column), _BLOCK)
        return pa.concat_arrays([self._view(column[s : s + _BLOCK], rows[s : s + _BLOCK], draws) for s in starts])

    def _view(self, column: Any, rows: Numbers, draws: Draws) -> Any:
        if pa.types.is_list(column.type):
            return self.augmenter(Words.of_lists(column, rows), draws).lists()
        return self.augmenter(Words.of_texts(column, rows), draws).texts()


@dataclass(frozen=True)
class Views:
    """Views of a column, and how they came about."""

    column: Any
    """An Arrow array."""
    by: Numbers
    """Number of the augmenter that made each."""
    is_unchanged: Any
    """An Arrow array: whether each is what its row says."""
    is_too_long: Any
    """An Arrow array: whether each is its row since that is too long for the augmenter's model."""


def views_of(column: Any, augmenters: Sequence[Augmenter], rows: Numbers, draws: Draws) -> Views:
    """One view of each text, or list of words, of an Arrow array, by an augmenter drawn for its row.

    No view is empty: a text of which nothing is left, or which is too long, stays as it is.
    """
    by = replace(draws, column=0).below(np.full(len(rows), len(augmenters)), rows, 0, Purpose.AUGMENTER)
    parts, places = [], []
    for number, augmenter in enumerate(augmenters):
        chosen = np.flatnonzero(by == number)
        if len(chosen):
            parts.append(augmenter(column.take(pa.array(chosen)), rows[chosen], draws))
            places.append(chosen)
    views = pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate(places))))
    if pa.types.is_list(column.type):
        is_unchanged = pc.equal(pc.binary_join(views, " "), pc.binary_join(column, " "))
        return Views(views, by, is_unchanged, views.is_null())
    is_empty = pc.equal(pc.utf8_trim_whitespace(views), "")
    kept = pc.if_else(pc.fill_null(is_empty, True), column, views)
    return Views(kept, by, pc.equal(kept, column), views.is_null())
