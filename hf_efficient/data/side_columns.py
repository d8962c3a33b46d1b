"""Columns beside those of a model: what another model reads of the rows, or what a row's view is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SideColumns:
    """A collator that adds columns of tokens, padded by themselves, to the batches of training rows."""

    collator: Callable[[Sequence[Mapping[str, Any]]], Any]
    prefix: str
    """What the names of the columns begin with."""
    tokenizer: Any
    """Pads them."""

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> Any:
        """The batch; a row that has nothing in these columns has padding alone."""
        batch = self.collator(features)
        columns = {name: name.removeprefix(self.prefix) for name in features[0] if name.startswith(self.prefix)}
        if columns:  # rows that are scored have none
            rows = [{column: row[name] for name, column in columns.items()} for row in features]
            padded = self.tokenizer.pad([self._or_padding(row) for row in rows], return_tensors="pt")
            batch.update({name: padded[column] for name, column in columns.items()})
        return batch

    def _or_padding(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        if row["input_ids"] is not None:
            return row
        return {column: [self.tokenizer.pad_token_id if column == "input_ids" else 0] for column in row}
