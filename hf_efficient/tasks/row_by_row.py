"""Encoding of tasks whose rows don't depend on each other: a split at once, or some rows of a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_efficient.data import Encoded
from hf_efficient.data.columns import refuse_weightless

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


class RowByRow(ABC):
    """A task that says how rows are encoded, and by that encodes splits and streams."""

    columns: Any

    @abstractmethod
    def encode_rows(
        self,
        table: Dataset,
        tokenizer: PreTrainedTokenizerBase,
        split: str,
        cache: Path | None,
        *,
        max_length: int,
        truncation: bool,
    ) -> Encoded:
        """Token ids and `length`, kept in the folder `cache` if there is one; `labels` and `sample_weight` if known.

        Raises:
            DataError: a row that can't be used.
            PlanError: a tokenizer that can't be used.
        """

    def encode(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, /, *, max_length: int, truncation: bool, split: str
    ) -> Encoded:
        """The rows of a split, cached on disk.

        Raises:
            DataError: a row that can't be used, or no row has a weight above 0.
            PlanError: a tokenizer that can't be used.
        """
        from hf_efficient.assets.cache import cache_root

        cache = cache_root() / "encoded"
        encoded = self.encode_rows(table, tokenizer, split, cache, max_length=max_length, truncation=truncation)
        refuse_weightless(encoded.dataset, self.columns.weight, split)
        return encoded

    def encode_batch(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, /, *, max_length: int, truncation: bool, split: str
    ) -> Dataset:
        """Some rows of a stream, encoded likewise.

        Raises:
            DataError: a row that can't be used.
            PlanError: a tokenizer that can't be used.
        """
        return self.encode_rows(table, tokenizer, split, None, max_length=max_length, truncation=truncation).dataset
