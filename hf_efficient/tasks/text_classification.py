"""Text classification: one sentence or a pair, one label, several, or a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import DataCollatorWithPadding

from hf_efficient.data.columns import read_texts, resolve_columns
from hf_efficient.data.encode import Encoded, Texts, encode_texts
from hf_efficient.data.rules import TextRules
from hf_efficient.tasks.classification import Classification
from hf_efficient.tasks.row_by_row import RowByRow

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TextClassification(RowByRow, Classification):
    """The task, learnt from the training rows."""

    name = "text-classification"
    auto_model = "AutoModelForSequenceClassification"
    rules = TextRules.of
    resolve = staticmethod(resolve_columns)

    def encode_rows(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, split: str, cache: Path | None, **limits: Any
    ) -> Encoded:
        """Token ids of a text, or of two, and `length`; `labels` and `sample_weight` where the table has them."""
        second = self.columns.text_pair
        texts = Texts(
            read_texts(table, self.columns.text, split),
            None if second is None else read_texts(table, second, split),
        )
        encoded = encode_texts(texts, tokenizer, split=split, cache=cache, **limits)
        return Encoded(self.add_labels(encoded.dataset, table, split), encoded.num_truncated)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[Mapping[str, Any]]], Any]:
        """Batches padded to their longest row: the tokenizer's columns, `labels` and `sample_weight`."""
        return _Collator(DataCollatorWithPadding(tokenizer), self)


@dataclass(frozen=True)
class _Collator:
    pad: DataCollatorWithPadding
    task: Classification

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> Any:
        names = [name for name in self.pad.tokenizer.model_input_names if name in features[0]]
        batch = self.pad([{name: row[name] for name in names} for row in features])
        batch.update(self.task.side_columns(features))
        return batch
