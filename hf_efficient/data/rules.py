"""What a task asks of the rows that it is given, before they are split and encoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hf_efficient.data.columns import read_texts, resolve_columns
from hf_efficient.data.labels import is_labelled, read_labels

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.recipe.data import Columns


class Rules(Protocol):
    """How the rows of a task are checked and stratified."""

    def check(self, table: Dataset, split: str, *, scored: bool) -> None:
        """Refuse rows that can't be used, while their numbers are still those of the file.

        `scored` rows need labels; public data sets often keep those of their test split.

        Raises:
            DataError: the first such row, with its number.
        """
        ...

    def strata(self, table: Dataset) -> list[Any] | None:
        """A value of each row by which a share of the rows is stratified; None where any share is like any other."""
        ...


@dataclass(frozen=True)
class LabelRules:
    """Rows with a label."""

    label: tuple[str, ...]

    def check_labels(self, table: Dataset, split: str, *, scored: bool) -> None:
        """Labels are there where rows are scored.

        Raises:
            DataError: the first row without one.
        """
        if scored or is_labelled(table, self.label):
            read_labels(table, self.label, split)

    def strata(self, table: Dataset) -> list[Any]:
        """The labels."""
        return read_labels(table, self.label, "train")


@dataclass(frozen=True)
class TextRules(LabelRules):
    """Rows of one text or a pair, with a label."""

    texts: tuple[str, ...]

    @classmethod
    def of(cls, columns: Columns, table: Dataset, place: Callable[[str], str]) -> TextRules:
        """The rules for tables like this one."""
        roles = resolve_columns(columns, table, place)
        return cls(roles.label, tuple(name for name in (roles.text, roles.text_pair) if name is not None))

    def check(self, table: Dataset, split: str, *, scored: bool) -> None:
        """Texts are texts, and labels are there where rows are scored."""
        for column in self.texts:
            read_texts(table, column, split)
        self.check_labels(table, split, scored=scored)
